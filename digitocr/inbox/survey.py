"""Looking around before a run acts: the files of the folder, and the facts that each decision needs."""

from __future__ import annotations

import logging
import time
from collections.abc import Container, Iterator
from pathlib import Path

from digitocr.errors import FileAccessError, FileSizeError, InputError
from digitocr.inbox import names, scan
from digitocr.inbox.job import Hooks, Job
from digitocr.inbox.plan import Decision, Facts, is_wanted_again, known_by_time, plan
from digitocr.inbox.scan import FoundFile
from digitocr.inbox.stability import Still
from digitocr.records import READ, FileStatus
from digitocr.results import tables
from digitocr.results.publish import Shelf
from digitocr.store.ledger import Known, Ledger
from digitocr.store.spool import Spool

log = logging.getLogger(__name__)

_UNREACHABLE = "cannot be looked at: a link that leads nowhere, or no permission"


def find_files(job: Job, shelf: Shelf, ledger: Ledger, hooks: Hooks) -> Spool[FoundFile]:
    """Find the files that a run settles; nothing is written.

    Parameters
    ----------
    job : Job
    shelf : Shelf
    ledger : Ledger
    hooks : Hooks

    Returns
    -------
    Spool of FoundFile
        What is ready in the folder, and what ``--reprocess`` asks for of the files taken out of the inbox, by
        :func:`digitocr.inbox.scan.turn`.

    Raises
    ------
    FileAccessError
        If the folder cannot be listed.
    """
    files = _ready_files(job, hooks)
    for found in _put_away_files(job, shelf, ledger, files):
        files.add(found.source, found)
    in_turn = Spool[FoundFile]()
    for found in files:
        in_turn.add(scan.turn(found, is_inbox=job.is_inbox), found)
    return in_turn


def _ready_files(job: Job, hooks: Hooks) -> Spool[FoundFile]:
    left: list[Path] = []
    is_ready = hooks.is_ready or Still(job.settings.settle)
    every, ready = Spool[FoundFile](), Spool[FoundFile]()
    for found in scan.walk(job.folder, left.append, own=job.settings.own_folders, is_inbox=job.is_inbox):
        every.add(found.source, found)
    for found in every:  # only now that all were looked at: those touched just now are waited for together
        if is_ready(found):
            ready.add(found.source, found)
    if len(ready) < len(every) and hooks.is_ready is None:
        log.info("%d files are still being written; left for the next run", len(every) - len(ready))
    for path in sorted(left):
        log.warning(
            "%s: not followed, as it is a link to nothing or out of the folder", names.printable(str(path))
        )
    return ready


def _put_away_files(job: Job, shelf: Shelf, ledger: Ledger, ready: Container[str]) -> Iterator[FoundFile]:
    """Yield the files to be read again that were taken out of the inbox; they are read where they lie."""
    if not (job.is_inbox and job.settings.reprocess):
        return
    for known in ledger.known(shelf.job):
        if is_wanted_again(job, known):
            path = _place(job, known)
            if path.is_file():
                yield scan.look_at(path, known.source)
            elif known.source not in ready:
                log.warning("%s: not read again, because it is no longer in %s", known.file, path.parent)


def _place(job: Job, known: Known) -> Path:
    s = job.settings
    return (s.failed if known.status == FileStatus.FAILED else s.archive) / known.file


def look(job: Job, shelf: Shelf, ledger: Ledger, found: FoundFile, claimed: Container[int]) -> Facts:
    """Gather the facts that decide what becomes of a file; its content is hashed if it has to be.

    Parameters
    ----------
    job : Job
    shelf : Shelf
    ledger : Ledger
    found : FoundFile
    claimed : container of int
        Ids of the files that this run has claimed so far.

    Returns
    -------
    Facts
    """
    # a file that is moved away must be the one that was read: size and time are no proof of that
    same_source = [] if job.is_inbox else ledger.of_source(shelf.job, found.source)
    trusted = known_by_time(found, same_source)
    if trusted is not None:
        sha256, trouble, checked_ns = trusted.sha256, None, trusted.checked_ns
    else:
        checked_ns = time.time_ns()
        sha256, trouble = _hashed(found, job.settings.max_bytes)
        same_source = ledger.of_source(shelf.job, found.source)
    same_content = ledger.of_content(shelf.job, sha256) if sha256 else []
    known = {k.id: k for k in (*same_source, *same_content)}
    return Facts(
        found=found,
        sha256=sha256,
        trouble=trouble,
        checked_ns=checked_ns,
        same_source=tuple(same_source),
        same_content=tuple(same_content),
        complete=frozenset(i for i, k in known.items() if k.status in READ and _has_tables(shelf, k)),
        claimed=frozenset(i for i in known if i in claimed),
    )


def _hashed(found: FoundFile, max_bytes: int) -> tuple[str, InputError | None]:
    """Return the hash of the content, or '' and why there is none."""
    if found.is_folder:
        return "", FileAccessError("cannot be looked into", hint="let digitocr read this folder")
    if found.mtime_ns < 0:
        return "", FileAccessError(_UNREACHABLE)
    if found.size > max_bytes:  # asked before all of it is read: it may be a terabyte of nothing
        return "", FileSizeError(f"its {found.size:,} bytes are more than the limit of {max_bytes:,}")
    try:
        return scan.digest(found.path), None
    except FileAccessError as error:
        return "", error


def _has_tables(shelf: Shelf, known: Known) -> bool:
    try:
        return all(path.is_file() for path in tables.table_paths(shelf.results, known.file))
    except OSError:  # out of reach
        return False


def preview(job: Job) -> Iterator[Decision]:
    """Decide what a run would do with each file, without writing anything or waiting for files to be still.

    Parameters
    ----------
    job : Job

    Yields
    ------
    Decision

    Raises
    ------
    FileAccessError
        If the folder cannot be listed.
    """
    s = job.settings
    with Ledger(s.ledger, read_only=True) as ledger:
        shelf = Shelf(ledger.find_job(s.results) or 0, s.results, s.review, s.state)
        files = find_files(job, shelf, ledger, Hooks(is_ready=Still(0)))
        yield from plan(job, (look(job, shelf, ledger, found, ()) for found in files), set())
