"""ArUco markers in the corners of printed forms, found on a page."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from digitocr.forms.geometry import Points, corners_of
from digitocr.forms.matching import Matches
from digitocr.forms.template import Marker
from digitocr.records import Grey

DICTIONARY = cv2.aruco.DICT_5X5_1000
"""The ArUco dictionary that markers on forms are taken from."""

SEARCH_SIDE_PX = 2000
"""Longer side of the picture in which markers are looked for."""


def find_markers(page: Grey) -> dict[int, Points]:
    """Find the ArUco markers on a page; one that is seen twice is dropped.

    Parameters
    ----------
    page : (H, W) uint8 ndarray

    Returns
    -------
    dict of int to (4, 2) float64 ndarray
        By id, the corners in page pixels, clockwise from the marker's own upper left.
    """
    scale = min(1.0, SEARCH_SIDE_PX / max(page.shape))
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else page
    options = cv2.aruco.DetectorParameters()
    options.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(DICTIONARY), options)
    corners, ids, _ = detector.detectMarkers(small)
    if not len(corners):
        return {}
    numbers = [int(n) for n in np.ravel(ids)]
    return {
        number: (square.reshape(4, 2).astype(np.float64) + 0.5) / scale - 0.5
        for number, square in zip(numbers, corners, strict=True)
        if numbers.count(number) == 1
    }


def match_markers(markers: tuple[Marker, ...], seen: Mapping[int, Points]) -> Matches:
    """Match the corners of a form's markers with those seen on a page.

    Parameters
    ----------
    markers : tuple of Marker
    seen : mapping of int to (4, 2) float64 ndarray
        As `find_markers` returns them.

    Returns
    -------
    Matches
        Reference pixels and page pixels.
    """
    both = [marker for marker in markers if marker.id in seen]
    form = np.array([corners_of(marker.box) for marker in both], dtype=np.float64).reshape(-1, 2)
    page = np.array([seen[marker.id] for marker in both], dtype=np.float64).reshape(-1, 2)
    return Matches(form, page)
