"""Ink to lines of digit candidates: contours, broken strokes joined, touching digits cut in several ways."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from digitocr.imaging.components import quantile
from digitocr.imaging.cuts import Cuts, cut_columns
from digitocr.imaging.rows import (
    Rows,
    chain,
    is_around_writing,
    is_print,
    is_surrounding,
    reading_order,
    split_at_uprights,
    with_strays,
)
from digitocr.imaging.sheet import Candidate, Line, Sheet
from digitocr.records import Box, Grey, PageKind


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How a row becomes pieces and candidates.

    Attributes
    ----------
    max_run : int
        A digit is made of at most this many pieces.
    max_width : float
        A digit is at most this wide, in heights of its row.
    max_piece_gap : float
        Pieces further apart than this, in heights of the row, are not of one digit.
    tall_share : float
        Pieces at least this high, of the highest, tell the height of the row.
    slant_rows : int
        A row is shrunk to this height where its slant is measured, in pixels.
    min_slant_deg, max_slant_deg, slant_step_deg : int
        Slants tried; positive leans to the right.
    slant_penalty : float
        Share of its sharpness that a slant loses, times the columns it leans per row.
    home_share : float
        A component with this share of its ink in one cell is wholly of that cell.
    cell_pieces : int
        In a cell at most so many components count, the largest.
    """

    max_run: int = 5
    max_width: float = 1.7
    max_piece_gap: float = 0.5
    tall_share: float = 0.5
    slant_rows: int = 48
    min_slant_deg: int = -20
    max_slant_deg: int = 50
    slant_step_deg: int = 5
    slant_penalty: float = 0.2
    home_share: float = 0.8
    cell_pieces: int = 6


def segment(sheet: Sheet, p: Segmentation, rows: Rows, cuts: Cuts) -> tuple[Line, ...]:
    """Find the lines of a sheet and the digit candidates of each.

    Parameters
    ----------
    sheet : Sheet
    p : Segmentation
    rows : Rows
    cuts : Cuts

    Returns
    -------
    tuple of Line
        In reading order: rows from the top, left to right.
    """
    _, boxes = sheet.components
    shape = sheet.ink.shape
    if sheet.kind is PageKind.PAGE:
        groups = chain(boxes, is_surrounding(boxes, shape, rows), rows.max_page_gap, rows)
        groups = [group for group in groups if not is_print(boxes[group], shape, rows)]
    else:
        inner = np.flatnonzero(~is_around_writing(sheet.components, rows))
        chains = chain(boxes[inner], np.zeros(len(inner), np.bool_), rows.max_field_gap, rows)
        groups = [inner[row] for row in with_strays(chains, boxes[inner], rows)]
    if sheet.uprights is not None:
        groups = [part for group in groups for part in split_at_uprights(group, boxes, sheet.uprights, rows)]
    lines = [line for group in groups if (line := _line(sheet, group, p, cuts)) is not None]
    return alone_marked(reading_order(lines))


