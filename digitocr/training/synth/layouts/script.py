"""Words and signatures in handwriting: whole words as one glyph, its letters joined or apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from digitocr.training.synth.alphabet import alphabet
from digitocr.training.synth.skeletons import Points
from digitocr.training.synth.strokes import Glyph, Random, SkeletonWriter, Writer

_CONSONANTS: Final = "bcdfghjklmnpqrstvwxyz"
_VOWELS: Final = "aeiouy"
_TAILED: Final = "gjpqy"
_TAIL_STRETCH: Final = np.array([1.0, 1.3], np.float32)
"""Letters with tails, which an archive sets on the line, reach below it by this factor on their height."""


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """How somebody writes words.

    Attributes
    ----------
    letters : Writer
        Real letters, where there are any.
    own : SkeletonWriter
        Made-up letters for those that the other lacks.
    joined : bool
        Small letters run into each other.
    foreign : bool
        Writes no Latin letters at all: rows of loops and hooks.
    gap : float
        Between letters, in heights of a digit.
    """

    letters: Writer
    own: SkeletonWriter
    joined: bool
    foreign: bool
    gap: float

    def word(self, rng: Random, length: int) -> Glyph:
        """Write a made-up word with so many letters."""
        if self.foreign:
            return Glyph("word", tuple(_loops(rng, length)), "own/foreign")
        strokes: list[Points] = []
        edge = 0.0
        for i, letter in enumerate(made_up_word(rng, length)):
            placed = _moved(self._letter(rng, letter), edge)
            points = np.concatenate(placed)
            if self.joined and i and letter.islower() and len(strokes[-1]) > 1:
                placed = [_link(strokes[-1][-1], placed[0][0]), *placed]
            strokes.extend(placed)
            edge = float(points[:, 0].max()) + self.gap * float(rng.uniform(0.6, 1.4))
        return Glyph("word", tuple(strokes), "own/word")

    def _letter(self, rng: Random, letter: str) -> list[Points]:
        found = self.letters.glyph(rng, letter)
        if found is None or not found.strokes:
            found = self.own.glyph(rng, letter)
        elif letter in _TAILED:
            return [_moved_tail(s) for s in found.strokes]
        # the stroke that ends furthest right is last, so that a link leaves from there
        return sorted(found.strokes, key=lambda s: float(s[-1, 0])) if found else []


def draw_script(rng: Random, letters: Writer) -> Script:
    """Draw how somebody writes words.

    Parameters
    ----------
    rng : numpy.random.Generator
    letters : Writer
        Real letters, where there are any.

    Returns
    -------
    Script
    """
    own = SkeletonWriter(int(rng.integers(2**31)), skeletons=alphabet())
    return Script(
        letters,
        own,
        joined=bool(rng.random() < 0.5),
        foreign=bool(rng.random() < 0.2),
        gap=float(rng.uniform(0.04, 0.22)),
    )


def made_up_word(rng: Random, length: int) -> str:
    """Make up a word of consonants and vowels in turn.

    Parameters
    ----------
    rng : numpy.random.Generator
    length : int
        Number of letters, 1 or more.

    Returns
    -------
    str
        Small, with a capital, or all in capitals.
    """
    first = int(rng.integers(2))
    kinds = [_VOWELS if (i + first) % 2 and rng.random() < 0.85 else _CONSONANTS for i in range(length)]
    word = "".join(kind[int(rng.integers(len(kind)))] for kind in kinds)
    case = rng.random()
    return word.upper() if case < 0.25 else word.capitalize() if case < 0.55 else word


def signature(rng: Random) -> Glyph:
    """Write a signature: a large first letter, loops that flatten, at times a flourish.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    Glyph
    """
    strokes = _loops(rng, int(rng.integers(3, 12)), flatten=float(rng.uniform(0.3, 1)))
    width = max(float(s[:, 0].max()) for s in strokes)
    if rng.random() < 0.6:
        x = np.linspace(-0.3, width * float(rng.uniform(0.6, 1.2)), 12, dtype=np.float32)
        y = 1.0 + float(rng.uniform(-0.1, 0.3)) + 0.1 * np.sin(x * float(rng.uniform(1, 4)))
        strokes.append(np.stack([x, y], axis=1).astype(np.float32))
    if rng.random() < 0.6:
        strokes.insert(0, _arc(rng, float(rng.uniform(0.6, 1.5)), 0.3))
    return Glyph("signature", tuple(strokes), "own/signature")


def _loops(rng: Random, count: int, *, flatten: float = 0.0) -> list[Points]:
    """Write loops and hooks from left to right, lifting the pen now and then."""
    strokes: list[Points] = []
    x, size = 0.0, float(rng.uniform(0.3, 0.6))
    start = float(rng.uniform(0, 6.3))
    path: list[np.ndarray] = []
    for i in range(count):
        t = np.linspace(0, 2 * np.pi * float(rng.uniform(0.5, 1.3)), 14) + start
        tall = size * float(rng.choice([1, 1, 1, 1.8])) * (1 - flatten * i / count)
        step = size * float(rng.uniform(0.5, 1.1))
        along = x + step * np.linspace(0, 1, 14) + 0.5 * step * np.cos(t)
        path.append(np.stack([along, 1 - tall / 2 + tall / 2 * np.sin(t)], axis=1))
        start, x = float(t[-1]), x + step
        if rng.random() < 0.3 or i == count - 1:
            strokes.append(np.concatenate(path).astype(np.float32))
            path, start, x = [], float(rng.uniform(0, 6.3)), x + 0.25 * size
    return strokes


def _arc(rng: Random, height: float, width: float) -> Points:
    t = np.linspace(0, 2 * np.pi * float(rng.uniform(0.5, 1.1)), 16) + float(rng.uniform(0, 6.3))
    return np.stack([width * np.cos(t), 1 - height / 2 + height / 2 * np.sin(t)], axis=1).astype(np.float32)


def _moved(strokes: list[Points], edge: float) -> list[Points]:
    left = min(float(s[:, 0].min()) for s in strokes)
    return [s + np.array([edge - left, 0], np.float32) for s in strokes]


def _moved_tail(stroke: Points) -> Points:
    """Let a letter with a tail, which an archive set on the line, hang below it."""
    return np.asarray(stroke * _TAIL_STRETCH, np.float32)


def _link(start: Points, end: Points) -> Points:
    """Return the stroke that joins two letters, low between them."""
    dip = np.array([(start[0] + end[0]) / 2, max(float(start[1]), float(end[1]), 0.9)], np.float32)
    t = np.linspace(0, 1, 6, dtype=np.float32)[:, None]
    return np.asarray((1 - t) ** 2 * start + 2 * t * (1 - t) * dip + t**2 * end, np.float32)
