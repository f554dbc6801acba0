"""The tables of forms: a row for each page, a column for each field, as CSV and as a workbook of text cells."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from digitocr import atomic
from digitocr.errors import UsageError
from digitocr.forms.checks import complaints, is_known, text, written
from digitocr.forms.template import FIELD_SUFFIXES, TABLE_COLUMNS, Field, Kind, Template
from digitocr.records import Box, Number, PageResult, Status
from digitocr.results.tables import add as add_lines
from digitocr.results.tables import defuse, encode, lines
from digitocr.results.workbook import is_workbook, workbook
from digitocr.settings import Settings
from digitocr.store.ledger import Ledger

FOLDER = "forms"
"""Folder within the results folder."""


@dataclass(frozen=True, slots=True)
class Row:
    """A page in the table of its form; `cells` maps the columns, in order, to their text."""

    form: str
    cells: Mapping[str, str]


def row(file: str, page: PageResult, template: Template | None) -> Row:
    """Return a page as a row: its fields as they are now, and the rules that they break.

    Parameters
    ----------
    file : str
        Name in the tables.
    page : PageResult
        A page of a form, with its corrections.
    template : Template or None
        The form; without it, fields are shown as they were read, and no rule is checked.

    Returns
    -------
    Row
    """
    numbers = {number.field: number for number in page.numbers if number.field}
    form = template or _bare(page)
    cells = {"file": file, "page": str(page.index), "template": page.template}
    cells |= {"status": _status(numbers.values()), "reasons": _reasons(form, numbers)}
    for field in form.fields:
        number = numbers.get(field.name)
        said = (
            (text(field, written(number)), f"{number.confidence:.4f}", number.status.value)
            if number
            else [""] * 3
        )
        cells |= dict(
            zip((field.name, *(field.name + suffix for suffix in FIELD_SUFFIXES)), said, strict=True)
        )
    return Row(page.template, cells)


def dumps(rows: Iterable[Row]) -> str:
    """Return rows as text for the ledger; '' for none.

    Parameters
    ----------
    rows : iterable of Row

    Returns
    -------
    str
    """
    kept = [[one.form, dict(one.cells)] for one in rows]
    return json.dumps(kept, ensure_ascii=False) if kept else ""


def loads(stored: str) -> list[Row]:
    """Return rows from what :func:`dumps` made of them.

    Parameters
    ----------
    stored : str

    Returns
    -------
    list of Row
    """
    return [Row(form, cells) for form, cells in json.loads(stored)] if stored else []


def stored(ledger: Ledger, job: int, after: str = "", before: str | None = None) -> Iterator[Row]:
    """Yield the rows of all forms of a job.

    Parameters
    ----------
    ledger : Ledger
    job : int
    after : str
        Only of files after this one.
    before : str, optional
        Only of files before this one.

    Yields
    ------
    Row
    """
    for one in ledger.published.form_rows(job, after, before):
        yield from loads(one)


def gather(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group rows by their form.

    Parameters
    ----------
    rows : iterable of Row

    Returns
    -------
    dict of str to list of Row
        Rows by the name of their form, in alphabetical order.
    """
    found: dict[str, list[Row]] = {}
    for one in rows:
        found.setdefault(one.form, []).append(one)
    return dict(sorted(found.items()))


