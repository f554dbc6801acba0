"""The steps composed: files in, typed results out, the candidates of many files in one batch."""

from __future__ import annotations

import gc
import hashlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import InputError, ModelError, RegistrationError
from digitocr.forms.fields import Answer, Filled, fill, judged
from digitocr.forms.registration import Form, View, choose, form_of
from digitocr.forms.suggestions import dated
from digitocr.forms.template import Template, load_folder
from digitocr.imaging import clean, segment
from digitocr.imaging.components import components
from digitocr.io.sandbox import Decoding, Sandbox, read_bytes
from digitocr.networks.classifier import Classifier, load_classifier, shipped_model
from digitocr.networks.line_reader import LineReader, load_line_reader
from digitocr.networks.registry import model_in_use
from digitocr.networks.runtime import native_silence
from digitocr.recognition import decode, judge, normalize, scoring
from digitocr.records import (
    CROP_SIDE,
    Digit,
    FileResult,
    FileStatus,
    Grey,
    Limits,
    Line,
    ModelCard,
    Number,
    Page,
    PageResult,
    Reading,
    ReadOptions,
    Reason,
    Sheet,
    Shown,
    Source,
    around,
)
from digitocr.settings import Settings

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

HEARD = math.log(0.5)
"""A sheet that is heard so surely as it is read is not turned."""

NEAR_TIE = (0.75, 3.0)
"""Where the turned one reads this much better, or worse, which way is up is in doubt."""

IN_A_ROW = 3
"""Where so many digits are read in a row, it is no row of a sheet on its side: only upside down is tried."""

FIRST_PICTURE = "first-picture"
"""Code of a file of which, by design, only the first picture is read."""

PORTION = 100_000_000
"""Pixels of pages that are read together: eleven sheets at 300 dots an inch."""

_TOLD = 5
"""Pages named in the error of a file."""


@dataclass(frozen=True, slots=True)
class _View:
    """One way up of a page, with its lines; and why it is no form, where it should be one."""

    page: Page
    sheet: Sheet
    lines: tuple[Line, ...]
    no_form: str = ""


@dataclass(frozen=True, slots=True)
class _Read:
    """A view with what was decoded on it."""

    view: _View
    rows: tuple[tuple[decode.Reading, ...], ...]

    @property
    def readings(self) -> tuple[decode.Reading, ...]:
        """All numbers, line after line."""
        return tuple(reading for row in self.rows for reading in row)

    @property
    def likeness(self) -> list[float]:
        """How much each digit read looks like one, in [0, 1], whatever else it might be cut into."""
        return [math.exp(score) for r in self.readings for score in r.log_scores]

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
    def is_heard(self) -> bool:
        """Whether it reads as numbers of which the line reader hears just the same."""
        return self.longest > 1 and not self.is_stacked and all(r.log_heard > HEARD for r in self.readings)

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
        return max((len(r.segments) for r in self.readings), default=0)

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
        return len(self.likeness) >= DIGITS_A_NUMBER * max(len(self.readings), 1)

    @property
    def merit(self) -> float:
        """How well it reads: digits that look like some, and stand in rows."""
        return self.evidence * math.sqrt(self.longest)


@dataclass(slots=True, eq=False)
class _File:
    """A file on its way to a reading."""

    source: Source
    sha256: str = ""
    decoding: Decoding | None = None
    error: InputError | None = None
    pages: list[PageResult] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    seconds: float = 0.0

    def reading(self) -> Reading:
        """Sum up."""
        result = FileResult(self.source.file, self.sha256, seconds=self.seconds)
        if self.error is not None or self.decoding is None:
            told, code = str(self.error), self.error.code if self.error else ""
            return Reading(replace(result, status=FileStatus.FAILED, error=told, error_code=code))
        every = sorted([*self.pages, *self.decoding.failed], key=lambda page: page.index)
        found = any(page.numbers for page in every)
        status = (
            FileStatus.PARTIAL if self.decoding.failed else FileStatus.DONE if found else FileStatus.EMPTY
        )
        told = _told(self.decoding.failed) or self.decoding.note
        code = self.decoding.code or (FIRST_PICTURE if self.decoding.note else "")
        if not told and (unknown := [page for page in self.pages if page.error]):
            told, code = _told(unknown), RegistrationError.code
        result = replace(result, pages=tuple(every), status=status, error=told, error_code=code)
        return Reading(result, tuple(self.shown))


