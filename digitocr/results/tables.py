"""The tables: their columns, the rows of a reading, and writing them so that they are whole or not there."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from digitocr import atomic
from digitocr.errors import OutputError
from digitocr.records import Box, Digit, FileResult, FileStatus, Number, PageResult, Reason, Status

Row = Sequence[str]

DIGITS = (
    *("file", "page", "field", "number", "position", "x", "y", "width", "height"),
    *("digit", "confidence", "runner_up", "runner_up_confidence", "status"),
)
NUMBERS = (
    *("file", "page", "field", "number", "text", "confidence", "x", "y", "width", "height"),
    *("marks", "status", "reasons"),
)
FILES = (
    *("file", "sha256", "pages", "numbers", "digits", "review", "status", "error", "seconds", "model"),
    "processed_at",
)
QUEUE = (
    *("review_id", "file", "page", "field", "number", "position", "digit", "confidence", "runner_up"),
    *("runner_up_confidence", "number_text", "reasons", "crop", "correction", "number_correction"),
)
AUDIT = ("at", "who", "review_id", "file", "kind", "old", "new")

_FREE_TEXT = frozenset({"file", "field", "error", "crop", "who"})
"""Columns that hold text from outside: names, messages."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Item:
    """A digit or number that a person may look at.

    Attributes
    ----------
    review_id : str
        From the file's content, the page and the box: the same from run to run.
    page : int
        Counts from 1.
    number : int
        Counts from 1 on the page; 0 stands for the page as a whole.
    position : int
        Counts from 1 in the number; 0 stands for the number as a whole.
    box : Box
        What its crop shows.
    mark : Box or None
        The digit within the crop.
    waits : bool
    row : tuple of str
        Its cells of the queue, as in `QUEUE` but without the two that a person fills in.
    """

    review_id: str
    page: int
    number: int
    position: int
    box: Box
    mark: Box | None
    waits: bool
    row: tuple[str, ...]


def table_paths(results: Path, file: str) -> tuple[Path, Path]:
    """Return where the tables of digits and of numbers of a file lie."""
    return results / f"{file}.digits.csv", results / f"{file}.numbers.csv"


def counted(result: FileResult) -> Iterator[tuple[PageResult, int, Number]]:
    """Yield page, ordinal and number for what is a number.

    Ink that a person said is none (corrected, with no digits) is left out; it keeps its ordinal, so that the
    other numbers of the page keep theirs.
    """
    for page in result.pages:
        for ordinal, number in enumerate(page.numbers, 1):
            if number.digits or number.status is not Status.CORRECTED:
                yield page, ordinal, number


def digit_rows(result: FileResult, file: str) -> list[Row]:
    """Return the table of digits of a file."""
    return [
        (
            *(file, str(page.index), number.field, str(ordinal), str(position), *_box(digit.box)),
            *(str(digit.value), _share(digit.confidence), str(digit.runner_up)),
            *(_share(digit.runner_up_confidence), digit.status.value),
        )
        for page, ordinal, number in counted(result)
        for position, digit in enumerate(number.digits, 1)
    ]


def number_rows(result: FileResult, file: str) -> list[Row]:
    """Return the table of numbers of a file."""
    return [
        (
            *(file, str(page.index), number.field, str(ordinal), number.text, _share(number.confidence)),
            *(*_box(number.box), number.marks, number.status.value, _reasons(number.reasons)),
        )
        for page, ordinal, number in counted(result)
    ]


def items(machine: FileResult, current: FileResult, file: str) -> list[Item]:
    """Return all that was or is for review in a file.

    Parameters
    ----------
    machine : FileResult
        As the program read it; the ids come from here.
    current : FileResult
        The same after corrections; decides what still waits.
    file : str
        Name in the tables.
    """
    found: list[Item] = []
    if machine.status is FileStatus.EMPTY and machine.pages:
        page = machine.pages[0]
        waits = not any(now.numbers for now in current.pages)
        found.append(_item(machine, file, page, (0, 0), None, waits, {"reasons": Reason.EMPTY_FILE.value}))
    for page, now in zip(machine.pages, current.pages, strict=True):
        for ordinal, (number, new) in enumerate(zip(page.numbers, now.numbers, strict=False), 1):
            unsure = [(p, d) for p, d in enumerate(number.digits, 1) if d.status is Status.REVIEW]
            cells = {"field": number.field, "number_text": new.text, "reasons": _reasons(number.reasons)}
            if number.status is Status.REVIEW and not unsure:
                whole = cells | {"confidence": _share(number.confidence)}
                waits = new.status is Status.REVIEW
                found.append(_item(machine, file, page, (ordinal, 0), None, waits, whole))
            left = {d.box: p for p, d in enumerate(new.digits, 1) if d.status is Status.REVIEW}
            for position, digit in unsure:
                waits = new.status is Status.REVIEW and digit.box in left
                place = (ordinal, left.get(digit.box, position))
                found.append(_item(machine, file, page, place, digit, waits, cells | _digit_cells(digit)))
    return found


