"""Numbers from scored candidates: the best path over the pieces of each line, with probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.sheet import Line
from digitocr.networks.classifier import SIGN
from digitocr.networks.second_reader import FRAME
from digitocr.recognition.ctc import BLANK, aligned
from digitocr.recognition.numbers import (
    DecodedLine,
    DecodedNumber,
    Segment,
    TextEvidence,
    legibility,
    split_runs,
    within_field,
)
from digitocr.recognition.page_line import PageLine
from digitocr.recognition.parameters import CandidateGeometry, Recognition
from digitocr.records import Box

Path = tuple[tuple[int, int], ...]
"""Candidates from left to right, each with its value: 0 to 9, or `SIGN`."""

FEATURES = 6
"""Number of features of a candidate's size and place, see :func:`geometry`."""


def geometry(line: Line, p: CandidateGeometry) -> NDArray[np.float32]:
    """Measure the size and place of each candidate in its line.

    Parameters
    ----------
    line : Line
    p : CandidateGeometry

    Returns
    -------
    (N, 6) float32 ndarray
        In heights of the line: height, width, how far the height is from 1, the offset of the candidate's middle from
        the line's middle, and the absolute value of that; last, the share of the candidate's box that is ink.
    """
    boxes = np.array(
        [[c.box.x, c.box.y, c.box.width, c.box.height] for c in line.candidates], dtype=np.float32
    )
    boxes = boxes.reshape(-1, 4)
    scale = max(line.height, 1.0)
    tall = np.array(
        [one.centre for one in line.pieces if one.height >= p.tall_heights * scale], dtype=np.float64
    )
    centre_x, centre_y = boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3] / 2
    if len(tall) >= p.min_tall_pieces and np.ptp(tall[:, 0]) > p.min_spread_heights * scale:
        x, y = tall.mean(axis=0)
        away = tall[:, 0] - x
        middle = y + (away @ tall[:, 1]) / (away @ away) * (centre_x - x)
    else:
        middle = np.full(len(boxes), tall[:, 1].mean() if len(tall) else line.box.centre[1])
    height, width = np.minimum(boxes[:, 2:4].T[::-1] / scale, p.max_size_heights)
    offset, largest = (centre_y - middle) / scale, p.max_offset_heights
    inked = np.cumsum(np.bincount(line.labels.ravel(), minlength=len(line.pieces) + 1))
    filled = np.array(
        [(inked[c.last] - inked[c.first]) / (c.window.width * c.window.height) for c in line.candidates],
        dtype=np.float32,
    )
    return np.stack(
        [
            height,
            width,
            np.abs(height - 1),
            np.clip(offset, -largest, largest),
            np.clip(np.abs(offset), 0, largest),
            filled,
        ],
        axis=1,
    ).astype(np.float32)


