"""Numbers on a page by what the page network sees: their cells, the ink in these, and a line of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from digitocr.imaging import segment
from digitocr.imaging.components import components
from digitocr.imaging.cuts import Cuts
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.rows import reading_order
from digitocr.imaging.segment import Segmentation, line_of
from digitocr.imaging.sheet import Line, Seen, Sheet
from digitocr.networks import page_network
from digitocr.networks.page_network import CLASSES, PageMaps
from digitocr.records import Grey, Mask, PageKind


def lines_on(sheet: Sheet, seen: Callable[[], PageMaps], p: Imaging) -> tuple[Line, ...]:
    """Find the lines of a sheet: in a field by the ink alone, on a page also by what the page network sees.

    Both ways find some numbers that the other does not: lines of a page may overlap, and the readers choose, see
    :mod:`digitocr.recognition.alternatives`.

    Parameters
    ----------
    sheet : Sheet
    seen : callable
        Returns what the page network sees in the page as stored.
    p : Imaging

    Returns
    -------
    tuple of Line
        In reading order: rows from the top, left to right.
    """
    by_ink = segment.segment(sheet, p.segmentation, p.rows, p.cuts)
    if sheet.kind is not PageKind.PAGE:
        return by_ink
    maps = on_sheet(sheet, seen())
    likely = _likely(maps, sheet.ink.shape)
    found = detected_lines(sheet, maps, p.segmentation, p.cuts)
    lines = [replace(one, seen=Seen(_likeness(one, likely), is_found=False)) for one in by_ink]
    lines += [replace(one, seen=Seen(_likeness(one, likely), is_found=True)) for one in found]
    return segment.alone_marked(reading_order(lines))


def _likely(maps: PageMaps, shape: tuple[int, ...]) -> Grey:
    """Return for each pixel of a sheet how likely its ink is of a digit, 255 for certain."""
    ink = maps.classes[
        ..., [page_network.DIGIT, page_network.WRITING, page_network.PRINT, page_network.RULE]
    ].sum(axis=-1)
    share = maps.classes[..., page_network.DIGIT] / np.maximum(ink, np.float32(1e-6))
    grey = np.clip(255 * share, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(grey, shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def _likeness(line: Line, likely: Grey) -> float:
    """Return the mean of that over the ink of a line."""
    height, width = line.labels.shape
    here = cv2.warpAffine(
        likely, line.to_sheet, (width, height), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    )
    return float(here[line.labels > 0].mean()) / 255


def detected_lines(sheet: Sheet, maps: PageMaps, p: Segmentation, cuts: Cuts) -> list[Line]:
    """Make a line of each number that the network sees on a page.

    Parameters
    ----------
    sheet : Sheet
    maps : PageMaps
        Of the sheet.
    p : Segmentation
    cuts : Cuts

    Returns
    -------
    list of Line
    """
    cells = number_cells(maps)
    height, width = sheet.ink.shape
    owners = cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST)
    lines = []
    for k, window in enumerate(find_objects(owners), start=1):
        if window is None:
            continue
        grey = sheet.grey[window]
        labels, boxes = components(ink_among(grey, owners[window] == k))
        if len(boxes):
            origin = (window[1].start, window[0].start)
            line = line_of(sheet, labels.astype(np.int16), boxes, grey, origin, p, cuts)
            lines += [line] if line is not None else []
    return lines


def on_sheet(sheet: Sheet, maps: PageMaps) -> PageMaps:
    """Carry maps of a page over to its sheet.

    Parameters
    ----------
    sheet : Sheet
    maps : PageMaps
        Of the page as stored.

    Returns
    -------
    PageMaps
        Their cells are about as large on the sheet as on the page; beyond the page nothing is seen.
    """
    (rows, columns), (height, width) = maps.centre.shape, sheet.page.shape
    high, wide = height / rows, width / columns
    shape = tuple(
        max(1, round(side / cell)) for side, cell in zip(sheet.ink.shape, (high, wide), strict=True)
    )
    # the middle of cell 0 lies half a cell within
    to_cell = np.array([[1 / wide, 0, -0.5], [0, 1 / high, -0.5], [0, 0, 1]])
    y, x = (side / count for side, count in zip(sheet.ink.shape, shape, strict=True))
    from_cell = np.array([[x, 0, x / 2], [0, y, y / 2], [0, 0, 1]])
    back = to_cell @ sheet.to_page @ from_cell

    def carried(one: NDArray[np.float32]) -> NDArray[np.float32]:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpPerspective(one, back, shape[::-1], flags=flags), np.float32)

    classes = np.stack([carried(maps.classes[..., k]) for k in range(len(CLASSES))], axis=-1)
    return PageMaps(classes, carried(maps.centre))


def number_cells(maps: PageMaps) -> NDArray[np.int32]:
    """Share the cells with digits out among numbers.

    A cell is of the number whose centre line is nearest. A line is half as thick as its digits are high, see
    :func:`digitocr.training.datasets.page_cells.centre_lines`: no digit reaches further from it than it is thick.
    Digits without a line are a number for each place where they touch. Where most ink of a place is of digits, all of
    it is.

    Parameters
    ----------
    maps : PageMaps

    Returns
    -------
    (h, w) int32 ndarray
        The number of each cell, from 1; 0 for none.
    """
    shown = maps.classes.argmax(axis=-1)
    digit = _digits(shown)
    count, found = cv2.connectedComponents((maps.centre >= 0.5).astype(np.uint8), connectivity=8)
    lines = np.asarray(found, np.int32)
    nearest, distance = _nearest(lines)
    thickness = _thickness(lines, count)
    own = np.where((digit > 0) & (distance <= thickness[nearest]), nearest, 0).astype(np.int32)
    _, apart = cv2.connectedComponents(
        ((shown == page_network.DIGIT) & (own == 0)).astype(np.uint8), connectivity=8
    )
    own += np.where(apart > 0, apart + count - 1, 0).astype(np.int32)
    # strokes reach into cells in which they have next to no share
    return np.where((own > 0) | (shown == page_network.PAPER), _grown(own), 0).astype(np.int32)


def _digits(shown: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return the cells with digits, and those of other ink in places where most ink is of digits."""
    ink = np.isin(shown, (page_network.DIGIT, page_network.WRITING)).astype(np.uint8)
    count, places = cv2.connectedComponents(ink, connectivity=8)
    every, digit = (
        np.bincount(places.ravel(), weights=kind.ravel(), minlength=count)
        for kind in (ink, shown == page_network.DIGIT)
    )
    mostly = 2 * digit > every
    return np.asarray((shown == page_network.DIGIT) | (mostly[places] & (ink > 0)), np.uint8)


