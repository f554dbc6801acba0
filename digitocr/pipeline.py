"""The steps composed: files in, typed results out, the candidates of many files in one batch."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitocr import clean, decode, judge, normalize, pages, segment
from digitocr.classify import Classifier, load_classifier
from digitocr.errors import FileAccessError, InputError
from digitocr.records import (
    Digit,
    FileResult,
    FileStatus,
    Line,
    ModelCard,
    Number,
    Page,
    PageResult,
    Reading,
    ReadOptions,
    Reason,
    Sheet,
    Source,
    around,
)

CLEAR = 0.85
"""A sheet whose digits are this sure on average is the right way up; others are tried turned."""

TURN_LEAD = 2.0
"""A turned sheet must read this much better than the upright one to be believed."""


@dataclass(frozen=True, slots=True)
class _View:
    """One way up of a sheet, with its lines."""

    sheet: Sheet
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """A view with what was decoded on it."""

    view: _View
    readings: tuple[decode.Reading, ...]

    @property
    def evidence(self) -> float:
        """How many digits are read, each counted by how sure it is beyond even odds."""
        return sum(max(0.0, 2 * s.probability - 1) for r in self.readings for s in r.segments)

    @property
    def mean(self) -> float:
        """Mean probability of the digits, 0 without any."""
        found = [s.probability for r in self.readings for s in r.segments]
        return sum(found) / len(found) if found else 0.0


@dataclass(frozen=True, slots=True)
class Reader:
    """A loaded model with the options it reads with; safe to share between threads.

    Attributes
    ----------
    classifier : Classifier
    options : ReadOptions
    """

    classifier: Classifier
    options: ReadOptions

    @property
    def card(self) -> ModelCard:
        """The card of the model."""
        return self.classifier.card

    @property
    def threshold(self) -> float:
        """From which confidence on a number is accepted."""
        return self.card.threshold if self.options.threshold is None else self.options.threshold

    def read(self, sources: Sequence[Source]) -> list[Reading]:
        """Read files, their candidates in one batch.

        Parameters
        ----------
        sources : sequence of Source

        Returns
        -------
        list of Reading
            One per source, in order. A file that fails is a result with its error, never an exception.
        """
        opened = [_open(source) for source in sources]
        sheets = [[clean.clean(page) for page in reading.pages] for reading, _ in opened]
        views = [_View(sheet, segment.segment(sheet)) for group in sheets for sheet in group]
        reads = iter(self._right_way_up(views))
        return [
            self._finish(reading, [next(reads) for _ in group], started)
            for (reading, started), group in zip(opened, sheets, strict=True)
        ]

    def _right_way_up(self, views: list[_View]) -> list[tuple[_Read, bool]]:
        """Read all views, the unclear ones in all four turns; with each, whether its turn is in doubt."""
        upright = self._decode(views)
        unclear = [i for i, read in enumerate(upright) if read.view.lines and read.mean < CLEAR]
        turned = self._decode([_turned(views[i].sheet, quarters) for i in unclear for quarters in (1, 2, 3)])
        settled = [(read, False) for read in upright]
        for place, i in enumerate(unclear):
            settled[i] = _best_turn([upright[i], *turned[3 * place : 3 * place + 3]])
        return settled

    def _decode(self, views: list[_View]) -> list[_Read]:
        """Classify the candidates of all views in one batch and decode each line."""
        lines = [line for view in views for line in view.lines]
        candidates = [normalize.to_mnist(c.ink) for line in lines for c in line.candidates]
        logs = self.classifier.log_probabilities(normalize.to_batch(candidates), self.options.batch_size)
        scores = iter(line_scores(lines, logs, self.card))
        return [
            _Read(view, tuple(r for line in view.lines for r in decode.decode(line, next(scores))))
            for view in views
        ]

    def _finish(self, reading: Reading, reads: list[tuple[_Read, bool]], started: float) -> Reading:
        if reading.result.error:
            return reading
        found = tuple(
            PageResult(page.index, page.grey.shape, self._numbers(page, read, in_doubt))
            for page, (read, in_doubt) in zip(reading.pages, reads, strict=True)
        )
        empty = not any(page.numbers for page in found)
        result = replace(
            reading.result,
            pages=found,
            status=FileStatus.EMPTY if empty else FileStatus.DONE,
            seconds=time.perf_counter() - started,
        )
        return replace(reading, result=result)

    def _numbers(self, page: Page, read: _Read, in_doubt: bool) -> tuple[Number, ...]:  # noqa: FBT001
        sheet = read.view.sheet
        reasons = (*sheet.reasons, Reason.ORIENTATION) if in_doubt else sheet.reasons
        return tuple(
            judge.judge(self._number(reading, sheet, page), self.threshold, reasons)
            for reading in read.readings
        )

    def _number(self, reading: decode.Reading, sheet: Sheet, page: Page) -> Number:
        digits = tuple(
            Digit(s.value, s.probability, s.runner_up, s.runner_up_probability,
                  sheet.box_on_page(s.box, page.grey.shape))
            for s in reading.segments
        )  # fmt: skip
        sure = judge.confidence(evidence(reading), self.card.number_confidence)
        return Number(digits, sure, around([d.box for d in digits]), reading.written)


def line_scores(
    lines: Sequence[Line], logs: NDArray[np.float32], card: ModelCard
) -> Iterable[NDArray[np.float64]]:
    """Share a batch's scores out among its lines, size and place of each candidate taken into account.

    Parameters
    ----------
    lines : sequence of Line
    logs : (N, C) float32 ndarray
        Log probabilities of all candidates, line after line.
    card : ModelCard

    Returns
    -------
    iterable of (n, 12) float64 ndarray
        One per line.
    """
    weights = np.array(card.geometry, dtype=np.float64)
    full = np.full((len(logs), decode.CUT + 1), -math.inf if len(card.classes) < 12 else 0.0)
    full[:, : logs.shape[1]] = logs
    at = 0
    for line in lines:
        own = full[at : at + len(line.candidates)]
        at += len(line.candidates)
        yield (
            decode.with_geometry(own, decode.geometry(line), weights)
            if len(weights)
            else np.maximum(own, -20.0)
        )


def evidence(reading: decode.Reading) -> judge.Evidence:
    """Gather what the judge weighs."""
    tiny = 1e-9
    return judge.Evidence(
        reading.log_posterior,
        reading.log_scores,
        reading.log_line,
        reading.log_fit,
        tuple(math.log((s.probability + tiny) / (s.runner_up_probability + tiny)) for s in reading.segments),
        reading.height,
    )


def _open(source: Source) -> tuple[Reading, float]:
    started = time.perf_counter()
    sha256 = ""
    try:
        try:
            data = source.path.read_bytes()
        except OSError as error:
            raise FileAccessError(
                f"cannot be opened: {error.strerror or error}", hint="check that it is there and may be read"
            ) from None
        sha256 = hashlib.sha256(data).hexdigest()
        return Reading(FileResult(source.file, sha256), pages.decode(data)), started
    except InputError as error:
        failed = FileResult(
            source.file, sha256, status=FileStatus.FAILED, error=str(error), error_code=error.code,
            seconds=time.perf_counter() - started,
        )  # fmt: skip
        return Reading(failed), started


def _turned(sheet: Sheet, quarters: int) -> _View:
    turned = clean.turned(sheet, quarters)
    return _View(turned, segment.segment(turned))


def _best_turn(reads: list[_Read]) -> tuple[_Read, bool]:
    """Pick the way up in which most is read; a near tie of two ways is in doubt."""
    upright = reads[0]
    best = max(reads[1:], key=lambda read: read.evidence)
    if best.evidence > TURN_LEAD * upright.evidence + 1.5 and best.mean > upright.mean + 0.1:
        return best, best.evidence < 1.5 * TURN_LEAD * upright.evidence + 1.5
    return upright, False


def load_reader(model: Path | None = None, options: ReadOptions | None = None, threads: int = 0) -> Reader:
    """Load the shipped model, or the one at `model`.

    Raises
    ------
    ModelError
        The model or its card is missing or damaged.
    """
    return Reader(load_classifier(model, threads), options or ReadOptions())


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
