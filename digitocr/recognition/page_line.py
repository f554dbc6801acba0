"""The picture of a line as it stands on the page: what the second reader sees, free of our mistakes of cleaning."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from digitocr.imaging.sheet import Line
from digitocr.networks.second_reader import ROWS
from digitocr.recognition.line_image import middle
from digitocr.recognition.parameters import LineImages, PageLines
from digitocr.records import Grey, Transform

FINEST = 8
"""Page pixels beside each other that are averaged to one of the picture, at most."""


@dataclass(frozen=True, slots=True)
class PageLine:
    """A line at the second reader's size.

    Attributes
    ----------
    picture : (48, w) uint8 ndarray
        Grey, dark on light.
    left : float
        Column of the sheet at which the picture begins.
    scale : float
        Pixels of the picture per pixel of the sheet.
    """

    picture: Grey
    left: float
    scale: float

    @classmethod
    def of(cls, line: Line, p: PageLines, level: LineImages) -> PageLine:
        """Cut a line out of its page, level, with some of its surroundings; its slant stays.

        Parameters
        ----------
        line : Line
        p : PageLines
        level : LineImages
            How the middle of the line is found.

        Returns
        -------
        PageLine
        """
        x, y = line.box.x, line.box.y
        pieces = [(b.x - x, b.y - y, b.right - x, b.bottom - y) for b in line.pieces]
        slope, at = middle(np.array(pieces, dtype=np.float64), line.height, level)
        to_page = line.to_page @ np.array([[1, 0, x], [slope, 1, y + at], [0, 0, 1]])
        left, top, right, bottom = _place(line, to_page, p)
        scale = min(ROWS / (bottom - top), p.max_width_px / (right - left))
        width = max(1, round((right - left) * scale))
        first_row = (top + bottom - ROWS / scale) / 2
        back = np.array([[1 / scale, 0, left], [0, 1 / scale, first_row], [0, 0, 1]])
        picture = _sampled(line.page, to_page @ back, width)
        return cls(255 - picture if _is_light(line) else picture, x + left, scale)

    @classmethod
    def whole(cls, line: Line, p: PageLines) -> PageLine:
        """Show a line as high and as wide as its labels, without surroundings.

        Parameters
        ----------
        line : Line
            A whole crop, see :meth:`digitocr.imaging.sheet.Line.whole`.
        p : PageLines

        Returns
        -------
        PageLine
        """
        height, wide = line.labels.shape
        scale = min(ROWS / height, p.max_width_px / wide)
        width = max(1, round(wide * scale))
        back = np.diag([1 / scale, 1 / scale, 1.0])
        picture = _sampled(line.page, line.to_page @ back, width)
        return cls(255 - picture if _is_light(line) else picture, 0.0, scale)

    def columns(self, first: float, last: float) -> tuple[float, float]:
        """Return the columns of the sheet that a stretch of the picture shows.

        Parameters
        ----------
        first, last : float
            Columns of the picture.

        Returns
        -------
        tuple of float
            In pixels of the sheet.
        """
        return self.left + first / self.scale, self.left + last / self.scale


def whole_picture(page: Grey, max_width_px: int) -> Grey:
    """Bring a whole picture to the second reader's size, as a single line.

    Parameters
    ----------
    page : (H, W) uint8 ndarray
    max_width_px : int

    Returns
    -------
    (48, w) uint8 ndarray
    """
    height, width = page.shape
    size = (min(max(1, round(width * ROWS / height)), max_width_px), ROWS)
    how = cv2.INTER_AREA if height > ROWS else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(page, size, interpolation=how), dtype=np.uint8)


def _place(line: Line, to_page: Transform, p: PageLines) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the line with its surroundings, as far as the page reaches."""
    beyond, half = p.margin_heights * line.height, p.rows_heights * line.height / 2
    least, width = line.height / 2, line.box.width
    rows, columns = line.page.shape
    corners = np.array([[0, 0, 1], [columns, 0, 1], [columns, rows, 1], [0, rows, 1]], dtype=np.float64).T
    x, y, w = np.linalg.inv(to_page) @ corners
    x, y = x / w, y / w
    return (
        max(-beyond, min(float(x.min()), 0.0)),
        max(-half, min(float(y.min()), -least)),
        min(width + beyond, max(float(x.max()), float(width))),
        min(half, max(float(y.max()), least)),
    )


def _sampled(page: Grey, to_page: Transform, width: int) -> Grey:
    """Resample the page; where it is finer than the picture, its pixels are averaged."""
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, ROWS, 1]], dtype=np.float64).T
    x, y, w = to_page @ corners
    x, y = x / w, y / w
    across, down = math.hypot(x[1] - x[0], y[1] - y[0]) / width, math.hypot(x[2] - x[0], y[2] - y[0]) / ROWS
    fine = max(1, min(FINEST, round(max(across, down))))
    to_fine = np.array([[1 / fine, 0, 0.5 / fine - 0.5], [0, 1 / fine, 0.5 / fine - 0.5], [0, 0, 1]])
    found = cv2.warpPerspective(
        page,
        to_page @ to_fine,
        (width * fine, ROWS * fine),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if fine > 1:
        found = cv2.resize(found, (width, ROWS), interpolation=cv2.INTER_AREA)
    return np.asarray(found, dtype=np.uint8)


def _is_light(line: Line) -> bool:
    """Whether the writing is lighter than what it is written on, such as chalk."""
    height, width = line.labels.shape
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    to_page = line.to_page @ np.vstack([line.to_sheet, [0.0, 0.0, 1.0]])
    seen = cv2.warpPerspective(
        line.page, to_page, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    inked = line.labels > 0
    if inked.all() or not inked.any():
        return False
    return bool(seen[inked].mean() > seen[~inked].mean())
