"""The layout language: what a page of some kind holds, with ranges, so that every drawing of it differs.

A length is in *ems*, the height of the page's ordinary print. A range is a number or ``[low, high]``; a choice is a
word or ``{word: weight}``; ``chance`` is the probability that a block is there at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from digitocr.training.synth.strokes import Random

PRINTED: Final = ("row number", "printed words", "printed number", "printed amount", "printed date", "blank")
"""What a cell holds that nobody wrote by hand."""

NUMBERS: Final = (
    "number",
    "count",
    "score",
    "amount",
    "decimal",
    "date",
    "time",
    "code",
    "letters and digits",
)
"""Handwritten numbers; marks and letters within them are not to be read."""

MARKS: Final = ("words", "scrawl", "tick", "cross", "tick box", "tally", "dash", "circle")
"""Handwriting that is not to be read."""

CONTENTS: Final = (*PRINTED, *NUMBERS, *MARKS)

FREE: Final = (*NUMBERS, *(mark for mark in MARKS if mark != "tick box"), "blank")
"""What a row of free handwriting holds."""

ALIGNS: Final = ("left", "centre", "right")
FIELDS: Final = ("line", "dots", "box", "cells", "comb", "circle", "nothing")
RULINGS: Final = ("grid", "rows", "columns", "frame", "heavy", "dotted", "by hand", "none")
FONTS: Final = ("page", "bold", "mono", "any")
STOCKS: Final = (
    "white",
    "cream",
    "yellow",
    "pink",
    "blue",
    "green",
    "brown",
    "carbon",
    "thermal",
    "whiteboard",
    "chalkboard",
)
PATTERNS: Final = ("plain", "ruled", "squared", "waves", "hatch", "guilloche", "stipple", "margin")
PENS: Final = ("ballpoint", "gel", "fibre", "pencil", "marker", "chalk")
VIEWS: Final = ("scan", "photo", "desk")
BOX_SHAPES: Final = ("box", "circle", "letter")
BOX_MARKS: Final = ("tick", "cross", "scribble", "circle")


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers between two ends, all as likely."""

    low: float
    high: float

    def draw(self, rng: Random) -> float:
        """Draw a number."""
        return float(rng.uniform(self.low, self.high))

    def count(self, rng: Random) -> int:
        """Draw a whole number, both ends included."""
        return int(rng.integers(round(self.low), round(self.high) + 1))


@dataclass(frozen=True, slots=True)
class Choice:
    """Words to choose from by their weights."""

    words: tuple[str, ...]
    weights: tuple[float, ...] = (1.0,)

    def draw(self, rng: Random) -> str:
        """Draw a word."""
        reach = np.cumsum(self.weights)
        return self.words[int(np.searchsorted(reach, rng.random() * reach[-1], side="right"))]


Align = Choice
FontKind = Choice
FieldStyle = Choice
Content = Choice
Free = Choice
Ruling = Choice
BoxShape = Choice
BoxMark = Choice
Stock = Choice
PatternKind = Choice
PenKind = Choice
View = Choice

