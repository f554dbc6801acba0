"""How high digits are on a picture, hence how long a straight run is no stroke of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import Components, components
from digitocr.imaging.straight_lines import Length, StraightLines, slanting, stroke_width
from digitocr.records import Mask


@dataclass(frozen=True, slots=True)
class Scale:
    """How the height of digits is estimated, hence how long a straight run is no stroke of theirs.

    Attributes
    ----------
    min_half_height_px : float
        Components lower than this do not count, on the picture reduced to half.
    max_half_share : float
        Nor do those higher than this share of that picture, unless there is next to nothing else.
    table_part : int
        Lines longer than a side divided by this are tables before the height of digits is known.
    min_field_share, max_field_share : float
        The same limits in a field, as shares of its shorter side and of its height.
    max_height_share : float
        A component higher than this share of the picture never counts.
    min_area_px : int
        Nor does one with less ink.
    frame_px : int
        A component with a shorter side above this may be a frame.
    frame_side_share : float
        A frame has ink along this share of a side.
    frame_band_px : int
        Ink within so many pixels is along a side.
    frame_sides : int
        A frame has ink along at least so many sides.
    min_usual_share : float
        Components within the limits count alone if their ink is at least this share of that of the others.
    middle_share : float
        Half of the components, weighed by their height, are no higher than the digits: this share.
    min_page_share : float
        Digits on a page count as at least this high, in shorter sides of the page.
    page_lengths : float
        A ruling of a page is at least this long, in heights of its digits.
    min_run_px : int
        A ruling is never shorter than this.
    whole_share : float
        Where nothing tells the height of digits, a ruling runs along this share of the picture.
    across_lengths, down_lengths, free_lengths : float
        Least length of a level ruling, of an upright one, and of a level one that reaches no side, in heights of
        digits.
    side_share : float
        A frame's side is found by a straight run of this share of it.
    min_frame_height, min_frame_width : float
        Least height of a frame in a field, in heights of the field, and least width, in its own height.
    row_of_cells : float
        A frame wider than this, in its own height, is a row of cells.
    min_inside_height : float
        A frame alone must hold a component at least this high, in its own height, that does not touch it.
    side_band_share, min_side_band_px : float, int
        Ink within this share of a frame's shorter side, but at least so many pixels, is along its side.
    side_inked_share : float
        Least share of each side of a frame that is ink.
    rim_share : float
        What lies further from a frame's box than this share of its shorter side is inside it.
    filled_share : float
        Writing in a frame is at least this high, in heights of the room inside.
    """

    min_half_height_px: float = 6.0
    max_half_share: float = 0.6
    table_part: int = 6
    min_field_share: float = 0.2
    max_field_share: float = 0.95
    max_height_share: float = 0.95
    min_area_px: int = 10
    frame_px: int = 10
    frame_side_share: float = 0.7
    frame_band_px: int = 3
    frame_sides: int = 3
    min_usual_share: float = 0.25
    middle_share: float = 0.5
    min_page_share: float = 30 / 1414
    page_lengths: float = 2.0
    min_run_px: int = 24
    whole_share: float = 0.95
    across_lengths: float = 1.6
    down_lengths: float = 1.4
    free_lengths: float = 2.0
    side_share: float = 0.92
    min_frame_height: float = 0.5
    min_frame_width: float = 0.4
    row_of_cells: float = 1.4
    min_inside_height: float = 0.3
    side_band_share: float = 0.08
    min_side_band_px: int = 3
    side_inked_share: float = 0.9
    rim_share: float = 0.2
    filled_share: float = 0.4


def page_length(digit_height_px: float, side_px: int, p: Scale) -> Length:
    """Choose how long a straight run on a page must be to be no stroke of a digit.

    Parameters
    ----------
    digit_height_px : float
        0 where nothing tells it.
    side_px : int
        Shorter side of the page.
    p : Scale

    Returns
    -------
    Length
    """
    long = round(p.page_lengths * max(p.min_page_share * side_px, digit_height_px))
    return Length(across=long, down=long, free=long)


def field_length(ink: Mask, found: Components, p: Scale) -> Length:
    """Choose the same in a field, the field's own length where nothing tells the height of its digits.

    Parameters
    ----------
    ink : (h, w) bool ndarray
    found : tuple
        Its components, as of :func:`digitocr.imaging.components.components`.
    p : Scale

    Returns
    -------
    Length
    """
    height, width = ink.shape
    size = _typical_height(found, p.min_field_share * min(height, width), p.max_field_share, p)
    if size == 0:
        across = max(p.min_run_px, round(p.whole_share * width))
        down = max(p.min_run_px, round(p.whole_share * height))
        free = across
    else:
        across = max(p.min_run_px, round(p.across_lengths * size))
        down = max(p.min_run_px, round(p.down_lengths * size))
        free = max(across, round(p.free_lengths * size))
    sides = _sides_of_frames(ink, found, p)
    if len(sides):
        wide, high = (max(p.min_run_px, round(p.side_share * side)) for side in sides.min(axis=0).tolist())
        across, down, free = min(across, wide), min(down, high), min(free, wide)
    return Length(across, down, free)


def digit_height_px(ink: Mask, p: Scale, straight_lines: StraightLines) -> float:
    """Estimate the height of the digits on a picture that may show a whole table.

    Parameters
    ----------
    ink : (h, w) bool ndarray
        Rulings among it.
    p : Scale
    straight_lines : StraightLines

    Returns
    -------
    float
        In pixels; 0 where nothing tells it.
    """
    # Half the size tells the height of digits well enough, in a quarter of the time.
    small = _halved(ink)
    height, width = ink.shape
    # A table is no writing; digits as long as a third of the picture are few, and others tell their height.
    part = p.table_part
    length = Length(width // part, height // part, width // part)
    lines = slanting(small, length, stroke_width(small), straight_lines)
    found = components(small if lines is None else small & ~lines)
    return 2 * _typical_height(found, p.min_half_height_px, p.max_half_share, p)


def _sides_of_frames(ink: Mask, components_: Components, p: Scale) -> NDArray[np.int32]:
    """Width and height of the frames on a crop in which something is written, of shape ``(n, 2)``.

    What touches a frame belongs to it. One alone that is no row of cells must hold ink that does not, for a digit may
    be drawn as a box, too.
    """
    labels, boxes = components_
    x, y, w, h, _ = boxes.T
    found = []
    for k in np.flatnonzero((h >= p.min_frame_height * len(ink)) & (w >= p.min_frame_width * h)).tolist():
        here = np.s_[y[k] : y[k] + h[k], x[k] : x[k] + w[k]]
        if _is_box(labels[here] == k + 1, p) and _is_filled(ink[here], p):
            found.append(k)
    if len(found) == 1:
        (k,) = found
        inside = (x > x[k]) & (x + w < x[k] + w[k]) & (y > y[k]) & (y + h < y[k] + h[k])
        inside &= h >= p.min_inside_height * h[k]
        if w[k] < p.row_of_cells * h[k] and not inside.any():
            return boxes[:0, 2:4]
    return boxes[found, 2:4]


def _is_box(part: Mask, p: Scale) -> bool:
    """Whether a component's ink runs along all sides of its own bounding box."""
    band = max(p.min_side_band_px, round(p.side_band_share * min(part.shape)))
    return all(bool(side.mean() >= p.side_inked_share) for side in _sides(part, band))


