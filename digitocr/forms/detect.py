"""Where people write on a form: boxes, rows of cells and lines, found by their rulings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.forms.print_lines import MIN_RULING_SHARE, SIDE_PX, Rulings, rulings_of, scaled
from digitocr.forms.template import MAX_DIGITS, Field, Kind, Template, divided
from digitocr.forms.upright import make_upright
from digitocr.imaging.components import components
from digitocr.imaging.geometry import Geometry, straighten
from digitocr.imaging.paper import Paper
from digitocr.records import Box, Grey, Mask, Transform, around

MIN_HEIGHT_SHARE, MAX_HEIGHT_SHARE = 0.01, 0.12
"""Height of a field, as a share of the page's longer side; it is at least as wide as the minimum."""

MAX_WIDTH_SHARE = 0.9
"""Width of a field, as a share of the page's: what is wider frames the whole page."""

MAX_CELL_ASPECT = 1.5
"""Width over height of a cell for one digit."""

MIN_CONVEX_SHARE = 0.92
"""Share of its bounding box that the convex hull of a box covers."""

MIN_FREE_SHARE = 0.35
"""Share of its bounding box that is free of lines, guides and writing included."""

MIN_FRAMED_SHARE = 0.85
"""Share of each side of a box, or of a line to write on, along which there is a ruling."""

GAP_PX = 11
"""Rulings are closed over shorter gaps."""

EXTENSION_PX = GAP_PX - 8
"""Rulings are dilated along their length by a kernel of this size, so that corners are closed."""

FRAME_PX = 2
"""From the inner edge of a frame to the middle of its ruling."""

FRAME_REACH_PX = 5
"""A ruling counts as a side of a box within this distance."""

INSET_PX = 4
"""This far within a box, or above a line, its ruling has ended."""

BESIDE_PX, BESIDE_WIDTH_PX = 6, 2
"""Distance and width of the strips beside a frame in which there must be paper."""

PAPER_PERCENTILE = 90
"""Brightness at this percentile is that of paper."""

MIN_PAPER_BRIGHTNESS = 0.6
"""Median brightness in and beside a box, relative to paper: darker are codes and thick bars."""

MAX_MARK_BRIGHTNESS = 0.75
"""What is darker than this, relative to paper, is a mark."""

SAME_BOX_SHARE = 0.75
"""Of two boxes within each other, a smaller one above this share of the area is the same one without its line."""

ALIKE_SHARE = 0.2
"""Cells of a row differ by at most this share of their size."""

MAX_GAP_SHARE, MAX_OVERLAP_SHARE = 0.5, 0.2
"""Gap and overlap of two cells of a row, as shares of their size."""

EVEN_PX = 6
"""Cells that lie this close to even ones are even, so that the template is short."""

WITHIN_PX = 4
"""A box within another may exceed it by this: the width of a line."""

MIN_PRINT_MARKS = 5
"""A box with this many small marks holds print."""

MIN_MARK_HEIGHT_SHARE, MAX_MARK_HEIGHT, MIN_MARK_AREA_PX = 0.003, 0.5, 12
"""Height of a small mark, as a share of the page's longer side and in heights of its box; and its area."""

SPACE_SHARE = 0.022
"""Height of the space above a line to write on, as a share of the page's longer side."""

MIN_LINE_SHARE, MAX_LINE_SHARE = 0.04, 0.6
"""Length of a line to write on, as a share of the page's longer side."""

MAX_LINE_PX = 10
"""Maximum height of a line to write on, its slant included."""

AROUND_BOX_PX = 6
"""Lines within this distance of a box are its frame."""

CROSSING_PX = 7
"""Upright rulings are dilated by a kernel of this size: a line that meets one bounds a table."""

MAX_DARK_SHARE = 0.01
"""Share of dark pixels in an empty space above a line."""


