"""The review queue as a spreadsheet saved it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from digitocr.errors import UsageError
from digitocr.results.tables import QUEUE
from digitocr.results.workbook import is_workbook, rows_of


@dataclass(frozen=True, slots=True)
class Typed:
    """A row of the queue as a person saved it.

    Attributes
    ----------
    line : int
        Of the file, counted from 1.
    cells : dict of str to str
    """

    line: int
    cells: dict[str, str]

    @property
    def review_id(self) -> str:
        """What the row is about."""
        return self.cells["review_id"]

    @property
    def is_filled(self) -> bool:
        """Whether a person wrote anything."""
        return bool(self.cells["correction"] or self.cells["number_correction"])


def read_queue(path: Path) -> Iterable[Typed]:
    """Read the queue as a spreadsheet saved it; a missing one is empty.

    An Excel workbook, or CSV with any separator of ``,``, ``;`` and tab, with or without a byte-order mark, with either
    line end; the columns may have any order.

    Parameters
    ----------
    path : Path
        The queue.

    Returns
    -------
    iterable of Typed

    Raises
    ------
    UsageError
        If necessary columns are missing, a row has more cells than there are columns, or it is no workbook.
    """
    if is_workbook(path):
        return _from_workbook(path) if path.exists() else []
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    text = _decode(raw)
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    _check_widths(path, text, separator)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    columns = _columns(path, next(reader, []))
    return _typed(((reader.line_num, row) for row in reader), columns)


def _from_workbook(path: Path) -> Iterator[Typed]:
    rows = rows_of(path)
    columns = _columns(path, next(rows, []))
    return _typed(enumerate(rows, start=2), columns)


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    """Return the place of each column.

    Raises
    ------
    UsageError
        If one is missing that is needed.
    """
    columns = {name.strip().casefold(): k for k, name in enumerate(header)}
    missing = [name for name in ("review_id", "correction", "number_correction") if name not in columns]
    if missing:
        raise UsageError(f"{path} has no column {', '.join(missing)}", hint="keep the header of the queue")
    return columns


def _check_widths(path: Path, text: str, separator: str) -> None:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        width = len(next(reader, ()))
        for row in reader:
            if len(row) > width:
                raise UsageError(
                    f"{path}, line {reader.line_num} has more cells than there are columns",
                    hint="save it with text in quotes, or with another separator",
                )
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num} is no row of a table: {error}") from None


def _typed(rows: Iterable[tuple[int, list[str]]], columns: Mapping[str, int]) -> Iterator[Typed]:
    for line, row in rows:
        places = ((name, columns.get(name, len(row))) for name in QUEUE)
        cells = {name: row[k].strip() if k < len(row) else "" for name, k in places}
        if any(cells.values()):
            yield Typed(line, cells)


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
