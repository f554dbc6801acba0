"""The command `predict`: pictures of single digits read to lines, a table, and a plot of what the network saw."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr import atomic
from digitocr.errors import FileAccessError, InputError, UsageError
from digitocr.io import pages
from digitocr.networks.card import shipped_model
from digitocr.networks.classifier import Classifier
from digitocr.records import Box, Grey
from digitocr.results.tables import defuse
from digitocr.training.calibrate.scoring import digit_logs
from digitocr.training.datasets.digits import picture_files
from digitocr.training.datasets.single import SingleDigit, single_digit
from digitocr.training.extras import figures
from digitocr.training.extras.models import load_keras
from digitocr.training.extras.optional import require
from digitocr.training.extras.output import say

log = logging.getLogger(__name__)

COLUMNS = (
    "file", "page", "digit", "confidence", "runner_up", "runner_up_confidence", "x", "y", "width", "height", "error",
)  # fmt: skip

PER_PICTURE = 12
"""Digits drawn into one plot."""

_INPUT_SIDE = 480
"""Longest side of an input in a plot, in pixels."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was read on one page of a file.

    Attributes
    ----------
    file : str
    page : int
        Counts from 1.
    digit : SingleDigit or None
        None where nothing was found.
    logs : (10,) float32 ndarray
        Log probabilities; meaningless without a digit.
    shown : (h, w) uint8 ndarray
        The page, small.
    error : str
        Why it could not be read, '' if it could.
    """

    file: str
    page: int
    digit: SingleDigit | None
    logs: NDArray[np.float32]
    shown: Grey
    error: str = ""

    @property
    def ranked(self) -> tuple[tuple[int, float], tuple[int, float]]:
        """The likeliest two digits with their probabilities in [0, 1]."""
        first, second = (int(k) for k in np.argsort(-self.logs)[:2])
        return (first, float(np.exp(self.logs[first]))), (second, float(np.exp(self.logs[second])))


def command(pictures: Sequence[Path], model: Path | None, table: Path, plot: Path | None) -> int:
    """Read pictures of single digits, print and save what they show: what ``digitocr predict`` does.

    Parameters
    ----------
    pictures : sequence of Path
        Files, or folders of files.
    model : Path or None
        None for the shipped model.
    table : Path
        The CSV file to write.
    plot : Path or None
        The PNG file to draw, if any.

    Returns
    -------
    int
        Exit status: 1 if a file could not be opened or decoded, else 0.
    """
    if plot is not None:
        require("matplotlib")
    files = list(expanded(pictures))
    classifier = load_keras(shipped_model() if model is None else model)
    found = read(classifier, files)
    width = max(len(p.file) for p in found)
    for prediction in found:
        say(_line(prediction, width))
    count = sum(p.digit is not None for p in found)
    say(f"a digit found in {count} of {len(found)} pictures")
    atomic.write(table, table_of(found).encode())
    log.info("written: %s", table.as_posix())
    if plot is not None:
        for path in draw(found, plot):
            log.info("written: %s", path.as_posix())
    return 1 if any(p.error and p.digit is None and p.page == 0 for p in found) else 0


def expanded(pictures: Iterable[Path]) -> Iterable[Path]:
    """Replace each folder by its files.

    Parameters
    ----------
    pictures : iterable of Path

    Yields
    ------
    Path

    Raises
    ------
    UsageError
        A folder is empty, or a path does not exist.
    """
    for path in pictures:
        if path.is_dir():
            files = list(picture_files(path))
            if not files:
                raise UsageError(
                    f"there are no pictures in {path}", hint="name files, or a folder that has some"
                )
            yield from files
        elif path.exists():
            yield path
        else:
            raise UsageError(f"there is no file {path}")


def read(classifier: Classifier, files: Iterable[Path]) -> list[Prediction]:
    """Read each page of each file as one digit, all in one batch.

    Parameters
    ----------
    classifier : Classifier
    files : iterable of Path

    Returns
    -------
    list of Prediction
        One a page; one with an error for a file that cannot be decoded.
    """
    blank = np.zeros(10, np.float32)
    found = [p for path in files for p in _opened(path, blank)]
    digits = [p.digit.seen for p in found if p.digit is not None]
    if not digits:
        return found
    logs = iter(digit_logs(classifier, np.stack(digits)))
    return [p if p.digit is None else Prediction(p.file, p.page, p.digit, next(logs), p.shown) for p in found]


def _opened(path: Path, blank: NDArray[np.float32]) -> list[Prediction]:
    try:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise FileAccessError(f"cannot be opened: {error.strerror or error}") from None
        decoded = pages.decode(data)
    except InputError as error:
        return [Prediction(path.as_posix(), 0, None, blank, np.full((8, 8), 255, np.uint8), str(error))]
    out = []
    for page in decoded:
        digit = single_digit(page)
        problem = "" if digit is not None else "nothing found"
        out.append(Prediction(path.as_posix(), page.index, digit, blank, _small(page.grey), problem))
    return out


def _small(grey: Grey) -> Grey:
    scale = _INPUT_SIDE / max(grey.shape)
    if scale >= 1:
        return grey
    return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _line(prediction: Prediction, width: int) -> str:
    name = prediction.file.ljust(width)
    if prediction.digit is None:
        return f"{name}  -  {prediction.error}"
    (first, sure), (second, less) = prediction.ranked
    return f"{name}  {first}  {100 * sure:.2f} %  (then {second}: {100 * less:.2f} %)"


def table_of(found: Iterable[Prediction]) -> str:
    """Format predictions as CSV: boxes in page pixels, confidences in [0, 1].

    Parameters
    ----------
    found : iterable of Prediction

    Returns
    -------
    str
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for p in found:
        if p.digit is None:
            writer.writerow([defuse(p.file), p.page or "", *[""] * 8, defuse(p.error)])
            continue
        (first, sure), (second, less) = p.ranked
        box: Box = p.digit.box
        writer.writerow(
            [defuse(p.file), p.page, first, f"{sure:.4f}", second, f"{less:.4f}",
             box.x, box.y, box.width, box.height, ""]
        )  # fmt: skip
    return out.getvalue()


def draw(found: Sequence[Prediction], plot: Path) -> list[Path]:
    """Draw what was recognised, `PER_PICTURE` digits to a file: ``plot.png``, ``plot.2.png`` and so on.

    Parameters
    ----------
    found : sequence of Prediction
    plot : Path
        The first file.

    Returns
    -------
    list of Path
        The files written.
    """
    shown = [p for p in found if p.digit is not None]
    written = []
    for start in range(0, len(shown), PER_PICTURE):
        part = shown[start : start + PER_PICTURE]
        number = start // PER_PICTURE + 1
        path = plot if number == 1 else plot.with_suffix(f".{number}{plot.suffix}")
        content = figures.predictions(
            [Path(p.file).name for p in part],
            [p.shown for p in part],
            np.stack([p.digit.seen for p in part if p.digit is not None]),
            np.stack([p.logs for p in part]),
        )
        atomic.write(path, content, durable=False)
        written.append(path)
    return written
