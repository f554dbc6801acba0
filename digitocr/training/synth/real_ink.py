"""Real ink: digits cut from paper, as a source of writers; and strings of digits cut from registers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Grey
from digitocr.training.synth.strokes import DIGIT_LABELS, Glyph, InkString, Random

HELD_OUT_WRITERS: Final = 3
"""The last writers of the archive of digits are kept out of training."""

HELD_OUT_PAGES: Final = 8
"""Every page of the registers whose place is a multiple of this is kept out of training."""

MOST_REPEATED: Final = 60
"""A text that stands in the registers more often is taken only so many times: a few prices make a tenth of them."""

TALLEST_PX: Final = 40
"""Digits are reduced to this height; they are drawn smaller still."""

LEAST_INK = 96
"""Darkness, of 255, from which on the ink of a string is in one piece."""

DIGIT_SHARE = 0.66
"""Pieces of ink less tall than this share of the tallest are dots and dashes."""

LEAST_MARK_PX = 4
"""Smaller pieces are specks, in pixels."""

LEAST_TALL_PX, TALLEST_SHARE = 10, 0.7
"""Digits of a string are at least so tall, and at most this share of its crop: ruling lines are taller."""

RULE_WIDTH_SHARE, RULE_FILL = 0.15, 0.8
"""Pieces as narrow as this share of their height, or that fill as much of their frame, are ruling lines."""

MOST_APART = 1.0
"""Digits of a string are at most so far apart, in heights: beyond stands something else."""

PAPER_QUANTILE, INK_QUANTILE = 0.7, 0.02
"""Brightness of a crop that is paper, and that is its darkest ink."""


@dataclass(frozen=True, slots=True, eq=False)
class InkSource:
    """Writers whose digits were cut from paper.

    Attributes
    ----------
    name : str
    masks : tuple of (h, w) uint8 ndarray
        Soft ink, 255 where it is darkest.
    by_writer : dict
        Indices of the digits of a writer and label.
    writers : tuple of int
    """

    name: str
    masks: tuple[Grey, ...]
    by_writer: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    writers: tuple[int, ...] = ()

    def writer(self, rng: Random) -> InkWriter:
        """Choose a writer."""
        return InkWriter(self, self.writers[int(rng.integers(len(self.writers)))])


@dataclass(frozen=True, slots=True, eq=False)
class InkWriter:
    """A writer of an `InkSource`."""

    source: InkSource
    number: int

    def glyph(self, rng: Random, label: str) -> Glyph | None:
        """Return one of the writer's digits, None for signs."""
        found = self.source.by_writer.get((self.number, label))
        if label not in DIGIT_LABELS or not found:
            return None
        mask = self.source.masks[found[int(rng.integers(len(found)))]]
        return Glyph(label, (), f"{self.source.name}/{label}/{self.number}", mask, is_ink=True)


def load_ink(path: Path, *, held_out: bool = False) -> InkSource:
    """Load an archive of digits cut from paper.

    Parameters
    ----------
    path : Path
        An npz with ``pixels``, ``offsets``, ``shapes``, ``labels`` and ``writers``.
    held_out : bool
        Take the writers set aside instead of those for training.

    Returns
    -------
    InkSource
    """
    with np.load(path, allow_pickle=False) as stored:
        crops = list(_crops(stored["pixels"], stored["offsets"], stored["shapes"]))
        labels, writers = stored["labels"].tolist(), stored["writers"].tolist()
    first_held_out = max(writers) + 1 - HELD_OUT_WRITERS
    masks: list[Grey] = []
    by_writer: dict[tuple[int, str], list[int]] = {}
    for crop, label, writer in zip(crops, labels, writers, strict=True):
        if (writer >= first_held_out) == held_out:
            by_writer.setdefault((writer, str(label)), []).append(len(masks))
            masks.append(_soft_ink(crop))
    return InkSource(path.stem, tuple(masks), by_writer, tuple(sorted({writer for writer, _ in by_writer})))


