"""Where one may write on a form: boxes, rows of cells and lines, found by their rulings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from digitocr.forms.print_lines import LEAST_RULING, SIDE, Rulings, rulings_of, scaled
from digitocr.forms.template import LONGEST, Field, Kind, Template, divided
from digitocr.imaging.components import components
from digitocr.imaging.geometry import straighten
from digitocr.records import Box, Grey, Mask, Transform, around

LONG_RULING = 0.1
"""Of the longer side: by rulings this long a page is laid straight."""

LEAST_HEIGHT, MOST_HEIGHT = 0.01, 0.12
"""Of the longer side: what one can write into is this high."""

MOST_ASPECT = 1.5
"""Width of a cell for one digit over its height."""

LEAST_CONVEX = 0.92
"""Share of its bounding box that the convex hull of a box covers."""

LEAST_FILLED = 0.35
"""Share of it that is free of lines, guides and writing within it included."""

LEAST_FRAMED = 0.85
"""Share of each of its sides on which a box has a ruling."""

GAP = 11
"""Lines broken for fewer pixels are whole."""

ALIKE = 0.2
"""Cells of a row differ by at most this share of their size."""

MOST_GAP = 0.5
"""From cell to cell of a row, over their width."""

LETTERS = 5
"""A box with so many small marks holds print."""


_STIFFNESS = np.array([0.02, 0.02, 0.1, 0.1])
"""How little a page is sheared, and bent out of shape, where there are too few rulings to tell."""


@dataclass(frozen=True, slots=True)
class Detected:
    """A form laid flat, and where one may write on it.

    Attributes
    ----------
    grey : (H, W) uint8 ndarray
        The reference: its longer side has `SIDE` pixels.
    to_page : (3, 3) float64 ndarray
        From its pixels to those of the page.
    fields : tuple of Field
        In reading order, called ``field1`` and so on.
    """

    grey: Grey
    to_page: Transform
    fields: tuple[Field, ...]

    def template(self, name: str) -> Template:
        """Return the template of the form."""
        height, width = self.grey.shape
        return Template(name, (width, height), self.fields)


def detect(page: Grey) -> Detected:
    """Lay a form flat and find where one may write on it.

    Parameters
    ----------
    page : (H, W) uint8 ndarray
        An empty form, scanned or photographed; upright.
    """
    grey, to_page = straighten(page)
    grey, there = scaled(grey)
    to_page = to_page @ np.linalg.inv(there)
    for _ in range(2):  # rulings that slant much are seen in part only, until they slant less
        turn = _upright(rulings_of(grey), grey.shape)
        grey = cv2.warpPerspective(
            grey, turn, grey.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.uint8)
        to_page = to_page @ np.linalg.inv(turn)
    return Detected(grey, to_page, _fields(grey))


def annotated(grey: Grey, fields: Sequence[Field]) -> NDArray[np.uint8]:
    """Draw fields over their page, each with its name."""
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    for field in fields:
        for cell in field.cells:
            cv2.rectangle(picture, (cell.x, cell.y), (cell.right, cell.bottom), (200, 120, 0), 1)
        b = field.box
        cv2.rectangle(picture, (b.x, b.y), (b.right, b.bottom), (0, 90, 230), 2)
        label = field.name.removeprefix("field")
        cv2.putText(
            picture, label, (b.x, b.y - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 200), 2, cv2.LINE_AA
        )
    return np.asarray(picture, dtype=np.uint8)


# --- rulings ----------------------------------------------------------------------------------------------------


def _segments(mask: Mask, *, is_across: bool) -> NDArray[np.float64]:
    """Return the ends of long lines: an array of shape ``(N, 4)``, x1, y1, x2, y2."""
    labels, boxes = components(mask)
    found = []
    for i, (x, y, width, height, _) in enumerate(boxes.tolist(), start=1):
        if max(width, height) < LONG_RULING * SIDE or min(width, height) > 0.2 * max(width, height):
            continue
        rows, columns = np.nonzero(labels[y : y + height, x : x + width] == i)
        along, across = (columns, rows) if is_across else (rows, columns)
        slope, offset = np.polyfit(along, across, 1)
        ends = [0.0, float(along.max())]
        line = [
            (t + x, slope * t + offset + y) if is_across else (slope * t + offset + x, t + y) for t in ends
        ]
        found.append([*line[0], *line[1]])
    return np.array(found, dtype=np.float64).reshape(-1, 4)


def _upright(rulings: Rulings, shape: tuple[int, int]) -> Transform:
    """Return the homography that lays long rulings level and upright, and keeps the middle of the page."""
    across, down = _segments(rulings.across, is_across=True), _segments(rulings.down, is_across=False)
    height, width = shape
    unit = np.array([[2 / SIDE, 0, -width / SIDE], [0, 2 / SIDE, -height / SIDE], [0, 0, 1]])

    def bent(shears: NDArray[np.float64]) -> Transform:
        a, b, p, q = shears
        return np.array([[1, a, 0], [b, 1, 0], [p, q, 1]], dtype=np.float64)

    def slants(shears: NDArray[np.float64]) -> NDArray[np.float64]:
        way = bent(shears) @ unit
        level = [_carried(way, across[:, i : i + 2])[:, 1] for i in (0, 2)]
        upright = [_carried(way, down[:, i : i + 2])[:, 0] for i in (0, 2)]
        return np.concatenate((level[0] - level[1], upright[0] - upright[1], _STIFFNESS * shears))

    found = least_squares(slants, np.zeros(4), bounds=(-0.3, 0.3), loss="soft_l1", f_scale=0.01)
    return np.asarray(np.linalg.inv(unit) @ bent(found.x) @ unit)


def _carried(way: Transform, points: NDArray[np.float64]) -> NDArray[np.float64]:
    carried = np.column_stack((points, np.ones(len(points)))) @ way.T
    return np.asarray(carried[:, :2] / carried[:, 2:])


# --- fields -----------------------------------------------------------------------------------------------------


def _fields(grey: Grey) -> tuple[Field, ...]:
    """Find boxes, rows of cells and lines to write on."""
    rulings = rulings_of(grey)
    boxes = _boxes(rulings, grey)
    rows = _completed([box for box in boxes if box.width <= MOST_ASPECT * box.height], rulings)
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
    ordered = _in_reading_order([field for field in found if len(field.cells) <= LONGEST])
    return tuple(
        replace(field, name=f"field{i}", kind=Kind.NUMBER, length=(1, len(field.cells) or LONGEST))
        for i, field in enumerate(ordered, 1)
    )


def _boxes(rulings: Rulings, grey: Grey) -> list[Box]:
    """Find the rectangles that rulings enclose, their frames included."""
    lines = _bridged(rulings.across, (1, GAP)) | _bridged(rulings.down, (GAP, 1))
    contours, _ = cv2.findContours(1 - lines, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    height, width = grey.shape
    found = []
    for contour in contours:
        x, y, w, h = cv2.boundingRect(contour)
        if not LEAST_HEIGHT * SIDE <= h <= MOST_HEIGHT * SIDE or w < LEAST_HEIGHT * SIDE or w > 0.9 * width:
            continue
        if x <= 0 or y <= 0 or x + w >= width or y + h >= height:
            continue
        whole = (w - 1) * (h - 1)
        hull = cv2.contourArea(cv2.convexHull(contour))
        if hull >= LEAST_CONVEX * whole and cv2.contourArea(contour) >= LEAST_FILLED * whole:
            found.append(Box(x - 2, y - 2, w + 4, h + 4))
    return _distinct([box for box in found if _is_framed(box, rulings) and _is_paper(grey, box)])


def _is_framed(box: Box, rulings: Rulings) -> bool:
    """Tell whether a box has a ruling on every side; white between words and in QR codes has not."""
    rows, columns = slice(max(0, box.y), box.bottom), slice(max(0, box.x), box.right)
    sides = [rulings.across[max(0, y - 5) : y + 6, columns].any(axis=0) for y in (box.y, box.bottom)]
    sides += [rulings.down[rows, max(0, x - 5) : x + 6].any(axis=1) for x in (box.x, box.right)]
    return all(side.mean() >= LEAST_FRAMED for side in sides)


def _is_paper(grey: Grey, box: Box) -> bool:
    """Tell whether there is paper in a box and right around its frame; not so within a code or a thick bar."""
    high = box.height
    around_it = grey[max(0, box.y - high) : box.bottom + high, max(0, box.x - high) : box.right + high]
    inside = grey[box.y + 4 : box.bottom - 4, box.x + 4 : box.right - 4]
    rows, columns = slice(box.y, box.bottom), slice(box.x, box.right)
    beside = [grey[y : y + 2, columns] for y in (max(0, box.y - 8), box.bottom + 6)]
    beside += [grey[rows, x : x + 2] for x in (max(0, box.x - 8), box.right + 6)]
    least = 0.6 * float(np.percentile(around_it, 90))
    return all(part.size > 0 and float(np.median(part)) > least for part in (inside, *beside))


def _bridged(lines: Mask, gap: tuple[int, int]) -> NDArray[np.uint8]:
    """Close small gaps of lines along their way, and make them a little longer, so that corners are closed."""
    closed = cv2.morphologyEx(lines.astype(np.uint8), cv2.MORPH_CLOSE, np.ones(gap, np.uint8))
    return np.asarray(cv2.dilate(closed, np.ones([max(1, side - 8) for side in gap], np.uint8)), np.uint8)


def _distinct(boxes: Sequence[Box]) -> list[Box]:
    """Leave one of boxes that are the same but for their lines' width."""
    found: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.width * box.height):
        if not any(
            _within(box, other) and box.width * box.height > 0.75 * other.width * other.height
            for other in found
        ):
            found.append(box)
    return found