def _grown(cells: NDArray[np.int32]) -> NDArray[np.int32]:
    """Grow each number by a cell."""
    around = cv2.dilate(cells.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int32)
    return np.where(cells > 0, cells, around).astype(np.int32)


def ink_among(grey: Grey, mine: Mask) -> Mask:
    """Tell the ink of a number from its paper by Otsu's threshold [1]_.

    Parameters
    ----------
    grey : (h, w) uint8 ndarray
        Dark ink on light paper.
    mine : (h, w) bool ndarray
        Where its digits are, with some paper around them.

    Returns
    -------
    (h, w) bool ndarray

    References
    ----------
    .. [1] N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. SMC 9, 1979.
    """
    level, _ = cv2.threshold(grey[mine][None], 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return np.asarray(mine & (grey <= level), dtype=np.bool_)


def _nearest(lines: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the label nearest to each cell, 0 where there is none, and how far away it is in cells."""
    if not lines.any():
        return np.zeros_like(lines), np.full(lines.shape, np.inf, np.float32)
    distance, places = cv2.distanceTransformWithLabels(
        (lines == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label = np.zeros(int(places.max()) + 1, np.int32)
    label[places[lines > 0]] = lines[lines > 0]
    return label[places], np.asarray(distance, np.float32)


def _thickness(lines: NDArray[np.int32], count: int) -> NDArray[np.float32]:
    """Return the thickness in cells of each label, that of 0 being 0."""
    inside = cv2.distanceTransform((lines > 0).astype(np.uint8), cv2.DIST_L2, 5)
    thickness = np.zeros(count, np.float32)
    np.maximum.at(thickness, lines.ravel(), 2 * inside.ravel())
    thickness[0] = 0
    return thickness
