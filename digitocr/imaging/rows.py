"""Components to rows: what stands side by side is read together."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from digitocr.imaging.components import Components, meeting, quantile
from digitocr.imaging.sheet import Line
from digitocr.records import Mask


@dataclass(frozen=True, slots=True)
class Rows:
    """How components become rows; heights of ink are in pixels of the sheet, distances in heights of the row.

    Attributes
    ----------
    max_page_gap, max_field_gap : float
        Ink further apart than this is of two rows: on a page, and in a field, which shows one number.
    small_gap : float
        The gap after a low neighbour is held against so many of its heights.
    min_overlap : float
        Neighbours share at least this much of the smaller one's height.
    max_ratio : float
        They differ in height by no more than this factor.
    min_height_px : int
        A row has ink at least this high.
    min_ink_height_px : int
        Beside that, lower ink may be a digit, too, from this height on.
    scale_share : float
        Height of the row's digits: that which this share of its higher ink does not exceed.
    min_scale : float
        A component is at least this high.
    max_aspect : float
        It is at most this wide, in its own height.
    min_area_px : int
        It has at least so much ink.
    blob_height, blob_fill_share : float
        Higher than this and filling more than this share of its box, it is a blob.
    min_speck_px : int
        Ink of fewer pixels is a speck.
    surrounding_share : float
        A component longer than this share of the page surrounds it: a desk, a frame.
    around_side_share : float
        In a field, what surrounds the writing is at least this long both ways, in shorter sides of the field.
    around_hole_share, around_straight_share : float
        Its hole fills at least the first share of its box, and the second share of a rectangle: a 0 is round.
    around_writing_share : float
        And the writing in it is at most this high, in its own height: a printed box is filled more than that.
    print_side_px, print_height_px : int
        On a page with at least this shorter side, print is lower than so many pixels.
    print_components : int
        A line of print has at least so many components.
    print_gap : float
        And gaps smaller than this, in heights of its letters.
    inside_share : float
        With more than this share of its box inside that of a row, ink is of that row.
    low_height : float
        Ink lower than this is no row of its own beside it.
    reach_sideways, reach_up, reach_down : float
        How far around a row the middle of small ink may lie that belongs to it.
    reach_share : float
        Height of a row for that: that which this share of its components does not exceed.
    min_small : float
        Small ink has at least this size.
    tall_share : float
        Components at least this high, in heights of the row, part it where a line runs between them.
    beyond : float
        A line that parts numbers reaches this far above and below their digits.
    unbroken_share : float
        And is unbroken but for the rest of this share.
    """

    max_page_gap: float = 1.8
    max_field_gap: float = 2.2
    small_gap: float = 1.5
    min_overlap: float = 0.45
    max_ratio: float = 2.6
    min_height_px: int = 10
    min_ink_height_px: int = 7
    scale_share: float = 0.8
    min_scale: float = 0.3
    max_aspect: float = 12.0
    min_area_px: int = 12
    blob_height: float = 4.0
    blob_fill_share: float = 0.5
    min_speck_px: int = 3
    surrounding_share: float = 0.7
    around_side_share: float = 0.3
    around_hole_share: float = 0.4
    around_straight_share: float = 0.88
    around_writing_share: float = 0.5
    print_side_px: int = 800
    print_height_px: int = 26
    print_components: int = 14
    print_gap: float = 0.4
    inside_share: float = 0.6
    low_height: float = 0.6
    reach_sideways: float = 0.8
    reach_up: float = 0.25
    reach_down: float = 0.35
    reach_share: float = 0.6
    min_small: float = 0.1
    tall_share: float = 0.5
    beyond: float = 0.5
    unbroken_share: float = 0.9


def is_surrounding(boxes: NDArray[np.int32], shape: tuple[int, ...], p: Rows) -> NDArray[np.bool_]:
    """Find the components as large as a page: the desk around the paper, a frame around a form.

    Parameters
    ----------
    boxes : (n, 5) int32 ndarray
    shape : tuple of int
        Height and width of the page.
    p : Rows

    Returns
    -------
    (n,) bool ndarray
    """
    height, width = shape
    share = p.surrounding_share
    return np.asarray((boxes[:, 3] > share * height) | (boxes[:, 2] > share * width), dtype=np.bool_)


def is_around_writing(found: Components, p: Rows) -> NDArray[np.bool_]:
    """Find the components of a field that lie around its writing: the edge of paper that is small on its desk.

    Parameters
    ----------
    found : tuple
        Components, as of :func:`digitocr.imaging.components.components`.
    p : Rows

    Returns
    -------
    (n,) bool ndarray
    """
    labels, boxes = found
    x, y, w, h, area = boxes.T
    is_around = np.zeros(len(boxes), dtype=np.bool_)
    for k in np.flatnonzero(np.minimum(w, h) >= p.around_side_share * min(labels.shape)).tolist():
        inside = (x > x[k]) & (x + w < x[k] + w[k]) & (y > y[k]) & (y + h < y[k] + h[k])
        writing = inside & (h >= p.min_height_px) & (area >= p.min_area_px)
        if writing.any() and h[writing].max() <= p.around_writing_share * h[k]:
            is_around[k] = _has_straight_hole(labels[y[k] : y[k] + h[k], x[k] : x[k] + w[k]] == k + 1, p)
    return is_around


def _has_straight_hole(ink: Mask, p: Rows) -> bool:
    """Whether a component has a large hole that is nearly a rectangle, turned or not."""
    contours, levels = cv2.findContours(ink.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    holes = [one for one, level in zip(contours, levels[0], strict=True) if level[3] >= 0]
    hole = max(holes, key=cv2.contourArea, default=None)
    if hole is None or cv2.contourArea(hole) < p.around_hole_share * ink.size:
        return False
    _, (width, height), _ = cv2.minAreaRect(hole)
    return bool(cv2.contourArea(hole) >= p.around_straight_share * width * height)


def chain(
    boxes: NDArray[np.int32], left_out: NDArray[np.bool_], max_gap: float, p: Rows
) -> list[NDArray[np.intp]]:
    """Group components into rows: neighbours that stand side by side at about the same height.

    Parameters
    ----------
    boxes : (n, 5) int32 ndarray
    left_out : (n,) bool ndarray
        Components that belong to no row.
    max_gap : float
        How far apart neighbours may be, in their heights.
    p : Rows

    Returns
    -------
    list of (k,) int ndarray
        Indices of components, the small ones near a row among them.
    """
    if not len(boxes):
        return []
    x, y, w, h, area = boxes.T
    core = np.flatnonzero(_may_be_digit(boxes, p) & ~left_out)
    if not len(core):
        return []
    core = core[np.argsort(x[core], kind="stable")]
    cx, cy, cw, ch = x[core], y[core], w[core], h[core]
    tallest = int(ch.max())
    i, j = meeting(cx, cx + cw + max_gap * tallest)
    gap = cx[j] - (cx[i] + cw[i])
    overlap = np.minimum(cy[i] + ch[i], cy[j] + ch[j]) - np.maximum(cy[i], cy[j])
    small, large = np.minimum(ch[i], ch[j]), np.maximum(ch[i], ch[j])
    near = (
        (gap <= max_gap * np.minimum(large, p.small_gap * small))
        & (overlap >= p.min_overlap * small)
        & (large <= p.max_ratio * small)
    )
    links = coo_array((np.ones(np.count_nonzero(near)), (i[near], j[near])), shape=(len(core), len(core)))
    _, row_of = connected_components(links, directed=False)
    chains = [core[row_of == row] for row in range(row_of.max() + 1)]
    chains = [one for one in chains if h[one].max() >= p.min_height_px]
    chained = np.concatenate([core[:0], *chains])
    small_ink = np.setdiff1d(np.flatnonzero((area >= p.min_speck_px) & ~left_out), chained)
    return _with_small_ink(chains, boxes, small_ink, p)


def _may_be_digit(boxes: NDArray[np.int32], p: Rows) -> NDArray[np.bool_]:
    """Find the components that may be a digit or a good part of one, by their size alone."""
    w, h = boxes[:, 2], boxes[:, 3]
    strokes = h[h >= p.min_height_px]
    if not len(strokes):
        return np.zeros(len(boxes), dtype=np.bool_)
    # The tallest third sets the scale, so that dots, texture and fine print do not.
    scale = quantile(strokes, p.scale_share)
    blob = (h > p.blob_height * scale) & (boxes[:, 4] > p.blob_fill_share * w * h)
    high = (h >= p.min_ink_height_px) & (h >= p.min_scale * scale)
    return high & (w <= p.max_aspect * h) & (boxes[:, 4] >= p.min_area_px) & ~blob


def is_print(boxes: NDArray[np.int32], shape: tuple[int, ...], p: Rows) -> bool:
    """Tell whether a row of a page is a line of print: long, fine and dense as no handwritten number is.

    Parameters
    ----------
    boxes : (n, 5) int32 ndarray
        Its components.
    shape : tuple of int
        Height and width of the page in pixels.
    p : Rows

    Returns
    -------
    bool
    """
    if len(boxes) < p.print_components or min(shape) < p.print_side_px:
        return False
    boxes = boxes[np.argsort(boxes[:, 0])]
    height = quantile(boxes[:, 3], 0.5)
    gaps = boxes[1:, 0] - (boxes[:-1, 0] + boxes[:-1, 2])
    return height < p.print_height_px and quantile(gaps, 0.5) < p.print_gap * height


def with_strays(chains: list[NDArray[np.intp]], boxes: NDArray[np.int32], p: Rows) -> list[NDArray[np.intp]]:
    """Give each row of a field what stands in it but was not chained: commas, strokes of signs, halves of digits.

    Parameters
    ----------
    chains : list of (k,) int ndarray
        Rows, as of :func:`chain`.
    boxes : (n, 5) int32 ndarray
    p : Rows

    Returns
    -------
    list of (k,) int ndarray
    """
    order = sorted(chains, key=lambda chain: -int(boxes[chain, 2:4].prod(axis=1).sum()))
    rows: list[NDArray[np.intp]] = []
    for chain in order:
        at = next((k for k, row in enumerate(rows) if _is_stray(boxes[chain], boxes[row], p)), None)
        if at is None:
            rows.append(chain)
        else:
            rows[at] = np.union1d(rows[at], chain)
    return rows


def _is_stray(few: NDArray[np.int32], row: NDArray[np.int32], p: Rows) -> bool:
    """Whether components stand in a row of others: low ones within its reach, or any mostly inside it."""
    left, top = row[:, :2].min(axis=0)
    right, bottom = (row[:, :2] + row[:, 2:4]).max(axis=0)
    x0, y0 = few[:, :2].min(axis=0)
    x1, y1 = (few[:, :2] + few[:, 2:4]).max(axis=0)
    inside = max(0, min(x1, right) - max(x0, left)) * max(0, min(y1, bottom) - max(y0, top))
    if inside >= p.inside_share * (x1 - x0) * (y1 - y0):
        return True
    scale, (left, top, right, bottom) = _reach(row, p)
    is_low = few[:, 3].max() < p.low_height * scale
    return bool(is_low and left <= (x0 + x1) / 2 <= right and top <= (y0 + y1) / 2 <= bottom)


def split_at_uprights(
    row: NDArray[np.intp], boxes: NDArray[np.int32], uprights: Mask, p: Rows
) -> list[NDArray[np.intp]]:
    """Split a row where a line of a table runs between two of its digits.

    Such a line is higher than the row, as the sides of boxes for single digits seldom are. Where lines run between
    every two of its digits they are guides, and the row is one number.

    Parameters
    ----------
    row : (k,) int ndarray
        Indices of its components.
    boxes : (n, 5) int32 ndarray
    uprights : (h, w) bool ndarray
        The upright lines of the page.
    p : Rows

    Returns
    -------
    list of (k,) int ndarray
    """
    x, y, w, h, _ = boxes[row[np.argsort(boxes[row, 0], kind="stable")]].T
    tall = h >= p.tall_share * quantile(h, p.reach_share)
    x, y, right, bottom, h = x[tall], y[tall], np.maximum.accumulate((x + w)[tall]), (y + h)[tall], h[tall]
    apart = np.flatnonzero(right[:-1] < x[1:])
    cuts = []
    for k in apart.tolist():
        beyond = round(p.beyond * max(h[k], h[k + 1]))
        top, low = max(0, min(y[k], y[k + 1]) - beyond), max(bottom[k], bottom[k + 1]) + beyond
        between = uprights[top:low, right[k] : x[k + 1]]
        if between.any(axis=1).mean() >= p.unbroken_share:
            cuts.append((right[k] + x[k + 1]) / 2)
    if not cuts or len(cuts) == len(apart):
        return [row]
    part = np.searchsorted(cuts, boxes[row, 0] + boxes[row, 2] / 2)
    return [row[part == k] for k in range(len(cuts) + 1)]


def _reach(row: NDArray[np.int32], p: Rows) -> tuple[float, tuple[float, float, float, float]]:
    """Height of a row, and how far around it the middle of small ink that belongs to it may lie."""
    x, y, w, h, _ = row.T
    scale = quantile(h, p.reach_share)
    return scale, (
        x.min() - p.reach_sideways * scale,
        y.min() - p.reach_up * scale,
        (x + w).max() + p.reach_sideways * scale,
        (y + h).max() + p.reach_down * scale,
    )


def _with_small_ink(
    chains: list[NDArray[np.intp]], boxes: NDArray[np.int32], small: NDArray[np.intp], p: Rows
) -> list[NDArray[np.intp]]:
    """Give each row the small ink within it: flags, broken strokes, dots, commas."""
    x, y, w, h, _ = boxes.T
    small = small[np.argsort(y[small] + h[small] / 2, kind="stable")]
    centre_x, centre_y = x[small] + w[small] / 2, y[small] + h[small] / 2
    size = np.maximum(w[small], h[small])
    out = []
    for chain in chains:
        scale, (left, top, right, bottom) = _reach(boxes[chain], p)
        level = slice(*np.searchsorted(centre_y, [top, np.nextafter(bottom, np.inf)]))
        inside = (centre_x[level] >= left) & (centre_x[level] <= right)
        solid = size[level] >= p.min_small * scale
        out.append(np.concatenate([chain, small[level][inside & solid]]))
    return out


def reading_order(lines: list[Line]) -> list[Line]:
    """Sort lines as a person reads: rows from the top, each from left to right.

    A line belongs to a row if its middle lies within the row's first line.

    Parameters
    ----------
    lines : list of Line

    Returns
    -------
    list of Line
    """
    rest = sorted(lines, key=lambda line: line.box.y + line.box.height / 2)
    ordered: list[Line] = []
    while rest:
        first = rest[0]
        row = [
            line
            for line in rest
            if first.box.y <= line.box.centre[1] <= first.box.bottom
            or line.box.y <= first.box.centre[1] <= line.box.bottom
        ]
        ordered += sorted(row, key=lambda line: line.box.x)
        taken = {id(line) for line in row}
        rest = [line for line in rest if id(line) not in taken]
    return ordered
