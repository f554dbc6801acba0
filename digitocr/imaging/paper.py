"""The outline of paper on a desk: its four corners on a photo."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.parameters import Paper
from digitocr.records import Grey


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
