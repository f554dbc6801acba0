"""The tables of forms: a row for each page, a column for each field, as CSV and as a workbook of text cells."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from digitocr import atomic
from digitocr.forms.checks import complaints, is_known, text, written
from digitocr.forms.template import FIELD_SUFFIXES, TABLE_COLUMNS, Field, Kind, Template
from digitocr.records import Box, Number, PageResult, Status
from digitocr.results.tables import defuse, encode

FOLDER = "forms"
"""Within the results."""

_LONGEST_TITLE = 31
"""Characters of the name of a sheet."""


@dataclass(frozen=True, slots=True)
class Row:
    """A page in the table of its form; `cells` are its columns, in order, with what stands there."""

    form: str
    cells: Mapping[str, str]


def row(file: str, page: PageResult, template: Template | None) -> Row:
    """Return a page as a row: its fields as they are now, and what speaks against them.

    Parameters
    ----------
    file : str
        Name in the tables.
    page : PageResult
        Of a form, corrections included.
    template : Template or None
        The form; where it is not known any more, fields are shown as they were read, and no rule is judged.
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
    """Return rows as a text that the ledger can keep; '' for none."""
    kept = [[one.form, dict(one.cells)] for one in rows]
    return json.dumps(kept, ensure_ascii=False) if kept else ""


def loads(stored: str) -> list[Row]:
    """Return rows from what :func:`dumps` made of them."""
    return [Row(form, cells) for form, cells in json.loads(stored)] if stored else []


def gather(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Sort rows by their form."""
    found: dict[str, list[Row]] = {}
    for one in rows:
        found.setdefault(one.form, []).append(one)
    return dict(sorted(found.items()))


def columns(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the columns of a table; those that only rows of an earlier version of a form have come last."""
    newest: dict[str, None] = dict.fromkeys(TABLE_COLUMNS)
    for one in reversed(list(rows)):
        newest |= dict.fromkeys(one.cells)
    return tuple(newest)


def as_csv(rows: list[Row]) -> str:
    """Return the table of a form."""
    names = columns(rows)
    return encode(names, ([defuse(one.cells.get(name, "")) for name in names] for one in rows))


def write(results: Path, rows: Iterable[Row], known: Iterable[str]) -> None:
    """Write the tables of all forms.

    Parameters
    ----------
    results : Path
    rows : iterable of Row
    known : iterable of str
        Forms whose tables may be there from before; without rows they are left with their header.
    """
    tables = gather(rows)
    for form, own in tables.items():
        atomic.write(path(results, form), as_csv(own).encode())
    for form in known:
        if form not in tables and path(results, form).exists():
            atomic.write(path(results, form), encode(TABLE_COLUMNS, ()).encode())


def path(results: Path, form: str) -> Path:
    """Return where the table of a form lies."""
    return results / FOLDER / f"{form}.csv"


def as_workbook(rows: Iterable[Row]) -> bytes:
    """Return the tables of all forms as an Excel workbook, a sheet each; every cell is text, so that zeros stay."""
    from openpyxl import Workbook  # a quarter of a second, for those who ask for it
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    for i, (form, own) in enumerate(gather(rows).items(), 1):
        title = form if len(form) <= _LONGEST_TITLE else f"{form[: _LONGEST_TITLE - 4]}_{i}"
        sheet = book.create_sheet(title)
        names = columns(own)
        sheet.freeze_panes = "A2"
        sheet.append(names)
        for one in own:
            cells = []
            for name in names:
                cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", one.cells.get(name, "")))
                cell.data_type, cell.number_format = "s", "@"  # also what looks like a formula
                cells.append(cell)
            sheet.append(cells)
    if not book.sheetnames:
        book.create_sheet(FOLDER)
    written_to = io.BytesIO()
    book.save(written_to)
    return written_to.getvalue()


def _status(numbers: Iterable[Number]) -> str:
    """Return what is still to be done with a page: its fields' statuses in one."""
    found = {number.status for number in numbers}
    for status in (Status.REVIEW, Status.CORRECTED):
        if status in found:
            return status.value
    return Status.ACCEPTED.value


def _reasons(template: Template, numbers: Mapping[str, Number]) -> str:
    """Say which rules are broken, and which fields are not as they must be, as things stand now."""
    known = {name: written(number) for name, number in numbers.items() if is_known(number)}
    return ";".join(f"{complaint.reason}:{complaint.name}" for complaint in complaints(template, known))


def _bare(page: PageResult) -> Template:
    """Make do without a template: the fields as they are named on a page."""
    fields = tuple(
        Field(number.field, Box(0, 0, 1, 1), Kind.DIGITS, blank=True)
        for number in page.numbers
        if number.field
    )
    return Template(page.template, page.shape[::-1], fields)
