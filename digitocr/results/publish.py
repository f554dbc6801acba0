"""Publishing: the tables of a file, made from its reading and corrections, and the tables over all files."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from digitocr import atomic
from digitocr.errors import FileAccessError, OutputError, UsageError
from digitocr.forms import template_file
from digitocr.forms.release import released
from digitocr.forms.template import Field, Template
from digitocr.records import FileResult, FileStatus, Nothing
from digitocr.results import forms, kept, overlay, queue, tables
from digitocr.results.items import Item, items
from digitocr.settings import Settings
from digitocr.store.ledger import Ledger
from digitocr.store.records import Known, Outcome

_RESULT = TypeAdapter(FileResult)
FAULT = "error"
"""Code of an unexpected error: a fault of the program or of a library."""
MAY_PASS = frozenset({FAULT, FileAccessError.code, OutputError.code})
"""Errors after which a file is tried again, up to a number of attempts."""

TEMPLATES = "templates"
"""Folder within the state folder, with the templates of the forms that were read."""


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
        if not ledger.published.has_reading(shelf.job, known.id):
            tables.write_numbers(shelf.results, known.file, ledger.published.lines_of(known.id))
            ledger.published.unmark_stale(known.id)
            continue
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


def publish(
    shelf: Shelf, ledger: Ledger, *, settled: frozenset[str] = frozenset(), before: str | None = None
) -> None:
    """Write the tables over all files: files, numbers, forms, the queue, and the corrections if there are any.

    Rows are sorted by file. Where only rows of files after all others are missing, they are added; else all rows are
    made anew from the ledger. Either way a table is replaced in one step.

    Parameters
    ----------
    shelf : Shelf
    ledger : Ledger
    settled : frozenset of str
        Rows of the queue whose corrections are in the ledger; other rows that were filled in are kept.
    before : str, optional
        The first file that is being read: rows of files after it wait for it, so that its own can be added, unless
        some are shown already.
    """
    ledger.jobs.begin_edition(shelf.job)
    shown = ledger.published.begin(shelf.job)
    were = {name: tuple(stamp) for name, stamp in json.loads(shown.tables or "{}").items()}
    if before is not None and before <= shown.to:
        before = None
    stand = shown.stand and all(were.get(_name(path)) == atomic.stamp(path) for path in _tables(shelf))
    if stand:
        _add_rows(shelf, ledger, shown.to, before)
    else:
        _write_rows(shelf, ledger, before)
    waiting = queue.path(shelf.review)
    stamp = were.get(_name(waiting)) if stand else None
    can_add = stamp and queue.add(shelf.review, stamp, ledger, shelf.job, shown.to, before)
    if not can_add:
        can_add = queue.write(shelf.review, ledger, shelf.job, settled, before)
    written = [*_tables(shelf), *([waiting] if can_add else [])]
    are = {_name(path): atomic.stamp(path) for path in written}
    ledger.published.end(shelf.job, json.dumps(are), before)
    kept.sign(shelf.results, ledger, shelf.job)


def _write_rows(shelf: Shelf, ledger: Ledger, before: str | None) -> None:
    tables.write_all_numbers(shelf.results, ledger.published.number_lines(shelf.job, before=before))
    tables.write_files(shelf.results, file_rows(ledger.known(shelf.job, before=before)))
    forms.write(shelf.results, forms.stored(ledger, shelf.job, before=before), known_forms(shelf))
    audit = ledger.corrections.all(shelf.job)
    if audit:
        rows = ((c.at, c.who, c.review_id, file, c.kind, c.old, c.new) for file, c in audit)
        tables.write_audit(shelf.review, rows)


def _add_rows(shelf: Shelf, ledger: Ledger, after: str, before: str | None) -> None:
    tables.add_numbers(shelf.results, ledger.published.number_lines(shelf.job, after, before))
    tables.add_files(shelf.results, file_rows(ledger.known(shelf.job, after, before)))
    if not forms.add(shelf.results, forms.stored(ledger, shelf.job, after, before)):
        forms.write(shelf.results, forms.stored(ledger, shelf.job, before=before), known_forms(shelf))


def _tables(shelf: Shelf) -> Iterator[Path]:
    """Yield where the tables over all files lie, but for the queue."""
    yield from (shelf.results / tables.ALL_NUMBERS, shelf.results / tables.ALL_FILES)
    yield from (forms.path(shelf.results, form) for form in known_forms(shelf))
    yield shelf.review / tables.ALL_CORRECTIONS


def _name(path: Path) -> str:
    """Return how a table is called in the ledger: a form may have the name of another table."""
    return f"{path.parent.name}/{path.name}"


def _write(shelf: Shelf, ledger: Ledger, known: Known, machine: FileResult) -> tuple[Outcome, list[Item]]:
    current = standing(shelf, ledger, known.id, machine)
    found = items(machine, current, known.file)
    lines = tables.write_tables(shelf.results, current, known.file, forms_of(shelf, current))
    numbers = [number for _, _, number in tables.counted(current)]
    outcome = Outcome(
        status=current.status.value,
        error_code=current.error_code,
        error=current.error,
        pages=len(current.pages),
        numbers=len(numbers),
        digits=sum(len(number.digits) for number in numbers),
        blank=sum(page.nothing is Nothing.BLANK for page in current.pages),
        review=len({(i.queued.page, i.queued.number) for i in found if i.queued.waits}),
        number_lines=lines,
        form_rows=forms.dumps(
            forms.row(known.file, page, template_of(shelf, page.template))
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
        for folder in (shelf.state / TEMPLATES, shelf.results / kept.TEMPLATES):
            template_file.dump(form, folder / f"{form.name}.yaml")


def standing(shelf: Shelf, ledger: Ledger, file: int, machine: FileResult) -> FileResult:
    """Return what stands of a reading, as the tables show it.

    Parameters
    ----------
    shelf : Shelf
    ledger : Ledger
    file : int
    machine : FileResult
        What the program read.

    Returns
    -------
    FileResult
        With what people said, and without review for rules that hold now.
    """
    current = overlay.corrected(machine, ledger.corrections.of(file))
    forms = forms_of(shelf, current)
    pages = tuple(
        released(page, form) if (form := forms.get(page.template)) else page for page in current.pages
    )
    return replace(current, pages=pages)


def known_forms(shelf: Shelf) -> list[str]:
    """Return the names of the forms that were read.

    Parameters
    ----------
    shelf : Shelf

    Returns
    -------
    list of str
    """
    return sorted(path.stem for path in (shelf.state / TEMPLATES).glob("*.yaml"))


def forms_of(shelf: Shelf, result: FileResult) -> dict[str, Template]:
    """Return the forms of the pages of a file by name, those that were kept.

    Parameters
    ----------
    shelf : Shelf
    result : FileResult

    Returns
    -------
    dict of str to Template
    """
    names = {page.template for page in result.pages if page.template}
    return {name: form for name in names if (form := template_of(shelf, name)) is not None}


def template_of(shelf: Shelf, name: str) -> Template | None:
    """Return the form of a page that was read.

    Parameters
    ----------
    shelf : Shelf
    name : str

    Returns
    -------
    Template or None
        None where it was read by an earlier version, which did not keep it.
    """
    path = shelf.state / TEMPLATES / f"{name}.yaml"
    return _loaded(path, atomic.stamp(path)) if path.is_file() else None


def field_of(shelf: Shelf, ledger: Ledger, file: int, page: int, name: str) -> Field | None:
    """Return a field of a page that was read.

    Parameters
    ----------
    shelf : Shelf
    ledger : Ledger
    file, page : int
        The id of the file, and its page.
    name : str
        '' for none.

    Returns
    -------
    Field or None
        None where it is on no form, or that is not known.
    """
    if not name:
        return None
    pages = stored_result(ledger, ledger.file(file)).pages
    form = next((template_of(shelf, p.template) for p in pages if p.index == page and p.template), None)
    return next((field for field in form.fields if field.name == name), None) if form else None


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
    LedgerError
        Where another ledger wrote the tables there.
    """
    s, job = settings, kept.find_job(ledger, settings.results)
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
