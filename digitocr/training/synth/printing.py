"""Print on paper: text, rules, boxes, and the fonts for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitocr.records import Box, Grey
from digitocr.training.synth.ground import Ground
from digitocr.training.synth.strokes import Random

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


_SYLLABLES: Final = tuple(
    "ka lo mi ra te su no ver an ta di pro con be ge un for ne pa ri sta tor li vo em as den ho".split()  # noqa: SIM905
)


_SEEN: Final = 30
"""Print less dark than this, of 255, is paper."""

FONTS: Final = ("DejaVu*.ttf", "STIXGeneral*.ttf", "cmb10.ttf", "cmr10.ttf", "cmss10.ttf", "cmtt10.ttf")
"""Those with letters and digits among the fonts of matplotlib: with and without serifs, of even width, bold, italic."""


@cache
def fonts_found() -> tuple[Path, ...]:
    """Return the font files that come with matplotlib, if it is installed; Pillow has one of its own.

    Returns
    -------
    tuple of Path
    """
    spec = find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        return ()
    folder = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    return tuple(sorted(p for name in FONTS for p in folder.glob(name) if "Display" not in p.name))


@lru_cache(maxsize=512)
def sized_font(path: Path | None, size: int) -> Font:
    """Return a font in a size.

    Parameters
    ----------
    path : Path or None
        None for Pillow's own font.
    size : int
        In pixels.

    Returns
    -------
    PIL.ImageFont.FreeTypeFont or PIL.ImageFont.ImageFont
    """
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(str(path), size)


@dataclass(slots=True, eq=False)
class Printing:
    """A layer of print.

    Attributes
    ----------
    lines : (H, W) uint8 ndarray
        Rules and boxes, 255 darkest.
    picture : PIL.Image.Image
        Text, of the same size.
    font : Path or None
    """

    lines: Grey
    picture: Image.Image
    font: Path | None
    draw: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        self.draw = ImageDraw.Draw(self.picture)

    def text(self, x: float, y: float, words: str, size: float, dark: int = 235) -> None:
        """Print words with their upper left corner at a place, letters about ``size`` pixels high."""
        self.draw.text((x, y), words, fill=dark, font=sized_font(self.font, max(6, round(size * 1.35))))

    def box(self, box: Box, thick: int, dark: int = 235) -> None:
        """Print a rectangle."""
        cv2.rectangle(self.lines, (box.x, box.y), (box.right - 1, box.bottom - 1), dark, max(1, thick))

    def rule(self, x0: float, y0: float, x1: float, y1: float, thick: int, dark: int = 235) -> None:
        """Print a straight line."""
        cv2.line(self.lines, (round(x0), round(y0)), (round(x1), round(y1)), dark, max(1, thick))

    def block(self, box: Box, dark: int = 245) -> None:
        """Print a filled rectangle."""
        cv2.rectangle(self.lines, (box.x, box.y), (box.right - 1, box.bottom - 1), dark, -1)

    def darkness(self) -> Grey:
        """Return all print, 0 to 255."""
        return np.maximum(self.lines, np.asarray(self.picture, np.uint8))

    def ground(self) -> Grey:
        """Return the class of every pixel; filled blocks count as rules, since they are drawn with them."""
        found = np.where(self.lines >= _SEEN, Ground.RULE, Ground.PAPER).astype(np.uint8)
        found[np.asarray(self.picture, np.uint8) >= _SEEN] = Ground.PRINT
        return found


def blank_print(shape: tuple[int, int], font: Path | None) -> Printing:
    """Return a layer with nothing printed on it.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    font : Path or None
        None for Pillow's own font.

    Returns
    -------
    Printing
    """
    return Printing(np.zeros(shape, np.uint8), Image.new("L", (shape[1], shape[0]), 0), font)


def made_up_words(rng: Random, count: int) -> str:
    """Return made-up words and numbers, as a form prints them.

    Parameters
    ----------
    rng : numpy.random.Generator
    count : int
        Number of words.

    Returns
    -------
    str
    """
    made = []
    for _ in range(count):
        if rng.random() < 0.2:
            made.append(str(int(10 ** rng.uniform(0, 4.5))))
            continue
        word = "".join(_SYLLABLES[int(i)] for i in rng.integers(0, len(_SYLLABLES), int(rng.integers(1, 4))))
        made.append(word.capitalize() if rng.random() < 0.15 else word)
    return " ".join(made)
