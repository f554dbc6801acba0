"""How high digits are on a picture, hence how long a straight run is no stroke of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import components
from digitocr.imaging.straight_lines import Length, slanting, stroke_width
from digitocr.records import CROP_SIDE, Mask

PHOTO_SIDE = 200
"""With a shorter side, in pixels, it is a crop of one field; larger crops may show a whole table."""


FREE = 2.0
"""So many times the height of digits is a line of a crop longer than a stroke though it reaches no side."""


OF_A_SIDE = 0.92
"""A frame's side is found by a straight run of this share of it."""


RIM = 0.2
"""What lies further from a frame's box than this share of its shorter side is inside it."""


FRAME_HEIGHT, FRAME_WIDTH = 0.5, 0.4
"""Least height of a frame on a crop, in heights of the crop, and least width, in its own height."""


ROW_OF_CELLS = 1.4
"""A frame wider than this, in its own height, is a row of cells."""


FILLED = 0.4
"""Writing in a frame is at least so high, in heights of the room inside."""


SIDE_INKED = 0.9
"""Least share of each side of a frame that is ink."""


def lengths(ink: Mask) -> Length:
    """Choose a length beyond the height of digits; the picture's own where nothing tells that height.

    Parameters
    ----------
    ink : (h, w) bool ndarray
    """
    height, width = ink.shape
    shorter = min(height, width)
    if shorter >= CROP_SIDE:
        long = round(2 * max(30.0, _height_on_photo(ink)))
        return Length(across=long, down=long, free=long)
    labels, boxes = components(ink)
    is_field = shorter < PHOTO_SIDE
    size = _typical_height(labels, boxes, 0.2 * shorter, 0.95) if is_field else _height_on_photo(ink)
    if size == 0:
        across, down = max(24, round(0.95 * width)), max(24, round(0.95 * height))
        free = across
    else:
        across, down = max(24, round(1.6 * size)), max(24, round(1.4 * size))
        free = max(across, round(FREE * size))
    sides = _sides_of_frames(ink, labels, boxes)
    if len(sides):
        wide, high = (max(24, round(OF_A_SIDE * side)) for side in sides.min(axis=0).tolist())
        across, down, free = min(across, wide), min(down, high), min(free, wide)
    return Length(across, down, free)


def _height_on_photo(ink: Mask) -> float:
    """Height of digits on a picture that may show a whole table, 0 where nothing tells it."""
    # Half the size tells the height of digits well enough, in a quarter of the time.
    small = _halved(ink)
    height, width = ink.shape
    # A table is no writing; digits as long as a third of the picture are few, and others tell their height.
    lines = slanting(small, Length(width // 6, height // 6, width // 6), stroke_width(small))
    return 2 * _typical_height(*components(small if lines is None else small & ~lines), 6.0, 0.6)


def _sides_of_frames(ink: Mask, labels: NDArray[Any], boxes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Width and height of the frames on a crop in which something is written, of shape ``(n, 2)``.

    What touches a frame belongs to it. One alone that is no row of cells must hold ink that does not, for a digit may
    be drawn as a box, too.
    """
    x, y, w, h, _ = boxes.T
    found = []
    for k in np.flatnonzero((h >= FRAME_HEIGHT * len(ink)) & (w >= FRAME_WIDTH * h)).tolist():
        here = np.s_[y[k] : y[k] + h[k], x[k] : x[k] + w[k]]
        if _is_box(labels[here] == k + 1) and _is_filled(ink[here]):
            found.append(k)
    if len(found) == 1:
        (k,) = found
        inside = (x > x[k]) & (x + w < x[k] + w[k]) & (y > y[k]) & (y + h < y[k] + h[k]) & (h >= 0.3 * h[k])
        if w[k] < ROW_OF_CELLS * h[k] and not inside.any():
            return boxes[:0, 2:4]
    return boxes[found, 2:4]


def _is_box(part: Mask) -> bool:
    """Whether a component's ink runs along all sides of its own bounding box."""
    band = max(3, round(0.08 * min(part.shape)))
    return all(bool(side.mean() >= SIDE_INKED) for side in _sides(part, band))


def _is_filled(box: Mask) -> bool:
    """Whether there is writing inside a box, more than the bar of an 8."""
    rim = round(RIM * min(box.shape))
    rows = np.flatnonzero(box[rim : len(box) - rim, rim : box.shape[1] - rim].any(axis=1))
    return bool(len(rows) and np.ptp(rows) >= FILLED * (len(box) - 2 * rim))


def _halved(ink: Mask) -> Mask:
    """Picture of half the size, with ink wherever one of four pixels is ink, so that no thin line is lost."""
    height, width = ink.shape[0] // 2 * 2, ink.shape[1] // 2 * 2
    rows = ink[:height:2] | ink[1:height:2]
    return np.ascontiguousarray(rows[:, :width:2] | rows[:, 1:width:2])


def _typical_height(labels: NDArray[Any], boxes: NDArray[np.int32], least: float, most: float) -> float:
    """Height that half of the components, weighed by their height, do not exceed; frames do not count.

    Parameters
    ----------
    labels : (h, w) int ndarray
    boxes : (n, 5) int32 ndarray
        As of :func:`digitocr.imaging.components.components`.
    least : float
        Components lower than so many pixels do not count.
    most : float
        Nor do those higher than this share of the picture, unless there is next to nothing else: what is left of a
        table is no digit.
    """
    found = [
        (h, area)
        for index, (x, y, w, h, area) in enumerate(boxes.tolist(), start=1)
        if least <= h <= 0.95 * len(labels)
        and area >= 10
        and not (min(w, h) > 10 and _is_frame(labels[y : y + h, x : x + w] == index))
    ]
    if not found:
        return 0.0
    heights, areas = np.array(found).T
    usual = heights <= most * len(labels)
    if areas[usual].sum() >= 0.25 * areas[~usual].sum():
        heights = heights[usual]
    ordered = np.sort(heights)
    return float(ordered[np.searchsorted(np.cumsum(ordered), 0.5 * ordered.sum())])


def _is_frame(part: Mask) -> bool:
    """Whether a component's ink runs along most of its own bounding box."""
    inked = (bool(np.count_nonzero(side) > 0.7 * len(side)) for side in _sides(part, 3))
    level = next(inked) + next(inked)
    return level > 0 and level + sum(inked) >= 3


def _sides(part: Mask, band: int) -> Iterator[Any]:
    """Say along the upper, lower, left and right side where there is ink within so many pixels of it."""
    yield part[:band].any(axis=0)
    yield part[-band:].any(axis=0)
    yield part[:, :band].any(axis=1)
    yield part[:, -band:].any(axis=1)
