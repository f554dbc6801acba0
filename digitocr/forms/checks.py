"""The value of a field's text, and whether it is as the template says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import regex

from digitocr.forms.checksums import CHECKSUMS
from digitocr.forms.rules import Rule, broken, told
from digitocr.forms.template import Field, Kind, Template
from digitocr.records import Number, Reason, Status

YEARS = range(1800, 2200)
"""Years of a date on a form."""

CENTURY = 69
"""Years of two digits are in the 20th century from this one on, as in POSIX."""

_PATTERN_S = 0.5
"""Most time for a pattern: some take years to tell that a text does not fit."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with what was read on a page.

    Attributes
    ----------
    reason : Reason
    name : str
        Of the rule or the field that it is about.
    fields : tuple of str
        One of these is wrong.
    """

    reason: Reason
    name: str
    fields: tuple[str, ...]


def value(field: Field, written: str) -> Decimal | None:
    """Return the value of a field in rules.

    A blank number or amount that may be blank has the value 0, as a blank line of a tally has. The value of a date is
    its day, so that the difference of two dates is in days.

    Parameters
    ----------
    field : Field
    written : str
        Digits, with the marks between them; '' where the field is blank.

    Returns
    -------
    Decimal or None
        None where the value is unknown: any other blank field, and a date that does not exist.

    Examples
    --------
    >>> from digitocr.records import Box
    >>> amount = Field("paid", Box(0, 0, 9, 9), Kind.AMOUNT, decimals=2)
    >>> value(amount, "1.250,5"), value(amount, "12"), value(amount, "")
    (Decimal('1250.5'), Decimal('12'), None)
    """
    digits = _digits(written)
    if not digits:
        return Decimal(0) if field.blank and field.kind in (Kind.NUMBER, Kind.AMOUNT) else None
    match field.kind:
        case Kind.AMOUNT:
            return _amount(field, written)
        case Kind.DATE:
            day = _date(field, digits)
            return Decimal(day.toordinal()) if day else None
        case _:
            return Decimal(digits)


def text(field: Field, written: str) -> str:
    """Return the text of a field in the table: digits as written; amounts with all decimals, dates as 2024-02-29.

    Parameters
    ----------
    field : Field
    written : str
        Digits, with the marks between them; '' where the field is blank.

    Returns
    -------
    str
        A date that does not exist as its digits.

    Examples
    --------
    >>> from digitocr.records import Box
    >>> text(Field("day", Box(0, 0, 9, 9), Kind.DATE, format="DDMMYY"), "29.2.24")
    '29224'
    >>> text(Field("day", Box(0, 0, 9, 9), Kind.DATE, format="DDMMYY"), "29.02.24")
    '2024-02-29'
    """
    digits = _digits(written)
    if not digits:
        return ""
    match field.kind:
        case Kind.AMOUNT:
            return f"{_amount(field, written):.{field.decimals}f}"
        case Kind.DATE:
            day = _date(field, digits)
            return day.isoformat() if day else digits
        case _:
            return digits


def fault(field: Field, written: str) -> Reason | None:
    """Return what is first found not to be as the template says.

    Parameters
    ----------
    field : Field
    written : str
        Digits, with the marks between them; '' where the field is blank.

    Returns
    -------
    Reason or None
    """
    digits = _digits(written)
    if not digits:
        return None if field.blank else Reason.FIELD_BLANK
    least, most = field.length
    if not least <= len(digits) <= most:
        return Reason.FIELD_LENGTH
    worth = value(field, written)
    if worth is None:
        return Reason.FIELD_DATE
    if field.range and not field.range[0] <= worth <= field.range[1]:
        return Reason.FIELD_RANGE
    if field.pattern and not _fits(field.pattern, text(field, written)):
        return Reason.FIELD_PATTERN
    if field.checksum and not CHECKSUMS[field.checksum](digits):
        return Reason.FIELD_CHECKSUM
    return None


def broken_rules(template: Template, written: Mapping[str, str]) -> list[tuple[Rule, str]]:
    """Return the rules that do not hold, each with what it compares.

    Parameters
    ----------
    template : Template
    written : mapping of str to str
        Text of each field that is known, its marks included.

    Returns
    -------
    list of tuple of Rule and str
    """
    fields = {field.name: field for field in template.fields if field.name in written}
    values = {name: value(field, written[name]) for name, field in fields.items()}
    shown = {name: (field.title, text(field, written[name]) or "0") for name, field in fields.items()}
    return [(rule, told(rule, values, shown)) for rule in broken(template.rules, values)]


def _fits(pattern: str, said: str) -> bool:
    """Tell whether a text fits a pattern; one that takes too long to tell does not, and a person looks at it."""
    try:
        return regex.fullmatch(pattern, said, timeout=_PATTERN_S) is not None
    except TimeoutError:
        return False


def complaints(template: Template, written: Mapping[str, str]) -> list[Complaint]:
    """Return all that is wrong on a page: fields that are not as the template says, and broken rules.

    Parameters
    ----------
    template : Template
    written : mapping of str to str
        Text of each field that could be read, its marks included.

    Returns
    -------
    list of Complaint
    """
    found = []
    values = {}
    for field in template.fields:
        if field.name in written:
            reason = fault(field, written[field.name])
            if reason:
                found.append(Complaint(reason, field.name, (field.name,)))
            values[field.name] = value(field, written[field.name])
    found += [Complaint(Reason.RULE_BROKEN, r.name, r.fields) for r in broken(template.rules, values)]
    return found


def written(number: Number) -> str:
    """Return the text of a number, with its marks where they fit its digits.

    Parameters
    ----------
    number : Number

    Returns
    -------
    str
    """
    return number.written if _digits(number.written) == number.text else number.text


def as_stored(field: Field, answer: str) -> str:
    """Return an answer as it is kept: an amount with all its decimals, and without the mark where there are cells.

    Parameters
    ----------
    field : Field
    answer : str
        Digits, with a dot or comma where a person typed one.

    Returns
    -------
    str
        The answer itself where it is no amount, has no mark, or more decimals than the amount.

    Examples
    --------
    >>> from digitocr.records import Box
    >>> rent = Field("rent", Box(0, 0, 9, 9), Kind.AMOUNT, cells=(Box(0, 0, 9, 9),), decimals=2)
    >>> as_stored(rent, "450,5"), as_stored(rent, "450")
    ('45050', '450')
    """
    whole, mark, decimals = answer.replace(",", ".").partition(".")
    if field.kind is not Kind.AMOUNT or not mark or len(decimals) > field.decimals:
        return answer
    decimals = decimals.ljust(field.decimals, "0")
    return whole + decimals if field.cells else f"{whole}.{decimals}"


def advice(field: Field, reason: Reason) -> str:
    """Tell a person what is wrong with a field.

    Parameters
    ----------
    field : Field
    reason : Reason
        As `fault` returns it.

    Returns
    -------
    str
    """
    least, most = field.length
    low, high = field.range or (0, 0)
    digits = f"{most}" if least == most else f"{least} to {most}"
    return {
        Reason.FIELD_BLANK: "this field may not be blank",
        Reason.FIELD_LENGTH: f"this field has {digits} {'digit' if most == 1 else 'digits'}",
        Reason.FIELD_DATE: f"there is no such day ({field.format})",
        Reason.FIELD_RANGE: f"this field is {low:g} to {high:g}",
        Reason.FIELD_PATTERN: "it is not written as the form asks",
        Reason.FIELD_CHECKSUM: "its check digit does not fit the others",
    }.get(reason, reason.value)


def is_known(number: Number) -> bool:
    """Tell whether the content of a field is known.

    It is unknown where nobody can read it, and where no digits were read and the field waits for review, as it may not
    be blank; but a field that waits only because a rule is broken is known.

    Parameters
    ----------
    number : Number

    Returns
    -------
    bool
    """
    if Reason.ILLEGIBLE in number.reasons:
        return False
    others = [reason for reason in number.reasons if not reason.startswith(Reason.RULE_BROKEN)]
    return bool(number.digits) or number.status is not Status.REVIEW or (bool(number.reasons) and not others)


def _digits(written: str) -> str:
    return "".join(sign for sign in written if sign.isdigit())


def _amount(field: Field, written: str) -> Decimal:
    """Return an amount: a dot or comma is its decimal mark where no more digits follow than it has decimals.

    In cells there are no marks, so the last digits are the decimals.
    """
    if field.cells:
        return Decimal(_digits(written)).scaleb(-field.decimals)
    decimals = _digits(re.split("[.,]", written)[-1]) if re.search("[.,]", written) else ""
    return Decimal(_digits(written)).scaleb(-len(decimals) if len(decimals) <= field.decimals else 0)


def _date(field: Field, digits: str) -> date | None:
    if len(digits) != len(field.format):
        return None
    parts = {
        letter: int("".join(d for d, f in zip(digits, field.format, strict=True) if f == letter))
        for letter in "DMY"
    }
    year = parts["Y"]
    if "YYYY" not in field.format:
        year += 1900 if year >= CENTURY else 2000
    if year not in YEARS:
        return None
    try:
        return date(year, parts["M"], parts["D"])
    except ValueError:
        return None
