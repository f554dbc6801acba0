"""Whole pages of forms: print, boxes, tallies, crosses, letters, and fields with numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from digitocr.records import Box
from digitocr.training.synth.amounts import amount, amount_tokens
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.hand import draw_hand
from digitocr.training.synth.inks import INKS, Ink
from digitocr.training.synth.paper import (
    degrade,
    light,
)
from digitocr.training.synth.printing import blank_print, made_up_words
from digitocr.training.synth.scene import Scene, finish
from digitocr.training.synth.sheets import (
    FilledSheet,
    blank_sheet,
    cell_filler,
    print_field,
    row_of_cells,
    small_number,
    tally_group,
)
from digitocr.training.synth.skeletons import LETTERS
from digitocr.training.synth.strokes import Random, Sources


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
        Rows and columns, about A4 upright.
    fonts : tuple of Path
        Fonts to choose from besides Pillow's own.
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.
    colour : bool
        Draw in colour as well.

    Returns
    -------
    Drawing
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
    """Print a form and fill it in, without the effects of light and camera.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    shape : tuple of int
        Rows and columns.
    fonts : tuple of Path
        Fonts to choose from besides Pillow's own.
    colour : bool
    ink : tuple of float, optional
        Blue, green, red; drawn at random without it.

    Returns
    -------
    Scene
    """
    mm = shape[0] / 297
    names = ["black", "black", "blue", "violet", "light-blue", "pencil", "red"]
    font = [None, *fonts][int(rng.integers(len(fonts) + 1))]
    form = FilledSheet(
        scene=blank_sheet(rng, shape, colour=colour, bright=(225, 255)),
        print=blank_print(shape, font),
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
    form.scene.ground = form.print.ground()
    return form.scene


def _frame(rng: Random, form: FilledSheet, shape: tuple[int, int]) -> None:
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


def _heading(rng: Random, form: FilledSheet, shape: tuple[int, int], y: float) -> float:
    for _ in range(int(rng.integers(1, 4))):
        size = float(rng.uniform(2.2, 4.0)) * form.mm
        form.print.text(
            float(rng.uniform(12, 40)) * form.mm, y, made_up_words(rng, int(rng.integers(3, 8))), size
        )
        y += 1.9 * size
    del shape
    return y + 4 * form.mm


def _paragraph(rng: Random, form: FilledSheet, shape: tuple[int, int], y: float, end: float) -> float:
    size = float(rng.uniform(1.5, 2.6)) * form.mm
    wide = int((shape[1] - 30 * form.mm) / (size * 4.2))
    for _ in range(int(rng.integers(1, 5))):
        if y > end:
            break
        form.print.text(14 * form.mm, y, made_up_words(rng, wide), size)
        y += 1.8 * size
    return y


def _tally_table(rng: Random, form: FilledSheet, shape: tuple[int, int], y: float, end: float) -> float:
    """Print rows with a number, squares with tally strokes, and the count in a field."""
    mm = form.mm
    left, right = 14 * mm, shape[1] - 14 * mm
    height = float(rng.uniform(12, 19)) * mm
    grid_left, grid_right = left + 26 * mm, right - float(rng.uniform(34, 46)) * mm
    style, filler, share = int(rng.integers(0, 3)), cell_filler(rng), float(rng.uniform(0.55, 0.8))
    square = height / int(rng.integers(2, 5))
    for i in range(int(rng.integers(2, 9))):
        if y + height > end:
            break
        form.row += 1
        form.print.box(Box(round(left), round(y), round(right - left), round(height)), form.thick)
        form.print.text(left + 10 * mm, y + height * 0.25, str(i + 1), 3.2 * mm)
        form.print.text(left + 2 * mm, y + height * 0.65, made_up_words(rng, 2), 1.6 * mm)
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
                form.sign(rng, tally_group(rng, last=t == groups - 1), square * 0.75, at)
        wide = float(rng.uniform(8.5, 10)) * mm
        cells = row_of_cells(right - 3 * wide - 5 * mm, y + height * 0.12, 3, wide, height * 0.76, 1.5 * mm)
        print_field(form, cells, style)
        text = "" if rng.random() < 0.05 else small_number(rng, 3)
        form.number(rng, cells, text, share * min(cells[0].height, 11 * mm), filler, over=rng.random() < 0.02)
        y += height
    return y


def _field_grid(rng: Random, form: FilledSheet, shape: tuple[int, int], y: float, end: float) -> float:
    """Print a table with a text column and several fields of cells."""
    mm = form.mm
    left, right = 14 * mm, shape[1] - 14 * mm
    columns, digits = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    height, cell = float(rng.uniform(9, 14)) * mm, float(rng.uniform(6.5, 9)) * mm
    style, share = int(rng.integers(0, 4)), float(rng.uniform(0.5, 0.85))
    filler, gap = cell_filler(rng), float(rng.choice([0.0, 1.5])) * mm
    wide = digits * (cell + gap) + 6 * mm
    if left + 30 * mm + columns * wide > right:
        columns = 1
    empty = float(rng.uniform(0, 0.3))
    for i in range(int(rng.integers(2, 8))):
        if y + height > end:
            break
        form.row += 1
        form.print.box(Box(round(left), round(y), round(right - left), round(height)), form.thin)
        form.print.text(left + 2 * mm, y + height * 0.35, f"{i + 1}. {made_up_words(rng, 3)}", 1.8 * mm)
        for c in range(columns):
            x = right - (columns - c) * wide
            form.print.rule(x, y, x, y + height, form.thin)
            cells = row_of_cells(x + 3 * mm, y + 0.12 * height, digits, cell, 0.76 * height, gap)
            print_field(form, cells, style)
            text = "" if rng.random() < empty else small_number(rng, digits)
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


def _matrix(rng: Random, form: FilledSheet, shape: tuple[int, int], y: float, end: float) -> float:
    """Print a question with boxes to cross."""
    mm = form.mm
    marks = ("x", "tick", "scribble", "/")
    mark = marks[int(rng.choice(4, p=[0.6, 0.25, 0.08, 0.07]))]
    form.print.text(14 * mm, y, made_up_words(rng, 6), 2.4 * mm)
    y += 7 * mm
    choices = int(rng.integers(2, 6))
    for _ in range(int(rng.integers(1, 5))):
        if y + 8 * mm > end:
            break
        form.print.text(20 * mm, y + 1 * mm, made_up_words(rng, 3), 2 * mm)
        chosen = int(rng.integers(-1, choices))
        for c in range(choices):
            box = Box(round(shape[1] * 0.45 + c * 18 * mm), round(y), round(5 * mm), round(5 * mm))
            if box.right < shape[1] - 10 * mm:
                form.print.box(box, form.thin, 200)
                if c == chosen:
                    form.sign(rng, mark, 5.5 * mm * float(rng.uniform(0.7, 1.2)), box)
        y += 8 * mm
    return y


def _letter_rows(rng: Random, form: FilledSheet, shape: tuple[int, int], y: float, end: float) -> float:
    """Print boxes for names and write letters into them."""
    mm = form.mm
    capitals = sorted(c for c in LETTERS if c.isupper())
    for _ in range(int(rng.integers(1, 4))):
        if y + 14 * mm > end:
            break
        form.print.text(20 * mm, y, made_up_words(rng, 2), 2 * mm)
        width = float(rng.uniform(4.5, 8)) * mm
        count = min(int(rng.integers(8, 24)), int((shape[1] - 40 * mm) / width))
        cells = row_of_cells(20 * mm, y + 5 * mm, count, width, 7.5 * mm, 0)
        print_field(form, cells, int(rng.choice([0, 3])))
        for cell in cells[: int(rng.integers(0, count + 1))]:
            if rng.random() > 0.15:
                form.sign(rng, capitals[int(rng.integers(len(capitals)))], 5 * mm, cell)
        y += 15 * mm
    return y


def _amount_rows(rng: Random, form: FilledSheet, shape: tuple[int, int], y: float, end: float) -> float:
    """Print lines to write on, each with a number in free hand."""
    mm = form.mm
    for _ in range(int(rng.integers(1, 5))):
        if y + 13 * mm > end:
            break
        form.row += 1
        form.print.text(
            20 * mm, y + 5 * mm, made_up_words(rng, 2) + (" $" if rng.random() < 0.3 else ":"), 2.4 * mm
        )
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
