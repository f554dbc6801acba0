"""Features of printed matter: SIFT keypoints with descriptors, spread over the page, and the file they are kept in."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr import atomic
from digitocr.errors import TemplateError
from digitocr.forms.print_lines import Lines
from digitocr.records import Box, Grey

PAGE_SIDE_PX = 1000
"""Longer side of the picture in which print is compared: it is legible, and takes a fifth of a second."""

MAX_FEATURES = 1600
"""Features kept of a picture, the strongest of each neighbourhood."""

GRID_CELLS = 12
"""Neighbourhoods along either side of a picture."""

CONTRAST = 0.04
"""SIFT's contrast threshold on a picture of unknown content; OpenCV's default."""


@dataclass(frozen=True)
class Features:
    """Keypoints of a picture with their descriptors.

    Attributes
    ----------
    points : (N, 2) float32 ndarray
        x, y in pixels of the picture.
    descriptors : (N, 128) uint8 ndarray
        SIFT descriptors of the print around each, invariant to rotation.
    lines : (L, 5) float32 ndarray
        Printed lines of a form, see :mod:`digitocr.forms.print_lines`.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    lines: Lines = field(default_factory=lambda: np.zeros((0, 5), np.float32))

    @cached_property
    def root_sift(self) -> NDArray[np.float32]:
        """Descriptors of shape ``(N, 128)`` scaled so that a product of two is the cosine of their square roots.

        R. Arandjelović and A. Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012.
        """
        plain = self.descriptors.astype(np.float32)
        return np.asarray(np.sqrt(plain / np.maximum(plain.sum(axis=1, keepdims=True), 1)), dtype=np.float32)


def no_features() -> Features:
    """Return the features of a picture that has none.

    Returns
    -------
    Features
    """
    return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))


def features_of(picture: Grey, exclude: Sequence[Box] = (), side_px: int = PAGE_SIDE_PX) -> Features:
    """Find the features of a picture, spread over all of it.

    SIFT [1]_ on the picture shrunk to `side_px`; the strongest keypoints of each neighbourhood are kept.

    Parameters
    ----------
    picture : (H, W) uint8 ndarray
    exclude : sequence of Box
        Where handwriting may stand, which is no part of the form.
    side_px : int
        Longer side to which the picture is shrunk.

    Returns
    -------
    Features
        In pixels of `picture`.

    References
    ----------
    .. [1] D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60, 2004.
    """
    height, width = picture.shape
    scale = min(1.0, side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    mask = np.full(small.shape, 255, dtype=np.uint8)
    for box in exclude:
        x, y, right, bottom = (round(v * scale) for v in (box.x, box.y, box.right, box.bottom))
        mask[max(0, y) : bottom, max(0, x) : right] = 0
    found = detect_features(small.astype(np.uint8), mask)
    points = (found.points + 0.5) * (width / size[0], height / size[1]) - 0.5
    return Features(points.astype(np.float32), found.descriptors)


def detect_features(picture: Grey, mask: NDArray[np.uint8], contrast: float = CONTRAST) -> Features:
    """Find the features of a small picture within a mask.

    Parameters
    ----------
    picture : (h, w) uint8 ndarray
    mask : (h, w) uint8 ndarray
        Above 0 where features may lie.
    contrast : float
        SIFT's contrast threshold, in (0, 1).

    Returns
    -------
    Features
    """
    # without precise upscaling all points come out a quarter of a pixel too far right and down
    sift = cv2.SIFT.create(contrastThreshold=contrast, enable_precise_upscale=True)
    found, descriptors = sift.detectAndCompute(picture, mask)
    if not found:
        return no_features()
    kept = _spread(found, picture.shape[::-1])
    points = np.array([found[k].pt for k in kept], dtype=np.float32)
    return Features(points, descriptors[kept].astype(np.uint8))


def _spread(found: Sequence[cv2.KeyPoint], size: tuple[int, int]) -> list[int]:
    """Choose the strongest keypoints of each neighbourhood."""
    by_place: dict[tuple[int, int], list[int]] = {}
    for k in sorted(range(len(found)), key=lambda k: -found[k].response):
        x, y = found[k].pt
        by_place.setdefault((int(x * GRID_CELLS / size[0]), int(y * GRID_CELLS / size[1])), []).append(k)
    ranked = [(rank, -found[k].response, k) for some in by_place.values() for rank, k in enumerate(some)]
    return [k for _, _, k in sorted(ranked)[:MAX_FEATURES]]


def save_features(path: Path, features: Features) -> None:
    """Write the features of a form beside its template.

    Parameters
    ----------
    path : Path
    features : Features
    """
    packed = io.BytesIO()
    np.savez_compressed(
        packed, points=features.points, descriptors=features.descriptors, lines=features.lines
    )
    atomic.write(path, packed.getvalue())


def load_features(path: Path) -> Features:
    """Read the features of a form.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Features

    Raises
    ------
    TemplateError
        The file cannot be read, or holds something else.
    """
    hint = "make it again with template detect"
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = Features(stored["points"].astype(np.float32), stored["descriptors"].astype(np.uint8))
            if "lines" in stored:  # files made before 2026-11-22 have none
                found = replace(found, lines=stored["lines"].astype(np.float32))
    except (OSError, ValueError, KeyError) as error:
        raise TemplateError(f"{path}: cannot read the features of the form: {error!r}", hint=hint) from None
    shapes = found.points.shape, found.descriptors.shape[1:], found.lines.shape[1:]
    if shapes != ((len(found.descriptors), 2), (128,), (5,)):
        raise TemplateError(f"{path}: this file does not hold the features of a form", hint=hint)
    return found
