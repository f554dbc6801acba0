"""The review queue as a spreadsheet saved it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from digitocr.errors import UsageError
from digitocr.results.tables import QUEUE


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

    Any separator of ``,``, ``;`` and tab, a byte-order mark, either line end and any order of columns are accepted.

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
        Necessary columns are missing, or a row has more cells than there are columns.
    """
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
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restval="")
    columns = {(name or "").strip().casefold(): name for name in reader.fieldnames or ()}
    missing = [name for name in ("review_id", "correction", "number_correction") if name not in columns]
    if missing:
        raise UsageError(f"{path} has no column {', '.join(missing)}", hint="keep the header of the queue")
    return _rows(reader, columns)


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


def _rows(reader: csv.DictReader[str], columns: dict[str, str]) -> Iterator[Typed]:
    for row in reader:
        cells = {name: (row[columns[name]] or "").strip() if name in columns else "" for name in QUEUE}
        if any(cells.values()):
            yield Typed(reader.line_num, cells)


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
