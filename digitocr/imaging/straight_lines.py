"""Straight lines of ink, at any angle near level or upright, a little bent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import components
from digitocr.records import Mask

SLIGHT, STEEP = 0.1, 0.3
"""How far lines may be from level or upright, in pixels a pixel: those of the least length, and longer ones."""


TALL = 2
"""So many times the least length steep lines have: a large 7 is long and slanted, too."""


EDGE = 3
"""A line that ends within so many pixels of a side reaches it."""


COVERED = 0.75
"""Least share of its columns at which a line has ink."""


STRAIGHT = 0.65
"""How far the middle of a line strays from a parabola, in pixels, on average."""


FITS = 2
"""How often a line is fitted anew without what strays from it."""


def level_and_upright(ink: Mask, length: Length, stroke: float) -> Mask | None:
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
    thin = thickest(stroke)
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


def thickest(stroke: float) -> int:
    """Thickness of the thickest ruling, by the width of strokes, in pixels."""
    return round(2 * stroke + 3)


def _thin_only(runs: NDArray[Any], across: NDArray[np.uint8]) -> Mask:
    """Keep of the runs what is thinner than the kernel laid across their direction: thick bars are no rulings."""
    thick = cv2.morphologyEx(runs, cv2.MORPH_OPEN, across)
    return np.asarray((runs > 0) & (thick == 0), dtype=np.bool_)


def slanting(ink: Mask, length: Length, stroke: float) -> Mask | None:
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
    picture, thin, gap = ink.view(np.uint8), thickest(stroke), round(3 * stroke + 3) | 1
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


def stroke_width(ink: Mask) -> float:
    """Twice the ink over its edge, in pixels: a stroke has an edge on either side."""
    area = int(ink.sum())
    edge = int(np.logical_xor(ink, cv2.erode(ink.view(np.uint8), np.ones((3, 3), np.uint8)) > 0).sum())
    return 2.0 * area / edge if edge else 1.0


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
