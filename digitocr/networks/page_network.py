"""The page network: what every cell of a page shows, by a pre-trained detector's features and a head of ours on them.

The detector is PP-OCRv6's small one [1]_, cut to three of its tensors by :mod:`digitocr.training.pretrained_page`. Both
parts run on ONNX Runtime.

References
----------
.. [1] PaddleOCR, https://github.com/PaddlePaddle/PaddleOCR, Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.networks.second_reader import session
from digitocr.networks.shipped import shipped_part

FEATURES = ("joined", "fused", "lateral")
"""Tensors that the detector gives."""

CHANNELS = (96, 96, 48)
"""Their channels."""

CLASSES = ("paper", "digit", "writing", "print", "rule", "outside")
"""What a cell shows: paper, a handwritten digit, other handwriting, print, ruling lines, or what is not paper."""

PAPER, DIGIT, WRITING, PRINT, RULE, OUTSIDE = range(len(CLASSES))
"""Their places."""

INK = (DIGIT, WRITING, PRINT, RULE)
"""Those that a blank page has none of."""

CELL = 4
"""Side of a cell in pixels of the scaled page."""

STEP = 32
"""The detector takes pictures whose sides are multiples of this many pixels."""

LEAST_SIDE = 224
"""Shorter side of a scaled page at least: the head learns from parts of this size."""

LONGEST_PX = 1500
"""Longest side at which pages are looked at: of 1,200, 1,500 and 1,800, it meets most numbers of drawn pages."""

ENLARGED = 2.0
"""Small pages are not enlarged by more, as in training: it would show nothing new."""

BASE, HEAD = "page.onnx", "page-head.onnx"
"""Files of the network, among the shipped models."""

Picture = NDArray[np.uint8]
"""Grey ``(H, W)``, or blue, green, red ``(H, W, 3)``."""


def scaled_shape(shape: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return the size to which a page is brought: near its own proportions, both sides multiples of `STEP`.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the page.
    longest : int
        Longest side in pixels; a narrow page gets a longer one, so that its other side is not below `LEAST_SIDE`.

    Returns
    -------
    tuple of int
        Rows and columns.

    Examples
    --------
    >>> scaled_shape((3508, 2480), 736)
    (736, 512)
    >>> scaled_shape((200, 1000), 736)
    (224, 1120)
    """
    scale = max(longest / max(shape), LEAST_SIDE / min(shape))
    rows, columns = (max(LEAST_SIDE, round(side * scale / STEP) * STEP) for side in shape)
    return rows, columns


def scaled(page: Picture, shape: tuple[int, int]) -> Picture:
    """Scale a page; one that shrinks is averaged over areas, since thin strokes fall between single points.

    Parameters
    ----------
    page : (H, W) or (H, W, 3) uint8 ndarray
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    (h, w, 3) uint8 ndarray
        Blue, green, red.
    """
    colour = page if page.ndim == 3 else cv2.cvtColor(page, cv2.COLOR_GRAY2BGR)
    shrinks = shape[0] < page.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(colour, (shape[1], shape[0]), interpolation=how), np.uint8)


def as_input(pictures: Sequence[Picture]) -> NDArray[np.float32]:
    """Stack pictures of one size, brought to [-1, 1] as the detector was trained.

    Parameters
    ----------
    pictures : sequence of (H, W, 3) uint8 ndarray
        Blue, green, red.

    Returns
    -------
    (N, 3, H, W) float32 ndarray
    """
    stacked = np.stack(pictures).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(stacked, np.float32) / np.float32(127.5) - 1


@dataclass(frozen=True, slots=True)
class PageMaps:
    """What the network sees in a page, in cells.

    Attributes
    ----------
    classes : (h, w, 6) float32 ndarray
        Probability of each of `CLASSES`.
    centre : (h, w) float32 ndarray
        Probability that the cell is on the centre line of a handwritten number: connected cells are one number.
    """

    classes: NDArray[np.float32]
    centre: NDArray[np.float32]


Look = Callable[[Picture], PageMaps]
"""From a page as stored to what the network sees in it."""


@dataclass(frozen=True, slots=True)
class PageNetwork:
    """The loaded network; safe to call from several threads."""

    _base: Any
    _head: Any

    @classmethod
    def of(cls, base: bytes, head: bytes, threads: int = 0) -> PageNetwork:
        """Load both parts, ONNX models; ``threads`` as for :func:`digitocr.networks.second_reader.session`."""
        return cls(session(base, threads), session(head, threads))

    def maps(self, page: Picture, longest: int) -> PageMaps:
        """Look at a page brought to a longest side of so many pixels."""
        shape = (page.shape[0], page.shape[1])
        pages = as_input([scaled(page, scaled_shape(shape, longest))])
        features = self._base.run(list(FEATURES), {"pages": pages})
        classes, centre = self._head.run(None, dict(zip(FEATURES, features, strict=True)))
        return PageMaps(classes[0], centre[0])


def look_at(page: Picture, threads: int = 0) -> PageMaps:
    """Look at a page with the shipped network, which is loaded when the first page comes.

    Parameters
    ----------
    page : (H, W) or (H, W, 3) uint8 ndarray
    threads : int
        As for :func:`digitocr.networks.second_reader.session`.

    Returns
    -------
    PageMaps

    Raises
    ------
    ModelError
        If a file of the network is missing or damaged.
    """
    return _shipped(threads).maps(page, round(min(LONGEST_PX, ENLARGED * max(page.shape[:2]))))


@cache
def _shipped(threads: int) -> PageNetwork:
    return PageNetwork.of(shipped_part(BASE), shipped_part(HEAD), threads)
