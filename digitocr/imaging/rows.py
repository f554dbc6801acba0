"""Components to rows: what stands side by side is read together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import quantile
from digitocr.imaging.sheet import Line
from digitocr.records import Mask

MAX_GAP, MAX_GAP_ON_CROPS = 1.8, 2.2
"""Ink further apart than this, in heights of its line, is not of one line; a crop shows one field."""


LEAST_HEIGHT = 10
"""A row has ink at least so many pixels high."""


LOWEST = 7
"""Beside that, lower ink may be a digit, too, from so many pixels on."""


LOW = 0.6
"""Ink lower than this, in heights of a row, is no row of its own beside it."""


PRINT_SIDE_PX, PRINT_PX = 800, 26
"""On a page with at least this shorter side, print is lower than `PRINT_PX`, and writing is not."""

INSIDE = 0.6
"""With more than this share of its box inside that of a row, ink is of that row."""


BEYOND, UNBROKEN = 0.5, 0.9
"""A line that parts numbers reaches so far above and below their digits, in their height, but for a tenth of it."""


def is_surrounding(boxes: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Find the components as large as a page: the desk around the paper, a frame around a form.

    Parameters
    ----------
    boxes : (n, 5) int32 ndarray
    shape : tuple of int
        Height and width of the page.

    Returns
    -------
    (n,) bool ndarray
    """
    height, width = shape
    return np.asarray((boxes[:, 3] > 0.7 * height) | (boxes[:, 2] > 0.7 * width), dtype=np.bool_)


