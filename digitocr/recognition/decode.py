"""Candidates and scores to numbers: the best path over the pieces of each line, with probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitocr.networks.classifier import SIGN
from digitocr.recognition.numbers import (
    DecodedLine,
    DecodedNumber,
    Segment,
    legibility,
    split_runs,
    within_field,
)
from digitocr.records import Line

Path = tuple[tuple[int, int], ...]
"""Candidates from left to right, each with what it is taken for: 0 to 9, or `SIGN`."""


FEATURES = 6
"""Geometry features per candidate, see :func:`geometry`."""


def geometry(line: Line) -> NDArray[np.float32]:
    """Size and place of each candidate in its line.

    Returns
    -------
    (N, 6) float32 ndarray
        Height, width, their squares' pull (clipped at 3), offset of the middle from the line's middle, all in
        heights of the line, and the share of the candidate's box that is ink.
    """
    boxes = np.array(
        [[c.box.x, c.box.y, c.box.width, c.box.height] for c in line.candidates], dtype=np.float32
    )
    boxes = boxes.reshape(-1, 4)
    scale = max(line.height, 1.0)
    tall = np.array([p.centre for p in line.pieces if p.height >= 0.5 * scale], dtype=np.float64)
    centre_x, centre_y = boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3] / 2
    if len(tall) >= 3 and np.ptp(tall[:, 0]) > 2 * scale:
        x, y = tall.mean(axis=0)
        away = tall[:, 0] - x
        middle = y + (away @ tall[:, 1]) / (away @ away) * (centre_x - x)
    else:
        middle = np.full(len(boxes), tall[:, 1].mean() if len(tall) else line.box.centre[1])
    height, width = boxes[:, 3] / scale, boxes[:, 2] / scale
    inked = np.cumsum(np.bincount(line.labels.ravel(), minlength=len(line.pieces) + 1))
    filled = np.array(
        [(inked[c.last] - inked[c.first]) / (c.window.width * c.window.height) for c in line.candidates],
        dtype=np.float32,
    )
    return np.stack(
        [
            np.minimum(height, 3),
            np.minimum(width, 3),
            np.abs(np.minimum(height, 3) - 1),
            np.clip((centre_y - middle) / scale, -2, 2),
            np.clip(np.abs(centre_y - middle) / scale, 0, 2),
            filled,
        ],
        axis=1,
    ).astype(np.float32)


def with_features(
    log_probabilities: NDArray[np.float32], features: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Add what else is known of candidates to the network's scores, by a learned linear map.

    Parameters
    ----------
    log_probabilities : (N, 12) float32 ndarray
    features : (N, F) float32 ndarray
    weights : (12 + F + 1, 12) float64 ndarray
        Rows for the twelve scores, the features and a constant.

    Returns
    -------
    (N, 12) float64 ndarray
        Log probabilities.
    """
    inputs = np.hstack([log_probabilities, features, np.ones((len(features), 1))])
    scores = inputs @ weights
    scores -= scores.max(axis=1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))


def best_paths(line: Line, scores: NDArray[np.float64]) -> list[Path]:
    """Find the likeliest way to cut a line into digits and signs, by each of several scores.

    A path takes every piece exactly once, as part of a digit or of a sign. Its weight is the product of the
    probabilities of its parts; a wrong cut is unlikely as either, so neither long nor short readings are favoured.
    In a field no more digits are read than it has room for, and in each cell one at most.

    Parameters
    ----------
    line : Line
    scores : (H, N, 12) float64 ndarray
        Log probabilities of the candidates.

    Returns
    -------
    list of Path
        One for each of the H.
    """
    digits = scores[:, :, :10].argmax(axis=2).tolist()
    of_digit, of_sign = scores[:, :, :10].max(axis=2), scores[:, :, SIGN]
    as_digit = (of_digit >= of_sign).tolist()
    weights = np.stack([np.maximum(of_digit, of_sign), of_digit, of_sign], axis=1).tolist()
    steps, states = _steps(line), line.room + 1
    nodes = (len(line.pieces) + 1) * states
    return [
        tuple(
            (k, values[k] if taken_for == _DIGIT or (taken_for == _EITHER and rather[k]) else SIGN)
            for k, taken_for, _, _ in _best_steps(steps, of_steps, nodes, states)
        )
        for values, rather, of_steps in zip(digits, as_digit, weights, strict=True)
    ]


def _best_steps(
    steps: Sequence[_Step], weights: Sequence[Sequence[float]], nodes: int, states: int
) -> list[_Step]:
    """Find the heaviest way from the first node to one of the last, weights by what a step takes a candidate for."""
    best = [-math.inf] * nodes
    best[0] = 0.0
    via = [-1] * nodes
    # Lists of floats: faster than arrays, for each step is small.
    for at, (k, taken_for, begin, end) in enumerate(steps):
        reached = best[begin] + weights[taken_for][k]
        if reached > best[end]:
            best[end], via[end] = reached, at
    end = max(range(nodes - states, nodes), key=best.__getitem__)
    way = []
    while (at := via[end]) >= 0:
        way.append(steps[at])
        end = steps[at].begin
    return way[::-1]


