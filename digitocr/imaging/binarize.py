"""Light evened out, and ink told from paper."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import Components, quantile
from digitocr.records import Grey, Mask, Reason


@dataclass(frozen=True, slots=True)
class Binarization:
    """How light is evened out and ink is told from paper.

    Brightness is in grey levels, 0 to 255; darkness is that below the paper's.

    Attributes
    ----------
    board_level : int
        A picture of which half the pixels are brighter than this is no blackboard.
    board_blur_px : int
        Side of the median filter before chalk is told from the board; odd.
    max_chalk_share : float
        Chalk covers no more than this share of a board.
    min_chalk_contrast : float
        Least difference of mean brightness between chalk and board.
    widest_chalk_part, widest_ruling_part : int
        A stroke of chalk, and a printed line, are at most as wide as the shorter side divided by this.
    light_share, light_side_px : float, int
        Size of the picture on which light is measured: a share of the page's, but no longer than so many pixels.
    reach_share : float
        Side of the neighbourhood whose brightest part is paper, as a share of that picture's shorter side.
    min_reach_px, max_reach_px : int
        Limits of that side.
    light_blur_px : int
        Side of the median filter over the paper's brightness; odd.
    tile_px : int
        Side of the tiles that have a threshold each.
    smoothing_tiles : int
        A tile without contrast takes the mean threshold of a square of tiles with this side; odd.
    min_contrast_share : float
        Ink is at least this much darker than the paper around it, as a share of white.
    strong_share : float
        Share of the ink of a tile that counts as its strongest.
    min_strong_share : float
        Ink is at least this dark, in the darkness of the strongest ink near it; guide lines are fainter.
    pen_share : float
        A form's pen is as dark as the strongest ink on this share of the tiles that hold any.
    min_pen_share : float
        Ink on a form is at least this dark, in the darkness of its pen.
    broad_paper_share : float
        Where a digit fills a tiny picture, paper is as bright as the picture at this share of its pixels.
    hidden_share : float
        Where less than this share of a field's ink is no ruling, fainter writing is looked for.
    brush_px : int
        Side of the square with which rulings are painted out then.
    """

    board_level: int = 110
    board_blur_px: int = 3
    max_chalk_share: float = 0.4
    min_chalk_contrast: float = 60.0
    widest_chalk_part: int = 8
    widest_ruling_part: int = 50
    light_share: float = 0.5
    light_side_px: int = 240
    reach_share: float = 0.25
    min_reach_px: int = 5
    max_reach_px: int = 13
    light_blur_px: int = 3
    tile_px: int = 128
    smoothing_tiles: int = 3
    min_contrast_share: float = 0.14
    strong_share: float = 0.1
    min_strong_share: float = 0.42
    pen_share: float = 0.25
    min_pen_share: float = 0.35
    broad_paper_share: float = 0.9
    hidden_share: float = 0.1
    brush_px: int = 7


@dataclass(frozen=True, slots=True)
class FaintInk:
    """Which components of a field are printed patterns under the writing.

    Attributes
    ----------
    writing_share : float
        The writing is as dark as the component up to which this share of the ink lies, from the lightest on.
    min_share : float
        A component less dark than this, in darkness of the writing, is no writing.
    min_digit_share : float
        The same for one of a digit's size: it favours digits over clean paper.
    min_digit_height, max_digit_side : float
        Size of a digit, in typical heights of the writing.
    level_aspect, level_share : float
        A component wider than this many of its heights, or than this share of the picture, is a level bar.
    upright_aspect, upright_share : float
        One higher than this many of its widths and than this share of the picture is an upright bar.
    edge_aspect : float
        One at an edge is an upright bar from this aspect on.
    edge_px : int
        A component that begins within so many pixels is at an edge.
    frame_fill_share, frame_px : float, int
        A component that fills less than this share of its box, with a shorter side above so many pixels, is a frame.
    """

    writing_share: float = 0.7
    min_share: float = 0.7
    min_digit_share: float = 0.6
    min_digit_height: float = 0.6
    max_digit_side: float = 1.6
    level_aspect: float = 4.0
    level_share: float = 0.9
    upright_aspect: float = 3.0
    upright_share: float = 0.9
    edge_aspect: float = 5.0
    edge_px: int = 1
    frame_fill_share: float = 0.12
    frame_px: int = 20


def even_and_binarize(flat: Grey, p: Binarization) -> tuple[Grey, Mask]:
    """Even out the light of a flat page, and tell its ink from its paper; rulings and print are left in.

    Parameters
    ----------
    flat : (h, w) uint8 ndarray
        Dark ink on light paper.
    p : Binarization

    Returns
    -------
    even : (h, w) uint8 ndarray
        Paper at 255, ink dark.
    ink : (h, w) bool ndarray
    """
    even = even_light(flat, p)
    return even, binarize(even, p)


def binarize_within(flat: Grey, fields: Mask, p: Binarization) -> tuple[Grey, Mask]:
    """Even out the light of a form laid flat, and tell its ink from its paper by what is seen in its fields alone.

    Print elsewhere says nothing of how dark the writing is. Most of a form is filled in with one pen, and what is much
    fainter is a guide line, also where nothing is written. Rulings and print are left in.

    Parameters
    ----------
    flat : (h, w) uint8 ndarray
        Dark ink on light paper.
    fields : (h, w) bool ndarray
        Where one writes.
    p : Binarization

    Returns
    -------
    even : (h, w) uint8 ndarray
        Paper at 255, ink dark.
    ink : (h, w) bool ndarray
    """
    even = even_light(flat, p)
    tiles = _tile_otsu(even, fields, p)
    inked = tiles.has_ink(p)
    strong = quantile(tiles.strong[inked], p.pen_share) if inked.any() else 0.0
    return even, _darker(even, tiles.not_above(255 - p.min_pen_share * (255 - strong)), p)


def binarize_broadly(flat: Grey, p: Binarization) -> tuple[Grey, Mask]:
    """Tell ink from paper of one brightness, where strokes may be as broad as what else is taken for a shadow.

    Parameters
    ----------
    flat : (h, w) uint8 ndarray
        Dark ink on light paper.
    p : Binarization

    Returns
    -------
    even : (h, w) uint8 ndarray
        Paper at 255, ink dark.
    ink : (h, w) bool ndarray
    """
    level = float(np.quantile(flat, p.broad_paper_share))
    even = cv2.convertScaleAbs(flat, alpha=255 / max(level, 1.0)).astype(np.uint8)
    return even, binarize(even, p)


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

    def has_ink(self, p: Binarization) -> Mask:
        """Where there is ink."""
        return np.greater_equal(self.contrast, p.min_contrast_share * 255)

    def not_above(self, level: float) -> _Tiles:
        """Take nothing that is lighter than `level` for ink."""
        return replace(self, levels=np.minimum(self.levels, np.float32(level)))


def dark_on_light(grey: Grey, widest_stroke_px: int, p: Binarization) -> Grey:
    """Invert chalk on a blackboard: a dark ground with less, and much brighter, ink.

    Parameters
    ----------
    grey : (h, w) uint8 ndarray
    widest_stroke_px : int
        What is bright and wider than this is no stroke of chalk but paper on a dark desk, or partly in the shade.
    p : Binarization

    Returns
    -------
    (h, w) uint8 ndarray
    """
    # A sample tells the brightness of the ground as well as all pixels do.
    if float(np.median(grey[::3, ::3])) > p.board_level:
        return grey
    smooth = cv2.medianBlur(grey, p.board_blur_px)
    level, _ = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    bright = smooth > level
    if not bright.any() or float(np.mean(bright)) > p.max_chalk_share:
        return grey
    if float(smooth[bright].mean() - smooth[~bright].mean()) < p.min_chalk_contrast:
        return grey
    if _holds_paper(bright, widest_stroke_px, min(grey.shape) // p.widest_ruling_part):
        return grey
    return cv2.bitwise_not(grey).astype(np.uint8)


def _holds_paper(bright: Mask, size: int, ruling: int) -> bool:
    """Whether something bright is wider than any stroke, in pixels, rulings on it notwithstanding."""
    # the lines of a table must not cut paper into pieces
    whole = cv2.morphologyEx(bright.view(np.uint8), cv2.MORPH_CLOSE, np.ones((ruling, ruling), np.uint8))
    return bool(cv2.erode(whole, np.ones((size, size), np.uint8), borderValue=0).any())


def even_light(grey: Grey, p: Binarization) -> Grey:
    """Divide by the paper's own brightness, so that paper is 255 everywhere, in light and in shadow.

    Parameters
    ----------
    grey : (h, w) uint8 ndarray
    p : Binarization

    Returns
    -------
    (h, w) uint8 ndarray
    """
    height, width = grey.shape
    scale = min(p.light_share, p.light_side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    reach = int(np.clip(min(small.shape) * p.reach_share, p.min_reach_px, p.max_reach_px)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    paper = cv2.blur(cv2.medianBlur(paper, p.light_blur_px), (reach, reach), borderType=cv2.BORDER_REPLICATE)
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    floor = np.maximum(paper, 1).astype(np.uint8)
    return cv2.divide(grey, floor, scale=255.0).astype(np.uint8)


def binarize(even: Grey, p: Binarization) -> Mask:
    """Tell ink from paper by a threshold that follows the contrast of each neighbourhood.

    Otsu's threshold [1]_ in tiles, interpolated; a tile without contrast takes what its neighbours have.

    Parameters
    ----------
    even : (h, w) uint8 ndarray
        Paper at 255, ink dark.
    p : Binarization

    Returns
    -------
    (h, w) bool ndarray

    References
    ----------
    .. [1] N. Otsu, "A threshold selection method from gray-level histograms", IEEE SMC 9, 1979.
    """
    return _darker(even, _tile_otsu(even, None, p), p)


def _darker(even: Grey, tiles: _Tiles, p: Binarization) -> Mask:
    """Tell what is darker than the levels of tiles, smoothly from each to the next."""
    known = tiles.has_ink(p)
    if not known.any():
        return np.zeros(even.shape, dtype=np.bool_)
    height, width = even.shape
    around = (p.smoothing_tiles, p.smoothing_tiles)
    weight = cv2.blur(known.astype(np.float32), around, borderType=cv2.BORDER_CONSTANT)
    known_levels = np.where(known, tiles.levels, 0).astype(np.float32)
    near = cv2.blur(known_levels, around, borderType=cv2.BORDER_CONSTANT)
    overall = quantile(tiles.levels[known], 0.5)
    filled = np.where(known, tiles.levels, np.where(weight > 0, near / np.maximum(weight, 1e-6), overall))
    levels_small = np.minimum(filled, 255 * (1 - 0.5 * p.min_contrast_share)).astype(np.uint8)
    surface = cv2.resize(levels_small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.less_equal(even, surface)


def without_faint(even: Grey, ink: Mask, found: Components, p: FaintInk) -> Mask:
    """Leave out components much fainter than the rest: printed patterns under the writing.

    In a field all writing is of one pen; a whole page may hold print and pencil side by side.

    Parameters
    ----------
    even : (h, w) uint8 ndarray
    ink : (h, w) bool ndarray
    found : tuple
        Its components, as of :func:`digitocr.imaging.components.components`.
    p : FaintInk

    Returns
    -------
    (h, w) bool ndarray
    """
    labels, boxes = found
    if len(boxes) < 2:
        return ink
    width, height, area = boxes[:, 2], boxes[:, 3], boxes[:, 4]
    lightness = np.bincount(labels[ink], weights=even[ink], minlength=len(boxes) + 1)[1:] / area
    darkness = 255.0 - lightness
    written = _may_be_written(boxes, ink.shape, p)
    order = np.flatnonzero(written)[np.argsort(darkness[written])]
    share = np.cumsum(area[order]) / area[order].sum()
    writing = float(darkness[order[int(np.searchsorted(share, p.writing_share))]])
    dark = darkness >= p.min_share * writing
    sizes = height[dark & written]
    size = quantile(np.repeat(sizes, sizes), 0.5) if sizes.size else math.inf
    is_digit_size = (height >= p.min_digit_height * size) & (
        np.maximum(width, height) <= p.max_digit_side * size
    )
    dark |= is_digit_size & (darkness >= p.min_digit_share * writing)
    return np.asarray(np.take(np.concatenate([[False], dark]), labels), dtype=np.bool_)


def _may_be_written(boxes: NDArray[np.int32], shape: tuple[int, ...], p: FaintInk) -> Mask:
    """Tell which components may be writing: neither bars nor frames; all of them where none may be.

    Parameters
    ----------
    boxes : (N, 5) int32 ndarray
    shape : tuple of int
    p : FaintInk

    Returns
    -------
    (N,) bool ndarray
    """
    rows, columns = shape
    x, y, width, height, area = boxes.T
    edge = p.edge_px
    at_edge = (x <= edge) | (y <= edge) | (x + width >= columns - edge) | (y + height >= rows - edge)
    level = (width > p.level_aspect * height) | (width >= p.level_share * columns)
    upright = (height > p.edge_aspect * width) & at_edge
    upright |= (height > p.upright_aspect * width) & (height >= p.upright_share * rows)
    frame = (area < p.frame_fill_share * width * height) & (np.minimum(width, height) > p.frame_px)
    written = ~(level | upright | frame)
    return np.asarray(written if written.any() else ~written, dtype=np.bool_)


def _tile_otsu(even: Grey, among: Mask | None, p: Binarization) -> _Tiles:
    """Take Otsu's level of each tile, among some of its pixels."""
    height, width = even.shape
    rows, columns = max(1, round(height / p.tile_px)), max(1, round(width / p.tile_px))
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
    strong = centres[(below >= p.strong_share * below[at, best][:, None]).argmax(axis=1)]
    level = np.minimum(centres[best] + 2, 255 - p.min_strong_share * (255 - strong))
    return _Tiles(*(v.reshape(rows, columns).astype(np.float32) for v in (level, distance, strong)))


def quality(even: Grey, ink: Mask, p: Binarization) -> tuple[Reason, ...]:
    """Find what speaks against anything read from a page: most of its ink is faint.

    Parameters
    ----------
    even : (h, w) uint8 ndarray
    ink : (h, w) bool ndarray
    p : Binarization

    Returns
    -------
    tuple of Reason
    """
    greys = np.cumsum(cv2.calcHist([even], [0], ink.view(np.uint8), [256], [0, 256]))
    median = int(np.searchsorted(greys, greys[-1] / 2))
    return (Reason.PAGE_QUALITY,) if greys[-1] and median > 255 * (1 - p.min_contrast_share) else ()
