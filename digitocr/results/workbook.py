"""Tables as Excel workbooks, in which every cell is text, so that zeros stay and nothing is a formula."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from digitocr.errors import UsageError
from digitocr.results.tables import plain

_LONGEST_TITLE = 31
"""Most characters that Excel accepts in the name of a sheet."""

Sheet = tuple[str, Iterable[Sequence[str]]]
"""Title and rows, the header first."""


def workbook(sheets: Iterable[Sheet]) -> bytes:
    """Return tables as a workbook.

    Parameters
    ----------
    sheets : iterable of Sheet

    Returns
    -------
    bytes
        An ``.xlsx`` file.
    """
    from openpyxl import Workbook  # takes a quarter of a second

    book = Workbook(write_only=True)
    for i, (title, rows) in enumerate(sheets, 1):
        short = title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 4]}_{i}"
        sheet = book.create_sheet(short)
        sheet.freeze_panes = "A2"
        for row in rows:
            sheet.append([text_cell(sheet, text) for text in row])
    if not book.sheetnames:
        book.create_sheet("empty")
    return content_of(book)


def is_workbook(path: Path) -> bool:
    """Tell by its name whether a file is a workbook.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
    """
    return path.suffix.casefold() == ".xlsx"


def content_of(book: Any) -> bytes:  # noqa: ANN401 (openpyxl ships no types)
    """Return a workbook as the content of a file.

    Parameters
    ----------
    book : openpyxl.Workbook

    Returns
    -------
    bytes
    """
    written_to = io.BytesIO()
    book.save(written_to)
    return written_to.getvalue()


def text_cell(sheet: Any, text: str) -> Any:  # noqa: ANN401 (openpyxl ships no types)
    """Return a cell that holds a text, also one that looks like a number or a formula.

    Parameters
    ----------
    sheet : openpyxl.worksheet.worksheet.Worksheet
    text : str

    Returns
    -------
    openpyxl.cell.WriteOnlyCell
    """
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))
    cell.data_type, cell.number_format = "s", "@"
    return cell


def of_table(table: Path) -> bytes:
    """Return a table of ours as a workbook.

    Parameters
    ----------
    table : Path
        CSV.

    Returns
    -------
    bytes
        An ``.xlsx`` file.
    """
    return workbook([(table.stem, _rows(table))])


def _rows(table: Path) -> Iterator[list[str]]:
    with table.open(newline="", encoding="utf-8") as stream:
        for row in csv.reader(stream):
            yield [plain(cell) for cell in row]


def rows_of(book: Path) -> Iterator[list[str]]:
    """Read the first sheet of a workbook.

    Parameters
    ----------
    book : Path

    Yields
    ------
    list of str
        The texts of a row; a whole number without a decimal point.

    Raises
    ------
    UsageError
        If it is no workbook.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        opened = load_workbook(book, read_only=True, data_only=True)
        for row in opened.worksheets[0].iter_rows(values_only=True):
            yield [_text(value) for value in row]
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile, InvalidFileException) as error:
        raise UsageError(
            f"cannot read {book} as a workbook: {error}", hint="save it as .xlsx or .csv"
        ) from None


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
