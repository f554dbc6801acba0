"""Light evened out, and ink told from paper."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import components, quantile
from digitocr.records import CROP_SIDE, Grey, Mask, Reason

MIN_CONTRAST = 0.14
"""Ink is at least this share darker than the paper around it."""


TILE = 128
"""Side of the tiles within which ink is told from paper, in sheet pixels."""


MAX_BOARD = 110
"""A ground of which half the pixels are brighter than this is paper, not a blackboard."""


WIDEST_CHALK = 8
"""No stroke of chalk on a photo is wider than the photo's shorter side divided by this."""


WIDEST_RULING = 50
"""Nor is a printed line wider than that side divided by this."""


STRONG_SHARE = 0.42
"""Ink is at least this share as dark against the paper as the strongest ink near it; guide lines are less."""


PEN = 0.25
"""A form's pen is as dark as the strongest ink on this share of the tiles that hold any."""


PEN_SHARE = 0.35
"""Ink on a form is at least this share as dark as its pen, whatever is near."""


FAINT_SHARE = 0.7
"""On a crop, a component less than this share as dark as most of the ink is a pattern, not writing."""


FAINT_DIGIT_SHARE = 0.6
"""The same for a component of a digit's size: better a pattern too many than a digit too few."""


PAPER = 0.9
"""On a tiny picture that seems empty, paper is as bright as the picture at this share of its pixels."""


def _inked(flat: Grey) -> tuple[Grey, Mask]:
    """Even out the light of a flat page, and tell its ink from its paper; rulings and print are left in."""
    even = even_light(flat)
    return even, binarize(even)


def binarize_within(flat: Grey, fields: Mask) -> tuple[Grey, Mask]:
    """Even out the light of a form laid flat, and tell its ink from its paper by what is seen in its fields alone.

    Print elsewhere says nothing of how dark the writing is. Most of a form is filled in with one pen, and what is much
    fainter is a guide line, also where nothing is written. Rulings and print are left in.

    Parameters
    ----------
    flat : (h, w) uint8 ndarray
        Dark ink on light paper.
    fields : (h, w) bool ndarray
        Where one writes.

    Returns
    -------
    even : (h, w) uint8 ndarray
        Paper at 255, ink dark.
    ink : (h, w) bool ndarray
    """
    even = even_light(flat)
    tiles = _tile_otsu(even, fields)
    strong = quantile(tiles.strong[tiles.is_told], PEN) if tiles.is_told.any() else 0.0
    return even, _darker(even, tiles.not_above(255 - PEN_SHARE * (255 - strong)))


def binarize_broadly(flat: Grey) -> tuple[Grey, Mask]:
    """Tell ink from paper of one brightness, where strokes may be as broad as what else is taken for light."""
    level = float(np.quantile(flat, PAPER))
    even = cv2.convertScaleAbs(flat, alpha=255 / max(level, 1.0)).astype(np.uint8)
    return even, binarize(even)


@dataclass(frozen=True, slots=True)
class _Tiles:
    """How dark ink is from place to place; of shape ``(rows, columns)`` each, in grey levels.

    Attributes
    ----------
    levels : float32 ndarray
        What is darker is ink.
    contrast : float32 ndarray
        Between what is darker and what is lighter.
    strong : float32 ndarray
        The darkest tenth of the ink is darker than this.
    """

    levels: NDArray[np.float32]
    contrast: NDArray[np.float32]
    strong: NDArray[np.float32]

    @property
    def is_told(self) -> Mask:
        """Where there is ink."""
        return np.greater_equal(self.contrast, MIN_CONTRAST * 255)

    def not_above(self, level: float) -> _Tiles:
        """Take nothing that is lighter than `level` for ink."""
        return replace(self, levels=np.minimum(self.levels, np.float32(level)))


def dark_on_light(grey: Grey) -> Grey:
    """Invert chalk on a blackboard: a dark ground with less, and much brighter, ink."""
    # A sample tells the brightness of the ground as well as all pixels do.
    if float(np.median(grey[::3, ::3])) > MAX_BOARD:
        return grey
    smooth = cv2.medianBlur(grey, 3)
    level, _ = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    bright = smooth > level
    if not bright.any() or float(np.mean(bright)) > 0.4:
        return grey
    if float(smooth[bright].mean() - smooth[~bright].mean()) < 60 or _holds_paper(bright):
        return grey
    return cv2.bitwise_not(grey).astype(np.uint8)


def _holds_paper(bright: Mask) -> bool:
    """Whether what is bright on a photo is wider than any chalk stroke: paper on a dark desk, partly in the shade."""
    side = min(bright.shape)
    if side < CROP_SIDE:
        return False
    ruling, size = side // WIDEST_RULING, side // WIDEST_CHALK
    # the lines of a table must not cut paper into pieces
    whole = cv2.morphologyEx(bright.view(np.uint8), cv2.MORPH_CLOSE, np.ones((ruling, ruling), np.uint8))
    return bool(cv2.erode(whole, np.ones((size, size), np.uint8), borderValue=0).any())