WORDS: Final[dict[str, tuple[str, ...]]] = {
    "Align": ALIGNS,
    "FontKind": FONTS,
    "FieldStyle": FIELDS,
    "Content": CONTENTS,
    "Free": FREE,
    "Ruling": RULINGS,
    "BoxShape": BOX_SHAPES,
    "BoxMark": BOX_MARKS,
    "Stock": STOCKS,
    "PatternKind": PATTERNS,
    "PenKind": PENS,
    "View": VIEWS,
}
"""The words that a choice is among, by its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """Large print; ``size`` in ems, ``band`` the probability that it is light on a dark band."""

    chance: float = 1.0
    words: Range = Range(1, 4)
    size: Range = Range(1.4, 3)
    align: Align = Choice(("centre",))
    font: FontKind = Choice(("any",))
    band: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Lines of small print; ``width`` is a share of the room."""

    chance: float = 1.0
    lines: Range = Range(1, 4)
    size: Range = Range(0.7, 1.1)
    width: Range = Range(0.4, 1.0)
    align: Align = Choice(("left",))
    font: FontKind = Choice(("page",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A printed label and a place to write; ``above`` is the probability that the label stands above it."""

    chance: float = 1.0
    label: Range = Range(1, 3)
    above: float = 0.0
    style: FieldStyle = Choice(("line",))
    holds: Content = Choice(("number",))
    digits: Range = Range(1, 5)
    height: Range = Range(2, 3)
    filled: float = 0.85
    ringed: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One or more equal columns of a table; ``width`` is in shares of the table's.

    ``boxes`` is the probability that each digit of its numbers has a box of its own.
    """

    chance: float = 1.0
    holds: Content = Choice(("number",))
    width: Range = Range(1, 1)
    digits: Range = Range(1, 3)
    filled: float = 0.85
    times: Range = Range(1, 1)
    ringed: float = 0.0
    boxes: float = 0.0
    tinted: float = 0.0
    title: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; ``height`` of a row in ems, ``total`` the probability of a last row that sums up."""

    columns: tuple[Column, ...]
    chance: float = 1.0
    rows: Range = Range(4, 12)
    height: Range = Range(2, 3.2)
    width: Range = Range(0.9, 1.0)
    ruling: Ruling = Choice(("grid",))
    header: float = 0.8
    header_band: float = 0.2
    striped: float = 0.1
    total: float = 0.3
    used: Range = Range(0.3, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of free handwriting, each with these contents from left to right; ``size`` of a digit in ems."""

    of: tuple[Free, ...]
    chance: float = 1.0
    rows: Range = Range(2, 8)
    size: Range = Range(1.4, 2.4)
    leading: Range = Range(1.3, 2.2)
    digits: Range = Range(1, 5)
    spread: float = 0.4
    total: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Questions with boxes to tick."""

    chance: float = 1.0
    rows: Range = Range(1, 5)
    answers: Range = Range(2, 5)
    shape: BoxShape = Choice(("box",))
    mark: BoxMark = Choice(("cross",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Blocks side by side; ``widths`` are shares, equal without them."""

    of: tuple[Block, ...]
    chance: float = 1.0
    widths: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Blocks below one another, several times over."""

    of: tuple[Block, ...]
    chance: float = 1.0
    times: Range = Range(1, 1)
    framed: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Emblem:
    """A printed sign: a ring, a shield, letters in a circle."""

    chance: float = 1.0
    size: Range = Range(2.5, 5)
    align: Align = Choice(("left",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Barcode:
    """A barcode, or a square code, often with its digits in print."""

    chance: float = 1.0
    height: Range = Range(2, 4)
    align: Align = Choice(("centre",))
    square: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature on a line or on nothing."""

    chance: float = 1.0
    height: Range = Range(2, 4)
    align: Align = Choice(("right",))
    label: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """White space, with a rule across it at times."""

    chance: float = 1.0
    height: Range = Range(0.5, 2)
    ruled: float = 0.0


Block = (
    Headline
    | Paragraph
    | Field
    | Table
    | Rows
    | Questions
    | Side
    | Stack
    | Emblem
    | Barcode
    | Signature
    | Gap
)

BLOCKS: Final[dict[str, type[Block]]] = {
    "headline": Headline,
    "paragraph": Paragraph,
    "field": Field,
    "table": Table,
    "rows": Rows,
    "questions": Questions,
    "side": Side,
    "stack": Stack,
    "emblem": Emblem,
    "barcode": Barcode,
    "signature": Signature,
    "gap": Gap,
}
"""By their names in the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What is written on, with what, and how it is seen.

    ``shape`` is width over height, ``longest`` the longer side in pixels, ``em`` and ``margin`` shares of the width,
    ``size`` the height of digits as a share of the room for them, ``worn`` how much of the usual wear it gets.
    """

    shape: Range = Range(0.65, 0.8)
    longest: Range = Range(700, 1800)
    em: Range = Range(0.012, 0.02)
    margin: Range = Range(0.03, 0.08)
    stock: Stock = Choice(("white",))
    pattern: PatternKind = Choice(("plain",))
    pens: PenKind = Choice(("ballpoint",))
    view: View = Choice(VIEWS, (1.0, 1.0, 1.0))
    framed: float = 0.0
    size: Range = Range(0.45, 0.8)
    worn: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """What lies over or under the whole page, each with its probability."""

    watermark: float = 0.1
    stamp: float = 0.1
    serial: float = 0.1
    note: float = 0.05
    hidden: float = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A kind of paper.

    Attributes
    ----------
    name : str
    blocks : tuple of Block
        From top to bottom; those that find no room are left out.
    paper : Paper
    over : Over
    corrected : float
        Probability that a number is first written wrong: struck out and written again, or a digit written over.
    held_out : bool
        Kept out of all training, for measuring.
    """

    name: str
    blocks: tuple[Block, ...]
    paper: Paper = Paper()
    over: Over = Over()
    corrected: float = 0.02
    held_out: bool = False
