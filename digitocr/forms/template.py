"""Templates: which fields a form has, where they lie, and what must hold there.

All boxes are in pixels of the *reference*, the flat form in its canonical size.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from digitocr.forms.rules import Rule
from digitocr.records import Box

PX_PER_MM = 8
"""Reference pixels per millimetre, where a template is written in millimetres."""

MAX_DIGITS = 20
"""Of a field."""

TABLE_COLUMNS = ("file", "page", "template", "status", "reasons")
"""Columns of a form's table that are not fields."""

FIELD_SUFFIXES = ("_confidence", "_status")
"""Columns of a form's table that every field has beside its own."""

DATE_FORMATS = ("DDMMYYYY", "DDMMYY", "MMDDYYYY", "MMDDYY", "YYYYMMDD", "YYMMDD")
"""Orders of the digits of a date."""


class Kind(StrEnum):
    """What is written into a field."""

    NUMBER = "number"
    """A count or quantity: leading zeros and leading empty cells mean nothing."""
    DIGITS = "digits"
    """A code: every digit counts."""
    DATE = "date"
    """Day, month and year as digits, with anything between them."""
    AMOUNT = "amount"
    """A number with decimals."""


class Unit(StrEnum):
    """Unit of the lengths in a template file."""

    PIXELS = "px"
    MILLIMETRES = "mm"


@dataclass(frozen=True, slots=True)
class Field:
    """A place on a form and what may be written there.

    Attributes
    ----------
    name : str
    box : Box
        Inside the printed frame or along the line to write on.
    kind : Kind
    cells : tuple of Box
        A box for each digit, from left to right; empty where digits are written freely.
    blank : bool
        Whether it may be left empty.
    length : tuple of int
        Minimum and maximum number of digits, from 1 to `MAX_DIGITS`.
    range : tuple of float or None
        Minimum and maximum value.
    pattern : str
        A regular expression that must match the whole text; '' for none.
    checksum : str
        A name of :data:`~digitocr.forms.checksums.CHECKSUMS`; '' for none.
    format : str
        The order of a date's digits, one of `DATE_FORMATS`; '' for other kinds.
    decimals : int
        Digits after the decimal mark of an amount.
    label : str
        What the form prints beside it; '' if that is not known.
    """

    name: str
    box: Box
    kind: Kind = Kind.NUMBER
    cells: tuple[Box, ...] = ()
    blank: bool = False
    length: tuple[int, int] = (1, MAX_DIGITS)
    range: tuple[float, float] | None = None
    pattern: str = ""
    checksum: str = ""
    format: str = ""
    decimals: int = 0
    label: str = ""

    @property
    def title(self) -> str:
        """What people call it."""
        return self.label or self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Marker:
    """An ArUco marker printed on a form; `box` is its black square."""

    id: int
    box: Box


@dataclass(frozen=True, slots=True)
class Template:
    """A form.

    Attributes
    ----------
    name : str
        Of the form, and of its table.
    size : tuple of int
        Width and height of the reference in pixels.
    fields : tuple of Field
    rules : tuple of Rule
    version : str
        Of the form.
    unit : Unit
        Of the lengths in its file.
    reference : Path or None
        A picture of the empty form.
    features : Path or None
        Features of the printed form by which it is found, as ``template detect`` writes them.
    markers : tuple of Marker
    """

    name: str
    size: tuple[int, int]
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    version: str = "1"
    unit: Unit = Unit.PIXELS
    reference: Path | None = None
    features: Path | None = None
    markers: tuple[Marker, ...] = ()

    def field(self, name: str) -> Field:
        """Return a field by its name."""
        return next(field for field in self.fields if field.name == name)


def divided(box: Box, count: int) -> tuple[Box, ...]:
    """Divide a box into cells side by side.

    Parameters
    ----------
    box : Box
    count : int
        Number of cells, from 1.

    Returns
    -------
    tuple of Box
        Their widths differ by at most 1.

    Examples
    --------
    >>> divided(Box(0, 0, 5, 3), 2)
    (Box(x=0, y=0, width=2, height=3), Box(x=2, y=0, width=3, height=3))
    """
    edges = [box.x + box.width * i // count for i in range(count + 1)]
    return tuple(Box(left, box.y, right - left, box.height) for left, right in pairwise(edges))
