"""Status of an inbox: what waits, what failed, the last run, who runs, and the room left on the disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitocr.errors import LedgerError
from digitocr.inbox.archive import failed_files
from digitocr.inbox.heartbeat import watcher
from digitocr.inbox.lock import holder
from digitocr.inbox.scan import FoundFile, scan
from digitocr.results import kept
from digitocr.settings import Settings
from digitocr.store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Status:
    """Status of an inbox; the keys of ``digitocr status --json``.

    Attributes
    ----------
    inbox : int
        Files that wait to be read.
    oldest : float
        Age of the oldest of them, in seconds.
    review : int
        Numbers that wait for a person; a page without any counts as one.
    failed : int
        Files in the folder of failed files.
    files : dict of str to int
        Files in the ledger, by the status of their last reading.
    runs : int
        Runs so far that had anything to do.
    last_run : dict
        started, ended ('' if it was killed or still runs) and the keys of ``--json``; empty before the first run.
    stuck : dict of str to str
        Files that were read but cannot be moved out of the inbox, with the reasons.
    trouble : str
        Why the ledger does not fit the results; '' if it does.
    holder : dict
        Who runs now: pid, host, purpose, since; empty if no one does.
    free : dict of str to int
        Bytes free on the disk of each folder the program writes to.
    watcher : dict
        Who watches the folder: pid, host, folder, since, looked (when it last looked); empty if no one does.
    """

    inbox: int
    oldest: float
    review: int
    failed: int
    files: dict[str, int]
    runs: int
    last_run: dict[str, Any]
    stuck: dict[str, str]
    trouble: str
    holder: dict[str, Any]
    free: dict[str, int]
    watcher: dict[str, Any]


def read_status(settings: Settings, ledger: Ledger) -> Status:
    """Look at the inbox, the ledger and the disk; nothing is written.

    Parameters
    ----------
    settings : Settings
    ledger : Ledger

    Returns
    -------
    Status

    Raises
    ------
    FileAccessError
        If the inbox cannot be listed.
    """
    s = settings
    waiting = scan(s.inbox, own=s.own_folders, is_inbox=True)[0] if s.inbox.is_dir() else []
    job = ledger.find_job(s.results)
    runs = ledger.runs(job, 1) if job else []
    last = {"started": runs[0].started, "ended": runs[0].ended} | runs[0].summary if runs else {}
    return Status(
        inbox=len(waiting),
        oldest=round(_oldest_age(waiting), 1),
        review=ledger.items.count_waiting(job) if job else 0,
        failed=len(failed_files(s.failed)),
        files={status or "seen": n for status, n in sorted(ledger.statuses(job or 0).items())},
        runs=runs[0].id if runs else 0,
        last_run=last,
        stuck={k.source: k.stuck for k in ledger.stuck(job or 0) if (s.inbox / k.source).exists()},
        trouble=_trouble(ledger, s.results),
        holder=holder(s.state),
        free={f.as_posix(): shutil.disk_usage(f).free for f in s.own_folders if f.is_dir()},
        watcher=watcher(s.state),
    )


def _trouble(ledger: Ledger, results: Path) -> str:
    try:
        kept.find_job(ledger, results)
    except LedgerError as error:
        return str(error)
    return ""


def _oldest_age(files: Iterable[FoundFile]) -> float:
    return max((time.time() - f.mtime_ns / 1e9 for f in files if f.mtime_ns > 0), default=0.0)
