"""A sheet being printed and filled in: its paper, print, hands, and what they write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import cv2
import numpy as np

from digitocr.records import Box
from digitocr.training.synth.hand import Hand
from digitocr.training.synth.inks import Ink
from digitocr.training.synth.layouts.press import Press
from digitocr.training.synth.layouts.script import Script
from digitocr.training.synth.pen import Token, Written, write
from digitocr.training.synth.scene import NOWHERE, Scene
from digitocr.training.synth.strokes import Glyph, InkString, Random

LEAST_PX: Final = 8.0
"""Height of the smallest digits: smaller ones cannot be read."""


@dataclass(frozen=True, slots=True, eq=False)
class Writing:
    """How somebody writes on a sheet.

    Attributes
    ----------
    hand : Hand
    script : Script
    ink : tuple of float
        Blue, green, red.
    grain : float
        How uneven the ink is, 0 to 1.
    """

    hand: Hand
    script: Script
    ink: Ink
    grain: float


@dataclass(slots=True, eq=False)
class Sheet:
    """A sheet being printed and filled in.

    Attributes
    ----------
    scene : Scene
    press : Press
        Prints on the scene's paper.
    em : float
        Height of ordinary print in pixels.
    rule : float
        Thickness of ordinary rules in pixels.
    writing : Writing
        Of whoever fills it in.
    second : Writing
        Of whoever checks it.
    size : float
        Height of digits as a share of the room for them.
    corrected : float
        Probability that a number is first written wrong.
    strings : mapping of int to list of InkString
        Numbers of real ink to set in instead of written ones, by their count of digits; mostly none.
    row : int
        Row of the next number.
    """

    scene: Scene
    press: Press
    em: float
    rule: float
    writing: Writing
    second: Writing
    size: float
    corrected: float
    strings: Mapping[int, Sequence[InkString]] = field(default_factory=dict)
    row: int = 0

    @property
    def page(self) -> Box:
        """The whole sheet."""
        rows, columns = self.scene.owner.shape
        return Box(0, 0, columns, rows)

    def fitted(
        self, rng: Random, tokens: Sequence[Token], height: float, room: Box, align: str, who: Writing
    ) -> tuple[Written, int, int] | None:
        """Write tokens into a room, smaller if they are too long; None where they would be too small to read."""
        hand = who.hand
        written = write(rng, tokens, hand, max(height, LEAST_PX), margin=(0, 0, 0, 0))
        wide = written.alpha.shape[1]
        if wide > room.width:
            height = height * room.width / wide
            if height < LEAST_PX:
                return None
            written = write(rng, tokens, replace(hand, gap=min(hand.gap, 0.12)), height, margin=(0, 0, 0, 0))
        return written, *self._kept(written, _corner(rng, written, room, align))

    def pasted(
        self, rng: Random, string: InkString, height: float, room: Box, align: str
    ) -> tuple[Written, int, int] | None:
        """Set a string of real ink into a room, smaller if it is too long; None where it would be too small to read."""
        scale = min(height / string.height, room.width / string.mask.shape[1])
        if scale * string.height < LEAST_PX:
            return None
        h, w = string.mask.shape
        size = (max(1, round(w * scale)), max(1, round(h * scale)))
        alpha = np.asarray(cv2.resize(string.mask, size, interpolation=cv2.INTER_AREA), np.uint8)
        owner = np.asarray(cv2.resize(string.owner, size, interpolation=cv2.INTER_NEAREST), np.int16)
        digits = tuple(Glyph(c, (), "register", is_ink=True) for c in string.text)
        signs = (Glyph(".", (), "register"),)
        written = Written(alpha, owner, digits, signs, (0.0, float(size[1])), height)
        return written, *self._kept(written, _corner(rng, written, room, align))

    def _kept(self, written: Written, corner: tuple[int, int]) -> tuple[int, int]:
        """Move a corner so that the writing stays on the sheet."""
        h, w = written.alpha.shape
        x = int(np.clip(corner[0], 1, max(1, self.page.width - w - 1)))
        return x, int(np.clip(corner[1], 1, max(1, self.page.height - h - 1)))

    def number(
        self,
        rng: Random,
        parts: Sequence[tuple[Written, int, int]],
        who: Writing,
        *,
        beneath: int | None = None,
    ) -> None:
        """Add a number that is to be read; its first digit is written over the sign ``beneath``."""
        over = NOWHERE if beneath is None else {0: beneath}
        self.scene.add_number(rng, parts, who.ink, who.hand.pen, row=self.row, over=over, grain=who.grain)

    def sign(self, rng: Random, written: Written, x: int, y: int, kind: str, who: Writing) -> None:
        """Add handwriting that is not to be read."""
        self.scene.add_signs(rng, written, x, y, who.ink, who.hand.pen, kind=kind, grain=who.grain)

    def glyph(
        self, rng: Random, glyph: Glyph, height: float, room: Box, align: str, who: Writing
    ) -> Box | None:
        """Write a whole word or mark as one sign; return the box around it, None where it found no room."""
        hand = replace(who.hand, writer=_Fixed(glyph), thickness=min(who.hand.thickness, 0.16))
        placed = self.fitted(rng, [Token(glyph.label)], height, room, align, replace(who, hand=hand))
        if placed is None:
            return None
        written, x, y = placed
        self.sign(rng, written, x, y, glyph.label, who)
        return Box(x, y, written.alpha.shape[1], written.alpha.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class _Fixed:
    """A writer who writes one glyph."""

    only: Glyph

    def glyph(self, rng: Random, label: str) -> Glyph | None:
        """Return the glyph."""
        del rng, label
        return self.only


def by_length(strings: Sequence[InkString]) -> dict[int, list[InkString]]:
    """Return strings of real ink by their count of digits.

    Parameters
    ----------
    strings : sequence of InkString

    Returns
    -------
    dict of int to list of InkString
    """
    found: dict[int, list[InkString]] = {}
    for one in strings:
        found.setdefault(len(one.text), []).append(one)
    return found


def _corner(rng: Random, written: Written, room: Box, align: str) -> tuple[int, int]:
    """Return where the writing begins: at one side of the room or in its middle, about."""
    h, w = written.alpha.shape
    free = room.width - w
    share = {"left": 0.04, "right": 0.96}.get(align, 0.5)
    x = room.x + free * float(np.clip(rng.normal(share, 0.1), 0, 1))
    y = room.y + (room.height - h) / 2 + float(rng.normal(0, 0.07)) * room.height
    return round(x), round(y)
