"""Scores of the candidates of many lines: whole components in a first batch, what they leave open in a second."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.sheet import Candidate, Line
from digitocr.networks import classifier
from digitocr.networks.card import ModelCard
from digitocr.recognition import decode, normalize
from digitocr.recognition.ctc import BLANK, SPANS, log_spans
from digitocr.recognition.line_image import LineImage
from digitocr.recognition.parameters import CandidateGeometry, Recognition, Scoring
from digitocr.records import Grey

FEATURES = decode.FEATURES + SPANS
"""Number of features of a candidate besides the digit network's scores, where there is a line reader."""

LogProbabilities = Callable[[list[Grey]], NDArray[np.float32]]
"""The digit network: from pictures in MNIST format to log probabilities of shape ``(N, C)``."""

ReadFrames = Callable[[list[NDArray[np.uint8]]], list[NDArray[np.float32]]]
"""The line reader: from line images to probabilities of shape ``(T, 11)`` each."""


@dataclass(frozen=True, slots=True)
class ScoredLine:
    """A line with the candidates that were classified, and both networks' scores of them.

    Attributes
    ----------
    line : Line
    logs : (N, C) float32 ndarray
        Log probabilities, one row per candidate of the line.
    spans : (N, 12) float32 ndarray
        The line reader's log probabilities of the stretch that each candidate takes, see
        :mod:`digitocr.recognition.ctc`; of shape ``(N, 0)`` without a line reader.
    frames : (T, 11) float32 ndarray
        Its probabilities frame by frame; of shape ``(0, 11)`` without a line reader.
    """

    line: Line
    logs: NDArray[np.float32]
    spans: NDArray[np.float32]
    frames: NDArray[np.float32]


def score_candidates(
    lines: Sequence[Line], log_probabilities: LogProbabilities, read_frames: ReadFrames | None, p: Recognition
) -> list[ScoredLine]:
    """Classify the candidates of many lines, but none that overlaps a component that is a digit beyond doubt.

    Parameters
    ----------
    lines : sequence of Line
    log_probabilities : callable
        The digit network.
    read_frames : callable or None
        The line reader.
    p : Recognition

    Returns
    -------
    list of ScoredLine
        One per line.
    """
    whole = [
        np.array([_may_settle(c, line, p.scoring) for c in line.candidates], dtype=np.bool_) for line in lines
    ]
    first = _classified(lines, whole, log_probabilities)
    settled = [_settled(*of_line, p.scoring) for of_line in zip(lines, whole, first, strict=True)]
    kept = [_kept(*of_line) for of_line in zip(lines, settled, strict=True)]
    rest = [keep & ~seen for keep, seen in zip(kept, whole, strict=True)]
    second = _classified(lines, rest, log_probabilities)
    merged = [
        _merged(line, keep, (seen, one), (others, two))
        for line, keep, seen, one, others, two in zip(lines, kept, whole, first, rest, second, strict=True)
    ]
    return merged if read_frames is None else with_spans(merged, read_frames, p)


def score_all(
    lines: Sequence[Line], log_probabilities: LogProbabilities, read_frames: ReadFrames | None, p: Recognition
) -> list[ScoredLine]:
    """Classify all candidates of many lines.

    Parameters
    ----------
    lines : sequence of Line
    log_probabilities : callable
        The digit network.
    read_frames : callable or None
        The line reader.
    p : Recognition

    Returns
    -------
    list of ScoredLine
        One per line.
    """
    everything = [np.ones(len(line.candidates), dtype=np.bool_) for line in lines]
    merged = [
        _without_spans(line, logs)
        for line, logs in zip(lines, _classified(lines, everything, log_probabilities), strict=True)
    ]
    return merged if read_frames is None else with_spans(merged, read_frames, p)


def with_spans(scored: Sequence[ScoredLine], read_frames: ReadFrames, p: Recognition) -> list[ScoredLine]:
    """Add the line reader's scores to lines whose candidates are classified.

    Parameters
    ----------
    scored : sequence of ScoredLine
    read_frames : callable
        The line reader.
    p : Recognition

    Returns
    -------
    list of ScoredLine
    """
    images = [LineImage.of(one.line, p.line_images) for one in scored]
    return [
        replace(one, spans=log_spans(frames, image.bounds[_ends(one.line)], p.ctc), frames=frames)
        for one, image, frames in zip(
            scored, images, read_frames([image.picture for image in images]), strict=True
        )
    ]


def _ends(line: Line) -> NDArray[np.int64]:
    """First piece of each candidate and the one after its last, of shape ``(N, 2)``."""
    return np.array([(c.first, c.last) for c in line.candidates], dtype=np.int64).reshape(-1, 2)