@dataclass(frozen=True, slots=True)
class Reader:
    """A loaded model with the options it reads with; safe to share between threads.

    Attributes
    ----------
    classifier : Classifier
    line_reader : LineReader or None
        A second network that reads lines as a whole.
    options : ReadOptions
    forms : tuple of Form
        What each page is compared with; without any, pages are read as they come.
    decoder : callable
        Decodes the bytes of a file within limits, page by page.
    """

    classifier: Classifier
    line_reader: LineReader | None
    options: ReadOptions
    forms: tuple[Form, ...] = ()
    decoder: Callable[[bytes, Limits], Decoding] = field(default_factory=lambda: Sandbox().decode)

    @property
    def card(self) -> ModelCard:
        """The card of the model."""
        return self.classifier.card

    @property
    def threshold(self) -> float:
        """From which confidence on a number is accepted."""
        return self.card.threshold if self.options.threshold is None else self.options.threshold

    def read(
        self, sources: Sequence[Source], show: Callable[[Page, PageResult], Shown] | None = None
    ) -> list[Reading]:
        """Read files, their candidates in one batch; of thick files some pages at a time.

        Parameters
        ----------
        sources : sequence of Source
        show : callable, optional
            Draws what is kept of a page.

        Returns
        -------
        list of Reading
            One per source, in order. A file that fails is a result with its error, never an exception. Time spent
            on the batch is shared out by the candidates of each file.
        """
        files = [_File(source) for source in sources]
        for portion in _portions(page for file in files for page in self._decoded(file)):
            started = time.perf_counter()
            pages = [page for _, page in portion]
            laid = [self.laid(page) for page in pages]
            for (file, page), result in zip(portion, self.results(pages, laid), strict=True):
                file.pages.append(result)
                if show is not None:
                    file.shown.append(show(page, result))
            spent = time.perf_counter() - started
            weights = [1 + sum(len(line.candidates) for line in one.lines) for one in laid]
            for (file, _), weight in zip(portion, weights, strict=True):
                file.seconds += spent * weight / sum(weights)
        return [file.reading() for file in files]

    def _decoded(self, file: _File) -> Iterator[tuple[_File, Page]]:
        """Yield the pages of a file, one in memory at a time, and note what becomes of it."""
        started = time.perf_counter()
        try:
            data = read_bytes(file.source.path, self.options.limits)
            file.sha256 = hashlib.sha256(data).hexdigest()
            file.decoding = self.decoder(data, self.options.limits)
            for page in file.decoding:
                file.seconds += time.perf_counter() - started
                yield file, page
                started = time.perf_counter()
        except InputError as error:
            file.error = error
        file.seconds += time.perf_counter() - started

    def laid(self, page: Page) -> _View | Filled:
        """Find the form that a page is; where there is none, its lines."""
        if not self.forms:
            return _view(page, clean.clean(page))
        try:
            return fill(page.grey, *choose(View(page.grey), self.forms))
        except RegistrationError as error:
            return replace(_view(page, clean.clean(page)), no_form=error.message)

    def results(self, pages: list[Page], laid: list[_View | Filled]) -> list[PageResult]:
        """Read pages, their candidates in one batch for the forms and one for the others."""
        forms = [(k, one) for k, one in enumerate(laid) if isinstance(one, Filled)]
        others = [(k, one) for k, one in enumerate(laid) if isinstance(one, _View)]
        results: dict[int, PageResult] = {}
        settled = self._right_way_up([view for _, view in others])
        for (k, view), (read, in_doubt) in zip(others, settled, strict=True):
            against = [Reason.ORIENTATION] * in_doubt + [Reason.NO_FORM] * bool(view.no_form)
            numbers = self._numbers(read, (*read.view.sheet.reasons, *against))
            results[k] = PageResult(pages[k].index, pages[k].grey.shape, numbers, view.no_form)
        readings = iter(self._decoded_lines([line for _, one in forms for line in one.lines]))
        for k, one in forms:
            answered = [self._answered(answer, readings, pages[k]) for answer in one.answers]
            numbers = judged(one, answered, self.threshold)
            name = one.form.template.name
            results[k] = PageResult(pages[k].index, pages[k].grey.shape, numbers, template=name)
        return [results[k] for k in range(len(pages))]

    def _answered(self, answer: Answer, readings: Iterator[list[decode.Reading]], page: Page) -> Number:
        """Return what was read in a field; without digits where it is blank, crossed out or not in the picture."""
        if answer.sheet is None or answer.line is None:
            return Number((), 0.0 if answer.sheet is None else 1.0, answer.box)
        (reading,) = next(readings)
        if not reading.segments:
            return Number((), math.exp(reading.log_posterior), answer.box)
        coefficients = self.card.cell_confidence if answer.field.cells else ()
        number = self._number(reading, answer.sheet, page, coefficients or self.card.number_confidence)
        return dated(answer.field, number)

    def _right_way_up(self, views: list[_View]) -> list[tuple[_Read, bool]]:
        """Read all views, the unclear pages turned where that reads better; with each, whether its turn is in doubt."""
        reads = self._decode(views)
        unclear = [i for i, read in enumerate(reads) if read.view.lines and not read.is_clear]
        turns = self._worth_trying([reads[i] for i in unclear])
        tried = [(i, quarters) for i, some in zip(unclear, turns, strict=True) for quarters in some]
        turned = self._decode([_turned(views[i], quarters) for i, quarters in tried])
        others: dict[int, list[_Read]] = {}
        for (i, _), read in zip(tried, turned, strict=True):
            others.setdefault(i, []).append(read)
        settled = [(read, False) for read in reads]
        for i in unclear:
            settled[i] = _best_turn(reads[i], others.get(i, []))
        return settled

    def _worth_trying(self, reads: list[_Read]) -> list[list[int]]:
        """Choose by a sample of each view's candidates the other ways up, in quarter turns, that may read better."""
        turns = [(2,) if read.longest >= IN_A_ROW else (1, 2, 3) for read in reads]
        samples = [_sample(read.view.sheet) for read in reads]
        pictures = [
            np.rot90(image, quarters)
            for images, some in zip(samples, turns, strict=True)
            for quarters in (0, *some)
            for image in images
        ]
        logs = self._log_probabilities(pictures)
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

    def _decode(self, views: list[_View]) -> list[_Read]:
        """Classify the candidates of all views in one batch and decode each line."""
        readings = iter(self._decoded_lines([line for view in views for line in view.lines]))
        return [_Read(view, tuple(tuple(next(readings)) for _ in view.lines)) for view in views]

    def _decoded_lines(self, lines: list[Line]) -> list[list[decode.Reading]]:
        """Classify the candidates of all lines in one batch and decode each line."""
        frames = self.line_reader.frames if self.line_reader else None
        scored = scoring.score(lines, self._log_probabilities, frames)
        return [scoring.decoded(one, self.card) for one in scored]

    def _log_probabilities(self, images: list[Grey]) -> NDArray[np.float32]:
        return self.classifier.log_probabilities(normalize.to_batch(images), self.options.batch_size)

    def _numbers(self, read: _Read, against: tuple[Reason, ...]) -> tuple[Number, ...]:
        page, sheet, readings = read.view.page, read.view.sheet, read.readings
        return tuple(
            judge.judge(
                self._number(reading, sheet, page, self.card.number_confidence),
                self.threshold,
                (*against, *[Reason.NEIGHBOUR] * near),
            )
            for reading, near in zip(readings, judge.are_near([r.box for r in readings]), strict=True)
        )

    def _number(
        self, reading: decode.Reading, sheet: Sheet, page: Page, coefficients: tuple[float, ...]
    ) -> Number:
        digits = tuple(
            Digit(s.value, s.probability, s.runner_up, s.runner_up_probability,
                  sheet.box_on_page(s.box, page.grey.shape))
            for s in reading.segments
        )  # fmt: skip
        sure = judge.confidence(evidence(reading), coefficients)
        return Number(digits, sure, around([d.box for d in digits]), reading.written)


