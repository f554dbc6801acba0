"""Rulings, table lines and borders of boxes: found among the ink, and taken out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import components
from digitocr.records import CROP_SIDE, Grey, Mask

PHOTO_SIDE = 200
"""With a shorter side, in pixels, it is a crop of one field; larger crops may show a whole table."""

SLIGHT, STEEP = 0.1, 0.3
"""How far lines may be from level or upright, in pixels a pixel: those of the least length, and longer ones."""

FREE = 2.0
"""So many times the height of digits is a line of a crop longer than a stroke though it reaches no side."""

TALL = 2
"""So many times the least length steep lines have: a large 7 is long and slanted, too."""

AS_HIGH = 1.15
"""A 1 is at most so many times as high as the highest of the digits beside it."""

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

BROADEST = 0.1
"""Strokes are no broader than this share of a picture's shorter side where thickness is compared to them."""

EDGE = 3
"""A line that ends within so many pixels of a side reaches it."""

PALE, BROADEST_PALE = 6, 9
"""How much darker than the paper beside them pale lines are, in grey levels, and how broad at most, in pixels."""

OF_TABLES = 2
"""So many times the least length of rulings the lines have that part numbers."""

COVERED = 0.75
"""Least share of its columns at which a line has ink."""

STRAIGHT = 0.65
"""How far the middle of a line strays from a parabola, in pixels, on average."""

FITS = 2
"""How often a line is fitted anew without what strays from it."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a straight run must be to be a ruling rather than a stroke, in pixels.

    Attributes
    ----------
    across, down : int
    free : int
        The same of one that reaches no side of the picture.
    """

    across: int
    down: int
    free: int


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
    stroke = min(_stroke_width(ink), BROADEST * min(ink.shape))
    both = (_level(ink, length, stroke), _slanting(ink, length, stroke))
    found = [lines for lines in both if lines is not None]
    if not found:
        return None
    lines: Mask = np.logical_or.reduce(found)
    if min(ink.shape) >= CROP_SIDE:
        return lines
    lines &= ~_bars(ink, length.free, _thickest(stroke))
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
    gap = int(np.ceil(_stroke_width(ink))) + 3
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


def _level(ink: Mask, length: Length, stroke: float) -> Mask | None:
    """Find runs of ink that are all but level, or upright, and thin."""
    picture = ink.view(np.uint8)
    # One pixel of slack across the run lets a slightly slanted or wavy line count as straight.
    level = cv2.dilate(picture, np.ones((3, 1), np.uint8))
    upright = cv2.dilate(picture, np.ones((1, 3), np.uint8))
    if not _has_runs(level, length.across) and not _has_runs(upright.T, length.down):
        return None
    across = cv2.morphologyEx(level, cv2.MORPH_OPEN, np.ones((1, length.across), np.uint8))
    down = cv2.morphologyEx(upright, cv2.MORPH_OPEN, np.ones((length.down, 1), np.uint8))
    if length.free > length.across:
        across = _without_free(across, length.free)
    thin = _thickest(stroke)
    fine_across = _thin_only(across, np.ones((thin, 1), np.uint8))
    fine_down = _thin_only(down, np.ones((1, thin), np.uint8))
    return np.logical_and(np.logical_or(fine_across, fine_down), ink)


def _without_free(runs: NDArray[Any], free: int) -> NDArray[np.uint8]:
    """Leave out level runs shorter than `free` that reach no side: the foot of a 1, the bar of a 7."""
    labels, boxes = components(runs > 0)
    reach = (boxes[:, 0] <= EDGE) | (boxes[:, 0] + boxes[:, 2] >= runs.shape[1] - EDGE)
    keep = np.concatenate([[False], reach | (boxes[:, 2] >= free)])
    return np.asarray(keep[labels], dtype=np.uint8)


