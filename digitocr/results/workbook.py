"""Tables as Excel workbooks, in which every cell is text, so that zeros stay and nothing is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

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
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    for i, (title, rows) in enumerate(sheets, 1):
        short = title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 4]}_{i}"
        sheet = book.create_sheet(short)
        sheet.freeze_panes = "A2"
        for row in rows:
            cells = []
            for text in row:
                cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))
                cell.data_type, cell.number_format = "s", "@"  # also what looks like a formula
                cells.append(cell)
            sheet.append(cells)
    if not book.sheetnames:
        book.create_sheet("empty")
    written_to = io.BytesIO()
    book.save(written_to)
    return written_to.getvalue()


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
