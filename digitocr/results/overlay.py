"""Corrections applied to a reading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from digitocr.records import Box, Digit, FileResult, FileStatus, Number, PageResult, Reason, Status
from digitocr.results.items import items, review_id
from digitocr.store.records import Correction

NOT_A_DIGIT = "-"

ILLEGIBLE = "?"
"""Nobody can read it."""

TAKEN_BACK = ""
"""The correction that takes an earlier one back: the item waits again."""


def corrected(machine: FileResult, corrections: Sequence[Correction]) -> FileResult:
    """Apply corrections to a reading.

    Parameters
    ----------
    machine : FileResult
        As the program read it.
    corrections : sequence of Correction
        Oldest first.

    Returns
    -------
    FileResult
        Numbers keep their ordinals; ink that is no number becomes a corrected number without digits. What nobody can
        read stays as it was read, with a reason for it.
    """
    if not corrections:
        return machine
    asked = [item.queued for item in items(machine, machine, "")]
    places = {item.review_id: (item.page, item.number, item.position) for item in asked}
    wholes = {
        review_id(machine.sha256, page.index, number.box): (page.index, ordinal, 0)
        for page in machine.pages
        for ordinal, number in enumerate(page.numbers, 1)
    }
    latest: dict[tuple[int, int, int], str] = {}
    for c in corrections:
        place = places.get(c.review_id) or (wholes.get(c.review_id) if c.kind == "number" else None)
        if place is None:
            continue  # made on a reading with another model, in which this ink had other boxes
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


def _corrected_page(
    page: PageResult, numbers: dict[tuple[int, int], str], digits: dict[tuple[int, int], dict[int, str]]
) -> PageResult:
    if (page.index, 0) in numbers:
        whole = Box(0, 0, page.shape[1], page.shape[0])
        nothing = Number((), 0.0, whole, reasons=(Reason.NOTHING_FOUND.value,))
        return replace(page, numbers=(said_number(nothing, numbers[page.index, 0]),))
    done = []
    for ordinal, number in enumerate(page.numbers, 1):
        key = (page.index, ordinal)
        if key in numbers:
            done.append(said_number(number, numbers[key]))
        else:
            done.append(_said_digits(number, digits[key]) if key in digits else number)
    return replace(page, numbers=tuple(done))


def said_number(number: Number, text: str) -> Number:
    """Give a number the text that a person said; its digits keep their boxes if there are as many.

    Parameters
    ----------
    number : Number
        As the program read it.
    text : str
        Digits, with a dot or comma among them if there is one; `NOT_A_DIGIT` or `ILLEGIBLE`.

    Returns
    -------
    Number
    """
    if text == ILLEGIBLE:
        return replace(number, reasons=(*number.reasons, Reason.ILLEGIBLE.value))
    if text == NOT_A_DIGIT:
        is_blank = bool(number.field) and not number.digits
        status = Status.CONFIRMED if is_blank else Status.CORRECTED
        return replace(number, digits=(), written="", confidence=1.0, status=status)
    plain = re.sub(r"\D", "", text)
    has_mark = plain != text
    if len(plain) == len(number.digits):
        digits = tuple(_said_digit(d, value)[0] for d, value in zip(number.digits, plain, strict=True))
        written = text if has_mark else _rewritten(number.written, [str(d.value) for d in digits])
    else:
        blank = Digit(int(plain[0]), 0.0, int(plain[0]), 0.0, number.box, Status.REVIEW)
        digits, written = tuple(replace(d, status=Status.CORRECTED) for d in _said_digit(blank, plain)), text
    seen = number.written if has_mark else number.text
    as_read = text.replace(",", ".") == seen.replace(",", ".")
    status = Status.CONFIRMED if as_read else Status.CORRECTED
    return replace(number, digits=digits, written=written, confidence=1.0, status=status)


def is_same(one: str, other: str) -> bool:
    """Tell whether two answers mean the same; a dot and a comma do, and one of them may lack the mark.

    Parameters
    ----------
    one, other : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_same("3.50", "3,50"), is_same("3.50", "350"), is_same("3.50", "35.0")
    (True, True, False)
    """
    one, other = one.replace(",", "."), other.replace(",", ".")
    if "." in one and "." in other:
        return one == other
    return one.replace(".", "") == other.replace(".", "")


def _said_digits(number: Number, said: dict[int, str]) -> Number:
    """Correct single digits; the number is settled once none is left to look at."""
    parts = [
        _said_digit(d, said[position]) if position in said else [d]
        for position, d in enumerate(number.digits, 1)
    ]
    digits = tuple(d for part in parts for d in part)
    written = _rewritten(number.written, ["".join(str(d.value) for d in part) for part in parts])
    now = replace(number, digits=digits, written=written)
    if any(d.status is Status.REVIEW for d in digits):
        return now
    status = Status.CONFIRMED if now.text == number.text else Status.CORRECTED
    return replace(now, status=status, confidence=1.0)


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
            status=Status.CONFIRMED if text == str(digit.value) else Status.CORRECTED,
        )
        for value, left, right in zip(text, edges, edges[1:], strict=False)
    ]


def _rewritten(written: str, digits: list[str]) -> str:
    """Replace the digits of `written`, and keep its marks.

    Examples
    --------
    >>> _rewritten("1.25", ["1", "", "70"])
    '1.70'
    """
    if sum(sign.isdigit() for sign in written) != len(digits):
        return "".join(digits)
    left = iter(digits)
    return "".join(next(left) if sign.isdigit() else sign for sign in written)
