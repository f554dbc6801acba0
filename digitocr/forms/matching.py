"""Print of a form matched with print on a page: by descriptors, and by patches around corners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from digitocr.forms.features import Features
from digitocr.forms.form_print import PATCH_PX, FormPrint
from digitocr.forms.geometry import Points
from digitocr.records import Grey

MATCH_RATIO = 0.85
"""A match is distinctive if the best distance is below this share of the second best."""

MIN_COSINE = 0.82
"""Minimum cosine of two descriptors of the same print."""

SEARCH_PX = 10
"""How far from its place a corner is looked for, at a page side of `PAGE_SIDE_PX`."""

MIN_CORRELATION = 0.6
"""Minimum correlation of the patch around a corner with the page."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Points of a form, and where on the page they were found.

    Attributes
    ----------
    form, page : (N, 2) float64 ndarray
    """

    form: Points
    page: Points

    def __len__(self) -> int:
        return len(self.form)

    def __add__(self, other: Matches) -> Matches:
        return Matches(np.vstack([self.form, other.form]), np.vstack([self.page, other.page]))

    def some(self, chosen: NDArray[np.bool_]) -> Matches:
        """Return those matches for which `chosen`, of shape ``(N,)``, is true."""
        return Matches(self.form[chosen], self.page[chosen])


@dataclass(frozen=True, slots=True)
class PrintPair:
    """The features of a form and of a page, both in pixels of a page `PAGE_SIDE_PX` long.

    Attributes
    ----------
    form, page : (N, 2) float64 ndarray, (M, 2) float64 ndarray
    form_descriptors, page_descriptors : (N, 128) float32 ndarray, (M, 128) float32 ndarray
        A product of two is their cosine.
    """

    form: Points
    page: Points
    form_descriptors: NDArray[np.float32]
    page_descriptors: NDArray[np.float32]

    @classmethod
    def of(cls, form: FormPrint, page: Features, scale: float) -> PrintPair:
        """Pair a form with the features of a page.

        Parameters
        ----------
        form : FormPrint
        page : Features
        scale : float
            Pixels of a page `PAGE_SIDE_PX` long per pixel of `page`.

        Returns
        -------
        PrintPair
        """
        return cls(
            form.points, page.points.astype(np.float64) * scale, form.features.root_sift, page.root_sift
        )

    def matches(self, found: NDArray[np.intp]) -> Matches:
        """Return the features that were found again.

        Parameters
        ----------
        found : (N,) intp ndarray
            The page's feature for each of the form's, -1 where there is none.

        Returns
        -------
        Matches
        """
        chosen = found >= 0
        return Matches(self.form[chosen], self.page[found[chosen]])


def match_distinctive(pair: PrintPair) -> Matches:
    """Match features by descriptor alone, where nothing else on the page looks nearly the same (Lowe's ratio test).

    Parameters
    ----------
    pair : PrintPair

    Returns
    -------
    Matches
    """
    if len(pair.form) < 1 or len(pair.page) < 2:
        return Matches(np.zeros((0, 2)), np.zeros((0, 2)))
    cosines = pair.form_descriptors @ pair.page_descriptors.T
    rows, best = np.arange(len(cosines)), cosines.argmax(axis=1)
    first = cosines[rows, best]
    cosines[rows, best] = -1
    apart = 1 - np.stack([first, cosines.max(axis=1)])  # half the squared distance
    return Matches(pair.form, pair.page[best]).some(apart[0] < MATCH_RATIO**2 * apart[1])


def find_near(pair: PrintPair, places: Points, reach_px: float) -> NDArray[np.intp]:
    """Find each feature of a form again near its place on the page: mutual best matches by descriptor.

    Parameters
    ----------
    pair : PrintPair
    places : (N, 2) float64 ndarray
        Where each feature of the form is expected on the page.
    reach_px : float

    Returns
    -------
    (N,) intp ndarray
        The page's feature for each of the form's, -1 where there is none.
    """
    found = np.full(len(places), -1, dtype=np.intp)
    if not len(places) or not len(pair.page):
        return found
    near = KDTree(places).sparse_distance_matrix(KDTree(pair.page), reach_px, output_type="ndarray")
    here, there = near["i"], near["j"]
    cosines = np.einsum("nd,nd->n", pair.form_descriptors[here], pair.page_descriptors[there])
    order = np.argsort(cosines)
    order = order[cosines[order] >= MIN_COSINE]
    here, there = here[order], there[order]
    # of several pairs with the same feature the last one written stays: the most similar
    best, best_there = np.full(len(places), -1), np.full(len(pair.page), -1)
    best[here] = best_there[there] = np.arange(len(order))
    mutual = best[here] == best_there[there]
    found[here[mutual]] = there[mutual]
    return found


def match_corners(picture: Grey, flat: Grey, corners: Points, places: Points) -> Matches:
    """Find corners of the empty form again on a flattened page, by the patch around each.

    Features seldom lie where people write. Without corners, fields would be misplaced where paper bends.

    Parameters
    ----------
    picture, flat : (h, w) uint8 ndarray
        The empty form and the flattened page.
    corners, places : (N, 2) float64 ndarray
        Whole pixels of the picture, and where each is expected on the flattened page.

    Returns
    -------
    Matches
        Those whose correlation has its peak within reach, at least `MIN_CORRELATION`.
    """
    reach = PATCH_PX + SEARCH_PX
    inside = (np.minimum(corners, places) >= reach + 1).all(axis=1)
    inside &= (np.maximum(corners, places) < np.array(flat.shape[::-1]) - reach - 1).all(axis=1)
    here, there = [], []
    for (x, y), (u, v) in zip(corners[inside].astype(int), places[inside].round().astype(int), strict=True):
        patch = picture[y - PATCH_PX : y + PATCH_PX + 1, x - PATCH_PX : x + PATCH_PX + 1]
        around = flat[v - reach : v + reach + 1, u - reach : u + reach + 1]
        scores = cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED)
        _, most, _, (i, j) = cv2.minMaxLoc(scores)
        if most >= MIN_CORRELATION and 0 < i < 2 * SEARCH_PX and 0 < j < 2 * SEARCH_PX:
            dx = i + _peak(scores[j, i - 1 : i + 2]) - SEARCH_PX
            dy = j + _peak(scores[j - 1 : j + 2, i]) - SEARCH_PX
            here.append((x, y))
            there.append((u + dx, v + dy))
    return Matches(*(np.array(some, dtype=np.float64).reshape(-1, 2) for some in (here, there)))


def _peak(values: NDArray[Any]) -> float:
    """Return how far from the middle one of three values the parabola through them peaks."""
    left, middle, right = (float(value) for value in values)
    return 0.5 * (left - right) / min(left - 2 * middle + right, -1e-6)
