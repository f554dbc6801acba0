"""Ink to lines of digit candidates: contours, broken strokes joined, touching digits cut in several ways."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Box, Candidate, Grey, Line, Sheet, around

MAX_RUN = 5
"""A digit is made of at most this many pieces."""

MAX_WIDTH = 1.7
"""A digit is at most this wide, in heights of its line."""

MAX_GAP = 1.8
"""Ink further apart than this, in heights of its line, is not of one line."""

THIN = 0.62
"""A column with less ink than this share of a component's full columns is a place to cut."""

WIDE = 0.8
"""A piece wider than this, in heights of its line, may hold two digits and is cut where it is thinnest."""

MAX_CUTS = 24
"""At most so many cuts in one component."""

CROP_SIDE = 400
"""A sheet with a shorter side, in pixels, is a crop: a single digit may fill it."""

PAGE_SIDE = 800
"""A sheet with a shorter side, in pixels, is no whole page, and has no lines of print on it."""

SHEARS = np.tan(np.radians(np.arange(-20, 51, 5)))
"""Slants tried, as columns per row; positive leans to the right."""


@dataclass(frozen=True, slots=True)
class _Components:
    """Connected components of a sheet: label picture and, per component, its box and area."""

    labels: NDArray[np.int32]
    boxes: NDArray[np.int32]
    """``(n, 5)``: x, y, width, height, area; row ``i`` is label ``i + 1``."""


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
    components = _components(sheet)
    groups = _chains(components.boxes, _is_surrounding(components.boxes, sheet.ink.shape))
    if min(sheet.ink.shape) >= PAGE_SIDE:
        groups = [group for group in groups if not _is_print(components.boxes[group])]
    lines = [line for group in groups if (line := _line(sheet, components, group)) is not None]
    return tuple(_reading_order(lines))


def _components(sheet: Sheet) -> _Components:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        sheet.ink.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    return _Components(labels.astype(np.int32, copy=False), stats[1:].astype(np.int32))


# --- lines ------------------------------------------------------------------------------------------------------


