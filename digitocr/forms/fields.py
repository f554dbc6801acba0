"""Field extraction: each field cut out of the flattened page, without the print of the form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.forms.registration import Registration
from digitocr.forms.template import Field
from digitocr.imaging import rulings, segment
from digitocr.imaging.components import components
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.sheet import Line, Sheet
from digitocr.records import Box, Grey, Mask, Transform

AROUND = 0.3
"""How far writing may extend beyond its field, in heights of the field."""

BORDER = 0.14
"""Greatest distance of a printed line from its place in the template, in heights of the field."""

ACROSS = 0.9
"""A straight line of this share of the width or height of the field and its surroundings is printed, wherever it is."""

STRAIGHT = 0.7
"""Least length of a printed line, in sides of its cell."""

CRUMB = 0.4
"""Ink beside a printed line that is shorter than this, in heights of the field, is a remnant of the line."""

LEAST_INK = 0.1
"""Ink smaller than this, in heights of the field, is dirt."""

CUT_OFF = 0.35
"""Ink of which less than half is in the field counts if that part has this height, in heights of the field."""


@dataclass(frozen=True, slots=True)
class FieldCrop:
    """The writing in a field.

    Attributes
    ----------
    field : Field
    box : Box
        Of the field, in page pixels.
    sheet : Sheet or None
        The flattened field, with nothing but the writing in it; None if it is outside the picture.
    line : Line or None
        Its ink; None in a blank field.
    """

    field: Field
    box: Box
    sheet: Sheet | None
    line: Line | None


def crop_field(
    field: Field,
    page: Grey,
    registration: Registration,
    flat: tuple[Grey, Mask],
    scale: float,
    p: Imaging,
) -> FieldCrop:
    """Cut a field out of the flattened page, without printed lines and the ink of its neighbours.

    Parameters
    ----------
    field : Field
    page : (H, W) uint8 ndarray
        The page as stored.
    registration : Registration
    flat : tuple of (h, w) uint8 ndarray and (h, w) bool ndarray
        The flattened page, and its ink.
    scale : float
        Pixels of the flattened page per pixel of the template.
    p : Imaging

    Returns
    -------
    FieldCrop
    """
    height, width = page.shape
    corners = registration.place(
        np.array(
            [(x, y) for x in (field.box.x, field.box.right) for y in (field.box.y, field.box.bottom)],
            dtype=np.float64,
        )
    )
    (x0, y0), (x1, y1) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    left, top = int(np.clip(x0, 0, width - 1)), int(np.clip(y0, 0, height - 1))
    right, bottom = int(np.clip(x1, left + 1, width)), int(np.clip(y1, top + 1, height))
    box = Box(left, top, right - left, bottom - top)
    slack = 0.02 * max(page.shape)
    if x0 < -slack or y0 < -slack or x1 > width + slack or y1 > height + slack:
        return FieldCrop(field, box, None, None)
    even, ink = flat
    size = min(scaled_box(cell, scale).height for cell in field.cells or (field.box,))
    place = scaled_box(field.box, scale)
    grow = round(AROUND * size)
    x, y = max(0, place.x - grow), max(0, place.y - grow)
    part = (slice(y, place.bottom + grow), slice(x, place.right + grow))
    inside = Box(place.x - x, place.y - y, place.width, place.height)
    cells = [_moved(scaled_box(cell, scale), -x, -y) for cell in field.cells]
    own = _own(_without_borders(ink[part], cells or [inside], size, p.rulings), inside, size)
    grey = np.where(cv2.dilate(own.view(np.uint8), np.ones((5, 5), np.uint8)) > 0, even[part], np.uint8(255))
    sheet = Sheet(grey.astype(np.uint8), own, field_to_page(registration, (x, y), own.shape, scale), page)
    room = len(cells) or field.length[1]
    return FieldCrop(field, box, sheet, segment.field_line(sheet, cells, room, p.segmentation, p.cuts))


def scaled_box(box: Box, scale: float) -> Box:
    """Scale a box of the template to the flattened page; it is at least a pixel wide and high.

    Parameters
    ----------
    box : Box
    scale : float
        Pixels of the flattened page per pixel of the template.

    Returns
    -------
    Box
    """
    x, y = round(box.x * scale), round(box.y * scale)
    return Box(x, y, max(1, round(box.right * scale) - x), max(1, round(box.bottom * scale) - y))


def _moved(box: Box, right: int, down: int) -> Box:
    return Box(box.x + right, box.y + down, box.width, box.height)


def field_to_page(
    registration: Registration, origin: tuple[int, int], shape: tuple[int, ...], scale: float
) -> Transform:
    """Return the homography from pixels of a flattened field to page pixels.

    Parameters
    ----------
    registration : Registration
    origin : tuple of int
        Upper left corner of the field on the flattened page, as ``(x, y)``.
    shape : tuple of int
        Height and width of the flattened field in pixels.
    scale : float
        Pixels of the flattened page per pixel of the template.

    Returns
    -------
    (3, 3) float64 ndarray
    """
    height, width = shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
    placed = registration.place((corners + origin) / scale)
    found = cv2.getPerspectiveTransform(corners.astype(np.float32), placed.astype(np.float32))
    return np.asarray(found, dtype=np.float64)


def _without_borders(ink: Mask, cells: Sequence[Box], size: int, p: rulings.Rulings) -> Mask:
    """Remove the printed borders of cells from the ink, and close the strokes that they crossed."""
    reach = max(3, round(BORDER * size))
    beside = np.zeros(ink.shape, dtype=np.uint8)
    above = np.zeros(ink.shape, dtype=np.uint8)
    for cell in cells:
        for x in (cell.x, cell.right):
            beside[:, max(0, x - reach) : x + reach] = 1
        for y in (cell.y, cell.bottom):
            above[max(0, y - reach) : y + reach] = 1
    picture = np.ascontiguousarray(ink).view(np.uint8)
    level = cv2.bitwise_and(cv2.dilate(picture, np.ones((3, 1), np.uint8)), above)
    upright = cv2.bitwise_and(cv2.dilate(picture, np.ones((1, 3), np.uint8)), beside)
    across = round(STRAIGHT * min(min(c.width for c in cells), 2 * size))
    printed = cv2.bitwise_or(_runs(level, across), _runs(upright.T, round(STRAIGHT * size)).T)
    rules = cv2.bitwise_or(_rules(picture), _rules(picture.T).T)
    printed = cv2.bitwise_or(printed, rules)
    lines = cv2.bitwise_and(printed, picture).astype(np.bool_)
    rest = rulings.without(picture.astype(np.bool_), lines, p) if lines.any() else picture.astype(np.bool_)
    # remnants of a line of which only parts were found
    labels, boxes = components(rest)
    if not len(boxes):
        return rest
    near = np.bincount(labels[(above | beside) > 0], minlength=len(boxes) + 1)[1:] == boxes[:, 4]
    crumb = near & (boxes[:, 2:4].max(axis=1) < CRUMB * size)
    return np.asarray(np.concatenate([[False], ~crumb])[labels], dtype=np.bool_)


def _runs(picture: NDArray[Any], length: int) -> NDArray[np.uint8]:
    """Find horizontal runs of ink; gaps may take up a quarter of their length."""
    whole = np.ascontiguousarray(picture)
    gap = max(3, length // 4)
    padded = cv2.copyMakeBorder(whole, 0, 0, gap, gap, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))[:, gap:-gap]
    return np.asarray(
        cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)), dtype=np.uint8
    )


def _rules(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """Find unbroken horizontal lines through nearly all of a picture, slanted by at most two pixels."""
    thick = cv2.dilate(np.ascontiguousarray(picture), np.ones((3, 1), np.uint8))
    length = round(ACROSS * picture.shape[1])
    return np.asarray(
        cv2.morphologyEx(
            thick,
            cv2.MORPH_OPEN,
            np.ones((1, length), np.uint8),
            borderType=cv2.BORDER_CONSTANT,
            borderValue=0,
        ),
        dtype=np.uint8,
    )


def _own(ink: Mask, inside: Box, size: int) -> Mask:
    """Keep the ink of the field: components that are mostly in it, and large parts of those that are not."""
    labels, boxes = components(ink)
    if not len(boxes):
        return ink
    within = (slice(max(0, inside.y), inside.bottom), slice(max(0, inside.x), inside.right))
    count = len(boxes) + 1
    share = np.bincount(labels[within].ravel(), minlength=count) / np.bincount(
        labels.ravel(), minlength=count
    )
    large = np.concatenate([[False], boxes[:, 2:4].max(axis=1) >= LEAST_INK * size])
    mostly = large & (share >= 0.5)
    mostly[0] = False
    out = mostly[labels]
    beyond = _at_edge(labels, len(boxes)) & mostly
    if beyond.any():
        outside = np.ones(ink.shape, dtype=np.bool_)
        outside[within] = False
        out &= ~(beyond[labels] & outside)
    partly = large & (share < 0.5)
    partly[0] = False
    if partly.any():
        cut, ends = components(np.asarray(partly[labels[within]], dtype=np.bool_))
        tall = np.concatenate([[False], ends[:, 3] >= CUT_OFF * size])
        out[within] |= tall[cut]
    return np.asarray(out, dtype=np.bool_)


def _at_edge(labels: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """Return for each component, from 0 for none, whether it touches the edge, where it may join a neighbour's ink."""
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.bincount(edge, minlength=count + 1) > 0
