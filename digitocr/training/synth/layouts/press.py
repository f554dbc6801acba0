"""Print on coloured paper: text in any font, rules, fills and pictures, each with the class of its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from digitocr.records import Box, Grey
from digitocr.training.synth.ground import Ground
from digitocr.training.synth.inks import Ink, inked
from digitocr.training.synth.layouts.faces import Face, draw_face
from digitocr.training.synth.paper import Field
from digitocr.training.synth.strokes import Random

_SEEN: Final = 20.0
"""Print that changes the paper by fewer grey values is paper: tints, faint watermarks."""

_FILL_SEEN: Final = 90.0
"""The same of filled parts: only dark bands are print."""

_ABOVE: Final = 0.3
"""Room above the capitals in a line of print, in their heights."""


@dataclass(slots=True, eq=False)
class Press:
    """Paper being printed on.

    Attributes
    ----------
    paper : (H, W, 3) float32 ndarray
        Changed in place.
    ground : (H, W) uint8 ndarray
        Class of every pixel, changed in place.
    flow : (H, W) float32 ndarray
        How much of the ink takes, 0 to 1.
    tone : tuple of float
        Blue, green, red of ordinary print.
    face : Face
        Of ordinary print.
    fonts : tuple of Path
        All to choose from.
    """

    paper: Field
    ground: Grey
    flow: Field
    tone: Ink
    face: Face
    fonts: tuple[Path, ...]

    def lay(
        self,
        mask: Grey,
        x: int,
        y: int,
        kind: Ground,
        *,
        tone: Ink | None = None,
        depth: float = 1.0,
        seen: float = _SEEN,
    ) -> None:
        """Print a mask with its upper left corner at a place, as far as it lies on the paper."""
        rows, columns = self.ground.shape
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + mask.shape[1], columns), min(y + mask.shape[0], rows)
        if x1 <= x0 or y1 <= y0:
            return
        here = np.s_[y0:y1, x0:x1]
        amount = mask[y0 - y : y1 - y, x0 - x : x1 - x].astype(np.float32) * np.float32(depth / 255)
        before = self.paper[here].mean(axis=2)
        self.paper[here] = inked(self.paper[here], amount * self.flow[here], tone or self.tone)
        changed = np.abs(self.paper[here].mean(axis=2) - before) >= seen
        self.ground[here][changed] = kind

    def width(self, words: str, size: float) -> float:
        """Return the width of ordinary print in pixels."""
        return self.face.length(words, size)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        *,
        face: Face | None = None,
        tone: Ink | None = None,
    ) -> None:
        """Print words with their upper left corner at a place, capitals ``size`` pixels high."""
        mask = (face or self.face).mask(words, size)
        self.lay(mask, round(x), round(y - _ABOVE * size), Ground.PRINT, tone=tone)

    def rule(self, x0: float, y0: float, x1: float, y1: float, thick: float, *, dotted: bool = False) -> None:
        """Print a straight line; one thinner than a pixel is paler instead."""
        wide = max(1, round(thick))
        left, top = int(min(x0, x1)) - wide - 1, int(min(y0, y1)) - wide - 1
        right, bottom = int(max(x0, x1)) + wide + 2, int(max(y0, y1)) + wide + 2
        mask = np.zeros((bottom - top, right - left), np.uint8)
        ends = np.array([[x0 - left, y0 - top], [x1 - left, y1 - top]])
        parts = [(0.0, 1.0)]
        if dotted:
            count = max(1, int(np.hypot(*(ends[1] - ends[0])) / (4 * wide)))
            parts = [(i / count, (i + 0.4) / count) for i in range(count)]
        for a, b in parts:
            p, q = (np.round((ends[0] + (ends[1] - ends[0]) * t) * 16).astype(int).tolist() for t in (a, b))
            cv2.line(mask, p, q, 255, wide, cv2.LINE_AA, shift=4)
        self.lay(mask, left, top, Ground.RULE, depth=float(np.clip(thick, 0.35, 1)))

    def frame(self, box: Box, thick: float) -> None:
        """Print a rectangle."""
        for x0, y0, x1, y1 in (
            (box.x, box.y, box.right, box.y),
            (box.x, box.bottom, box.right, box.bottom),
            (box.x, box.y, box.x, box.bottom),
            (box.right, box.y, box.right, box.bottom),
        ):
            self.rule(x0, y0, x1, y1, thick)

    def ring(self, box: Box, thick: float, kind: Ground = Ground.RULE) -> None:
        """Print an ellipse into a box."""
        wide = max(1, round(thick))
        mask = np.zeros((box.height + 2 * wide, box.width + 2 * wide), np.uint8)
        centre = (mask.shape[1] // 2, mask.shape[0] // 2)
        cv2.ellipse(mask, centre, (box.width // 2, box.height // 2), 0, 0, 360, 255, wide, cv2.LINE_AA)
        self.lay(mask, box.x - wide, box.y - wide, kind)

    def fill(self, box: Box, tone: Ink, depth: float) -> None:
        """Print a filled rectangle."""
        if box.width > 0 and box.height > 0:
            mask = np.full((box.height, box.width), 255, np.uint8)
            self.lay(mask, box.x, box.y, Ground.PRINT, tone=tone, depth=depth, seen=_FILL_SEEN)

    def chosen(self, rng: Random, kind: str) -> Face:
        """Choose a typeface: that of the ``page``, or a ``bold`` one, one of even width (``mono``), or ``any``."""
        return self.face if kind == "page" else draw_face(rng, self.fonts, kind)
