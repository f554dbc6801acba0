"""Where a component that may be several digits is cut."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import quantile


@dataclass(frozen=True, slots=True)
class Cuts:
    """How a component that may be several digits is cut; heights are those of its line.

    Attributes
    ----------
    min_width_heights : float
        A narrower component is not cut.
    wide_heights : float
        A wider component is cut along bent seams, a narrower one straight down. A wider piece may still be two digits
        and is cut where it is thinnest.
    full_share : float
        Share of a component's columns with no more ink than a full one.
    thin_share : float
        A column with no more ink than this share of a full one is a place to cut.
    smoothing_heights : float
        Width of the window in which the ink of columns is averaged before straight cuts.
    spacing_heights : float
        Least distance between two cuts,
    min_spacing_px : int
        but no less than this, in pixels of the picture that is cut.
    margin_heights : float
        Least distance of a cut from either end,
    min_margin_px : int
        but no less than this, in pixels of the picture that is cut.
    max_cuts : int
        Most cuts in one component.
    seam_rows_px : int
        Seams are planned on a picture reduced to at least this many rows, and to fewer than twice as many.
    slide_cost : float
        Cost of moving a seam aside by one column, in pixels of ink crossed.
    """

    min_width_heights: float = 0.5
    wide_heights: float = 0.8
    full_share: float = 0.9
    thin_share: float = 0.62
    smoothing_heights: float = 0.06
    spacing_heights: float = 0.17
    min_spacing_px: int = 3
    margin_heights: float = 0.12
    min_margin_px: int = 2
    max_cuts: int = 24
    seam_rows_px: int = 36
    slide_cost: float = 0.2


def cut_columns(part: NDArray[np.bool_], scale: float, p: Cuts) -> NDArray[np.intp]:
    """Cut a component that may be several digits along lines that cross little ink.

    Parameters
    ----------
    part : (h, w) bool ndarray
    scale : float
        Height of the line in pixels.
    p : Cuts

    Returns
    -------
    (k, h) int ndarray
        The cuts from left to right: in each row, the first column to the right of the cut. Cuts never cross.
    """
    height, width = part.shape
    columns = part.sum(axis=0).astype(np.float32)
    full = quantile(columns, p.full_share)
    if width < p.min_width_heights * scale:
        return np.zeros((0, height), dtype=np.intp)
    if width <= p.wide_heights * scale:
        smooth = cv2.blur(columns[None, :], (max(1, round(p.smoothing_heights * scale)) | 1, 1))[0]
        chosen = _minima(smooth, p.thin_share * full, scale, p)
        return np.repeat(np.array(chosen, dtype=np.intp)[:, None], height, axis=1)
    shrink = max(1, height // p.seam_rows_px)
    seams = _Seams.of(_shrunk(part, shrink), p)
    ways = seams.through(_minima(seams.cost, p.thin_share * full / shrink, scale / shrink, p))
    return np.repeat(ways * shrink + shrink // 2, shrink, axis=1)[:, :height]


def _shrunk(part: NDArray[np.bool_], times: int) -> NDArray[np.float32]:
    """Average the ink over squares of `times` pixels; beyond the lower and right ends there is paper."""
    height, width = part.shape
    rows, columns = -(-height // times), -(-width // times)
    squares = np.zeros((rows * times, columns * times), dtype=np.float32)
    squares[:height, :width] = part
    return np.asarray(squares.reshape(rows, times, columns, times).mean(axis=(1, 3)), dtype=np.float32)


def _minima(cost: NDArray[np.float32], limit: float, scale: float, p: Cuts) -> list[int]:
    """Choose columns at minima of a cost, away from the ends and from each other, the cheapest first.

    Minima up to the limit are all chosen; of the others, those that divide a piece still wider than a digit.
    """
    width = len(cost)
    spacing = max(p.min_spacing_px, round(p.spacing_heights * scale))
    margin = max(p.min_margin_px, round(p.margin_heights * scale))
    free = [margin <= column < width - margin for column in range(width)]
    costs = cost.tolist()
    chosen: list[int] = []
    for column in np.argsort(cost, kind="stable").tolist():
        if len(chosen) == p.max_cuts:
            break
        if not free[column]:
            continue
        if costs[column] > limit:
            pieces = pairwise([0, *sorted(chosen), width])
            wide = [(a, b) for a, b in pieces if b - a > p.wide_heights * scale]
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
    """Seams: ways from the top of a component to its bottom that cross as little ink as possible.

    They are found by dynamic programming, from row to row at most one column aside, as the seams of S. Avidan and
    A. Shamir, "Seam carving for content-aware image resizing", SIGGRAPH 2007.

    Attributes
    ----------
    above, below : (h, w) int8 ndarray
        From which column the cheapest way from the top (from the bottom) enters each pixel: 0 the same, -1 and 1
        the one to its left and right.
    cost : (w,) float32 ndarray
        Least cost of a way from top to bottom through each pixel of the middle row, in pixels of ink.
    """

    above: NDArray[np.int8]
    below: NDArray[np.int8]
    cost: NDArray[np.float32]

    @classmethod
    def of(cls, ink: NDArray[np.float32], p: Cuts) -> _Seams:
        """Weigh all ways through a picture of shares of ink."""
        middle = len(ink) // 2
        below = len(ink) - middle
        # Both halves at once; the lower one is padded with paper, which costs nothing.
        halves = np.zeros((2, middle + 1, ink.shape[1]), dtype=np.float32)
        halves[0], halves[1, middle + 1 - below :] = ink[: middle + 1], ink[middle:][::-1]
        cost, steps = _least_cost(halves, p)
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


def _least_cost(ink: NDArray[np.float32], p: Cuts) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Find the least cost from the top row to each pixel of the last row, and the best step to every pixel.

    Parameters
    ----------
    ink : (k, h, w) float32 ndarray
        Several pictures of the same size.
    p : Cuts

    Returns
    -------
    cost : (k, w) float32 ndarray
    steps : (k, h, w) int8 ndarray
    """
    count, height, width = ink.shape
    slide = np.float32(p.slide_cost)
    costs = np.full((count, height, width + 2), np.inf, dtype=np.float32)
    costs[:, 0, 1:-1] = ink[:, 0]
    best = np.empty((count, width), dtype=np.float32)
    for y in range(1, height):
        above = costs[:, y - 1]
        np.minimum(above[:, :-2], above[:, 2:], out=best)
        np.add(best, slide, out=best)
        np.minimum(best, above[:, 1:-1], out=best)
        np.add(ink[:, y], best, out=costs[:, y, 1:-1])
    left, straight, right = costs[:, :-1, :-2], costs[:, :-1, 1:-1], costs[:, :-1, 2:]
    steps = np.zeros(ink.shape, dtype=np.int8)
    aside = np.minimum(left, right) + slide < straight
    steps[:, 1:] = np.where(left <= right, np.int8(-1), np.int8(1)) * aside
    return costs[:, -1, 1:-1], steps
