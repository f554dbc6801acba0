"""Corrections from the queue into the ledger.

A reading is never changed. Its corrections are applied each time its tables are made: the latest one of an item counts,
and one of a whole number outweighs those of its digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from digitocr.forms.checks import as_stored
from digitocr.forms.checks import text as stored_text
from digitocr.forms.template import Field, Kind
from digitocr.results.overlay import ILLEGIBLE, NOT_A_DIGIT
from digitocr.results.publish import Shelf, field_of
from digitocr.results.queue_file import Typed
from digitocr.store.ledger import Ledger
from digitocr.store.records import Correction, QueueItem, now

_DASHES = frozenset("-–—−")
_QUOTES = ("'", '"')
LONGEST = 40
"""Digits of the longest answer; a longer one is a slip."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of the rows that people filled in.

    Attributes
    ----------
    corrections : tuple of Correction
        New ones, now in the ledger.
    settled : frozenset of str
        Rows that need not be kept in the queue.
    refused : tuple of str
        Rows that were not understood, each with its line and the reason.
    """

    corrections: tuple[Correction, ...] = ()
    settled: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()


def accept(ledger: Ledger, shelf: Shelf, rows: Iterable[Typed], who: str) -> Accepted:
    """Take filled-in rows into the ledger; rows taken before change nothing.

    Parameters
    ----------
    ledger : Ledger
    shelf : Shelf
    rows : iterable of Typed
    who : str
        Name of the person.

    Returns
    -------
    Accepted
    """
    new: list[Correction] = []
    settled: set[str] = set()
    refused: list[str] = []
    at, job = now(), shelf.job
    said_of: dict[tuple[str, ...], str] = {}
    for row in rows:
        if not row.is_filled:
            continue
        found = ledger.items.find(job, row.review_id)
        if found is None:
            if not ledger.items.waits_elsewhere(job, row.review_id):
                refused.append(
                    f"line {row.line}: nothing of these results has the review_id {row.review_id!r}"
                )
            continue
        file, item = found
        try:
            field = field_of(shelf, ledger, file, item.page, item.field)
            correction = _understand(row, file, item, field, who, at)
        except ValueError as error:
            refused.append(f"line {row.line} ({item_name(item)}): {error}")
            continue
        key = _subject(correction, item)
        if said_of.setdefault(key, correction.new) != correction.new:
            refused.append(f"line {row.line} ({item_name(item)}): another line says {said_of[key]!r}")
            continue
        settled.add(row.review_id)
        before = [
            c
            for c in ledger.corrections.of(file)
            if (c.review_id, c.kind) == (row.review_id, correction.kind)
        ]
        if not before:
            new.append(correction)
        elif before[-1].new != correction.new:
            new.append(replace(correction, old=before[-1].new))
    if new:
        ledger.corrections.add(job, new)
    return Accepted(tuple(new), frozenset(settled), tuple(refused))


def item_name(item: QueueItem) -> str:
    """Name the file, page and number of an item.

    Parameters
    ----------
    item : QueueItem

    Returns
    -------
    str
    """
    return f"{item.file}, page {item.page}, number {item.number}"


def _understand(row: Typed, file: int, item: QueueItem, field: Field | None, who: str, at: str) -> Correction:
    whole = row.cells["number_correction"]
    text = whole or row.cells["correction"]
    new = _amount(field, text, item) if field and whole else _answer(text)
    is_whole = bool(whole) or not item.position or new == ILLEGIBLE
    if not is_whole and not (new == NOT_A_DIGIT or new.isdigit()):
        raise ValueError(f"{text!r} is no digit; write the whole number into number_correction")
    kind = "number" if is_whole else "digit"
    old = item.number_text if kind == "number" else str(item.digit)
    is_exact = text.startswith(_QUOTES) or text.endswith(
        _QUOTES
    )  # a spreadsheet removes a leading apostrophe
    if kind == "number" and not is_exact and _may_lack_zeros(new, old):
        raise ValueError(
            f"{new} is shorter than {old}, and may lack zeros at its start, which spreadsheets take away:"
            f" write it in quotes, '{new}', if that is all of it"
        )
    return Correction(file, row.review_id, kind, old, new, who, at)


def _may_lack_zeros(new: str, old: str) -> bool:
    """Tell whether `new` may lack leading zeros: spreadsheets turn 007 into 7."""
    return new not in (NOT_A_DIGIT, ILLEGIBLE) and len(new) < len(old)


def _amount(field: Field, text: str, item: QueueItem) -> str:
    """Return an answer about a field; one about an amount must say its decimals, unless it is as long as what was read.

    Raises
    ------
    ValueError
        It does not say them.
    """
    if field.kind is not Kind.AMOUNT:
        return _answer(text)
    typed = text.strip("".join(_QUOTES)).strip()
    new = as_stored(field, typed) if re.fullmatch(r"[0-9]+[.,][0-9]+", typed) else _answer(text)
    if new == typed and new.isdigit() and len(new) != len(item.number_text):
        raise ValueError(
            f"{new} would be {stored_text(field, new)}; write its decimals, as {typed}.{'0' * field.decimals}"
        )
    return new


def _answer(text: str) -> str:
    cell = text.strip("".join(_QUOTES)).strip()
    if cell in _DASHES:
        return NOT_A_DIGIT
    if cell == ILLEGIBLE:
        return ILLEGIBLE
    cell = re.sub(r"^(\d+)[.,]0$", r"\1", cell)  # as tools write a column of numbers with empty cells
    if not (cell.isascii() and re.fullmatch(r"\d+([.,]\d+)?", cell)):
        raise ValueError(f"{text!r} is neither a number nor '-' or '?'")
    if len(cell) > LONGEST:
        raise ValueError(f"{len(cell)} digits are more than one number has")
    return cell


def _subject(correction: Correction, item: QueueItem) -> tuple[str, ...]:
    """Return what a correction is about: rows of the same number may not contradict each other."""
    if correction.kind == "digit":
        return ("digit", correction.review_id)
    return ("number", str(correction.file), str(item.page), str(item.number))
