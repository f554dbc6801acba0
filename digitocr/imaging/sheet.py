"""What flows within the reading of a page: the sheet, its rows, their candidates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.components import Components, components
from digitocr.records import Box, Grey, Mask, PageKind, Reason, Transform


@dataclass(frozen=True)
class Sheet:
    """A page after cleaning: flat, evenly lit, dark ink on white.

    Attributes
    ----------
    grey : (h, w) uint8 ndarray
        Evenly lit paper at 255, ink dark, rulings and boxes painted out.
    ink : (h, w) bool ndarray
        Where there is ink that may belong to a digit.
    to_page : (3, 3) float64 ndarray
        Homography from sheet pixels to page pixels.
    page : (H, W) uint8 ndarray
        The page as stored.
    reasons : tuple of Reason
        What speaks against accepting anything read from this sheet.
    uprights : (h, w) bool ndarray or None
        The upright lines of a page, None of a crop.
    kind : PageKind
        What the picture shows.
    digit_height_px : float
        The evidence for it: the height of its digits; 0 where nothing tells it.
    """

    grey: Grey
    ink: Mask
    to_page: Transform
    page: Grey
    reasons: tuple[Reason, ...] = ()
    uprights: Mask | None = None
    kind: PageKind = PageKind.FIELD
    digit_height_px: float = 0.0

    @cached_property
    def components(self) -> Components:
        """Labels and boxes of its ink, found once."""
        return components(self.ink)

    def box_on_page(self, box: Box, page_shape: tuple[int, int]) -> Box:
        """Carry a box over to page pixels, clipped to a page of shape ``(H, W)``."""
        (a, b, c), (d, e, f), (g, h, i) = self.to_page.tolist()
        corners = ((x, y) for x in (box.x, box.right) for y in (box.y, box.bottom))
        # plain numbers: arrays of four points would take six times as long, for every digit
        points = [(x, y, g * x + h * y + i) for x, y in corners]
        across = [(a * x + b * y + c) / w for x, y, w in points]
        down = [(d * x + e * y + f) / w for x, y, w in points]
        height, width = page_shape
        x0 = min(max(math.floor(min(across)), 0), width - 1)
        y0 = min(max(math.floor(min(down)), 0), height - 1)
        x1 = min(max(math.ceil(max(across)), x0 + 1), width)
        y1 = min(max(math.ceil(max(down)), y0 + 1), height)
        return Box(x0, y0, x1 - x0, y1 - y0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Ink that may be one digit: a run of neighbouring pieces of a line.

    Attributes
    ----------
    first, last : int
        The pieces ``first <= i < last`` of the line.
    box : Box
        In sheet pixels.
    window : Box
        In pixels of the line, its slant taken out.
    is_whole : bool
        Whether it is all of one component of ink, and nothing else.
    """

    first: int
    last: int
    box: Box
    window: Box
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What the page network sees in the place of a number.

    Attributes
    ----------
    likeness : float
        Mean probability of its ink that it is of handwritten digits, in [0, 1].
    is_found : bool
        Whether the network found it; else the ink did, by itself.
    """

    likeness: float
    is_found: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row of ink, cut into pieces from left to right, and the candidates over them.

    Attributes
    ----------
    box : Box
        In sheet pixels.
    height : float
        Typical height of the line's larger pieces in sheet pixels: the scale of its digits.
    pieces, windows : tuple of Box
        The smallest parts, from left to right, in sheet pixels, and in pixels of `labels`.
    candidates : tuple of Candidate
    labels : (h, w) int16 ndarray
        1 + the index of the piece each pixel belongs to, 0 for paper, with the slant taken out.
    dark : (h, w) uint8 ndarray
        The same pixels, ink bright on black.
    to_sheet : (2, 3) float64 ndarray
        Affine map from pixels of `labels` to sheet pixels.
    to_page : (3, 3) float64 ndarray
        Homography from sheet pixels to page pixels.
    page : (H, W) uint8 ndarray
        The page as stored.
    room : int
        How many digits a field of a form has room for; 0 for a line that is no field.
    cells : tuple of int
        The cell of the form that each piece stands in, counted from 0; empty where there are none.
    is_alone : bool
        Whether it is the only line of its sheet.
    seen : Seen or None
        What the page network sees in its place; None where it did not look.
    """

    box: Box
    height: float
    pieces: tuple[Box, ...]
    windows: tuple[Box, ...]
    candidates: tuple[Candidate, ...]
    labels: NDArray[np.int16]
    dark: Grey
    to_sheet: NDArray[np.float64]
    to_page: Transform
    page: Grey
    room: int = 0
    cells: tuple[int, ...] = ()
    is_alone: bool = False
    seen: Seen | None = None

    @classmethod
    def whole(cls, sheet: Sheet) -> Line:
        """Take a whole crop for one line, whatever its ink.

        Parameters
        ----------
        sheet : Sheet

        Returns
        -------
        Line
            Without pieces and candidates; as high as its ink, or as the sheet where it has none.
        """
        height, width = sheet.ink.shape
        rows = np.flatnonzero(sheet.ink.any(axis=1))
        return cls(
            Box(0, 0, width, height),
            float(np.ptp(rows) + 1) if len(rows) else float(height),
            (),
            (),
            (),
            sheet.ink.astype(np.int16),
            np.asarray(255 - sheet.grey, dtype=np.uint8),
            np.eye(2, 3),
            sheet.to_page,
            sheet.page,
            is_alone=True,
        )

    def ink(self, candidate: Candidate) -> Grey:
        """Return a candidate's ink alone, bright on black, its slant taken out; of the shape of its window."""
        w = candidate.window
        rows, columns = slice(w.y, w.bottom), slice(w.x, w.right)
        own = cv2.inRange(self.labels[rows, columns], candidate.first + 1, candidate.last)
        return np.asarray(cv2.bitwise_and(self.dark[rows, columns], own), dtype=np.uint8)
