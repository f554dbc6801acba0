"""Truth of a page's cells: what each of them shows, and where its handwritten numbers lie."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.networks.page_network import CELL
from digitocr.records import Grey
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.ground import Ground, classes, instances

ORDER: Final = (Ground.DIGIT, Ground.WRITING, Ground.PRINT, Ground.RULE)
"""Which class a cell takes where several have a share in it. A digit comes first, since what is to be read must not be
lost where it crosses a line or print; other handwriting is next, as it looks most like a digit; lines lie under all."""

LEAST_SHARE: Final = 1 / 16
"""A class with less of a cell, one pixel of the scaled page, has no share in it."""

CENTRE_SHARE: Final = 0.5
"""Thickness of the centre line in heights of the digits: rows that touch and neighbours stay apart."""


def cell_classes(drawing: Drawing, shape: tuple[int, int]) -> Grey:
    """Return the class of every cell of a page brought to a size.

    Parameters
    ----------
    drawing : Drawing
    shape : tuple of int
        Rows and columns of the scaled page, multiples of `CELL`.

    Returns
    -------
    (h, w) uint8 ndarray
        Values of :class:`digitocr.training.synth.ground.Ground`; a cell of neither writing nor print is `OUTSIDE` if
        half of it is.
    """
    ground = classes(drawing)
    size = (shape[1] // CELL, shape[0] // CELL)

    def share(kind: Ground) -> NDArray[np.float32]:
        mask = (ground == kind).astype(np.float32)
        return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.float32)

    found = np.where(share(Ground.OUTSIDE) >= 0.5, Ground.OUTSIDE, Ground.PAPER).astype(np.uint8)
    for kind in reversed(ORDER):
        found[share(kind) >= LEAST_SHARE] = kind
    return found


def centre_lines(drawing: Drawing, shape: tuple[int, int]) -> Grey:
    """Return the centre lines of a page's numbers: from the middle of the first digit to that of the last.

    A line is half as thick as its digits are high, so that the lines of two numbers do not touch where the numbers do,
    and connected cells are one number.

    Parameters
    ----------
    drawing : Drawing
    shape : tuple of int
        Rows and columns of the scaled page.

    Returns
    -------
    (h, w) uint8 ndarray
        1 on a line, 0 elsewhere.
    """
    drawn = np.zeros(shape, np.uint8)
    scale = np.array(shape[::-1]) / drawing.owner.shape[::-1]
    across = drawing.turn % 2
    written = [digit for digit in drawing.digits if digit.pixels]
    for number in {digit.number for digit in written}:
        boxes = [digit.box for digit in written if digit.number == number]
        height = np.median([box.width if across else box.height for box in boxes]) * scale[1 - across]
        points = np.round(np.array([box.centre for box in boxes]) * scale).astype(np.int32)
        # a line of less than a cell would have gaps
        thick = max(CELL, round(CENTRE_SHARE * float(height)))
        cv2.polylines(drawn, [np.repeat(points, 2, axis=0)], isClosed=False, color=1, thickness=thick)
    size = (shape[1] // CELL, shape[0] // CELL)
    share = cv2.resize(drawn.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return (share >= 0.5).astype(np.uint8)


def number_cells(drawing: Drawing, shape: tuple[int, int]) -> list[NDArray[np.intp]]:
    """Return the cells of each number: those that ink of its digits lies in.

    Parameters
    ----------
    drawing : Drawing
    shape : tuple of int
        Rows and columns of the scaled page.

    Returns
    -------
    list of (n,) intp ndarray
        For each number with ink the places of its cells in the flattened map of cells that show a digit.
    """
    owned = instances(drawing)
    ys, xs = np.nonzero(owned)
    rows, columns = shape[0] // CELL, shape[1] // CELL
    at = (ys * rows // owned.shape[0]) * columns + xs * columns // owned.shape[1]
    shown = cell_classes(drawing, shape).ravel() == Ground.DIGIT
    pairs = np.unique(np.stack([owned[ys, xs].astype(np.intp), at])[:, shown[at]], axis=1)
    starts = np.flatnonzero(np.diff(pairs[0])) + 1
    return [cells for cells in np.split(pairs[1], starts) if len(cells)]
