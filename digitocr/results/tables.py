"""The tables: their columns, the rows of a reading, and their files, which are written whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from digitocr import atomic
from digitocr.errors import OutputError
from digitocr.forms.template import Field, Template
from digitocr.records import Box, FileResult, Number, PageResult, Status
from digitocr.results.values import value

Row = Sequence[str]

DIGITS = (
    *("file", "page", "field", "number", "position", "x", "y", "width", "height"),
    *("digit", "confidence", "runner_up", "runner_up_confidence", "status"),
)
NUMBERS = (
    *("file", "page", "field", "number", "text", "confidence", "x", "y", "width", "height"),
    *("marks", "status", "reasons", "value"),
)
FILES = (
    *("file", "sha256", "pages", "numbers", "digits", "review", "status", "error", "seconds", "model"),
    "processed_at",
)
QUEUE = (
    *("review_id", "file", "page", "field", "number", "position", "digit", "confidence", "runner_up"),
    *("runner_up_confidence", "number_text", "reasons", "crop", "correction", "number_correction"),
)
NO_FORMS: Final[Mapping[str, Template]] = MappingProxyType({})

AUDIT = ("at", "who", "review_id", "file", "kind", "old", "new")

ALL_FILES, ALL_NUMBERS, ALL_CORRECTIONS = "files.csv", "numbers.csv", "audit.csv"
"""Names of the tables over all files."""

DUPLICATE = "of:"
"""Goes before the name of a file, as the error of one with the same content."""

_BLOCK_BYTES = 1 << 16
"""Of a table, in memory at once while it is copied."""

_FREE_TEXT = frozenset({"file", "field", "error", "crop", "who"})
"""Columns with text that the program did not make: names, messages."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def table_paths(results: Path, file: str) -> tuple[Path, Path]:
    """Return where the tables of digits and of numbers of a file lie.

    Parameters
    ----------
    results : Path
        The results folder.
    file : str
        Name in the tables.

    Returns
    -------
    tuple of 2 Path
        Where the table of digits and that of numbers lie.
    """
    return results / f"{file}.digits.csv", results / f"{file}.numbers.csv"


def counted(result: FileResult) -> Iterator[tuple[PageResult, int, Number]]:
    """Yield page, ordinal and number for what is a number.

    Ink that a person called no number (corrected, without digits) is left out. It keeps its ordinal, so that the
    other numbers of the page keep theirs.

    Parameters
    ----------
    result : FileResult

    Yields
    ------
    tuple of PageResult and int and Number
    """
    for page in result.pages:
        for ordinal, number in enumerate(page.numbers, 1):
            if number.digits or number.status is not Status.CORRECTED:
                yield page, ordinal, number


def digit_rows(result: FileResult, file: str) -> list[Row]:
    """Return the table of digits of a file.

    Parameters
    ----------
    result : FileResult
    file : str
        Name in the tables.

    Returns
    -------
    list of sequence of str
    """
    return [
        (
            *(file, str(page.index), number.field, str(ordinal), str(position), *_box(digit.box)),
            *(str(digit.value), share(digit.confidence), str(digit.runner_up)),
            *(share(digit.runner_up_confidence), digit.status.value),
        )
        for page, ordinal, number in counted(result)
        for position, digit in enumerate(number.digits, 1)
    ]


def number_rows(result: FileResult, file: str, forms: Mapping[str, Template] = NO_FORMS) -> list[Row]:
    """Return the table of numbers of a file.

    Parameters
    ----------
    result : FileResult
    file : str
        Name in the tables.
    forms : mapping of str to Template
        The forms of its pages, by name.

    Returns
    -------
    list of sequence of str
    """
    return [
        (
            *(file, str(page.index), number.field, str(ordinal), number.text, share(number.confidence)),
            *(*_box(number.box), number.marks, number.status.value, joined(number.reasons)),
            value(number, _field(forms.get(page.template), number.field)),
        )
        for page, ordinal, number in counted(result)
    ]


def _field(form: Template | None, name: str) -> Field | None:
    return next((field for field in form.fields if field.name == name), None) if form else None


def encode(columns: Sequence[str], rows: Iterable[Row], *, header: bool = True) -> str:
    """Return rows as the text of a CSV table, see :func:`lines`.

    Parameters
    ----------
    columns : sequence of str
        Names of the columns.
    rows : iterable of sequence of str
    header : bool
        Whether the header comes first.

    Returns
    -------
    str
    """
    return "".join(lines(columns, rows, header=header))


class _Echo:
    """A stream that returns what is written to it, so that a CSV writer returns its lines."""

    def write(self, text: str) -> str:
        return text


def lines(columns: Sequence[str], rows: Iterable[Row], *, header: bool = True) -> Iterator[str]:
    """Yield the lines of a CSV table.

    Parameters
    ----------
    columns : sequence of str
        Names of the columns.
    rows : iterable of sequence of str
    header : bool
        Whether the header comes first.

    Yields
    ------
    str

    Raises
    ------
    OutputError
        A row has more or fewer cells than its table has columns.
    """
    writer: Any = csv.writer(_Echo(), lineterminator="\n")  # its `writerow` returns what `write` does
    if header:
        yield writer.writerow(columns)
    free = [i for i, column in enumerate(columns) if column in _FREE_TEXT]
    for row in rows:
        if len(row) != len(columns):
            raise OutputError(f"a row has {len(row)} cells where its table has {len(columns)}: {row}")
        cells = list(row)
        for i in free:
            cells[i] = defuse(cells[i])
        yield writer.writerow(cells)


