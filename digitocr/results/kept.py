"""What of the ledger lies beside the tables: which ledger wrote them, and what was read in each file.

The ledger can be lost, be an older copy or belong to other results. The tables over all files are made from it alone,
so each of these would replace them by fewer rows. A small file in the results folder says which ledger wrote them, and
how often: see :func:`find_job`. From the readings beside it :mod:`digitocr.inbox.rebuild` makes the ledger again.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from digitocr import atomic
from digitocr.errors import LedgerError
from digitocr.results import tables
from digitocr.store.ledger import Ledger
from digitocr.store.records import Known, Outcome

FOLDER = ".ledger"
"""Folder within the results folder."""

TEMPLATES = f"{FOLDER}/templates"
_READINGS = f"{FOLDER}/readings"
_WRITER = f"{FOLDER}/writer.json"


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote the tables of a results folder.

    Attributes
    ----------
    ledger : str
        Identity of the ledger.
    job : int
        Of the ledger.
    edition : int
        How often the ledger had written the tables over all files.
    folders : tuple of str
        The folders that were read, relative to the results folder, the latest first.
    """

    ledger: str
    job: int
    edition: int
    folders: tuple[str, ...] = ()


def sign(results: Path, ledger: Ledger, job: int) -> None:
    """Say in a results folder which ledger wrote its tables; for when they are written.

    Parameters
    ----------
    results : Path
    ledger : Ledger
    job : int

    Raises
    ------
    OutputError
    """
    folders = tuple(
        folder if isinstance(folder, str) else os.path.relpath(folder, results.resolve())
        for folder in ledger.folders(job)
    )
    writer = Writer(ledger.jobs.ledger, job, ledger.jobs.edition(job), folders)
    # if a power failure takes it away, an earlier one is left, which is no mistake
    atomic.write(results / _WRITER, (json.dumps(asdict(writer)) + "\n").encode(), durable=False)


def writer_of(results: Path) -> Writer | None:
    """Return who wrote the tables of a results folder.

    Parameters
    ----------
    results : Path

    Returns
    -------
    Writer or None
        None if it does not say: it is empty, or an earlier release wrote it.
    """
    try:
        found = json.loads((results / _WRITER).read_text(encoding="utf-8"))
        return Writer(str(found["ledger"]), int(found["job"]), int(found["edition"]), tuple(found["folders"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find_job(ledger: Ledger, results: Path) -> int | None:
    """Return the job of a results folder, also if the folder was moved since.

    Parameters
    ----------
    ledger : Ledger
    results : Path

    Returns
    -------
    int or None
        None if nothing was written there yet.

    Raises
    ------
    LedgerError
        If another ledger wrote the tables there, or this one in a later state: it would replace them by what it knows.
    """
    job, writer = ledger.find_job(results), writer_of(results)
    if writer is None:
        if _has_rows(results / tables.ALL_FILES) and not (job and ledger.statuses(job)):
            raise LedgerError(f"the tables in {results} were written with another ledger; this one is new")
        return job
    if writer.ledger != ledger.jobs.ledger:
        raise LedgerError(f"the tables in {results} were written with another ledger")
    if writer.edition > ledger.jobs.edition(writer.job):
        raise LedgerError(f"the tables in {results} were written with a later state of this ledger")
    if job is None:
        first = ledger.jobs.results(writer.job)
        if writer_of(first) is not None:
            raise LedgerError(f"{results} is a copy of {first}", hint="name another folder with --results")
        return writer.job
    if job != writer.job:
        raise LedgerError(f"the tables in {results} are those of {ledger.jobs.results(writer.job)}")
    return job


def take_job(ledger: Ledger, results: Path) -> int:
    """Return the job of a results folder, new or known, and note where the folder lies now.

    Parameters
    ----------
    ledger : Ledger
    results : Path

    Returns
    -------
    int

    Raises
    ------
    LedgerError
        As for :func:`find_job`.
    """
    job = find_job(ledger, results)
    if job is None:
        return ledger.jobs.make(results)
    ledger.jobs.move(job, results)
    return job


def _has_rows(table: Path) -> bool:
    try:
        with table.open("rb") as lines:
            return len(lines.readlines(2)) > 0 and bool(lines.readline())
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class KeptReading:
    """What was read in a file, as the ledger holds it.

    Attributes
    ----------
    file : str
        Name in the tables.
    source, sha256, model, settings : str
        As in :class:`digitocr.store.records.Known`.
    pages : int
    seconds : float
    at : float
        When it was written, in seconds since 1970.
    reading : bytes
        What the program read, before any correction.
    """

    file: str
    source: str
    sha256: str
    model: str
    settings: str
    pages: int
    seconds: float
    at: float
    reading: bytes


def keep(results: Path, known: Known, outcome: Outcome) -> None:
    """Keep beside the tables what was read in a file.

    Parameters
    ----------
    results : Path
    known : Known
    outcome : Outcome

    Raises
    ------
    OutputError
    """
    head = {"file": known.file, "source": known.source, "sha256": known.sha256}
    head |= {name: getattr(outcome, name) for name in ("model", "settings", "pages", "seconds")}
    content = json.dumps(head).encode() + b"\n" + (outcome.reading or b"")
    atomic.write(_place(results, known.file), content, durable=False)


def drop(results: Path, file: str) -> None:
    """Drop what was kept of a file.

    Parameters
    ----------
    results : Path
    file : str
        Name in the tables.
    """
    _place(results, file).unlink(missing_ok=True)


def readings(results: Path) -> Iterator[KeptReading]:
    """Yield what was kept of each file; what is damaged is left out.

    Parameters
    ----------
    results : Path

    Yields
    ------
    KeptReading
    """
    for path in sorted((results / _READINGS).glob("*/*")):
        try:
            head, _, reading = path.read_bytes().partition(b"\n")
            zlib.decompress(reading)  # fails for one that a power failure cut off
            yield KeptReading(**json.loads(head), at=path.stat().st_mtime, reading=reading)
        except (OSError, ValueError, TypeError, zlib.error):
            continue


def _place(results: Path, file: str) -> Path:
    # names of files may be those of folders elsewhere, and there may be very many
    name = hashlib.sha256(file.encode()).hexdigest()
    return results / _READINGS / name[:2] / name