def _has_runs(picture: NDArray[Any], length: int) -> bool:
    """Whether a row may hold a run of ink of this length, told by every fourth column."""
    sampled = np.ascontiguousarray(picture[:, ::4], dtype=np.uint8)
    runs = cv2.erode(sampled, np.ones((1, max(1, length // 4)), np.uint8), borderValue=0)
    return bool(runs.any())


def _thickest(stroke: float) -> int:
    """Thickness of the thickest ruling, by the width of strokes, in pixels."""
    return round(2 * stroke + 3)


def _thin_only(runs: NDArray[Any], across: NDArray[np.uint8]) -> Mask:
    """Keep of the runs what is thinner than the kernel laid across their direction: thick bars are no rulings."""
    thick = cv2.morphologyEx(runs, cv2.MORPH_OPEN, across)
    return np.asarray((runs > 0) & (thick == 0), dtype=np.bool_)


# --- lines of any slope, a little bent ----------------------------------------------------------------------------


def _slanting(ink: Mask, length: Length, stroke: float) -> Mask | None:
    """Find lines on a picture taken at an angle, on which no two need to be parallel."""
    across = _about_level(ink, length.across, length.free, stroke)
    down = _about_level(np.ascontiguousarray(ink.T), length.down, length.down, stroke)
    if across is None or down is None:
        return across if down is None else down.T
    return across | down.T


def _about_level(ink: Mask, least: int, free: int, stroke: float) -> Mask | None:
    """Find thin lines of at least this length, about level; of at least `free` where they reach no side.

    Ink that is thin from above to below is joined over the strokes that cross it. Of what then is long enough, the
    middles of its ink, column by column, are fitted by a parabola, robustly: a line is covered by ink along most of
    it, and hardly strays.
    """
    picture, thin, gap = ink.view(np.uint8), _thickest(stroke), round(3 * stroke + 3) | 1
    thick = cv2.morphologyEx(picture, cv2.MORPH_OPEN, np.ones((thin + 1, 1), np.uint8))
    flat = cv2.subtract(picture, thick)
    # with room at the ends, or ink near a side would be joined to it
    roomy = cv2.copyMakeBorder(flat, 0, 0, gap, gap, cv2.BORDER_CONSTANT, value=0)
    joined = cv2.morphologyEx(roomy, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))[:, gap:-gap]
    joined = np.ascontiguousarray(joined)
    bare = np.flatnonzero(np.concatenate([[True], ~joined.any(axis=0), [True]]))
    if np.diff(bare).max() <= least:  # no component is as long as that
        return None
    labels, boxes = components(joined.view(np.bool_))
    across, rise = boxes[:, 2], boxes[:, 3] - stroke - 3
    inside = (boxes[:, 0] > EDGE) & (boxes[:, 0] + across < ink.shape[1] - EDGE)
    needed = np.where(inside, free, least)
    long = (across >= needed) & (rise <= SLIGHT * across) | (across >= TALL * needed) & (
        rise <= STEEP * across
    )
    if not long.any():
        return None
    width = boxes[long, 2]
    number = np.concatenate([[-1], np.where(long, np.cumsum(long) - 1, -1)])
    ys, xs = np.nonzero(flat)
    line = number[labels[ys, xs]]
    ys, xs, line = ys[line >= 0], xs[line >= 0], line[line >= 0]
    # All columns of all lines in one row.
    begin = np.concatenate([[0], np.cumsum(width)])
    column = begin[line] + xs - boxes[long, 0][line]
    amount = np.bincount(column, minlength=begin[-1])
    inked = np.flatnonzero(amount)
    middle = np.bincount(column, weights=ys, minlength=begin[-1])[inked] / amount[inked]
    of = np.repeat(np.arange(len(width)), width)[inked]
    away = _from_parabola(of, (inked - begin[of]) / width[of] * 2 - 1, middle)
    near = away <= 1.5 + 0.5 * stroke
    covered = np.bincount(of[near], minlength=len(width))
    strays = np.bincount(of[near], weights=away[near], minlength=len(width)) / np.maximum(covered, 1)
    straight = (covered >= np.maximum(COVERED * width, 0.9 * needed[long])) & (strays <= STRAIGHT)
    if not straight.any():
        return None
    chosen = np.zeros(begin[-1], dtype=np.bool_)
    chosen[inked[near & straight[of]]] = True
    found = np.zeros(ink.shape, dtype=np.bool_)
    found[ys[chosen[column]], xs[chosen[column]]] = True
    return found


def _from_parabola(
    of: NDArray[np.intp], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fit a parabola to the points of each line, again and again without those that stray.

    Parameters
    ----------
    of : (n,) int ndarray
        Line of each point, in ascending order.
    x, y : (n,) float64 ndarray
        `x` in [-1, 1] along the line, `y` in pixels.

    Returns
    -------
    (n,) float64 ndarray
        Distance of each point from its line's parabola, in pixels.
    """
    lines, first = np.unique(of, return_index=True)
    line = np.searchsorted(lines, of)
    powers = x[:, None] ** np.arange(5)
    terms = np.hstack([powers, powers[:, :3] * y[:, None]])
    away, kept = np.zeros(len(x)), np.ones(len(x), dtype=np.bool_)
    for _ in range(FITS):
        sums = np.add.reduceat(terms * kept[:, None], first)
        system = sums[:, np.add.outer(np.arange(3), np.arange(3))] + 1e-6 * np.eye(3)
        curve = np.linalg.solve(system, sums[:, 5:, None])[:, :, 0]
        away = np.abs(y - (curve[line] * powers[:, :3]).sum(axis=1))
        spread = np.sqrt(np.add.reduceat(away**2 * kept, first) / np.maximum(sums[:, 0], 1))
        kept = away <= np.maximum(2 * spread[line], 1.0)
    return away


# --- how long is longer than a stroke -----------------------------------------------------------------------------


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
    lines = _slanting(small, Length(width // 6, height // 6, width // 6), _stroke_width(small))
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


def _stroke_width(ink: Mask) -> float:
    """Twice the ink over its edge, in pixels: a stroke has an edge on either side."""
    area = int(ink.sum())
    edge = int(np.logical_xor(ink, cv2.erode(ink.view(np.uint8), np.ones((3, 3), np.uint8)) > 0).sum())
    return 2.0 * area / edge if edge else 1.0
