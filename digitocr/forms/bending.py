"""Bending of paper: a smooth displacement field, fitted robustly to matched print on a flattened page."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.forms.geometry import Points
from digitocr.forms.matching import Matches

BUMP_PX = 100.0
"""Distance over which paper bends, at a page side of `PAGE_SIDE_PX`: spacing and width of the radial basis."""

STIFFNESS = 0.2
"""Variance of print's position over that of a bump's height: how little paper bends."""

AFFINE_STIFFNESS = 1e-3
"""The same for a uniform shift, rotation or stretch, which is hardly restrained."""

OUTLIER_PX = 1.0
"""Residual at which a match counts a quarter, at the same page side."""

BEND_STEPS = 24
"""Steps along either side of the grid on which the displacement is sampled."""

_ROUNDS = 4
"""Of reweighting."""


def no_bending() -> NDArray[np.float64]:
    """Return the displacement of flat paper: zeros of shape ``(BEND_STEPS + 1, BEND_STEPS + 1, 2)``.

    Returns
    -------
    (BEND_STEPS + 1, BEND_STEPS + 1, 2) float64 ndarray
    """
    return np.zeros((BEND_STEPS + 1, BEND_STEPS + 1, 2))


def bending_grid(size: NDArray[np.float64]) -> Points:
    """Return the points of a form at which the displacement is sampled, row by row.

    Parameters
    ----------
    size : (2,) float64 ndarray
        Width and height of the form.

    Returns
    -------
    ((BEND_STEPS + 1)², 2) float64 ndarray
    """
    steps = np.linspace(0, 1, BEND_STEPS + 1)
    return np.stack(np.meshgrid(steps * size[0], steps * size[1]), axis=-1).reshape(-1, 2)


def fit_bending(matches: Matches, size: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit the displacement of print from where a pose puts it: an affine map, and smooth bending of the paper.

    Ridge regression on radial basis functions all over the form and three affine terms [1]_, reweighted in rounds by
    how well each match agrees with the fit [2]_. Print seldom covers a form evenly: a homography fitted to most of it
    may be far off elsewhere.

    Parameters
    ----------
    matches : Matches
        Print of the form, and where it is seen on the flattened page, in pixels of a page `PAGE_SIDE_PX` long.
    size : (2,) float64 ndarray
        Width and height of the form in the same pixels.

    Returns
    -------
    (BEND_STEPS + 1, BEND_STEPS + 1, 2) float64 ndarray
        Displacement in x and y on a grid over the form, its corners in the corners.

    References
    ----------
    .. [1] C. Rasmussen, C. Williams, "Gaussian Processes for Machine Learning", 2006, chapter 2.
    .. [2] P. Holland, R. Welsch, "Robust regression using iteratively reweighted least-squares", 1977.
    """
    columns, rows = (np.arange(-BUMP_PX / 2, side + BUMP_PX, BUMP_PX) for side in size)
    centres = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    design, off = _design(matches.form, centres, size), matches.page - matches.form
    ridge = np.diag([STIFFNESS] * len(centres) + [AFFINE_STIFFNESS] * 3)
    weights = np.ones(len(matches))
    heights: NDArray[Any] = np.zeros((len(centres) + 3, 2))
    for _ in range(_ROUNDS):
        weighted = design.T * weights
        heights = np.linalg.solve(weighted @ design + ridge, weighted @ off)
        weights = 1 / (1 + ((off - design @ heights) ** 2).sum(axis=1) / OUTLIER_PX**2) ** 2
    bend = _design(bending_grid(size), centres, size) @ heights
    return np.asarray(bend.reshape(BEND_STEPS + 1, BEND_STEPS + 1, 2))


def _design(points: Points, centres: Points, size: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of each bump at points, and the three terms of an affine map; of shape ``(N, K + 3)``."""
    squares = ((points[:, None] - centres) ** 2).sum(axis=2)
    bumps = np.asarray(np.exp(-squares / (2 * BUMP_PX**2)))
    return np.hstack([bumps, np.ones((len(points), 1)), 2 * points / size - 1])


def displacement_at(bend: NDArray[Any], points: Points, size: NDArray[np.float64]) -> Points:
    """Interpolate a displacement bilinearly.

    Parameters
    ----------
    bend : (n, n, 2) ndarray
        On a grid as `bending_grid` lays it.
    points : (N, 2) float64 ndarray
    size : (2,) float64 ndarray
        Width and height of the form, in the pixels of the points.

    Returns
    -------
    (N, 2) float64 ndarray
    """
    if not len(points):
        return np.zeros((0, 2))
    at = (points / size * BEND_STEPS).astype(np.float32)
    columns, rows = np.ascontiguousarray(at[:, 0]), np.ascontiguousarray(at[:, 1])
    picture = bend.astype(np.float32)
    sampled = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled.reshape(-1, 2), dtype=np.float64)


def bending_residual(matches: Matches, size: NDArray[np.float64]) -> float:
    """Return the median distance of each half of the matches from where a fit to the other half puts them.

    Parameters
    ----------
    matches : Matches
    size : (2,) float64 ndarray
        Width and height of the form.

    Returns
    -------
    float
        In the pixels of the matches.
    """
    first = np.arange(len(matches)) % 2 == 0
    off = []
    for fitted, judged in ((first, ~first), (~first, first)):
        bend, rest = fit_bending(matches.some(fitted), size), matches.some(judged)
        off.append(np.linalg.norm(rest.form + displacement_at(bend, rest.form, size) - rest.page, axis=1))
    return float(np.median(np.concatenate(off)))
