"""What people say about unsure digits: read from the queue, kept in the ledger, laid over what was read.

A reading is never changed. What was said about it is replayed over it each time its tables are made: the
latest word on an item counts, and a word on a whole number outweighs those on its digits.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from digitocr.errors import UsageError
from digitocr.records import Box, Digit, FileResult, FileStatus, Number, PageResult, Status
from digitocr.results.tables import QUEUE, items, review_id
from digitocr.store.ledger import Correction, Ledger, Waiting, now

NOT_A_DIGIT = "-"
TAKEN_BACK = ""
"""What is said to take back an earlier word: the item waits again as if nothing had been said."""
_DASHES = frozenset("-–—−")
_QUOTES = ("'", '"')
LONGEST = 40
"""More digits than this are a slip of the hand."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A row of the queue as a person left it.

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


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of the rows that a person filled in.

    Attributes
    ----------
    corrections : tuple of Correction
        New ones, now in the ledger.
    settled : frozenset of str
        Rows that need not be kept in the queue.
    refused : tuple of str
        Rows that could not be understood, each with its line and why.
    """

    corrections: tuple[Correction, ...] = ()
    settled: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()


def read_queue(path: Path) -> Iterable[Typed]:
    """Read the queue as a person's spreadsheet left it; a queue that is not there is empty.

    Separators ``,`` ``;`` and tab, byte-order marks, either line end and columns in any order will do.

    Raises
    ------
    UsageError
        Where the columns that matter are missing, or a row has more cells than there are columns, so that no one knows
        which is which.
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


def accept(ledger: Ledger, job: int, rows: Iterable[Typed], who: str) -> Accepted:
    """Take filled-in rows into the ledger; rows taken before are passed over.

    Parameters
    ----------
    ledger : Ledger
    job : int
    rows : iterable of Typed
    who : str
        Name of the person.
    """
    new: list[Correction] = []
    settled: set[str] = set()
    refused: list[str] = []
    at = now()
    said_of: dict[tuple[str, ...], str] = {}
    for row in rows:
        if not row.is_filled:
            continue
        found = ledger.item(job, row.review_id)
        if found is None:
            if not ledger.waits_elsewhere(job, row.review_id):
                refused.append(
                    f"line {row.line}: nothing of these results has the review_id {row.review_id!r}"
                )
            continue
        file, item = found
        try:
            correction = _understand(row, file, item, who, at)
        except ValueError as error:
            refused.append(f"line {row.line} ({item_name(item)}): {error}")
            continue
        key = _subject(correction, item)
        if said_of.setdefault(key, correction.new) != correction.new:
            refused.append(f"line {row.line} ({item_name(item)}): another line says {said_of[key]!r}")
            continue
        settled.add(row.review_id)
        before = [
            c for c in ledger.corrections(file) if (c.review_id, c.kind) == (row.review_id, correction.kind)
        ]
        if not before:
            new.append(correction)
        elif before[-1].new != correction.new:
            new.append(replace(correction, old=before[-1].new))
    if new:
        ledger.correct(job, new)
    return Accepted(tuple(new), frozenset(settled), tuple(refused))


def corrected(machine: FileResult, corrections: Sequence[Correction]) -> FileResult:
    """Lay what people said over a reading.

    Parameters
    ----------
    machine : FileResult
        As the program read it.
    corrections : sequence of Correction
        Oldest first.

    Returns
    -------
    FileResult
        Numbers keep their ordinals; ink that is no number stays as a corrected number without digits.
    """
    if not corrections:
        return machine
    places = {item.review_id: (item.page, item.number, item.position) for item in items(machine, machine, "")}
    wholes = {
        review_id(machine.sha256, page.index, number.box): (page.index, ordinal, 0)
        for page in machine.pages
        for ordinal, number in enumerate(page.numbers, 1)
    }
    latest: dict[tuple[int, int, int], str] = {}
    for c in corrections:
        place = places.get(c.review_id) or (wholes.get(c.review_id) if c.kind == "number" else None)
        if place is None:
            continue  # said of a reading with another model, in which this ink had other boxes
        latest[place if c.kind == "digit" else (*place[:2], 0)] = c.new
    numbers: dict[tuple[int, int], str] = {}
    digits: dict[tuple[int, int], dict[int, str]] = {}
    for (page, number, position), new in latest.items():
        if new == TAKEN_BACK:
            continue
        if position:
            digits.setdefault((page, number), {})[position] = new
        else:
            numbers[page, number] = new
    pages = tuple(_corrected_page(page, numbers, digits) for page in machine.pages)
    status = machine.status
    if status in (FileStatus.DONE, FileStatus.EMPTY):
        status = (
            FileStatus.DONE if any(n.digits for page in pages for n in page.numbers) else FileStatus.EMPTY
        )
    return replace(machine, pages=pages, status=status)


def item_name(item: Waiting) -> str:
    """Say which file, page and number an item belongs to."""
    cells = dict(zip(QUEUE, item.cells, strict=False))
    return f"{cells['file']}, page {cells['page']}, number {cells['number']}"


