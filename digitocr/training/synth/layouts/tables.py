"""Tables: ruled in several ways, with columns of print, handwriting and marks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from digitocr.records import Box
from digitocr.training.synth.inks import Ink
from digitocr.training.synth.layouts.cells import (
    fill_boxes,
    fill_cell,
    print_boxes,
    print_into,
    printed,
    within,
)
from digitocr.training.synth.layouts.faces import Face
from digitocr.training.synth.layouts.handwriting import scribe, underline
from digitocr.training.synth.layouts.language import NUMBERS, PRINTED, Column, Table
from digitocr.training.synth.layouts.sheet import Sheet
from digitocr.training.synth.printing import made_up_words
from digitocr.training.synth.sheets import row_of_cells, small_number
from digitocr.training.synth.strokes import Random

_LEAST_ROWS: Final = 2
"""A table of fewer rows is not begun at the foot of a page."""

_UPRIGHT: Final = ("grid", "columns", "heavy", "by hand")
"""Rulings with lines between the columns."""

_PLAIN_SHARE: Final = 0.6
"""Share of the printed columns in the ordinary print of their page."""

_APART_SHARE: Final = 0.2
"""White on either side of a cell where no line parts the columns, in heights of a row."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A column as it is drawn: what it holds, its print, and in how many boxes its numbers stand, if in any."""

    column: Column
    kind: str
    x: int
    right: int
    align: str
    tint: bool
    face: Face
    size: float
    boxes: int


def draw_table(rng: Random, sheet: Sheet, area: Box, table: Table) -> int:
    """Draw a table at the top of an area, with as many rows as find room.

    Parameters
    ----------
    rng : numpy.random.Generator
    sheet : Sheet
    area : Box
    table : Table

    Returns
    -------
    int
        Where it ends below.
    """
    height = table.height.draw(rng) * sheet.em
    header = rng.random() < table.header
    total = rng.random() < table.total
    count = min(table.rows.count(rng), int(area.height / height) - header - total)
    if count < _LEAST_ROWS:
        return area.y
    width = round(table.width.draw(rng) * area.width)
    columns = _columns(rng, sheet, table, area.x + int(rng.integers(0, area.width - width + 1)), width)
    levels = [round(area.y + i * height) for i in range(header + count + total + 1)]
    tint = _tint(rng, sheet)
    _tints(rng, sheet, columns, levels, tint, header=header, striped=rng.random() < table.striped)
    if header:
        _header(rng, sheet, columns, levels[0], levels[1], band=rng.random() < table.header_band)
    used = max(1, round(table.used.draw(rng) * count))
    ruling = table.ruling.draw(rng)
    apart = 0 if ruling in _UPRIGHT else round(_APART_SHARE * height)
    for i in range(count):
        top, bottom = levels[header + i], levels[header + i + 1]
        sheet.row += 1
        for one in columns:
            cell = Box(one.x + apart, top, max(1, one.right - one.x - 2 * apart), bottom - top)
            written = i < used and rng.random() < one.column.filled
            if one.kind in PRINTED:
                words = printed(rng, one.kind, one.column.digits, i)
                print_into(sheet, words, within(cell, 0.06), one.align, one.face, one.size)
            elif one.boxes:
                _boxed(rng, sheet, cell, one.boxes, filled=written)
            elif written:
                ringed = rng.random() < one.column.ringed
                fill_cell(
                    rng, sheet, one.kind, cell, one.column.digits, align=one.align, place=i, ringed=ringed
                )
    if total:
        _total(rng, sheet, columns, levels[-2], levels[-1])
    _rule(rng, sheet, ruling, columns, levels)
    return levels[-1]


def _boxed(rng: Random, sheet: Sheet, cell: Box, count: int, *, filled: bool) -> None:
    """Print a row of boxes into a cell, as high as it or lower, and write a number into the last of them."""
    room = within(cell, float(rng.choice([0.0, 0.1])))
    wide = min(room.width / count, float(rng.uniform(0.6, 1.0)) * room.height)
    cells = row_of_cells(room.right - round(count * wide), room.y, count, wide, room.height, 0)
    print_boxes(sheet, cells, comb=False)
    if filled:
        fill_boxes(rng, sheet, cells, small_number(rng, count))


def _columns(rng: Random, sheet: Sheet, table: Table, left: int, width: int) -> list[_Drawn]:
    """Settle how many columns there are, how wide, and what each holds."""
    settled: list[tuple[_Drawn, float]] = []
    for column in table.columns:
        if rng.random() < column.chance:
            kind, share = column.holds.draw(rng), column.width.draw(rng)
            align = (
                "left" if kind in ("words", "printed words") else ("centre", "right")[int(rng.integers(2))]
            )
            tinted = bool(rng.random() < column.tinted)
            boxed = kind in NUMBERS and rng.random() < column.boxes
            boxes = max(1, column.digits.count(rng)) if boxed else 0
            face, size = _type(rng, sheet)
            one = _Drawn(column, kind, 0, 0, align, tinted, face, size, boxes)
            settled += [(one, share)] * column.times.count(rng)
    whole = sum(share for _, share in settled) or 1.0
    drawn, edge = [], 0.0
    for one, share in settled:
        x, edge = left + round(edge), edge + share / whole * width
        drawn.append(replace(one, x=x, right=left + round(edge)))
    return drawn


