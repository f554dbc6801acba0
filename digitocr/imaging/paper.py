"""The outline of paper on a desk: its four corners on a photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Grey


@dataclass(frozen=True, slots=True)
class Paper:
    """How the outline of paper on a desk is found on a photo.

    The photo is reduced first; "pixels" are those of the reduced picture, brightness is in grey levels, 0 to 255.

    Attributes
    ----------
    side_px : int
        Longer side of the reduced picture.
    fineness : int
        The photo is thinned out before it is reduced, but to no less than this multiple of `side_px`.
    closing_px : int
        Side of the square that closes dark marks on the paper, such as writing.
    blur_px : int
        Side of the Gaussian kernel that smooths what remains; odd.
    white : float
        Brightness to which the brightest part of a dim photo is raised.
    white_share : float
        Share of the picture that is no brighter than its brightest part.
    min_white : float
        Brightness that the brightest part counts as at least, so that a dark photo is not raised without limit.
    levels : int
        Thresholds between paper and desk that are tried, from dark to bright.
    light_passes : int
        How often the fall of light is fitted, each time to a better division into paper and desk.
    light_step_px : int
        Distance of the pixels, in both directions, to which the fall of light is fitted.
    min_light : int
        Darker pixels count as this bright in that fit.
    opening_px : int
        Side of the square that breaks narrow bridges between the paper and other bright things.
    min_contrast : float
        Least difference of median brightness between paper and desk.
    min_area_share, max_area_share : float
        Limits of the paper's area, as a share of the picture's.
    tolerance_share : float
        How far the outline may stray from a quadrilateral, as a share of its length.
    min_fill_share : float
        Least share of the quadrilateral that is paper.
    frame_px : int
        A corner is on the frame of the picture up to this distance from it.
    frame_corners : int
        An outline with this many corners on the frame is not paper.
    side_samples : int
        Points along a side of the paper, from corner to corner, at which it is compared with the desk.
    skipped_samples : int
        Points left out at either end of a side.
    min_samples : int
        A side with fewer points within the picture is not compared.
    edge_px : int
        Distance from the side at which paper and desk are compared.
    min_edge : float
        Least median step of brightness from paper to desk at a side.
    max_desk_range : float
        Greatest difference of the desk's brightness between sides; beyond it, one of them is the edge of a shadow.
    """

    side_px: int = 400
    fineness: int = 4
    closing_px: int = 9
    blur_px: int = 5
    white: float = 225.0
    white_share: float = 0.95
    min_white: float = 40.0
    levels: int = 5
    light_passes: int = 4
    light_step_px: int = 6
    min_light: int = 8
    opening_px: int = 15
    min_contrast: float = 45.0
    min_area_share: float = 0.25
    max_area_share: float = 0.97
    tolerance_share: float = 0.04
    min_fill_share: float = 0.9
    frame_px: int = 2
    frame_corners: int = 3
    side_samples: int = 24
    skipped_samples: int = 3
    min_samples: int = 6
    edge_px: int = 6
    min_edge: float = 25.0
    max_desk_range: float = 45.0


def paper_corners(grey: Grey, p: Paper) -> NDArray[np.float64] | None:
    """Find a bright sheet on a darker desk, also where part of it is in the shade.

    Parameters
    ----------
    grey : (h, w) uint8 ndarray
    p : Paper

    Returns
    -------
    (4, 2) float64 ndarray or None
        Corners clockwise from the upper left, x and y in pixels; None where there is no such sheet.
    """
    scale = p.side_px / max(grey.shape)
    # A part of the pixels shows where the paper ends as well as all of them.
    step = max(1, max(grey.shape) // (p.fineness * p.side_px))
    size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
    small = cv2.resize(np.ascontiguousarray(grey[::step, ::step]), size, interpolation=cv2.INTER_AREA)
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((p.closing_px, p.closing_px), np.uint8))
    smooth = cv2.GaussianBlur(small, (p.blur_px, p.blur_px), 0).astype(np.uint8)
    even = _without_gradient(smooth, p)
    # In dim light, paper and desk differ by less.
    gain = max(1.0, p.white / max(float(np.quantile(even, p.white_share)), p.min_white))
    even = cv2.convertScaleAbs(even, alpha=gain).astype(np.uint8)
    level = _otsu(even)
    # A low threshold divides the shaded part of the paper from the desk: it finds the whole sheet, if there is one.
    for tried in np.linspace(_otsu(even[even <= level]), level, p.levels):
        quad = _sheet(even, float(tried), p)
        if quad is not None:
            return np.asarray((quad + 0.5) / scale, dtype=np.float64)
    return None


def _otsu(grey: NDArray[Any]) -> float:
    level, _ = cv2.threshold(grey.reshape(1, -1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(level)


def _without_gradient(small: Grey, p: Paper) -> Grey:
    """Even out the light across a photo of paper on a desk.

    Two steps alternate: each pixel is assigned to one of two grounds, paper or desk, and a quadratic surface is fitted
    to the logarithm of brightness within both.
    """
    height, width = small.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    surface = np.stack([x, y, x * x, x * y, y * y], axis=-1)
    every = np.s_[:: p.light_step_px, :: p.light_step_px]
    sampled = surface[every].reshape(-1, 5)
    middle = sampled.mean(axis=0)
    sampled = sampled - middle
    logs = np.log(np.maximum(small[every], p.min_light).astype(np.float64)).ravel()
    fall = np.zeros(5)
    for _ in range(p.light_passes):
        even = np.clip(np.exp(logs - sampled @ fall), 0, 255).astype(np.uint8)
        bright = even > _otsu(even)
        if not bright.any() or bright.all():
            return small
        rest, terms = logs.copy(), sampled.copy()
        for ground in (bright, ~bright):
            rest[ground] -= rest[ground].mean()
            terms[ground] -= terms[ground].mean(axis=0)
        fall = np.linalg.lstsq(terms, rest, rcond=None)[0]
    light = np.exp((surface - middle) @ fall)
    return np.asarray(np.clip(small / light, 0, 255), dtype=np.uint8)


def _sheet(small: Grey, level: float, p: Paper) -> NDArray[np.float64] | None:
    """Find a quadrilateral brighter than a threshold: its corners clockwise from the upper left, or None."""
    square = np.ones((p.opening_px, p.opening_px), np.uint8)
    mask = cv2.morphologyEx((small > level).view(np.uint8), cv2.MORPH_OPEN, square)
    paper, desk = small[mask > 0], small[mask == 0]
    if not paper.size or not desk.size or np.median(paper) - np.median(desk) < p.min_contrast:
        return None
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = max(contours, key=cv2.contourArea)
    area = cv2.contourArea(outline)
    if not p.min_area_share * small.size < area < p.max_area_share * small.size:
        return None
    hull = cv2.convexHull(outline)
    tolerance = p.tolerance_share * cv2.arcLength(hull, closed=True)
    quad = cv2.approxPolyDP(hull, tolerance, closed=True).reshape(-1, 2)
    if len(quad) != 4 or area < p.min_fill_share * cv2.contourArea(quad):
        return None
    to_frame = np.minimum(quad, [small.shape[1] - 1, small.shape[0] - 1] - quad).min(axis=1)
    if np.count_nonzero(to_frame <= p.frame_px) >= p.frame_corners:
        # The picture's own frame, cut by something dark, is not a sheet on a desk.
        return None
    if not _has_sharp_edges(small, quad, p):
        return None
    points = quad[np.argsort(np.arctan2(*(quad - quad.mean(axis=0)).T[::-1]))].astype(np.float64)
    first = int(np.argmin(points.sum(axis=1)))
    return np.asarray(np.roll(points, -first, axis=0), dtype=np.float64)


def _has_sharp_edges(small: Grey, quad: NDArray[Any], p: Paper) -> bool:
    """Whether brightness drops sharply to the same desk at each side that lies within the picture.

    A shadow on the paper has a soft edge, or the paper in it is brighter than the desk: it must not be cut off.
    """
    height, width = small.shape
    centre = np.asarray(quad.mean(axis=0), dtype=np.float64)
    beyond: list[float] = []
    for a, b in zip(quad.astype(np.float64), np.roll(quad, -1, axis=0).astype(np.float64), strict=True):
        along = np.linspace(a, b, p.side_samples)[p.skipped_samples : p.side_samples - p.skipped_samples]
        outward = np.array([b[1] - a[1], a[0] - b[0]])
        outward *= np.sign(outward @ ((a + b) / 2 - centre)) / max(float(np.linalg.norm(outward)), 1e-6)
        inside, outside = along - p.edge_px * outward, along + p.edge_px * outward
        seen = ((outside >= 0) & (outside < [width, height])).all(axis=1)
        seen &= ((inside >= 0) & (inside < [width, height])).all(axis=1)
        if seen.sum() < p.min_samples:
            continue
        (xi, yi), (xo, yo) = inside[seen].astype(int).T, outside[seen].astype(int).T
        if np.median(small[yi, xi].astype(float) - small[yo, xo]) < p.min_edge:
            return False
        beyond.append(float(np.median(small[yo, xo])))
    return max(beyond, default=0.0) - min(beyond, default=0.0) <= p.max_desk_range
