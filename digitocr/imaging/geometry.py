"""Where the paper lies on a page, how large it is worked on, and how far it is turned."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from digitocr.imaging.paper import Paper, paper_corners
from digitocr.records import Grey, Mask, Transform


@dataclass(frozen=True, slots=True)
class Geometry:
    """At what size a page is worked on, and how its skew is measured.

    Attributes
    ----------
    max_side_px : int
        Longest side of a sheet: an A4 page then has about 170 dots per inch.
    min_short_side_px : int
        A picture with a shorter side below this is enlarged to it, so that thin strokes survive the threshold.
    max_enlargement : float
        It is enlarged by no more than this factor.
    field_side_px : int
        A field is reduced to this shorter side.
    desk_side_px : int
        A desk around the paper is looked for from this shorter side on, as the picture is stored.
    min_linear_scale : float
        Down to this scale linear interpolation skips no pixel: each weighs into one of four neighbours.
    max_skew_deg, min_skew_deg : float
        Skew is looked for up to the first angle, and left alone below the second.
    coarse_step_deg, fine_step_deg : float
        Steps in which angles are tried, first over all, then around the best.
    skew_side_px : int
        Longer side of the picture on which skew is measured.
    skew_ink_level : int
        A pixel of that picture counts as ink above this, of 255.
    min_skew_ink_px : int
        With fewer pixels of ink nothing tells the skew.
    min_sharpening : float
        The rows must become sharper by this factor for a page to be turned.
    """

    max_side_px: int = 2000
    min_short_side_px: int = 96
    max_enlargement: float = 4.0
    field_side_px: int = 192
    desk_side_px: int = 200
    min_linear_scale: float = 0.5
    max_skew_deg: float = 15.0
    min_skew_deg: float = 0.3
    coarse_step_deg: float = 1.0
    fine_step_deg: float = 0.2
    skew_side_px: int = 600
    skew_ink_level: int = 40
    min_skew_ink_px: int = 50
    min_sharpening: float = 1.5


def straighten(grey: Grey, p: Geometry, paper: Paper) -> tuple[Grey, Transform]:
    """Cut the paper out of its surroundings and bring it to working size.

    Parameters
    ----------
    grey : (H, W) uint8 ndarray
        A page as it is stored.
    p : Geometry
    paper : Paper

    Returns
    -------
    flat : (h, w) uint8 ndarray
    to_page : (3, 3) float64 ndarray
        Homography from its pixels to page pixels.
    """
    height, width = grey.shape
    corners = paper_corners(grey, paper) if min(grey.shape) >= p.desk_side_px else None
    if corners is None:
        scale = _working_scale(width, height, p)
        if scale == 1:
            return grey, np.eye(3)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        how = _interpolation(scale, p)
        resized = cv2.resize(grey, size, interpolation=how).astype(np.uint8)
        return resized, np.diag([width / size[0], height / size[1], 1.0])
    top = (np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])) / 2
    side = (np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1])) / 2
    scale = _working_scale(float(top), float(side), p)
    w, h = max(1, round(top * scale)), max(1, round(side * scale))
    target = np.array([[0, 0], [w, 0], [w, h], [0, h]], dtype=np.float32)
    forward = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    flat = cv2.warpPerspective(grey, forward, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return flat.astype(np.uint8), np.linalg.inv(forward).astype(np.float64)


def _interpolation(scale: float, p: Geometry) -> int:
    """Choose the cheapest way that skips no pixel: down to half size each output pixel weighs its four neighbours."""
    if scale > 1:
        return cv2.INTER_CUBIC
    return cv2.INTER_LINEAR if scale >= p.min_linear_scale else cv2.INTER_AREA


def _working_scale(width: float, height: float, p: Geometry) -> float:
    longest, shortest = max(width, height), min(width, height)
    if longest > p.max_side_px:
        return p.max_side_px / longest
    if shortest < p.min_short_side_px:
        return min(p.min_short_side_px / shortest, p.max_enlargement, p.max_side_px / longest)
    return 1.0


def turned(
    stored: Grey, flat: Grey, to_page: Transform, angle: float, p: Geometry
) -> tuple[Grey, Mask, Transform]:
    """Turn a flat page about its centre into a picture that holds all of it, resampled once from the page as stored.

    Parameters
    ----------
    stored : (H, W) uint8 ndarray
        The page.
    flat : (h, w) uint8 ndarray
        As of :func:`straighten`.
    to_page : (3, 3) float64 ndarray
        Homography from its pixels to page pixels.
    angle : float
        In degrees, counter-clockwise.
    p : Geometry

    Returns
    -------
    level : (h', w') uint8 ndarray
    inside : (h', w') bool ndarray
        What of it lies on the flat page.
    to_page : (3, 3) float64 ndarray
        Homography from its pixels to page pixels.
    """
    height, width = flat.shape
    c, s = abs(np.cos(np.radians(angle))), abs(np.sin(np.radians(angle)))
    size = int(np.ceil(width * c + height * s)), int(np.ceil(width * s + height * c))
    affine = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    affine[:, 2] += np.array([(size[0] - width) / 2, (size[1] - height) / 2])
    turn = np.vstack([affine, [0, 0, 1]]).astype(np.float64)
    back = to_page @ np.linalg.inv(turn)
    # from half size on, four neighbours no longer weigh all pixels: there the flat page, which does, is turned
    is_fine = max(flat.shape) >= p.min_linear_scale * max(stored.shape)
    source, forward = (stored, np.linalg.inv(back)) if is_fine else (flat, turn)
    level = cv2.warpPerspective(
        source, forward, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    whole = np.full(flat.shape, 255, np.uint8)
    inside = cv2.warpPerspective(whole, turn, size, flags=cv2.INTER_NEAREST, borderValue=0) > 0
    return level.astype(np.uint8), inside, back


def skew_deg(ink: Mask, p: Geometry) -> float:
    """Measure the angle by which a picture must be turned to lay its rows of ink level.

    It is the angle whose row profile is the sharpest (sum of squared differences of neighbouring row sums), after
    Postl [1]_.

    Parameters
    ----------
    ink : (h, w) bool ndarray
    p : Geometry

    Returns
    -------
    float
        In degrees, counter-clockwise; 0 where the rows do not tell it.

    References
    ----------
    .. [1] W. Postl, "Detection of linear oblique structures and skew scan in digitized documents", ICPR 1986.
    """
    height, width = ink.shape
    scale = min(1.0, p.skew_side_px / max(height, width))
    small = cv2.resize(ink.astype(np.uint8) * 255, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ys, xs = np.nonzero(small > p.skew_ink_level)
    if len(ys) < p.min_skew_ink_px:
        return 0.0
    weights = small[ys, xs].astype(np.float64)

    def sharpness(angle: float) -> float:
        rows = ys * np.cos(np.radians(angle)) - xs * np.sin(np.radians(angle))
        rows = (rows - rows.min()).astype(np.int64)
        profile = np.bincount(rows, weights=weights)
        return float(np.sum(np.diff(profile) ** 2))

    level = sharpness(0.0)
    coarse = max(
        np.arange(-p.max_skew_deg, p.max_skew_deg + p.coarse_step_deg / 2, p.coarse_step_deg), key=sharpness
    )
    best = float(
        max(coarse + np.arange(-p.coarse_step_deg, p.coarse_step_deg + 0.01, p.fine_step_deg), key=sharpness)
    )
    return best if sharpness(best) > p.min_sharpening * level else 0.0
