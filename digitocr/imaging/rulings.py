"""Rulings, table lines and borders of boxes: found among the ink, and taken out of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from digitocr.imaging.components import Components, components
from digitocr.imaging.straight_lines import (
    Length,
    StraightLines,
    level_and_upright,
    slanting,
    stroke_width,
    thickest,
)
from digitocr.records import Grey, Mask


@dataclass(frozen=True, slots=True)
class Rulings:
    """Which straight lines are rulings, and how they are taken out.

    Attributes
    ----------
    widest_stroke_share : float
        Strokes are no broader than this share of the picture's shorter side where thickness is compared with theirs.
    stroke_aspect : float
        All that was found in a field may be a 1 if it is higher than this many of its widths.
    max_stroke_height : float
        A 1 is at most this high, in heights of the highest digit beside it.
    pale_level : int
        Pale lines are at least this much darker than the paper beside them, in grey levels.
    widest_pale_px : int
        Pale lines are at most this wide.
    table_lengths : int
        Lines that part numbers are at least this long, in least lengths of rulings.
    bridge_px : int
        A stroke is closed again over a gap of its width and so many pixels more.
    max_crumb_share : float
        What is left of a ruling is a crumb if more than this share of it lies where the ruling was.
    """

    widest_stroke_share: float = 0.1
    stroke_aspect: float = 2.0
    max_stroke_height: float = 1.15
    pale_level: int = 6
    widest_pale_px: int = 9
    table_lengths: int = 2
    bridge_px: int = 3
    max_crumb_share: float = 0.6


def on_page(ink: Mask, length: Length, p: Rulings, straight_lines: StraightLines) -> Mask | None:
    """Find what of a page's ink is lines longer than any stroke of a digit.

    Parameters
    ----------
    ink : (h, w) bool ndarray
    length : Length
        See :func:`digitocr.imaging.scale.page_length`.
    p : Rulings
    straight_lines : StraightLines

    Returns
    -------
    (h, w) bool ndarray or None
        None where there are no lines.
    """
    stroke = _stroke(ink, p)
    both = (
        level_and_upright(ink, length, stroke, straight_lines),
        slanting(ink, length, stroke, straight_lines),
    )
    seen = [lines for lines in both if lines is not None]
    return np.logical_or.reduce(seen) if seen else None


def in_field(
    ink: Mask, found: Components, length: Length, p: Rulings, straight_lines: StraightLines
) -> Mask | None:
    """Find the same in a field, in which a 1 may be as long and as straight as a ruling.

    Parameters
    ----------
    ink : (h, w) bool ndarray
    found : tuple
        Its components, as of :func:`digitocr.imaging.components.components`.
    length : Length
        See :func:`digitocr.imaging.scale.field_length`.
    p : Rulings
    straight_lines : StraightLines

    Returns
    -------
    (h, w) bool ndarray or None
        None where there are no lines.
    """
    lines = on_page(ink, length, p, straight_lines)
    if lines is None:
        return None
    edge = straight_lines.edge_px
    lines &= ~_bars(found, length.free, thickest(_stroke(ink, p), straight_lines), edge)
    return lines if lines.any() and not _is_stroke(lines, ink, p, edge) else None


def _stroke(ink: Mask, p: Rulings) -> float:
    return min(stroke_width(ink), p.widest_stroke_share * float(min(ink.shape)))


def upright(even: Grey, length: Length, p: Rulings) -> Mask:
    """Find the upright lines of a page's tables, also those too pale for ink.

    Parameters
    ----------
    even : (h, w) uint8 ndarray
        Paper at 255.
    length : Length
        A table's line is longer, as the side of a box for one digit is not.
    p : Rulings

    Returns
    -------
    (h, w) bool ndarray
    """
    smooth = cv2.blur(even, (1, p.widest_pale_px // 2 + 1))
    darker = cv2.morphologyEx(smooth, cv2.MORPH_BLACKHAT, np.ones((1, p.widest_pale_px), np.uint8))
    # One pixel of slack to either side, as for darker lines.
    there = cv2.dilate((darker >= p.pale_level).astype(np.uint8), np.ones((1, 3), np.uint8))
    return np.asarray(
        cv2.morphologyEx(there, cv2.MORPH_OPEN, np.ones((p.table_lengths * length.down, 1), np.uint8)) > 0
    )


def _bars(found: Components, free: int, thickest: int, edge: int) -> Mask:
    """Find upright strokes that touch nothing, neither other ink nor the sides: a 1 is as straight as a ruling."""
    labels, boxes = found
    top, width, height = boxes[:, 1], boxes[:, 2], boxes[:, 3]
    apart = (top > edge) & (top + height < len(labels) - edge)
    bars = apart & (width <= thickest) & (width < height) & (height < free)
    return np.asarray(np.concatenate([[False], bars])[labels], dtype=np.bool_)


def _is_stroke(lines: Mask, ink: Mask, p: Rulings, edge: int) -> bool:
    """Whether all that was found on a crop is an upright line away from its sides, no higher than other ink: a 1."""
    left, right = np.flatnonzero(lines.any(axis=0))[[0, -1]].tolist()
    height = int(np.ptp(np.flatnonzero(lines.any(axis=1)))) + 1
    if height <= p.stroke_aspect * (right + 1 - left) or min(left, ink.shape[1] - 1 - right) <= edge:
        return False
    highest = components(ink & ~lines)[1][:, 3].max(initial=0)
    return bool(height <= p.max_stroke_height * highest or highest == 0)


def without(ink: Mask, lines: Mask, p: Rulings) -> Mask:
    """Take rulings out of the ink, and close the strokes again that they crossed.

    Parameters
    ----------
    ink, lines : (h, w) bool ndarray
    p : Rulings

    Returns
    -------
    (h, w) bool ndarray
    """
    rest = np.logical_and(ink, ~lines)
    gap = int(np.ceil(stroke_width(ink))) + p.bridge_px
    kernel_down, kernel_across = np.ones((gap * 2 + 1, 1), np.uint8), np.ones((1, gap * 2 + 1), np.uint8)
    picture = rest.view(np.uint8)
    down = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, kernel_down) > 0
    across = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, kernel_across) > 0
    repaired = np.logical_or(rest, np.logical_and(np.logical_or(down, across), lines))
    # What is left of a ruling besides strokes are crumbs.
    labels, boxes = components(np.asarray(repaired, dtype=np.bool_))
    touched = np.bincount(labels[lines], minlength=len(boxes) + 1)[1:]
    keep = np.concatenate([[False], touched <= p.max_crumb_share * boxes[:, 4]])
    return np.asarray(keep[labels], dtype=np.bool_)
