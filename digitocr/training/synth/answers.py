"""Answers on a form as people give, strike and correct them, with the truth of every pixel of ink."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Box, Grey
from digitocr.training.synth.hand import Hand
from digitocr.training.synth.paper import Field
from digitocr.training.synth.pen import Token, Written, ink_texture, rasterise, write
from digitocr.training.synth.skeletons import LETTERS, Points
from digitocr.training.synth.strokes import Random, SkeletonWriter


class Ground(IntEnum):
    """What ink is of; a later one outweighs an earlier one."""

    PAPER = 0
    FILLER = 1
    """A lone cross, dash or slash: nothing is meant."""
    DIGITS = 2
    """Digits that are meant."""
    STRUCK = 3
    """What strikes digits out, is written over them or left of them, and whatever may hide a digit."""


FILLERS: Final = ("x", "x", "-", "-", "/", "\\", "=", "tick")
"""What people put where no digit is meant."""

Stroke = Callable[[Random, float, float], list[Points]]
"""Draws pen paths over a box of this width and height, in its pixels."""


def _line(rng: Random, width: float, height: float) -> list[Points]:
    """Cross out with a level line, or two."""
    lines = []
    for level in (0.5,) if rng.random() < 0.7 else (0.38, 0.62):
        y = height * (level + rng.normal(0, 0.08, 2))
        x = width * np.array([rng.uniform(-0.2, 0.12), rng.uniform(0.88, 1.2)])
        lines.append(_bent(rng, np.stack([x, y], axis=1), 0.04 * height))
    return lines


def _slash(rng: Random, width: float, height: float) -> list[Points]:
    """Cross out with one to three slanted strokes side by side."""
    count, falling = int(rng.choice([1, 1, 1, 2, 3])), rng.random() < 0.3
    strokes = []
    for k in range(count):
        away = width * 0.22 * (k - (count - 1) / 2)
        x = away + width * np.array([rng.uniform(0.75, 1.1), rng.uniform(-0.1, 0.25)])
        y = height * np.array([rng.uniform(-0.15, 0.15), rng.uniform(0.85, 1.15)])
        path = np.stack([x[::-1] if falling else x, y], axis=1)
        strokes.append(_bent(rng, path, 0.04 * height))
    return strokes


def _cross(rng: Random, width: float, height: float) -> list[Points]:
    """Cross out with two strokes."""
    falling, rising = rng.normal(0, 0.1, (2, 2, 2))
    ends = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    size = np.array([width, height]) * rng.uniform(0.8, 1.15)
    middle = (np.array([width, height]) - size) / 2
    return [
        _bent(rng, (end + off) * size + middle, 0.04 * height)
        for end, off in zip(ends, (falling, rising), strict=True)
    ]


def _scrub(rng: Random, width: float, height: float) -> list[Points]:
    """Scrub out: to and fro, more or less closely."""
    turns = int(rng.integers(5, 20))
    along = np.linspace(rng.uniform(-0.1, 0.15), rng.uniform(0.85, 1.1), turns)
    across = np.where(np.arange(turns) % 2 == 0, 0.08, 0.92) + rng.normal(0, 0.09, turns)
    upright = rng.random() < 0.5
    x, y = (along, across) if upright else (across, along)
    return [_smooth(np.stack([x * width, y * height], axis=1))]


def _loops(rng: Random, width: float, height: float) -> list[Points]:
    """Coil over it."""
    turns = float(rng.uniform(2.5, 7))
    t = np.linspace(0, 2 * np.pi * turns, int(22 * turns))
    radius = rng.uniform(0.25, 0.45)
    x = 0.5 + radius * np.cos(t) * rng.uniform(0.5, 1) + 0.4 * (t / t[-1] - 0.5)
    y = 0.5 + radius * np.sin(t) + rng.normal(0, 0.03)
    return [np.stack([x * width, y * height], axis=1).astype(np.float32)]


def _wave(rng: Random, width: float, height: float) -> list[Points]:
    """Cross out with a wavy line."""
    t = np.linspace(-0.1, 1.1, 40)
    y = 0.5 + rng.normal(0, 0.05) + rng.uniform(0.08, 0.3) * np.sin(t * 2 * np.pi * rng.uniform(1, 4))
    return [np.stack([t * width, y * height], axis=1).astype(np.float32)]


STRIKES: Final[Mapping[str, Stroke]] = MappingProxyType(
    {"line": _line, "slash": _slash, "cross": _cross, "scrub": _scrub, "loops": _loops, "wave": _wave}
)
"""Ways to strike out."""

WAYS: Final = (*STRIKES, "over", "erased", "beside", "scrub-alone", "letter")
"""All that makes an answer doubtful: struck out, written over another digit, over one that was rubbed out, struck with
the right one squeezed in beside, a scrub that may hide a digit, a letter or word instead."""


def _bent(rng: Random, ends: NDArray[np.floating], bend: float) -> Points:
    """Draw a nearly straight stroke between two points."""
    t = np.linspace(0, 1, 12)[:, None]
    way = ends[1] - ends[0]
    aside = np.array([-way[1], way[0]]) / max(float(np.hypot(*way)), 1e-6)
    path = ends[0] + t * way + np.sin(np.pi * t) * aside * rng.normal(0, bend)
    return np.asarray(path, np.float32)


def _smooth(corners: NDArray[np.floating]) -> Points:
    """Draw a path through corners, rounded a little."""
    at = np.linspace(0, len(corners) - 1, 8 * len(corners))
    path = np.stack([np.interp(at, np.arange(len(corners)), corners[:, k]) for k in (0, 1)], axis=1)
    soft = cv2.GaussianBlur(path.astype(np.float32)[:, None], (1, 5), 1.2, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(soft[:, 0], np.float32)


@dataclass(slots=True, eq=False)
class AnswerSheet:
    """Paper on which a form is filled in.

    Attributes
    ----------
    paper : (H, W) float32 ndarray
        Is written on.
    hand : Hand
    tone : float
        Grey value of the ink on white, 0 to 255.
    grain : float
    share : float
        Height of a digit, in heights of its field.
    striking : tuple of float
        Least and greatest thickness of what strikes out, in thicknesses of the writing.
    ground : (H, W) uint8 ndarray
        What the ink of each pixel is of, a `Ground`.
    """

    paper: Field
    hand: Hand
    tone: float
    grain: float
    share: float
    striking: tuple[float, float] = (0.7, 1.6)
    ground: Grey = field(init=False)

    def __post_init__(self) -> None:
        self.ground = np.zeros(self.paper.shape, np.uint8)

    def digits(self, rng: Random, text: str, box: Box, what: Ground = Ground.DIGITS) -> Box:
        """Write digits about the middle of a box, and return theirs."""
        return self._write(rng, [Token(digit) for digit in text], self.hand, box, what, self.share)

    def filler(self, rng: Random, label: str, box: Box) -> None:
        """Write a sign of no meaning."""
        plain = replace(self.hand, letters=SkeletonWriter(int(rng.integers(2**31))))
        large = float(rng.uniform(self.share, 0.9))
        self._write(rng, [Token(label, digit=False)], plain, box, Ground.FILLER, large)

    def doubtful(self, rng: Random, way: str, text: str, box: Box) -> None:
        """Write digits into a box and make them doubtful in one of `WAYS`."""
        if way == "letter":
            letters = sorted(LETTERS)
            word = [Token(letters[int(k)], digit=False) for k in rng.integers(len(letters), size=len(text))]
            self._write(rng, word, self.hand, box, Ground.STRUCK, self.share)
        elif way == "over":
            self.digits(rng, text, box)
            self.digits(rng, _others(rng, text), box, Ground.STRUCK)
        elif way == "erased":
            tone = self.tone
            self.tone = 255 - (255 - tone) * float(rng.uniform(0.2, 0.6))
            self.digits(rng, _others(rng, text), box, Ground.STRUCK)
            self.tone = tone
            self.digits(rng, text, box)
        elif way == "scrub-alone":
            self.strike(rng, ("scrub", "loops")[int(rng.integers(2))], _within(rng, box, self.share))
        elif way == "beside":
            left = Box(box.x, box.y, round(0.6 * box.width), box.height)
            self.strike(rng, self._any(rng), self.digits(rng, text, left))
            small = Box(box.x + left.width, box.y - box.height // 8, box.width - left.width, box.height // 2)
            self.digits(rng, _others(rng, text), small)
        else:
            self.strike(rng, way, self.digits(rng, text, box))

    def strike(self, rng: Random, way: str, box: Box, what: Ground = Ground.STRUCK) -> None:
        """Strike a box out in one of the ways of `STRIKES`."""
        pen = max(self.hand.thickness * self.share * box.height * float(rng.uniform(*self.striking)), 1.0)
        margin = round(0.25 * max(box.width, box.height) + 2 * pen)
        paths = [
            (path + np.float32(margin)).astype(np.float32)
            for path in STRIKES[way](rng, float(box.width), float(box.height))
        ]
        shape = (box.height + 2 * margin, box.width + 2 * margin)
        alpha = rasterise(rng, paths, pen, shape, pressure=self.hand.pressure)
        self._lay(rng, alpha, box.x - margin, box.y - margin, what, box.height)

    def _any(self, rng: Random) -> str:
        return tuple(STRIKES)[int(rng.integers(len(STRIKES)))]

    def _write(
        self, rng: Random, tokens: Sequence[Token], hand: Hand, box: Box, what: Ground, share: float
    ) -> Box:
        height = share * box.height * float(rng.uniform(0.92, 1.08))
        written = _fitting(rng, tokens, hand, height, box.width)
        h, w = written.alpha.shape
        off = np.clip(rng.normal(0.5, 0.14, 2), 0.0, 1.0)
        x, y = (round(v) for v in (box.x + off[0] * (box.width - w), box.y + off[1] * (box.height - h)))
        self._lay(rng, written.alpha, x, y, what, height)
        return Box(x, y, w, h)

    def _lay(self, rng: Random, alpha: Grey, x: int, y: int, what: Ground, height: float) -> None:
        rows, columns = self.paper.shape
        h, w = alpha.shape
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, columns), min(y + h, rows)
        if x1 <= x0 or y1 <= y0:
            return
        part, here = alpha[y0 - y : y1 - y, x0 - x : x1 - x], np.s_[y0:y1, x0:x1]
        flow = ink_texture(rng, part, self.hand.pen, self.grain, max(1.0, height / 45))
        self.paper[here] *= 1 - flow * np.float32(1 - self.tone / 255)
        covered = part > 127
        self.ground[here][covered] = np.maximum(self.ground[here][covered], np.uint8(what))


def _fitting(rng: Random, tokens: Sequence[Token], hand: Hand, height: float, width: int) -> Written:
    """Write, smaller where it would be wider than the box."""
    written = write(rng, tokens, hand, height, margin=(0, 0, 0, 0))
    excess = written.alpha.shape[1] / max(width, 1)
    return written if excess <= 1 else write(rng, tokens, hand, height / excess, margin=(0, 0, 0, 0))


def _within(rng: Random, box: Box, share: float) -> Box:
    """Choose where a digit would stand."""
    height = round(box.height * share)
    width = min(box.width, round(height * float(rng.uniform(0.6, 1.2))))
    return Box(
        box.x + round((box.width - width) * float(rng.uniform(0.3, 0.7))),
        box.y + round((box.height - height) / 2),
        width,
        height,
    )


def _others(rng: Random, text: str) -> str:
    """Return as many digits, none of them the same."""
    return "".join(str((int(digit) + int(rng.integers(1, 10))) % 10) for digit in text)
