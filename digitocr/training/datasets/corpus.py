"""What the shipped networks learn from: drawings as the reading path sees them, with the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.networks.classifier import CUT, SIGN
from digitocr.recognition.normalize import to_mnist
from digitocr.records import Grey
from digitocr.training.datasets.fields import drawn_forms, labelled_field
from digitocr.training.datasets.labelling import LabelledLine, labelled_lines
from digitocr.training.datasets.mnist import load_mnist
from digitocr.training.datasets.sharded import Shard, sharded_corpus
from digitocr.training.fit.line_network import Lesson, lesson, stored
from digitocr.training.synth.cells import cell, form_field
from digitocr.training.synth.drawing import STRUCK, Drawing
from digitocr.training.synth.form_pages import page
from digitocr.training.synth.lines import line
from digitocr.training.synth.photos import photo
from digitocr.training.synth.printing import fonts_found
from digitocr.training.synth.stroke_archives import load_archive, sources_at
from digitocr.training.synth.strokes import SkeletonSource, Sources, picture_source


def drawn_photo(rng: np.random.Generator, sources: Sources) -> Drawing:
    """Draw a photo of a sheet, a table or a form, in any font found.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources

    Returns
    -------
    Drawing
    """
    return photo(rng, sources, longest=int(rng.integers(400, 1100)), fonts=fonts_found(), turns=False)


def drawn_page(rng: np.random.Generator, sources: Sources) -> Drawing:
    """Draw a scanned page of print and fields.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources

    Returns
    -------
    Drawing
    """
    height = int(rng.integers(1400, 2000))
    return page(rng, sources, shape=(height, round(height / 1.414)), fonts=fonts_found())


KINDS: tuple[Callable[[np.random.Generator, Sources], Drawing], ...] = (
    line,
    form_field,
    cell,
    drawn_photo,
    drawn_page,
)
"""Kinds of drawing."""

SHARES = (0.585, 0.24, 0.11, 0.05, 0.015)
"""Share of each kind."""

AMBIGUOUS_SIGNS = frozenset(
    {"tally1", "edge", "/", "line", "ring", "circle", "word", "signature", "crossed out"}
)
"""Signs that look just like a digit, or hold some: a 1, a 0, the letters of words."""

MAX_NEGATIVES = 60
"""Signs, and wrong cuts, learned from one picture at most: a page of print holds thousands."""

MAX_EMPTY_LINES = 2
"""Lines without digits learned from one picture at most."""

FORMS_PER_SHARD = 4
"""Filled-in forms added to each shard; each has about fifty fields."""

MNIST_WEIGHT = 0.4
"""Weight of MNIST's digits among the hands; the stroke archives weigh 1."""

CALIBRATION_FROM = 55_000
"""MNIST's training digits from here on are set aside for calibration."""

CUTS_SHARE = 0.4
"""Share of the wrong cuts that is learned from, since there are many more of them than digits."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Training pictures.

    Attributes
    ----------
    images : (N, 28, 28) uint8 ndarray
        In MNIST format.
    labels : (N,) int8 ndarray
        0 to 9, `SIGN` or `CUT`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line as the reading path finds it, and the text of its drawing.

    Attributes
    ----------
    item : LabelledLine
    drawing : int
        Index of the drawing; several lines may be found on one.
    text : str or None
        The text of a drawing with at most one number; None if it holds several or a doubtful one.
    """

    item: LabelledLine
    drawing: int
    text: str | None


def draw(rng: np.random.Generator, sources: Sources) -> Drawing:
    """Draw one picture of a random kind.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources

    Returns
    -------
    Drawing
    """
    return KINDS[int(rng.choice(len(KINDS), p=SHARES))](rng, sources)