def evidence(reading: decode.Reading) -> judge.Evidence:
    """Gather what the judge weighs."""
    tiny = 1e-9
    return judge.Evidence(
        reading.log_posterior,
        reading.log_scores,
        reading.log_line,
        reading.log_fit,
        reading.log_agreement,
        reading.log_line_agreement,
        reading.log_text,
        reading.log_heard,
        tuple(math.log((s.probability + tiny) / (s.runner_up_probability + tiny)) for s in reading.segments),
        reading.height,
        reading.clutter,
        reading.unevenness,
    )


def _portions(pages: Iterable[tuple[_File, Page]]) -> Iterator[list[tuple[_File, Page]]]:
    """Share pages out, in order, so that what is held of them while they are read stays bounded."""
    portion: list[tuple[_File, Page]] = []
    held = 0
    for one in pages:
        if portion and held + one[1].grey.size > PORTION:
            yield portion
            portion, held = [], 0
        portion.append(one)
        held += one[1].grey.size
    if portion:
        yield portion


def _told(pages: Sequence[PageResult]) -> str:
    """Say what happened on pages."""
    said = [f"page {page.index}: {page.error}" for page in pages[:_TOLD]]
    more = len(pages) - len(said)
    return "; ".join([*said, f"and {more} more"] if more else said)


