"""Printed lines of a form: found on its picture, kept as numbers, and drawn where the picture is not at hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import components
from digitocr.records import Grey, Mask, Transform

SIDE_PX = 2000
"""Longer side of the picture on which lines are looked for."""

BLOCK_PX = 15
"""Any square of this side shows some bare paper."""

MIN_DARKER_SHARE = 0.06
"""A ruling is darker than the paper beside it by this share; guide lines are meant to be light."""

MIN_RULING_SHARE = 0.012
"""Minimum length of a ruling, as a share of the picture's longer side: a shorter stroke is writing."""

MAX_THICKNESS_SHARE = 0.4
"""Maximum thickness of a ruling, as a share of its minimum length: what is thicker is a blot or a bar."""

PART_PX = 64
"""A line is kept in parts of this length, as it may be slightly slanted."""

OVERSAMPLING = 4
"""Lines are drawn this many times as large, and shrunk."""

Lines = NDArray[np.float32]
"""Array of shape ``(N, 5)``: x, y, width and height in pixels of the reference, and brightness, paper being 255."""


@dataclass(frozen=True, slots=True)
class Rulings:
    """Straight strokes across and down.

    Attributes
    ----------
    across, down : (h, w) bool ndarray
        Taken from `dark` dilated by a pixel.
    dark : (h, w) uint8 ndarray
        1 where there is ink.
    paper : (h, w) uint8 ndarray
        Brightness of the paper.
    """

    across: Mask
    down: Mask
    dark: NDArray[np.uint8]
    paper: Grey


def rulings_of(grey: Grey) -> Rulings:
    """Find thin straight strokes, longer than those of writing.

    Parameters
    ----------
    grey : (h, w) uint8 ndarray
        Its longer side has `SIDE_PX` pixels.

    Returns
    -------
    Rulings
    """
    found = _straight(grey)
    return replace(found, across=_thin(found.across, axis=0), down=_thin(found.down, axis=1))


def _straight(grey: Grey) -> Rulings:
    """Find straight strokes of any thickness."""
    paper = cv2.morphologyEx(
        cv2.medianBlur(grey, 3), cv2.MORPH_CLOSE, np.ones((BLOCK_PX, BLOCK_PX), np.uint8)
    )
    dark = (cv2.GaussianBlur(grey, (3, 3), 0) < (1 - MIN_DARKER_SHARE) * paper).astype(np.uint8)
    length = round(MIN_RULING_SHARE * SIDE_PX)
    thick = cv2.dilate(dark, np.ones((3, 3), np.uint8))
    across = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)) > 0
    down = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8)) > 0
    return Rulings(across, down, dark, paper.astype(np.uint8))


def _thin(mask: Mask, *, axis: int) -> Mask:
    """Remove what is not a line: blots, and bars as thick as a cell."""
    size = [1, 1]
    size[axis] = round(MIN_RULING_SHARE * SIDE_PX * MAX_THICKNESS_SHARE)
    blots = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, np.ones(size, np.uint8))
    return np.asarray(mask & (blots == 0))


def scaled(grey: Grey) -> tuple[Grey, Transform]:
    """Scale a picture to a longer side of `SIDE_PX`.

    Parameters
    ----------
    grey : (H, W) uint8 ndarray

    Returns
    -------
    scaled : (h, w) uint8 ndarray
    to_scaled : (3, 3) float64 ndarray
        Homography from pixels of `grey`.
    """
    height, width = grey.shape
    scale = SIDE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return resized.astype(np.uint8), np.diag([size[0] / width, size[1] / height, 1.0])


def lines_of(reference: Grey) -> Lines:
    """Measure the printed lines of a form.

    Parameters
    ----------
    reference : (H, W) uint8 ndarray
        The flat form; writing on it does no harm.

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
    key = (labels[ys, xs].astype(np.int64) * SIDE_PX + xs // PART_PX) * PART_PX + xs % PART_PX
    columns, first, column, amount = np.unique(
        key, return_index=True, return_inverse=True, return_counts=True
    )
    _, begin, wide = np.unique(columns // PART_PX, return_index=True, return_counts=True)
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
        Its pixels per reference pixel.

    Returns
    -------
    (h, w) uint8 ndarray

    Examples
    --------
    >>> drawn(np.array([[2, 1, 3, 1, 0]], dtype=np.float32), (6, 3), 1.0).tolist()[1]
    [255, 255, 0, 0, 0, 255]
    """
    width, height = size
    picture = np.full((height * OVERSAMPLING, width * OVERSAMPLING), 255, dtype=np.uint8)
    ends = np.hstack([lines[:, :2], lines[:, :2] + lines[:, 2:4]]) * (scale * OVERSAMPLING)
    for (x0, y0, x1, y1), level in zip(ends.round().astype(int).tolist(), lines[:, 4].tolist(), strict=True):
        part = picture[max(y0, 0) : y1, max(x0, 0) : x1]
        np.minimum(part, np.uint8(min(max(level, 0), 255)), out=part)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
