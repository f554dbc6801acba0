"""Which way up a page is: it is read as it stands, and turned where that promises more."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from digitocr.imaging import clean, detection
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.sheet import Line, Sheet
from digitocr.networks.page_network import Look, PageMaps
from digitocr.recognition import normalize
from digitocr.recognition.numbers import DecodedNumber
from digitocr.recognition.parameters import Orientation
from digitocr.recognition.scoring import LogProbabilities
from digitocr.records import Grey, Page, PageKind

Rows = tuple[tuple[DecodedNumber, ...], ...]
"""The numbers of each row of a page."""

Decode = Callable[[Sequence[Line]], list[list[DecodedNumber]]]
"""From lines to the numbers on each."""


@dataclass(frozen=True, slots=True)
class View:
    """A page in one way up, with its rows.

    Attributes
    ----------
    page : Page
        As it came.
    sheet : Sheet
        The page cleaned, in this way up.
    lines : tuple of Line
        The rows of the sheet.
    quarters : int
        Quarter turns of the page as it came, counter-clockwise.
    seen : callable
        Returns what the page network sees in the page; it looks when first asked.
    glance : callable
        Returns what it sees in the page at the size of a field, in a tenth of the time: ink that it sees is there, pale
        writing may be lost.
    """

    page: Page
    sheet: Sheet
    lines: tuple[Line, ...]
    quarters: int
    seen: Callable[[], PageMaps]
    glance: Callable[[], PageMaps]


def upright_view(page: Page, look: Look, p: Imaging) -> View:
    """Clean a page as it stands and find its rows.

    Parameters
    ----------
    page : Page
    look : callable
        Tells what the page network sees in it.
    p : Imaging

    Returns
    -------
    View
    """
    seen = cache(lambda: look(page.grey))
    small, shrink = clean.shrunk(page.grey, p.geometry.field_side_px)
    glance = seen if shrink is None else lambda: look(small)
    sheet = clean.clean(page, p)
    return View(page, sheet, detection.lines_on(sheet, seen, p), 0, seen, glance)


def turned_view(view: View, quarters: int, p: Imaging) -> View:
    """Turn a page, clean it and find its rows.

    Parameters
    ----------
    view : View
        Of the page.
    quarters : int
        Quarter turns of the page as it came, counter-clockwise.
    p : Imaging

    Returns
    -------
    View
    """
    sheet = clean.turned(view.page, quarters, p)
    lines = detection.lines_on(sheet, view.seen, p)
    return replace(view, sheet=sheet, lines=lines, quarters=quarters)


@dataclass(frozen=True, slots=True)
class ReadView:
    """A view with the numbers decoded on it.

    Attributes
    ----------
    view : View
    rows : tuple of tuple of DecodedNumber
        The numbers on each of its lines.
    """

    view: View
    rows: Rows

    @property
    def numbers(self) -> tuple[DecodedNumber, ...]:
        """All numbers, row after row."""
        return tuple(number for row in self.rows for number in row)

    @property
    def likeness(self) -> list[float]:
        """The probability of each digit by its own ink alone, in [0, 1]."""
        return [math.exp(score) for number in self.numbers for score in number.log_scores]

    @property
    def evidence(self) -> float:
        """The number of digits, each counted by its likeness beyond even odds."""
        return sum(max(0.0, 2 * one - 1) for one in self.likeness)

    @property
    def mean(self) -> float:
        """Mean likeness of the digits; 0 where there are none."""
        return sum(self.likeness) / max(1, len(self.likeness))

    @property
    def longest(self) -> int:
        """Most digits in a number."""
        return max((len(number.segments) for number in self.numbers), default=0)

    @property
    def merit(self) -> float:
        """How well it reads: many digits that look like digits, in long numbers."""
        return self.evidence * math.sqrt(self.longest)

    @property
    def is_crop(self) -> bool:
        """Whether the sheet is no whole page."""
        return self.view.sheet.kind is not PageKind.PAGE

    def is_clear(self, p: Orientation) -> bool:
        """Whether it reads so well that no other way up need be tried.

        Parameters
        ----------
        p : Orientation

        Returns
        -------
        bool
        """
        return (
            self.mean >= p.clear_likeness
            and not self.is_stacked(p)
            and self.covered(p) >= p.clear_covered_share
        )

    def is_confirmed(self, p: Orientation) -> bool:
        """Whether it reads as numbers, and the line reader finds the text of each row likely, too.

        Parameters
        ----------
        p : Orientation

        Returns
        -------
        bool
        """
        return (
            self.longest > 1
            and not self.is_stacked(p)
            and all(number.line_text.log_p_ctc > p.min_log_p_ctc for number in self.numbers)
        )

    def covered(self, p: Orientation) -> float:
        """Return how much of the rows with digits is read as digits.

        Parameters
        ----------
        p : Orientation

        Returns
        -------
        float
            Share of their width; 0 where there are none.
        """
        read = sum(s.box.width for number in self.numbers for s in number.segments)
        tall = sum(
            piece.width
            for line in self._lines_with_digits()
            for piece in line.pieces
            if piece.height >= p.tall_heights * line.height
        )
        return read / max(tall, 1)

    def digit_rows(self, p: Orientation) -> int:
        """Count the rows with digits; on a crop, which has no print, all rows about as high as the highest of these.

        Parameters
        ----------
        p : Orientation

        Returns
        -------
        int
        """
        high = [line.height for line in self._lines_with_digits()]
        if self.is_crop and high:
            return sum(line.height >= p.row_height_share * max(high) for line in self.view.lines)
        return len(high)

    def _lines_with_digits(self) -> Iterator[Line]:
        rows = zip(self.view.lines, self.rows, strict=True)
        return (line for line, row in rows if any(number.segments for number in row))

    def is_stacked(self, p: Orientation) -> bool:
        """Whether hardly more than single digits stand one below the other, as on a number that lies on its side.

        Parameters
        ----------
        p : Orientation

        Returns
        -------
        bool
        """
        rows = self.digit_rows(p)
        return rows > 1 and len(self.likeness) < p.min_digits_per_number * rows

    def is_column(self, p: Orientation) -> bool:
        """Whether a crop shows nothing but such a stack.

        Parameters
        ----------
        p : Orientation

        Returns
        -------
        bool
        """
        return self.is_stacked(p) and self.is_crop

    def is_in_rows(self, p: Orientation) -> bool:
        """Whether it reads as numbers of several digits: single digits all over are tallies, boxes or letters.

        Parameters
        ----------
        p : Orientation

        Returns
        -------
        bool
        """
        return len(self.likeness) >= p.min_digits_per_number * max(len(self.numbers), 1)


def settle(
    reads: Sequence[ReadView],
    decode: Decode,
    log_probabilities: LogProbabilities,
    p: Orientation,
    imaging: Imaging,
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
    p : Orientation
    imaging : Imaging
        With which turned pages are cleaned.

    Returns
    -------
    list of (ReadView, bool)
        For each page the chosen way up, and whether it is in doubt.
    """
    unclear = [i for i, read in enumerate(reads) if read.view.lines and not read.is_clear(p)]
    turns = _worth_trying([reads[i] for i in unclear], log_probabilities, p)
    tried = [(i, quarters) for i, some in zip(unclear, turns, strict=True) for quarters in some]
    turned = read_views([turned_view(reads[i].view, quarters, imaging) for i, quarters in tried], decode)
    others: dict[int, list[ReadView]] = {}
    for (i, _), read in zip(tried, turned, strict=True):
        others.setdefault(i, []).append(read)
    settled = [(read, False) for read in reads]
    for i in unclear:
        settled[i] = best_turn(reads[i], others.get(i, []), p)
    return settled


