"""Rulings, table lines and borders of boxes: found among the ink, and taken out of it."""

from __future__ import annotations

import cv2
import numpy as np

from digitocr.imaging.components import components
from digitocr.imaging.straight_lines import EDGE, Length, level_and_upright, slanting, stroke_width, thickest
from digitocr.records import CROP_SIDE, Grey, Mask

AS_HIGH = 1.15
"""A 1 is at most so many times as high as the highest of the digits beside it."""


BROADEST = 0.1
"""Strokes are no broader than this share of a picture's shorter side where thickness is compared to them."""


PALE, BROADEST_PALE = 6, 9
"""How much darker than the paper beside them pale lines are, in grey levels, and how broad at most, in pixels."""

OF_TABLES = 2
"""So many times the least length of rulings the lines have that part numbers."""


def find(ink: Mask, length: Length) -> Mask | None:
    """Find what of the ink is lines longer than any stroke of a digit.

    Parameters
    ----------
    ink : (h, w) bool ndarray
    length : Length
        See :func:`lengths`.

    Returns
    -------
    (h, w) bool ndarray or None
        None where there are no lines.
    """
    stroke = min(stroke_width(ink), BROADEST * min(ink.shape))
    both = (level_and_upright(ink, length, stroke), slanting(ink, length, stroke))
    found = [lines for lines in both if lines is not None]
    if not found:
        return None
    lines: Mask = np.logical_or.reduce(found)
    if min(ink.shape) >= CROP_SIDE:
        return lines
    lines &= ~_bars(ink, length.free, thickest(stroke))
    return lines if lines.any() and not _is_stroke(lines, ink) else None


def upright(even: Grey, length: Length) -> Mask:
    """Find the upright lines of a page's tables, also those too pale for ink.

    Parameters
    ----------
    even : (h, w) uint8 ndarray
        Paper at 255.
    length : Length
        A table's line is longer, as the side of a box for one digit is not.

    Returns
    -------
    (h, w) bool ndarray
    """
    smooth = cv2.blur(even, (1, BROADEST_PALE // 2 + 1))
    darker = cv2.morphologyEx(smooth, cv2.MORPH_BLACKHAT, np.ones((1, BROADEST_PALE), np.uint8))
    # One pixel of slack to either side, as for darker lines.
    there = cv2.dilate((darker >= PALE).astype(np.uint8), np.ones((1, 3), np.uint8))
    return np.asarray(
        cv2.morphologyEx(there, cv2.MORPH_OPEN, np.ones((OF_TABLES * length.down, 1), np.uint8)) > 0
    )


def _bars(ink: Mask, free: int, thickest: int) -> Mask:
    """Find upright strokes that touch nothing, neither other ink nor the sides: a 1 is as straight as a ruling."""
    labels, boxes = components(ink)
    top, width, height = boxes[:, 1], boxes[:, 2], boxes[:, 3]
    apart = (top > EDGE) & (top + height < len(ink) - EDGE)
    bars = apart & (width <= thickest) & (width < height) & (height < free)
    return np.asarray(np.concatenate([[False], bars])[labels], dtype=np.bool_)


def _is_stroke(lines: Mask, ink: Mask) -> bool:
    """Whether all that was found on a crop is an upright line away from its sides, no higher than other ink: a 1."""
    left, right = np.flatnonzero(lines.any(axis=0))[[0, -1]].tolist()
    height = int(np.ptp(np.flatnonzero(lines.any(axis=1)))) + 1
    if height <= 2 * (right + 1 - left) or min(left, ink.shape[1] - 1 - right) <= EDGE:
        return False
    highest = components(ink & ~lines)[1][:, 3].max(initial=0)
    return bool(height <= AS_HIGH * highest or highest == 0)


def without(ink: Mask, lines: Mask) -> Mask:
    """Take rulings out of the ink, and close the strokes again that they crossed.

    Parameters
    ----------
    ink, lines : (h, w) bool ndarray
    """
    rest = np.logical_and(ink, ~lines)
    gap = int(np.ceil(stroke_width(ink))) + 3
    kernel_down, kernel_across = np.ones((gap * 2 + 1, 1), np.uint8), np.ones((1, gap * 2 + 1), np.uint8)
    picture = rest.view(np.uint8)
    down = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, kernel_down) > 0
    across = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, kernel_across) > 0
    repaired = np.logical_or(rest, np.logical_and(np.logical_or(down, across), lines))
    # What is left of a ruling besides strokes are crumbs.
    labels, boxes = components(np.asarray(repaired, dtype=np.bool_))
    touched = np.bincount(labels[lines], minlength=len(boxes) + 1)[1:]
    keep = np.concatenate([[False], touched <= 0.6 * boxes[:, 4]])
    return np.asarray(keep[labels], dtype=np.bool_)


# --- level and upright lines --------------------------------------------------------------------------------------


# --- lines of any slope, a little bent ----------------------------------------------------------------------------


# --- how long is longer than a stroke -----------------------------------------------------------------------------