def register_strings(path: Path, *, held_out: bool = False) -> list[tuple[Grey, str]]:
    """Load strings of digits cut from registers.

    Parameters
    ----------
    path : Path
        An npz with ``pixels``, ``offsets``, ``shapes``, ``pages``, and ``digits`` where there are any.
    held_out : bool
        Take the pages set aside instead of those for training.

    Returns
    -------
    list of ((H, W) uint8 ndarray, str)
        Each with its digits; '' for words.
    """
    with np.load(path, allow_pickle=False) as stored:
        crops = list(_crops(stored["pixels"], stored["offsets"], stored["shapes"]))
        pages = stored["pages"]
        texts = stored["digits"].tolist() if "digits" in stored else [""] * len(crops)
    aside = np.isin(pages, np.unique(pages)[::HELD_OUT_PAGES])
    seen: dict[str, int] = {}
    found = []
    for crop, text, is_aside in zip(crops, texts, aside.tolist(), strict=True):
        if is_aside != held_out:
            continue
        seen[text] = seen.get(text, 0) + 1
        if not text or seen[text] <= MOST_REPEATED:
            found.append((crop, text))
    return found


def separated_strings(path: Path, *, held_out: bool = False) -> tuple[InkString, ...]:
    """Load those strings of registers in which every digit stands apart, so that it is known whose ink is whose.

    Parameters
    ----------
    path : Path
        As of :func:`register_strings`.
    held_out : bool
        Take the pages set aside instead of those for training.

    Returns
    -------
    tuple of InkString
    """
    found = (_separated(crop, text) for crop, text in register_strings(path, held_out=held_out) if text)
    return tuple(one for one in found if one is not None)


def _separated(crop: Grey, text: str) -> InkString | None:
    """Part a string into digits; None where there are not as many pieces of ink as digits."""
    dark = _darkness(crop)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        (dark > LEAST_INK).astype(np.uint8), connectivity=8
    )
    rows, columns = crop.shape
    left, top, wide, tall, area = stats.T
    inside = (left > 0) & (top > 0) & (left + wide < columns) & (top + tall < rows)
    ruled = (wide <= RULE_WIDTH_SHARE * tall) | (area >= RULE_FILL * wide * tall) & (tall > wide)
    inside &= ~(ruled & (tall >= LEAST_TALL_PX))
    inside[0] = False
    tallest = int(tall[inside].max(initial=0))
    digits = np.flatnonzero(inside & (tall >= DIGIT_SHARE * tallest))
    marks = np.flatnonzero(inside & (tall < DIGIT_SHARE * tallest) & (area >= LEAST_MARK_PX))
    order = digits[np.argsort(left[digits])]
    gaps = left[order[1:]] - (left + wide)[order[:-1]]
    if len(order) != len(text) or text == "1" or not LEAST_TALL_PX <= tallest <= TALLEST_SHARE * rows:
        return None  # a 1 alone may be a ruling line
    if gaps.max(initial=0) > MOST_APART * tallest:
        return None
    names = np.zeros(len(stats), np.int16)
    names[order] = np.arange(1, len(text) + 1)
    names[marks] = -1
    owner = names[labels]
    ys, xs = np.nonzero(owner)
    here = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    near = cv2.dilate((owner[here] != 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    mask = np.where(near, dark[here], 0).astype(np.uint8)
    return InkString(text, mask, owner[here], float(np.median(tall[digits])))


def _crops(
    pixels: NDArray[np.uint8], offsets: NDArray[np.int64], shapes: NDArray[np.int16]
) -> Iterator[Grey]:
    for first, last, shape in zip(offsets[:-1].tolist(), offsets[1:].tolist(), shapes.tolist(), strict=True):
        yield pixels[first:last].reshape(shape)


def _darkness(crop: Grey) -> NDArray[np.floating]:
    """Return how dark a crop is: 0 for its paper, 255 for its darkest ink."""
    paper, ink = (float(np.quantile(crop, q)) for q in (PAPER_QUANTILE, INK_QUANTILE))
    dark = np.clip((paper - crop.astype(np.float32)) * (255 / max(paper - ink, 8.0)), 0, 255)
    noise = float(np.std(dark[crop >= paper])) if (crop >= paper).any() else 0.0
    return np.where(dark < 40 + 2 * noise, 0, dark)


def _soft_ink(crop: Grey) -> Grey:
    """Turn a crop into soft ink: 0 for its paper, 255 for its darkest ink; loose specks at its edges are left out."""
    dark = _darkness(crop)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((dark > 0).astype(np.uint8), connectivity=8)
    largest = stats[1:, cv2.CC_STAT_AREA].max(initial=0)
    keep = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] > 0.05 * largest)
    dark[~np.isin(labels, keep[keep > 0])] = 0
    scale = TALLEST_PX / max(crop.shape[0], 1)
    small = cv2.resize(dark, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else dark
    return np.asarray(small, dtype=np.uint8)
