"""A sheet that is printed and filled in by one hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Box
from digitocr.training.synth.hand import Hand
from digitocr.training.synth.inks import Ink
from digitocr.training.synth.paper import (
    noise,
)
from digitocr.training.synth.pen import Token, Written, write
from digitocr.training.synth.printing import Printing
from digitocr.training.synth.scene import Scene, new_scene
from digitocr.training.synth.strokes import Random, Sources


@dataclass(slots=True, eq=False)
class FilledSheet:
    """A form being printed and filled in.

    Attributes
    ----------
    scene : Scene
    print : Printing
    mm : float
        A millimetre of an A4 page, in pixels.
    hand : Hand
    ink : tuple of float
    sources : Sources
    grain : float
        How uneven the ink is, 0 to 1.
    row : int
        Row of the next number.
    """

    scene: Scene
    print: Printing
    mm: float
    hand: Hand
    ink: Ink
    sources: Sources
    grain: float
    row: int = 0

    @property
    def thin(self) -> int:
        """Width of a thin rule in pixels."""
        return max(1, round(0.2 * self.mm))

    @property
    def thick(self) -> int:
        """Width of a thick rule in pixels."""
        return max(1, round(0.5 * self.mm))

    def centred(
        self, rng: Random, tokens: Sequence[Token], height: float, box: Box
    ) -> tuple[Written, int, int]:
        """Write into the middle of a box, about."""
        written = write(rng, tokens, self.hand, height, margin=(0, 0, 0, 0))
        h, w = written.alpha.shape
        if w > box.width * 1.05:
            written = write(rng, tokens, self.hand, height * box.width / w, margin=(0, 0, 0, 0))
            h, w = written.alpha.shape
        off = rng.normal(0, 0.07, 2)
        x = box.x + (box.width - w) / 2 + float(off[0]) * box.width
        y = box.y + (box.height - h) / 2 + float(off[1]) * box.height
        return written, round(x), round(y)

    def sign(self, rng: Random, label: str, height: float, box: Box) -> None:
        """Write a sign into a box."""
        written, x, y = self.centred(rng, [Token(label, digit=False)], height, box)
        self.scene.add_signs(rng, written, x, y, self.ink, self.hand.pen, grain=self.grain)

    def number(
        self, rng: Random, cells: Sequence[Box], text: str, height: float, filler: str, *, over: bool = False
    ) -> None:
        """Write digits into the last cells; the cells before get the filler, '' for none."""
        lead = len(cells) - len(text)
        for cell in cells[:lead]:
            if filler:
                self.sign(rng, filler, height, cell)
        struck = int(rng.integers(len(text))) if over and text else None
        beneath = {}
        parts = []
        for i, (cell, digit) in enumerate(zip(cells[lead:], text, strict=True)):
            if i == struck:
                old, x, y = self.centred(rng, [Token(str(rng.integers(10)))], height, cell)
                beneath[i] = self.scene.strike(rng, old, x, y, self.ink, self.hand.pen, grain=self.grain)
            parts.append(self.centred(rng, [Token(digit)], height, cell))
        place = Box(cells[0].x, cells[0].y, cells[-1].right - cells[0].x, cells[0].height)
        self.scene.add_number(
            rng,
            parts,
            self.ink,
            self.hand.pen,
            row=self.row,
            place=place,
            over=beneath,
            grain=self.grain,
        )


def blank_sheet(rng: Random, shape: tuple[int, int], *, colour: bool, bright: tuple[float, float]) -> Scene:
    """Return a blank sheet of paper.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        Rows and columns.
    colour : bool
    bright : tuple of float
        Range of its grey value, 0 to 255.

    Returns
    -------
    Scene
    """
    level = float(rng.uniform(*bright))
    grain = noise(rng, shape, 2.0) * np.float32(rng.uniform(0, 2))
    if not colour:
        return new_scene(np.full(shape, level, np.float32) + grain)
    tint = level * colour_cast(rng, 0.02)
    return new_scene(np.asarray(grain[:, :, None] + tint.astype(np.float32), np.float32))


def colour_cast(rng: Random, spread: float) -> NDArray[np.float64]:
    """Draw a colour cast: mostly warmer or cooler, slightly green or pink.

    Parameters
    ----------
    rng : numpy.random.Generator
    spread : float
        Standard deviation of the factors.

    Returns
    -------
    (3,) float64 ndarray
        Factors on blue, green and red, 0.8 to 1.2.
    """
    warm, green = rng.normal(0, spread), rng.normal(0, spread / 3)
    return np.asarray(np.clip(np.array([1 - warm, 1 + green, 1 + warm]), 0.8, 1.2), np.float64)


def small_number(rng: Random, longest: int) -> str:
    """Draw a number as in tables: short ones are common.

    Parameters
    ----------
    rng : numpy.random.Generator
    longest : int
        Most digits.

    Returns
    -------
    str
    """
    length = 1 + min(int(rng.exponential(1.1)), longest - 1)
    text = "".join(str(d) for d in rng.integers(0, 10, length))
    return text if rng.random() < 0.1 else str(int(text))


def row_of_cells(x: float, y: float, count: int, width: float, height: float, gap: float) -> list[Box]:
    """Lay out a row of cells.

    Parameters
    ----------
    x, y : float
        Upper left corner in pixels.
    count : int
    width, height : float
        Of a cell, in pixels.
    gap : float
        Between cells, in pixels.

    Returns
    -------
    list of Box
    """
    return [Box(round(x + i * (width + gap)), round(y), round(width), round(height)) for i in range(count)]


def print_field(form: FilledSheet, cells: Sequence[Box], style: int) -> None:
    """Print the boxes of a field.

    Parameters
    ----------
    form : FilledSheet
    cells : sequence of Box
    style : int
        0 plain boxes, 1 with a seven-segment guide, 2 with dots, 3 a comb.
    """
    dark = (235, 120, 90, 235)[style % 4]
    for cell in cells:
        if style == 3:  # a comb
            form.print.rule(cell.x, cell.bottom, cell.right, cell.bottom, form.thin, dark)
            form.print.rule(cell.x, cell.y + cell.height * 0.6, cell.x, cell.bottom, form.thin, dark)
            continue
        form.print.box(cell, form.thin, dark)
        if style == 1:
            w, h = round(cell.width * 0.4), round(cell.height * 0.55)
            inner = Box(cell.x + (cell.width - w) // 2, cell.y + (cell.height - h) // 2, w, h)
            form.print.box(inner, form.thin, 70)
            middle = inner.y + h // 2
            form.print.rule(inner.x, middle, inner.right, middle, form.thin, 70)
        elif style == 2:
            for i in range(5):
                at = (cell.x + round(cell.width * 0.3), cell.y + round(cell.height * (0.2 + 0.15 * i)))
                cv2.circle(form.print.lines, at, max(1, form.thin // 2), 80, -1)


def cell_filler(rng: Random) -> str:
    """Draw what a writer puts into unused cells.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    str
        '', ``x``, ``-`` or ``/``.
    """
    return ("", "x", "-", "/")[int(rng.choice(4, p=[0.55, 0.3, 0.1, 0.05]))]


def tally_group(rng: Random, *, last: bool) -> str:
    """Draw a group of tally strokes: full, except for the last one.

    Parameters
    ----------
    rng : numpy.random.Generator
    last : bool

    Returns
    -------
    str
        Label of the sign, ``tally1`` to ``tally5``.
    """
    return f"tally{int(rng.integers(1, 6))}" if last or rng.random() < 0.06 else "tally5"