def alone_marked(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Mark the only line of a sheet as such.

    Parameters
    ----------
    lines : sequence of Line

    Returns
    -------
    tuple of Line
    """
    return (replace(lines[0], is_alone=True),) if len(lines) == 1 else tuple(lines)


def field_line(sheet: Sheet, cells: Sequence[Box], room: int, p: Segmentation, cuts: Cuts) -> Line | None:
    """Take all ink of a field for one row of digits.

    Parameters
    ----------
    sheet : Sheet
        The field, with nothing but what was written into it.
    cells : sequence of Box
        In sheet pixels, from left to right; each holds one digit at most. None where digits are written freely.
    room : int
        How many digits it may hold.
    p : Segmentation
    cuts : Cuts

    Returns
    -------
    Line or None
        None where the field is blank.
    """
    _, boxes = sheet.components
    if not len(boxes):
        return None
    if not cells:
        line = _line(sheet, np.arange(len(boxes)), p, cuts)
        return None if line is None else replace(line, room=room)
    return _cell_line(sheet, cells, p)


# --- cells ------------------------------------------------------------------------------------------------------


def _cell_line(sheet: Sheet, cells: Sequence[Box], p: Segmentation) -> Line | None:
    """Give each cell its ink: pieces are components, cut only where they reach from cell to cell."""
    labels, boxes = sheet.components
    ends = [(a.right + b.x) / 2 for a, b in pairwise(cells)]
    cell_of_column = np.searchsorted(ends, np.arange(labels.shape[1]) + 0.5)
    ys, xs = np.nonzero(labels)
    component, cell = labels[ys, xs].astype(np.int64), cell_of_column[xs]
    shares = np.zeros((len(boxes) + 1, len(cells)))
    np.add.at(shares, (component, cell), 1)
    home = shares.argmax(axis=1)
    is_home = shares.max(axis=1) >= p.home_share * shares.sum(axis=1)
    cell = np.where(is_home[component], home[component], cell)
    # pieces in order of cells, and within a cell from left to right
    part, of_pixel = np.unique(component * len(cells) + cell, return_inverse=True)
    area = np.bincount(of_pixel)
    middle = np.bincount(of_pixel, weights=xs) / area
    in_cell = part % len(cells)
    kept = np.zeros(len(part), dtype=np.bool_)
    for one in range(len(cells)):
        there = np.flatnonzero(in_cell == one)
        kept[there[np.argsort(-area[there])][: p.cell_pieces]] = True
    order = np.lexsort((middle, in_cell))
    order = order[kept[order]]
    number = np.zeros(len(part), dtype=np.int16)
    number[order] = np.arange(1, len(order) + 1)
    pieces = np.zeros(labels.shape, dtype=np.int16)
    pieces[ys, xs] = number[of_pixel]

    (x0, y0, x1, y1) = _extents((pieces > 0).astype(np.int16))[0].tolist()
    pieces, grey = pieces[y0:y1, x0:x1], sheet.grey[y0:y1, x0:x1]
    heights = np.array([high - low for _, low, _, high in _extents(pieces)])
    scale = quantile(heights[heights >= p.tall_share * heights.max()], 0.5)
    shear = _slant(pieces, p) if len(order) > 1 else 0.0
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
        sheet.to_page,
        sheet.page,
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


def _line(sheet: Sheet, group: NDArray[np.intp], p: Segmentation, cuts: Cuts) -> Line | None:
    on_sheet, all_boxes = sheet.components
    boxes = all_boxes[group]
    x0, y0 = boxes[:, :2].min(axis=0).tolist()
    x1, y1 = (boxes[:, :2] + boxes[:, 2:4]).max(axis=0).tolist()
    lookup = np.zeros(len(all_boxes) + 1, dtype=np.int16)
    lookup[group + 1] = np.arange(1, len(group) + 1)
    labels = np.take(lookup, on_sheet[y0:y1, x0:x1])
    return line_of(sheet, labels, boxes, sheet.grey[y0:y1, x0:x1], (x0, y0), p, cuts)


def line_of(
    sheet: Sheet,
    labels: NDArray[np.int16],
    boxes: NDArray[np.int32],
    grey: Grey,
    origin: tuple[int, int],
    p: Segmentation,
    cuts: Cuts,
) -> Line | None:
    """Make a line of some components.

    Parameters
    ----------
    sheet : Sheet
    labels : (h, w) int16 ndarray
        The components, from 1, in a part of the sheet.
    boxes : (n, 5) int32 ndarray
        Their boxes, as of :func:`digitocr.imaging.components.components`.
    grey : (h, w) uint8 ndarray
        That part of the sheet.
    origin : tuple of int
        Column and row of the sheet at which it begins.
    p : Segmentation
    cuts : Cuts

    Returns
    -------
    Line or None
        None where taking the slant out leaves nothing.
    """
    scale = quantile(boxes[boxes[:, 3] >= p.tall_share * boxes[:, 3].max(), 3], 0.5)
    shear = _slant(labels, p) if len(boxes) > 1 else 0.0
    upright, dark, to_sheet = _sheared(labels, grey, shear, origin)
    pieces, owners = _pieces(upright, scale, cuts)
    windows = _extents(pieces)
    if not len(windows):
        return None
    ends = _on_sheet(pieces, windows, to_sheet)
    candidates = tuple(_candidates(windows, ends, owners, scale, p))
    (whole,) = _boxes(np.hstack([ends[:, :2].min(axis=0), ends[:, 2:].max(axis=0)])[None])
    return Line(
        whole,
        scale,
        tuple(_boxes(ends)),
        tuple(_boxes(windows)),
        candidates,
        pieces,
        dark,
        to_sheet,
        sheet.to_page,
        sheet.page,
    )


def _slant(labels: NDArray[np.int16], p: Segmentation) -> float:
    """Slant of the strokes, as columns per row: the shear whose column profile is the sharpest.

    Wide round digits are sharp along their own sides, too, so a great slant must be the sharper.
    """
    height, width = labels.shape
    rows = min(height, p.slant_rows)
    angles = np.arange(p.min_slant_deg, p.max_slant_deg + 1, p.slant_step_deg)
    shears = np.tan(np.radians(angles))
    size = (max(1, round(width * rows / height)), rows)
    ink = cv2.resize((labels > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    pad = math.ceil(rows / 2 * float(np.abs(shears).max()))
    sheared = np.zeros((rows, len(shears), size[0] + 2 * pad + 1), dtype=np.float32)
    aside = (pad - (rows / 2 - np.arange(rows)[:, None]) * shears).astype(np.intp)
    places = np.lib.stride_tricks.sliding_window_view(sheared, size[0], axis=2, writeable=True)
    places[np.arange(rows)[:, None], np.arange(len(shears)), aside] = ink[:, None]
    sharpness = (sheared.sum(axis=0) ** 2).sum(axis=1)
    return float(shears[np.argmax(sharpness * (1 - p.slant_penalty * np.abs(shears)))])


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


def _pieces(labels: NDArray[np.int16], scale: float, p: Cuts) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
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
        cuts = cut_columns(part, scale, p)
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
    windows: NDArray[np.int64],
    boxes: NDArray[np.int64],
    owners: NDArray[np.int64],
    scale: float,
    p: Segmentation,
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
    p : Segmentation
    """
    count = len(owners)
    size = np.bincount(owners)
    window, box = windows.copy(), boxes.copy()
    alone, open_ = np.ones(count, dtype=bool), np.ones(count, dtype=bool)
    found: list[Candidate] = []
    for length in range(1, min(p.max_run, count) + 1):
        starts = count - length + 1
        window, box, alone, open_ = window[:starts], box[:starts], alone[:starts], open_[:starts]
        if length > 1:
            added = slice(length - 1, None)
            open_ = open_ & (windows[added, 0] - window[:, 2] <= p.max_piece_gap * scale)
            window, box = _unions(window, windows[added]), _unions(box, boxes[added])
            open_ &= window[:, 2] - window[:, 0] <= p.max_width * scale
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
