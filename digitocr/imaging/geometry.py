"""Where the paper lies on a page, how large it is worked on, and how far it is turned."""

from __future__ import annotations

import cv2
import numpy as np

from digitocr.imaging.paper import paper_corners
from digitocr.records import CROP_SIDE, Grey, Mask, Transform

MAX_SIDE = 2000
"""Longest side of a sheet in pixels: an A4 page then has some 170 dots per inch."""


MIN_SHORT_SIDE = 96
"""Shorter pictures are enlarged to this, so that thin strokes keep their shape through the threshold."""


DESK_SIDE = 200
"""Paper is looked for on a picture whose shorter side, in pixels, is at least this."""


MAX_SKEW = 15.0
"""Skew is looked for up to this angle, in degrees."""


def straighten(grey: Grey) -> tuple[Grey, Transform]:
    """Cut the paper out of its surroundings and bring it to working size; also the way back to page pixels."""
    height, width = grey.shape
    corners = paper_corners(grey) if min(grey.shape) >= DESK_SIDE else None
    if corners is None:
        scale = _working_scale(width, height)
        if scale == 1:
            return grey, np.eye(3)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        how = _interpolation(scale)
        resized = cv2.resize(grey, size, interpolation=how).astype(np.uint8)
        return resized, np.diag([width / size[0], height / size[1], 1.0])
    top = (np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])) / 2
    side = (np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1])) / 2
    scale = _working_scale(float(top), float(side))
    w, h = max(1, round(top * scale)), max(1, round(side * scale))
    target = np.array([[0, 0], [w, 0], [w, h], [0, h]], dtype=np.float32)
    forward = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    flat = cv2.warpPerspective(grey, forward, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return flat.astype(np.uint8), np.linalg.inv(forward).astype(np.float64)


def _interpolation(scale: float) -> int:
    """Choose the cheapest way that skips no pixel: down to half size each output pixel weighs its four neighbours."""
    if scale > 1:
        return cv2.INTER_CUBIC
    return cv2.INTER_LINEAR if scale >= 0.5 else cv2.INTER_AREA


def _working_scale(width: float, height: float) -> float:
    longest, shortest = max(width, height), min(width, height)
    if longest > MAX_SIDE:
        return MAX_SIDE / longest
    if shortest < MIN_SHORT_SIDE:
        return min(MIN_SHORT_SIDE / shortest, 4.0, MAX_SIDE / longest)
    return 1.0


def rotation_about_centre(shape: tuple[int, int], angle: float) -> Transform:
    """Return the homography that turns a picture about its centre into one that holds all of it.

    Parameters
    ----------
    shape : tuple of int
        Height and width in pixels.
    angle : float
        In degrees, counter-clockwise.

    Returns
    -------
    (3, 3) float64 ndarray
    """
    height, width = shape
    new_w, new_h = rotated_size(shape, angle)
    affine = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    affine[:, 2] += np.array([(new_w - width) / 2, (new_h - height) / 2])
    return np.vstack([affine, [0, 0, 1]]).astype(np.float64)


def rotated_size(shape: tuple[int, int], angle: float) -> tuple[int, int]:
    """Return the size of the picture that holds all of a turned one.

    Parameters
    ----------
    shape : tuple of int
        Height and width in pixels.
    angle : float
        In degrees.

    Returns
    -------
    tuple of int
        Width and height in pixels.
    """
    height, width = shape
    c, s = abs(np.cos(np.radians(angle))), abs(np.sin(np.radians(angle)))
    return int(np.ceil(width * c + height * s)), int(np.ceil(width * s + height * c))


def skew_deg(ink: Mask) -> float:
    """Angle in degrees by which the picture must be turned to lay its rows of ink level; 0 where rows say nothing.

    The angle whose row profile is the sharpest (sum of squared differences of neighbouring row sums), after
    W. Postl, "Detection of linear oblique structures and skew scan in digitized documents", ICPR 1986. Only
    pictures with enough rows or rulings are judged.
    """
    height, width = ink.shape
    if min(height, width) < CROP_SIDE:
        return 0.0
    scale = min(1.0, 600 / max(height, width))
    small = cv2.resize(ink.astype(np.uint8) * 255, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ys, xs = np.nonzero(small > 40)
    if len(ys) < 50:
        return 0.0
    weights = small[ys, xs].astype(np.float64)

    def sharpness(angle: float) -> float:
        rows = ys * np.cos(np.radians(angle)) - xs * np.sin(np.radians(angle))
        rows = (rows - rows.min()).astype(np.int64)
        profile = np.bincount(rows, weights=weights)
        return float(np.sum(np.diff(profile) ** 2))

    level = sharpness(0.0)
    coarse = max(np.arange(-MAX_SKEW, MAX_SKEW + 0.5, 1.0), key=sharpness)
    best = float(max(coarse + np.arange(-1.0, 1.01, 0.2), key=sharpness))
    return best if sharpness(best) > 1.5 * level else 0.0
