"""The value of a number: its digits with its decimal sign, where that is not in doubt."""

from __future__ import annotations

import re

from digitocr.forms.checks import text
from digitocr.forms.template import Field, Kind
from digitocr.records import BY_PERSON, Number


def value(number: Number, field: Field | None) -> str:
    """Return the value of a number as the tables show it.

    Parameters
    ----------
    number : Number
    field : Field or None
        Of the form; None without one.

    Returns
    -------
    str
        Digits, with ``.`` as the decimal sign; '' where nothing was read, where it is no number but a date, and where a
        mark was seen and nobody said what it is.

    Examples
    --------
    >>> from digitocr.records import Box, Digit, Status
    >>> nowhere = Box(0, 0, 1, 1)
    >>> digits = tuple(Digit(d, 1.0, 0, 0.0, nowhere) for d in (3, 5, 0))
    >>> value(Number(digits, 1.0, nowhere, "350"), None), value(Number(digits, 1.0, nowhere, "3,50"), None)
    ('350', '')
    >>> value(Number(digits, 1.0, nowhere, "3,50", Status.CORRECTED), None)
    '3.50'
    """
    if not number.digits or (field is not None and field.kind is Kind.DATE):
        return ""
    if field is not None and field.kind is Kind.AMOUNT:
        return text(field, number.written if number.marks else number.text)
    if field is not None or not number.marks:
        return number.text
    is_said = number.status in BY_PERSON and re.fullmatch(r"\d+[.,]\d+", number.written)
    return number.written.replace(",", ".") if is_said else ""