def with_features(
    log_probabilities: NDArray[np.float32], features: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Combine the digit network's scores with further features of the candidates, by a learned linear map.

    Parameters
    ----------
    log_probabilities : (N, 12) float32 ndarray
    features : (N, F) float32 ndarray
    weights : (12 + F + 1, 12) float64 ndarray
        One row per score and feature, and one for the constant.

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
    """Find the likeliest way to cut a line into digits and signs, for each of several sets of scores.

    A path uses every piece exactly once, as part of a digit or of a sign. Its weight is the product of the
    probabilities of its parts; a wrong cut is unlikely as either, so neither long nor short readings are favoured.
    A field holds no more digits than it has room for, and a cell no more than one.

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
    """Find the heaviest way from the first node to one of the last; a step weighs what its `taken_for` does."""
    best = [-math.inf] * nodes
    best[0] = 0.0
    via = [-1] * nodes
    # Lists of floats are faster than arrays here, because each step is small.
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


def path_of_text(line: Line, scores: NDArray[np.float64], text: str) -> Path:
    """Find the likeliest way to cut a line into the digits of a text and signs.

    Parameters
    ----------
    line : Line
    scores : (N, 12) float64 ndarray
        Log probabilities of the candidates.
    text : str
        Digits.

    Returns
    -------
    Path
        Empty where the line cannot be cut so.
    """
    steps, states, length = _steps(line), line.room + 1, len(text)
    wanted = [int(digit) for digit in text]
    of_text = scores[:, wanted].tolist()
    signs = scores[:, SIGN].tolist()
    never = -math.inf
    best = [[never] * (length + 1) for _ in range((len(line.pieces) + 1) * states)]
    via: list[list[tuple[int, bool]]] = [[(-1, False)] * (length + 1) for _ in best]
    best[0][0] = 0.0
    for at, (k, taken_for, begin, end) in enumerate(steps):
        source, target, ways = best[begin], best[end], via[end]
        for n in range(length + 1):
            if source[n] == never:
                continue
            if taken_for != _NO_DIGIT and n < length and source[n] + of_text[k][n] > target[n + 1]:
                target[n + 1], ways[n + 1] = source[n] + of_text[k][n], (at, True)
            if taken_for != _DIGIT and source[n] + signs[k] > target[n]:
                target[n], ways[n] = source[n] + signs[k], (at, False)
    end = max(range(len(best) - states, len(best)), key=lambda node: best[node][length])
    if best[end][length] == never:
        return ()
    way, n = [], length
    while (chosen := via[end][n])[0] >= 0:
        at, as_digit = chosen
        n -= as_digit
        way.append((steps[at].candidate, wanted[n] if as_digit else SIGN))
        end = steps[at].begin
    return tuple(reversed(way))


def decode(
    line: Line,
    scores: NDArray[np.float64],
    spans: NDArray[np.float32],
    path: Path,
    text: TextEvidence,
    p: Recognition,
) -> list[DecodedNumber]:
    """Read the numbers of a line along a path.

    Probabilities are posteriors over all paths, by the forward-backward algorithm [1]_.

    Parameters
    ----------
    line : Line
    scores : (N, 12) float64 ndarray
        Log probabilities of the candidates.
    spans : (N, 12) float32 ndarray
        The line reader's log probabilities of the stretch of each; of shape ``(N, 0)`` without a line reader.
    path : Path
    text : TextEvidence
        What speaks for its text.
    p : Recognition

    Returns
    -------
    list of DecodedNumber
        The numbers from left to right. A field always has one, without digits where all its ink is signs.

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
    decoded = DecodedLine(line, tuple(segments), own, posterior, sum(on_path), text, *legibility(line))
    if line.room:
        return [decoded.number(within_field(segments), posterior, sum(on_path), p)]
    readings = []
    for run in split_runs(segments, line.height, p.numbers):
        first, last = line.candidates[path[run[0]][0]], line.candidates[path[run[-1]][0]]
        inside = ways.around(first.first, last.last) + sum(own[i] for i in run)
        readings.append(decoded.number(run, min(0.0, inside), sum(on_path[i] for i in run), p))
    return readings


def placed(
    line: Line,
    text: str,
    frames: NDArray[np.float32],
    image: PageLine,
    evidence: TextEvidence,
    p: Recognition,
) -> DecodedNumber:
    """Place the digits of a text that no candidates make up, by the frames in which the second reader sees them.

    Parameters
    ----------
    line : Line
    text : str
        Digits, at least one.
    frames : (T, 11) float32 ndarray
        Of the second reader's own head.
    image : PageLine
        What was shown to it.
    evidence : TextEvidence
        What speaks for the text.
    p : Recognition

    Returns
    -------
    DecodedNumber
        A digit's box is around the ink in its columns, else its columns themselves.
    """
    segments = []
    for digit, (first, last) in zip(text, aligned(frames, text), strict=True):
        left, right = image.columns(first * FRAME, last * FRAME)
        by_frame = frames[first:last, :BLANK].max(axis=0) if last > first else frames[:, :BLANK].max(axis=0)
        value = int(digit)
        second = next(int(k) for k in np.argsort(by_frame)[::-1] if k != value)
        likely = float(by_frame[value])
        segments.append(
            Segment(value, likely, second, min(float(by_frame[second]), 1 - likely), _box(line, left, right))
        )
    unknown = p.confidence.no_digit_log_p
    logs = (unknown,) * len(segments)
    found = DecodedLine(line, tuple(segments), logs, unknown, unknown, evidence, *legibility(line))
    return found.number(range(len(segments)), unknown, unknown, p)


def _box(line: Line, left: float, right: float) -> Box:
    """Return the box of the ink within some columns of the sheet, else of the columns."""
    height, width = line.labels.shape
    # a column of the sheet leans on the line, whose slant was taken out: it is that of the middle row
    (across, lean, start), _ = line.to_sheet.tolist()
    left, right = ((column - start - lean * height / 2) / across for column in (left, right))
    first = min(max(0, round(left)), width - 1)
    last = max(first + 1, min(width, round(right)))
    ys, xs = np.nonzero(line.labels[:, first:last])
    x0, x1, y0, y1 = (
        (first, last, 0, height)
        if not len(ys)
        else (first + int(xs.min()), first + int(xs.max()) + 1, int(ys.min()), int(ys.max()) + 1)
    )
    corners = np.array([[x, y, 1] for x in (x0, x1) for y in (y0, y1)], dtype=np.float64) @ line.to_sheet.T
    (low_x, low_y), (high_x, high_y) = corners.min(axis=0), corners.max(axis=0)
    x, y = math.floor(low_x), math.floor(low_y)
    return Box(x, y, max(1, math.ceil(high_x) - x), max(1, math.ceil(high_y) - y))


_EITHER, _DIGIT, _NO_DIGIT = range(3)
"""What a candidate may be taken for."""


class _Step(NamedTuple):
    """A candidate taken for a digit or for a sign; where both lead to the same node, they are one step.

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
    """List all steps, in the order of their candidates.

    A node is a place between two pieces and, in a field, the room that is taken: the number of digits so far, or, in
    cells, the number of the last cell with a digit. A digit takes room, a sign does not.
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
        No step comes before one that leads to it.
    states : int
        Nodes between two pieces.
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
