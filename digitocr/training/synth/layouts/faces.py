"""Typefaces: the fonts of a machine, made narrower, slanted, bolder or of dots, so that few fonts look like many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import ImageFont

from digitocr.records import Grey
from digitocr.training.synth.printing import sized_font
from digitocr.training.synth.strokes import Random

_CAPITAL_SHARE: Final = 1.35
"""Size of a font, in heights of its capitals."""

_LEAST_PX: Final = 6
"""Size of the smallest print."""

_ENDINGS: Final = (".ttf", ".otf", ".woff", ".woff2")
"""Kinds of font files that are looked for."""

_DOTS_DOWN: Final = 8
"""Dots in the height of a capital of a dot matrix printer."""

_MARKS: Final = {"bold": ("Bold", "Bol", "cmb", "Black"), "mono": ("Mono", "tt10", "Courier")}
"""Parts of the names of bold fonts and of fonts of even width."""


@dataclass(frozen=True, slots=True)
class Face:
    """A typeface.

    Attributes
    ----------
    path : Path or None
        None for Pillow's own font.
    width : float
        Factor on the width of letters.
    slant : float
        Shear to the right, as a share of the height.
    heavy : bool
        Whether strokes are thickened.
    dotted : bool
        Whether it is made of dots.
    """

    path: Path | None = None
    width: float = 1.0
    slant: float = 0.0
    heavy: bool = False
    dotted: bool = False

    def length(self, words: str, size: float) -> float:
        """Return the width of a text in pixels, capitals ``size`` pixels high."""
        return float(_sized(self.path, size).getlength(words)) * self.width + self.slant * size

    def mask(self, words: str, size: float) -> Grey:
        """Return the ink of a text, 255 full, from the top of its line downwards."""
        font = _sized(self.path, size)
        ink, (left, top) = font.getmask2(words, mode="L")
        across, down = ink.size
        if not (words.strip() and across and down):
            return np.zeros((1, 1), np.uint8)
        left, top = max(left, 0), max(top, 0)
        mask = np.zeros((down + top + 1, across + left + 1), np.uint8)
        mask[top : top + down, left : left + across] = np.frombuffer(bytes(ink), np.uint8).reshape(
            down, across
        )
        if self.width != 1 or self.slant:
            lean = self.slant * mask.shape[0]
            matrix = np.array([[self.width, -self.slant, lean], [0, 1, 0]], np.float32)
            size_out = (round(mask.shape[1] * self.width + lean) + 1, mask.shape[0])
            mask = np.asarray(cv2.warpAffine(mask, matrix, size_out), np.uint8)
        if self.heavy:
            wide = max(2, round(0.1 * size))
            mask = np.asarray(cv2.dilate(mask, np.ones((max(1, wide // 2), wide), np.uint8)), np.uint8)
        if self.dotted and size > 2 * _DOTS_DOWN:
            mask = _as_dots(mask, size / _DOTS_DOWN)
        return mask


def draw_face(rng: Random, fonts: Sequence[Path], kind: str = "any") -> Face:
    """Draw a typeface.

    Parameters
    ----------
    rng : numpy.random.Generator
    fonts : sequence of Path
        Fonts to choose from besides Pillow's own.
    kind : str
        ``bold``, ``mono`` or ``any``.

    Returns
    -------
    Face
    """
    fitting = [p for p in fonts if any(mark in p.stem for mark in _MARKS.get(kind, ("",)))]
    choice: list[Path | None] = [*(fitting or fonts)] if kind in _MARKS and fonts else [None, *fonts]
    return Face(
        choice[int(rng.integers(len(choice)))],
        width=float(rng.uniform(0.68, 1.35)) if rng.random() < 0.5 else 1.0,
        slant=float(rng.uniform(0.05, 0.3)) if rng.random() < 0.12 else 0.0,
        heavy=bool(rng.random() < (0.4 if kind == "bold" else 0.08)),
        dotted=bool(rng.random() < (0.25 if kind == "mono" else 0.03)),
    )


@cache
def text_fonts(folder: Path) -> tuple[Path, ...]:
    """Return the fonts in a folder, and in those below it, that have Latin letters and digits.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    tuple of Path
        By name.
    """
    files = (path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS)
    return tuple(sorted(path for path in files if _has_letters(path)))


def _has_letters(path: Path) -> bool:
    """Tell whether a font draws digits and letters, each its own: missing ones all look alike."""
    try:
        font = _sized(path, 20)
        shapes = {bytes(font.getmask(c)) for c in "0123456789AHMaeghnt"}
    except (OSError, ValueError):
        return False
    return len(shapes) == len("0123456789AHMaeghnt")


def _sized(path: Path | None, size: float) -> ImageFont.FreeTypeFont:
    font = sized_font(path, max(_LEAST_PX, round(size * _CAPITAL_SHARE)))
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font


def _as_dots(mask: Grey, step: float) -> Grey:
    rows, columns = (np.cos(np.arange(n) * (2 * np.pi / step)) for n in mask.shape)
    dots = np.clip(1.1 + rows[:, None] + columns[None, :], 0, 1)
    return np.asarray(mask * dots, np.uint8)
