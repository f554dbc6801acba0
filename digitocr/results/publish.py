"""Publishing: the tables of a file, made from its reading and corrections, and the tables over all files."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from digitocr import atomic
from digitocr.errors import FileAccessError, OutputError, UsageError
from digitocr.forms import template_file
from digitocr.forms.release import released
from digitocr.forms.template import Template
from digitocr.records import FileResult, FileStatus
from digitocr.results import forms, overlay, queue_file, tables
from digitocr.results.items import Item, items, queue_row
from digitocr.settings import Settings
from digitocr.store.ledger import Ledger
from digitocr.store.records import Known, Outcome, now

_RESULT = TypeAdapter(FileResult)
FAULT = "error"
"""Code of an unexpected error: a fault of the program or of a library."""
MAY_PASS = frozenset({FAULT, FileAccessError.code})
"""Errors after which a file is tried again, up to a number of attempts."""

TEMPLATES = "templates"
"""Folder within the state folder, with the templates of the forms that were read."""

_TYPED = len(tables.QUEUE) - 2
"""From this column on, people fill in the queue."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folders of a job, and its id in the ledger."""

    job: int
    results: Path
    review: Path
    state: Path


_threads = threading.Lock()  # waiting for a file lock is polling, which threads of one process need not do


@contextmanager
def writing(shelf: Shelf) -> Iterator[None]:
    """Hold the lock of the tables: a run and `apply_review` may overlap.

    Parameters
    ----------
    shelf : Shelf

    Yields
    ------
    None

    Raises
    ------
    OutputError
        The state folder cannot be written.
    """
    with _threads:
        try:
            atomic.make_folder(shelf.state, atomic.PRIVATE)
            lock = FileLock(shelf.state / "tables.lock")
            lock.acquire()
        except OSError as error:
            refusal = atomic.cannot_write(shelf.state, error)
            raise refusal from error
        try:
            yield
        finally:
            lock.release()


def write_reading(
    shelf: Shelf, ledger: Ledger, known: Known, result: FileResult
) -> tuple[Outcome, list[Item]]:
    """Write the tables of a file that was just read, with the corrections made to it before.

    Parameters
    ----------
    shelf : Shelf
    ledger : Ledger
    known : Known
    result : FileResult

    Returns
    -------
    outcome : Outcome
        For the ledger.
    items : list of Item
        What is or was for review.
    """
    if result.status is FileStatus.FAILED:
        code = result.error_code or FAULT
        failed = Outcome(result.status.value, error_code=code, error=result.error, seconds=result.seconds)
        return replace(failed, may_pass=code in MAY_PASS), []
    outcome, found = _write(shelf, ledger, known, result)
    stored = _RESULT.dump_json(replace(result, file=known.file))
    return replace(outcome, reading=zlib.compress(stored), seconds=result.seconds), found


def refresh(shelf: Shelf, ledger: Ledger) -> int:
    """Write the tables of files whose corrections they do not show yet.

    Parameters
    ----------
    shelf : Shelf
    ledger : Ledger

    Returns
    -------
    int
        How many files.
    """
    stale = ledger.published.stale(shelf.job)
    for known in map(ledger.file, stale):
        newest = ledger.corrections.newest(known.id)
        outcome, _ = _write(shelf, ledger, known, stored_result(ledger, known))
        ledger.published.refresh(shelf.job, known.id, outcome, newest)
    return len(stale)


def stored_result(ledger: Ledger, known: Known) -> FileResult:
    """Return what the program read in a file, before any correction.

    Parameters
    ----------
    ledger : Ledger
    known : Known

    Returns
    -------
    FileResult

    Raises
    ------
    OutputError
        The reading is damaged.
    """
    try:
        return _RESULT.validate_json(zlib.decompress(ledger.published.reading(known.id)))
    except (ValidationError, zlib.error) as error:
        raise OutputError(f"what was read in {known.file} is damaged in the ledger: {error}") from None


def publish(shelf: Shelf, ledger: Ledger, *, settled: frozenset[str] = frozenset()) -> None:
    """Write the tables over all files: files, numbers, the queue, and the corrections if there are any.

    Parameters
    ----------
    shelf : Shelf
    ledger : Ledger
    settled : frozenset of str
        Rows of the queue whose corrections are in the ledger; other rows that were filled in are kept.
    """
    ledger.published.begin(shelf.job)
    tables.write_all_numbers(shelf.results, ledger.published.number_lines(shelf.job))
    tables.write_files(shelf.results, file_rows(ledger.known(shelf.job)))
    forms.write(shelf.results, forms.stored(ledger, shelf.job), _known_forms(shelf))
    _write_queue(shelf, ledger, settled)
    audit = ledger.corrections.all(shelf.job)
    if audit:
        rows = ((c.at, c.who, c.review_id, file, c.kind, c.old, c.new) for file, c in audit)
        tables.write_audit(shelf.review, rows)
    ledger.published.end(shelf.job)


