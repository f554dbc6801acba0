"""Writers and the shapes they write: our own skeletons, MNIST pictures, and mixes of such sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from digitocr.records import Grey
from digitocr.training.synth.skeletons import Points, Skeleton, by_label, square_by_label

Random = np.random.Generator
Indices = NDArray[np.intp]


SQUARE_HANDS_SHARE: Final = 0.12
"""Share of the made-up writers who write along the guides of a box."""

DIGIT_LABELS: Final = tuple("0123456789")


@dataclass(frozen=True, slots=True, eq=False)
class Glyph:
    """The shape of one digit or sign, in the cap frame (y down, 0 top of a digit, 1 baseline).

    Attributes
    ----------
    label : str
    strokes : tuple of (P, 2) float32 ndarray
        Pen paths; empty where the shape is a picture.
    variant : str
        Where it comes from, for statistics.
    mask : (h, w) uint8 ndarray, optional
        Soft ink picture instead of strokes.
    is_ink : bool
        Whether the mask is real ink at its own size, to be kept as soft as it is.
    """

    label: str
    strokes: tuple[Points, ...]
    variant: str
    mask: Grey | None = None
    is_ink: bool = False


class Writer(Protocol):
    """One hand: all glyphs of a number come from the same writer."""

    def glyph(self, rng: Random, label: str) -> Glyph | None:
        """Return a new specimen of a digit or sign, None for one that this writer cannot write."""
        ...


class StrokeSource(Protocol):
    """A population of writers."""

    @property
    def name(self) -> str:
        """Short name, for cards and statistics."""
        ...

    def writer(self, rng: Random) -> Writer:
        """Choose a writer."""
        ...


@dataclass(frozen=True, slots=True)
class SkeletonWriter:
    """A made-up writer, who nearly always uses the same variant of a digit and bends it in a personal way.

    Attributes
    ----------
    seed : int
        Determines the habits.
    wobble : float
        Standard deviation of control points around the habit, in heights.
    habit : float
        Standard deviation of the habit around the ideal path, in heights.
    skeletons : mapping of str to tuple of Skeleton
        The variants there are to keep to, by label.
    """

    seed: int
    wobble: float = 0.012
    habit: float = 0.035
    skeletons: Mapping[str, Sequence[Skeleton]] = field(default_factory=by_label)

    def glyph(self, rng: Random, label: str) -> Glyph | None:
        """Return a specimen; None for labels without a skeleton."""
        variants = self.skeletons.get(label)
        if variants is None:
            return None
        own = np.random.default_rng([self.seed, *label.encode()])
        skeleton = _pick(own, variants)
        if rng.random() < 0.04:
            skeleton = _pick(rng, variants)
        shift = []
        for controls in skeleton.controls:
            moved = own.normal(0, self.habit, controls.shape) + rng.normal(0, self.wobble, controls.shape)
            same = np.all(controls[1:] == controls[:-1], axis=1)
            moved[1:][same] = moved[:-1][same]  # a corner moves as a whole
            shift.append((moved * _freedom(label)).astype(np.float32))
        strokes = tuple(s for s in skeleton.strokes(tuple(shift)))
        return Glyph(label, strokes, f"own/{label}/{skeleton.variant}")


def _freedom(label: str) -> float:
    """Small signs wobble less than digits do."""
    return 0.35 if label in {".", ",", "'", ":", "=", ".-", "-", "rising"} else 1.0


def _pick(rng: Random, variants: Sequence[Skeleton]) -> Skeleton:
    weights = np.array([v.weight for v in variants])
    return variants[int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))]


@dataclass(frozen=True, slots=True)
class SkeletonSource:
    """Writers who follow our own skeletons; needs no data.

    Attributes
    ----------
    name : str
    skeletons : mapping of str to tuple of Skeleton
        The variants of each label, for hands that do not follow guides.
    """

    name: str = "skeletons"
    skeletons: Mapping[str, Sequence[Skeleton]] = field(default_factory=by_label)

    def writer(self, rng: Random) -> SkeletonWriter:
        """Make up a writer."""
        return SkeletonWriter(
            int(rng.integers(2**31)),
            wobble=float(rng.uniform(0.004, 0.022)),
            habit=float(rng.uniform(0.015, 0.05)),
            skeletons=square_by_label() if rng.random() < SQUARE_HANDS_SHARE else self.skeletons,
        )


@dataclass(frozen=True, slots=True, eq=False)
class PictureSource:
    """Digits cut from pictures, such as MNIST's: a soft ink mask instead of pen strokes.

    Attributes
    ----------
    name : str
    images : (N, 28, 28) uint8 ndarray
        Ink bright on black.
    index : tuple of ndarray of int
        For each digit the pictures that show it.
    """

    name: str
    images: NDArray[np.uint8]
    index: tuple[Indices, ...]

    def writer(self, rng: Random) -> PictureWriter:
        """Return a writer who takes any picture; who wrote what is not known."""
        del rng
        return PictureWriter(self)


@dataclass(frozen=True, slots=True, eq=False)
class PictureWriter:
    """Returns any picture of a digit."""

    source: PictureSource

    def glyph(self, rng: Random, label: str) -> Glyph | None:
        """Return a picture of a digit, None for signs."""
        if label not in DIGIT_LABELS:
            return None
        choice = self.source.index[int(label)]
        number = int(choice[rng.integers(len(choice))])
        return Glyph(label, (), f"{self.source.name}/{label}", self.source.images[number])


def picture_source(name: str, images: NDArray[np.uint8], labels: NDArray[np.integer]) -> PictureSource:
    """Make a source from pictures of digits.

    Parameters
    ----------
    name : str
    images : (N, 28, 28) uint8 ndarray
        Ink bright on black.
    labels : (N,) integer ndarray
        0 to 9.

    Returns
    -------
    PictureSource
    """
    return PictureSource(name, images, tuple(np.flatnonzero(labels == d) for d in range(10)))


@dataclass(frozen=True, slots=True, eq=False)
class InkString:
    """A string of digits cut from paper, its digits apart.

    Attributes
    ----------
    text : str
    mask : (h, w) uint8 ndarray
        Soft ink, 255 where it is darkest.
    owner : (h, w) int16 ndarray
        ``i + 1`` at ink of the digit ``text[i]``, -1 at that of dots and dashes, 0 elsewhere.
    height : float
        Of a digit in pixels.
    """

    text: str
    mask: Grey
    owner: NDArray[np.int16]
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """A mix of sources.

    Attributes
    ----------
    digits : tuple of StrokeSource
    weights : tuple of float
        How often each is drawn from.
    letters : StrokeSource, optional
        Real letters and signs; our own skeletons serve where it is None.
    strings : tuple of InkString
        Whole numbers of real ink, set into pages of layouts.
    """

    digits: tuple[StrokeSource, ...] = (SkeletonSource(),)
    weights: tuple[float, ...] = (1.0,)
    letters: StrokeSource | None = None
    strings: tuple[InkString, ...] = ()

    def writer(self, rng: Random) -> Writer:
        """Choose a source by its weight, and a writer of it."""
        total = np.cumsum(self.weights)
        return self.digits[int(np.searchsorted(total, rng.random() * total[-1], side="right"))].writer(rng)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the sources, the letters' last."""
        return tuple(s.name for s in (*self.digits, *((self.letters,) if self.letters else ())))