def calibration_sources(
    data_dir: Path | None, images: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> Sources:
    """Return hands that are not trained on and whose labels can be trusted.

    These are held-out pen digits, if present, our own skeletons, and MNIST digits set aside for validation. UNIPEN is
    left out: its few wrong labels would count as errors of the reader.

    Parameters
    ----------
    data_dir : Path or None
    images : (N, 28, 28) uint8 ndarray
    labels : (N,) uint8 ndarray

    Returns
    -------
    Sources
    """
    own, pasted = SkeletonSource(), picture_source("mnist", images, labels)
    archive = None if data_dir is None else data_dir / "pendigits.npz"
    if archive is None or not archive.is_file():
        return Sources((own, pasted), (0.7, 0.3))
    return Sources((load_archive(archive, held_out=True), own, pasted), (0.45, 0.35, 0.2))


def drawn_lines(seed: int, count: int, sources: Sources) -> list[DrawnLine]:
    """Draw pictures and run the reading path on them as far as candidates.

    Parameters
    ----------
    seed : int
    count : int
        Number of drawings.
    sources : Sources

    Returns
    -------
    list of DrawnLine
    """
    numbered, either = enumerate(drawings(seed, count, sources)), _chance(seed)
    return [
        DrawnLine(item, i, _text(drawing)) for i, drawing in numbered for item in labelled(drawing, either)
    ]


def drawings(seed: int, count: int, sources: Sources) -> Iterator[Drawing]:
    """Draw pictures of random kinds, each with a seed of its own.

    Parameters
    ----------
    seed : int
    count : int
    sources : Sources

    Yields
    ------
    Drawing
    """
    cv2.setNumThreads(1)
    for i in range(count):
        yield draw(np.random.default_rng((seed, i)), sources)


def labelled(drawing: Drawing, rng: np.random.Generator) -> list[LabelledLine]:
    """Run the reading path on a drawing as far as candidates, and label each of them.

    A digit written over another is labelled as one or the other at random: whoever learns from it learns to doubt.

    Parameters
    ----------
    drawing : Drawing
    rng : numpy.random.Generator

    Returns
    -------
    list of LabelledLine
    """
    owner = drawing.owner.copy()
    values = np.array([digit.label for digit in drawing.digits], dtype=np.int8)
    for k, digit in enumerate(drawing.digits):
        if digit.over is not None:
            owner[owner == -(digit.over + 1)] = k + 1
            beneath = int(drawing.signs[digit.over].kind.removeprefix(STRUCK))
            values[k] = rng.choice((digit.label, beneath))
    plain = np.array([sign.kind not in AMBIGUOUS_SIGNS for sign in drawing.signs], dtype=np.bool_)
    return labelled_lines(drawing.image, owner, values, plain)


def _text(drawing: Drawing) -> str | None:
    if len(drawing.numbers) > 1 or any(d.overwritten for d in drawing.digits):
        return None
    return drawing.numbers[0].text if drawing.numbers else ""


def drawn_candidates(seed: int, count: int, data_dir: Path | None) -> Candidates:
    """Draw pictures and keep the candidates to learn from: all digits, some of the rest.

    Parameters
    ----------
    seed : int
    count : int
        Number of drawings.
    data_dir : Path or None
        Folder of stroke archives.

    Returns
    -------
    Candidates
    """
    keep = _chance(seed)
    found = (labelled(drawing, keep) for drawing in drawings(seed, count, training_sources(data_dir)))
    return _joined([_candidates(lines, keep) for lines in found if lines])


def _chance(seed: int) -> np.random.Generator:
    """Return the generator of everything random but the drawings."""
    return np.random.default_rng((seed, 1_000_003))


@cache
def training_sources(data_dir: Path | None) -> Sources:
    """Load the training hands, MNIST's among them, once in a process.

    Parameters
    ----------
    data_dir : Path or None
        Folder of the archives.

    Returns
    -------
    Sources
    """
    path = None if data_dir is None else data_dir / "mnist.npz"
    if path is None or not path.is_file():
        return sources_at(data_dir)
    images, labels, _, _ = load_mnist(path)
    learned = picture_source("mnist", images[:CALIBRATION_FROM], labels[:CALIBRATION_FROM])
    return sources_at(data_dir, pictures=learned, picture_weight=MNIST_WEIGHT)


def _candidates(lines: list[LabelledLine], rng: np.random.Generator) -> Candidates:
    """Take from the lines of a picture the candidates to learn from."""
    known = np.concatenate([item.labels for item in lines])
    learned = _learned(known, rng)
    inks = [(item.line, c) for item in lines for c in item.line.candidates]
    images = [to_mnist(line.ink(c)) for line, c in (inks[k] for k in learned)]
    return Candidates(np.array(images, dtype=np.uint8).reshape(-1, 28, 28), known[learned])


def _lessons(lines: list[LabelledLine]) -> list[Lesson]:
    """Take from the lines of a picture those to learn from."""
    made = [found for item in lines if (found := lesson(item)) is not None]
    empty = [found for found in made if not len(found.digits)]
    return [*(found for found in made if len(found.digits)), *empty[:MAX_EMPTY_LINES]]


def _joined(parts: Sequence[Candidates]) -> Candidates:
    return Candidates(np.concatenate([p.images for p in parts]), np.concatenate([p.labels for p in parts]))


def _learned(labels: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.intp]:
    """Choose the candidates of a picture to learn from: all digits, some of the rest."""
    digits = np.flatnonzero((labels >= 0) & (labels < SIGN))
    signs = rng.permutation(np.flatnonzero(labels == SIGN))[:MAX_NEGATIVES]
    cuts = rng.permutation(np.flatnonzero(labels == CUT))
    return np.concatenate([digits, signs, cuts[: min(MAX_NEGATIVES, round(CUTS_SHARE * len(cuts)))]])


def _part(job: tuple[int, int], data_dir: Path | None) -> Shard:
    """Draw one part of the corpus: ``job`` is its seed and how many drawings."""
    seed, count = job
    sources, keep = training_sources(data_dir), _chance(seed)
    found = [lines for drawing in drawings(seed, count, sources) if (lines := labelled(drawing, keep))]
    found += [
        [labelled_field(field) for field in form] for form in drawn_forms(seed, FORMS_PER_SHARD, sources)
    ]
    drawn = _joined([_candidates(lines, keep) for lines in found])
    lessons = [one for lines in found for one in _lessons(lines)]
    return {"images": drawn.images, "labels": drawn.labels, **stored(lessons)}


def corpus(
    seed: int, pictures: int, data_dir: Path | None, work: Path, report: Callable[[str], None]
) -> list[Shard]:
    """Draw what both networks learn from; see :func:`digitocr.training.datasets.sharded.sharded_corpus`.

    Parameters
    ----------
    seed : int
    pictures : int
    data_dir : Path or None
        Folder of stroke archives.
    work : Path
    report : callable
        Is told of the progress in words.

    Returns
    -------
    list of dict of str to ndarray
        One a shard.
    """
    return sharded_corpus("drawn", partial(_part, data_dir=data_dir), seed, pictures, work, report)


def candidates_of(drawn: Sequence[Shard]) -> Candidates:
    """Return the candidates of a corpus.

    Parameters
    ----------
    drawn : sequence of dict of str to ndarray
        Its shards.

    Returns
    -------
    Candidates
    """
    return _joined([Candidates(part["images"], part["labels"]) for part in drawn])


def varied(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn, slant, stretch, bend and thicken digits slightly, and bring them back into MNIST format.

    Elastic bending after P. Simard et al., "Best practices for convolutional neural networks applied to visual
    document analysis", ICDAR 2003.

    Parameters
    ----------
    images : (N, 28, 28) uint8 ndarray
    rng : numpy.random.Generator

    Returns
    -------
    (N, 28, 28) uint8 ndarray
    """
    out = np.empty_like(images)
    ys, xs = np.mgrid[0:28, 0:28].astype(np.float32)
    for i, image in enumerate(images):
        angle, shear = np.radians(rng.normal(0, 6)), rng.normal(0, 0.12)
        sx, sy = np.exp(rng.normal(0, 0.08, 2))
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c * sx, (-s + shear) * sx], [s * sy, c * sy]], dtype=np.float32)
        bend = rng.normal(0, 1, (2, 28, 28)).astype(np.float32)
        bend = np.stack([cv2.GaussianBlur(b, (0, 0), 5.0) for b in bend]) * np.float32(rng.uniform(0, 16))
        u, v = xs - 13.5, ys - 13.5
        at_x, at_y = (
            turn[0, 0] * u + turn[0, 1] * v + 13.5 + bend[0],
            turn[1, 0] * u + turn[1, 1] * v + 13.5 + bend[1],
        )
        moved = cv2.remap(image, at_x, at_y, cv2.INTER_LINEAR)
        kind = rng.random()
        if kind < 0.1:
            moved = cv2.dilate(moved, np.ones((2, 2), np.uint8))
        elif kind < 0.2:
            moved = cv2.erode(moved, np.ones((2, 2), np.uint8))
        out[i] = cropped(moved.astype(np.uint8))
    return out


def cropped(image: Grey) -> Grey:
    """Cut a digit out of its frame and bring it into MNIST format, as the reading path does.

    Parameters
    ----------
    image : (28, 28) uint8 ndarray
        Ink bright on black.

    Returns
    -------
    (28, 28) uint8 ndarray
    """
    ys, xs = np.nonzero(image > 60)
    if not len(ys):
        return to_mnist(image)
    return to_mnist(image[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1])
