"""Page to sheet: paper found and straightened, light evened, ink told from paper, rulings and boxes taken out."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from digitocr.imaging import rulings, scale
from digitocr.imaging.binarize import (
    _inked,
    binarize,
    binarize_broadly,
    dark_on_light,
    quality,
    without_faint,
)
from digitocr.imaging.geometry import DESK_SIDE, rotated_size, rotation_about_centre, skew_deg, straighten
from digitocr.imaging.kind import page_kind
from digitocr.imaging.sheet import Sheet
from digitocr.records import Grey, Mask, Page, PageKind

HIDDEN = 0.1
"""Where less than this share of a crop's ink is no ruling, fainter writing is looked for."""

FIELD_SIDE_PX = 192
"""A field is shrunk to this shorter side."""

WIDEST_CHALK = 8
"""Strokes of chalk are at most as wide as the shorter side of a photo divided by this."""

BLUR = 7
"""Rulings are painted out as broadly as with a brush of so many pixels where they are all but the only ink."""


def clean(page: Page) -> Sheet:
    """Bring a page into the form in which its ink can be told from its paper.

    Parameters
    ----------
    page : Page

    Returns
    -------
    Sheet
        With the homography back to page pixels.
    """
    flat, to_page = straighten(page.grey)
    stored_px, side_px = min(page.grey.shape), min(flat.shape)
    dark = dark_on_light(flat, side_px if stored_px < DESK_SIDE else side_px // WIDEST_CHALK)
    even, ink = _inked(dark)
    kind, height = page_kind(ink, stored_px)
    if kind is PageKind.FIELD and side_px > FIELD_SIDE_PX:
        small = (
            round(flat.shape[1] * FIELD_SIDE_PX / side_px),
            round(flat.shape[0] * FIELD_SIDE_PX / side_px),
        )
        to_page = to_page @ np.diag([flat.shape[1] / small[0], flat.shape[0] / small[1], 1.0])
        height *= FIELD_SIDE_PX / side_px
        even, ink = _inked(cv2.resize(dark, small, interpolation=cv2.INTER_AREA).astype(np.uint8))
    if not ink.any() and kind is PageKind.DIGIT:
        even, ink = binarize_broadly(dark)
    angle = skew_deg(ink) if kind is PageKind.PAGE else 0.0
    if abs(angle) > 0.3:
        turn = rotation_about_centre(even.shape, angle)
        size = rotated_size(even.shape, angle)
        even = cv2.warpPerspective(even, turn, size, flags=cv2.INTER_LINEAR, borderValue=255).astype(np.uint8)
        ink = binarize(even)
        to_page = to_page @ np.linalg.inv(turn)
        height = scale.digit_height_px(ink)
    length = scale.lengths(ink, kind, height)
    lines = rulings.find(ink, length, kind)
    between = rulings.upright(even, length) if kind is PageKind.PAGE else None
    if lines is not None:
        even, ink = _without_rulings(even, ink, lines, kind)
    if kind is not PageKind.PAGE:
        ink = without_faint(even, ink)
    return Sheet(even, ink, to_page, quality(even, ink), between, kind, height)


def _without_rulings(even: Grey, ink: Mask, lines: Mask, kind: PageKind) -> tuple[Grey, Mask]:
    """Paint rulings out; where hardly any other ink is on a crop, tell anew what is: they may have outshone it."""
    rest = rulings.without(ink, lines)
    even = np.where(lines & ~rest, np.uint8(255), even).astype(np.uint8)
    if kind is PageKind.PAGE or rest.sum() >= HIDDEN * ink.sum():
        return even, rest
    around = cv2.dilate(lines.view(np.uint8), np.ones((BLUR, BLUR), np.uint8)) > 0
    even = np.where(around, np.uint8(255), even).astype(np.uint8)
    return even, binarize(even)


def turned(page: Page, quarters: int) -> Sheet:
    """Clean a page that is turned counter-clockwise by `quarters` of a full turn.

    It is cleaned anew, for what a ruling is depends on which way is up: a 1 on its side looks like one.

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
    sheet = clean(replace(page, grey=np.ascontiguousarray(np.rot90(page.grey, quarters))))
    return replace(sheet, to_page=np.array(back[quarters % 4], dtype=np.float64) @ sheet.to_page)


# --- geometry ---------------------------------------------------------------------------------------------------


# --- light and ink ----------------------------------------------------------------------------------------------