def _view(page: Page, sheet: Sheet) -> _View:
    return _View(page, sheet, segment.segment(sheet))


def _turned(view: _View, quarters: int) -> _View:
    return _view(view.page, clean.turned(view.page, quarters))


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


def _best_turn(upright: _Read, others: list[_Read]) -> tuple[_Read, bool]:
    """Pick the way up in which more is read; with it, whether that is in doubt."""
    turned = max((read for read in others if read.is_in_rows), key=lambda read: read.merit, default=None)
    if turned is None:
        return upright, upright.is_column
    low, high = (lead * upright.merit for lead in NEAR_TIE)
    if upright.is_heard:
        return upright, turned.merit > low
    best = turned if turned.merit > TURN_LEAD * upright.merit else upright
    return best, low < turned.merit < high or best.is_column


def load_reader(
    model: Path | None = None,
    options: ReadOptions | None = None,
    threads: int = 0,
    templates: Sequence[Template] = (),
) -> Reader:
    """Load the shipped model, or the one at `model`, and what is known of the print of forms.

    Raises
    ------
    ModelError
        The model or its card is missing or damaged, or of another version.
    TemplateError
        The print of a form cannot be read.
    """
    path = model or shipped_model()
    forms = tuple(form_of(template) for template in templates)
    classifier = load_classifier(path, threads)
    for fitted in (classifier.card.number_confidence, classifier.card.cell_confidence):
        if fitted and len(fitted) != judge.FEATURES + 1:
            raise ModelError(
                f"the model {path} comes from another version of digitocr: its confidence cannot be told",
                hint="train it anew with this version, or read with the model that comes with it",
            )
    line_reader = load_line_reader(path, classifier.card, threads)
    return Reader(classifier, line_reader, options or ReadOptions(), forms)


def read_files(paths: Sequence[str | Path], options: ReadOptions | None = None) -> list[FileResult]:
    """Read files without Prefect, ledger or tables.

    Parameters
    ----------
    paths : sequence of path
    options : ReadOptions, optional

    Returns
    -------
    list of FileResult
        One per path, in order; a file that cannot be read has status ``failed`` and says why.
    """
    sources = [Source(Path(p), Path(p).as_posix()) for p in paths]
    return [r.result for r in load_reader(None, options).read(sources)]


def read_file(path: str | Path, options: ReadOptions | None = None) -> FileResult:
    """Read one file without Prefect, ledger or tables; see :func:`read_files`."""
    return read_files([path], options)[0]


def reader_of(settings: Settings) -> Future[Reader]:
    """Begin to load what reads with these settings, or return what was begun before."""
    options = ReadOptions(settings.threshold, settings.batch_size, settings.limits)
    templates = load_folder(settings.templates) if settings.templates else ()
    return _load(model_in_use(settings), options, templates)


@cache
def _load(model: Path | None, options: ReadOptions, templates: tuple[Template, ...]) -> Future[Reader]:
    future: Future[Reader] = Future()

    def load() -> None:
        try:
            import cv2

            # chunks are read side by side: more threads in each would fight them for the cores
            cv2.setNumThreads(1)
            with native_silence():
                reader = load_reader(model, options, 1, templates)
            # what was imported stays: going over it again and again costs a part of the reading
            gc.freeze()
            future.set_result(reader)
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=load, name="load-reader", daemon=True).start()
    return future