@dataclass(frozen=True, slots=True)
class Detected:
    """A flattened form, and where people write on it.

    Attributes
    ----------
    grey : (H, W) uint8 ndarray
        The reference: its longer side has `SIDE_PX` pixels.
    to_page : (3, 3) float64 ndarray
        Homography from its pixels to those of the page.
    fields : tuple of Field
        In reading order, called ``field1`` and so on.
    """

    grey: Grey
    to_page: Transform
    fields: tuple[Field, ...]

    def template(self, name: str) -> Template:
        """Return the template of the form under this name."""
        height, width = self.grey.shape
        return Template(name, (width, height), self.fields)


def detect(page: Grey) -> Detected:
    """Flatten a form and find where people write on it.

    Parameters
    ----------
    page : (H, W) uint8 ndarray
        An empty form, scanned or photographed, the right way up.

    Returns
    -------
    Detected
    """
    grey, to_page = straighten(page, Geometry(), Paper())
    grey, to_scaled = scaled(grey)
    grey, to_page = make_upright(grey, to_page @ np.linalg.inv(to_scaled))
    return Detected(grey, to_page, fields_on(grey))


def fields_on(grey: Grey) -> tuple[Field, ...]:
    """Find boxes, rows of cells and lines to write on.

    Parameters
    ----------
    grey : (H, W) uint8 ndarray
        A flattened form, its longer side `SIDE_PX`.

    Returns
    -------
    tuple of Field
        In reading order, called ``field1`` and so on.
    """
    rulings = rulings_of(grey)
    boxes = _boxes(rulings, grey)
    rows = _completed([box for box in boxes if box.width <= MAX_CELL_ASPECT * box.height], rulings)
    cells = [cell for row in rows for cell in row]
    rows = [row for row in rows if not any(_within(cell, outer) for outer in row for cell in cells)]
    taken = [cell for row in rows for cell in row]
    single = [
        box
        for box in boxes
        if box not in taken
        and not any(_within(box, cell) or _within(cell, box) for cell in taken)
        and not any(_within(other, box) for other in boxes if other != box)
        and not _is_print(grey, box)
    ]
    found = [Field("", around(row), cells=_even(row)) for row in rows]
    found += [Field("", box) for box in (*single, *_spaces(rulings, grey, [*single, *taken]))]
    ordered = _in_reading_order([field for field in found if len(field.cells) <= MAX_DIGITS])
    return tuple(
        replace(field, name=f"field{i}", kind=Kind.NUMBER, length=(1, len(field.cells) or MAX_DIGITS))
        for i, field in enumerate(ordered, 1)
    )


