"""What kind of picture it is, decided once by the size of its digits: one digit, a field, or a page.

Sizes are held against the shorter side of the picture, so that the answer does not depend on how finely it was scanned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import components
from digitocr.imaging.scale import Scale, digit_height_px
from digitocr.imaging.straight_lines import StraightLines
from digitocr.records import Mask, PageKind


@dataclass(frozen=True, slots=True)
class Kinds:
    """How digits, fields and pages are told apart; lengths are shares of the picture's shorter side.

    Attributes
    ----------
    digit_side_px : int
        A picture whose shorter side, as stored, is no longer than this shows one digit.
    min_row_px : int
        No row is lower than this: a picture too small for such a row at `page_share` is no page.
    page_share, field_share : float
        Digits lower than the first are on a page; lower than the second they are if they stand in several rows.
    min_sized, max_sized : float
        Components of these heights, in heights of the digits, tell the rows.
    row_distance : float
        A component whose middle lies further than this from that of most, in heights of the digits, is of another row.
    min_aside : int
        So many components in other rows make several rows.
    many : int
        What seems high digits is what is left of a table, and the picture a page, if more components than this are
        small: as high as the lowest row and `small_share`, and lower than digits of a field.
    many_a_digit : int
        And more than this for each component of a digit's height: the specks of a patterned field are fewer.
    small_share : float
    """

    digit_side_px: int = 40
    min_row_px: int = 10
    page_share: float = 0.12
    field_share: float = 0.25
    min_sized: float = 0.5
    max_sized: float = 1.5
    row_distance: float = 0.75
    min_aside: int = 2
    many: int = 30
    many_a_digit: int = 8
    small_share: float = 0.015


def page_kind(
    ink: Mask, stored_px: int, p: Kinds, scale: Scale, straight_lines: StraightLines
) -> tuple[PageKind, float]:
    """Tell what a picture shows, and how high its digits are.

    Parameters
    ----------
    ink : (h, w) bool ndarray
        Rulings among it.
    stored_px : int
        Shorter side of the picture as it is stored, in pixels.
    p : Kinds
    scale : Scale
    straight_lines : StraightLines

    Returns
    -------
    kind : PageKind
        A page where there is no ink, for the page network to look whether it is too pale; a field where ink is, but
        nothing tells the height of digits.
    height : float
        Of the digits, in pixels; 0 where nothing tells it, or it is not asked.
    """
    if stored_px <= p.digit_side_px:
        return PageKind.DIGIT, 0.0
    if stored_px * p.page_share < p.min_row_px:
        return PageKind.FIELD, 0.0
    if not ink.any():
        return PageKind.PAGE, 0.0
    height = digit_height_px(ink, scale, straight_lines)
    side = min(ink.shape)
    if 0 < height < p.page_share * side:
        return PageKind.PAGE, height
    _, boxes = components(ink)
    is_page = _is_crowded(boxes[:, 3], side, p) or (
        height < p.field_share * side and _has_rows(boxes, height, p)
    )
    return (PageKind.PAGE if is_page else PageKind.FIELD), height


def _is_crowded(heights_px: NDArray[np.int32], side_px: int, p: Kinds) -> bool:
    """Whether small components, as high as a row at least, are many on a picture of this shorter side."""
    low, high = max(p.min_row_px, p.small_share * side_px), p.field_share * side_px
    small = int(np.count_nonzero((heights_px >= low) & (heights_px < high)))
    return small > max(p.many, p.many_a_digit * int(np.count_nonzero(heights_px >= high)))


def _has_rows(boxes: NDArray[np.int32], digit_height_px: float, p: Kinds) -> bool:
    """Whether components as high as digits stand in several rows."""
    height = boxes[:, 3]
    sized = (height >= p.min_sized * digit_height_px) & (height <= p.max_sized * digit_height_px)
    if not sized.any():
        return False
    middles = boxes[sized, 1] + height[sized] / 2
    aside = np.abs(middles - np.median(middles)) > p.row_distance * digit_height_px
    return bool(np.count_nonzero(aside) >= p.min_aside)
