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
