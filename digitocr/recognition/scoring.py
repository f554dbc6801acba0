"""Candidates of many lines to scores: whole components in a first batch, what they leave open in a second."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitocr.networks import classifier
from digitocr.networks.card import ModelCard
from digitocr.recognition import decode, nbest, normalize
from digitocr.recognition.ctc import BLANK, SPANS, log_spans, log_text
from digitocr.recognition.line_image import strip
from digitocr.recognition.numbers import MARK_HEIGHT, DecodedNumber
from digitocr.records import Candidate, Grey, Line

SURE = math.log(0.99)
"""A component of ink that is this surely a digit is not looked at in parts, nor with its neighbours."""

SETTLED_HEIGHT, SETTLED_WIDTH = 0.5, 1.1
"""Least height and greatest width of such a component, in heights of its line."""

SILENT = math.log(0.1)
"""Where the line reader finds it less likely than this that a line holds nothing, it hears digits."""

FEATURES = decode.FEATURES + SPANS
"""Of a candidate, besides the network's scores, where there is a line reader."""

LogProbabilities = Callable[[list[Grey]], NDArray[np.float32]]
"""From pictures in MNIST format to log probabilities of shape ``(N, C)``."""


Frames = Callable[[list[NDArray[np.uint8]]], list[NDArray[np.float32]]]
"""The line reader: from strips to probabilities of shape ``(T, 11)`` each."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A line with those of its candidates that are worth a look, and what the networks say of them.

    Attributes
    ----------
    line : Line
    logs : (N, C) float32 ndarray
        Log probabilities, one row per candidate of the line.
    spans : (N, 12) float32 ndarray
        What the line reader says of the stretch that each candidate takes, see :mod:`digitocr.recognition.ctc`; of
        shape ``(N, 0)`` where it was not asked.
    frames : (T, 11) float32 ndarray
        What it says frame by frame; of shape ``(0, 11)`` where it was not asked.
    """

    line: Line
    logs: NDArray[np.float32]
    spans: NDArray[np.float32]
    frames: NDArray[np.float32]


def score(
    lines: Sequence[Line], log_probabilities: LogProbabilities, frames: Frames | None = None
) -> list[Scored]:
    """Classify the candidates of many lines, and leave out those that overlap a component that surely is a digit.

    Parameters
    ----------
    lines : sequence of Line
    log_probabilities : callable
    frames : callable, optional
        The line reader.

    Returns
    -------
    list of Scored
        One per line.
    """
    whole = [np.array([_may_settle(c, line) for c in line.candidates], dtype=np.bool_) for line in lines]
    first = _classified(lines, whole, log_probabilities)
    settled = [_settled(*of_line) for of_line in zip(lines, whole, first, strict=True)]
    kept = [_kept(*of_line) for of_line in zip(lines, settled, strict=True)]
    rest = [keep & ~seen for keep, seen in zip(kept, whole, strict=True)]
    second = _classified(lines, rest, log_probabilities)
    merged = [
        _merged(line, keep, (seen, one), (others, two))
        for line, keep, seen, one, others, two in zip(lines, kept, whole, first, rest, second, strict=True)
    ]
    return merged if frames is None else with_spans(merged, frames)


def score_all(
    lines: Sequence[Line], log_probabilities: LogProbabilities, frames: Frames | None = None
) -> list[Scored]:
    """Classify all candidates of many lines; see :func:`score`."""
    everything = [np.ones(len(line.candidates), dtype=np.bool_) for line in lines]
    merged = [
        _unheard(line, logs)
        for line, logs in zip(lines, _classified(lines, everything, log_probabilities), strict=True)
    ]
    return merged if frames is None else with_spans(merged, frames)


def with_spans(scored: list[Scored], frames: Frames) -> list[Scored]:
    """Add what the line reader says of lines whose candidates are classified."""
    strips = [strip(one.line) for one in scored]
    heard = frames([made.picture for made in strips])
    return [
        replace(one, spans=log_spans(probabilities, made.bounds[_ends(one.line)]), frames=probabilities)
        for one, made, probabilities in zip(scored, strips, heard, strict=True)
    ]


def _ends(line: Line) -> NDArray[np.int64]:
    """First piece of each candidate and the one after its last, of shape ``(N, 2)``."""
    return np.array([(c.first, c.last) for c in line.candidates], dtype=np.int64).reshape(-1, 2)


