"""Whole pages of forms, sheets of numbers, and what a phone makes of them, with exact truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitocr.records import Box, Grey
from digitocr.training.synth.compose import (
    INKS,
    Drawing,
    Ink,
    Scene,
    amount,
    amount_tokens,
    finish,
    new_scene,
)
from digitocr.training.synth.paper import (
    Field,
    Pattern,
    degrade,
    light,
    noise,
    pattern,
    shadow,
    vignette,
)
from digitocr.training.synth.pen import Hand, Pen, Token, Written, draw_hand, write
from digitocr.training.synth.skeletons import LETTERS
from digitocr.training.synth.strokes import Random, Sources

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_SYLLABLES: Final = tuple(
    "ka lo mi ra te su no ver an ta di pro con be ge un for ne pa ri sta tor li vo em as den ho".split()  # noqa: SIM905
)


FONTS: Final = ("DejaVu*.ttf", "STIXGeneral*.ttf", "cmb10.ttf", "cmr10.ttf", "cmss10.ttf", "cmtt10.ttf")
"""Those with letters and digits among the fonts of matplotlib: with and without serifs, of even width, bold, italic."""


@cache
def fonts_found() -> tuple[Path, ...]:
    """Return the font files that come with matplotlib where it is installed; Pillow has one of its own."""
    spec = find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        return ()
    folder = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    return tuple(sorted(p for name in FONTS for p in folder.glob(name) if "Display" not in p.name))


@lru_cache(maxsize=512)
def _font(path: Path | None, size: int) -> _Font:
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(str(path), size)


# --- what is printed ---


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
        self.draw.text((x, y), words, fill=dark, font=_font(self.font, max(6, round(size * 1.35))))

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


def _printing(shape: tuple[int, int], font: Path | None) -> Printing:
    return Printing(np.zeros(shape, np.uint8), Image.new("L", (shape[1], shape[0]), 0), font)


def _words(rng: Random, count: int) -> str:
    made = []
    for _ in range(count):
        if rng.random() < 0.2:
            made.append(str(int(10 ** rng.uniform(0, 4.5))))
            continue
        word = "".join(_SYLLABLES[int(i)] for i in rng.integers(0, len(_SYLLABLES), int(rng.integers(1, 4))))
        made.append(word.capitalize() if rng.random() < 0.15 else word)
    return " ".join(made)


# --- forms ---


@dataclass(slots=True, eq=False)
class _Form:
    """A form being printed and filled in; ``mm`` is a millimetre of an A4 page in pixels."""

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
        return max(1, round(0.2 * self.mm))

    @property
    def thick(self) -> int:
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


def page(
    rng: Random,
    sources: Sources,
    *,
    shape: tuple[int, int] = (3508, 2480),
    fonts: tuple[Path, ...] = (),
    damage: float = 1.0,
    colour: bool = False,
) -> Drawing:
    """Draw a scanned form: print, boxes, tallies, crosses, letters, and fields with numbers.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    shape : tuple of int
        Rows and columns, A4 upright about.
    fonts : tuple of Path
        To choose from beside Pillow's own.
    damage : float
    colour : bool
        Return colour as well.
    """
    scene = form_scene(rng, sources, shape, fonts=fonts, colour=colour)
    mm = shape[0] / 297
    if rng.random() < 0.5 * damage:
        factor = light(rng, shape, 0.1 * damage)
        scene.paper *= factor[:, :, None] if colour else factor
    blur = float(rng.uniform(0, 0.09) * mm * damage)
    image = degrade(
        rng,
        scene.paper,
        blur=blur,
        grain=float(rng.uniform(0, 3) * damage),
        quality=int(rng.integers(60, 96)) if rng.random() < 0.7 else None,
    )
    if rng.random() < 0.12 * damage and not colour:
        image = np.where(image > rng.uniform(140, 190), 255, 0).astype(np.uint8)  # a black-and-white scan
    return finish(scene, image, "page")


def form_scene(
    rng: Random,
    sources: Sources,
    shape: tuple[int, int],
    *,
    fonts: tuple[Path, ...] = (),
    colour: bool = False,
    ink: Ink | None = None,
) -> Scene:
    """Print a form and fill it in; the paper is still without light and camera."""
    mm = shape[0] / 297
    names = ["black", "black", "blue", "violet", "light-blue", "pencil", "red"]
    font = [None, *fonts][int(rng.integers(len(fonts) + 1))]
    form = _Form(
        scene=_blank(rng, shape, colour=colour, bright=(225, 255)),
        print=_printing(shape, font),
        mm=mm,
        hand=draw_hand(
            rng, sources, thickness=float(rng.uniform(0.05, 0.13)), gap=float(rng.uniform(0.02, 0.35))
        ),
        ink=ink or INKS[names[int(rng.integers(len(names)))]],
        sources=sources,
        grain=float(rng.uniform(0.1, 0.7)),
    )
    _frame(rng, form, shape)
    y = _heading(rng, form, shape, 14 * mm)
    sections = (_tally_table, _field_grid, _matrix, _letter_rows, _amount_rows, _paragraph)
    end = shape[0] - 22 * mm
    while y < end:
        section = sections[int(rng.choice(6, p=[0.24, 0.24, 0.12, 0.12, 0.14, 0.14]))]
        y = section(rng, form, shape, y, end) + float(rng.uniform(3, 8)) * mm
    dark = form.print.darkness().astype(np.float32) * np.float32(rng.uniform(0.75, 0.97) / 255)
    form.scene.paper *= (1 - dark)[:, :, None] if colour else 1 - dark
    return form.scene


def _blank(rng: Random, shape: tuple[int, int], *, colour: bool, bright: tuple[float, float]) -> Scene:
    level = float(rng.uniform(*bright))
    grain = noise(rng, shape, 2.0) * np.float32(rng.uniform(0, 2))
    if not colour:
        return new_scene(np.full(shape, level, np.float32) + grain)
    tint = level * _cast(rng, 0.02)
    return new_scene(np.asarray(grain[:, :, None] + tint.astype(np.float32), np.float32))


def _cast(rng: Random, spread: float) -> NDArray[np.float64]:
    """Return factors on blue, green and red: mostly warmer or cooler, a little green or pink."""
    warm, green = rng.normal(0, spread), rng.normal(0, spread / 3)
    return np.asarray(np.clip(np.array([1 - warm, 1 + green, 1 + warm]), 0.8, 1.2), np.float64)


def _frame(rng: Random, form: _Form, shape: tuple[int, int]) -> None:
    """Print registration marks, a barcode or a square code."""
    mm, (rows, columns) = form.mm, shape
    side = round(3 * mm)
    if rng.random() < 0.6:
        for x in (6 * mm, columns - 6 * mm - side):
            for y in (6 * mm, rows - 6 * mm - side):
                form.print.block(Box(round(x), round(y), side, side))
                if rng.random() < 0.5:
                    form.print.block(Box(round(x), round(y + 1.4 * side), side, side))
    if rng.random() < 0.5:
        cell = max(1, round(0.6 * mm))
        code = (rng.random((25, 25)) < 0.5).astype(np.uint8) * 235
        for cy, cx in ((0, 0), (0, 18), (18, 0)):
            code[cy : cy + 7, cx : cx + 7] = 235
            code[cy + 1 : cy + 6, cx + 1 : cx + 6] = 0
            code[cy + 2 : cy + 5, cx + 2 : cx + 5] = 235
        big = np.kron(code, np.ones((cell, cell), np.uint8))
        top, left = round(12 * mm), round(columns - 14 * mm) - big.shape[1]
        form.print.lines[top : top + big.shape[0], left : left + big.shape[1]] = big
    else:
        x, end = columns * 0.6, columns * 0.6 + 40 * mm
        while x < end:
            width = max(1, round(float(rng.choice([0.4, 0.8, 1.2])) * mm * 0.6))
            form.print.block(Box(round(x), round(6 * mm), width, round(7 * mm)))
            x += width + max(1.0, float(rng.choice([0.4, 0.8])) * mm)


def _heading(rng: Random, form: _Form, shape: tuple[int, int], y: float) -> float:
    for _ in range(int(rng.integers(1, 4))):
        size = float(rng.uniform(2.2, 4.0)) * form.mm
        form.print.text(float(rng.uniform(12, 40)) * form.mm, y, _words(rng, int(rng.integers(3, 8))), size)
        y += 1.9 * size
    del shape
    return y + 4 * form.mm


def _paragraph(rng: Random, form: _Form, shape: tuple[int, int], y: float, end: float) -> float:
    size = float(rng.uniform(1.5, 2.6)) * form.mm
    wide = int((shape[1] - 30 * form.mm) / (size * 4.2))
    for _ in range(int(rng.integers(1, 5))):
        if y > end:
            break
        form.print.text(14 * form.mm, y, _words(rng, wide), size)
        y += 1.8 * size
    return y


def _value(rng: Random, longest: int) -> str:
    """Return a number as in tables: small ones are commoner."""
    length = 1 + min(int(rng.exponential(1.1)), longest - 1)
    text = "".join(str(d) for d in rng.integers(0, 10, length))
    return text if rng.random() < 0.1 else str(int(text))


def _cells(x: float, y: float, count: int, width: float, height: float, gap: float) -> list[Box]:
    return [Box(round(x + i * (width + gap)), round(y), round(width), round(height)) for i in range(count)]


def _print_field(rng: Random, form: _Form, cells: Sequence[Box], style: int) -> None:
    """Print the boxes of a field in one of several ways."""
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
    del rng


def _filler(rng: Random) -> str:
    return ("", "x", "-", "/")[int(rng.choice(4, p=[0.55, 0.3, 0.1, 0.05]))]


def _tally(rng: Random, *, last: bool) -> str:
    """Return the label of a group of tally strokes: full ones, and what is left over at the end."""
    return f"tally{int(rng.integers(1, 6))}" if last or rng.random() < 0.06 else "tally5"


def _tally_table(rng: Random, form: _Form, shape: tuple[int, int], y: float, end: float) -> float:
    """Print rows with a number, squares with tally strokes, and the count in a field."""
    mm = form.mm
    left, right = 14 * mm, shape[1] - 14 * mm
    height = float(rng.uniform(12, 19)) * mm
    grid_left, grid_right = left + 26 * mm, right - float(rng.uniform(34, 46)) * mm
    style, filler, share = int(rng.integers(0, 3)), _filler(rng), float(rng.uniform(0.55, 0.8))
    square = height / int(rng.integers(2, 5))
    for i in range(int(rng.integers(2, 9))):
        if y + height > end:
            break
        form.row += 1
        form.print.box(Box(round(left), round(y), round(right - left), round(height)), form.thick)
        form.print.text(left + 10 * mm, y + height * 0.25, str(i + 1), 3.2 * mm)
        form.print.text(left + 2 * mm, y + height * 0.65, _words(rng, 2), 1.6 * mm)
        for x in np.arange(grid_left, grid_right + 1, square):
            form.print.rule(x, y, x, y + height, form.thin, 70)
        for gy in np.arange(y, y + height, square):
            form.print.rule(grid_left, gy, grid_right, gy, form.thin, 70)
        form.print.rule(grid_left, y, grid_left, y + height, form.thick)
        form.print.rule(grid_right, y, grid_right, y + height, form.thick)
        groups = int(rng.integers(0, 6))
        for t in range(groups):
            at = Box(
                round(grid_left + (2.0 * t + 0.4) * square), round(y), round(1.8 * square), round(square)
            )
            if at.right < grid_right:
                form.sign(rng, _tally(rng, last=t == groups - 1), square * 0.75, at)
        wide = float(rng.uniform(8.5, 10)) * mm
        cells = _cells(right - 3 * wide - 5 * mm, y + height * 0.12, 3, wide, height * 0.76, 1.5 * mm)
        _print_field(rng, form, cells, style)
        text = "" if rng.random() < 0.05 else _value(rng, 3)
        form.number(rng, cells, text, share * min(cells[0].height, 11 * mm), filler, over=rng.random() < 0.02)
        y += height
    return y


def _field_grid(rng: Random, form: _Form, shape: tuple[int, int], y: float, end: float) -> float:
    """Print a table with a text column and several fields of cells."""
    mm = form.mm
    left, right = 14 * mm, shape[1] - 14 * mm
    columns, digits = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    height, cell = float(rng.uniform(9, 14)) * mm, float(rng.uniform(6.5, 9)) * mm
    style, share = int(rng.integers(0, 4)), float(rng.uniform(0.5, 0.85))
    filler, gap = _filler(rng), float(rng.choice([0.0, 1.5])) * mm
    wide = digits * (cell + gap) + 6 * mm
    if left + 30 * mm + columns * wide > right:
        columns = 1
    empty = float(rng.uniform(0, 0.3))
    for i in range(int(rng.integers(2, 8))):
        if y + height > end:
            break
        form.row += 1
        form.print.box(Box(round(left), round(y), round(right - left), round(height)), form.thin)
        form.print.text(left + 2 * mm, y + height * 0.35, f"{i + 1}. {_words(rng, 3)}", 1.8 * mm)
        for c in range(columns):
            x = right - (columns - c) * wide
            form.print.rule(x, y, x, y + height, form.thin)
            cells = _cells(x + 3 * mm, y + 0.12 * height, digits, cell, 0.76 * height, gap)
            _print_field(rng, form, cells, style)
            text = "" if rng.random() < empty else _value(rng, digits)
            form.number(
                rng,
                cells,
                text,
                share * cells[0].height,
                filler if text or rng.random() < 0.3 else "",
                over=rng.random() < 0.02,
            )
        y += height
    return y


def _matrix(rng: Random, form: _Form, shape: tuple[int, int], y: float, end: float) -> float:
    """Print a question with boxes to cross."""
    mm = form.mm
    marks = ("x", "tick", "scribble", "/")
    mark = marks[int(rng.choice(4, p=[0.6, 0.25, 0.08, 0.07]))]
    form.print.text(14 * mm, y, _words(rng, 6), 2.4 * mm)
    y += 7 * mm
    choices = int(rng.integers(2, 6))
    for _ in range(int(rng.integers(1, 5))):
        if y + 8 * mm > end:
            break
        form.print.text(20 * mm, y + 1 * mm, _words(rng, 3), 2 * mm)
        chosen = int(rng.integers(-1, choices))
        for c in range(choices):
            box = Box(round(shape[1] * 0.45 + c * 18 * mm), round(y), round(5 * mm), round(5 * mm))
            if box.right < shape[1] - 10 * mm:
                form.print.box(box, form.thin, 200)
                if c == chosen:
                    form.sign(rng, mark, 5.5 * mm * float(rng.uniform(0.7, 1.2)), box)
        y += 8 * mm
    return y


def _letter_rows(rng: Random, form: _Form, shape: tuple[int, int], y: float, end: float) -> float:
    """Print boxes for names and write letters into them."""
    mm = form.mm
    capitals = sorted(c for c in LETTERS if c.isupper())
    for _ in range(int(rng.integers(1, 4))):
        if y + 14 * mm > end:
            break
        form.print.text(20 * mm, y, _words(rng, 2), 2 * mm)
        width = float(rng.uniform(4.5, 8)) * mm
        count = min(int(rng.integers(8, 24)), int((shape[1] - 40 * mm) / width))
        cells = _cells(20 * mm, y + 5 * mm, count, width, 7.5 * mm, 0)
        _print_field(rng, form, cells, int(rng.choice([0, 3])))
        for cell in cells[: int(rng.integers(0, count + 1))]:
            if rng.random() > 0.15:
                form.sign(rng, capitals[int(rng.integers(len(capitals)))], 5 * mm, cell)
        y += 15 * mm
    return y


def _amount_rows(rng: Random, form: _Form, shape: tuple[int, int], y: float, end: float) -> float:
    """Print lines to write on, each with a number in free hand."""
    mm = form.mm
    for _ in range(int(rng.integers(1, 5))):
        if y + 13 * mm > end:
            break
        form.row += 1
        form.print.text(20 * mm, y + 5 * mm, _words(rng, 2) + (" $" if rng.random() < 0.3 else ":"), 2.4 * mm)
        x = round(20 * mm + float(rng.uniform(40, 70)) * mm)
        box = Box(x, round(y), min(round(65 * mm), shape[1] - x - round(8 * mm)), round(11 * mm))
        if rng.random() < 0.4:
            form.print.box(box, form.thin)
        else:
            form.print.rule(box.x, box.bottom, box.right, box.bottom, form.thin)
        text = amount(rng, 7) if rng.random() < 0.9 else ""
        parts = []
        if text:
            tokens = amount_tokens(rng, text, marks=0.35)
            parts.append(form.centred(rng, tokens, float(rng.uniform(5, 7.5)) * mm, box))
        form.scene.add_number(rng, parts, form.ink, form.hand.pen, row=form.row, place=box, grain=form.grain)
        y += 14 * mm
    return y


# --- sheets of numbers, as in photos ---


def rows_scene(
    rng: Random,
    sources: Sources,
    shape: tuple[int, int],
    *,
    rows: Sequence[str] | None = None,
    ink: Ink | None = None,
    chalk: bool = False,
    kind: Pattern | None = None,
    share: float | None = None,
) -> Scene:
    """Write rows of digits on a sheet, plain, ruled or squared, in colour.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    shape : tuple of int
    rows : sequence of str, optional
        The digits of each row; drawn otherwise.
    ink : tuple of float, optional
    chalk : bool
        Light on dark.
    kind : Pattern, optional
        Of the paper.
    share : float, optional
        Height of digits, as a share of the room a row has.
    """
    if rows is None:
        count = int(rng.choice([1, 2, 3, 4, 5, 6], p=[0.4, 0.2, 0.14, 0.1, 0.1, 0.06]))
        rows = ["".join(str(d) for d in rng.integers(0, 10, int(rng.integers(2, 11)))) for _ in range(count)]
    if chalk:
        scene = _blank(rng, shape, colour=True, bright=(25, 80))
    else:
        scene = _blank(rng, shape, colour=True, bright=(205, 252))
    room = shape[0] / (len(rows) + 0.6)
    height = room * (share or float(rng.uniform(0.3, 0.75)))
    longest = max(len(r) for r in rows)
    height = min(height, 0.9 * shape[1] / (longest * 0.75))
    kinds = (Pattern.PLAIN, Pattern.RULED, Pattern.SQUARED)
    style = kind or kinds[int(rng.choice(3, p=[0.65, 0.2, 0.15]))]
    if style is not Pattern.PLAIN and not chalk:
        tone = np.array([rng.uniform(0.1, 0.6), rng.uniform(0.3, 0.7), rng.uniform(0.4, 0.9)], np.float32)
        lines = pattern(rng, shape, style, height * float(rng.uniform(0.5, 1.3)))
        scene.paper *= 1 - lines[:, :, None] * tone * np.float32(rng.uniform(0.2, 0.7))
    names = ["black", "black", "blue", "violet", "light-blue", "red", "pink", "green", "pencil"]
    tint = INKS["chalk"] if chalk else ink or INKS[names[int(rng.integers(len(names)))]]
    # sheets of single digits leave more room between them than amounts do
    free = 0.92 * shape[1] / height / longest - 0.55
    gap = float(np.clip(rng.uniform(0.05, max(0.1, free)), 0.02, 1.6))
    hand = draw_hand(
        rng,
        sources,
        thickness=float(rng.uniform(0.03, 0.12) if not chalk else rng.uniform(0.08, 0.18)),
        gap=gap,
        gap_spread=min(0.3, gap * 0.35),
        join_zeros=0.0,
    )
    # long rows must not climb into each other
    steepest = 0.3 * room / shape[1]
    hand = replace(hand, baseline=float(np.clip(hand.baseline, -steepest, steepest)))
    left = float(rng.uniform(0.02, 0.12)) * shape[1]
    for i, text in enumerate(rows):
        size = height * float(rng.uniform(0.92, 1.08))
        written = write(rng, [Token(c) for c in text], hand, size, margin=(0, 0, 0, 0))
        if written.alpha.shape[1] > 0.94 * shape[1]:
            size *= 0.94 * shape[1] / written.alpha.shape[1]
            written = write(rng, [Token(c) for c in text], hand, size, margin=(0, 0, 0, 0))
        x = min(left + float(rng.normal(0, 0.02)) * shape[1], 0.97 * shape[1] - written.alpha.shape[1])
        y = (i + 0.8) * room - written.alpha.shape[0] / 2 + float(rng.normal(0, 0.05)) * room
        y = float(np.clip(y, 0.01 * shape[0], 0.99 * shape[0] - written.alpha.shape[0]))
        scene.add_number(
            rng,
            [(written, round(max(x, 2)), round(y))],
            tint,
            Pen.PENCIL if chalk else hand.pen,
            row=i,
            grain=float(rng.uniform(0.3, 1)),
        )
    return scene


def table_scene(
    rng: Random,
    sources: Sources,
    shape: tuple[int, int],
    *,
    fonts: tuple[Path, ...] = (),
    values: Sequence[str] | None = None,
    ink: Ink | None = None,
    tallies: bool = False,
) -> Scene:
    """Print a table of marks, its rows numbered, and write values, dashes and a total into its cells.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    shape : tuple of int
    fonts : tuple of Path
    values : sequence of str, optional
        One for each row, '' for a dash; drawn otherwise.
    ink : tuple of float, optional
    tallies : bool
        Let tally strokes stand in the middle column.
    """
    if values is None:
        values = ["" if rng.random() < 0.25 else _value(rng, 3) for _ in range(int(rng.integers(3, 9)))]
    scene = _blank(rng, shape, colour=True, bright=(205, 250))
    font = [None, *fonts][int(rng.integers(len(fonts) + 1))]
    printing = _printing(shape, font)
    names = ["blue", "violet", "red", "pink", "black", "pencil", "green"]
    left, top = round(0.05 * shape[1]), round(0.08 * shape[0])
    width, height = round(0.9 * shape[1]), round(0.84 * shape[0])
    room = height / (len(values) + 1)
    edges = [0.0, *sorted(float(v) for v in np.cumsum(rng.dirichlet(np.full(4, 40.0)))[:3]), 1.0]
    xs = [left + round(e * width) for e in edges]
    form = _Form(
        scene,
        printing,
        room / 12,
        draw_hand(
            rng,
            sources,
            thickness=float(rng.uniform(0.06, 0.13)),
            gap=float(rng.uniform(0.05, 0.3)),
            baseline=0.0,
        ),
        ink or INKS[names[int(rng.integers(len(names)))]],
        sources,
        float(rng.uniform(0.2, 0.8)),
    )
    for x in xs:
        printing.rule(x, top, x, top + height, form.thick)
    heads = ("No.", _words(rng, 1), _words(rng, 1), "Total")
    for x, word in zip(xs[:-1], heads, strict=True):
        printing.text(x + 0.1 * room, top + 0.3 * room, word, 0.22 * room)
    for i, value in enumerate((*values,)):
        y = top + (i + 1) * room
        form.row = i
        printing.rule(xs[0], y, xs[-1], y, form.thick)
        printing.text(xs[0] + 0.3 * room, y + 0.3 * room, str(i + 1), 0.25 * room)
        last = Box(xs[3], round(y), xs[4] - xs[3], round(room))
        if not value:
            form.sign(rng, "-", 0.55 * room, last)
            continue
        if tallies:
            groups = int(rng.integers(1, 4))
            for t in range(groups):
                at = Box(
                    round(xs[1] + (0.15 + 0.9 * t) * room),
                    round(y + 0.15 * room),
                    round(0.8 * room),
                    round(0.7 * room),
                )
                if at.right < xs[2]:
                    form.sign(rng, _tally(rng, last=t == groups - 1), 0.5 * room, at)
        part = form.centred(rng, [Token(c) for c in value], float(rng.uniform(0.5, 0.62)) * room, last)
        scene.add_number(rng, [part], form.ink, form.hand.pen, row=i, place=last, grain=form.grain)
    printing.rule(xs[0], top, xs[-1], top, form.thick)
    printing.rule(xs[0], top + height, xs[-1], top + height, form.thick)
    dark = printing.darkness().astype(np.float32) * np.float32(rng.uniform(0.7, 0.95) / 255)
    scene.paper *= (1 - dark)[:, :, None]
    return scene


def card_scene(
    rng: Random,
    sources: Sources,
    shape: tuple[int, int],
    *,
    entries: Sequence[tuple[str, str, int]] | None = None,
    heading: str | None = None,
    fonts: tuple[Path, ...] = (),
    ink: Ink | None = None,
    colour: bool = True,
) -> Scene:
    """Print a small card with a row of boxes for each entry, and fill it in.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    shape : tuple of int
    entries : sequence of (str, str, int), optional
        What is printed beside the boxes, the digits in the last of them, and how many boxes; drawn otherwise.
    heading : str, optional
    fonts : tuple of Path
    ink : tuple of float, optional
    colour : bool
    """
    if entries is None:
        counts = rng.integers(3, 9, int(rng.integers(1, 6)))
        entries = [(_words(rng, 2), _value(rng, int(c)), int(c)) for c in counts]
    names = ["blue", "violet", "black", "light-blue", "red", "pencil"]
    room = shape[0] / (len(entries) + 1.4)
    form = _Form(
        scene=_blank(rng, shape, colour=colour, bright=(222, 250)),
        print=_printing(shape, [None, *fonts][int(rng.integers(len(fonts) + 1))]),
        mm=room / 14,
        hand=draw_hand(rng, sources, thickness=float(rng.uniform(0.06, 0.12))),
        ink=ink or INKS[names[int(rng.integers(len(names)))]],
        sources=sources,
        grain=float(rng.uniform(0.2, 0.7)),
    )
    form.print.text(0.05 * shape[1], 0.25 * room, heading or _words(rng, 3), 0.28 * room)
    style, share = int(rng.integers(0, 4)), float(rng.uniform(0.55, 0.85))
    gap = float(rng.choice([0.0, 0.12])) * room
    for i, (label, text, count) in enumerate(entries):
        y = (1.1 + i) * room
        form.row = i
        form.print.text(0.05 * shape[1], y + 0.3 * room, label, 0.2 * room)
        wide = min(0.6 * room, 0.58 * shape[1] / count - gap)
        cells = _cells(0.37 * shape[1], y, count, wide, 0.78 * room, gap)
        _print_field(rng, form, cells, style)
        form.number(rng, cells, text, share * cells[0].height, "")
    dark = form.print.darkness().astype(np.float32) * np.float32(rng.uniform(0.7, 0.95) / 255)
    form.scene.paper *= (1 - dark)[:, :, None] if colour else 1 - dark
    return form.scene


# --- the camera ---


def photo(
    rng: Random,
    sources: Sources,
    *,
    longest: int | None = None,
    fonts: tuple[Path, ...] = (),
    damage: float = 1.0,
    turns: bool = True,
) -> Drawing:
    """Draw a phone photo of handwritten numbers, in colour.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    longest : int, optional
        Longer side in pixels; drawn between 300 and 2000 otherwise.
    fonts : tuple of Path
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.
    turns : bool
        Let some photos lie on a side or upside down.
    """
    side = longest or int(np.clip(rng.lognormal(np.log(800), 0.5), 300, 2000))
    contents = ("rows", "table", "form", "chalk", "card")
    content = contents[int(rng.choice(5, p=[0.56, 0.17, 0.11, 0.08, 0.08]))]
    ratio = (
        float(rng.uniform(0.3, 0.8))
        if content in {"rows", "chalk"} and rng.random() < 0.7
        else float(rng.uniform(0.65, 1.4))
    )
    shape = (max(120, round(side * ratio)), side) if ratio <= 1 else (side, max(150, round(side / ratio)))
    if content == "form":
        shape = (max(side, 900), round(max(side, 900) / 1.414))
        scene = form_scene(rng, sources, shape, fonts=fonts, colour=True)
    elif content == "table":
        scene = table_scene(rng, sources, shape, fonts=fonts, tallies=bool(rng.random() < 0.3))
    elif content == "card":
        scene = card_scene(rng, sources, shape, fonts=fonts)
    else:
        scene = rows_scene(rng, sources, shape, chalk=content == "chalk")
    turn = int(rng.choice(4, p=[0.82, 0.06, 0.06, 0.06])) if turns else 0
    return photograph(rng, scene, desk=content != "chalk" and rng.random() < 0.4, damage=damage, turn=turn)


def photograph(rng: Random, scene: Scene, *, desk: bool, damage: float = 1.0, turn: int = 0) -> Drawing:
    """Take a photo of a sheet: desk, perspective, light, shadow, blur, noise, JPEG.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
        In colour.
    desk : bool
        Whether the desk under the sheet is seen.
    damage : float
    turn : int
        Quarter turns to the left.
    """
    rows, columns = scene.owner.shape
    border = float(rng.uniform(0.04, 0.2)) if desk else 0.0
    shape = (round(rows * (1 + 2 * border)), round(columns * (1 + 2 * border)))
    corners = _seen_corners(rng, scene, shape, border, damage)
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    size = (shape[1], shape[0])
    # the sheet goes on beyond the frame where no desk is seen
    edge = cv2.BORDER_CONSTANT if desk else cv2.BORDER_REPLICATE
    seen = np.asarray(cv2.warpPerspective(scene.paper, matrix, size, flags=cv2.INTER_LINEAR, borderMode=edge))
    owner = np.asarray(cv2.warpPerspective(scene.owner, matrix, size, flags=cv2.INTER_NEAREST), np.int16)
    if desk:
        cover = cv2.warpPerspective(
            np.full((rows, columns), 255, np.uint8), matrix, size, flags=cv2.INTER_LINEAR
        )
        share = (cover.astype(np.float32) / 255)[:, :, None]
        seen = seen * share + _desk(rng, shape) * (1 - share)
    seen = seen * _illumination(rng, shape, damage)[:, :, None]
    seen *= _cast(rng, 0.03 * damage).astype(np.float32)
    scale = max(shape) / 1000
    image = degrade(
        rng,
        np.asarray(seen, np.float32),
        blur=float(rng.uniform(0, 1.1) * max(0.6, scale) * damage),
        grain=float(rng.uniform(0, 5) * damage),
        quality=int(rng.integers(max(35, int(80 - 35 * damage)), 96)),
    )
    if turn:
        image, owner = (
            np.ascontiguousarray(np.rot90(image, turn)),
            np.ascontiguousarray(np.rot90(owner, turn)),
        )
    return finish(scene, image, "photo", owner=owner, turn=turn)


def _seen_corners(
    rng: Random, scene: Scene, shape: tuple[int, int], border: float, damage: float
) -> NDArray[np.float64]:
    """Return where the corners of the sheet lie in the photo, so that no ink is lost."""
    rows, columns = scene.owner.shape
    base = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float64)
    centre = np.array([columns, rows]) / 2
    angle = float(rng.normal(0, 0.035 * damage))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    skew = rng.normal(0, 0.025 * damage, (4, 2)) * min(rows, columns)
    corners = (base - centre) @ turn.T + skew + np.array([shape[1], shape[0]]) / 2
    ink = np.argwhere(scene.owner != 0)[:, ::-1]
    if border == 0 and len(ink):
        matrix = cv2.getPerspectiveTransform(base.astype(np.float32), corners.astype(np.float32))
        box = np.array([ink.min(axis=0), ink.max(axis=0)], np.float64)
        outer = np.array([[box[i, 0], box[j, 1]] for i in (0, 1) for j in (0, 1)])[None]
        moved = cv2.perspectiveTransform(outer.astype(np.float64), matrix)[0]
        low, high = moved.min(axis=0), moved.max(axis=0)
        room = np.array([shape[1], shape[0]]) - 6.0
        factor = float(min(1.0, *(room / np.maximum(high - low, 1))))
        middle = (low + high) / 2
        corners = (corners - middle) * factor + middle
        low, high = (low - middle) * factor + middle, (high - middle) * factor + middle
        corners += np.maximum(3 - low, 0) - np.maximum(high - (room + 3), 0)
    return np.asarray(corners, np.float64)


def _desk(rng: Random, shape: tuple[int, int]) -> Field:
    """Return a desk: wood, cloth or plain, mostly darker than paper."""
    tone = np.array([rng.uniform(20, 150)] * 3) * (1 + np.array([-0.25, 0.0, 0.2]) * rng.uniform(0, 1.4))
    out = np.empty((*shape, 3), np.float32)
    out[:] = tone.astype(np.float32)
    if rng.random() < 0.6:  # fibres along one direction
        thin = noise(rng, (shape[0], max(8, shape[1] // 40)), 2.0)
        fibres = np.asarray(
            cv2.resize(thin, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32
        )
        out += (fibres * np.float32(rng.uniform(2, 12)))[:, :, None]
    else:
        out += (noise(rng, shape, float(rng.uniform(1, 6))) * np.float32(rng.uniform(1, 10)))[:, :, None]
    return out


def _illumination(rng: Random, shape: tuple[int, int], damage: float) -> Field:
    """Return what light does to a photo: unevenness, corners, a shadow of the hand or phone."""
    factor = light(rng, shape, float(rng.uniform(0.05, 0.35)) * damage) * np.float32(rng.uniform(0.72, 1.05))
    if rng.random() < 0.5 * damage:
        factor *= vignette(rng, shape, float(rng.uniform(0.1, 0.6)))
    if rng.random() < 0.35 * damage:
        factor *= shadow(rng, shape, float(rng.uniform(0.1, 0.5)))
    return np.asarray(factor, np.float32)
