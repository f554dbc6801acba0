"""Straight lines of ink: almost level or upright, perhaps slightly bent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import components
from digitocr.records import Mask


@dataclass(frozen=True, slots=True)
class StraightLines:
    """How straight lines of ink are told from strokes; pixels are those of the sheet.

    Attributes
    ----------
    slack_px : int
        How far a level or upright run may wander across its direction, to either side.
    sampling_px : int
        Distance of the columns by which a picture without long runs is ruled out.
    edge_px : int
        A line reaches a side of the picture if it ends within this distance of it.
    thickness_strokes, thickness_px : float
        Greatest thickness of a line: this multiple of the stroke width, plus this.
    gap_strokes, gap_px : float
        Widest gap in a slanting line that is closed, such as at a stroke that crosses it: likewise.
    rise_px : float
        Height of a slanting line that is put down to its thickness, beyond the stroke width.
    max_slope : float
        Steepest slanting line of the least length, in pixels of rise per pixel.
    max_slope_long : float
        The same of a line of `long_factor` times that length.
    long_factor : float
        See `max_slope_long`; a large 7 is long and slanted, too.
    near_px, near_strokes : float
        Ink belongs to a line up to this distance from its parabola, plus this multiple of the stroke width.
    min_covered_share : float
        Least share of a line's columns that hold ink of it.
    min_covered_length_share : float
        Its columns that hold ink are also at least this share of the least length.
    max_stray_px : float
        Greatest mean distance of a line's ink from its parabola.
    parabola_passes : int
        How often the parabola is fitted, each time without the points that stray from the last one.
    stray_deviations : float
        Points stray beyond this multiple of their root mean square distance from the parabola,
    stray_px : float
        and beyond this distance.
    """

    slack_px: int = 1
    sampling_px: int = 4
    edge_px: int = 3
    thickness_strokes: float = 2.0
    thickness_px: float = 3.0
    gap_strokes: float = 3.0
    gap_px: float = 3.0
    rise_px: float = 3.0
    max_slope: float = 0.1
    max_slope_long: float = 0.3
    long_factor: float = 2.0
    near_px: float = 1.5
    near_strokes: float = 0.5
    min_covered_share: float = 0.75
    min_covered_length_share: float = 0.9
    max_stray_px: float = 0.65
    parabola_passes: int = 2
    stray_deviations: float = 2.0
    stray_px: float = 1.0


@dataclass(frozen=True, slots=True)
class Length:
    """Least length of a ruling, in pixels: a shorter straight run is a stroke.

    Attributes
    ----------
    across, down : int
        Of a level and of an upright ruling.
    free : int
        Of a level ruling that reaches neither side of the picture.
    """

    across: int
    down: int
    free: int


def level_and_upright(ink: Mask, length: Length, stroke: float, p: StraightLines) -> Mask | None:
    """Find thin runs of ink that are almost level or upright.

    Parameters
    ----------
    ink : (h, w) bool ndarray
    length : Length
    stroke : float
        Width of strokes in pixels.
    p : StraightLines

    Returns
    -------
    (h, w) bool ndarray or None
        None where there are none.
    """
    picture = ink.view(np.uint8)
    # The slack across the run lets a slightly slanted or wavy line count as straight.
    slack = 2 * p.slack_px + 1
    level = cv2.dilate(picture, np.ones((slack, 1), np.uint8))
    upright = cv2.dilate(picture, np.ones((1, slack), np.uint8))
    if not _has_runs(level, length.across, p) and not _has_runs(upright.T, length.down, p):
        return None
    across = cv2.morphologyEx(level, cv2.MORPH_OPEN, np.ones((1, length.across), np.uint8))
    down = cv2.morphologyEx(upright, cv2.MORPH_OPEN, np.ones((length.down, 1), np.uint8))
    if length.free > length.across:
        across = _without_free(across, length.free, p)
    thin = thickest(stroke, p)
    fine_across = _thin_only(across, np.ones((thin, 1), np.uint8))
    fine_down = _thin_only(down, np.ones((1, thin), np.uint8))
    return np.logical_and(np.logical_or(fine_across, fine_down), ink)


def _without_free(runs: NDArray[Any], free: int, p: StraightLines) -> NDArray[np.uint8]:
    """Leave out level runs that reach neither side and are shorter than `free`: the foot of a 1, the bar of a 7."""
    labels, boxes = components(runs > 0)
    reach = (boxes[:, 0] <= p.edge_px) | (boxes[:, 0] + boxes[:, 2] >= runs.shape[1] - p.edge_px)
    keep = np.concatenate([[False], reach | (boxes[:, 2] >= free)])
    return np.asarray(keep[labels], dtype=np.uint8)


def _has_runs(picture: NDArray[Any], length: int, p: StraightLines) -> bool:
    """Whether a row may hold a run of ink of this length, judged by a sample of the columns."""
    sampled = np.ascontiguousarray(picture[:, :: p.sampling_px], dtype=np.uint8)
    runs = cv2.erode(sampled, np.ones((1, max(1, length // p.sampling_px)), np.uint8), borderValue=0)
    return bool(runs.any())


def thickest(stroke: float, p: StraightLines) -> int:
    """Return the thickness of the thickest ruling.

    Parameters
    ----------
    stroke : float
        Width of strokes in pixels.
    p : StraightLines

    Returns
    -------
    int
        In pixels.
    """
    return round(p.thickness_strokes * stroke + p.thickness_px)


def _thin_only(runs: NDArray[Any], across: NDArray[np.uint8]) -> Mask:
    """Keep the parts of runs that are thinner than the kernel laid across them: thick bars are not rulings."""
    thick = cv2.morphologyEx(runs, cv2.MORPH_OPEN, across)
    return np.asarray((runs > 0) & (thick == 0), dtype=np.bool_)


def slanting(ink: Mask, length: Length, stroke: float, p: StraightLines) -> Mask | None:
    """Find lines on a picture taken at an angle, where no two need to be parallel.

    Parameters
    ----------
    ink : (h, w) bool ndarray
    length : Length
    stroke : float
        Width of strokes in pixels.
    p : StraightLines

    Returns
    -------
    (h, w) bool ndarray or None
        None where there are none.
    """
    across = _about_level(ink, length.across, length.free, stroke, p)
    down = _about_level(np.ascontiguousarray(ink.T), length.down, length.down, stroke, p)
    if across is None or down is None:
        return across if down is None else down.T
    return across | down.T


def _about_level(ink: Mask, least: int, free: int, stroke: float, p: StraightLines) -> Mask | None:
    """Find thin lines of about level direction and of a least length: `free` for those that reach neither side.

    Ink that is thin from top to bottom is joined across the strokes that interrupt it. A parabola is fitted robustly to
    the middle of the ink in each column of every component that is long enough: a line has ink along most of its
    length, close to the parabola.
    """
    picture, thin = ink.view(np.uint8), thickest(stroke, p)
    gap = round(p.gap_strokes * stroke + p.gap_px) | 1
    thick = cv2.morphologyEx(picture, cv2.MORPH_OPEN, np.ones((thin + 1, 1), np.uint8))
    flat = cv2.subtract(picture, thick)
    # Without room at the ends, ink near a side would be joined to the side.
    roomy = cv2.copyMakeBorder(flat, 0, 0, gap, gap, cv2.BORDER_CONSTANT, value=0)
    joined = cv2.morphologyEx(roomy, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))[:, gap:-gap]
    joined = np.ascontiguousarray(joined)
    bare = np.flatnonzero(np.concatenate([[True], ~joined.any(axis=0), [True]]))
    if np.diff(bare).max() <= least:  # no component is as long as that
        return None
    labels, boxes = components(joined.view(np.bool_))
    across, rise = boxes[:, 2], boxes[:, 3] - stroke - p.rise_px
    inside = (boxes[:, 0] > p.edge_px) & (boxes[:, 0] + across < ink.shape[1] - p.edge_px)
    needed = np.where(inside, free, least)
    long = (across >= needed) & (rise <= p.max_slope * across)
    long |= (across >= p.long_factor * needed) & (rise <= p.max_slope_long * across)
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
    away = _from_parabola(of, (inked - begin[of]) / width[of] * 2 - 1, middle, p)
    near = away <= p.near_px + p.near_strokes * stroke
    covered = np.bincount(of[near], minlength=len(width))
    strays = np.bincount(of[near], weights=away[near], minlength=len(width)) / np.maximum(covered, 1)
    least_covered = np.maximum(p.min_covered_share * width, p.min_covered_length_share * needed[long])
    straight = (covered >= least_covered) & (strays <= p.max_stray_px)
    if not straight.any():
        return None
    chosen = np.zeros(begin[-1], dtype=np.bool_)
    chosen[inked[near & straight[of]]] = True
    found = np.zeros(ink.shape, dtype=np.bool_)
    found[ys[chosen[column]], xs[chosen[column]]] = True
    return found


def _from_parabola(
    of: NDArray[np.intp], x: NDArray[np.float64], y: NDArray[np.float64], p: StraightLines
) -> NDArray[np.float64]:
    """Fit a parabola to the points of each line, in several passes that leave out the points that stray.

    Parameters
    ----------
    of : (n,) int ndarray
        Line of each point, in ascending order.
    x, y : (n,) float64 ndarray
        `x` in [-1, 1] along the line, `y` in pixels.
    p : StraightLines

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
    for _ in range(p.parabola_passes):
        sums = np.add.reduceat(terms * kept[:, None], first)
        system = sums[:, np.add.outer(np.arange(3), np.arange(3))] + 1e-6 * np.eye(3)
        curve = np.linalg.solve(system, sums[:, 5:, None])[:, :, 0]
        away = np.abs(y - (curve[line] * powers[:, :3]).sum(axis=1))
        spread = np.sqrt(np.add.reduceat(away**2 * kept, first) / np.maximum(sums[:, 0], 1))
        kept = away <= np.maximum(p.stray_deviations * spread[line], p.stray_px)
    return away


def stroke_width(ink: Mask) -> float:
    """Return the mean width of strokes: twice the area of the ink over its edge, as a stroke has two edges.

    Parameters
    ----------
    ink : (h, w) bool ndarray

    Returns
    -------
    float
        In pixels; 1 where there is no ink.
    """
    area = int(ink.sum())
    edge = int(np.logical_xor(ink, cv2.erode(ink.view(np.uint8), np.ones((3, 3), np.uint8)) > 0).sum())
    return 2.0 * area / edge if edge else 1.0
