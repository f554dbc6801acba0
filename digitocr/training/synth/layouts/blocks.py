"""The blocks of a layout, drawn from the top of an area downwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from digitocr.records import Box
from digitocr.training.synth.layouts.cells import fill_boxes, fill_cell, print_boxes
from digitocr.training.synth.layouts.handwriting import (
    number_tokens,
    ring,
    underline,
    write_mark,
    write_number,
    write_words,
)
from digitocr.training.synth.layouts.language import (
    NUMBERS,
    Barcode,
    Block,
    Emblem,
    Field,
    Gap,
    Headline,
    Paragraph,
    Questions,
    Range,
    Rows,
    Side,
    Signature,
    Stack,
    Table,
)
from digitocr.training.synth.layouts.ornaments import print_barcode, print_emblem, print_square_code
from digitocr.training.synth.layouts.script import signature
from digitocr.training.synth.layouts.sheet import LEAST_PX, Sheet
from digitocr.training.synth.layouts.tables import draw_table
from digitocr.training.synth.printing import made_up_words
from digitocr.training.synth.sheets import row_of_cells, small_number
from digitocr.training.synth.strokes import Random

_LIGHT: Final = (250.0, 250.0, 250.0)


def draw_blocks(rng: Random, sheet: Sheet, area: Box, blocks: Sequence[Block]) -> int:
    """Draw blocks below one another as far as they find room.

    Parameters
    ----------
    rng : numpy.random.Generator
    sheet : Sheet
    area : Box
    blocks : sequence of Block

    Returns
    -------
    int
        Where the last one ends below.
    """
    y = area.y
    for block in blocks:
        if rng.random() < block.chance and y + 1.5 * sheet.em < area.bottom:
            room = Box(area.x, y, area.width, area.bottom - y)
            y = _DRAW[type(block)](rng, sheet, room, block) + round(float(rng.uniform(0.3, 1.0)) * sheet.em)
    return y


def _headline(rng: Random, sheet: Sheet, area: Box, block: Headline) -> int:
    size = block.size.draw(rng) * sheet.em
    face = sheet.press.chosen(rng, block.font.draw(rng))
    words = made_up_words(rng, max(1, block.words.count(rng)))
    words = words.upper() if rng.random() < 0.4 else words.title()
    wide = face.length(words, size)
    if wide > 0.95 * area.width:
        size, wide = size * 0.95 * area.width / wide, 0.95 * area.width
    bottom = area.y + round(1.6 * size)
    if bottom > area.bottom or size < 0.5 * sheet.em:
        return area.y
    banded = rng.random() < block.band
    if banded:
        sheet.press.fill(Box(area.x, area.y, area.width, bottom - area.y), sheet.press.tone, 0.9)
    x = area.x + (area.width - wide) * _share(block.align.draw(rng))
    sheet.press.text(x, area.y + 0.3 * size, words, size, face=face, tone=_LIGHT if banded else None)
    return bottom


def _paragraph(rng: Random, sheet: Sheet, area: Box, block: Paragraph) -> int:
    size = block.size.draw(rng) * sheet.em
    face, align = sheet.press.chosen(rng, block.font.draw(rng)), block.align.draw(rng)
    width, y = block.width.draw(rng) * area.width, area.y
    for _ in range(block.lines.count(rng)):
        if y + 1.5 * size > area.bottom:
            break
        words = made_up_words(rng, max(1, int(width / (4.5 * size))))
        free = area.width - face.length(words, size)
        if free > 0:
            sheet.press.text(area.x + free * _share(align), y, words, size, face=face)
        y += round(1.6 * size)
    return y


def _field(rng: Random, sheet: Sheet, area: Box, block: Field) -> int:
    """Print a label and the place to write, and write there."""
    height = block.height.draw(rng) * sheet.em
    above = rng.random() < block.above
    top = area.y + (round(1.5 * sheet.em) if above else 0)
    if top + height > area.bottom:
        return area.y
    label = made_up_words(rng, block.label.count(rng)) if block.label.high >= 1 else ""
    label = label + ":" if label and rng.random() < 0.5 else label
    wide = 0 if above else round(sheet.press.width(label, sheet.em) + 0.6 * sheet.em)
    if wide > 0.65 * area.width:
        label, wide = "", 0
    low = area.y if above else round(top + 0.65 * height - sheet.em)
    sheet.press.text(area.x, low, label, sheet.em)
    room = Box(area.x + wide, top, area.width - wide, round(height))
    style, kind = block.style.draw(rng), block.holds.draw(rng)
    sheet.row += 1
    filled = rng.random() < block.filled
    if style in ("cells", "comb"):
        _cells(rng, sheet, room, block, comb=style == "comb", filled=filled)
        return room.bottom
    narrow = min(room.width, round(height * max(3.0, block.digits.high * 0.9)))
    room = Box(room.x, room.y, narrow if kind in NUMBERS else room.width, room.height)
    _place(sheet, room, style)
    if filled:
        fill_cell(rng, sheet, kind, room, block.digits, align="left", ringed=rng.random() < block.ringed)
    return room.bottom


def _place(sheet: Sheet, room: Box, style: str) -> None:
    """Print the place where a field is filled in."""
    if style in ("line", "dots"):
        sheet.press.rule(room.x, room.bottom, room.right, room.bottom, sheet.rule, dotted=style == "dots")
    elif style == "box":
        sheet.press.frame(room, sheet.rule)
    elif style == "circle":
        sheet.press.ring(room, sheet.rule)


def _cells(rng: Random, sheet: Sheet, room: Box, block: Field, *, comb: bool, filled: bool) -> None:
    """Print a row of cells and write a digit into each of the last ones."""
    wide = room.height * float(rng.uniform(0.6, 1.0))
    gap = 0.0 if comb else float(rng.choice([0.0, 0.15])) * wide
    count = min(max(1, block.digits.count(rng)), int(room.width / (wide + gap)))
    cells = row_of_cells(room.x, room.y, count, wide, room.height, gap)
    print_boxes(sheet, cells, comb=comb)
    if filled and cells:
        fill_boxes(rng, sheet, cells, small_number(rng, count))


def _rows(rng: Random, sheet: Sheet, area: Box, block: Rows) -> int:
    """Write rows of words and numbers in free hand."""
    height = block.size.draw(rng) * sheet.em
    step = height * block.leading.draw(rng)
    shares = np.cumsum([0.0, *rng.dirichlet(np.full(len(block.of), 12.0))])
    kinds = [one.draw(rng) for one in block.of]
    left = area.x + float(rng.uniform(0, 0.1)) * area.width
    width = (area.right - left) * float(rng.uniform(0.55, 1.0))
    y, count = float(area.y), block.rows.count(rng)
    written = None
    for _ in range(count):
        if y + 1.15 * height > area.bottom:
            break
        sheet.row += 1
        for k, kind in enumerate(kinds):
            x = left + shares[k] * width + float(rng.normal(0, 0.02)) * width
            room = Box(
                max(0, round(x)),
                round(y),
                max(1, round((shares[k + 1] - shares[k]) * width)),
                round(1.15 * height),
            )
            if kind in NUMBERS:
                written = write_number(
                    rng, sheet, number_tokens(rng, kind, block.digits), height, room, "left"
                )
            elif kind == "words":
                write_words(rng, sheet, 0.9 * height, room, int(rng.integers(1, 3)))
            elif kind != "blank" and rng.random() < 0.8:
                write_mark(rng, sheet, kind, height, room)
        y += step * float(rng.uniform(1 - 0.2 * block.spread, 1 + 0.5 * block.spread))
    if written is not None and rng.random() < block.total:
        underline(rng, sheet, written, sheet.writing)
        room = Box(written.x, round(y), max(1, area.right - written.x), round(1.15 * height))
        if room.bottom < area.bottom:
            more = Range(block.digits.high, block.digits.high + 1)
            write_number(rng, sheet, number_tokens(rng, "number", more), height, room, "left")
            y += step
    return round(y)


def _questions(rng: Random, sheet: Sheet, area: Box, block: Questions) -> int:
    """Print questions with boxes, circles or letters to choose from, and mark some."""
    y, side = area.y, round(1.4 * sheet.em)
    answers, shape = max(1, block.answers.count(rng)), block.shape.draw(rng)
    step = (area.width * 0.5) / answers
    for _ in range(block.rows.count(rng)):
        if y + 2 * side > area.bottom:
            break
        question = made_up_words(rng, 3)
        if sheet.press.width(question, sheet.em) < 0.48 * area.width:
            sheet.press.text(area.x, y + 0.2 * side, question, sheet.em)
        chosen = int(rng.integers(-1, answers))
        for k in range(answers):
            box = Box(round(area.x + 0.5 * area.width + k * step), y, side, side)
            if shape == "letter":
                sheet.press.text(box.x, box.y + 0.2 * side, "ABCDEFGH"[k % 8], sheet.em)
            elif shape == "circle":
                sheet.press.ring(box, sheet.rule)
            else:
                sheet.press.frame(box, sheet.rule)
            if k == chosen:
                mark = block.mark.draw(rng)
                if mark == "circle":
                    ring(rng, sheet, box, sheet.writing, around=0.2)
                else:
                    write_mark(rng, sheet, mark, max(LEAST_PX, float(rng.uniform(0.8, 1.4)) * side), box)
        y += round(1.6 * side)
    return y


def _side(rng: Random, sheet: Sheet, area: Box, block: Side) -> int:
    """Draw blocks side by side."""
    shares = [w.draw(rng) for w in block.widths] or [1.0] * len(block.of)
    gap = round(0.8 * sheet.em)
    x, bottom = float(area.x), area.y
    for one, share in zip(block.of, shares, strict=True):
        width = (area.width - gap * (len(shares) - 1)) * share / sum(shares)
        room = Box(round(x), area.y, max(1, round(width)), area.height)
        bottom = max(bottom, draw_blocks(rng, sheet, room, (one,)))
        x += width + gap
    return bottom


def _stack(rng: Random, sheet: Sheet, area: Box, block: Stack) -> int:
    """Draw blocks below one another, several times, in a frame at times."""
    y, framed, inset = area.y, rng.random() < block.framed, round(0.6 * sheet.em)
    for _ in range(block.times.count(rng)):
        if y + 3 * sheet.em > area.bottom:
            break
        top = y
        room = Box(area.x + inset, y + inset, max(1, area.width - 2 * inset), area.bottom - y - 2 * inset)
        y = draw_blocks(rng, sheet, room, block.of) + inset
        if framed:
            sheet.press.frame(Box(area.x, top, area.width, min(y, area.bottom) - top), sheet.rule)
    return y


def _emblem(rng: Random, sheet: Sheet, area: Box, block: Emblem) -> int:
    side = round(min(block.size.draw(rng) * sheet.em, area.height, area.width))
    x = area.x + round((area.width - side) * _share(block.align.draw(rng)))
    print_emblem(rng, sheet.press, Box(x, area.y, side, side))
    return area.y + side


def _barcode(rng: Random, sheet: Sheet, area: Box, block: Barcode) -> int:
    height = round(block.height.draw(rng) * sheet.em)
    if height + 2 * sheet.em > area.height:
        return area.y
    square = rng.random() < block.square
    wide = round(min(area.width, height * (1.0 if square else float(rng.uniform(2, 5)))))
    box = Box(area.x + round((area.width - wide) * _share(block.align.draw(rng))), area.y, wide, height)
    if square:
        print_square_code(rng, sheet.press, box)
        return box.bottom
    print_barcode(rng, sheet.press, box)
    if rng.random() < 0.7:
        digits = " ".join(str(d) for d in rng.integers(0, 10, int(rng.integers(6, 14))))
        size = min(sheet.em, sheet.em * wide / max(1.0, sheet.press.width(digits, sheet.em)))
        sheet.press.text(box.x, box.bottom + 0.3 * size, digits, size)
        return round(box.bottom + 1.6 * size)
    return box.bottom


def _signature(rng: Random, sheet: Sheet, area: Box, block: Signature) -> int:
    height = round(block.height.draw(rng) * sheet.em)
    if height + 1.5 * sheet.em > area.height:
        return area.y
    width = min(area.width, round(height * float(rng.uniform(2.5, 5))))
    room = Box(area.x + round((area.width - width) * _share(block.align.draw(rng))), area.y, width, height)
    sheet.glyph(rng, signature(rng), max(LEAST_PX, 0.8 * height), room, "centre", sheet.second)
    if rng.random() < block.label:
        sheet.press.rule(room.x, room.bottom, room.right, room.bottom, sheet.rule)
        sheet.press.text(room.x, room.bottom + 0.3 * sheet.em, made_up_words(rng, 1), 0.8 * sheet.em)
    return room.bottom + round(1.4 * sheet.em)


def _gap(rng: Random, sheet: Sheet, area: Box, block: Gap) -> int:
    height = block.height.draw(rng) * sheet.em
    if rng.random() < block.ruled:
        y = area.y + height / 2
        sheet.press.rule(area.x, y, area.right, y, sheet.rule, dotted=rng.random() < 0.3)
    return round(area.y + height)


def _share(align: str) -> float:
    return {"left": 0.0, "right": 1.0}.get(align, 0.5)


_DRAW: Final[dict[type[Block], Callable[[Random, Sheet, Box, Any], int]]] = {
    Headline: _headline,
    Paragraph: _paragraph,
    Field: _field,
    Table: draw_table,
    Rows: _rows,
    Questions: _questions,
    Side: _side,
    Stack: _stack,
    Emblem: _emblem,
    Barcode: _barcode,
    Signature: _signature,
    Gap: _gap,
}