def even_light(grey: Grey) -> Grey:
    """Divide by the paper's own brightness, so that paper is 255 everywhere, in light and in shadow."""
    height, width = grey.shape
    scale = min(0.5, 240 / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    reach = int(np.clip(min(small.shape) * 0.25, 5, 13)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    paper = cv2.blur(cv2.medianBlur(paper, 3), (reach, reach), borderType=cv2.BORDER_REPLICATE)
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    floor = np.maximum(paper, 1).astype(np.uint8)
    return cv2.divide(grey, floor, scale=255.0).astype(np.uint8)


def binarize(even: Grey) -> Mask:
    """Tell ink from paper by a threshold that follows the contrast of each neighbourhood.

    Otsu's threshold [1]_ in overlapping tiles, interpolated; a tile without contrast takes what its neighbours have.

    References
    ----------
    .. [1] N. Otsu, "A threshold selection method from gray-level histograms", IEEE SMC 9, 1979.
    """
    return _darker(even, _tile_otsu(even, None))


def _darker(even: Grey, tiles: _Tiles) -> Mask:
    """Tell what is darker than the levels of tiles, smoothly from each to the next."""
    known = tiles.is_told
    if not known.any():
        return np.zeros(even.shape, dtype=np.bool_)
    height, width = even.shape
    weight = cv2.blur(known.astype(np.float32), (3, 3), borderType=cv2.BORDER_CONSTANT)
    near = cv2.blur(
        np.where(known, tiles.levels, 0).astype(np.float32), (3, 3), borderType=cv2.BORDER_CONSTANT
    )
    overall = quantile(tiles.levels[known], 0.5)
    filled = np.where(known, tiles.levels, np.where(weight > 0, near / np.maximum(weight, 1e-6), overall))
    levels_small = np.minimum(filled, 255 * (1 - 0.5 * MIN_CONTRAST)).astype(np.uint8)
    surface = cv2.resize(levels_small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.less_equal(even, surface)


def without_faint(even: Grey, ink: Mask) -> Mask:
    """Leave out components much fainter than the rest: printed patterns under the writing.

    On a crop all writing is of one pen; a whole page may hold print and pencil side by side, and is left as it is.
    """
    labels, boxes = components(ink)
    if len(boxes) < 2:
        return ink
    width, height, area = boxes[:, 2], boxes[:, 3], boxes[:, 4]
    lightness = np.bincount(labels[ink], weights=even[ink], minlength=len(boxes) + 1)[1:] / area
    darkness = 255.0 - lightness
    written = _may_be_written(boxes, ink.shape)
    order = np.flatnonzero(written)[np.argsort(darkness[written])]
    share = np.cumsum(area[order]) / area[order].sum()
    writing = float(darkness[order[int(np.searchsorted(share, 0.7))]])
    dark = darkness >= FAINT_SHARE * writing
    sizes = height[dark & written]
    size = quantile(np.repeat(sizes, sizes), 0.5) if sizes.size else math.inf
    is_digit_size = (height >= 0.6 * size) & (np.maximum(width, height) <= 1.6 * size)
    dark |= is_digit_size & (darkness >= FAINT_DIGIT_SHARE * writing)
    return np.asarray(np.take(np.concatenate([[False], dark]), labels), dtype=np.bool_)


def _may_be_written(boxes: NDArray[np.int32], shape: tuple[int, ...]) -> Mask:
    """Tell which components may be writing: neither bars nor frames; all of them where none may be.

    Parameters
    ----------
    boxes : (N, 5) int32 ndarray
    shape : tuple of int

    Returns
    -------
    (N,) bool ndarray
    """
    rows, columns = shape
    x, y, width, height, area = boxes.T
    at_edge = (x <= 1) | (y <= 1) | (x + width >= columns - 1) | (y + height >= rows - 1)
    level = (width > 4 * height) | (width >= 0.9 * columns)
    upright = ((height > 5 * width) & at_edge) | ((height > 3 * width) & (height >= 0.9 * rows))
    frame = (area < 0.12 * width * height) & (np.minimum(width, height) > 20)
    written = ~(level | upright | frame)
    return np.asarray(written if written.any() else ~written, dtype=np.bool_)


def _tile_otsu(even: Grey, among: Mask | None) -> _Tiles:
    """Take Otsu's level of each tile, among some of its pixels."""
    height, width = even.shape
    rows, columns = max(1, round(height / TILE)), max(1, round(width / TILE))
    bins = 64
    downs, acrosses = np.arange(rows + 1) * height // rows, np.arange(columns + 1) * width // columns
    tiles = [np.s_[y0:y1, x0:x1] for y0, y1 in pairwise(downs) for x0, x1 in pairwise(acrosses)]
    masks = [None if among is None else among[tile].view(np.uint8) for tile in tiles]
    counts = np.stack(
        [
            cv2.calcHist([even[tile]], [0], mask, [bins], [0, 256]).ravel()
            for tile, mask in zip(tiles, masks, strict=True)
        ]
    )
    counts = counts.astype(np.float64)
    centres = np.arange(bins) * 4 + 1.5
    below = np.cumsum(counts, axis=1)
    mass = np.cumsum(counts * centres, axis=1)
    above = below[:, -1:] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = mass / below, (mass[:, -1:] - mass) / above
        between = np.nan_to_num(below * above * (high - low) ** 2)
    best = between.argmax(axis=1)
    at = np.arange(len(best))
    distance = np.nan_to_num(high[at, best] - low[at, best])
    strong = centres[(below >= 0.1 * below[at, best][:, None]).argmax(axis=1)]
    level = np.minimum(centres[best] + 2, 255 - STRONG_SHARE * (255 - strong))
    return _Tiles(*(v.reshape(rows, columns).astype(np.float32) for v in (level, distance, strong)))


def quality(even: Grey, ink: Mask) -> tuple[Reason, ...]:
    """Return what speaks against anything read from a page: most of its ink is faint."""
    greys = np.cumsum(cv2.calcHist([even], [0], ink.view(np.uint8), [256], [0, 256]))
    median = int(np.searchsorted(greys, greys[-1] / 2))
    return (Reason.PAGE_QUALITY,) if greys[-1] and median > 255 * (1 - MIN_CONTRAST) else ()