def read_views(views: Sequence[View], decode: Decode) -> list[ReadView]:
    """Decode the rows of all views in one batch.

    Parameters
    ----------
    views : sequence of View
    decode : callable
        Reads their rows.

    Returns
    -------
    list of ReadView
    """
    decoded = iter(decode([line for view in views for line in view.lines]))
    return [ReadView(view, tuple(tuple(next(decoded)) for _ in view.lines)) for view in views]


def _worth_trying(
    reads: Sequence[ReadView], log_probabilities: LogProbabilities, p: Orientation
) -> list[list[int]]:
    """Choose the other ways up, in quarter turns, that may read better, by a sample of each page's components."""
    turns = [(2,) if read.longest >= p.long_number_digits else (1, 2, 3) for read in reads]
    samples = [_sample(read.view.sheet, p) for read in reads]
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
        gain = p.min_gain_upside_down if some == (2,) else p.min_gain_on_side
        least = max(gain * upright, p.min_gain_of_best * max(turned)) if len(images) > 1 else math.inf
        chosen.append([q for q, sum_ in zip(some, turned, strict=True) if sum_ > least])
    return chosen


def _sample(sheet: Sheet, p: Orientation) -> list[Grey]:
    """Choose some components of about the usual size from all over a sheet, in MNIST format.

    Unlike candidates, components do not depend on how the sheet is turned.
    """
    labels, boxes = sheet.components
    size = boxes[:, 2:4].max(axis=1, initial=0)
    large = size[size >= p.min_sample_px]
    if not len(large):
        return []
    usual = np.quantile(large, p.usual_size_share)
    least = max(p.min_sample_size * usual, p.min_sample_px)
    chosen = np.flatnonzero((size >= least) & (size <= p.max_sample_size * usual))
    step = max(1, len(chosen) // p.samples)
    pictures = []
    for k in chosen[::step][: p.samples].tolist():
        x, y, w, h = boxes[k, :4].tolist()
        here = np.s_[y : y + h, x : x + w]
        pictures.append(
            normalize.to_mnist(np.where(labels[here] == k + 1, 255 - sheet.grey[here], 0).astype(np.uint8))
        )
    return pictures


def best_turn(upright: ReadView, others: Sequence[ReadView], p: Orientation) -> tuple[ReadView, bool]:
    """Choose the way up in which a page reads best.

    Parameters
    ----------
    upright : ReadView
        The page as it stands.
    others : sequence of ReadView
        The page turned.
    p : Orientation

    Returns
    -------
    chosen : ReadView
    is_in_doubt : bool
        Whether another way up may be right.
    """
    turned = max((read for read in others if read.is_in_rows(p)), key=lambda read: read.merit, default=None)
    if turned is None:
        return upright, upright.is_column(p)
    low, high = p.min_tie_merit * upright.merit, p.max_tie_merit * upright.merit
    if upright.is_confirmed(p):
        return upright, turned.merit > low
    best = turned if turned.merit > p.min_turn_merit * upright.merit else upright
    return best, low < turned.merit < high or best.is_column(p)
