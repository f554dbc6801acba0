"""Page to sheet: paper found and straightened, light evened, ink told from paper, rulings and boxes taken out."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from digitocr.imaging import geometry, rulings, scale
from digitocr.imaging.binarize import (
    Binarization,
    binarize,
    binarize_broadly,
    dark_on_light,
    even_and_binarize,
    quality,
    without_faint,
)
from digitocr.imaging.components import components
from digitocr.imaging.kind import page_kind
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.sheet import Sheet
from digitocr.records import Grey, Mask, Page, PageKind, Transform


def clean(page: Page, p: Imaging) -> Sheet:
    """Bring a page into the form in which its ink can be told from its paper.

    Parameters
    ----------
    page : Page
    p : Imaging

    Returns
    -------
    Sheet
        With the homography back to page pixels.
    """
    flat, to_page = geometry.straighten(page.grey, p.geometry, p.paper)
    dark = dark_on_light(flat, _widest_stroke(page.grey, flat, p), p.binarization)
    even, ink = even_and_binarize(dark, p.binarization)
    kind, height = page_kind(ink, min(page.grey.shape), p.kinds, p.scale, p.straight_lines)
    if kind is PageKind.PAGE:
        angle = geometry.skew_deg(ink, p.geometry)
        if abs(angle) > p.geometry.min_skew_deg:
            level, inside, to_page = geometry.turned(page.grey, flat, to_page, angle, p.geometry)
            if dark is not flat:
                level = 255 - level
            even, ink = even_and_binarize(level, p.binarization)
            even, ink = np.where(inside, even, np.uint8(255)), ink & inside
            height = scale.digit_height_px(ink, p.scale, p.straight_lines)
        return _page_sheet(page.grey, even, ink, to_page, height, p)
    if kind is PageKind.FIELD:
        small, shrink = shrunk(dark, p.geometry.field_side_px)
        if shrink is not None:
            even, ink = even_and_binarize(small, p.binarization)
            to_page, height = to_page @ shrink, height / shrink[1, 1]
    elif not ink.any():
        even, ink = binarize_broadly(dark, p.binarization)
    return _field_sheet(page.grey, even, ink, to_page, kind, height, p)


def _widest_stroke(stored: Grey, flat: Grey, p: Imaging) -> int:
    """Width in pixels that no stroke of chalk has on a photo; on a small picture a digit may be as wide as that."""
    side: int = min(flat.shape)
    return side if min(stored.shape) < p.geometry.desk_side_px else side // p.binarization.widest_chalk_part


def shrunk(grey: Grey, side_px: int) -> tuple[Grey, Transform | None]:
    """Reduce a picture.

    Parameters
    ----------
    grey : (H, W) uint8 ndarray
    side_px : int
        Its shorter side afterwards, in pixels.

    Returns
    -------
    small : (h, w) uint8 ndarray
    back : (3, 3) float64 ndarray or None
        Homography back to the picture; None where it was as small.
    """
    height, width = grey.shape
    shorter = min(height, width)
    if shorter <= side_px:
        return grey, None
    size = (round(width * side_px / shorter), round(height * side_px / shorter))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return small, np.diag([width / size[0], height / size[1], 1.0])


def _page_sheet(page: Grey, even: Grey, ink: Mask, to_page: Transform, height: float, p: Imaging) -> Sheet:
    """Take the rulings out of a page, and keep the upright ones in mind."""
    length = scale.page_length(height, min(ink.shape), p.scale)
    uprights = rulings.upright(even, length, p.rulings)
    lines = rulings.on_page(ink, length, p.rulings, p.straight_lines)
    if lines is not None:
        even, ink = _without_rulings(even, ink, lines, p)
    return Sheet(
        even, ink, to_page, page, quality(even, ink, p.binarization), uprights, PageKind.PAGE, height
    )


def _field_sheet(
    page: Grey, even: Grey, ink: Mask, to_page: Transform, kind: PageKind, height: float, p: Imaging
) -> Sheet:
    """Take the rulings out of a field, and what is much fainter than its writing."""
    found = components(ink)
    length = scale.field_length(ink, found, p.scale)
    lines = rulings.in_field(ink, found, length, p.rulings, p.straight_lines)
    if lines is not None:
        without, rest = _without_rulings(even, ink, lines, p)
        if rest.sum() < p.binarization.hidden_share * ink.sum():
            without, rest = _without_strong_rulings(without, lines, p.binarization)
        even, ink = without, rest
        found = components(ink)
    ink = without_faint(even, ink, found, p.faint_ink)
    return Sheet(even, ink, to_page, page, quality(even, ink, p.binarization), None, kind, height)


def _without_rulings(even: Grey, ink: Mask, lines: Mask, p: Imaging) -> tuple[Grey, Mask]:
    """Paint rulings out."""
    rest = rulings.without(ink, lines, p.rulings)
    return np.where(lines & ~rest, np.uint8(255), even).astype(np.uint8), rest


def _without_strong_rulings(even: Grey, lines: Mask, p: Binarization) -> tuple[Grey, Mask]:
    """Paint rulings out broadly, and tell ink from paper once more: they may have outshone it."""
    around = cv2.dilate(lines.view(np.uint8), np.ones((p.brush_px, p.brush_px), np.uint8)) > 0
    even = np.where(around, np.uint8(255), even).astype(np.uint8)
    return even, binarize(even, p)


def turned(page: Page, quarters: int, p: Imaging) -> Sheet:
    """Clean a page that is turned.

    It is cleaned from the start, since what a ruling is depends on which way is up: a 1 on its side looks like one.

    Parameters
    ----------
    page : Page
    quarters : int
        Quarter turns, counter-clockwise.
    p : Imaging

    Returns
    -------
    Sheet
        With the homography back to pixels of the page as it is.
    """
    height, width = page.grey.shape
    back: dict[int, list[list[float]]] = {
        0: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        1: [[0, -1, width], [1, 0, 0], [0, 0, 1]],
        2: [[-1, 0, width], [0, -1, height], [0, 0, 1]],
        3: [[0, 1, 0], [-1, 0, height], [0, 0, 1]],
    }
    sheet = clean(replace(page, grey=np.ascontiguousarray(np.rot90(page.grey, quarters))), p)
    to_page = np.array(back[quarters % 4], dtype=np.float64) @ sheet.to_page
    return replace(sheet, to_page=to_page, page=page.grey)
