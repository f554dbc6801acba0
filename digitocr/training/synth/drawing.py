"""A drawn picture and its truth: which digits and signs are where, and what number each belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from digitocr.records import Box, Grey
from digitocr.training.synth.pen import Owner

Colour = NDArray[np.uint8]
"""``uint8`` picture of shape ``(height, width, 3)``, blue green red."""


STRUCK: Final = "struck "
"""Kind of a digit that is written over, its value after it."""


NO_OWNER: Final = 0


@dataclass(frozen=True, slots=True)
class DrawnDigit:
    """A digit that is to be read.

    Attributes
    ----------
    label : int
    box : Box
        Around the pixels it owns.
    number : int
        Index of the number it belongs to.
    pixels : int
        How many pixels it owns.
    over : int or None
        Index of the sign it is written over, a digit: legible only by guessing, so that a person should look.
    variant : str
        Where its shape comes from.
    """

    label: int
    box: Box
    number: int
    pixels: int
    over: int | None
    variant: str

    @property
    def overwritten(self) -> bool:
        """Whether it is written over another digit."""
        return self.over is not None


@dataclass(frozen=True, slots=True)
class DrawnSign:
    """Handwriting that is not to be read: dots, dashes, crosses, ticks, tallies, letters, neighbours.

    Attributes
    ----------
    kind : str
        Label of its shape; ``edge`` for strokes cut off by the picture's rim, ``struck 3`` for a 3 that is
        written over.
    box : Box
    pixels : int
    """

    kind: str
    box: Box
    pixels: int


@dataclass(frozen=True, slots=True)
class DrawnNumber:
    """Digits that belong together.

    Attributes
    ----------
    text : str
        '' for a field in which there is nothing to read.
    box : Box
        Around its digits, or the field where there are none.
    field : Box or None
        The printed field it stands in.
    overwritten : bool
        One of its digits is.
    """

    text: str
    box: Box
    field: Box | None
    overwritten: bool


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A drawn picture and its truth.

    Attributes
    ----------
    image : (H, W) uint8 ndarray
    owner : (H, W) int16 ndarray
        ``i + 1`` at ink of ``digits[i]``, ``-(i + 1)`` at ink of ``signs[i]``, 0 elsewhere (print included).
    digits : tuple of DrawnDigit
        In reading order of the numbers.
    signs : tuple of DrawnSign
    numbers : tuple of DrawnNumber
        In reading order.
    rows : tuple of int
        The row of each number.
    kind : str
        ``line``, ``cell``, ``field``, ``page`` or ``photo``.
    colour : (H, W, 3) uint8 ndarray, optional
        The same picture in colour.
    turn : int
        How many quarter turns to the left the picture was given after it was drawn upright.
    ground : (H, W) uint8 ndarray, optional
        What lies beneath the handwriting, as a :class:`digitocr.training.synth.ground.Ground`.
    """

    image: Grey
    owner: Owner
    digits: tuple[DrawnDigit, ...]
    signs: tuple[DrawnSign, ...]
    numbers: tuple[DrawnNumber, ...]
    rows: tuple[int, ...]
    kind: str
    colour: Colour | None = None
    turn: int = 0
    ground: Grey | None = None

    @property
    def text(self) -> str:
        """All digits in reading order, ``|`` between rows."""
        found: dict[int, str] = {}
        for number, row in zip(self.numbers, self.rows, strict=True):
            found[row] = found.get(row, "") + number.text
        return "|".join(found[row] for row in sorted(found) if found[row])

    @property
    def overwritten(self) -> bool:
        """Whether any digit was written over another."""
        return any(d.overwritten for d in self.digits)


def owned_boxes(owner: Owner) -> dict[int, tuple[Box, int]]:
    """Return the bounding box and the number of pixels of each owner.

    Parameters
    ----------
    owner : (H, W) int16 ndarray
        Owner map, 0 for paper.

    Returns
    -------
    dict of int to (Box, int)
    """
    ys, xs = np.nonzero(owner)
    if len(ys) == 0:
        return {}
    names = owner[ys, xs]
    order = np.argsort(names, kind="stable")
    names, ys, xs = names[order], ys[order], xs[order]
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    counts = np.diff(np.append(starts, len(names)))
    x0, x1 = np.minimum.reduceat(xs, starts), np.maximum.reduceat(xs, starts)
    y0, y1 = np.minimum.reduceat(ys, starts), np.maximum.reduceat(ys, starts)
    return {
        int(names[s]): (Box(int(a), int(b), int(c - a + 1), int(d - b + 1)), int(n))
        for s, a, b, c, d, n in zip(starts, x0, y0, x1, y1, counts, strict=True)
    }
