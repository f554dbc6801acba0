"""Candidates of many lines to scores: whole components in a first batch, what they leave open in a second."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitocr import decode, normalize
from digitocr.records import Candidate, Grey, Line, ModelCard

SURE = math.log(0.99)
"""A component of ink that is this surely a digit is not looked at in parts, nor with its neighbours."""

SETTLED_HEIGHT, SETTLED_WIDTH = 0.5, 1.1
"""Least height and greatest width of such a component, in heights of its line."""

LogProbabilities = Callable[[list[Grey]], NDArray[np.float32]]
"""From pictures in MNIST format to log probabilities of shape ``(N, C)``."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A line with those of its candidates that are worth a look, and what the network says of them.

    Attributes
    ----------
    line : Line
    logs : (N, C) float32 ndarray
        Log probabilities, one row per candidate of the line.
    """

    line: Line
    logs: NDArray[np.float32]


def score(lines: Sequence[Line], log_probabilities: LogProbabilities) -> list[Scored]:
    """Classify the candidates of many lines, and leave out those that overlap a component that surely is a digit.

    Parameters
    ----------
    lines : sequence of Line
    log_probabilities : callable

    Returns
    -------
    list of Scored
        One per line.
    """
    whole = [np.array([_may_settle(c, line) for c in line.candidates], dtype=np.bool_) for line in lines]
    first = _classified(lines, whole, log_probabilities)
    kept = [_kept(*of_line) for of_line in zip(lines, whole, first, strict=True)]
    rest = [keep & ~seen for keep, seen in zip(kept, whole, strict=True)]
    second = _classified(lines, rest, log_probabilities)
    return [
        _merged(line, keep, (seen, one), (others, two))
        for line, keep, seen, one, others, two in zip(lines, kept, whole, first, rest, second, strict=True)
    ]


def scores(scored: Scored, card: ModelCard) -> NDArray[np.float64]:
    """Add what size and place of each candidate say to the network's scores.

    Returns
    -------
    (N, 12) float64 ndarray
        Log probabilities.
    """
    missing = -math.inf if len(card.classes) <= decode.CUT else 0.0
    own = np.full((len(scored.logs), decode.CUT + 1), missing, dtype=np.float32)
    own[:, : scored.logs.shape[1]] = scored.logs
    if not card.geometry:
        return np.maximum(own, -20.0).astype(np.float64)
    weights = np.array(card.geometry, dtype=np.float64)
    return decode.with_geometry(own, decode.geometry(scored.line), weights)


def decoded(scored: Scored, card: ModelCard) -> list[decode.Reading]:
    """Decode a scored line into its numbers."""
    return decode.decode(scored.line, scores(scored, card))


def _may_settle(candidate: Candidate, line: Line) -> bool:
    """Whether a candidate is all of one component, and has the size of one digit."""
    low, high = SETTLED_HEIGHT * line.height, SETTLED_WIDTH * line.height
    return candidate.is_whole and candidate.box.height >= low and candidate.box.width <= high


def _classified(
    lines: Sequence[Line], chosen: Sequence[NDArray[np.bool_]], log_probabilities: LogProbabilities
) -> list[NDArray[np.float32]]:
    """Classify the chosen candidates of all lines in one batch."""
    images = [
        normalize.to_mnist(line.ink(line.candidates[k]))
        for line, some in zip(lines, chosen, strict=True)
        for k in np.flatnonzero(some).tolist()
    ]
    ends = np.cumsum([np.count_nonzero(some) for some in chosen], dtype=np.intp)
    return np.split(log_probabilities(images), ends)[:-1]


def _kept(line: Line, whole: NDArray[np.bool_], logs: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Choose the candidates that share no piece with a settled one, and the settled themselves."""
    settled = np.zeros(len(line.candidates), dtype=np.bool_)
    settled[whole] = logs[:, :10].max(axis=1, initial=-math.inf) >= SURE
    ends = np.array([(c.first, c.last) for c in line.candidates], dtype=np.intp).reshape(-1, 2)
    taken = np.zeros(len(line.pieces) + 1, dtype=np.intp)
    for first, last in ends[settled]:
        taken[first + 1 : last + 1] = 1
    before = np.cumsum(taken)
    return np.asarray(settled | (before[ends[:, 0]] == before[ends[:, 1]]), dtype=np.bool_)


def _merged(
    line: Line, keep: NDArray[np.bool_], *parts: tuple[NDArray[np.bool_], NDArray[np.float32]]
) -> Scored:
    logs = np.zeros((len(keep), parts[0][1].shape[1]), dtype=np.float32)
    for chosen, part in parts:
        logs[chosen] = part
    candidates = tuple(c for c, stays in zip(line.candidates, keep.tolist(), strict=True) if stays)
    return Scored(replace(line, candidates=candidates), logs[keep])