def scores(scored: Scored, card: ModelCard) -> NDArray[np.float64]:
    """Weigh the network's scores, size and place of each candidate, and what the line reader says.

    Returns
    -------
    (N, 12) float64 ndarray
        Log probabilities.
    """
    missing = -math.inf if len(card.classes) <= classifier.CUT else 0.0
    own = np.full((len(scored.logs), classifier.CUT + 1), missing, dtype=np.float32)
    own[:, : scored.logs.shape[1]] = scored.logs
    if scored.line.cells and scored.spans.shape[1] and card.cell_weights:
        return decode.with_features(own, cell_features(scored), np.array(card.cell_weights, dtype=np.float64))
    weights = np.array(card.line_weights if scored.spans.shape[1] else card.geometry, dtype=np.float64)
    if not len(weights):
        return np.maximum(own, -20.0).astype(np.float64)
    return decode.with_features(own, features(scored), weights)


def features(scored: Scored) -> NDArray[np.float32]:
    """Return what is known of each candidate besides the network's scores."""
    return np.hstack([decode.geometry(scored.line), scored.spans])


def cell_features(scored: Scored) -> NDArray[np.float32]:
    """Return what is known of each candidate in a cell: what is known of any, and its share of the cell's ink."""
    return np.hstack([features(scored), shares_of_cells(scored.line).astype(np.float32)[:, None]])


def shares_of_cells(line: Line) -> NDArray[np.float64]:
    """Share of the ink of its cell that each candidate of a line in cells has, in [0, 1]; of shape ``(N,)``."""
    area = np.bincount(line.labels.ravel(), minlength=len(line.pieces) + 1)[1:]
    whole = np.bincount(line.cells, weights=area)
    own = np.concatenate([[0], np.cumsum(area)])
    shares = [(own[c.last] - own[c.first]) / whole[line.cells[c.first]] for c in line.candidates]
    return np.array(shares, dtype=np.float64)


def decoded(scored: Scored, card: ModelCard) -> list[DecodedNumber]:
    """Decode a scored line into its numbers."""
    weighed = scores(scored, card)
    (path,) = decode.best_paths(scored.line, weighed[None])
    if not (card.text_weights and _may_be_mended(scored, path)):
        (heard,) = log_text(scored.frames, [nbest.text_of(path)]) if len(scored.frames) else (0.0,)
        return decode.decode(scored.line, weighed, scored.spans, path, log_p_ctc=heard)
    proposed = nbest.proposals(scored.line, weighed, scored.spans, scored.frames)
    chosen, log_chosen = nbest.likeliest(proposed, card.text_weights)
    return decode.decode(scored.line, weighed, scored.spans, chosen.path, log_chosen, chosen.log_heard)


def _may_be_mended(scored: Scored, path: decode.Path) -> bool:
    """Whether other texts are worth proposing for a line.

    Not where the line reader was not asked; not for cells, each of which is cut by itself; and not where more is
    signs than digits: in print some text of digits can always be found, and only on a sheet with no other line the
    line reader is believed that there are some.
    """
    line = scored.line
    if line.cells or not len(scored.frames):
        return False
    low = MARK_HEIGHT * line.height
    signs = sum(v == classifier.SIGN and line.candidates[k].box.height > low for k, v in path)
    if signs <= sum(v != classifier.SIGN for _, v in path):
        return True
    return line.is_alone and log_text(scored.frames, [""])[0] < SILENT


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


def _settled(line: Line, whole: NDArray[np.bool_], logs: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Choose of the whole components those that surely are digits."""
    settled = np.zeros(len(line.candidates), dtype=np.bool_)
    settled[whole] = logs[:, :10].max(axis=1, initial=-math.inf) >= SURE
    return settled


def _kept(line: Line, settled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Choose the candidates that share no piece with a settled one, and the settled themselves."""
    ends = _ends(line)
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
    return _unheard(replace(line, candidates=candidates), logs[keep])


def _unheard(line: Line, logs: NDArray[np.float32]) -> Scored:
    return Scored(line, logs, np.zeros((len(logs), 0), np.float32), np.zeros((0, BLANK + 1), np.float32))
