"""Registration: how the printed form of a template lies on a page.

Features of the printed form are matched with those of the page, and a homography is fitted robustly. It stands
only where the print that it predicts is found again all over the form: a page of another form, or half a page,
is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Box, Grey, Transform

SIDE = 1000
"""Longest side in pixels of the picture in which features are sought: print is legible, and it costs a third of a
second."""

FEATURES = 1600
"""Features kept of a picture, the strongest of each neighbourhood."""

GRID = 12
"""Neighbourhoods along either side of a picture."""

RATIO = 0.85
"""A match is distinctive if the second best lies at least this much farther away."""

TOLERANCE = 4.0
"""How far a match may lie from where the homography puts it, in pixels of a picture `SIDE` long."""

REACH = 7.0
"""How far around the place where it should be a feature is looked for, in the same pixels."""

ALIKE = 0.82
"""Least cosine of two descriptors of the same print."""

LEAST_MATCHES = 24
"""Fewer distinctive matches that agree are no evidence of a form."""

JUDGED = 2000
"""Residuals are told in pixels of a page this high."""


@dataclass(frozen=True, slots=True)
class Features:
    """Distinctive points of a picture.

    Attributes
    ----------
    points : (N, 2) float32 ndarray
        x, y in pixels of the picture.
    descriptors : (N, 128) uint8 ndarray
        What the print around each looks like, whichever way it is turned.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


def features_of(picture: Grey, exclude: Sequence[Box] = ()) -> Features:
    """Find the distinctive points of a picture, spread over all of it.

    SIFT [1]_ on the picture shrunk to `SIDE`, the strongest points of each neighbourhood.

    Parameters
    ----------
    picture : (H, W) uint8 ndarray
    exclude : sequence of Box
        Where handwriting may stand, which is no part of the form.

    References
    ----------
    .. [1] D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60, 2004.
    """
    height, width = picture.shape
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    free = np.full(small.shape, 255, dtype=np.uint8)
    for box in exclude:
        x, y, right, bottom = (round(v * scale) for v in (box.x, box.y, box.right, box.bottom))
        free[max(0, y) : bottom, max(0, x) : right] = 0
    sift = cv2.SIFT_create()
    found = _spread(sift.detect(small, free), size)
    kept, descriptors = sift.compute(small, found)
    if not len(kept):
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    points = (np.array([k.pt for k in kept]) + 0.5) * (width / size[0], height / size[1]) - 0.5
    return Features(points.astype(np.float32), descriptors.astype(np.uint8))


def _spread(found: Sequence[cv2.KeyPoint], size: tuple[int, int]) -> list[cv2.KeyPoint]:
    """Keep the strongest points of each neighbourhood, one per place."""
    by_place: dict[tuple[int, int], list[cv2.KeyPoint]] = {}
    for point in sorted(found, key=lambda k: -k.response):
        place = (int(point.pt[0] * GRID / size[0]), int(point.pt[1] * GRID / size[1]))
        by_place.setdefault(place, []).append(point)
    ranked = [
        (rank, -p.response, i, p)
        for i, points in enumerate(by_place.values())
        for rank, p in enumerate(points)
    ]
    return [p for *_, p in sorted(ranked, key=lambda r: r[:3])[:FEATURES]]
