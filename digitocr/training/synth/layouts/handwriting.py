"""What people write on paper: numbers of all kinds, corrected at times, words, ticks, crosses, tallies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from digitocr.records import Box
from digitocr.training.synth.amounts import amount, amount_tokens
from digitocr.training.synth.layouts.language import Range
from digitocr.training.synth.layouts.sheet import LEAST_PX, Sheet, Writing
from digitocr.training.synth.pen import OWNED_FROM, Token, Written, rasterise, write
from digitocr.training.synth.sheets import small_number, tally_group
from digitocr.training.synth.strokes import Glyph, Random

_CAPITALS: Final = "AEFHKLMNRTUVW"
"""Capitals that no digit looks like: they may stand beside digits."""

_STRING_PX: Final = 45.0
"""Strings of real ink are set in where digits are smaller: they were cut out about half as high."""

_OVERWRITTEN_SHARE: Final = 0.3
"""Share of the corrections in which a digit is written over another; else the number is struck out."""


def number_tokens(rng: Random, kind: str, digits: Range) -> list[Token]:
    """Draw a number as people write it: its digits, and the marks and letters between them.

    Parameters
    ----------
    rng : numpy.random.Generator
    kind : str
        One of :data:`digitocr.training.synth.layouts.language.NUMBERS`.
    digits : Range
        How many digits; dates, times and scores have as many as they need.

    Returns
    -------
    list of Token
    """
    longest = max(1, digits.count(rng))
    if kind == "score":
        return _digits(
            str(int(rng.integers(1, 10))) if rng.random() < 0.93 else str(int(rng.integers(10, 30)))
        )
    if kind == "count":
        return _digits(small_number(rng, longest))
    if kind == "amount":
        return amount_tokens(rng, amount(rng, min(longest, 9)))
    if kind == "date":
        mark = "/.-"[int(rng.integers(3))]
        year = int(rng.integers(10, 30)) + (2000 if rng.random() < 0.5 else 0)
        parts = [str(rng.integers(1, 32)), str(rng.integers(1, 13)), str(year)]
        parts = [p.zfill(2) if rng.random() < 0.5 else p for p in parts]
        return _joined(parts if rng.random() < 0.75 else parts[:2], mark)
    if kind == "time":
        return _joined([str(rng.integers(24)), f"{rng.integers(60):02}"], ":" if rng.random() < 0.7 else ".")
    if kind == "decimal":
        whole, part = small_number(rng, max(1, longest - 1)), str(rng.integers(10 ** int(rng.integers(1, 3))))
        return _joined([whole, part], "." if rng.random() < 0.6 else ",")
    text = "".join(str(d) for d in rng.integers(0, 10, longest))
    if kind == "code":
        return [Token(c, space=0.35 if i and i % 3 == 0 else 0.0) for i, c in enumerate(text)]
    if kind == "letters and digits":
        letters = [_CAPITALS[int(i)] for i in rng.integers(0, len(_CAPITALS), int(rng.integers(1, 3)))]
        return [*(Token(letter, digit=False) for letter in letters), *_digits(text)]
    return _digits(str(rng.integers(1, 10)) + text[1:])


def _digits(text: str) -> list[Token]:
    return [Token(c) for c in text]


def _joined(parts: Sequence[str], mark: str) -> list[Token]:
    """Return groups of digits with a mark between them."""
    tokens = _digits(parts[0])
    for part in parts[1:]:
        tokens += [Token(mark, digit=False), *_digits(part)]
    return tokens


def write_number(
    rng: Random,
    sheet: Sheet,
    tokens: list[Token],
    height: float,
    room: Box,
    align: str = "centre",
    *,
    ringed: bool = False,
) -> Box | None:
    """Write a number into a room, corrected at times.

    Parameters
    ----------
    rng : numpy.random.Generator
    sheet : Sheet
    tokens : list of Token
    height : float
        Of a digit in pixels.
    room : Box
    align : str
        ``left``, ``centre`` or ``right``.
    ringed : bool
        Draw a circle or a box around it.

    Returns
    -------
    Box or None
        Around what is written; None where it found no room.
    """
    who = sheet.writing
    strings = sheet.strings.get(len(tokens), ()) if all(token.digit for token in tokens) else ()
    if strings and height < _STRING_PX:
        found = sheet.pasted(rng, strings[int(rng.integers(len(strings)))], height, room, align)
        if found is not None:
            sheet.number(rng, [found], who)
        return None
    if rng.random() < sheet.corrected:
        if rng.random() < _OVERWRITTEN_SHARE:
            return _written_over(rng, sheet, tokens, height, room, align)
        room = _struck(rng, sheet, tokens, height, room)
    placed = sheet.fitted(rng, tokens, height, room, align, who)
    if placed is None:
        return None
    sheet.number(rng, [placed], who)
    written, x, y = placed
    box = Box(x, y, written.alpha.shape[1], written.alpha.shape[0])
    if ringed:
        ring(rng, sheet, box, who)
    return box


def _written_over(
    rng: Random, sheet: Sheet, tokens: list[Token], height: float, room: Box, align: str
) -> Box | None:
    """Write a number whose first digit covers another."""
    who = sheet.writing
    placed = sheet.fitted(rng, tokens, height, room, align, who)
    if placed is None:
        return None
    written, x, y = placed
    old = write(rng, [Token(str(rng.integers(10)))], who.hand, written.height, margin=(0, 0, 0, 0))
    ys, xs = np.nonzero(written.owner == 1)
    at = (x + int(xs.min()), y + int(ys.min())) if len(xs) else (x, y)
    beneath = sheet.scene.strike(rng, old, *at, who.ink, who.hand.pen, grain=who.grain)
    sheet.number(rng, [placed], who, beneath=beneath)
    return Box(x, y, written.alpha.shape[1], written.alpha.shape[0])


def _struck(rng: Random, sheet: Sheet, tokens: list[Token], height: float, room: Box) -> Box:
    """Write a number and strike it out; return the room that is left beside it."""
    who = sheet.writing
    wrong = [Token(str(rng.integers(10)) if t.digit else t.label, digit=t.digit) for t in tokens]
    half = Box(room.x, room.y, room.width // 2, room.height)
    placed = sheet.fitted(rng, wrong, height * 0.85, half, "left", who)
    if placed is None:
        return room
    written, x, y = placed
    sheet.sign(rng, written, x, y, "crossed out", who)
    h, w = written.alpha.shape
    for _ in range(int(rng.integers(1, 4))):
        level = y + h * rng.uniform(0.3, 0.7, 2)
        scribe(
            rng,
            sheet,
            np.array([[x - 0.1 * h, level[0]], [x + w + 0.1 * h, level[1]]], np.float32),
            "strike",
            who,
        )
    left = x + w + round(0.15 * h)
    return Box(left, room.y, max(room.right - left, 1), room.height)


def write_words(
    rng: Random, sheet: Sheet, height: float, room: Box, words: int, who: Writing | None = None
) -> Box:
    """Write words from left to right as far as they fit.

    Parameters
    ----------
    rng : numpy.random.Generator
    sheet : Sheet
    height : float
        Of a capital in pixels.
    room : Box
    words : int
        How many.
    who : Writing, optional
        By default whoever fills in the sheet.

    Returns
    -------
    Box
        The room that is left on their right.
    """
    who = who or sheet.writing
    x = room.x
    for _ in range(words):
        word = who.script.word(rng, int(rng.integers(2, 9)))
        space = Box(x, room.y, room.right - x, room.height)
        wide = float(np.concatenate(word.strokes)[:, 0].max()) * height * who.hand.aspect
        if space.width < wide or height < 0.7 * LEAST_PX:
            break
        box = sheet.glyph(rng, word, height, Box(x, room.y, round(wide), room.height), "left", who)
        x = (x if box is None else box.right) + round(float(rng.uniform(0.25, 0.6)) * height)
    return Box(x, room.y, max(0, room.right - x), room.height)


def write_mark(rng: Random, sheet: Sheet, kind: str, height: float, room: Box) -> None:
    """Make a mark: a tick, a cross, a dash, a circle, a scribble, groups of tally strokes.

    Parameters
    ----------
    rng : numpy.random.Generator
    sheet : Sheet
    kind : str
    height : float
        Of a digit in pixels.
    room : Box
    """
    who = sheet.writing
    if kind == "circle":
        side = round(min(height, 0.9 * room.height, 0.9 * room.width))
        at = Box(round(room.centre[0] - side / 2), round(room.centre[1] - side / 2), side, side)
        ring(rng, sheet, at, who, around=0.0)
        return
    if kind == "tally":
        groups = int(rng.integers(1, max(2, min(6, int(room.width / (1.1 * height))))))
        for i in range(groups):
            at = Box(round(room.x + i * 1.1 * height), room.y, round(height), room.height)
            _mark(rng, sheet, tally_group(rng, last=i == groups - 1), 0.8 * height, at, who)
        return
    _mark(rng, sheet, {"cross": "x", "dash": "-", "scrawl": "scribble"}.get(kind, kind), height, room, who)


def _mark(rng: Random, sheet: Sheet, label: str, height: float, room: Box, who: Writing) -> None:
    placed = sheet.fitted(rng, [Token(label, digit=False)], height, room, "centre", who)
    if placed is not None:
        written, x, y = placed
        sheet.sign(rng, written, x, y, label, who)


def ring(rng: Random, sheet: Sheet, box: Box, who: Writing, *, around: float = 0.35) -> None:
    """Draw a circle, or a box at times, around something.

    Parameters
    ----------
    rng : numpy.random.Generator
    sheet : Sheet
    box : Box
    who : Writing
    around : float
        Room left between, as a share of the box's height.
    """
    reach = around * box.height
    half = np.array([box.width / 2 + reach, box.height / 2 + reach])
    centre = np.array(box.centre) + rng.normal(0, 0.04, 2) * box.height
    turn = np.linspace(0, 2 * np.pi * float(rng.uniform(0.97, 1.12)), 40) + float(rng.uniform(0, 6.3))
    path = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    if around and rng.random() < 0.25:
        path = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1.02]]) + rng.normal(0, 0.06, (5, 2))
    growth = np.linspace(0, float(rng.normal(0, 0.08)), len(path))[:, None]
    scribe(rng, sheet, (centre + path * half * (1 + growth)).astype(np.float32), "ring", who)


def underline(rng: Random, sheet: Sheet, box: Box, who: Writing) -> None:
    """Draw one or two lines under something.

    Parameters
    ----------
    rng : numpy.random.Generator
    sheet : Sheet
    box : Box
    who : Writing
    """
    for i in range(int(rng.integers(1, 3))):
        y = box.bottom + (0.15 + 0.16 * i) * box.height + rng.normal(0, 0.03, 2) * box.height
        ends = [[box.x - 0.2 * box.height, y[0]], [box.right + 0.2 * box.height, y[1]]]
        scribe(rng, sheet, np.array(ends, np.float32), "underline", who)


def scribe(rng: Random, sheet: Sheet, path: NDArray[np.float32], kind: str, who: Writing) -> None:
    """Draw a line by hand.

    Parameters
    ----------
    rng : numpy.random.Generator
    sheet : Sheet
    path : (P, 2) float32 ndarray
        In pixels of the sheet.
    kind : str
        Of the sign that it is.
    who : Writing
    """
    pen = max(0.9, who.hand.thickness * LEAST_PX * 2)
    low = np.floor(path.min(axis=0) - pen - 2)
    shape = np.ceil(path.max(axis=0) + pen + 2) - low
    alpha = rasterise(rng, [(path - low).astype(np.float32)], pen, (int(shape[1]), int(shape[0])))
    owner = np.where(alpha >= OWNED_FROM, -1, 0).astype(np.int16)
    line = Glyph(kind, (), "own/line")
    written = Written(alpha, owner, (), (line,), (0.0, 0.0), 2 * LEAST_PX)
    sheet.sign(rng, written, int(low[0]), int(low[1]), kind, who)
