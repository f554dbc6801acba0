"""What every pixel of a drawing shows: paper, handwriting, print, ruling lines, or what is not paper."""

from __future__ import annotations

from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Grey
from digitocr.training.synth.drawing import Drawing


class Ground(IntEnum):
    """Class of a pixel.

    Attributes
    ----------
    PAPER
        Tints and watermarks too faint to be read are paper.
    DIGIT
        Ink of a handwritten digit that is to be read.
    WRITING
        Other handwriting: words, marks, numbers that are struck out.
    PRINT
        Printed letters and digits, stamps, emblems.
    RULE
        Ruling lines, boxes and frames.
    OUTSIDE
        Not paper: the desk, fingers, clips, holes, parts that are blacked out.
    """

    PAPER = 0
    DIGIT = 1
    WRITING = 2
    PRINT = 3
    RULE = 4
    OUTSIDE = 5


def classes(drawing: Drawing) -> Grey:
    """Return the class of every pixel: that of the handwriting where there is any, else of what lies beneath.

    Parameters
    ----------
    drawing : Drawing
        One without a ground has paper wherever nothing is written.

    Returns
    -------
    (H, W) uint8 ndarray
        Values of :class:`Ground`.
    """
    found = np.zeros(drawing.owner.shape, np.uint8) if drawing.ground is None else drawing.ground.copy()
    found[drawing.owner > 0] = Ground.DIGIT
    found[drawing.owner < 0] = Ground.WRITING
    return found


def instances(drawing: Drawing) -> NDArray[np.int16]:
    """Return which number the ink of every pixel belongs to.

    Parameters
    ----------
    drawing : Drawing

    Returns
    -------
    (H, W) int16 ndarray
        ``i + 1`` at ink of digits of ``numbers[i]``, 0 elsewhere.
    """
    numbers = np.array([0, *(digit.number + 1 for digit in drawing.digits)], np.int16)
    return np.asarray(numbers[np.maximum(drawing.owner, 0)], np.int16)


def carried(ground: Grey, matrix: cv2.typing.MatLike, size: tuple[int, int], *, desk: bool) -> Grey:
    """Carry a ground into a picture of the sheet.

    Parameters
    ----------
    ground : (H, W) uint8 ndarray
    matrix : (3, 3) ndarray
        Homography from the sheet to the picture.
    size : tuple of int
        Columns and rows of the picture.
    desk : bool
        Whether the sheet ends where the ground does; else it goes on, empty.

    Returns
    -------
    (h, w) uint8 ndarray
    """
    beyond = int(Ground.OUTSIDE if desk else Ground.PAPER)
    return np.asarray(
        cv2.warpPerspective(ground, matrix, size, flags=cv2.INTER_NEAREST, borderValue=beyond), np.uint8
    )
