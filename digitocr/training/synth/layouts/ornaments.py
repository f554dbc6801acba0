"""Print that is neither text nor table: emblems, barcodes, stamps, watermarks, serial numbers."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from digitocr.records import Box, Grey
from digitocr.training.synth.ground import Ground
from digitocr.training.synth.inks import Ink
from digitocr.training.synth.layouts.press import Press
from digitocr.training.synth.printing import made_up_words
from digitocr.training.synth.strokes import Random

_STAMP_INKS: Final[tuple[Ink, ...]] = (
    (150.0, 60.0, 50.0),
    (60.0, 40.0, 190.0),
    (130.0, 40.0, 110.0),
    (70.0, 110.0, 50.0),
)
"""Blue, red, violet, green."""


def print_emblem(rng: Random, press: Press, box: Box, *, depth: float = 1.0) -> None:
    """Print a sign: rings, a polygon, rays or letters in a ring.

    Parameters
    ----------
    rng : numpy.random.Generator
    press : Press
    box : Box
    depth : float
        How dark, 0 to 1.
    """
    side = max(8, min(box.width, box.height))
    mask = np.zeros((side, side), np.uint8)
    centre, wide = (side // 2, side // 2), max(1, side // int(rng.integers(14, 40)))
    corners = int(rng.integers(3, 9))
    turn = np.arange(corners) * 2 * np.pi / corners + float(rng.uniform(0, 6.3))
    reach = side / 2 - 1 - wide
    outline = np.stack([np.cos(turn), np.sin(turn)], axis=1) * reach + side / 2
    kind = int(rng.integers(4))
    if kind == 0:
        cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 255, cv2.LINE_AA)
        cv2.circle(mask, centre, max(2, side // 5), 0, -1, cv2.LINE_AA)
    elif kind == 1:
        for end in outline:
            cv2.line(mask, centre, (int(end[0]), int(end[1])), 255, wide, cv2.LINE_AA)
    else:
        cv2.circle(mask, centre, int(reach), 255, wide, cv2.LINE_AA)
        if kind == 2:
            cv2.circle(mask, centre, int(0.75 * reach), 255, max(1, wide // 2), cv2.LINE_AA)
    press.lay(mask, box.x, box.y, Ground.PRINT, depth=depth)
    if kind >= 2:
        letters = made_up_words(rng, 1)[: int(rng.integers(1, 4))].upper()
        size = 0.35 * side
        wide_text = press.width(letters, size)
        press.text(box.x + (side - wide_text) / 2, box.y + (side - size) / 2, letters, size)


def print_barcode(rng: Random, press: Press, box: Box) -> None:
    """Print a barcode.

    Parameters
    ----------
    rng : numpy.random.Generator
    press : Press
    box : Box
    """
    bars = np.repeat(rng.random(400) < 0.5, rng.integers(1, 4, 400) * max(1, box.width // 150))[: box.width]
    press.lay(np.tile(bars.astype(np.uint8) * 255, (box.height, 1)), box.x, box.y, Ground.PRINT)


def print_square_code(rng: Random, press: Press, box: Box) -> None:
    """Print a square code with its three corner marks.

    Parameters
    ----------
    rng : numpy.random.Generator
    press : Press
    box : Box
    """
    code = (rng.random((25, 25)) < 0.5).astype(np.uint8) * 255
    for y, x in ((0, 0), (0, 18), (18, 0)):
        code[y : y + 7, x : x + 7] = 255
        code[y + 1 : y + 6, x + 1 : x + 6] = 0
        code[y + 2 : y + 5, x + 2 : x + 5] = 255
    side = max(8, min(box.width, box.height))
    big = np.asarray(cv2.resize(code, (side, side), interpolation=cv2.INTER_NEAREST), np.uint8)
    press.lay(big, box.x, box.y, Ground.PRINT)


def print_watermark(rng: Random, press: Press, page: Box, em: float) -> None:
    """Print a large pale sign, or a small one all over the page.

    Parameters
    ----------
    rng : numpy.random.Generator
    press : Press
    page : Box
    em : float
        Height of ordinary print in pixels.
    """
    depth = float(rng.uniform(0.05, 0.3))
    tone: Ink = (float(rng.uniform(60, 200)),) * 3 if rng.random() < 0.6 else press.tone
    words = made_up_words(rng, 1).upper()
    if rng.random() < 0.5:
        side = round(0.6 * min(page.width, page.height))
        mask = _turned(press.face.mask(words, side / max(3, len(words))), float(rng.uniform(-50, 50)))
        x, y = page.centre[0] - mask.shape[1] / 2, page.centre[1] - mask.shape[0] / 2
        press.lay(mask, round(x), round(y), Ground.PRINT, tone=tone, depth=depth)
        return
    mask = _turned(press.face.mask(words[:4], float(rng.uniform(0.8, 1.6)) * em), float(rng.uniform(-40, 40)))
    step = round(float(rng.uniform(1.3, 3)) * max(mask.shape))
    for i, y in enumerate(range(0, page.height, max(step // 2, 8))):
        for x in range(-(i % 2) * step // 2, page.width, max(step, 8)):
            press.lay(mask, x, y, Ground.PRINT, tone=tone, depth=depth)


def print_stamp(rng: Random, press: Press, page: Box, em: float) -> None:
    """Stamp a ring, a frame or a date over whatever stands there, turned and uneven.

    Parameters
    ----------
    rng : numpy.random.Generator
    press : Press
    page : Box
    em : float
        Height of ordinary print in pixels.
    """
    tone = _STAMP_INKS[int(rng.integers(len(_STAMP_INKS)))]
    size = float(rng.uniform(0.9, 2)) * em
    words = made_up_words(rng, int(rng.integers(1, 3))).upper()
    if rng.random() < 0.5:
        words = f"{rng.integers(1, 29):02} {words[:3]} {rng.integers(1990, 2030)}"
    inner = press.face.mask(words, size)
    wide = max(1, round(0.14 * size))
    if rng.random() < 0.45:
        side = max(inner.shape) + round(2.2 * size)
        mask = np.zeros((side, side), np.uint8)
        cv2.circle(mask, (side // 2, side // 2), side // 2 - wide - 1, 255, wide, cv2.LINE_AA)
    else:
        mask = np.zeros((inner.shape[0] + round(1.4 * size), inner.shape[1] + round(1.4 * size)), np.uint8)
        cv2.rectangle(mask, (wide, wide), (mask.shape[1] - wide - 1, mask.shape[0] - wide - 1), 255, wide)
    y, x = (mask.shape[0] - inner.shape[0]) // 2, (mask.shape[1] - inner.shape[1]) // 2
    mask[y : y + inner.shape[0], x : x + inner.shape[1]] |= inner
    mask = _turned(_worn(rng, mask), float(rng.normal(0, 12)))
    left = int(rng.integers(0, max(1, page.width - mask.shape[1])))
    top = int(rng.integers(0, max(1, page.height - mask.shape[0])))
    press.lay(mask, left, top, Ground.PRINT, tone=tone, depth=float(rng.uniform(0.4, 0.95)))


def print_serial(rng: Random, press: Press, page: Box, em: float) -> None:
    """Print a numbered serial in large digits, often red, near the head of the page.

    Parameters
    ----------
    rng : numpy.random.Generator
    press : Press
    page : Box
    em : float
        Height of ordinary print in pixels.
    """
    size = float(rng.uniform(1, 2.2)) * em
    text = str(rng.integers(10 ** int(rng.integers(2, 7)))).zfill(int(rng.integers(3, 7)))
    lead = ("", "No. ", "№ ", "Nr ")[int(rng.integers(4))]
    x = float(rng.uniform(0.03, 0.7)) * page.width
    y = float(rng.uniform(0.01, 0.2)) * page.height
    red = (60.0, 40.0, float(rng.uniform(170, 225)))
    tone = red if rng.random() < 0.7 else press.tone
    press.text(x, y, lead + text, size, face=press.chosen(rng, "any"), tone=tone)


def _turned(mask: Grey, degrees: float) -> Grey:
    """Turn a mask; its frame grows so that nothing is lost."""
    h, w = mask.shape
    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), degrees, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    wide, tall = round(h * sin + w * cos), round(h * cos + w * sin)
    matrix[:, 2] += [(wide - w) / 2, (tall - h) / 2]
    return np.asarray(cv2.warpAffine(mask, matrix, (wide, tall)), np.uint8)


def _worn(rng: Random, mask: Grey) -> Grey:
    """Let parts of a stamp not take."""
    small = rng.random((max(2, mask.shape[0] // 12), max(2, mask.shape[1] // 12))).astype(np.float32)
    take = cv2.resize(small, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(mask * np.clip(take * 2 + float(rng.uniform(0, 0.6)), 0, 1), np.uint8)
