"""What stands in a cell of a table or in a field: print, handwriting, or both."""

from __future__ import annotations

from digitocr.records import Box
from digitocr.training.synth.amounts import amount
from digitocr.training.synth.layouts.faces import Face
from digitocr.training.synth.layouts.handwriting import number_tokens, write_mark, write_number, write_words
from digitocr.training.synth.layouts.language import NUMBERS, PRINTED, Range
from digitocr.training.synth.layouts.sheet import LEAST_PX, Sheet
from digitocr.training.synth.pen import Token
from digitocr.training.synth.printing import made_up_words
from digitocr.training.synth.strokes import Random


def fill_cell(
    rng: Random,
    sheet: Sheet,
    kind: str,
    cell: Box,
    digits: Range,
    *,
    align: str = "centre",
    place: int = 0,
    ringed: bool = False,
) -> Box | None:
    """Print or write what a cell holds.

    Parameters
    ----------
    rng : numpy.random.Generator
    sheet : Sheet
    kind : str
        One of :data:`digitocr.training.synth.layouts.language.CONTENTS`.
    cell : Box
    digits : Range
        How many, of numbers.
    align : str
        ``left``, ``centre`` or ``right``.
    place : int
        Number of the row, from 0.
    ringed : bool
        Draw a circle around a number.

    Returns
    -------
    Box or None
        Around a handwritten number, None for all else.
    """
    inner = within(cell, 0.06)
    height = sheet.size * min(cell.height, 1.2 * cell.width) * float(rng.uniform(0.85, 1.12))
    if kind in PRINTED:
        print_into(sheet, printed(rng, kind, digits, place), inner, align, sheet.press.face, sheet.em)
        return None
    if kind in NUMBERS:
        return write_number(rng, sheet, number_tokens(rng, kind, digits), height, inner, align, ringed=ringed)
    if kind == "words":
        write_words(rng, sheet, max(0.85 * height, 0.7 * LEAST_PX), inner, int(rng.integers(1, 4)))
    elif kind == "scrawl":
        write_mark(rng, sheet, "scribble", height, inner)
    elif kind == "tick box":
        side = round(min(0.6 * cell.height, 1.6 * sheet.em, 0.8 * cell.width))
        box = Box(round(cell.centre[0] - side / 2), round(cell.centre[1] - side / 2), side, side)
        sheet.press.frame(box, sheet.rule)
        if rng.random() < 0.5:
            write_mark(rng, sheet, "tick" if rng.random() < 0.5 else "cross", 1.1 * side, box)
    else:
        write_mark(rng, sheet, kind, max(height, LEAST_PX), inner)
    return None


def print_into(sheet: Sheet, words: str, room: Box, align: str, face: Face, size: float) -> None:
    """Print words into a room, in the middle of its height; what finds no room on the right is left out.

    Parameters
    ----------
    sheet : Sheet
    words : str
    room : Box
    align : str
    face : Face
    size : float
        Height of a capital in pixels; less in a low room.
    """
    size = min(size, 0.6 * room.height)
    while words and face.length(words, size) > room.width:
        words = words[: int(len(words) * 0.8)].strip()
    free = room.width - face.length(words, size)
    x = room.x + free * {"left": 0.0, "right": 1.0}.get(align, 0.5)
    sheet.press.text(x, room.centre[1] - size / 2, words, size, face=face)


def printed(rng: Random, kind: str, digits: Range, place: int) -> str:
    """Return the words of a printed cell.

    Parameters
    ----------
    rng : numpy.random.Generator
    kind : str
        One of :data:`digitocr.training.synth.layouts.language.PRINTED`.
    digits : Range
        How many, of numbers.
    place : int
        Number of the row, from 0.

    Returns
    -------
    str
    """
    if kind == "row number":
        return str(place + 1)
    if kind == "printed words":
        return made_up_words(rng, int(rng.integers(1, 4)))
    if kind == "printed number":
        return "".join(str(d) for d in rng.integers(0, 10, max(1, digits.count(rng))))
    if kind == "printed amount":
        return f"{int(amount(rng, 5)) / 100:.2f}"
    if kind == "printed date":
        return f"{rng.integers(1, 29):02}.{rng.integers(1, 13):02}.{rng.integers(1990, 2030)}"
    return ""


def print_boxes(sheet: Sheet, cells: list[Box], *, comb: bool) -> None:
    """Print a row of boxes, or a comb: a line below, with short uprights between its digits.

    Parameters
    ----------
    sheet : Sheet
    cells : list of Box
    comb : bool
    """
    for cell in cells:
        if comb:
            sheet.press.rule(cell.x, cell.bottom - 0.4 * cell.height, cell.x, cell.bottom, sheet.rule)
            sheet.press.rule(cell.x, cell.bottom, cell.right, cell.bottom, sheet.rule)
        else:
            sheet.press.frame(cell, sheet.rule)


def fill_boxes(rng: Random, sheet: Sheet, cells: list[Box], text: str) -> None:
    """Write the digits of a number into the last of a row of cells, one each.

    Parameters
    ----------
    rng : numpy.random.Generator
    sheet : Sheet
    cells : list of Box
    text : str
        At most as many digits as cells.
    """
    parts = []
    for cell, digit in zip(cells[len(cells) - len(text) :], text, strict=True):
        height = sheet.size * min(cell.height, 1.3 * cell.width)
        placed = sheet.fitted(rng, [Token(digit)], height, cell, "centre", sheet.writing)
        if placed is not None:
            parts.append(placed)
    if parts:
        sheet.number(rng, parts, sheet.writing)


def within(box: Box, share: float) -> Box:
    """Return a box smaller by a share of its shorter side on each side.

    Parameters
    ----------
    box : Box
    share : float

    Returns
    -------
    Box
    """
    margin = round(share * min(box.width, box.height))
    return Box(
        box.x + margin, box.y + margin, max(1, box.width - 2 * margin), max(1, box.height - 2 * margin)
    )
