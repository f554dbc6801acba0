"""Ink to lines of digit candidates: contours, broken strokes joined, touching digits cut in several ways."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from digitocr.imaging.components import components
from digitocr.imaging.quantiles import quantile
from digitocr.records import CROP_SIDE, Box, Candidate, Grey, Line, Mask, Sheet

MAX_RUN = 5
"""A digit is made of at most this many pieces."""

MAX_WIDTH = 1.7
"""A digit is at most this wide, in heights of its line."""

MAX_GAP, MAX_GAP_ON_CROPS = 1.8, 2.2
"""Ink further apart than this, in heights of its line, is not of one line; a crop shows one field."""

LEAST_HEIGHT = 10
"""A row has ink at least so many pixels high."""

LOWEST = 7
"""Beside that, lower ink may be a digit, too, from so many pixels on."""

LOW = 0.6
"""Ink lower than this, in heights of a row, is no row of its own beside it."""

INSIDE = 0.6
"""With more than this share of its box inside that of a row, ink is of that row."""

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

PRINT_SIDE = 800
"""A sheet with a shorter side, in pixels, is no whole page, and has no lines of print on it."""

SLANT_ROWS = 48
"""A line is shrunk to so many rows where its slant is told."""

UPRIGHT = 0.2
"""Share of its sharpness that a slant loses, times the columns it leans per row."""

BEYOND, UNBROKEN = 0.5, 0.9
"""A line that parts numbers reaches so far above and below their digits, in their height, but for a tenth of it."""

HOME = 0.8
"""A component with this share of its ink in one cell is wholly of that cell."""

CELL_PIECES = 6
"""In a cell at most so many components count, the largest."""

SHEARS = np.tan(np.radians(np.arange(-20, 51, 5)))
"""Slants tried, as columns per row; positive leans to the right."""


def segment(sheet: Sheet) -> tuple[Line, ...]:
    """Find the lines of a sheet and the digit candidates of each.

    Parameters
    ----------
    sheet : Sheet

    Returns
    -------
    tuple of Line
        In reading order: rows from the top, left to right.
    """
    labels, boxes = components(sheet.ink)
    is_crop = min(sheet.ink.shape) < CROP_SIDE
    gap = MAX_GAP_ON_CROPS if is_crop else MAX_GAP
    groups = _chains(boxes, _is_surrounding(boxes, sheet.ink.shape), gap)
    if is_crop:
        groups = _with_strays(groups, boxes)
    if min(sheet.ink.shape) >= PRINT_SIDE:
        groups = [group for group in groups if not _is_print(boxes[group])]
    if sheet.uprights is not None:
        groups = [part for group in groups for part in _parted(group, boxes, sheet.uprights)]
    lines = [line for group in groups if (line := _line(sheet, labels, boxes, group)) is not None]
    if len(lines) == 1:
        return (replace(lines[0], is_alone=True),)
    return tuple(_reading_order(lines))


def field_line(sheet: Sheet, cells: Sequence[Box], room: int) -> Line | None:
    """Take all ink of a field for one row of digits.

    Parameters
    ----------
    sheet : Sheet
        The field, with nothing but what was written into it.
    cells : sequence of Box
        In sheet pixels, from left to right; each holds one digit at most. None where digits are written freely.
    room : int
        How many digits it may hold.

    Returns
    -------
    Line or None
        None where the field is blank.
    """
    labels, boxes = components(sheet.ink)
    if not len(boxes):
        return None
    if not cells:
        line = _line(sheet, labels, boxes, np.arange(len(boxes)))
        return None if line is None else replace(line, room=room)
    return _cell_line(sheet, labels, boxes, cells)


# --- lines ------------------------------------------------------------------------------------------------------


def _is_surrounding(boxes: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Components as large as a page: the desk around the paper, a frame around a form."""
    height, width = shape
    if min(shape) < CROP_SIDE:
        return np.zeros(len(boxes), dtype=np.bool_)
    return np.asarray((boxes[:, 3] > 0.7 * height) | (boxes[:, 2] > 0.7 * width), dtype=np.bool_)


def _chains(boxes: NDArray[np.int32], left_out: NDArray[np.bool_], max_gap: float) -> list[NDArray[np.intp]]:
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


def _is_print(boxes: NDArray[np.int32]) -> bool:
    """Whether a row is a line of print: long, fine and dense as no handwritten number is."""
    if len(boxes) < 14:
        return False
    boxes = boxes[np.argsort(boxes[:, 0])]
    height = quantile(boxes[:, 3], 0.5)
    gaps = boxes[1:, 0] - (boxes[:-1, 0] + boxes[:-1, 2])
    return height < 26 and quantile(gaps, 0.5) < 0.4 * height