def chain(boxes: NDArray[np.int32], left_out: NDArray[np.bool_], max_gap: float) -> list[NDArray[np.intp]]:
    """Group components into rows: neighbours that stand side by side at about the same height.

    Parameters
    ----------
    boxes : (n, 5) int32 ndarray
    left_out : (n,) bool ndarray
        Components that belong to no row.
    max_gap : float
        How far apart neighbours may be, in their heights.

    Returns
    -------
    list of (k,) int ndarray
        Indices of components, the small ones near a row among them.
    """
    if not len(boxes):
        return []
    x, y, w, h, area = boxes.T
    core = np.flatnonzero(_may_be_digit(boxes) & ~left_out)
    if not len(core):
        return []
    core = core[np.argsort(x[core], kind="stable")]
    cx, cy, cw, ch = x[core], y[core], w[core], h[core]
    tallest = int(ch.max())
    reach = np.searchsorted(cx, cx + cw + max_gap * tallest, side="right")
    counts = reach - np.arange(1, len(core) + 1)
    i = np.repeat(np.arange(len(core)), counts)
    j = np.arange(len(i)) - np.repeat(np.cumsum(counts) - counts, counts) + i + 1
    gap = cx[j] - (cx[i] + cw[i])
    overlap = np.minimum(cy[i] + ch[i], cy[j] + ch[j]) - np.maximum(cy[i], cy[j])
    small, large = np.minimum(ch[i], ch[j]), np.maximum(ch[i], ch[j])
    near = (
        (gap <= max_gap * np.minimum(large, 1.5 * small)) & (overlap >= 0.45 * small) & (large <= 2.6 * small)
    )
    parent = list(range(len(core)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    for one, other in zip(i[near].tolist(), j[near].tolist(), strict=True):
        parent[root(other)] = root(one)
    roots = np.array([root(k) for k in range(len(core))])
    chains = [core[roots == r] for r in np.unique(roots) if ch[roots == r].max() >= LEAST_HEIGHT]
    chained = np.concatenate([core[:0], *chains])
    return _with_small_ink(chains, boxes, np.setdiff1d(np.flatnonzero((area >= 3) & ~left_out), chained))


def _may_be_digit(boxes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Components that may be a digit or a good part of one, by their size alone."""
    w, h = boxes[:, 2], boxes[:, 3]
    strokes = h[h >= LEAST_HEIGHT]
    if not len(strokes):
        return np.zeros(len(boxes), dtype=np.bool_)
    # The tallest third sets the scale, so that dots, texture and fine print do not.
    scale = quantile(strokes, 0.8)
    blob = (h > 4 * scale) & (boxes[:, 4] > 0.5 * w * h)
    return (h >= LOWEST) & (h >= 0.3 * scale) & (w <= 12 * h) & (boxes[:, 4] >= 12) & ~blob


def is_print(boxes: NDArray[np.int32], shape: tuple[int, ...]) -> bool:
    """Tell whether a row of a page is a line of print: long, fine and dense as no handwritten number is.

    Parameters
    ----------
    boxes : (n, 5) int32 ndarray
        Its components.
    shape : tuple of int
        Height and width of the page in pixels.

    Returns
    -------
    bool
    """
    if len(boxes) < 14 or min(shape) < PRINT_SIDE_PX:
        return False
    boxes = boxes[np.argsort(boxes[:, 0])]
    height = quantile(boxes[:, 3], 0.5)
    gaps = boxes[1:, 0] - (boxes[:-1, 0] + boxes[:-1, 2])
    return height < PRINT_PX and quantile(gaps, 0.5) < 0.4 * height


def with_strays(chains: list[NDArray[np.intp]], boxes: NDArray[np.int32]) -> list[NDArray[np.intp]]:
    """Give each row of a crop what stands in it but was not chained: commas, strokes of signs, halves of digits."""
    order = sorted(chains, key=lambda chain: -int(boxes[chain, 2:4].prod(axis=1).sum()))
    rows: list[NDArray[np.intp]] = []
    for chain in order:
        at = next((k for k, row in enumerate(rows) if _is_stray(boxes[chain], boxes[row])), None)
        if at is None:
            rows.append(chain)
        else:
            rows[at] = np.union1d(rows[at], chain)
    return rows


def _is_stray(few: NDArray[np.int32], row: NDArray[np.int32]) -> bool:
    """Whether components stand in a row of others: low ones within its reach, or any mostly inside it."""
    left, top = row[:, :2].min(axis=0)
    right, bottom = (row[:, :2] + row[:, 2:4]).max(axis=0)
    x0, y0 = few[:, :2].min(axis=0)
    x1, y1 = (few[:, :2] + few[:, 2:4]).max(axis=0)
    inside = max(0, min(x1, right) - max(x0, left)) * max(0, min(y1, bottom) - max(y0, top))
    if inside >= INSIDE * (x1 - x0) * (y1 - y0):
        return True
    scale, (left, top, right, bottom) = _reach(row)
    is_low = few[:, 3].max() < LOW * scale
    return bool(is_low and left <= (x0 + x1) / 2 <= right and top <= (y0 + y1) / 2 <= bottom)


def split_at_uprights(
    row: NDArray[np.intp], boxes: NDArray[np.int32], uprights: Mask
) -> list[NDArray[np.intp]]:
    """Part a row where a line of a table runs between two of its digits.

    It is higher than the row, as the sides of boxes for single digits seldom are; and where such lines run between
    all of its digits, they are guides, and the row is one number.
    """
    x, y, w, h, _ = boxes[row[np.argsort(boxes[row, 0], kind="stable")]].T
    tall = h >= 0.5 * quantile(h, 0.6)
    x, y, right, bottom, h = x[tall], y[tall], np.maximum.accumulate((x + w)[tall]), (y + h)[tall], h[tall]
    apart = np.flatnonzero(right[:-1] < x[1:])
    cuts = []
    for k in apart.tolist():
        beyond = round(BEYOND * max(h[k], h[k + 1]))
        top, low = max(0, min(y[k], y[k + 1]) - beyond), max(bottom[k], bottom[k + 1]) + beyond
        between = uprights[top:low, right[k] : x[k + 1]]
        if between.any(axis=1).mean() >= UNBROKEN:
            cuts.append((right[k] + x[k + 1]) / 2)
    if not cuts or len(cuts) == len(apart):
        return [row]
    part = np.searchsorted(cuts, boxes[row, 0] + boxes[row, 2] / 2)
    return [row[part == k] for k in range(len(cuts) + 1)]


def _reach(row: NDArray[np.int32]) -> tuple[float, tuple[float, float, float, float]]:
    """Height of a row, and how far around it the middle of small ink that belongs to it may lie."""
    x, y, w, h, _ = row.T
    scale = quantile(h, 0.6)
    return scale, (
        x.min() - 0.8 * scale,
        y.min() - 0.25 * scale,
        (x + w).max() + 0.8 * scale,
        (y + h).max() + 0.35 * scale,
    )


def _with_small_ink(
    chains: list[NDArray[np.intp]], boxes: NDArray[np.int32], small: NDArray[np.intp]
) -> list[NDArray[np.intp]]:
    """Give each row the small ink within it: flags, broken strokes, dots, commas."""
    x, y, w, h, _ = boxes.T
    small = small[np.argsort(y[small] + h[small] / 2, kind="stable")]
    centre_x, centre_y = x[small] + w[small] / 2, y[small] + h[small] / 2
    size = np.maximum(w[small], h[small])
    out = []
    for chain in chains:
        scale, (left, top, right, bottom) = _reach(boxes[chain])
        level = slice(*np.searchsorted(centre_y, [top, np.nextafter(bottom, np.inf)]))
        inside = (centre_x[level] >= left) & (centre_x[level] <= right)
        solid = size[level] >= 0.1 * scale
        out.append(np.concatenate([chain, small[level][inside & solid]]))
    return out


def reading_order(lines: list[Line]) -> list[Line]:
    """Rows from the top, left to right: a line belongs to a row if its middle lies within the row's first line."""
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
