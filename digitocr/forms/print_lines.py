"""Printed lines of a form: found on its picture, kept as numbers, and drawn again where the picture is not at hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import components
from digitocr.records import Grey, Mask, Transform

SIDE = 2000
"""Pixels of the longer side of the picture on which lines are looked for."""

BLOCK = 15
"""Within so many pixels there is bare paper, in a picture `SIDE` long."""

DARKER = 0.06
"""Share by which a ruling is darker than the paper beside it; guide lines are meant to be light."""

LEAST_RULING = 0.012
"""Of the longer side: a shorter stroke is writing."""

STEP = 64
"""A line is kept in parts of so many pixels, for it may lie a little aslant."""

FINE = 4
"""Lines are drawn so many times as large, and shrunk."""

Lines = NDArray[np.float32]
"""Array of shape ``(N, 5)``: x, y, width and height in pixels of the reference, and brightness, paper being 255."""


@dataclass(frozen=True, slots=True)
class Rulings:
    """Strokes across and down, as masks; `dark` is all ink, from which they were taken a little thickened.

    Attributes
    ----------
    across, down : (h, w) bool ndarray
    dark : (h, w) uint8 ndarray
        1 where there is ink.
    paper : (h, w) uint8 ndarray
        How bright the paper is.
    """

    across: Mask
    down: Mask
    dark: NDArray[np.uint8]
    paper: Grey


def rulings_of(grey: Grey) -> Rulings:
    """Find thin straight strokes, longer than writing has them, on a picture `SIDE` long.

    Parameters
    ----------
    grey : (h, w) uint8 ndarray
    """
    found = _straight(grey)
    return replace(found, across=_thin(found.across, axis=0), down=_thin(found.down, axis=1))


def _straight(grey: Grey) -> Rulings:
    """Find straight strokes, however thick."""
    paper = cv2.morphologyEx(cv2.medianBlur(grey, 3), cv2.MORPH_CLOSE, np.ones((BLOCK, BLOCK), np.uint8))
    dark = (cv2.GaussianBlur(grey, (3, 3), 0) < (1 - DARKER) * paper).astype(np.uint8)
    length = round(LEAST_RULING * SIDE)
    thick = cv2.dilate(dark, np.ones((3, 3), np.uint8))
    across = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)) > 0
    down = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8)) > 0
    return Rulings(across, down, dark, paper.astype(np.uint8))


def _thin(mask: Mask, *, axis: int) -> Mask:
    """Take out what is no line: blots, and rules as thick as a cell."""
    size = [1, 1]
    size[axis] = round(LEAST_RULING * SIDE * 0.4)
    blots = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, np.ones(size, np.uint8))
    return np.asarray(mask & (blots == 0))


def scaled(grey: Grey) -> tuple[Grey, Transform]:
    """Bring a picture to a longer side of `SIDE`; also the way there."""
    height, width = grey.shape
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return resized.astype(np.uint8), np.diag([size[0] / width, size[1] / height, 1.0])


def lines_of(reference: Grey) -> Lines:
    """Measure the printed lines of a form.

    Parameters
    ----------
    reference : (H, W) uint8 ndarray
        The form, straight; writing on it does not matter.

    Returns
    -------
    (N, 5) float32 ndarray
    """
    grey, there = scaled(reference)
    found = _straight(grey)
    brightness = grey / np.maximum(found.paper, 1)
    across = _parts(found.across & (found.dark > 0), brightness)
    down = _parts((found.down & (found.dark > 0)).T, brightness.T)[:, [1, 0, 3, 2, 4]]
    lines = np.concatenate([across, down])
    lines[:, :4] /= np.tile(np.diag(there)[:2], 2)
    return lines.astype(np.float32)


def _parts(mask: Mask, brightness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure level lines part by part, of shape ``(N, 5)``."""
    labels, _ = components(np.ascontiguousarray(mask))
    ys, xs = np.nonzero(mask)
    key = (labels[ys, xs].astype(np.int64) * SIDE + xs // STEP) * STEP + xs % STEP
    columns, first, column, amount = np.unique(
        key, return_index=True, return_inverse=True, return_counts=True
    )
    _, begin, wide = np.unique(columns // STEP, return_index=True, return_counts=True)
    part = np.repeat(np.arange(len(begin)), wide)
    area = np.bincount(part, weights=amount, minlength=len(begin))
    middle = np.bincount(part[column], weights=ys + 0.5, minlength=len(begin)) / area
    level = np.bincount(part[column], weights=brightness[ys, xs] * 255, minlength=len(begin)) / area
    thickness = area / wide
    return np.stack([xs[first[begin]], middle - thickness / 2, wide, thickness, level], axis=1)


def drawn(lines: Lines, size: tuple[int, int], scale: float) -> Grey:
    """Draw lines on white paper.

    Parameters
    ----------
    lines : (N, 5) float32 ndarray
    size : tuple of int
        Width and height of the picture in pixels.
    scale : float
        Its pixels to one of the reference.

    Returns
    -------
    (h, w) uint8 ndarray

    Examples
    --------
    >>> drawn(np.array([[2, 1, 3, 1, 0]], dtype=np.float32), (6, 3), 1.0).tolist()[1]
    [255, 255, 0, 0, 0, 255]
    """
    width, height = size
    picture = np.full((height * FINE, width * FINE), 255, dtype=np.uint8)
    ends = np.hstack([lines[:, :2], lines[:, :2] + lines[:, 2:4]]) * (scale * FINE)
    for (x0, y0, x1, y1), level in zip(ends.round().astype(int).tolist(), lines[:, 4].tolist(), strict=True):
        part = picture[max(y0, 0) : y1, max(x0, 0) : x1]
        np.minimum(part, np.uint8(min(max(level, 0), 255)), out=part)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
