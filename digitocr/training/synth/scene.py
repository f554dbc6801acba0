"""Paper being written on, and the truth of what is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Box, Grey
from digitocr.training.synth.drawing import (
    NO_OWNER,
    STRUCK,
    Drawing,
    DrawnDigit,
    DrawnNumber,
    DrawnSign,
    owned_boxes,
)
from digitocr.training.synth.hand import Pen
from digitocr.training.synth.inks import Ink, inked
from digitocr.training.synth.paper import Field
from digitocr.training.synth.pen import Owner, Written, ink_texture
from digitocr.training.synth.strokes import Random

NOWHERE: Final[Mapping[int, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Digit:
    """A digit on a scene: its name in the owner map is its place in the list plus 1."""

    label: int
    number: int
    over: int | None
    variant: str


@dataclass(slots=True, eq=False)
class Scene:
    """Paper being written on: holds pixels, the owner map and what has been written so far.

    Attributes
    ----------
    paper : (H, W) or (H, W, 3) float32 ndarray
    owner : (H, W) int16 ndarray
    best : (H, W) uint8 ndarray
        Coverage by the owner.
    digits : list
    signs : list of str
    numbers : list
        Text, field, overwritten and row of each number.
    ground : (H, W) uint8 ndarray, optional
        What lies beneath the handwriting, where the drawing tells it.
    """

    paper: Field
    owner: Owner
    best: Grey
    digits: list[_Digit] = field(default_factory=list)
    signs: list[str] = field(default_factory=list)
    numbers: list[tuple[str, Box | None, bool, int]] = field(default_factory=list)
    ground: Grey | None = None

    def add_number(
        self,
        rng: Random,
        parts: Sequence[tuple[Written, int, int]],
        ink: Ink,
        pen: Pen,
        *,
        row: int = 0,
        place: Box | None = None,
        over: Mapping[int, int] = NOWHERE,
        grain: float = 0.5,
    ) -> None:
        """Write the parts of a number, each with its upper left corner; ``over`` names the signs some are over."""
        index = len(self.numbers)
        text = ""
        for written, x, y in parts:
            first = len(self.digits)
            for glyph in written.digits:
                self.digits.append(_Digit(int(glyph.label), index, over.get(len(text)), glyph.variant))
                text += glyph.label
            self._ink(rng, written, x, y, ink, pen, first, grain)
        self.numbers.append((text, place, bool(over), row))

    def add_signs(
        self,
        rng: Random,
        written: Written,
        x: int,
        y: int,
        ink: Ink,
        pen: Pen,
        *,
        kind: str = "",
        grain: float = 0.5,
    ) -> None:
        """Write signs that are not to be read; digits among them count as signs of the given kind."""
        first = len(self.signs)
        owner = written.owner
        self.signs.extend(kind or g.label for g in written.signs)
        extra = np.where(owner > 0, -(owner + len(written.signs)), owner).astype(np.int16)
        self.signs.extend(kind or STRUCK + g.label for g in written.digits)
        plain = Written(written.alpha, extra, (), (), written.origin, written.height)
        self._blend(rng, plain, x, y, ink, pen, 0, first, grain)

    def strike(self, rng: Random, digit: Written, x: int, y: int, ink: Ink, pen: Pen, *, grain: float) -> int:
        """Write a digit that will be written over; return the index of the sign it is."""
        self.add_signs(rng, digit, x, y, ink, pen, grain=grain)
        return len(self.signs) - 1

    def _ink(
        self, rng: Random, written: Written, x: int, y: int, ink: Ink, pen: Pen, first: int, grain: float
    ) -> None:
        first_sign = len(self.signs)
        self.signs.extend(g.label for g in written.signs)
        self._blend(rng, written, x, y, ink, pen, first, first_sign, grain)

    def _blend(
        self,
        rng: Random,
        written: Written,
        x: int,
        y: int,
        ink: Ink,
        pen: Pen,
        first_digit: int,
        first_sign: int,
        grain: float,
    ) -> None:
        rows, columns = self.owner.shape
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + written.alpha.shape[1], columns), min(y + written.alpha.shape[0], rows)
        if x1 <= x0 or y1 <= y0:
            return
        here, there = np.s_[y0:y1, x0:x1], np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
        alpha = written.alpha[there]
        flow = ink_texture(rng, alpha, pen, grain, max(1.0, written.height / 45))
        self.paper[here] = inked(self.paper[here], flow, ink)
        owner = written.owner[there]
        mine = (owner != NO_OWNER) & (alpha > self.best[here])
        shifted = np.where(owner > 0, owner + first_digit, owner - first_sign).astype(np.int16)
        self.owner[here][mine] = shifted[mine]
        self.best[here][mine] = alpha[mine]


def new_scene(paper: Field) -> Scene:
    """Return paper with nothing written on it.

    Parameters
    ----------
    paper : (H, W) or (H, W, 3) float32 ndarray

    Returns
    -------
    Scene
    """
    shape = (int(paper.shape[0]), int(paper.shape[1]))
    return Scene(paper.astype(np.float32), np.zeros(shape, np.int16), np.zeros(shape, np.uint8))


def finish(
    scene: Scene,
    image: NDArray[np.uint8],
    kind: str,
    *,
    owner: Owner | None = None,
    ground: Grey | None = None,
    turn: int = 0,
) -> Drawing:
    """Measure what each digit and sign owns, and return the drawing.

    Parameters
    ----------
    scene : Scene
    image : (H, W) or (H, W, 3) uint8 ndarray
        The final picture.
    kind : str
        See :attr:`Drawing.kind`.
    owner : (H, W) int16 ndarray, optional
        The owner map in pixels of the final picture; by default the scene's.
    ground : (H, W) uint8 ndarray, optional
        What lies beneath the handwriting, in pixels of the final picture; by default the scene's.
    turn : int
        Quarter turns counter-clockwise that the final picture was given.

    Returns
    -------
    Drawing
    """
    final = scene.owner if owner is None else owner
    beneath = scene.ground if ground is None else ground
    boxes = owned_boxes(final)
    nothing = (Box(0, 0, 1, 1), 0)
    digits = tuple(
        DrawnDigit(d.label, *_swap(boxes.get(i + 1, nothing), d.number), d.over, d.variant)
        for i, d in enumerate(scene.digits)
    )
    signs = tuple(DrawnSign(s, *boxes.get(-(i + 1), nothing)) for i, s in enumerate(scene.signs))
    numbers = []
    for index, (text, place, overwritten, _) in enumerate(scene.numbers):
        own = [d.box for d in digits if d.number == index and d.pixels]
        box = place or Box(0, 0, final.shape[1], final.shape[0])
        if own:
            box = own[0]
            for other in own[1:]:
                box = box.union(other)
        numbers.append(DrawnNumber(text, box, place, overwritten))
    rows = tuple(n[3] for n in scene.numbers)
    if image.ndim == 3:
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        return Drawing(grey, final, digits, signs, tuple(numbers), rows, kind, image, turn, beneath)
    return Drawing(image, final, digits, signs, tuple(numbers), rows, kind, None, turn, beneath)


def _swap(found: tuple[Box, int], number: int) -> tuple[Box, int, int]:
    return found[0], number, found[1]
