"""What the second reader's head learns from: lines as they stand on the page, drawn and real, with their digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging import clean, segment
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.sheet import Line
from digitocr.networks.second_reader import ROWS
from digitocr.recognition.page_line import PageLine, whole_picture
from digitocr.recognition.parameters import LineImages, PageLines
from digitocr.records import Grey, Page
from digitocr.training.datasets.corpus import MAX_EMPTY_LINES, drawings, labelled, training_sources
from digitocr.training.datasets.fields import drawn_forms, labelled_field
from digitocr.training.datasets.labelling import LabelledLine
from digitocr.training.datasets.sharded import Shard, sharded_corpus
from digitocr.training.fit.line_network import is_stacked
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.real_ink import load_ink, register_strings
from digitocr.training.synth.skeletons import rare_by_label
from digitocr.training.synth.strokes import Random, SkeletonSource, Sources

INK_WEIGHT, RARE_WEIGHT = 0.45, 0.4
"""Weights of real ink, and of rare and old shapes, among the hands; the stroke archives weigh 1."""

FORMS_PER_SHARD = 3
"""Filled-in forms added to each shard; each has about fifty fields."""

REGISTER_STRINGS, REGISTER_WORDS = 110, 10
"""Strings and words of registers added to each shard of a thousand drawings."""

MARGINS, HEIGHTS = (0.2, 0.8), (1.4, 2.3)
"""Surroundings of a line, and the height of its picture, in heights of the line: drawn anew for each."""

MOST_COLUMNS = 640
"""A wider line is no number, and costs much to learn from."""


@dataclass(frozen=True, slots=True)
class PageLesson:
    """A line's picture and its digits.

    Attributes
    ----------
    picture : (48, w) uint8 ndarray
    digits : (d,) int8 ndarray
        From left to right.
    """

    picture: Grey
    digits: NDArray[np.int8]


@cache
def ink_sources(data_dir: Path | None) -> Sources:
    """Return the training hands: stroke archives, MNIST and real ink, as far as present, and rare shapes.

    Parameters
    ----------
    data_dir : Path or None
        Folder of the archives.

    Returns
    -------
    Sources
    """
    found = training_sources(data_dir)
    digits = (*found.digits, SkeletonSource("rare", rare_by_label()))
    weights = (*found.weights, RARE_WEIGHT)
    ink = None if data_dir is None else data_dir / "kensanata_numbers.npz"
    if ink is None or not ink.is_file():
        return Sources(digits, weights, found.letters)
    return Sources((*digits, load_ink(ink)), (*weights, INK_WEIGHT), found.letters)


def lessons_of_drawing(rng: Random, drawing: Drawing, items: Sequence[LabelledLine]) -> Iterator[PageLesson]:
    """Take the lines of a drawing, and a crop as a whole if it holds a single number.

    Parameters
    ----------
    rng : numpy.random.Generator
    drawing : Drawing
    items : sequence of LabelledLine
        Its lines as the reading path finds them.

    Yields
    ------
    PageLesson
    """
    empty = 0
    for item in items:
        made = lesson_of_line(rng, item)
        if made is not None and (len(made.digits) or empty < MAX_EMPTY_LINES):
            empty += not len(made.digits)
            yield made
    is_crop = drawing.kind in CROPS and len(drawing.numbers) <= 1
    if is_crop and not any(digit.over is not None for digit in drawing.digits):
        text = drawing.numbers[0].text if drawing.numbers else ""
        yield PageLesson(whole_picture(drawing.image, MOST_COLUMNS), _digits(text))


CROPS = frozenset({"line", "field", "cell"})
"""Kinds of drawing that are crops of one field."""


def lesson_of_line(rng: Random, item: LabelledLine) -> PageLesson | None:
    """Make a lesson of a labelled line.

    Parameters
    ----------
    rng : numpy.random.Generator
    item : LabelledLine

    Returns
    -------
    PageLesson or None
        None if its digits are in doubt, or it is too long.
    """
    if item.written is None or any(is_stacked(a, b) for a, b in pairwise(item.written)):
        return None
    picture = _varied_cut(rng, item.line)
    if picture.shape[1] > MOST_COLUMNS:
        return None
    return PageLesson(picture, np.array([w.value for w in item.written], dtype=np.int8))


def _varied_cut(rng: Random, line: Line) -> Grey:
    p = PageLines(float(rng.uniform(*MARGINS)), float(rng.uniform(*HEIGHTS)))
    return PageLine.of(line, p, LineImages()).picture


def lesson_of_string(rng: Random, crop: Grey, text: str) -> PageLesson | None:
    """Make a lesson of a string cut from a register: its only line, or the crop as a whole.

    Parameters
    ----------
    rng : numpy.random.Generator
    crop : (H, W) uint8 ndarray
    text : str

    Returns
    -------
    PageLesson or None
        None if it is too long.
    """
    lines = string_lines(crop)
    if len(lines) == 1 and rng.random() < 0.6:
        picture = _varied_cut(rng, lines[0])
    else:
        picture = whole_picture(crop, MOST_COLUMNS)
    return PageLesson(picture, _digits(text)) if picture.shape[1] <= MOST_COLUMNS else None


def string_lines(crop: Grey) -> tuple[Line, ...]:
    """Find the lines of a string cut from a register.

    Parameters
    ----------
    crop : (H, W) uint8 ndarray

    Returns
    -------
    tuple of Line
    """
    p = Imaging()
    return segment.segment(clean.clean(Page(1, crop), p), p.segmentation, p.rows, p.cuts)


def _digits(text: str) -> NDArray[np.int8]:
    return np.array([int(digit) for digit in text], dtype=np.int8)


def _part(job: tuple[int, int], data_dir: Path | None) -> Shard:
    """Draw one part of the corpus: ``job`` is its seed and how many drawings."""
    seed, count = job
    cv2.setNumThreads(1)
    sources, rng = ink_sources(data_dir), np.random.default_rng((seed, 1_000_005))
    found: list[PageLesson] = []
    for drawing in drawings(seed, count, sources):
        found += lessons_of_drawing(rng, drawing, labelled(drawing, rng))
    for form in drawn_forms(seed, FORMS_PER_SHARD, sources):
        found += [one for field in form if (one := lesson_of_line(rng, labelled_field(field))) is not None]
    for name, most in (("lectaurep_numbers", REGISTER_STRINGS), ("lectaurep_words", REGISTER_WORDS)):
        path = None if data_dir is None else data_dir / f"{name}.npz"
        if path is None or not path.is_file():
            continue
        strings = _registers(path)
        for k in rng.choice(len(strings), min(len(strings), most * count // 1000), replace=False):
            if (one := lesson_of_string(rng, *strings[k])) is not None:
                found.append(one)
    return stored(found)


@cache
def _registers(path: Path) -> list[tuple[Grey, str]]:
    return register_strings(path)


def stored(lessons: Sequence[PageLesson]) -> Shard:
    """Join lessons into arrays, as they are kept in a file.

    Parameters
    ----------
    lessons : sequence of PageLesson

    Returns
    -------
    dict of str to ndarray
    """
    return {
        "pictures": np.concatenate([one.picture.ravel() for one in lessons]),
        "widths": np.array([one.picture.shape[1] for one in lessons]),
        "digits": np.concatenate([one.digits for one in lessons]),
        "counts": np.array([len(one.digits) for one in lessons]),
    }


def page_lessons_of(part: Shard) -> Iterator[PageLesson]:
    """Split stored arrays into lessons.

    Parameters
    ----------
    part : dict of str to ndarray
        As returned by :func:`stored`.

    Yields
    ------
    PageLesson
    """
    pictures = np.split(part["pictures"], np.cumsum(part["widths"] * ROWS)[:-1])
    digits = np.split(part["digits"], np.cumsum(part["counts"])[:-1])
    for picture, own in zip(pictures, digits, strict=True):
        yield PageLesson(picture.reshape(ROWS, -1), own)


def page_line_corpus(
    seed: int, pictures: int, data_dir: Path | None, work: Path, report: Callable[[str], None]
) -> list[Shard]:
    """Draw what the head learns from; see :func:`digitocr.training.datasets.sharded.sharded_corpus`.

    Parameters
    ----------
    seed : int
    pictures : int
    data_dir : Path or None
        Folder of the archives.
    work : Path
    report : callable
        Is told of the progress in words.

    Returns
    -------
    list of dict of str to ndarray
        One a shard.
    """
    return sharded_corpus("page-lines", partial(_part, data_dir=data_dir), seed, pictures, work, report)
