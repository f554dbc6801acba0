"""Points, homographies, and warping a page flat."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Box, Grey, Transform

MESH_PX = 32
"""A flat page is warped by a mesh of this spacing, bilinearly in between."""

Points = NDArray[np.float64]
"""Points of shape ``(N, 2)``, x and y."""


def rectangle(width: float, height: float) -> Points:
    """Return the corners of a rectangle at the origin, clockwise from the upper left.

    Parameters
    ----------
    width, height : float

    Returns
    -------
    (4, 2) float64 ndarray
    """
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)


def corners_of(box: Box) -> Points:
    """Return the corners of a box, clockwise from the upper left.

    Parameters
    ----------
    box : Box

    Returns
    -------
    (4, 2) float64 ndarray
    """
    return rectangle(box.width, box.height) + np.array([box.x, box.y], dtype=np.float64)


def apply_homography(homography: Transform, points: Points) -> Points:
    """Map points by a homography.

    Parameters
    ----------
    homography : (3, 3) float64 ndarray
    points : (N, 2) float64 ndarray

    Returns
    -------
    (N, 2) float64 ndarray
    """
    mapped = points @ homography[:, :2].T + homography[:, 2]
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def warp_flat(page: Grey, place: Callable[[Points], Points], size: tuple[int, int]) -> Grey:
    """Warp a page flat.

    Parameters
    ----------
    page : (H, W) uint8 ndarray
    place : callable
        Maps points of the flat picture to the page, both of shape ``(N, 2)``, in pixels.
    size : tuple of int
        Width and height of the flat picture in pixels.

    Returns
    -------
    (height, width) uint8 ndarray
    """
    width, height = size
    rows, columns = -(-height // MESH_PX) + 1, -(-width // MESH_PX) + 1
    mesh = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2) * float(MESH_PX)
    placed = place(np.asarray(mesh, dtype=np.float64)).reshape(rows, columns, 2)
    spread = float(np.linalg.norm(placed[1:] - placed[:-1], axis=2).max()) / MESH_PX
    if spread > 2:  # bilinear sampling would skip pixels of the page: shrink it first
        page = cv2.resize(page, None, fx=2 / spread, fy=2 / spread, interpolation=cv2.INTER_AREA).astype(
            np.uint8
        )
        placed = (placed + 0.5) * (2 / spread) - 0.5
    to_mesh = np.array([[1 / MESH_PX, 0, 0], [0, 1 / MESH_PX, 0]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    at = cv2.warpAffine(
        placed.astype(np.float32), to_mesh, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    x, y = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
    flat = cv2.remap(page, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(flat, dtype=np.uint8)
