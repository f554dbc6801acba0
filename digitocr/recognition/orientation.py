"""Which way up a page is: its rows read as they stand, and turned where that promises more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitocr.imaging import clean, segment
from digitocr.imaging.components import components
from digitocr.recognition import normalize
from digitocr.recognition.numbers import DecodedNumber
from digitocr.records import CROP_SIDE, Grey, Line, Page, Sheet

CLEAR = 0.85
"""A sheet whose digits are this sure on average is the right way up; others are tried turned."""

COVERED = 0.5
"""Where less of a row than this is read as digits, it may be upside down."""

SAMPLE = 16
"""Components of a sheet that are looked at turned."""

LEAST_SIZE = 10
"""Pixels of the longer side of such a component."""

UPSIDE_DOWN, ON_ITS_SIDE = 1.4, 0.8
"""A way up is tried if a sample so turned looks at least this much like digits, against upright."""

TURN_LEAD = 1.6
"""A turned sheet must read this much better than the upright one to be believed: nearly all are the right way up."""

DIGITS_A_NUMBER = 1.5
"""A sheet is not turned if its numbers then have fewer digits on average; with fewer a row, another way up is tried."""

MIN_CTC_TEXT = math.log(0.5)
"""A sheet is not turned where the line reader finds the text of each of its rows at least this likely."""

NEAR_TIE = (0.75, 3.0)
"""Where the turned one reads this much better, or worse, which way is up is in doubt."""

IN_A_ROW = 3
"""Where so many digits are read in a row, it is no row of a sheet on its side: only upside down is tried."""

Rows = tuple[tuple[DecodedNumber, ...], ...]
"""The numbers of each row of a page."""

Decode = Callable[[Sequence[Line]], list[list[DecodedNumber]]]
"""From rows to their numbers."""

LogProbabilities = Callable[[list[Grey]], NDArray[np.float32]]
"""From pictures in MNIST format to log probabilities of shape ``(N, C)``."""


@dataclass(frozen=True, slots=True)
class View:
    """One way up of a page, with its rows."""

    page: Page
    sheet: Sheet
    lines: tuple[Line, ...]


def upright_view(page: Page) -> View:
    """Clean a page as it stands, and find its rows.

    Parameters
    ----------
    page : Page

    Returns
    -------
    View
    """
    return _view(page, clean.clean(page))


def turned_view(view: View, quarters: int) -> View:
    """Clean a page turned, and find its rows.

    Parameters
    ----------
    view : View
    quarters : int
        Quarter turns, counter-clockwise.

    Returns
    -------
    View
    """
    return _view(view.page, clean.turned(view.page, quarters))


def _view(page: Page, sheet: Sheet) -> View:
    return View(page, sheet, segment.segment(sheet))


@dataclass(frozen=True, slots=True)
class ReadView:
    """A view with what was decoded on it."""

    view: View
    rows: Rows

    @property
    def numbers(self) -> tuple[DecodedNumber, ...]:
        """All numbers, row after row."""
        return tuple(number for row in self.rows for number in row)

    @property
    def likeness(self) -> list[float]:
        """How much each digit read looks like one, in [0, 1], whatever else it might be cut into."""
        return [math.exp(score) for r in self.numbers for score in r.log_scores]

    @property
    def evidence(self) -> float:
        """How many digits are read, each counted by its likeness beyond even odds."""
        return sum(max(0.0, 2 * p - 1) for p in self.likeness)

    @property
    def mean(self) -> float:
        """Mean likeness of the digits, 0 without any."""
        return sum(self.likeness) / max(1, len(self.likeness))

    @property
    def is_clear(self) -> bool:
        """Whether it reads well enough that no other way up need be tried."""
        return self.mean >= CLEAR and not self.is_stacked and self.covered >= COVERED

    @property
    def is_confirmed(self) -> bool:
        """Whether it reads as numbers of which the line reader hears just the same."""
        return (
            self.longest > 1 and not self.is_stacked and all(r.log_p_ctc > MIN_CTC_TEXT for r in self.numbers)
        )

    @property
    def covered(self) -> float:
        """Share of what stands in rows with digits that is read as digits, by width; 1 where there are none."""
        read = sum(s.box.width for row in self.rows for r in row for s in r.segments)
        tall = sum(
            piece.width
            for line, row in zip(self.view.lines, self.rows, strict=True)
            if any(r.segments for r in row)
            for piece in line.pieces
            if piece.height >= 0.5 * line.height
        )
        return read / max(tall, 1)

    @property
    def longest(self) -> int:
        """Most digits in a row."""
        return max((len(r.segments) for r in self.numbers), default=0)

    @property
    def is_stacked(self) -> bool:
        """Whether hardly more than single digits stand below each other: a number on its side looks so, too."""
        rows = self.digit_rows
        return rows > 1 and len(self.likeness) < DIGITS_A_NUMBER * rows

    @property
    def digit_rows(self) -> int:
        """Rows with digits; on a crop, which has no print, all that are half as high as the highest of these."""
        high = [
            line.height
            for line, row in zip(self.view.lines, self.rows, strict=True)
            if any(reading.segments for reading in row)
        ]
        if self.is_crop and high:
            return sum(2 * line.height >= max(high) for line in self.view.lines)
        return len(high)

    @property
    def is_crop(self) -> bool:
        """Whether the sheet is no whole page."""
        return bool(min(self.view.sheet.ink.shape) < CROP_SIDE)

    @property
    def is_column(self) -> bool:
        """Whether that is all that a crop shows."""
        return self.is_stacked and self.is_crop

    @property
    def is_in_rows(self) -> bool:
        """Whether numbers of several digits are read: single ones all over are strokes of tallies, boxes, letters."""
        return len(self.likeness) >= DIGITS_A_NUMBER * max(len(self.numbers), 1)

    @property
    def merit(self) -> float:
        """How well it reads: digits that look like some, and stand in rows."""
        return self.evidence * math.sqrt(self.longest)


def settle(
    reads: Sequence[ReadView], decode: Decode, log_probabilities: LogProbabilities
) -> list[tuple[ReadView, bool]]:
    """Read unclear pages turned where that promises more, and choose for each page the way up that reads best.

    Parameters
    ----------
    reads : sequence of ReadView
        Pages as they stand.
    decode : callable
        Reads the rows of turned pages.
    log_probabilities : callable
        The digit network.

    Returns
    -------
    list of (ReadView, bool)
        For each page the chosen way up, and whether it is in doubt.
    """
    unclear = [i for i, read in enumerate(reads) if read.view.lines and not read.is_clear]
    turns = _worth_trying([reads[i] for i in unclear], log_probabilities)
    tried = [(i, quarters) for i, some in zip(unclear, turns, strict=True) for quarters in some]
    turned = read_views([turned_view(reads[i].view, quarters) for i, quarters in tried], decode)
    others: dict[int, list[ReadView]] = {}
    for (i, _), read in zip(tried, turned, strict=True):
        others.setdefault(i, []).append(read)
    settled = [(read, False) for read in reads]
    for i in unclear:
        settled[i] = best_turn(reads[i], others.get(i, []))
    return settled


def read_views(views: Sequence[View], decode: Decode) -> list[ReadView]:
    """Decode the rows of all views in one batch.

    Parameters
    ----------
    views : sequence of View
    decode : callable

    Returns
    -------
    list of ReadView
    """
    decoded = iter(decode([line for view in views for line in view.lines]))
    return [ReadView(view, tuple(tuple(next(decoded)) for _ in view.lines)) for view in views]


def _worth_trying(reads: Sequence[ReadView], log_probabilities: LogProbabilities) -> list[list[int]]:
    """Choose by a sample of each view's candidates the other ways up, in quarter turns, that may read better."""
    turns = [(2,) if read.longest >= IN_A_ROW else (1, 2, 3) for read in reads]
    samples = [_sample(read.view.sheet) for read in reads]
    pictures = [
        np.rot90(image, quarters)
        for images, some in zip(samples, turns, strict=True)
        for quarters in (0, *some)
        for image in images
    ]
    logs = log_probabilities(pictures)
    likeness = np.exp(logs[:, :10].max(axis=1, initial=-math.inf))
    chosen, at = [], 0
    for images, some in zip(samples, turns, strict=True):
        end = at + (1 + len(some)) * len(images)
        upright, *turned = likeness[at:end].reshape(1 + len(some), -1).sum(axis=1)
        at = end
        enough = UPSIDE_DOWN if some == (2,) else ON_ITS_SIDE
        least = max(enough * upright, ON_ITS_SIDE * max(turned)) if len(images) > 1 else math.inf
        chosen.append([q for q, sum_ in zip(some, turned, strict=True) if sum_ > least])
    return chosen


