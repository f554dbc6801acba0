"""Retention: originals, crops and readings are removed after the days that the settings give; by default never."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from digitocr import atomic
from digitocr.errors import DigitocrError
from digitocr.inbox.archive import files_in
from digitocr.inbox.lock import only_runner
from digitocr.inbox.scan import digest
from digitocr.records import READ, FileStatus
from digitocr.results import kept
from digitocr.settings import Settings
from digitocr.store.ledger import Known, Ledger
from digitocr.store.records import shown

DAY_S = 86_400.0

PUT_AWAY = READ | {FileStatus.DUPLICATE}
"""Files of these statuses go to the archive."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed; the keys of ``digitocr housekeeping --json``.

    Attributes
    ----------
    originals : int
        Files in the archive.
    crops : int
        Pictures for review.
    readings : int
        Readings in the ledger.
    leftovers : int
        Unfinished files that a kill left behind.
    troubles : list of str
        Why a file could not be removed, one message each.
    """

    originals: int = 0
    crops: int = 0
    readings: int = 0
    leftovers: int = 0
    troubles: list[str] = field(default_factory=list)


def apply_retention(settings: Settings, ledger: Ledger) -> Removed:
    """Remove what is older than the settings keep it, and what kills left behind.

    Nothing of a file that waits for a person is removed, whatever its age. An original is removed only if its content
    is the one that was read.

    Parameters
    ----------
    settings : Settings
    ledger : Ledger

    Returns
    -------
    Removed

    Raises
    ------
    BusyError
        If another process is the runner.
    """
    job = ledger.find_job(settings.results)
    if job is None:
        return Removed()
    troubles: list[str] = []
    with only_runner(settings.state, settings.inbox, "housekeeping"):
        return Removed(
            originals=_remove_originals(settings, ledger.known(job), troubles),
            crops=_remove_crops(settings, ledger, troubles),
            readings=_remove_readings(settings, ledger, job),
            leftovers=_remove_leftovers(settings, troubles),
            troubles=troubles,
        )


def days_ago(days: float) -> str:
    """Return a time in the past.

    Parameters
    ----------
    days : float

    Returns
    -------
    str
        UTC, ISO 8601, whole seconds, as in the ledger.
    """
    return shown(datetime.now(UTC) - timedelta(days=days))


def _remove_originals(settings: Settings, files: Iterable[Known], troubles: list[str]) -> int:
    if settings.keep_archive_days is None:
        return 0
    before = days_ago(settings.keep_archive_days)

    def remove(known: Known) -> bool:
        path = settings.archive / known.file
        if known.status not in PUT_AWAY or known.review or not "" < known.processed_at < before:
            return False
        if not path.is_file() or digest(path) != known.sha256:
            return False
        path.unlink()
        return True

    return sum(_unless_denied(partial(remove, known), troubles) for known in files)


def _remove_crops(settings: Settings, ledger: Ledger, troubles: list[str]) -> int:
    if settings.keep_crops_days is None:
        return 0
    wanted = ledger.items.all_waiting()
    pictures = (path for path in files_in(settings.review / "crops") if path.suffix == ".png")
    return _remove_old(
        (path for path in pictures if path.stem not in wanted), settings.keep_crops_days, troubles
    )


def _remove_readings(settings: Settings, ledger: Ledger, job: int) -> int:
    if settings.keep_ledger_days is None:
        return 0
    removed = ledger.settle(job, days_ago(settings.keep_ledger_days))
    for known in ledger.known(job):
        if not ledger.published.has_reading(job, known.id):
            kept.drop(settings.results, known.file)
    ledger.database.compact()
    return removed


def _remove_leftovers(settings: Settings, troubles: list[str]) -> int:
    s = settings
    files = (path for folder in (s.results, s.review, s.archive, s.failed) for path in files_in(folder))
    return _remove_old((path for path in files if path.name.endswith(atomic.PARTIAL)), 1, troubles)


def _remove_old(paths: Iterable[Path], days: float, troubles: list[str]) -> int:
    def remove(path: Path) -> bool:
        if time.time() - path.stat().st_mtime < days * DAY_S:
            return False
        path.unlink(missing_ok=True)
        return True

    return sum(_unless_denied(partial(remove, path), troubles) for path in paths)


def _unless_denied(act: Callable[[], bool], troubles: list[str]) -> bool:
    try:
        return act()
    except (OSError, DigitocrError) as error:
        troubles.append(str(error))
        return False
