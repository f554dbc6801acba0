"""What kind of picture it is, decided once by the size of its digits: one digit, a field, or a page.

Sizes are held against the shorter side of the picture, so that the answer does not depend on how finely it was scanned.
"""

from __future__ import annotations

import numpy as np

from digitocr.imaging import scale
from digitocr.imaging.components import components
from digitocr.records import Mask, PageKind

DIGIT_SIDE_PX = 40
"""A picture with a shorter side of at most so many pixels, as it is stored, shows one digit."""

MIN_ROW_PX = 10
"""No row is lower than this: what cannot hold one at `PAGE_SHARE` is no page."""

PAGE_SHARE, FIELD_SHARE = 0.12, 0.25
"""Digits on a page are lower than the one, those of a field at least as high as the other, in shorter sides of the
picture; between them it is a page if it holds several rows, or many components."""

SIZED = (0.5, 1.5)
"""Components of these heights, in heights of the digits, tell the rows."""

ASIDE = 0.75
"""A component whose middle lies further than this from that of most, in heights of the digits, is of another row."""

MANY, SMALL_SHARE = 50, 0.02
"""More components than this, at least so high in shorter sides of the picture, are many."""


def page_kind(ink: Mask, stored_px: int) -> tuple[PageKind, float]:
    """Tell what a picture shows, and how high its digits are.

    Parameters
    ----------
    ink : (h, w) bool ndarray
        Rulings among it.
    stored_px : int
        Shorter side of the picture as it is stored, in pixels.

    Returns
    -------
    kind : PageKind
        A field where nothing tells the height of digits.
    height : float
        Of the digits, in pixels; 0 where nothing tells it, or it is not asked.
    """
    if stored_px <= DIGIT_SIDE_PX:
        return PageKind.DIGIT, 0.0
    if stored_px * PAGE_SHARE < MIN_ROW_PX:
        return PageKind.FIELD, 0.0
    height = scale.digit_height_px(ink)
    side = min(ink.shape)
    if height >= FIELD_SHARE * side:
        return PageKind.FIELD, height
    is_page = 0 < height < PAGE_SHARE * side or _is_full(ink, height)
    return (PageKind.PAGE if is_page else PageKind.FIELD), height


def _is_full(ink: Mask, digit_height_px: float) -> bool:
    """Whether there are many components, or those as high as digits stand in several rows."""
    _, boxes = components(ink)
    height = boxes[:, 3]
    if np.count_nonzero(height >= SMALL_SHARE * min(ink.shape)) > MANY:
        return True
    sized = (height >= SIZED[0] * digit_height_px) & (height <= SIZED[1] * digit_height_px)
    if not sized.any():
        return False
    middles = boxes[sized, 1] + height[sized] / 2
    aside = np.abs(middles - np.median(middles)) > ASIDE * digit_height_px
    return bool(np.count_nonzero(aside) > 1)
