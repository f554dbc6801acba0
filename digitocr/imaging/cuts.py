"""Where a component that may be several digits is cut."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import quantile

THIN = 0.62
"""A column with less ink than this share of a component's full columns is a place to cut."""


WIDE = 0.8
"""A piece wider than this, in heights of its line, may hold two digits and is cut where it is thinnest."""


SLIDE = 0.2
"""What a cut pays for each column it moves aside, in pixels of ink crossed."""


SEAM_ROWS = 36
"""Cuts are planned on pictures of at least so many rows, and fewer than twice as many."""


MAX_CUTS = 24
"""At most so many cuts in one component."""


def cut_columns(part: NDArray[np.bool_], scale: float) -> NDArray[np.intp]:
    """Cut a component that may be several digits where little ink is crossed.

    Parameters
    ----------
    part : (h, w) bool ndarray
    scale : float
        Height of the line.

    Returns
    -------
    (k, h) int ndarray
        Of each cut, from left to right, the first column to its right, row by row; cuts never cross.
    """
    height, width = part.shape
    columns = part.sum(axis=0).astype(np.float32)
    full = quantile(columns, 0.9)
    if width < 0.5 * scale:
        return np.zeros((0, height), dtype=np.intp)
    if width <= WIDE * scale:
        smooth = cv2.blur(columns[None, :], (max(1, round(0.06 * scale)) | 1, 1))[0]
        chosen = _minima(smooth, THIN * full, scale)
        return np.repeat(np.array(chosen, dtype=np.intp)[:, None], height, axis=1)
    shrink = max(1, height // SEAM_ROWS)
    seams = _Seams.of(_shrunk(part, shrink))
    ways = seams.through(_minima(seams.cost, THIN * full / shrink, scale / shrink))
    return np.repeat(ways * shrink + shrink // 2, shrink, axis=1)[:, :height]


def _shrunk(part: NDArray[np.bool_], times: int) -> NDArray[np.float32]:
    """Mean ink of squares of `times` pixels; what is over at the lower and right ends counts with paper beyond."""
    height, width = part.shape
    rows, columns = -(-height // times), -(-width // times)
    squares = np.zeros((rows * times, columns * times), dtype=np.float32)
    squares[:height, :width] = part
    return np.asarray(squares.reshape(rows, times, columns, times).mean(axis=(1, 3)), dtype=np.float32)


def _minima(cost: NDArray[np.float32], limit: float, scale: float) -> list[int]:
    """Choose columns at minima of a cost, away from the ends and from each other, the cheapest first.

    Minima up to the limit are all taken; of the others, those that part what is still wider than a digit.
    """
    width = len(cost)
    spacing = max(3, round(0.17 * scale))
    margin = max(2, round(0.12 * scale))
    free = [margin <= column < width - margin for column in range(width)]
    costs = cost.tolist()
    chosen: list[int] = []
    for column in np.argsort(cost, kind="stable").tolist():
        if len(chosen) == MAX_CUTS:
            break
        if not free[column]:
            continue
        if costs[column] > limit:
            wide = [(a, b) for a, b in pairwise([0, *sorted(chosen), width]) if b - a > WIDE * scale]
            if not wide:
                break
            if not any(a < column < b for a, b in wide):
                continue
        if costs[column] <= min(costs[max(0, column - 1) : column + 2]):
            chosen.append(column)
        first, last = max(0, column - spacing), min(width, column + spacing + 1)
        free[first:last] = [False] * (last - first)
    return sorted(chosen)


@dataclass(frozen=True, slots=True)
class _Seams:
    """Ways from the top of a component to its bottom that cross as little ink as they can.

    Found by dynamic programming, each row at most one column beside the last, as the seams of S. Avidan and
    A. Shamir, "Seam carving for content-aware image resizing", SIGGRAPH 2007.

    Attributes
    ----------
    above, below : (h, w) int8 ndarray
        Where the cheapest way from the top (to the bottom) to each pixel comes from: 0 straight, -1 and 1 from beside.
    cost : (w,) float32 ndarray
        Least cost of a way from top to bottom through each pixel of the middle row.
    """

    above: NDArray[np.int8]
    below: NDArray[np.int8]
    cost: NDArray[np.float32]

    @classmethod
    def of(cls, ink: NDArray[np.float32]) -> _Seams:
        """Weigh all ways through a picture of shares of ink."""
        middle = len(ink) // 2
        below = len(ink) - middle
        # both at once, the one below filled up with paper, which costs nothing
        halves = np.zeros((2, middle + 1, ink.shape[1]), dtype=np.float32)
        halves[0], halves[1, middle + 1 - below :] = ink[: middle + 1], ink[middle:][::-1]
        cost, steps = _least_cost(halves)
        return cls(steps[0], steps[1, middle + 1 - below :][::-1], cost[0] + cost[1] - ink[middle])

    def through(self, columns: list[int]) -> NDArray[np.intp]:
        """Return the cheapest way through each of these pixels of the middle row, of shape ``(k, h)``."""
        middle = len(self.above) - 1
        ways = np.zeros((middle + len(self.below), len(columns)), dtype=np.intp)
        ways[middle] = columns
        for y in range(middle, 0, -1):
            ways[y - 1] = ways[y] + self.above[y][ways[y]]
        for y in range(middle, len(ways) - 1):
            ways[y + 1] = ways[y] + self.below[y - middle][ways[y]]
        return np.sort(ways.T, axis=0)


def _least_cost(ink: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Least cost from the top row to each pixel of the last, and the step by which each pixel is best reached.

    Parameters
    ----------
    ink : (k, h, w) float32 ndarray
        Several pictures of the same size.

    Returns
    -------
    cost : (k, w) float32 ndarray
    steps : (k, h, w) int8 ndarray
    """
    count, height, width = ink.shape
    costs = np.full((count, height, width + 2), np.inf, dtype=np.float32)
    costs[:, 0, 1:-1] = ink[:, 0]
    best = np.empty((count, width), dtype=np.float32)
    for y in range(1, height):
        above = costs[:, y - 1]
        np.minimum(above[:, :-2], above[:, 2:], out=best)
        np.add(best, np.float32(SLIDE), out=best)
        np.minimum(best, above[:, 1:-1], out=best)
        np.add(ink[:, y], best, out=costs[:, y, 1:-1])
    left, straight, right = costs[:, :-1, :-2], costs[:, :-1, 1:-1], costs[:, :-1, 2:]
    steps = np.zeros(ink.shape, dtype=np.int8)
    aside = np.minimum(left, right) + np.float32(SLIDE) < straight
    steps[:, 1:] = np.where(left <= right, np.int8(-1), np.int8(1)) * aside
    return costs[:, -1, 1:-1], steps
