"""Places of a form to write in, as the answer network sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.forms.template import Field
from digitocr.networks.answer_network import DIGITS, FILLER, PAPER, SIDE, STRUCK, See
from digitocr.records import Box, Grey, Reason

MARGIN = 0.15
"""What is shown around a place, in its heights: a stroke through a digit reaches over its cell."""


def places_of(field: Field) -> tuple[Box, ...]:
    """Divide a field into places: its cells, or squares that overlap by half.

    Parameters
    ----------
    field : Field

    Returns
    -------
    tuple of Box
        In pixels of the template, from left to right.

    Examples
    --------
    >>> [place.x for place in places_of(Field("a", Box(0, 0, 100, 40)))]
    [0, 20, 40, 60]
    """
    if field.cells:
        return field.cells
    box = field.box
    side = min(box.height, box.width)
    count = 1 + -(-(box.width - side) // max(1, side // 2))
    starts = np.linspace(box.x, box.right - side, count).round().astype(int).tolist()
    return tuple(Box(x, box.y, side, box.height) for x in starts)


def pictured(even: Grey, box: Box, scale: float) -> Grey:
    """Show a place to the answer network.

    Parameters
    ----------
    even : (h, w) uint8 ndarray
        The flattened form, evenly lit.
    box : Box
        In pixels of the template.
    scale : float
        Pixels of the flattened form per pixel of the template.

    Returns
    -------
    (40, 40) uint8 ndarray
        Paper at 255.
    """
    away = MARGIN * box.height
    height, width = even.shape
    x0, x1 = (int(np.clip(round(v * scale), 0, width)) for v in (box.x - away, box.right + away))
    y0, y1 = (int(np.clip(round(v * scale), 0, height)) for v in (box.y - away, box.bottom + away))
    part = even[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    if not part.size:
        return np.full((SIDE, SIDE), 255, np.uint8)
    return np.asarray(cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True)
class Sight:
    """What the answer network sees in the places of a field.

    Attributes
    ----------
    classes : (N, 4) float32 ndarray
        For each place the probability of each of :data:`~digitocr.networks.answer_network.CLASSES`.
    """

    classes: NDArray[np.float32]

    @property
    def unstruck(self) -> float:
        """Probability that nothing is struck out, by the place where it is least sure."""
        return 1 - float(self.classes[:, STRUCK].max(initial=0))

    def blank(self, places: Sequence[int]) -> float:
        """Return the probability that no digit is meant in these places, by the one where it is least sure."""
        nothing = self.classes[places][:, [PAPER, FILLER]].sum(axis=1)
        return float(nothing.min(initial=1))

    def why_not_blank(self, places: Sequence[int]) -> Reason:
        """Return what speaks most against these places being blank: struck ink, or writing that was not read."""
        struck, written = self.classes[places][:, [STRUCK, DIGITS]].max(axis=0)
        return Reason.STRUCK_OUT if struck > written else Reason.FAINT_INK


def sights(fields: Sequence[Field], even: Grey, scale: float, see: See) -> Iterator[Sight]:
    """Look at the places of fields, those of all together.

    Parameters
    ----------
    fields : sequence of Field
    even : (h, w) uint8 ndarray
        The flattened form, evenly lit.
    scale : float
        Pixels of the flattened form per pixel of the template.
    see : callable
        The answer network.

    Yields
    ------
    Sight
        Of each field.
    """
    places = [places_of(field) for field in fields]
    seen = iter(see([pictured(even, box, scale) for some in places for box in some]))
    for some in places:
        yield Sight(np.stack([next(seen) for _ in some]))
