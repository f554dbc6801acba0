"""Candidate to MNIST format: the only place where ink becomes what the network sees, in training and in use."""

from __future__ import annotations

import cv2
import numpy as np

from digitocr.records import Batch, Grey

SIDE = 28
"""Side of the picture the network sees, in pixels."""

INNER = 20
"""Side of the square that the ink fills within it, as MNIST has it."""


def to_mnist(ink: Grey) -> Grey:
    """Bring the ink of one candidate into MNIST format.

    The ink's box is scaled in proportion into 20×20 pixels and laid so that its centre of mass is the centre
    of a 28×28 picture, as LeCun et al. made MNIST [1]_.

    Parameters
    ----------
    ink : (h, w) uint8 ndarray
        Ink bright on black (0 where there is paper), cropped to the candidate.

    Returns
    -------
    (28, 28) uint8 ndarray
        All zero where there is no ink.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".

    Examples
    --------
    >>> stroke = np.zeros((40, 40), np.uint8)
    >>> stroke[5:35, 18:22] = 255
    >>> to_mnist(stroke).shape
    (28, 28)
    """
    height, width = ink.shape
    scale = INNER / max(height, width)
    inner_w, inner_h = max(1, round(width * scale)), max(1, round(height * scale))
    if scale < 1:
        small = cv2.resize(ink, (inner_w, inner_h), interpolation=cv2.INTER_AREA)
    else:
        small = cv2.resize(ink, (inner_w, inner_h), interpolation=cv2.INTER_LINEAR)
    peak = int(small.max(initial=0))
    out = np.zeros((SIDE, SIDE), dtype=np.uint8)
    if peak == 0:
        return out
    # The darkest stroke of a candidate is full ink, however faint the pen.
    small = cv2.convertScaleAbs(small, alpha=255.0 / peak)
    moments = cv2.moments(small)
    cx, cy = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    left = min(max(round((SIDE - 1) / 2 - cx), 0), SIDE - inner_w)
    top = min(max(round((SIDE - 1) / 2 - cy), 0), SIDE - inner_h)
    out[top : top + inner_h, left : left + inner_w] = small
    return out


def to_batch(images: list[Grey]) -> Batch:
    """Stack MNIST-format pictures into a batch.

    Parameters
    ----------
    images : list of (28, 28) uint8 ndarray

    Returns
    -------
    (N, 28, 28, 1) float32 ndarray
        In [0, 1].
    """
    if not images:
        return np.zeros((0, SIDE, SIDE, 1), dtype=np.float32)
    return np.divide(np.stack(images)[..., None], np.float32(255), dtype=np.float32)