def defuse(cell: str) -> str:
    """Keep spreadsheets from running a cell as a formula.

    Parameters
    ----------
    cell : str

    Returns
    -------
    str
        The cell, with an apostrophe in front where it looks like a formula.

    Examples
    --------
    >>> defuse("=1+1.jpg"), defuse("scan.jpg")
    ("'=1+1.jpg", 'scan.jpg')
    """
    cell = cell.replace("\r", "\\r")  # Python's writer before 3.13 does not quote it
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def plain(cell: str) -> str:
    """Return a cell as it was before :func:`defuse`.

    Parameters
    ----------
    cell : str

    Returns
    -------
    str

    Examples
    --------
    >>> plain("'=1+1.jpg"), plain("'45'")
    ('=1+1.jpg', "'45'")
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def write_tables(
    results: Path, result: FileResult, file: str, forms: Mapping[str, Template] = NO_FORMS
) -> str:
    """Write the two tables of a file.

    Parameters
    ----------
    results : Path
        The results folder.
    result : FileResult
    file : str
        Name in the tables.
    forms : mapping of str to Template
        The forms of its pages, by name.

    Returns
    -------
    str
        The lines of its table of numbers, for the table over all files.
    """
    digits, _ = table_paths(results, file)
    own = encode(NUMBERS, number_rows(result, file, forms), header=False)
    atomic.write(digits, encode(DIGITS, digit_rows(result, file)).encode())
    write_numbers(results, file, own)
    return own


def write_numbers(results: Path, file: str, own: str) -> None:
    """Write the table of numbers of a file.

    Parameters
    ----------
    results : Path
        The results folder.
    file : str
        Name in the tables.
    own : str
        Its lines.
    """
    _, numbers = table_paths(results, file)
    atomic.write(numbers, (encode(NUMBERS, ()) + own).encode())


def keep_old_tables(results: Path, file: str, stamp: str) -> None:
    """Copy the tables of an earlier reading to ``.old/<stamp>``.

    Parameters
    ----------
    results : Path
        The results folder.
    file : str
        Name in the tables.
    stamp : str
        When they were replaced, as a name of a folder.
    """
    for path in table_paths(results, file):
        if path.exists():
            atomic.copy(path, results / ".old" / stamp / path.relative_to(results))


def write_all_numbers(results: Path, every: Iterable[str]) -> None:
    """Write the table of the numbers of all files from the lines of each.

    Parameters
    ----------
    results : Path
        The results folder.
    every : iterable of str
        The lines of each file.
    """
    atomic.write(results / ALL_NUMBERS, map(str.encode, chain(lines(NUMBERS, ()), every)))


def add_numbers(results: Path, every: Iterable[str]) -> None:
    """Write the table of the numbers of all files again, with further lines at its end.

    Parameters
    ----------
    results : Path
        The results folder.
    every : iterable of str
        The lines of each further file.
    """
    add(results / ALL_NUMBERS, every)


def add(path: Path, further: Iterable[str], *, only_if: Callable[[], bool] = lambda: True) -> bool:
    """Write a table again, with further lines at its end; what is there is copied as it is.

    Parameters
    ----------
    path : Path
        The table.
    further : iterable of str
    only_if : callable
        Asked at the last moment whether the table is to be written.

    Returns
    -------
    bool
        Whether it was written.
    """
    with path.open("rb") as there:
        blocks = iter(partial(there.read, _BLOCK_BYTES), b"")
        return atomic.write(path, chain(blocks, map(str.encode, further)), only_if=only_if)


def write_files(results: Path, rows: Iterable[Row]) -> None:
    """Write the table of files.

    Parameters
    ----------
    results : Path
        The results folder.
    rows : iterable of sequence of str
    """
    atomic.write(results / ALL_FILES, map(str.encode, lines(FILES, rows)))


def add_files(results: Path, rows: Iterable[Row]) -> None:
    """Write the table of files again, with further rows at its end.

    Parameters
    ----------
    results : Path
        The results folder.
    rows : iterable of sequence of str
    """
    add(results / ALL_FILES, lines(FILES, rows, header=False))


def write_queue(review: Path, rows: Iterable[Row], *, only_if: Callable[[], bool]) -> bool:
    """Write the queue.

    Parameters
    ----------
    review : Path
        The review folder.
    rows : iterable of sequence of str
        With all columns, those that a person fills in included.
    only_if : callable
        Asked at the last moment whether the queue is to be written.

    Returns
    -------
    bool
        Whether it was written.
    """
    return atomic.write(review / "queue.csv", map(str.encode, lines(QUEUE, rows)), only_if=only_if)


def write_audit(review: Path, rows: Iterable[Row]) -> None:
    """Write the table of all corrections.

    Parameters
    ----------
    review : Path
        The review folder.
    rows : iterable of sequence of str
    """
    atomic.write(review / ALL_CORRECTIONS, map(str.encode, lines(AUDIT, rows)))


def _box(box: Box) -> tuple[str, str, str, str]:
    return str(box.x), str(box.y), str(box.width), str(box.height)


def share(probability: float) -> str:
    """Write a probability as tables show it.

    Parameters
    ----------
    probability : float
        In [0, 1].

    Returns
    -------
    str
        With four decimals.
    """
    return f"{probability:.4f}"


def joined(reasons: Iterable[str]) -> str:
    """Write codes of reasons as tables show them.

    Parameters
    ----------
    reasons : iterable of str

    Returns
    -------
    str
    """
    return ";".join(reasons)