def columns(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the columns of a table; columns that only rows of an earlier version of the form have come last.

    Parameters
    ----------
    rows : iterable of Row

    Returns
    -------
    tuple of str
        Names of the columns.
    """
    newest: dict[str, None] = dict.fromkeys(TABLE_COLUMNS)
    for one in reversed(list(rows)):
        newest |= dict.fromkeys(one.cells)
    return tuple(newest)


def as_csv(rows: list[Row]) -> str:
    """Return the table of a form.

    Parameters
    ----------
    rows : list of Row

    Returns
    -------
    str
    """
    return "".join(_lines(columns(rows), rows, header=True))


def write(results: Path, rows: Iterable[Row], known: Iterable[str]) -> None:
    """Write the tables of all forms.

    Parameters
    ----------
    results : Path
    rows : iterable of Row
    known : iterable of str
        Forms whose tables may exist; those without rows keep their header only.
    """
    tables = gather(rows)
    for form, own in tables.items():
        atomic.write(path(results, form), as_csv(own).encode())
    for form in known:
        if form not in tables and path(results, form).exists():
            atomic.write(path(results, form), encode(TABLE_COLUMNS, ()).encode())


def add(results: Path, rows: Iterable[Row]) -> bool:
    """Write the tables of forms again, with further rows at their ends.

    Parameters
    ----------
    results : Path
    rows : iterable of Row

    Returns
    -------
    bool
        False where a table is missing or has other columns than its further rows; then nothing is written.
    """
    tables = gather(rows)
    if any(_header(path(results, form)) != encode(columns(own), ()) for form, own in tables.items()):
        return False
    for form, own in tables.items():
        add_lines(path(results, form), _lines(columns(own), own, header=False))
    return True


def path(results: Path, form: str) -> Path:
    """Return where the table of a form lies.

    Parameters
    ----------
    results : Path
        The results folder.
    form : str
        Name of the form.

    Returns
    -------
    Path
    """
    return results / FOLDER / f"{form}.csv"


def export(settings: Settings, workbook: Path) -> int:
    """Write the tables of all forms of the results folder as an Excel workbook.

    Parameters
    ----------
    settings : Settings
    workbook : Path
        The ``.xlsx`` file to write.

    Returns
    -------
    int
        Number of pages in it.

    Raises
    ------
    UsageError
        If `workbook` is not an ``.xlsx`` file, or no form was read yet.
    """
    if not is_workbook(workbook):
        raise UsageError(f"{workbook} does not end in .xlsx", hint="name an Excel workbook")
    if not settings.ledger.exists():
        raise UsageError(
            f"nothing was read yet: there is no ledger in {settings.state}",
            hint="read files first, or name the folder with --state",
        )
    with Ledger(settings.ledger, read_only=True) as ledger:
        job = ledger.find_job(settings.results)
        rows = [] if job is None else list(stored(ledger, job))
    if not rows:
        raise UsageError(
            f"no forms were read into {settings.results} yet", hint="read with --templates FOLDER"
        )
    atomic.write(workbook, as_workbook(rows))
    return len(rows)


def as_workbook(rows: Iterable[Row]) -> bytes:
    """Return the tables of all forms as an Excel workbook, a sheet each; every cell is text, so that zeros stay.

    Parameters
    ----------
    rows : iterable of Row

    Returns
    -------
    bytes
        An ``.xlsx`` file.
    """

    def cells(own: list[Row]) -> Iterator[Sequence[str]]:
        names = columns(own)
        yield names
        for one in own:
            yield [one.cells.get(name, "") for name in names]

    return workbook((form, cells(own)) for form, own in gather(rows).items())


def _lines(names: Sequence[str], rows: Iterable[Row], *, header: bool) -> Iterator[str]:
    return lines(names, ([defuse(one.cells.get(name, "")) for name in names] for one in rows), header=header)


def _header(table: Path) -> str:
    if not table.is_file():
        return ""
    with table.open(encoding="utf-8", newline="") as there:
        return there.readline()


def _status(numbers: Iterable[Number]) -> str:
    """Return the status of a page: review if any of its fields is, else corrected or confirmed if any is."""
    found = {number.status for number in numbers}
    for status in (Status.REVIEW, Status.CORRECTED, Status.CONFIRMED):
        if status in found:
            return status.value
    return Status.ACCEPTED.value


def _reasons(template: Template, numbers: Mapping[str, Number]) -> str:
    """Return the rules that are broken and the fields whose checks fail, joined by ``;``."""
    known = {name: written(number) for name, number in numbers.items() if is_known(number)}
    return ";".join(f"{complaint.reason}:{complaint.name}" for complaint in complaints(template, known))


def _bare(page: PageResult) -> Template:
    """Return a template with the fields that a page names, where its own is not known."""
    fields = tuple(
        Field(number.field, Box(0, 0, 1, 1), Kind.DIGITS, blank=True)
        for number in page.numbers
        if number.field
    )
    return Template(page.template, page.shape[::-1], fields)