def _write(shelf: Shelf, ledger: Ledger, known: Known, machine: FileResult) -> tuple[Outcome, list[Item]]:
    current = _released(shelf, overlay.corrected(machine, ledger.corrections.of(known.id)))
    found = items(machine, current, known.file)
    lines = tables.write_tables(shelf.results, current, known.file)
    numbers = [number for _, _, number in tables.counted(current)]
    outcome = Outcome(
        status=current.status.value,
        error_code=current.error_code,
        error=current.error,
        pages=len(current.pages),
        numbers=len(numbers),
        digits=sum(len(number.digits) for number in numbers),
        review=len({(i.queued.page, i.queued.number) for i in found if i.queued.waits}),
        number_lines=lines,
        form_rows=forms.dumps(
            forms.row(known.file, page, _template(shelf, page.template))
            for page in current.pages
            if page.template
        ),
        items=tuple(item.queued for item in found),
    )
    return outcome, found


def keep_templates(shelf: Shelf, forms: Iterable[Template]) -> None:
    """Keep the templates that forms are read with: later corrections are checked by their rules as well.

    Parameters
    ----------
    shelf : Shelf
    forms : iterable of Template
        The forms of a run.
    """
    for form in forms:
        template_file.dump(form, shelf.state / TEMPLATES / f"{form.name}.yaml")


def _released(shelf: Shelf, current: FileResult) -> FileResult:
    forms = {page.template: _template(shelf, page.template) for page in current.pages if page.template}
    pages = tuple(
        released(page, form) if (form := forms.get(page.template)) else page for page in current.pages
    )
    return replace(current, pages=pages)


def _known_forms(shelf: Shelf) -> list[str]:
    return sorted(path.stem for path in (shelf.state / TEMPLATES).glob("*.yaml"))


def _template(shelf: Shelf, name: str) -> Template | None:
    path = shelf.state / TEMPLATES / f"{name}.yaml"
    return _loaded(path, _stamp(path)) if path.is_file() else None


@lru_cache(maxsize=256)
def _loaded(path: Path, stamp: tuple[int, ...]) -> Template:
    """Load a template; a changed one has another stamp."""
    return template_file.load(path)


def file_rows(files: Iterable[Known]) -> Iterator[tables.Row]:
    """Yield the rows of the table of files; a file that was never read to an end has none.

    Parameters
    ----------
    files : iterable of Known

    Returns
    -------
    iterator of tables.Row
    """
    return (_file_row(known) for known in files if known.status)


def _file_row(known: Known) -> tables.Row:
    code = f"{known.error_code}: " if known.error_code else ""
    return (
        *(
            known.file,
            known.sha256,
            str(known.pages),
            str(known.numbers),
            str(known.digits),
            str(known.review),
        ),
        *(known.status, f"{code}{known.error}", f"{known.seconds:.3f}", known.model, known.processed_at),
    )


def _queue_rows(shelf: Shelf, ledger: Ledger, settled: frozenset[str]) -> Iterator[tables.Row]:
    """Yield what waits, with what people filled in so far; then rows of other jobs and rows not yet applied."""
    others = ledger.items.others_wait(shelf.job)
    typed = {
        row.review_id: row
        for row in _typed(shelf)
        if row.review_id not in settled and (row.is_filled or others)
    }
    for item in ledger.items.waiting(shelf.job):
        row = typed.pop(item.review_id, None)
        own = tuple(row.cells[column] for column in tables.QUEUE[_TYPED:]) if row else ("", "")
        yield (*queue_row(item), *own)
    for row in typed.values():
        if row.is_filled or ledger.items.waits_elsewhere(shelf.job, row.review_id):
            yield tuple(row.cells[column] for column in tables.QUEUE)


def _write_queue(shelf: Shelf, ledger: Ledger, settled: frozenset[str]) -> None:
    """Write the queue; start over if somebody saved it in the meantime."""
    path = shelf.review / "queue.csv"
    while True:
        before = _stamp(path)
        rows = _queue_rows(shelf, ledger, settled)
        if tables.write_queue(shelf.review, rows, only_if=partial(_is_as, path, before)):
            return


def _is_as(path: Path, stamp: tuple[int, ...]) -> bool:
    return _stamp(path) == stamp


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _typed(shelf: Shelf) -> Iterable[queue_file.Typed]:
    path = shelf.review / "queue.csv"
    try:
        return queue_file.read_queue(path)
    except UsageError:
        # somebody may have typed into it
        atomic.copy(path, path.with_name(f"queue.unreadable-{now().replace(':', '')}.csv"))
        return []


def known_shelf(settings: Settings, ledger: Ledger) -> Shelf:
    """Return the job of the results folder.

    Parameters
    ----------
    settings : Settings
    ledger : Ledger

    Returns
    -------
    Shelf

    Raises
    ------
    UsageError
        Where nothing was read into it yet.
    """
    s, job = settings, ledger.find_job(settings.results)
    if job is None:
        raise UsageError(f"nothing was read into {s.results} yet", hint="name the folder with --results")
    return Shelf(job, s.results, s.review, s.state)


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Ledger, Shelf]]:
    """Open the ledger of a results folder into which something was read; never make one.

    Parameters
    ----------
    settings : Settings

    Yields
    ------
    tuple of Ledger and Shelf

    Raises
    ------
    UsageError
        Nothing was read into it yet.
    """
    if not settings.ledger.exists():
        raise UsageError(
            f"nothing was read yet with the state folder {settings.state}",
            hint="read some files first: `make run`, or `digitocr run FOLDER`",
        )
    with Ledger(settings.ledger) as ledger:
        yield ledger, known_shelf(settings, ledger)