def _is_filled(box: Mask, p: Scale) -> bool:
    """Whether there is writing inside a box, more than the bar of an 8."""
    rim = round(p.rim_share * min(box.shape))
    rows = np.flatnonzero(box[rim : len(box) - rim, rim : box.shape[1] - rim].any(axis=1))
    return bool(len(rows) and np.ptp(rows) >= p.filled_share * (len(box) - 2 * rim))


def _halved(ink: Mask) -> Mask:
    """Picture of half the size, with ink wherever one of four pixels is ink, so that no thin line is lost."""
    height, width = ink.shape[0] // 2 * 2, ink.shape[1] // 2 * 2
    rows = ink[:height:2] | ink[1:height:2]
    return np.ascontiguousarray(rows[:, :width:2] | rows[:, 1:width:2])


def _typical_height(components_: Components, least: float, most: float, p: Scale) -> float:
    """Height that half of the components, weighed by their height, do not exceed; frames do not count.

    Parameters
    ----------
    components_ : tuple
        As of :func:`digitocr.imaging.components.components`.
    least : float
        Components lower than so many pixels do not count.
    most : float
        Nor do those higher than this share of the picture, unless there is next to nothing else: what is left of a
        table is no digit.
    p : Scale
    """
    labels, boxes = components_
    found = [
        (h, area)
        for index, (x, y, w, h, area) in enumerate(boxes.tolist(), start=1)
        if least <= h <= p.max_height_share * len(labels)
        and area >= p.min_area_px
        and not (min(w, h) > p.frame_px and _is_frame(labels[y : y + h, x : x + w] == index, p))
    ]
    if not found:
        return 0.0
    heights, areas = np.array(found).T
    usual = heights <= most * len(labels)
    if areas[usual].sum() >= p.min_usual_share * areas[~usual].sum():
        heights = heights[usual]
    ordered = np.sort(heights)
    return float(ordered[np.searchsorted(np.cumsum(ordered), p.middle_share * ordered.sum())])


def _is_frame(part: Mask, p: Scale) -> bool:
    """Whether a component's ink runs along most of its own bounding box."""
    inked = (
        bool(np.count_nonzero(side) > p.frame_side_share * len(side))
        for side in _sides(part, p.frame_band_px)
    )
    level = next(inked) + next(inked)
    return level > 0 and level + sum(inked) >= p.frame_sides


def _sides(part: Mask, band: int) -> Iterator[Any]:
    """Say along the upper, lower, left and right side where there is ink within so many pixels of it."""
    yield part[:band].any(axis=0)
    yield part[-band:].any(axis=0)
    yield part[:, :band].any(axis=1)
    yield part[:, -band:].any(axis=1)
