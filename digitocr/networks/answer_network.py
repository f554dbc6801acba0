"""The answer network: whether a place on a form holds digits that are meant, a filler, nothing, or what is struck out.

It sees the places as they stand on the flattened form, before ink is told from paper: what is too faint for that, or
what a reader takes for a sign, is seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.networks.second_reader import session
from digitocr.networks.shipped import shipped_part
from digitocr.records import Grey

CLASSES = ("paper", "filler", "digits", "struck")
"""What a place shows: paper; a lone cross, dash or slash; digits that are meant; ink that is struck, corrected or no
digit."""

PAPER, FILLER, DIGITS, STRUCK = range(len(CLASSES))
"""Their places."""

SIDE = 40
"""Of a picture of a place, in pixels."""

AT_ONCE = 256
"""Places looked at together."""

FILE = "answers.onnx"
"""File of the network, among the shipped models."""

FAINT_GAIN = 6.0
"""The second channel shows ink so many times darker, up to black: pale ink is as plain in it as strong ink is."""

See = Callable[[Sequence[Grey]], NDArray[np.float32]]
"""From pictures of places to the probability of each of `CLASSES`, of shape ``(N, 4)``."""


def as_input(places: Sequence[Grey]) -> NDArray[np.float32]:
    """Stack pictures of places: their darkness, and the same enhanced.

    Parameters
    ----------
    places : sequence of (40, 40) uint8 ndarray
        Evenly lit, paper at 255.

    Returns
    -------
    (N, 40, 40, 2) float32 ndarray
        In [0, 1].
    """
    dark = 1 - np.asarray(places, np.float32).reshape(-1, SIDE, SIDE) / np.float32(255)
    return np.stack([dark, np.minimum(dark * np.float32(FAINT_GAIN), np.float32(1))], axis=-1)


@dataclass(frozen=True, slots=True)
class AnswerNetwork:
    """The loaded network; safe to call from several threads."""

    _run: Any

    @classmethod
    def of(cls, network: bytes, threads: int = 0) -> AnswerNetwork:
        """Load an ONNX model; ``threads`` as for :func:`digitocr.networks.second_reader.session`."""
        return cls(session(network, threads))

    def see(self, places: Sequence[Grey]) -> NDArray[np.float32]:
        """Look at places; returns the probability of each of `CLASSES`, of shape ``(N, 4)``."""
        batches = (as_input(places[k : k + AT_ONCE]) for k in range(0, len(places), AT_ONCE))
        (entry,) = self._run.get_inputs()
        found = [self._run.run(None, {entry.name: batch})[0] for batch in batches]
        return np.concatenate([np.zeros((0, len(CLASSES)), np.float32), *found])


def see_with(places: Sequence[Grey], threads: int = 0) -> NDArray[np.float32]:
    """Look at places with the shipped network, which is loaded when the first form comes.

    Parameters
    ----------
    places : sequence of (40, 40) uint8 ndarray
    threads : int
        As for :func:`digitocr.networks.second_reader.session`.

    Returns
    -------
    (N, 4) float32 ndarray
        Probability of each of `CLASSES`.

    Raises
    ------
    ModelError
        If its file is missing or damaged.
    """
    return _shipped(threads).see(places)


@cache
def _shipped(threads: int) -> AnswerNetwork:
    return AnswerNetwork.of(shipped_part(FILE), threads)
