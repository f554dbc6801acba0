"""A first guess of a form's pose on a page: a homography, fitted robustly to matched print."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.forms.features import MAX_FEATURES
from digitocr.forms.geometry import Points, apply_homography, rectangle
from digitocr.forms.matching import Matches, PrintPair, find_near, match_distinctive
from digitocr.records import Transform

TOLERANCE_PX = 5.0
"""How far print may lie from where a homography puts it, at a page side of `PAGE_SIDE_PX`."""

REACH_PX = 14.0
"""How far from its place print is looked for where the pose is only a guess, at the same page side."""

MIN_SUPPORT = 16
"""Matches that must agree with a pose: fewer may agree by chance."""

MAX_FORESHORTENING = 4
"""Two sides of a form are seen at scales that differ by less than this factor."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Roughly how a form lies on a page.

    Attributes
    ----------
    to_page : (3, 3) float64 ndarray
        Homography from the form to the page, both in pixels of a page `PAGE_SIDE_PX` long.
    support : int
        Number of matches that agree with it.
    """

    to_page: Transform
    support: int


def fit_homography(matches: Matches) -> Transform | None:
    """Fit a homography to matches, some of which are wrong (MAGSAC++ [1]_).

    Parameters
    ----------
    matches : Matches

    Returns
    -------
    (3, 3) float64 ndarray or None
        From the form to the page; None where no homography fits.

    References
    ----------
    .. [1] D. Barath, J. Noskova, M. Ivashechkin, J. Matas, "MAGSAC++, a fast, reliable and accurate robust
       estimator", CVPR 2020.
    """
    if len(matches) < 8:
        return None
    found, _ = cv2.findHomography(
        matches.form, matches.page, cv2.USAC_MAGSAC, TOLERANCE_PX, maxIters=3000, confidence=0.999
    )
    return None if found is None else np.asarray(found, dtype=np.float64)


def pose_by_markers(corners: Matches) -> Pose | None:
    """Guess a pose from the corners of markers.

    Parameters
    ----------
    corners : Matches

    Returns
    -------
    Pose or None
        None where fewer than two markers are seen. It has more support than any pose by print.
    """
    pose = fit_homography(corners)
    return None if pose is None else Pose(pose, MAX_FEATURES + len(corners))


def pose_by_print(pair: PrintPair, size: NDArray[np.float64]) -> Pose | None:
    """Guess a pose from distinctive print.

    Parameters
    ----------
    pair : PrintPair
    size : (2,) float64 ndarray
        Width and height of the form in pixels of a page `PAGE_SIDE_PX` long.

    Returns
    -------
    Pose or None
    """
    return _supported(pair, fit_homography(match_distinctive(pair)), size)


def pose_by_outline(pair: PrintPair, size: NDArray[np.float64], outline: Points) -> Pose | None:
    """Guess a pose from the outline of the paper, any of its four sides up.

    Parameters
    ----------
    pair : PrintPair
    size : (2,) float64 ndarray
        Width and height of the form in pixels of a page `PAGE_SIDE_PX` long.
    outline : (4, 2) float64 ndarray
        Corners of the paper clockwise, in the same pixels.

    Returns
    -------
    Pose or None
        The one with the most support.
    """
    sheet = rectangle(*size).astype(np.float32)
    turned = (np.roll(outline, k, axis=0).astype(np.float32) for k in range(4))
    guesses = (np.asarray(cv2.getPerspectiveTransform(sheet, corners), np.float64) for corners in turned)
    return best_pose(*(_supported(pair, guess, size) for guess in guesses))


def best_pose(*poses: Pose | None) -> Pose | None:
    """Return the pose with the most support, the first of equals; None where there is none.

    Parameters
    ----------
    *poses : Pose or None

    Returns
    -------
    Pose or None
    """
    return max((pose for pose in poses if pose is not None), key=lambda pose: pose.support, default=None)


def _supported(pair: PrintPair, guess: Transform | None, size: NDArray[np.float64]) -> Pose | None:
    """Look for print where a guess puts it, and fit a pose to what is found; None where that is chance."""
    if guess is None or not is_plausible(guess, size):
        return None
    matches = pair.matches(find_near(pair, apply_homography(guess, pair.form), REACH_PX))
    to_page = fit_homography(matches)
    if to_page is None or not is_plausible(to_page, size):
        return None
    off = np.linalg.norm(apply_homography(to_page, matches.form) - matches.page, axis=1)
    support = int(np.count_nonzero(off < TOLERANCE_PX))
    return Pose(to_page, support) if support >= MIN_SUPPORT else None


def is_plausible(to_page: Transform, size: NDArray[np.float64]) -> bool:
    """Tell whether a form can lie so: in front of the camera, not mirrored, not foreshortened too much.

    Parameters
    ----------
    to_page : (3, 3) float64 ndarray
    size : (2,) float64 ndarray
        Width and height of the form in pixels of a page `PAGE_SIDE_PX` long.

    Returns
    -------
    bool
    """
    width, height = size
    corners = rectangle(width, height)
    depth = corners @ to_page[2, :2] + to_page[2, 2]
    if not (depth * depth[0] > 0).all():
        return False
    placed = apply_homography(to_page, corners)
    sides = np.roll(placed, -1, axis=0) - placed
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    lengths = np.linalg.norm(sides, axis=1) / (width, height, width, height)
    return bool(
        (turns > 0).all() and lengths.min() > 0.1 and lengths.max() < MAX_FORESHORTENING * lengths.min()
    )