def _rows(boxes: Sequence[Box]) -> list[list[Box]]:
    """Gather boxes of one size that stand side by side."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: (box.x, box.y)):
        for row in rows:
            last = row[-1]
            gap = box.x - last.right
            level = (
                abs(box.y - last.y) <= ALIKE * box.height
                and abs(box.height - last.height) <= ALIKE * box.height
            )
            near = -0.2 * box.width <= gap <= MOST_GAP * box.width
            if level and near and abs(box.width - last.width) <= ALIKE * box.width:
                row.append(box)
                break
        else:
            rows.append([box])
    return [row for row in rows if len(row) > 1]


def _completed(boxes: Sequence[Box], rulings: Rulings) -> list[list[Box]]:
    """Gather cells in rows, with those that writing or a guide cuts into pieces: their frames are there."""
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
        abs(box.width - other.width) <= ALIKE * box.width
        and abs(box.height - other.height) <= ALIKE * box.height
    )


def _overlap(box: Box, other: Box) -> bool:
    """Tell whether boxes of about one size lie on each other by more than their frames."""
    width = min(box.right, other.right) - max(box.x, other.x)
    height = min(box.bottom, other.bottom) - max(box.y, other.y)
    return width > 0.2 * box.width and height > 0.2 * box.height and _same_size(box, other)


def _even(row: Sequence[Box]) -> tuple[Box, ...]:
    """Return cells that part their row evenly where they nearly do, so that the template is short."""
    even = divided(around(tuple(row)), len(row))
    off = max(abs(cell.x - at.x) + abs(cell.right - at.right) for cell, at in zip(row, even, strict=True))
    return even if off <= 6 else tuple(row)


def _within(box: Box, other: Box) -> bool:
    """Tell whether a box lies in another, but for the width of a line."""
    slack = 4
    return (
        box.x >= other.x - slack
        and box.y >= other.y - slack
        and box.right <= other.right + slack
        and box.bottom <= other.bottom + slack
        and box != other
    )


def _is_print(grey: Grey, box: Box) -> bool:
    """Tell whether a box holds printed text: marks much smaller than what one would write into it."""
    inner = grey[box.y + 4 : box.bottom - 4, box.x + 4 : box.right - 4]
    if inner.size == 0:
        return True
    _, marks = components(np.asarray(inner < 0.75 * float(np.percentile(inner, 90)), dtype=np.bool_))
    heights, areas = marks[:, 3], marks[:, 4]
    small = (heights >= 0.003 * SIDE) & (heights <= 0.5 * box.height) & (areas >= 12)
    return int(small.sum()) >= LETTERS


def _spaces(rulings: Rulings, grey: Grey, boxes: Sequence[Box]) -> Iterator[Box]:
    """Yield the spaces above lines to write on: lines that bound no box and have white above them."""
    alone = rulings.across.copy()
    for box in boxes:
        alone[max(0, box.y - 6) : box.bottom + 6, max(0, box.x - 6) : box.right + 6] = False
    crossing = cv2.dilate(rulings.down.astype(np.uint8), np.ones((7, 7), np.uint8))
    solid = cv2.morphologyEx(rulings.dark, cv2.MORPH_OPEN, np.ones((1, round(LEAST_RULING * SIDE)), np.uint8))
    labels, lines = components(alone)
    high = round(0.022 * SIDE)
    for i, (x, y, width, height, _) in enumerate(lines.tolist(), start=1):
        here = labels[y : y + height, x : x + width] == i
        if width < 0.04 * SIDE or width > 0.6 * SIDE or height > 10 or y < high:
            continue
        rows, columns = slice(y, y + height), slice(x, x + width)
        if np.any(crossing[rows, columns][here]) or solid[rows, columns].any(axis=0).mean() < LEAST_FRAMED:
            continue
        above = grey[y - high : y - 4, x : x + width]
        if float((above < 0.75 * float(np.percentile(above, 90))).mean()) < 0.01:
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