def review_id(content: str, page: int, box: Box) -> str:
    """Name a digit or number by the content of its file, its page and its box."""
    place = f"{content}:{page}:{box.x},{box.y},{box.width},{box.height}"
    return _short(place)


def encode(columns: Sequence[str], rows: Iterable[Row], *, header: bool = True) -> str:
    """Return rows as the text of a CSV table, see :func:`lines`."""
    return "".join(lines(columns, rows, header=header))


class _Echo:
    """A stream that gives back what is written to it, and so lets a CSV writer do."""

    def write(self, text: str) -> str:
        return text


def lines(columns: Sequence[str], rows: Iterable[Row], *, header: bool = True) -> Iterator[str]:
    """Yield the lines of a CSV table.

    Raises
    ------
    OutputError
        Where a row has not the columns of its table.
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
    """Keep a spreadsheet from running a cell as a formula.

    Examples
    --------
    >>> defuse("=1+1.jpg"), defuse("scan.jpg")
    ("'=1+1.jpg", 'scan.jpg')
    """
    cell = cell.replace("\r", "\\r")  # Python's writer before 3.13 does not quote it
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def write_tables(results: Path, result: FileResult, file: str) -> str:
    """Write the two tables of a file.

    Returns
    -------
    str
        The lines of its table of numbers, for the table over all files.
    """
    digits, numbers = table_paths(results, file)
    own = encode(NUMBERS, number_rows(result, file), header=False)
    atomic.write(digits, encode(DIGITS, digit_rows(result, file)).encode())
    atomic.write(numbers, (encode(NUMBERS, ()) + own).encode())
    return own


def keep_old_tables(results: Path, file: str, stamp: str) -> None:
    """Copy the tables of an earlier reading to ``.old/<stamp>``."""
    for path in table_paths(results, file):
        if path.exists():
            atomic.copy(path, results / ".old" / stamp / path.relative_to(results))


def write_all_numbers(results: Path, every: Iterable[str]) -> None:
    """Write the table of the numbers of all files from the lines of each."""
    atomic.write(results / "numbers.csv", map(str.encode, chain(lines(NUMBERS, ()), every)))


def write_files(results: Path, rows: Iterable[Row]) -> None:
    """Write the table of files."""
    atomic.write(results / "files.csv", map(str.encode, lines(FILES, rows)))


def write_queue(review: Path, rows: Iterable[Row], *, only_if: Callable[[], bool]) -> bool:
    """Write the queue; rows have all columns, those that a person fills in included.

    Returns
    -------
    bool
        Whether it was written: `only_if` is asked in the last moment.
    """
    return atomic.write(review / "queue.csv", map(str.encode, lines(QUEUE, rows)), only_if=only_if)


def write_audit(review: Path, rows: Iterable[Row]) -> None:
    """Write the table of all corrections."""
    atomic.write(review / "audit.csv", map(str.encode, lines(AUDIT, rows)))


def _item(
    machine: FileResult,
    file: str,
    page: PageResult,
    place: tuple[int, int],
    digit: Digit | None,
    waits: bool,  # noqa: FBT001
    cells: dict[str, str],
) -> Item:
    number, position = place
    whole = page.numbers[number - 1].box if number else Box(0, 0, page.shape[1], page.shape[0])
    identity = review_id(machine.sha256, page.index, digit.box if digit else whole)
    cells = cells | {"review_id": identity, "file": file, "page": str(page.index), "number": str(number)}
    cells |= {"position": str(position) if position else "", "crop": f"crops/{identity}.png"}
    row = tuple(cells.get(column, "") for column in QUEUE[:-2])
    return Item(identity, page.index, number, position, whole, digit.box if digit else None, waits, row)


def _digit_cells(digit: Digit) -> dict[str, str]:
    return {
        "digit": str(digit.value),
        "confidence": _share(digit.confidence),
        "runner_up": str(digit.runner_up),
        "runner_up_confidence": _share(digit.runner_up_confidence),
    }


def _short(text: str) -> str:
    # the letter keeps spreadsheets from taking 16 hexadecimal digits for a number
    return f"r{sha256(text.encode()).hexdigest()[:15]}"


def _box(box: Box) -> tuple[str, str, str, str]:
    return str(box.x), str(box.y), str(box.width), str(box.height)


def _share(probability: float) -> str:
    return f"{probability:.4f}"


def _reasons(reasons: Iterable[str]) -> str:
    return ";".join(reasons)