def _with_strays(chains: list[NDArray[np.intp]], boxes: NDArray[np.int32]) -> list[NDArray[np.intp]]:
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


def _parted(row: NDArray[np.intp], boxes: NDArray[np.int32], uprights: Mask) -> list[NDArray[np.intp]]:
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


def _reading_order(lines: list[Line]) -> list[Line]:
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


# --- cells ------------------------------------------------------------------------------------------------------


def _cell_line(
    sheet: Sheet, labels: NDArray[Any], boxes: NDArray[np.int32], cells: Sequence[Box]
) -> Line | None:
    """Give each cell its ink: pieces are components, cut only where they reach from cell to cell."""
    ends = [(a.right + b.x) / 2 for a, b in pairwise(cells)]
    cell_of_column = np.searchsorted(ends, np.arange(labels.shape[1]) + 0.5)
    ys, xs = np.nonzero(labels)
    component, cell = labels[ys, xs].astype(np.int64), cell_of_column[xs]
    shares = np.zeros((len(boxes) + 1, len(cells)))
    np.add.at(shares, (component, cell), 1)
    home = shares.argmax(axis=1)
    is_home = shares.max(axis=1) >= HOME * shares.sum(axis=1)
    cell = np.where(is_home[component], home[component], cell)
    # pieces in order of cells, and within a cell from left to right
    part, of_pixel = np.unique(component * len(cells) + cell, return_inverse=True)
    area = np.bincount(of_pixel)
    middle = np.bincount(of_pixel, weights=xs) / area
    in_cell = part % len(cells)
    kept = np.zeros(len(part), dtype=np.bool_)
    for one in range(len(cells)):
        there = np.flatnonzero(in_cell == one)
        kept[there[np.argsort(-area[there])][:CELL_PIECES]] = True
    order = np.lexsort((middle, in_cell))
    order = order[kept[order]]
    number = np.zeros(len(part), dtype=np.int16)
    number[order] = np.arange(1, len(order) + 1)
    pieces = np.zeros(labels.shape, dtype=np.int16)
    pieces[ys, xs] = number[of_pixel]

    (x0, y0, x1, y1) = _extents((pieces > 0).astype(np.int16))[0].tolist()
    pieces, grey = pieces[y0:y1, x0:x1], sheet.grey[y0:y1, x0:x1]
    heights = np.array([high - low for _, low, _, high in _extents(pieces)])
    scale = quantile(heights[heights >= 0.5 * heights.max()], 0.5)
    shear = _slant(pieces) if len(order) > 1 else 0.0
    upright, dark, to_sheet = _sheared(pieces, grey, shear, (x0, y0))
    windows = _extents(upright)
    if len(windows) < len(order):
        return None
    on_sheet = _on_sheet(upright, windows, to_sheet)
    candidates = tuple(
        _cell_candidates(windows, on_sheet, in_cell[order], is_home[part[order] // len(cells)])
    )
    (whole,) = _boxes(np.hstack([on_sheet[:, :2].min(axis=0), on_sheet[:, 2:].max(axis=0)])[None])
    piece_boxes, window_boxes = tuple(_boxes(on_sheet)), tuple(_boxes(windows))
    return Line(
        whole,
        scale,
        piece_boxes,
        window_boxes,
        candidates,
        upright,
        dark,
        to_sheet,
        len(cells),
        tuple(in_cell[order].tolist()),
    )


def _cell_candidates(
    windows: NDArray[np.int64], boxes: NDArray[np.int64], cells: NDArray[np.int64], whole: NDArray[np.bool_]
) -> Iterator[Candidate]:
    """Offer each run of pieces of one cell."""
    for first in range(len(cells)):
        window, box = windows[first], boxes[first]
        for last in range(first + 1, int(np.searchsorted(cells, cells[first], side="right")) + 1):
            window, box = _union(window, windows[last - 1]), _union(box, boxes[last - 1])
            (in_line,), (in_sheet,) = _boxes(window[None]), _boxes(box[None])
            is_whole = last == first + 1 and bool(whole[first])
            yield Candidate(first, last, in_sheet, in_line, is_whole)


def _union(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.hstack([np.minimum(a[:2], b[:2]), np.maximum(a[2:], b[2:])])


# --- pieces and candidates --------------------------------------------------------------------------------------


def _line(
    sheet: Sheet, on_sheet: NDArray[Any], all_boxes: NDArray[np.int32], group: NDArray[np.intp]
) -> Line | None:
    boxes = all_boxes[group]
    x0, y0 = boxes[:, 0].min(), boxes[:, 1].min()
    x1, y1 = (boxes[:, 0] + boxes[:, 2]).max(), (boxes[:, 1] + boxes[:, 3]).max()
    scale = quantile(boxes[boxes[:, 3] >= 0.5 * boxes[:, 3].max(), 3], 0.5)
    lookup = np.zeros(len(all_boxes) + 1, dtype=np.int16)
    lookup[group + 1] = np.arange(1, len(group) + 1)
    labels = np.take(lookup, on_sheet[y0:y1, x0:x1])
    grey = sheet.grey[y0:y1, x0:x1]

    shear = _slant(labels) if len(group) > 1 else 0.0
    upright, dark, to_sheet = _sheared(labels, grey, shear, (int(x0), int(y0)))
    pieces, owners = _pieces(upright, scale)
    windows = _extents(pieces)
    if not len(windows):
        return None
    ends = _on_sheet(pieces, windows, to_sheet)
    piece_boxes = tuple(_boxes(ends))
    candidates = tuple(_candidates(windows, ends, owners, scale))
    (whole,) = _boxes(np.hstack([ends[:, :2].min(axis=0), ends[:, 2:].max(axis=0)])[None])
    return Line(whole, scale, piece_boxes, tuple(_boxes(windows)), candidates, pieces, dark, to_sheet)


def _slant(labels: NDArray[np.int16]) -> float:
    """Slant of the strokes, as columns per row: the shear whose column profile is the sharpest.

    Wide round digits are sharp along their own sides, too, so a great slant must be the sharper.
    """
    height, width = labels.shape
    rows = min(height, SLANT_ROWS)
    size = (max(1, round(width * rows / height)), rows)
    ink = cv2.resize((labels > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    pad = math.ceil(rows / 2 * float(np.abs(SHEARS).max()))
    sheared = np.zeros((rows, len(SHEARS), size[0] + 2 * pad + 1), dtype=np.float32)
    aside = (pad - (rows / 2 - np.arange(rows)[:, None]) * SHEARS).astype(np.intp)
    places = np.lib.stride_tricks.sliding_window_view(sheared, size[0], axis=2, writeable=True)
    places[np.arange(rows)[:, None], np.arange(len(SHEARS)), aside] = ink[:, None]
    sharpness = (sheared.sum(axis=0) ** 2).sum(axis=1)
    return float(SHEARS[np.argmax(sharpness * (1 - UPRIGHT * np.abs(SHEARS)))])


def _sheared(
    labels: NDArray[np.int16], grey: Grey, shear: float, origin: tuple[int, int]
) -> tuple[NDArray[np.int16], Grey, NDArray[np.float64]]:
    """Take the slant out; also the ink bright on black, and the map back to sheet pixels."""
    height, width = labels.shape
    dark = cv2.bitwise_not(grey)
    x, y = origin
    if shear == 0:
        return labels, dark.astype(np.uint8), np.array([[1, 0, x], [0, 1, y]], dtype=np.float64)
    pad = abs(shear) * height / 2
    new_width = int(np.ceil(width + 2 * pad))
    # Upright pixel (u, v) shows slanted pixel (u - pad + shear * (height / 2 - v), v).
    back = np.array([[1, -shear, shear * height / 2 - pad], [0, 1, 0]], dtype=np.float64)
    size = (new_width, height)
    flags = cv2.WARP_INVERSE_MAP
    upright = cv2.warpAffine(labels, back, size, flags=flags | cv2.INTER_NEAREST)
    dark = cv2.warpAffine(dark, back, size, flags=flags | cv2.INTER_LINEAR)
    back[:, 2] += [x, y]
    return upright.astype(np.int16), dark.astype(np.uint8), back


def _pieces(labels: NDArray[np.int16], scale: float) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Cut wide components where they are thin, and number all pieces from left to right, from 1.

    Returns
    -------
    pieces : (h, w) int16 ndarray
    owners : (n,) int64 ndarray
        Component of each piece.
    """
    marked = np.zeros(labels.shape, dtype=np.int32)
    centres, owners = [-np.inf], [0]
    for label, found in enumerate(find_objects(labels), start=1):
        if found is None:
            continue
        part = labels[found] == label
        cuts = _cuts(part, scale)
        columns = np.arange(part.shape[1])
        number = np.full(part.shape, len(centres), dtype=np.int32)
        for cut in cuts:
            number += columns >= cut[:, None]
        np.copyto(marked[found], number, where=part)
        height, width = part.shape
        ends = np.vstack([np.zeros(height), cuts, np.full(height, width)])
        centres += (found[1].start + (ends[:-1] + ends[1:]).mean(axis=1) / 2).tolist()
        owners += [label] * (len(cuts) + 1)
    inked = np.bincount(marked.ravel(), minlength=len(centres)) > 0
    inked[0] = False
    order = np.argsort(centres, kind="stable")
    order = order[inked[order]]
    numbers = np.zeros(len(centres), dtype=np.int16)
    numbers[order] = np.arange(1, len(order) + 1)
    return np.take(numbers, marked), np.array(owners, dtype=np.int64)[order]


def _cuts(part: NDArray[np.bool_], scale: float) -> NDArray[np.intp]:
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


def _extents(labels: NDArray[np.int16]) -> NDArray[np.int64]:
    """Left, top, right, bottom of each label from 1 to the highest, all of which occur; of shape ``(n, 4)``."""
    found = [(x.start, y.start, x.stop, y.stop) for y, x in find_objects(labels)]
    return np.array(found, dtype=np.int64).reshape(-1, 4)


def _on_sheet(
    pieces: NDArray[np.int16], windows: NDArray[np.int64], to_sheet: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Carry the extents of the pieces over to the sheet; where the slant was taken out, pixel by pixel."""
    if to_sheet[0, 1] == 0:
        return np.maximum(windows + np.tile(to_sheet[:, 2].round().astype(np.int64), 2), 0)
    ys, xs = np.nonzero(pieces)
    values = pieces[ys, xs].astype(np.int64) - 1
    sheet_x = np.round(xs + ys * to_sheet[0, 1] + to_sheet[0, 2]).astype(np.int64)
    sheet_y = ys + round(float(to_sheet[1, 2]))
    low = np.full((len(windows), 2), np.iinfo(np.int64).max)
    high = np.zeros((len(windows), 2), dtype=np.int64)
    for axis, at in enumerate((sheet_x, sheet_y)):
        np.minimum.at(low[:, axis], values, at)
        np.maximum.at(high[:, axis], values, at + 1)
    return np.hstack([np.maximum(low, 0), high])


def _candidates(
    windows: NDArray[np.int64], boxes: NDArray[np.int64], owners: NDArray[np.int64], scale: float
) -> list[Candidate]:
    """Offer each piece, and each run of neighbouring pieces that may be one digit.

    Parameters
    ----------
    windows, boxes : (n, 4) int ndarray
        Left, top, right, bottom of each piece, in pixels of the line and of the sheet.
    owners : (n,) int ndarray
        Component of each piece.
    scale : float
        Height of the line.
    """
    count = len(owners)
    size = np.bincount(owners)
    window, box = windows.copy(), boxes.copy()
    alone, open_ = np.ones(count, dtype=bool), np.ones(count, dtype=bool)
    found: list[Candidate] = []
    for length in range(1, min(MAX_RUN, count) + 1):
        starts = count - length + 1
        window, box, alone, open_ = window[:starts], box[:starts], alone[:starts], open_[:starts]
        if length > 1:
            added = slice(length - 1, None)
            open_ = open_ & (windows[added, 0] - window[:, 2] <= 0.5 * scale)
            window, box = _unions(window, windows[added]), _unions(box, boxes[added])
            open_ &= window[:, 2] - window[:, 0] <= MAX_WIDTH * scale
            alone = alone & (owners[added] == owners[:starts])
        whole = alone & (size[owners[:starts]] == length)
        chosen = np.flatnonzero(open_)
        found += [
            Candidate(k, k + length, in_sheet, in_line, is_whole)
            for k, in_sheet, in_line, is_whole in zip(
                chosen.tolist(),
                _boxes(box[chosen]),
                _boxes(window[chosen]),
                whole[chosen].tolist(),
                strict=True,
            )
        ]
    return sorted(found, key=lambda c: (c.first, c.last))


def _unions(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.hstack([np.minimum(a[:, :2], b[:, :2]), np.maximum(a[:, 2:], b[:, 2:])])


def _boxes(ends: NDArray[np.int64]) -> list[Box]:
    return [Box(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in ends.tolist()]
