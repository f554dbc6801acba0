"""Connected components of ink."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Mask

Components = tuple[NDArray[Any], NDArray[np.int32]]
"""Labels and boxes, as of :func:`components`."""


def components(ink: Mask) -> Components:
    """Label the connected components of ink; pixels that meet at a corner are connected.

    Parameters
    ----------
    ink : (h, w) bool ndarray

    Returns
    -------
    labels : (h, w) uint16 or int32 ndarray
        0 for paper.
    boxes : (n, 5) int32 ndarray
        x, y, width, height and area; row ``i`` is label ``i + 1``.
    """
    picture = ink.view(np.uint8)
    try:
        # 16 bits take a third of the time, and are enough for all but a page of dust.
        _, labels, stats, _ = cv2.connectedComponentsWithStats(picture, connectivity=8, ltype=cv2.CV_16U)
    except cv2.error:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(picture, connectivity=8, ltype=cv2.CV_32S)
    return labels, np.asarray(stats[1:], dtype=np.int32)


def meeting(starts: NDArray[Any], ends: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of intervals that meet; memory goes with their number, not with that of all pairs.

    Parameters
    ----------
    starts : (n,) ndarray
        In order, the least first.
    ends : (n,) ndarray

    Returns
    -------
    first, second : (m,) intp ndarray
        Indices of each pair; the second begins no earlier than the first, and no later than the first ends.

    Examples
    --------
    >>> [one.tolist() for one in meeting(np.array([0, 2, 9]), np.array([3, 4, 12]))]
    [[0], [1]]
    """
    order = np.arange(len(starts))
    counts = np.searchsorted(starts, ends, side="right") - (order + 1)
    first = np.repeat(order, counts)
    second = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts) + first + 1
    return first, second


def quantile(values: NDArray[Any], share: float) -> float:
    """Return the value below which a share of the values lies: ``numpy.quantile`` in a tenth of the time.

    Parameters
    ----------
    values : (n,) ndarray
        At least one number, none of them NaN.
    share : float
        In [0, 1]; 0.5 for the median.

    Returns
    -------
    float

    Examples
    --------
    >>> quantile(np.array([4, 1, 2, 8]), 0.5)
    3.0
    """
    ordered = np.sort(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    return float(ordered[low] + (at - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]))
