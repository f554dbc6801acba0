"""Candidates and scores to numbers: the best path over the pieces of each line, with probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Box, Line, around

SIGN = 10
"""Class of a whole thing that is no digit: a dot, a dash, a letter, a cross, a speck."""

CUT = 11
"""Class of ink that is no whole thing: part of a digit, or parts of several."""

GAP = 2.0
"""Digits further apart than this, in heights of the line, are of different numbers."""

MARK_HEIGHT = 0.5
"""A sign lower than this, in heights of the line, is a mark within a number; a higher one ends it."""

Path = tuple[tuple[int, int], ...]
"""Candidates from left to right, each with what it is taken for: 0 to 9, or `SIGN`."""

ROOM = 0.5
"""A large sign that leaves less between the digits beside it, in heights of the line, may be ink of theirs."""

SURE_SIGN = 0.8
"""From this probability on a large sign is one even so."""

FEATURES = 6
"""Geometry features per candidate, see :func:`geometry`."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One step of the best path: a digit or a sign.

    Attributes
    ----------
    value : int
        0 to 9, or `SIGN`.
    probability : float
        Posterior of this ink being this digit (or sign), over all paths, in [0, 1].
    runner_up, runner_up_probability
        The second likeliest digit of the same ink.
    box : Box
        In sheet pixels.
    """

    value: int
    probability: float
    runner_up: int
    runner_up_probability: float
    box: Box


@dataclass(frozen=True, slots=True)
class Reading:
    """A number as decoded, in sheet pixels, before it is judged.

    Attributes
    ----------
    segments : tuple of Segment
        Digits only, from left to right.
    written : str
        The digits with the signs ``.,-/`` where they stand between them.
    box : Box
    log_posterior : float
        Logarithm of the probability of this cutting and these digits among all.
    log_scores : tuple of float
        The network's own log probability of each digit.
    log_line : float
        Logarithm of the probability of the whole line's path among all.
    log_fit : float
        Logarithm of the product of the network's probabilities along the whole line: how well the path explains it.
    log_agreement, log_line_agreement : float
        Logarithm of the line reader's probability of just this cutting and these digits, for the number and for the
        whole line; 0 without a line reader.
    log_text : float
        Logarithm of the probability of the whole line's text among those that were weighed.
    log_heard : float
        Logarithm of the line reader's probability of the whole line's text among all texts; 0 where it was not asked.
    height : float
        Height of the line in sheet pixels.
    clutter : float
        What is dark around the line's ink, patterns and lines that were cleaned away, as a share of that ink.
    unevenness : float
        Standard deviation of the darkness of the line's ink over its mean.
    """

    segments: tuple[Segment, ...]
    written: str
    box: Box
    log_posterior: float
    log_scores: tuple[float, ...]
    log_line: float
    log_fit: float
    log_agreement: float
    log_line_agreement: float
    log_text: float
    log_heard: float
    height: float
    clutter: float
    unevenness: float


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
    log_heard: float = 0.0,
) -> list[Reading]:
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
    log_heard : float
        Logarithm of the line reader's probability of its text among all texts.

    Returns
    -------
    list of Reading
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
    own = [float(scores[k, value]) for k, value in path]
    agreed = [float(spans[k, value]) if spans.size else 0.0 for k, value in path]
    whole = _Whole(
        min(0.0, sum(own) - ways.total), sum(own), sum(agreed), log_text, log_heard, *_legibility(line)
    )
    if line.room:
        of_field = _Run(whole.log_posterior, whole.log_agreement)
        return [_reading(line, segments, _between(segments), own, of_field, whole)]
    readings = []
    for run in _runs(segments, line.height):
        first, last = line.candidates[path[run[0]][0]], line.candidates[path[run[-1]][0]]
        inside = ways.around(first.first, last.last) + sum(own[i] for i in run)
        of_run = _Run(min(0.0, inside), sum(agreed[i] for i in run))
        readings.append(_reading(line, segments, run, own, of_run, whole))
    return readings


def _between(segments: list[Segment]) -> list[int]:
    """Return the segments of a field from its first digit to its last."""
    digits = [i for i, segment in enumerate(segments) if segment.value != SIGN]
    return list(range(digits[0], digits[-1] + 1)) if digits else []


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


@dataclass(frozen=True, slots=True)
class _Whole:
    """What holds for the path of a line as a whole."""

    log_posterior: float
    log_fit: float
    log_agreement: float
    log_text: float
    log_heard: float
    clutter: float
    unevenness: float


@dataclass(frozen=True, slots=True)
class _Run:
    """What holds for one number of it."""

    log_posterior: float
    log_agreement: float


def _log_add(a: float, b: float) -> float:
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))


def _runs(segments: list[Segment], height: float) -> list[list[int]]:
    """Split the path into numbers, at wide gaps and at signs that part; signs at either end of one are left off."""
    runs: list[list[int]] = []
    current: list[int] = []
    right = 0
    for i, segment in enumerate(segments):
        wide = bool(current) and segment.box.x - right > GAP * height
        parts = _is_large(segment, height) and not _is_between(segments, i, right, height)
        if wide or parts:
            runs.append(current)
            current = []
        if not parts and (segment.value != SIGN or current):
            current.append(i)
            right = segment.box.right
    runs.append(current)
    trimmed = []
    for run in runs:
        while run and segments[run[-1]].value == SIGN:
            run = run[:-1]
        if run:
            trimmed.append(run)
    return trimmed


def _is_between(segments: list[Segment], at: int, right: int, height: float) -> bool:
    """Whether a doubtful large sign stands so close between two digits, the first of which ends at `right`."""
    after = next((s.box.x for s in segments[at + 1 :] if s.value != SIGN), None)
    close = after is not None and after - right < ROOM * height
    return close and segments[at].probability < SURE_SIGN


def _reading(
    line: Line, segments: list[Segment], run: list[int], own: list[float], of_run: _Run, whole: _Whole
) -> Reading:
    parts = [segments[i] for i in run]
    digits = tuple(s for s in parts if s.value != SIGN)
    box = around([s.box for s in digits]) if digits else line.box
    return Reading(
        digits,
        "".join(
            str(s.value) if s.value != SIGN else _mark(s, line)
            for s in parts
            if not _is_large(s, line.height)
        ),
        box,
        of_run.log_posterior,
        tuple(own[i] for i in run if segments[i].value != SIGN),
        whole.log_posterior,
        whole.log_fit,
        of_run.log_agreement,
        whole.log_agreement,
        whole.log_text,
        whole.log_heard,
        line.height,
        whole.clutter,
        whole.unevenness,
    )


def _legibility(line: Line) -> tuple[float, float]:
    """Clutter around a line's ink, and unevenness of the ink, see :class:`Reading`."""
    own = (line.labels > 0).astype(np.uint8)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(line.dark, mask=own))
    ink = max(mean * cv2.countNonZero(own), 1.0)
    return max(cv2.sumElems(line.dark)[0] / ink - 1, 0.0), deviation / max(mean, 1.0)


def _is_large(segment: Segment, height: float) -> bool:
    """Whether it is a sign too large to be a mark within a number."""
    return segment.value == SIGN and segment.box.height > MARK_HEIGHT * height


def _mark(segment: Segment, line: Line) -> str:
    """Name a small sign by its shape and place."""
    box = segment.box
    if box.width > 1.8 * box.height:
        return "-"
    if box.height > 1.8 * box.width and box.height > 0.35 * line.height:
        return "/" if box.width > 0.25 * box.height else ","
    return "," if box.height > 1.4 * box.width else "."