def _is_surrounding(boxes: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Components as large as a page: the desk around the paper, a frame around a form."""
    height, width = shape
    if min(shape) < CROP_SIDE:
        return np.zeros(len(boxes), dtype=np.bool_)
    return np.asarray((boxes[:, 3] > 0.7 * height) | (boxes[:, 2] > 0.7 * width), dtype=np.bool_)


def _chains(boxes: NDArray[np.int32], left_out: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Group components into rows: neighbours that stand side by side at about the same height.

    Parameters
    ----------
    boxes : (n, 5) int32 ndarray
    left_out : (n,) bool ndarray
        Components that belong to no row.

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
    parent = np.arange(len(core))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    reach = np.searchsorted(cx, cx + cw + MAX_GAP * tallest, side="right")
    for i in range(len(core)):
        j = np.arange(i + 1, reach[i])
        gap = cx[j] - (cx[i] + cw[i])
        overlap = np.minimum(cy[i] + ch[i], cy[j] + ch[j]) - np.maximum(cy[i], cy[j])
        small, large = np.minimum(ch[i], ch[j]), np.maximum(ch[i], ch[j])
        near = (
            (gap <= MAX_GAP * np.minimum(large, 1.5 * small))
            & (overlap >= 0.45 * small)
            & (large <= 2.6 * small)
        )
        for k in j[near]:
            parent[root(int(k))] = root(i)
    roots = np.array([root(i) for i in range(len(core))])
    chains = [core[roots == r] for r in np.unique(roots)]
    return _with_small_ink(chains, boxes, np.setdiff1d(np.flatnonzero((area >= 3) & ~left_out), core))


def _may_be_digit(boxes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Components that may be a digit or a good part of one, by their size alone."""
    w, h = boxes[:, 2], boxes[:, 3]
    upright = h >= 10
    strokes = h[upright]
    if not len(strokes):
        return np.zeros(len(boxes), dtype=np.bool_)
    # The tallest third sets the scale, so that dots, texture and fine print do not.
    scale = float(np.percentile(strokes, 80))
    blob = (h > 4 * scale) & (boxes[:, 4] > 0.5 * w * h)
    return upright & (h >= 0.3 * scale) & (w <= 12 * h) & (boxes[:, 4] >= 12) & ~blob


def _is_print(boxes: NDArray[np.int32]) -> bool:
    """Whether a row is a line of print: long, fine and dense as no handwritten number is."""
    if len(boxes) < 14:
        return False
    boxes = boxes[np.argsort(boxes[:, 0])]
    height = float(np.median(boxes[:, 3]))
    gaps = boxes[1:, 0] - (boxes[:-1, 0] + boxes[:-1, 2])
    return height < 26 and float(np.median(gaps)) < 0.4 * height


def _with_small_ink(
    chains: list[NDArray[np.intp]], boxes: NDArray[np.int32], small: NDArray[np.intp]
) -> list[NDArray[np.intp]]:
    """Give each row the small ink within it: flags, broken strokes, dots, commas."""
    x, y, w, h, _ = boxes.T
    centre_x, centre_y = x[small] + w[small] / 2, y[small] + h[small] / 2
    out = []
    for chain in chains:
        scale = float(np.percentile(h[chain], 60))
        left, right = x[chain].min() - 0.8 * scale, (x[chain] + w[chain]).max() + 0.8 * scale
        top, bottom = y[chain].min() - 0.25 * scale, (y[chain] + h[chain]).max() + 0.35 * scale
        inside = (centre_x >= left) & (centre_x <= right) & (centre_y >= top) & (centre_y <= bottom)
        solid = np.maximum(w[small], h[small]) >= 0.1 * scale
        out.append(np.concatenate([chain, small[inside & solid]]))
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


# --- pieces and candidates --------------------------------------------------------------------------------------


def _line(sheet: Sheet, components: _Components, group: NDArray[np.intp]) -> Line | None:
    boxes = components.boxes[group]
    x0, y0 = boxes[:, 0].min(), boxes[:, 1].min()
    x1, y1 = (boxes[:, 0] + boxes[:, 2]).max(), (boxes[:, 1] + boxes[:, 3]).max()
    scale = float(np.percentile(boxes[boxes[:, 3] >= 0.5 * boxes[:, 3].max(), 3], 50))
    lookup = np.zeros(len(components.boxes) + 1, dtype=np.int16)
    lookup[group + 1] = np.arange(1, len(group) + 1)
    labels = lookup[components.labels[y0:y1, x0:x1]]
    grey = sheet.grey[y0:y1, x0:x1]

    shear = _slant(labels) if len(group) > 1 else 0.0
    upright, dark, to_sheet = _sheared(labels, grey, shear, (int(x0), int(y0)))
    pieces = _pieces(upright, scale)
    if pieces.max(initial=0) == 0:
        return None
    piece_boxes = _piece_boxes(pieces, to_sheet)
    return Line(
        around(piece_boxes), scale, tuple(piece_boxes), tuple(_candidates(pieces, dark, piece_boxes, scale)),
        pieces, to_sheet,
    )  # fmt: skip


def _slant(labels: NDArray[np.int16]) -> float:
    """Slant of the strokes, as columns per row: the shear whose column profile is the sharpest."""
    ys, xs = np.nonzero(labels)
    if len(ys) > 4000:
        step = len(ys) // 4000 + 1
        ys, xs = ys[::step], xs[::step]
    height, width = labels.shape
    offset = (height / 2 - ys)[None, :] * SHEARS[:, None]
    columns = (xs[None, :] - offset + height).astype(np.int64)
    size = width + 2 * height + 2
    columns = np.clip(columns, 0, size - 1) + np.arange(len(SHEARS))[:, None] * size
    profiles = np.bincount(columns.ravel(), minlength=len(SHEARS) * size).reshape(len(SHEARS), size)
    sharpness = (profiles.astype(np.float64) ** 2).sum(axis=1)
    upright = int(np.argmin(np.abs(SHEARS)))
    best = int(sharpness.argmax())
    return float(SHEARS[best]) if sharpness[best] > 1.06 * sharpness[upright] else 0.0


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


def _pieces(labels: NDArray[np.int16], scale: float) -> NDArray[np.int16]:
    """Cut wide components where they are thin, and number all pieces from left to right, from 1."""
    parts: list[tuple[float, int, int, int]] = []
    boxes = _label_boxes(labels)
    for label, (x, y, w, h) in boxes.items():
        cuts = [0, *_cuts((labels[y : y + h, x : x + w] == label), scale), w]
        for left, right in pairwise(cuts):
            parts.append((x + (left + right) / 2, label, x + left, x + right))
    parts.sort()
    pieces = np.zeros_like(labels)
    for number, (_, label, left, right) in enumerate(parts, start=1):
        _, y, _, h = boxes[label]
        window = labels[y : y + h, left:right]
        pieces[y : y + h, left:right][window == label] = number
    return pieces


def _label_boxes(labels: NDArray[np.int16]) -> dict[int, tuple[int, int, int, int]]:
    """Bounding box of each label as x, y, width, height."""
    ys, xs = np.nonzero(labels)
    values = labels[ys, xs].astype(np.intp)
    count = int(values.max(initial=0)) + 1
    x0, y0 = np.full(count, labels.shape[1]), np.full(count, labels.shape[0])
    x1, y1 = np.zeros(count, dtype=int), np.zeros(count, dtype=int)
    np.minimum.at(x0, values, xs)
    np.maximum.at(x1, values, xs + 1)
    np.minimum.at(y0, values, ys)
    np.maximum.at(y1, values, ys + 1)
    return {
        int(k): (int(x0[k]), int(y0[k]), int(x1[k] - x0[k]), int(y1[k] - y0[k]))
        for k in range(1, count)
        if x1[k] > x0[k]
    }


def _cuts(part: NDArray[np.bool_], scale: float) -> list[int]:
    """Columns at which a component may be two digits: minima of its column profile, away from its ends.

    Thin places are always cut; a piece still wider than a digit is cut where it is thinnest.
    """
    width = part.shape[1]
    if width < 0.5 * scale:
        return []
    profile = part.sum(axis=0).astype(np.float32)
    smooth = cv2.blur(profile[None, :], (max(1, round(0.06 * scale)) | 1, 1))[0]
    spacing = max(3, round(0.17 * scale))
    margin = max(2, round(0.12 * scale))
    free = np.zeros(width, dtype=bool)
    free[margin : width - margin] = True
    limit = THIN * float(np.percentile(smooth, 90))
    cuts: list[int] = []
    while len(cuts) < MAX_CUTS and free.any():
        column = int(np.where(free, smooth, np.inf).argmin())
        ends = sorted([0, *cuts, width])
        wide = any(a < column < b and b - a > WIDE * scale for a, b in pairwise(ends))
        if smooth[column] > limit and not wide:
            free[column] = False
            continue
        if smooth[column] <= smooth[max(0, column - 1) : column + 2].min():
            cuts.append(column)
        free[max(0, column - spacing) : column + spacing + 1] = False
    return sorted(cuts)


def _piece_boxes(pieces: NDArray[np.int16], to_sheet: NDArray[np.float64]) -> list[Box]:
    """Tight boxes of the pieces in sheet pixels."""
    ys, xs = np.nonzero(pieces)
    order = pieces[ys, xs].astype(np.intp) - 1
    sheet_x = np.round(xs * to_sheet[0, 0] + ys * to_sheet[0, 1] + to_sheet[0, 2]).astype(np.intp)
    sheet_y = np.round(ys + to_sheet[1, 2]).astype(np.intp)
    count = int(order.max()) + 1
    big = np.iinfo(np.intp).max
    x0, y0 = np.full(count, big), np.full(count, big)
    x1, y1 = np.full(count, -1), np.full(count, -1)
    np.minimum.at(x0, order, sheet_x)
    np.maximum.at(x1, order, sheet_x + 1)
    np.minimum.at(y0, order, sheet_y)
    np.maximum.at(y1, order, sheet_y + 1)
    return [
        Box(int(max(a, 0)), int(max(b, 0)), int(c - a), int(d - b))
        for a, b, c, d in zip(x0, y0, x1, y1, strict=True)
    ]


def _candidates(pieces: NDArray[np.int16], dark: Grey, boxes: list[Box], scale: float) -> list[Candidate]:
    upright = _label_boxes(pieces)
    found = []
    for first in range(len(boxes)):
        x0, y0, w, h = upright.get(first + 1, (0, 0, 0, 0))
        x1, y1 = x0 + w, y0 + h
        box = boxes[first]
        for last in range(first + 1, min(first + MAX_RUN, len(boxes)) + 1):
            if last > first + 1:
                px, py, pw, ph = upright.get(last, (x0, y0, 0, 0))
                if px - x1 > 0.5 * scale:
                    break
                x0, y0, x1, y1 = min(x0, px), min(y0, py), max(x1, px + pw), max(y1, py + ph)
                box = box.union(boxes[last - 1])
            if last > first + 1 and x1 - x0 > MAX_WIDTH * scale:
                break
            window = pieces[y0:y1, x0:x1]
            mine = cv2.inRange(window, first + 1, last)
            found.append(
                Candidate(first, last, box, cv2.bitwise_and(dark[y0:y1, x0:x1], mine).astype(np.uint8))
            )
    return found
