"""The steps composed: files in, typed results out, the candidates of many files in one batch."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import CrowdedError, InputError, ModelError, RegistrationError
from digitocr.forms import form_page
from digitocr.forms.form_print import FormPrint, load_form_print
from digitocr.forms.registration import RegistrationView, choose
from digitocr.forms.template import Template
from digitocr.forms.template_file import load_folder
from digitocr.imaging.sheet import Line
from digitocr.io.open_file import OpenFile
from digitocr.io.sandbox import Decoding, Sandbox
from digitocr.networks.answer_network import See, see_with
from digitocr.networks.card import EARLIER_NAMES, ModelCard, shipped_model
from digitocr.networks.classifier import Classifier, load_classifier
from digitocr.networks.line_reader import LineReader, load_line_reader
from digitocr.networks.page_network import Look, look_at
from digitocr.networks.registry import model_in_use
from digitocr.networks.runtime import native_silence
from digitocr.networks.second_reader import SecondReader, load_second_reader, second_in_use
from digitocr.recognition import choice, normalize, orientation, scoring, second_opinion
from digitocr.recognition.choice import Proposal
from digitocr.recognition.confidence import CONSTANT, NAMES
from digitocr.recognition.judge import Judge
from digitocr.recognition.laid_page import LaidPage
from digitocr.recognition.numbers import DecodedNumber
from digitocr.recognition.orientation import ReadView, Rows
from digitocr.recognition.parameters import Parameters
from digitocr.recognition.plain_page import PlainPage
from digitocr.records import (
    FileResult,
    Grey,
    Limits,
    Page,
    PageResult,
    Reading,
    ReadOptions,
    SecondReading,
    Shown,
    Source,
)
from digitocr.settings import Settings

log = logging.getLogger(__name__)

PORTION = 30_000_000
"""Pixels of pages that are read together: three A4 pages at 300 dpi. Each takes 30 MB until it is read."""

PORTION_CANDIDATES = 20_000
"""Candidates after which no further page is added to these: reading them takes some seconds."""


@dataclass(frozen=True, slots=True)
class _Laid:
    """A page on its way to a result."""

    file: OpenFile
    page: Page
    laid: LaidPage

    @property
    def candidates(self) -> int:
        """How many marks may be digits."""
        return sum(len(line.candidates) for line in self.laid.lines)


@dataclass(frozen=True, slots=True)
class Reader:
    """A loaded model with the options it reads with; safe to share between threads.

    Attributes
    ----------
    classifier : Classifier
    line_reader : LineReader or None
        A second network that reads lines as a whole.
    second_reader : SecondReader or None
        A pre-trained network that reads lines as they stand on the page; None if it is missing or not wanted.
    look : callable
        Tells what the page network sees in a page,
    see : callable
        and what the answer network sees in places of a form.
    options : ReadOptions
    forms : tuple of FormPrint
        Forms that a page may be; without any, all pages are plain.
    decoder : callable
        Decodes the bytes of a file within limits, page by page.
    parameters : Parameters
        All that is set in reading.
    """

    classifier: Classifier
    line_reader: LineReader | None
    second_reader: SecondReader | None
    look: Look
    see: See
    options: ReadOptions
    forms: tuple[FormPrint, ...] = ()
    decoder: Callable[[bytes, Limits], Decoding] = field(default_factory=lambda: Sandbox().decode)
    parameters: Parameters = field(default_factory=Parameters)

    @property
    def card(self) -> ModelCard:
        """The card of the model."""
        return self.classifier.card

    @property
    def threshold(self) -> float:
        """Least confidence of an accepted number."""
        if self.options.threshold is not None:
            return self.options.threshold
        return self.card.least_confidence(with_second=self.second_reader is not None)

    def read(
        self, sources: Sequence[Source], show: Callable[[Page, PageResult], Shown] | None = None
    ) -> list[Reading]:
        """Read files, the candidates of many pages in one batch.

        Parameters
        ----------
        sources : sequence of Source
        show : callable, optional
            Draws the pictures of a page that are kept; the page is refused if it raises `InputError`.

        Returns
        -------
        list of Reading
            One per source, in order. A file that fails gives a result with its error, never an exception. The seconds
            of a batch are divided among its files by their numbers of candidates.
        """
        files = [OpenFile(source, self.options.limits, self.decoder) for source in sources]
        for portion in _portions(one for file in files for one in self._laid_out(file)):
            self._read_portion(portion, show)
            portion.clear()  # its pages would stay in memory while the next ones are laid out
        return [file.reading() for file in files]

    def _read_portion(
        self, portion: Sequence[_Laid], show: Callable[[Page, PageResult], Shown] | None
    ) -> None:
        started = time.perf_counter()
        results = self.results([one.laid for one in portion])
        for one, result in zip(portion, results, strict=True):
            try:
                one.file.add(result, show(one.page, result) if show is not None else None)
            except InputError as error:
                one.file.refuse(one.page, error)
        spent = time.perf_counter() - started
        weights = [1 + one.candidates for one in portion]
        for one, weight in zip(portion, weights, strict=True):
            one.file.spend(spent * weight / sum(weights))

    def _laid_out(self, file: OpenFile) -> Iterator[_Laid]:
        """Yield the pages of a file, laid out for reading, but those with too much on them."""
        most = self.options.limits.candidates
        for page in file.pages():
            started = time.perf_counter()
            one = _Laid(file, page, self.lay_out(page))
            file.spend(time.perf_counter() - started)
            if one.candidates > most:
                file.refuse(
                    page, CrowdedError(f"{one.candidates:,} marks may be digits, the limit is {most:,}")
                )
            else:
                yield one

    def lay_out(self, page: Page) -> LaidPage:
        """Find the form of a page and the ink in its fields; on a plain page, the rows.

        Parameters
        ----------
        page : Page

        Returns
        -------
        LaidPage
        """
        no_form, p = "", self.parameters.imaging
        if self.forms:
            try:
                return form_page.lay_out(page, *choose(RegistrationView(page.grey), self.forms), self.see, p)
            except RegistrationError as error:
                no_form = error.message
        return PlainPage(orientation.upright_view(page, self.look, p), no_form)

    def results(self, laid: Sequence[LaidPage]) -> list[PageResult]:
        """Read pages, the candidates of all in one batch.

        Parameters
        ----------
        laid : sequence of LaidPage

        Returns
        -------
        list of PageResult
        """
        return [page.result(rows, self.judge) for page, rows in self.decoded(laid)]

    def decoded(self, laid: Sequence[LaidPage]) -> list[tuple[LaidPage, Rows]]:
        """Decode the rows of pages, the candidates of all in one batch.

        Parameters
        ----------
        laid : sequence of LaidPage

        Returns
        -------
        list of (LaidPage, Rows)
            Each page in the way up in which it reads best, with its numbers.
        """
        proposals = iter(self.propose([line for page in laid for line in page.lines]))
        of_page = [[next(proposals) for _ in page.lines] for page in laid]
        rows = [self._decoded_alone(some) for some in of_page]
        pages = list(laid)
        turnable = [(k, page.view) for k, page in enumerate(laid) if page.view is not None]
        reads = [ReadView(view, rows[k]) for k, view in turnable]
        settled = orientation.settle(
            reads,
            self.decode,
            self._log_probabilities,
            self.parameters.recognition.orientation,
            self.parameters.imaging,
        )
        for (k, view), (read, is_in_doubt) in zip(turnable, settled, strict=True):
            if read.view is not view and self.second_reader is not None:
                of_page[k] = self.propose(read.view.lines)
            pages[k], rows[k] = pages[k].settled(read.view, is_in_doubt=is_in_doubt), read.rows
        if self.second_reader is not None:
            judge, p = self.judge, self.parameters.recognition
            rows = second_opinion.read(
                self.second_reader, self.options.second_reader, pages, of_page, rows, judge, p
            )
        return list(zip(pages, rows, strict=True))

    def propose(self, lines: Sequence[Line]) -> list[Proposal]:
        """Classify the candidates of all lines in one batch, and propose the texts of each line.

        Parameters
        ----------
        lines : sequence of Line

        Returns
        -------
        list of Proposal
            One per line.
        """
        frames = self.line_reader.frames if self.line_reader else None
        p = self.parameters.recognition
        scored = scoring.score_candidates(lines, self._log_probabilities, frames, p)
        return [choice.proposed(one, self.card, p) for one in scored]

    def decode(self, lines: Sequence[Line]) -> list[list[DecodedNumber]]:
        """Read lines by our own networks alone.

        Parameters
        ----------
        lines : sequence of Line

        Returns
        -------
        list of list of DecodedNumber
            For each line its numbers, from left to right.
        """
        return [list(row) for row in self._decoded_alone(self.propose(lines))]

    def _decoded_alone(self, proposals: Sequence[Proposal]) -> Rows:
        p = self.parameters.recognition
        return tuple(tuple(choice.decoded(one, self.card, p)) for one in proposals)

    @property
    def judge(self) -> Judge:
        """By what its numbers are accepted."""
        return Judge(self.threshold, self.card, self.parameters.recognition.acceptance)

    def _log_probabilities(self, images: list[Grey]) -> NDArray[np.float32]:
        return self.classifier.log_probabilities(normalize.to_batch(images), self.options.batch_size)


def _portions(pages: Iterable[_Laid]) -> Iterator[list[_Laid]]:
    """Group pages, in order, so that the memory and the time for those that are read together stay bounded."""
    portion: list[_Laid] = []
    pixels = candidates = 0
    for one in pages:
        if portion and (pixels + one.page.grey.size > PORTION or candidates > PORTION_CANDIDATES):
            yield portion
            portion, pixels, candidates = [], 0, 0
        portion.append(one)
        pixels += one.page.grey.size
        candidates += one.candidates
    if portion:
        yield portion


def load_reader(
    model: Path | None = None,
    options: ReadOptions | None = None,
    threads: int = 0,
    templates: Sequence[Template] = (),
) -> Reader:
    """Load a model with its line reader, and the print of forms.

    Parameters
    ----------
    model : Path, optional
        A ``.keras`` file with its card; the shipped one if None.
    options : ReadOptions, optional
    threads : int
        As for :func:`digitocr.networks.runtime.load_call`.
    templates : sequence of Template

    Returns
    -------
    Reader

    Raises
    ------
    ModelError
        If the model or its card is missing or damaged, or comes from another version.
    TemplateError
        If the print of a form cannot be read.
    """
    path = model or shipped_model()
    forms = tuple(load_form_print(template) for template in templates)
    classifier = load_classifier(path, threads)
    for fitted in (classifier.card.number_confidence, classifier.card.cell_confidence):
        if fitted and not {*EARLIER_NAMES} <= set(fitted) <= {*NAMES, CONSTANT}:
            raise ModelError(
                f"the model {path} comes from another version of digitocr; its confidences cannot be computed",
                hint="train it again with this version, or use the shipped model",
            )
    line_reader = load_line_reader(path, classifier.card, threads)
    chosen = options or ReadOptions()
    second_reader = None
    if chosen.second_reader is not SecondReading.NEVER and classifier.card.second is not None:
        if second := second_in_use(path, classifier.card):
            second_reader = load_second_reader(path, second, threads)
        else:
            files = " and ".join(classifier.card.second_files)
            log.warning("the second reader is missing: put %s beside %s; reading without it", files, path)
    look, see = partial(look_at, threads=threads), partial(see_with, threads=threads)
    return Reader(classifier, line_reader, second_reader, look, see, chosen, forms)


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
    """Read one file without Prefect, ledger or tables; see :func:`read_files`.

    Parameters
    ----------
    path : path
    options : ReadOptions, optional

    Returns
    -------
    FileResult
    """
    return read_files([path], options)[0]


def reader_of(settings: Settings) -> Future[Reader]:
    """Start to load the reader for these settings; later calls with equal settings return the same future.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    Future of Reader
    """
    templates = load_folder(settings.templates) if settings.templates else ()
    return loading(model_in_use(settings), settings.options, templates)


@cache
def loading(model: Path | None, options: ReadOptions, templates: tuple[Template, ...]) -> Future[Reader]:
    """Start to load a reader, once a process: later calls with equal arguments return the same future.

    Parameters
    ----------
    model : Path or None
    options : ReadOptions
    templates : tuple of Template

    Returns
    -------
    Future of Reader
    """
    future: Future[Reader] = Future()

    def load() -> None:
        try:
            import cv2

            # chunks are read in parallel: more threads in each would compete for the cores
            cv2.setNumThreads(1)
            with native_silence():
                reader = load_reader(model, options, 1, templates)
            # imported objects live on; scanning them in each collection would slow reading down
            gc.freeze()
            future.set_result(reader)
        except BaseException as error:
            future.set_exception(error)

    # no daemon: one that is cut off within C++ would abort the process
    threading.Thread(target=load, name="load-reader").start()
    return future
