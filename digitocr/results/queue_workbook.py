"""The review queue as an Excel workbook: the picture of each digit beside the cells that a person fills in."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from digitocr import atomic
from digitocr.errors import UsageError
from digitocr.results import queue, queue_file
from digitocr.results.tables import plain
from digitocr.results.workbook import content_of, is_workbook, text_cell

SHOWN = ("file", "page", "field", "number", "number_text", "position", "digit", "reasons")
"""Columns of the queue that a person wants to see."""

TYPED = ("correction", "number_correction")
"""Columns that a person fills in."""

HEADER = ("review_id", *SHOWN, "picture", *TYPED)

_PICTURE_PX = 56
"""Height of the pictures."""

_POINTS = 0.75
"""A pixel in points, in which Excel measures rows."""

_WIDTHS = {"review_id": 4, "file": 28, "reasons": 30, "picture": 14, "number_correction": 20}
"""Of columns, in characters; others are as wide as Excel makes them."""


def write(path: Path, review: Path) -> int:
    """Write the queue as a workbook.

    Parameters
    ----------
    path : Path
        The ``.xlsx`` file.
    review : Path
        The review folder.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    UsageError
        If `path` is not an ``.xlsx`` file, there is no queue, or it cannot be read.
    """
    if not is_workbook(path):
        raise UsageError(f"{path} does not end in .xlsx", hint="the queue as CSV is review/queue.csv")
    if not queue.path(review).is_file():
        raise UsageError(f"there is no queue in {review}", hint="read something first: digitocr run")
    content, count = workbook(review)
    atomic.write(path, [content])
    return count


def workbook(review: Path) -> tuple[bytes, int]:
    """Return the queue as a workbook, and how many rows it has.

    Parameters
    ----------
    review : Path
        The review folder.

    Returns
    -------
    content : bytes
    rows : int
    """
    from openpyxl import Workbook  # takes a quarter of a second
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("queue")
    sheet.freeze_panes = "A2"
    sheet.sheet_format.defaultRowHeight, sheet.sheet_format.customHeight = _PICTURE_PX * _POINTS, True
    for k, name in enumerate(HEADER, start=1):
        if name in _WIDTHS:
            sheet.column_dimensions[get_column_letter(k)].width = _WIDTHS[name]
    sheet.append([text_cell(sheet, name) for name in HEADER])
    place, count = get_column_letter(HEADER.index("picture") + 1), 0
    for count, row in enumerate(queue_file.read_queue(queue.path(review)), start=1):
        picture = _picture(review / row.cells["crop"]) if row.cells["crop"] else None
        if picture is not None:
            sheet.add_image(picture, f"{place}{count + 1}")
        shown = {**row.cells, "picture": ""}
        sheet.append([text_cell(sheet, plain(shown[name])) for name in HEADER])
    return content_of(book), count


def _picture(crop: Path) -> Any | None:  # noqa: ANN401 (openpyxl ships no types)
    """Load a crop as a picture of a sheet; None where it is gone."""
    from openpyxl.drawing.image import Image

    try:
        picture = Image(io.BytesIO(crop.read_bytes()))
    except OSError:
        return None
    scale = _PICTURE_PX / max(picture.height, 1)
    picture.width, picture.height = round(picture.width * scale), _PICTURE_PX
    return picture