def combine(scored: ScoredLine, card: ModelCard, p: Recognition) -> NDArray[np.float64]:
    """Combine the digit network's scores, the line reader's, and size and place of each candidate.

    Parameters
    ----------
    scored : ScoredLine
    card : ModelCard
        With the weights.
    p : Recognition

    Returns
    -------
    (N, 12) float64 ndarray
        Log probabilities.
    """
    missing = -math.inf if len(card.classes) <= classifier.CUT else 0.0
    own = np.full((len(scored.logs), classifier.CUT + 1), missing, dtype=np.float32)
    own[:, : scored.logs.shape[1]] = scored.logs
    if scored.line.cells and scored.spans.shape[1] and card.cell_weights:
        in_cells = cell_features(scored, p.candidate_geometry)
        return decode.with_features(own, in_cells, np.array(card.cell_weights, dtype=np.float64))
    weights = np.array(card.line_weights if scored.spans.shape[1] else card.geometry, dtype=np.float64)
    if not len(weights):
        return np.maximum(own, p.scoring.min_log_p).astype(np.float64)
    return decode.with_features(own, features(scored, p.candidate_geometry), weights)


def features(scored: ScoredLine, p: CandidateGeometry) -> NDArray[np.float32]:
    """Return the features of each candidate besides the digit network's scores.

    Parameters
    ----------
    scored : ScoredLine
    p : CandidateGeometry

    Returns
    -------
    (N, F) float32 ndarray
        Size and place, then the line reader's scores, if there are any.
    """
    return np.hstack([decode.geometry(scored.line, p), scored.spans])


def cell_features(scored: ScoredLine, p: CandidateGeometry) -> NDArray[np.float32]:
    """Return the features of each candidate in a cell: as :func:`features`, and its share of the cell's ink.

    Parameters
    ----------
    scored : ScoredLine
    p : CandidateGeometry

    Returns
    -------
    (N, F + 1) float32 ndarray
    """
    return np.hstack([features(scored, p), shares_of_cells(scored.line).astype(np.float32)[:, None]])


def shares_of_cells(line: Line) -> NDArray[np.float64]:
    """Return the share of the ink of its cell that each candidate has.

    Parameters
    ----------
    line : Line
        In cells.

    Returns
    -------
    (N,) float64 ndarray
        In [0, 1].
    """
    area = np.bincount(line.labels.ravel(), minlength=len(line.pieces) + 1)[1:]
    whole = np.bincount(line.cells, weights=area)
    own = np.concatenate([[0], np.cumsum(area)])
    shares = [(own[c.last] - own[c.first]) / whole[line.cells[c.first]] for c in line.candidates]
    return np.array(shares, dtype=np.float64)


def _may_settle(candidate: Candidate, line: Line, p: Scoring) -> bool:
    """Whether a candidate is the whole of a component and has the size of a digit."""
    low, high = p.min_settled_heights * line.height, p.max_settled_width_heights * line.height
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


def _settled(
    line: Line, whole: NDArray[np.bool_], logs: NDArray[np.float32], p: Scoring
) -> NDArray[np.bool_]:
    """Choose the whole components that are digits beyond doubt."""
    settled = np.zeros(len(line.candidates), dtype=np.bool_)
    settled[whole] = logs[:, :10].max(axis=1, initial=-math.inf) >= p.min_settled_log_p
    return settled


def _kept(line: Line, settled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Choose the settled candidates, and those that share no piece with one."""
    ends = _ends(line)
    taken = np.zeros(len(line.pieces) + 1, dtype=np.intp)
    for first, last in ends[settled]:
        taken[first + 1 : last + 1] = 1
    before = np.cumsum(taken)
    return np.asarray(settled | (before[ends[:, 0]] == before[ends[:, 1]]), dtype=np.bool_)


def _merged(
    line: Line, keep: NDArray[np.bool_], *parts: tuple[NDArray[np.bool_], NDArray[np.float32]]
) -> ScoredLine:
    logs = np.zeros((len(keep), parts[0][1].shape[1]), dtype=np.float32)
    for chosen, part in parts:
        logs[chosen] = part
    candidates = tuple(c for c, stays in zip(line.candidates, keep.tolist(), strict=True) if stays)
    return _without_spans(replace(line, candidates=candidates), logs[keep])


def _without_spans(line: Line, logs: NDArray[np.float32]) -> ScoredLine:
    no_spans, no_frames = np.zeros((len(logs), 0), np.float32), np.zeros((0, BLANK + 1), np.float32)
    return ScoredLine(line, logs, no_spans, no_frames)
