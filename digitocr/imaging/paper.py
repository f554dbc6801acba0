"""The outline of paper on a desk: its four corners on a photo."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Grey

SIDE = 400
"""Longer side of the picture in which paper is looked for, in pixels."""

EDGE = 6
"""How far from a side of the paper its brightness is compared with the desk's, in pixels of that picture."""

SHARP = 25
"""Paper is at least this much brighter than the desk right beside it."""

ALIKE = 45
"""What lies beyond the sides differs by no more in brightness: else one of them is the edge of a shadow."""

LEVELS = 5
"""So many levels of brightness are tried to tell paper from desk."""

PAPER = 225
"""Brightness that paper is brought to."""

FITS = 4
"""How often paper and the fall of light on it are told anew from each other."""

STEP = 6
"""Every so many pixels tell how the light falls."""


def paper_corners(grey: Grey) -> NDArray[np.float64] | None:
    """Find a bright sheet on a darker desk, also where part of it is in the shade.

    Parameters
    ----------
    grey : (h, w) uint8 ndarray

    Returns
    -------
    (4, 2) float64 ndarray or None
        Corners clockwise from the upper left, x and y in pixels; None where there is no such sheet.
    """
    scale = SIDE / max(grey.shape)
    step = max(1, max(grey.shape) // (4 * SIDE))  # fewer pixels tell where the paper ends as well as all do
    size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
    small = cv2.resize(np.ascontiguousarray(grey[::step, ::step]), size, interpolation=cv2.INTER_AREA)
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    even = _without_gradient(cv2.GaussianBlur(small, (5, 5), 0).astype(np.uint8))
    # in dim light the desk differs by less
    gain = max(1.0, PAPER / max(float(np.percentile(even, 95)), 40.0))
    even = cv2.convertScaleAbs(even, alpha=gain).astype(np.uint8)
    level = _otsu(even)
    # A lower level parts shade from desk: the largest sheet is the whole one.
    for tried in np.linspace(_otsu(even[even <= level]), level, LEVELS):
        quad = _sheet(even, float(tried))
        if quad is not None:
            return np.asarray((quad + 0.5) / scale, dtype=np.float64)
    return None


def _otsu(grey: NDArray[Any]) -> float:
    level, _ = cv2.threshold(grey.reshape(1, -1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(level)


def _without_gradient(small: Grey) -> Grey:
    """Take out how the light falls off across a photo, as far as two grounds, paper and desk, tell it.

    In turns each pixel is given to one of two grounds, and a quadratic surface is fitted to the logarithm of what
    the light does to both.
    """
    height, width = small.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    surface = np.stack([x, y, x * x, x * y, y * y], axis=-1)
    sampled = surface[::STEP, ::STEP].reshape(-1, 5)
    middle = sampled.mean(axis=0)
    sampled = sampled - middle
    logs = np.log(np.maximum(small[::STEP, ::STEP], 8).astype(np.float64)).ravel()
    fall = np.zeros(5)
    for _ in range(FITS):
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


def _sheet(small: Grey, level: float) -> NDArray[np.float64] | None:
    """Find the quadrilateral that is brighter than a level: its corners clockwise from the upper left, or None."""
    mask = cv2.morphologyEx((small > level).view(np.uint8), cv2.MORPH_OPEN, np.ones((15, 15), np.uint8))
    paper, desk = small[mask > 0], small[mask == 0]
    if not paper.size or not desk.size or np.median(paper) - np.median(desk) < ALIKE:
        return None
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = max(contours, key=cv2.contourArea)
    area = cv2.contourArea(outline)
    if not 0.25 * small.size < area < 0.97 * small.size:
        return None
    hull = cv2.convexHull(outline)
    quad = cv2.approxPolyDP(hull, 0.04 * cv2.arcLength(hull, closed=True), closed=True).reshape(-1, 2)
    if len(quad) != 4 or area < 0.9 * cv2.contourArea(quad):
        return None
    height, width = small.shape
    x, y = quad.T
    if np.count_nonzero((x <= 2) | (x >= width - 3) | (y <= 2) | (y >= height - 3)) >= 3:
        # The picture's own frame, cut by something dark, is no sheet on a desk.
        return None
    if not _has_sharp_edges(small, quad):
        return None
    points = quad[np.argsort(np.arctan2(*(quad - quad.mean(axis=0)).T[::-1]))].astype(np.float64)
    first = int(np.argmin(points.sum(axis=1)))
    return np.asarray(np.roll(points, -first, axis=0), dtype=np.float64)


def _has_sharp_edges(small: Grey, quad: NDArray[Any]) -> bool:
    """Whether brightness falls sharply, to one and the same desk, at each side that lies within the picture.

    The edge of a shadow on the paper is soft, or what lies beyond it is brighter than the desk: it must not be cut
    off.
    """
    height, width = small.shape
    centre = np.asarray(quad.mean(axis=0), dtype=np.float64)
    beyond: list[float] = []
    for a, b in zip(quad.astype(np.float64), np.roll(quad, -1, axis=0).astype(np.float64), strict=True):
        along = np.linspace(a, b, 24)[3:-3]
        outward = np.array([b[1] - a[1], a[0] - b[0]])
        outward *= np.sign(outward @ ((a + b) / 2 - centre)) / max(float(np.linalg.norm(outward)), 1e-6)
        inside, outside = along - EDGE * outward, along + EDGE * outward
        seen = ((outside >= 0) & (outside < [width, height])).all(axis=1)
        seen &= ((inside >= 0) & (inside < [width, height])).all(axis=1)
        if seen.sum() < 6:
            continue
        (xi, yi), (xo, yo) = inside[seen].astype(int).T, outside[seen].astype(int).T
        if np.median(small[yi, xi].astype(float) - small[yo, xo]) < SHARP:
            return False
        beyond.append(float(np.median(small[yo, xo])))
    return max(beyond, default=0.0) - min(beyond, default=0.0) <= ALIKE