def _corrected_page(
    page: PageResult, numbers: dict[tuple[int, int], str], digits: dict[tuple[int, int], dict[int, str]]
) -> PageResult:
    if (page.index, 0) in numbers:
        whole = Box(0, 0, page.shape[1], page.shape[0])
        return replace(page, numbers=(_said_number(Number((), 0.0, whole), numbers[page.index, 0]),))
    done = []
    for ordinal, number in enumerate(page.numbers, 1):
        key = (page.index, ordinal)
        if key in numbers:
            done.append(_said_number(number, numbers[key]))
        else:
            done.append(_said_digits(number, digits[key]) if key in digits else number)
    return replace(page, numbers=tuple(done))


def _said_number(number: Number, text: str) -> Number:
    """Give a number its whole text; its digits keep their boxes where there are as many."""
    if text == NOT_A_DIGIT:
        return replace(number, digits=(), written="", confidence=1.0, status=Status.CORRECTED)
    if len(text) == len(number.digits):
        digits = tuple(_said_digit(d, value)[0] for d, value in zip(number.digits, text, strict=True))
        written = _rewritten(number.written, [str(d.value) for d in digits])
    else:
        blank = Digit(int(text[0]), 1.0, int(text[0]), 0.0, number.box, Status.CORRECTED)
        digits, written = tuple(_said_digit(blank, text)), text
    return replace(number, digits=digits, written=written, confidence=1.0, status=Status.CORRECTED)


def _said_digits(number: Number, said: dict[int, str]) -> Number:
    """Correct single digits; the number is settled once none is left to look at."""
    parts = [
        _said_digit(d, said[position]) if position in said else [d]
        for position, d in enumerate(number.digits, 1)
    ]
    digits = tuple(d for part in parts for d in part)
    written = _rewritten(number.written, ["".join(str(d.value) for d in part) for part in parts])
    number = replace(number, digits=digits, written=written)
    if any(d.status is Status.REVIEW for d in digits):
        return number
    return replace(number, status=Status.CORRECTED, confidence=1.0)


def _said_digit(digit: Digit, text: str) -> list[Digit]:
    """Replace a digit by what a person saw there: none, one, or several that share its box."""
    if text == NOT_A_DIGIT:
        return []
    box, count = digit.box, len(text)
    edges = [box.x + box.width * i // count for i in range(count + 1)]
    return [
        Digit(
            value=int(value),
            confidence=1.0,
            runner_up=digit.runner_up if int(value) == digit.value else digit.value,
            runner_up_confidence=0.0,
            box=Box(left, box.y, max(1, right - left), box.height),
            status=Status.CORRECTED,
        )
        for value, left, right in zip(text, edges, edges[1:], strict=False)
    ]


def _rewritten(written: str, digits: list[str]) -> str:
    """Put digits in the place of those in `written`, its marks kept.

    Examples
    --------
    >>> _rewritten("1.25", ["1", "", "70"])
    '1.70'
    """
    if sum(sign.isdigit() for sign in written) != len(digits):
        return "".join(digits)
    left = iter(digits)
    return "".join(next(left) if sign.isdigit() else sign for sign in written)


def _understand(row: Typed, file: int, item: Waiting, who: str, at: str) -> Correction:
    cells = dict(zip(QUEUE, item.cells, strict=False))
    whole = row.cells["number_correction"]
    kind = "number" if whole or not cells["position"] else "digit"
    text = whole or row.cells["correction"]
    new = _digits(text)
    old = cells["number_text"] if kind == "number" else cells["digit"]
    is_exact = text.startswith(_QUOTES) or text.endswith(_QUOTES)  # a spreadsheet takes a first ' for itself
    if kind == "number" and not is_exact and _may_lack_zeros(new, old):
        raise ValueError(
            f"{new} is shorter than {old}, and may lack zeros at its start, which spreadsheets take away:"
            f" write it in quotes, '{new}', if that is all of it"
        )
    return Correction(file, row.review_id, kind, old, new, who, at)


def _may_lack_zeros(new: str, old: str) -> bool:
    """Tell whether `new` may have been longer: spreadsheets take 007 for 7, and many of them leave no other trace."""
    return new != NOT_A_DIGIT and len(new) < len(old)


def _digits(text: str) -> str:
    cell = text.strip("".join(_QUOTES)).strip()
    if cell in _DASHES:
        return NOT_A_DIGIT
    cell = re.sub(r"^(\d+)[.,]0$", r"\1", cell)  # as tools write a column of numbers with gaps
    if not (cell.isascii() and cell.isdigit()):
        raise ValueError(f"{text!r} is neither digits nor '-'")
    if len(cell) > LONGEST:
        raise ValueError(f"{len(cell)} digits are more than one number has")
    return cell


def _subject(correction: Correction, item: Waiting) -> tuple[str, ...]:
    """Say what a correction speaks of: rows of the same number may not contradict each other."""
    if correction.kind == "digit":
        return ("digit", correction.review_id)
    cells = dict(zip(QUEUE, item.cells, strict=False))
    return ("number", str(correction.file), cells["page"], cells["number"])


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