def decode(
    line: Line,
    scores: NDArray[np.float64],
    spans: NDArray[np.float32],
    path: Path,
    log_text: float = 0.0,
    log_p_ctc: float = 0.0,
) -> list[DecodedNumber]:
    """Read the numbers of a line along a path.

    Probabilities are posteriors over all paths, by the forward-backward algorithm [1]_.

    Parameters
    ----------
    line : Line
    scores : (N, 12) float64 ndarray
        Log probabilities of the candidates.
    spans : (N, 12) float32 ndarray
        What the line reader says of the stretch of each; of shape ``(N, 0)`` where there is none.
    path : Path
    log_text : float
        Logarithm of the probability of its text among those that were weighed.
    log_p_ctc : float
        Logarithm of the line reader's probability of its text among all texts.

    Returns
    -------
    list of DecodedNumber
        The numbers from left to right; empty where there is none. Of a field the one reading, which has no digits
        where all its ink is signs.

    References
    ----------
    .. [1] L. Rabiner, "A tutorial on hidden Markov models", Proc. IEEE 77, 1989.
    """
    ways = _Ways.over(line, scores)
    segments = []
    for k, value in path:
        second = next(int(digit) for digit in np.argsort(scores[k, :10])[::-1] if digit != value)
        around_digit = ways.around_all(k, as_digit=True)
        around_it = around_digit if value != SIGN else ways.around_all(k, as_digit=False)
        segments.append(
            Segment(
                value,
                min(1.0, math.exp(around_it + float(scores[k, value]))),
                second,
                min(1.0, math.exp(around_digit + float(scores[k, second]))),
                line.candidates[k].box,
            )
        )
    own = tuple(float(scores[k, value]) for k, value in path)
    on_path = tuple(float(spans[k, value]) if spans.size else 0.0 for k, value in path)
    posterior = min(0.0, sum(own) - ways.total)
    decoded = DecodedLine(
        line, tuple(segments), own, posterior, sum(on_path), log_text, log_p_ctc, *legibility(line)
    )
    if line.room:
        return [decoded.number(within_field(segments), posterior, sum(on_path))]
    readings = []
    for run in split_runs(segments, line.height):
        first, last = line.candidates[path[run[0]][0]], line.candidates[path[run[-1]][0]]
        inside = ways.around(first.first, last.last) + sum(own[i] for i in run)
        readings.append(decoded.number(run, min(0.0, inside), sum(on_path[i] for i in run)))
    return readings


_EITHER, _DIGIT, _NO_DIGIT = range(3)
"""What a step takes a candidate for."""


class _Step(NamedTuple):
    """Taking a candidate for a digit or for a sign; where both lead to the same node they are one step.

    Attributes
    ----------
    candidate : int
    taken_for : int
        `_EITHER`, `_DIGIT` or `_NO_DIGIT`.
    begin, end : int
        Nodes.
    """

    candidate: int
    taken_for: int
    begin: int
    end: int


def _steps(line: Line) -> list[_Step]:
    """Lay out all steps, in the order of their candidates.

    A node is a place between two pieces and, in a field, how much of its room is taken: the digits so far, or in
    cells the last cell with a digit. A digit takes room, a sign does not.
    """
    if not line.room:
        return [_Step(k, _EITHER, c.first, c.last) for k, c in enumerate(line.candidates)]
    steps = []
    states = line.room + 1
    for k, c in enumerate(line.candidates):
        for state in range(states):
            begin, end = c.first * states + state, c.last * states
            taken = line.cells[c.first] + 1 if line.cells else state + 1
            if state < taken < states:
                steps.append(_Step(k, _DIGIT, begin, end + taken))
            steps.append(_Step(k, _NO_DIGIT, begin, end + state))
    return steps


@dataclass(frozen=True, slots=True)
class _Ways:
    """All ways through the steps, by the forward-backward algorithm.

    Attributes
    ----------
    steps : list of _Step
        In an order in which none comes before one that leads to it.
    states : int
        How many nodes there are between two pieces.
    forward, backward : list of float
        Log probability of all ways from the first node to each, and from each to the end.
    total : float
        Of all ways.
    """

    steps: list[_Step]
    states: int
    forward: list[float]
    backward: list[float]
    total: float

    @classmethod
    def over(cls, line: Line, scores: NDArray[np.float64]) -> _Ways:
        """Weigh all ways from the first node to any at the last place."""
        digit, sign = np.logaddexp.reduce(scores[:, :10], axis=1), scores[:, SIGN]
        weights = [one.tolist() for one in (np.logaddexp(digit, sign), digit, sign)]
        steps, states = _steps(line), line.room + 1
        nodes = (len(line.pieces) + 1) * states
        forward = [0.0] + [-math.inf] * (nodes - 1)
        for k, taken_for, begin, end in steps:
            forward[end] = _log_add(forward[end], forward[begin] + weights[taken_for][k])
        backward = [-math.inf] * (nodes - states) + [0.0] * states
        for k, taken_for, begin, end in reversed(steps):
            backward[begin] = _log_add(backward[begin], backward[end] + weights[taken_for][k])
        return cls(steps, states, forward, backward, backward[0])

    def around(self, begin: int, end: int) -> float:
        """Log probability of all ways through two nodes, less what lies between them."""
        return self.forward[begin] + self.backward[end] - self.total

    def around_all(self, candidate: int, *, as_digit: bool) -> float:
        """Log probability of all ways that take a candidate as a digit, or as a sign, less its own."""
        if self.states == 1:
            step = self.steps[candidate]
            return self.around(step.begin, step.end)
        wanted = _DIGIT if as_digit else _NO_DIGIT
        same = (s for s in self.steps if s.candidate == candidate and s.taken_for == wanted)
        return float(np.logaddexp.reduce([self.around(s.begin, s.end) for s in same], initial=-math.inf))


def _log_add(a: float, b: float) -> float:
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))
