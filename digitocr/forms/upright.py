"""A form made level and upright by its long rulings."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from digitocr.forms.geometry import apply_homography
from digitocr.forms.print_lines import SIDE_PX, Rulings, rulings_of
from digitocr.imaging.components import components
from digitocr.records import Grey, Mask, Transform

MIN_LONG_RULING_SHARE = 0.1
"""Of the page's longer side: length of a ruling that counts."""

MAX_ASPECT = 0.2
"""Height over length of a ruling's bounding box: what is higher is a blot, or slants too much."""

MAX_SHEAR = 0.3
"""Bound of each of the four parameters, in units of half the page's longer side."""

OUTLIER_SLANT = 0.01
"""Rise of a ruling, in the same unit, from which it counts less: it is meant to slant, or is no ruling."""

ROUNDS = 2
"""Rulings that slant much are seen only in part, until they slant less."""

_STIFFNESS = np.array([0.02, 0.02, 0.1, 0.1])
"""How much shears and perspective are held back where too few rulings determine them."""


def make_upright(grey: Grey, to_page: Transform) -> tuple[Grey, Transform]:
    """Warp a form so that its long rulings are level and upright; its middle stays where it is.

    Parameters
    ----------
    grey : (h, w) uint8 ndarray
        Its longer side has `SIDE_PX` pixels.
    to_page : (3, 3) float64 ndarray
        Homography from its pixels to those of the page.

    Returns
    -------
    upright : (h, w) uint8 ndarray
    to_page : (3, 3) float64 ndarray
        Homography from the pixels of `upright` to those of the page.
    """
    for _ in range(ROUNDS):
        turn = _homography(rulings_of(grey), grey.shape)
        grey = cv2.warpPerspective(
            grey, turn, grey.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.uint8)
        to_page = to_page @ np.linalg.inv(turn)
    return grey, to_page


def _homography(rulings: Rulings, shape: tuple[int, int]) -> Transform:
    """Return the homography that makes long rulings level and upright, and keeps the middle of the page."""
    across, down = _segments(rulings.across, is_across=True), _segments(rulings.down, is_across=False)
    height, width = shape
    to_unit = np.array([[2 / SIDE_PX, 0, -width / SIDE_PX], [0, 2 / SIDE_PX, -height / SIDE_PX], [0, 0, 1]])

    def sheared(parameters: NDArray[np.float64]) -> Transform:
        a, b, p, q = parameters
        return np.array([[1, a, 0], [b, 1, 0], [p, q, 1]], dtype=np.float64)

    def slants(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        homography = sheared(parameters) @ to_unit
        level = [apply_homography(homography, across[:, i : i + 2])[:, 1] for i in (0, 2)]
        upright = [apply_homography(homography, down[:, i : i + 2])[:, 0] for i in (0, 2)]
        return np.concatenate((level[0] - level[1], upright[0] - upright[1], _STIFFNESS * parameters))

    found = least_squares(
        slants, np.zeros(4), bounds=(-MAX_SHEAR, MAX_SHEAR), loss="soft_l1", f_scale=OUTLIER_SLANT
    )
    return np.asarray(np.linalg.inv(to_unit) @ sheared(found.x) @ to_unit)


def _segments(mask: Mask, *, is_across: bool) -> NDArray[np.float64]:
    """Return the ends of long rulings: an array of shape ``(N, 4)``, x1, y1, x2, y2."""
    labels, boxes = components(mask)
    found = []
    for i, (x, y, width, height, _) in enumerate(boxes.tolist(), start=1):
        length, thickness = max(width, height), min(width, height)
        if length < MIN_LONG_RULING_SHARE * SIDE_PX or thickness > MAX_ASPECT * length:
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