def _boxes(rulings: Rulings, grey: Grey) -> list[Box]:
    """Find the rectangles that rulings enclose, their frames included."""
    lines = _bridged(rulings.across, (1, GAP_PX)) | _bridged(rulings.down, (GAP_PX, 1))
    contours, _ = cv2.findContours(1 - lines, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    height, width = grey.shape
    found = []
    for contour in contours:
        x, y, w, h = cv2.boundingRect(contour)
        if not MIN_HEIGHT_SHARE * SIDE_PX <= h <= MAX_HEIGHT_SHARE * SIDE_PX:
            continue
        if not MIN_HEIGHT_SHARE * SIDE_PX <= w <= MAX_WIDTH_SHARE * width:
            continue
        if x <= 0 or y <= 0 or x + w >= width or y + h >= height:
            continue
        whole = (w - 1) * (h - 1)
        hull = cv2.contourArea(cv2.convexHull(contour))
        if hull >= MIN_CONVEX_SHARE * whole and cv2.contourArea(contour) >= MIN_FREE_SHARE * whole:
            found.append(Box(x - FRAME_PX, y - FRAME_PX, w + 2 * FRAME_PX, h + 2 * FRAME_PX))
    return _distinct([box for box in found if _is_framed(box, rulings) and _is_paper(grey, box)])


def _is_framed(box: Box, rulings: Rulings) -> bool:
    """Tell whether a box has a ruling on every side; white between words and in QR codes has none."""
    rows, columns = slice(max(0, box.y), box.bottom), slice(max(0, box.x), box.right)

    def near(edge: int) -> slice:
        return slice(max(0, edge - FRAME_REACH_PX), edge + FRAME_REACH_PX + 1)

    sides = [rulings.across[near(y), columns].any(axis=0) for y in (box.y, box.bottom)]
    sides += [rulings.down[rows, near(x)].any(axis=1) for x in (box.x, box.right)]
    return all(side.mean() >= MIN_FRAMED_SHARE for side in sides)


def _is_paper(grey: Grey, box: Box) -> bool:
    """Tell whether there is paper in a box and just outside its frame; not so within a code or a thick bar."""
    high, out = box.height, BESIDE_PX + BESIDE_WIDTH_PX
    around_it = grey[max(0, box.y - high) : box.bottom + high, max(0, box.x - high) : box.right + high]
    rows, columns = slice(box.y, box.bottom), slice(box.x, box.right)
    beside = [grey[y : y + BESIDE_WIDTH_PX, columns] for y in (max(0, box.y - out), box.bottom + BESIDE_PX)]
    beside += [grey[rows, x : x + BESIDE_WIDTH_PX] for x in (max(0, box.x - out), box.right + BESIDE_PX)]
    least = MIN_PAPER_BRIGHTNESS * _paper_brightness(around_it)
    return all(part.size > 0 and float(np.median(part)) > least for part in (_inner(grey, box), *beside))


def _inner(grey: Grey, box: Box) -> Grey:
    """Return what is within the frame of a box."""
    return grey[box.y + INSET_PX : box.bottom - INSET_PX, box.x + INSET_PX : box.right - INSET_PX]


def _paper_brightness(part: Grey) -> float:
    return float(np.percentile(part, PAPER_PERCENTILE))


def _marks(part: Grey) -> Mask:
    """Return what is darker than paper."""
    return np.asarray(part < MAX_MARK_BRIGHTNESS * _paper_brightness(part), dtype=np.bool_)


def _bridged(lines: Mask, gap: tuple[int, int]) -> NDArray[np.uint8]:
    """Close small gaps of rulings along their length, and extend them so that corners are closed."""
    closed = cv2.morphologyEx(lines.astype(np.uint8), cv2.MORPH_CLOSE, np.ones(gap, np.uint8))
    kernel = np.ones([min(side, EXTENSION_PX) for side in gap], np.uint8)
    return np.asarray(cv2.dilate(closed, kernel), np.uint8)


def _distinct(boxes: Sequence[Box]) -> list[Box]:
    """Keep one of boxes that are the same but for the width of their lines."""
    found: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.width * box.height):
        if not any(
            _within(box, other) and box.width * box.height > SAME_BOX_SHARE * other.width * other.height
            for other in found
        ):
            found.append(box)
    return found