def _type(rng: Random, sheet: Sheet) -> tuple[Face, float]:
    """Choose the print of a column: mostly that of the page, else another, bold as often as not, of any size."""
    if rng.random() < _PLAIN_SHARE:
        return sheet.press.face, sheet.em
    kind = "bold" if rng.random() < 0.5 else "any"
    return sheet.press.chosen(rng, kind), sheet.em * float(rng.uniform(0.7, 1.8))


def _tint(rng: Random, sheet: Sheet) -> Ink:
    """Return a pale colour, or that of the print."""
    if rng.random() < 0.4:
        return sheet.press.tone
    blue, green, red = rng.uniform(20, 230, 3)
    return float(blue), float(green), float(red)


def _tints(
    rng: Random,
    sheet: Sheet,
    columns: list[_Drawn],
    levels: list[int],
    tint: Ink,
    *,
    header: bool,
    striped: bool,
) -> None:
    first, end = levels[header], levels[-1]
    for one in columns:
        if one.tint:
            sheet.press.fill(
                Box(one.x, first, one.right - one.x, end - first), tint, float(rng.uniform(0.08, 0.45))
            )
    if striped and columns:
        depth = float(rng.uniform(0.05, 0.4))
        for top, bottom in list(zip(levels[header:-1], levels[header + 1 :], strict=True))[::2]:
            sheet.press.fill(
                Box(columns[0].x, top, columns[-1].right - columns[0].x, bottom - top), tint, depth
            )


def _header(rng: Random, sheet: Sheet, columns: list[_Drawn], top: int, bottom: int, *, band: bool) -> None:
    """Print the titles of the columns, light on a dark band at times."""
    press = sheet.press
    plain, tone = press.face, press.tone
    if band and columns:
        width = columns[-1].right - columns[0].x
        press.fill(Box(columns[0].x, top, width, bottom - top), tone, 0.9)
        press.tone = (250.0, 250.0, 250.0)
    press.face = press.chosen(rng, "bold")
    for one in columns:
        if rng.random() < one.column.title:
            inset = round(0.2 * sheet.em)
            cell = Box(one.x + inset, top, max(1, one.right - one.x - 2 * inset), bottom - top)
            print_into(sheet, made_up_words(rng, 1), cell, one.align, press.face, sheet.em)
    press.face, press.tone = plain, tone


def _total(rng: Random, sheet: Sheet, columns: list[_Drawn], top: int, bottom: int) -> None:
    """Print a word, and write the sum below the last column of numbers."""
    sheet.row += 1
    summed = [one for one in columns if one.kind in NUMBERS]
    print_into(
        sheet,
        "Total" if rng.random() < 0.5 else made_up_words(rng, 1),
        Box(columns[0].x, top, (columns[-1].right - columns[0].x) // 2, bottom - top),
        "right",
        sheet.press.face,
        sheet.em,
    )
    if summed and rng.random() < 0.85:
        last = summed[-1]
        digits = replace(last.column.digits, high=last.column.digits.high + 1)
        cell = Box(last.x, top, last.right - last.x, bottom - top)
        kind = "amount" if last.kind in ("amount", "decimal") else "number"
        written = fill_cell(rng, sheet, kind, cell, digits, align=last.align, ringed=rng.random() < 0.1)
        if written is not None and rng.random() < 0.25:
            underline(rng, sheet, written, sheet.writing)


def _rule(rng: Random, sheet: Sheet, ruling: str, columns: list[_Drawn], levels: list[int]) -> None:
    """Print the lines of a table."""
    if not columns or ruling == "none":
        return
    press, thick = sheet.press, sheet.rule
    left, right = columns[0].x, columns[-1].right
    if ruling == "by hand":
        ends = [((left, y), (right, y)) for y in levels]
        ends += [((one.right, levels[0]), (one.right, levels[-1])) for one in columns[:-1]]
        for line in ends:
            path = np.array(line, np.float32) + rng.normal(0, 0.15 * sheet.em, (2, 2))
            scribe(rng, sheet, path.astype(np.float32), "line", sheet.writing)
        return
    if ruling in ("grid", "rows", "heavy", "dotted"):
        for y in levels:
            press.rule(left, y, right, y, thick, dotted=ruling == "dotted")
    if ruling in _UPRIGHT:
        for x in (left, *(one.right for one in columns)):
            press.rule(x, levels[0], x, levels[-1], thick)
    if ruling in ("columns", "frame", "heavy"):
        wide = 2.5 * thick if ruling == "heavy" else thick
        press.frame(Box(left, levels[0], right - left, levels[-1] - levels[0]), wide)