def _sample(sheet: Sheet) -> list[Grey]:
    """Choose some components of about the usual size from all over a sheet, in MNIST format.

    Components, not candidates: what they are does not depend on how the sheet is turned.
    """
    labels, boxes = components(sheet.ink)
    size = boxes[:, 2:4].max(axis=1, initial=0)
    large = size[size >= LEAST_SIZE]
    if not len(large):
        return []
    usual = np.quantile(large, 0.7)
    chosen = np.flatnonzero((size >= max(0.5 * usual, LEAST_SIZE)) & (size <= 2 * usual))
    step = max(1, len(chosen) // SAMPLE)
    pictures = []
    for k in chosen[::step][:SAMPLE].tolist():
        x, y, w, h = boxes[k, :4].tolist()
        here = np.s_[y : y + h, x : x + w]
        pictures.append(
            normalize.to_mnist(np.where(labels[here] == k + 1, 255 - sheet.grey[here], 0).astype(np.uint8))
        )
    return pictures


def best_turn(upright: ReadView, others: Sequence[ReadView]) -> tuple[ReadView, bool]:
    """Pick the way up in which more is read; with it, whether that is in doubt."""
    turned = max((read for read in others if read.is_in_rows), key=lambda read: read.merit, default=None)
    if turned is None:
        return upright, upright.is_column
    low, high = (lead * upright.merit for lead in NEAR_TIE)
    if upright.is_confirmed:
        return upright, turned.merit > low
    best = turned if turned.merit > TURN_LEAD * upright.merit else upright
    return best, low < turned.merit < high or best.is_column