def _rows(boxes: Sequence[Box]) -> list[list[Box]]:
    """Group boxes of one size that stand side by side."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: (box.x, box.y)):
        for row in rows:
            last = row[-1]
            gap = box.x - last.right
            is_level = abs(box.y - last.y) <= ALIKE_SHARE * box.height
            is_near = -MAX_OVERLAP_SHARE * box.width <= gap <= MAX_GAP_SHARE * box.width
            if is_level and is_near and _same_size(box, last):
                row.append(box)
                break
        else:
            rows.append([box])
    return [row for row in rows if len(row) > 1]


def _completed(boxes: Sequence[Box], rulings: Rulings) -> list[list[Box]]:
    """Group cells in rows, and add those of which only the frame is seen, as writing or a guide divides them."""
    cells = list(boxes)
    steps = [(row[0], round((row[-1].x - row[0].x) / (len(row) - 1))) for row in _rows(boxes)]
    for cell in cells:  # grows as it goes
        likely = {step for other, step in steps if _same_size(cell, other)}
        for x in sorted({cell.x + way * step for step in likely for way in (-1, 1)}):
            there = replace(cell, x=x)
            if not any(_overlap(there, other) for other in cells) and _is_framed(there, rulings):
                cells.append(there)
    return _rows(cells)


def _same_size(box: Box, other: Box) -> bool:
    return (
        abs(box.width - other.width) <= ALIKE_SHARE * box.width
        and abs(box.height - other.height) <= ALIKE_SHARE * box.height
    )


def _overlap(box: Box, other: Box) -> bool:
    """Tell whether two boxes of about one size overlap by more than their frames."""
    shared = box.intersection(other)
    is_wide = shared.width > MAX_OVERLAP_SHARE * box.width
    return is_wide and shared.height > MAX_OVERLAP_SHARE * box.height and _same_size(box, other)


def _even(row: Sequence[Box]) -> tuple[Box, ...]:
    """Return cells that divide their row evenly where they nearly do, so that the template is short."""
    even = divided(around(tuple(row)), len(row))
    off = max(abs(cell.x - at.x) + abs(cell.right - at.right) for cell, at in zip(row, even, strict=True))
    return even if off <= EVEN_PX else tuple(row)


def _within(box: Box, other: Box) -> bool:
    """Tell whether a box lies in another, but for the width of a line."""
    return (
        box.x >= other.x - WITHIN_PX
        and box.y >= other.y - WITHIN_PX
        and box.right <= other.right + WITHIN_PX
        and box.bottom <= other.bottom + WITHIN_PX
        and box != other
    )


def _is_print(grey: Grey, box: Box) -> bool:
    """Tell whether a box holds printed text: marks much smaller than what people would write into it."""
    inner = _inner(grey, box)
    if inner.size == 0:
        return True
    _, marks = components(_marks(inner))
    heights, areas = marks[:, 3], marks[:, 4]
    is_mark = (heights >= MIN_MARK_HEIGHT_SHARE * SIDE_PX) & (areas >= MIN_MARK_AREA_PX)
    return int((is_mark & (heights <= MAX_MARK_HEIGHT * box.height)).sum()) >= MIN_PRINT_MARKS


def _spaces(rulings: Rulings, grey: Grey, boxes: Sequence[Box]) -> Iterator[Box]:
    """Yield the spaces above lines to write on: lines that bound no box and have white above them."""
    alone = rulings.across.copy()
    for box in boxes:
        alone[
            max(0, box.y - AROUND_BOX_PX) : box.bottom + AROUND_BOX_PX,
            max(0, box.x - AROUND_BOX_PX) : box.right + AROUND_BOX_PX,
        ] = False
    crossing = cv2.dilate(rulings.down.astype(np.uint8), np.ones((CROSSING_PX, CROSSING_PX), np.uint8))
    run = np.ones((1, round(MIN_RULING_SHARE * SIDE_PX)), np.uint8)
    solid = cv2.morphologyEx(rulings.dark, cv2.MORPH_OPEN, run)
    labels, lines = components(alone)
    high = round(SPACE_SHARE * SIDE_PX)
    for i, (x, y, width, height, _) in enumerate(lines.tolist(), start=1):
        if (
            not MIN_LINE_SHARE * SIDE_PX <= width <= MAX_LINE_SHARE * SIDE_PX
            or height > MAX_LINE_PX
            or y < high
        ):
            continue
        part = slice(y, y + height), slice(x, x + width)
        is_crossed = np.any(crossing[part][labels[part] == i])
        if is_crossed or solid[part].any(axis=0).mean() < MIN_FRAMED_SHARE:
            continue
        above = grey[y - high : y - INSET_PX, x : x + width]
        if float(_marks(above).mean()) < MAX_DARK_SHARE:
            yield Box(x, y - high, width, high + height // 2)


def _in_reading_order(fields: Sequence[Field]) -> list[Field]:
    """Order fields in rows from the top, and from left to right in each."""
    left = sorted(fields, key=lambda field: field.box.y)
    ordered: list[Field] = []
    while left:
        first = left[0].box
        row = [field for field in left if field.box.y < first.y + first.height / 2]
        ordered += sorted(row, key=lambda field: field.box.x)
        left = [field for field in left if field not in row]
    return ordered
