"""What becomes of a file after it was read or given up: its tables, and its place on the disk."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from digitocr import atomic
from digitocr.errors import (
    DigitocrError,
    NameRefusedError,
    NotMovedError,
    OutputError,
    ReplacedError,
)
from digitocr.inbox import archive, scan
from digitocr.inbox.job import Job
from digitocr.inbox.plan import ATTEMPTS, was_read_with
from digitocr.inbox.reasons import reason_of
from digitocr.inbox.scan import FoundFile
from digitocr.inbox.stability import age
from digitocr.records import READ, FileStatus, Reading
from digitocr.results import kept, publish, tables
from digitocr.results.publish import Shelf
from digitocr.store.ledger import Known, Ledger, Outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A file that a run has claimed: as it was found, and its ledger entry."""

    found: FoundFile
    known: Known


class Postponed(StrEnum):
    """Why the next run takes a file that was read in this one."""

    CHANGED = "changed while it was read"
    ARRIVING = "cannot be decoded yet"
    AWAY = "the folder is not there any more"
    """A network drive that went away: to try its files was no attempt."""


def postponed(
    job: Job, ledger: Ledger, claimed: Claimed, reading: Reading, patience: float
) -> Postponed | None:
    """Tell whether a reading must not be recorded, because the file was not whole or was replaced.

    Parameters
    ----------
    job : Job
    ledger : Ledger
    claimed : Claimed
    reading : Reading
    patience : float
        Seconds a file of the inbox that cannot be decoded must have been still to count as whole.

    Returns
    -------
    Postponed or None
        None if the reading stands.
    """
    found = claimed.found
    if reading.result.sha256 not in ("", claimed.known.sha256):
        return Postponed.CHANGED
    seen = scan.look_again(found)
    if seen.mtime_ns >= 0 and seen != found:
        return Postponed.CHANGED
    is_bad = reading.result.status in (FileStatus.FAILED, FileStatus.PARTIAL)
    if not (is_bad and job.is_inbox and age(found) < patience):
        return None
    # its times may come from a clock that is ahead of ours
    waited = ledger.claims.waited(found.source, found.size, found.mtime_ns)
    return Postponed.ARRIVING if waited < patience else None


def write_results(job: Job, shelf: Shelf, ledger: Ledger, known: Known, reading: Reading) -> Outcome:
    """Write the tables and pictures of a file that was read.

    Parameters
    ----------
    job : Job
    shelf : Shelf
    ledger : Ledger
    known : Known
    reading : Reading

    Returns
    -------
    Outcome
        For the ledger; a failure if the system refuses the names of the tables, or to write these.

    Raises
    ------
    OutputError
        If there is no space, or no permission to write any results.
    """
    result = replace(reading.result, sha256=known.sha256)
    try:
        return _written(job, shelf, ledger, known, replace(reading, result=result))
    except NameRefusedError as error:
        return failure(error.code, str(error))
    except OutputError as error:
        if not _concerns_one_file(shelf, error):
            raise
        return failure(error.code, str(error))


def _concerns_one_file(shelf: Shelf, error: OutputError) -> bool:
    """Tell whether other files can be written: only a folder or table of this one refuses."""
    common = (shelf.results, shelf.review, shelf.review / "crops", shelf.state)
    is_refused = isinstance(error.__cause__, PermissionError)
    return is_refused and all(atomic.can_write_in(folder) for folder in common if folder.exists())


def _written(job: Job, shelf: Shelf, ledger: Ledger, known: Known, reading: Reading) -> Outcome:
    result = reading.result
    if known.status in READ and not was_read_with(job, known):
        tables.keep_old_tables(shelf.results, known.file, known.processed_at.replace(":", ""))
    outcome, items = publish.write_reading(shelf, ledger, known, result)
    outcome = replace(outcome, model=job.model, settings=job.reading)
    if result.status in READ:
        from digitocr.results import pictures

        pictures.write_crops(shelf.review, reading.shown, items)
        if job.settings.annotate:
            pictures.write_annotated(shelf.results, known.file, reading.shown)
        kept.keep(shelf.results, known, outcome)
    return outcome


def failure(code: str, message: str) -> Outcome:
    """Return the outcome of a file that is given up.

    Parameters
    ----------
    code : str
        Code of the error.
    message : str

    Returns
    -------
    Outcome
    """
    may_pass = code in publish.MAY_PASS
    return Outcome(FileStatus.FAILED.value, error_code=code, error=message, may_pass=may_pass)


class Place(StrEnum):
    """Where a settled file of the inbox belongs."""

    ARCHIVE = "archive"
    FAILED = "failed"
    INBOX = "inbox"
    """It failed, but may be read on another attempt."""


def place_of(outcome: Outcome, attempts: int) -> Place:
    """Tell where a settled file of the inbox belongs.

    Parameters
    ----------
    outcome : Outcome
    attempts : int
        Readings begun since the last outcome.

    Returns
    -------
    Place
    """
    if outcome.status != FileStatus.FAILED:
        return Place.ARCHIVE
    if outcome.error_code in publish.MAY_PASS and attempts < ATTEMPTS:
        return Place.INBOX
    return Place.FAILED


def put_in_place(job: Job, claimed: Claimed, outcome: Outcome) -> str:
    """Move a settled file of the inbox to its place; any other folder is left as it was.

    Parameters
    ----------
    job : Job
    claimed : Claimed
    outcome : Outcome

    Returns
    -------
    str
        Why it cannot be moved, '' if it does not have to stay.
    """
    found = claimed.found
    place = place_of(outcome, claimed.known.attempts)
    if not job.is_inbox or isinstance(found.path, str) or place is Place.INBOX:
        return ""
    try:
        if scan.look_again(found) != found or not os.path.lexists(found.path):
            return ""  # gone or replaced by now: the next run sees to it
        _move(job, claimed, found.path, outcome, place)
    except ReplacedError as error:
        log.warning("%s: left where it is: %s", found.source, error)
    except (DigitocrError, OSError) as error:
        return str(error)
    return ""


def _move(job: Job, claimed: Claimed, path: Path, outcome: Outcome, place: Place) -> None:
    s, found, known = job.settings, claimed.found, claimed.known
    if place is Place.ARCHIVE:
        target = archive.put_away(path, s.archive, known.file, known.sha256)
        if s.failed in path.parents:  # it failed before, and no longer lies there
            reason_of(path).unlink(missing_ok=True)
    else:
        if found.size > s.max_bytes and path.lstat().st_dev != _device(s.failed):
            raise NotMovedError("it is too large to be moved to another disk", hint="move it yourself")
        target = archive.quarantine(
            *(path, s.failed, known.file, known.sha256),
            code=outcome.error_code,
            message=outcome.error,
            attempts=max(1, known.attempts),
        )
    moved = scan.look_at(target, found.source)
    is_same = (moved.size, moved.mtime_ns) == (found.size, found.mtime_ns)
    if not is_same and scan.digest(target) != known.sha256:
        # replaced just before the move: the new content was not read yet
        archive.restore(target, path)


def _device(folder: Path) -> int:
    """Return the number of the disk that a folder lies on, or will when it is made."""
    return next(one for one in (folder.resolve(), *folder.resolve().parents) if one.exists()).stat().st_dev
