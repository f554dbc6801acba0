"""The line reader's probabilities of a stretch of a line (a digit, nothing, several digits) and of a whole text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitocr.recognition.parameters import Ctc

BLANK = 10
"""Class of a frame that adds no digit, after the ten digits."""

SPANS = 12
"""Number of scores of a stretch."""

NOTHING, SEVERAL = 10, 11
"""Columns of the scores after the ten digits."""


def log_spans(frames: NDArray[np.floating], spans: NDArray[np.int64], p: Ctc) -> NDArray[np.float32]:
    """Weigh stretches of a line.

    The probability that a stretch holds one digit is the sum over all alignments (blanks, frames of the digit,
    blanks), after A. Graves et al., "Connectionist temporal classification", ICML 2006.

    Parameters
    ----------
    frames : (T, 11) float ndarray
        Probabilities of the ten digits and of `BLANK`, frame by frame.
    spans : (n, 2) int64 ndarray
        First frame of each stretch, and the one after its last.
    p : Ctc

    Returns
    -------
    (n, 12) float32 ndarray
        Natural logarithms of the probabilities of the ten digits, `NOTHING` and `SEVERAL`.

    Examples
    --------
    >>> frames = np.full((3, 11), 1e-3)
    >>> frames[0, BLANK] = frames[1, 7] = frames[2, BLANK] = 0.99
    >>> log_spans(frames, np.array([[0, 3], [2, 3]]), Ctc()).argmax(axis=1).tolist()
    [7, 10]
    """
    cuts = np.unique(spans)
    starts, of_start = np.unique(np.searchsorted(cuts, spans[:, 0]), return_inverse=True)
    pieces = np.searchsorted(cuts, spans[:, 1]) - starts[of_start]
    stays, enters, crosses, holds, leaves = _between(frames, cuts)
    # From each start on: before the digit, within it, after it.
    empty, inside, after = np.ones((len(starts), 1)), np.zeros((len(starts), 10)), np.zeros((len(starts), 10))
    ended = np.zeros((pieces.max(initial=0) + 1, len(starts), SEVERAL))
    ended[0, :, NOTHING] = 1.0
    for k in range(1, len(ended)):
        at = np.minimum(starts + k, len(cuts) - 1) - 1
        after = after * stays[at] + inside * leaves[at] + empty * crosses[at]
        inside = inside * holds[at] + empty * enters[at]
        empty = empty * stays[at]
        np.add(inside, after, out=ended[k, :, :NOTHING])
        ended[k, :, NOTHING:] = empty
    out = np.zeros((len(spans), SPANS))
    out[:, :SEVERAL] = ended[pieces, of_start]
    out[:, SEVERAL] = 1.0 - out[:, :SEVERAL].sum(axis=1)
    return np.asarray(np.log(np.clip(out, p.min_p, 1.0)), dtype=np.float32)


def _between(
    frames: NDArray[np.floating], cuts: NDArray[np.int64]
) -> tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]
]:
    """Weigh what one digit may do from each cut to the next, for all digits and all such pieces at once.

    Returns
    -------
    stays : (n, 1) float64 ndarray
        Nothing but blanks.
    enters, crosses, holds, leaves : (n, 10) float64 ndarray
        The digit begins and goes on; begins and ends; goes on; ends.
    """
    lengths = np.diff(cuts)
    order = np.argsort(-lengths, kind="stable")
    firsts = cuts[:-1][order]
    stays, enters = np.ones((len(order), 1)), np.zeros((len(order), 10))
    crosses, holds, leaves = np.zeros_like(enters), np.ones_like(enters), np.zeros_like(enters)
    going = np.searchsorted(-lengths[order], -np.arange(lengths.max(initial=0)), side="left")
    for step, n in enumerate(going.tolist()):  # the first n pieces have more than `step` frames
        now = np.asarray(frames[firsts[:n] + step], dtype=np.float64)
        digits, blank = now[:, :BLANK], now[:, BLANK:]
        crosses[:n] = (crosses[:n] + enters[:n]) * blank
        enters[:n] = (enters[:n] + stays[:n]) * digits
        leaves[:n] = (leaves[:n] + holds[:n]) * blank
        holds[:n] *= digits
        stays[:n] *= blank
    back = np.argsort(order)
    return stays[back], enters[back], crosses[back], holds[back], leaves[back]


def log_text(frames: NDArray[np.floating], texts: Sequence[str]) -> list[float]:
    """Weigh whole texts: the probability of each, summed over all alignments, as in :func:`log_spans`.

    Parameters
    ----------
    frames : (T, 11) float ndarray
        Probabilities of the ten digits and of `BLANK`, frame by frame; `T` is at least 1.
    texts : sequence of str
        Digits.

    Returns
    -------
    list of float
        Natural logarithms.

    Examples
    --------
    >>> frames = np.full((3, 11), 1e-3)
    >>> frames[0, BLANK] = frames[1, 7] = frames[2, BLANK] = 0.99
    >>> [round(log, 2) for log in log_text(frames, ["7", "77"])]
    [-0.03, -20.72]
    """
    longest = max((len(text) for text in texts), default=0)
    states = np.full((len(texts), 2 * longest + 1), BLANK)
    for row, text in zip(states, texts, strict=True):
        row[1 : 2 * len(text) : 2] = [int(digit) for digit in text]
    no_leap = np.full(states.shape, -np.inf)
    no_leap[:, 2:][(states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])] = 0.0
    logs = np.log(np.maximum(frames, 1e-12)).astype(np.float64)
    # Two columns to the left belong to no alignment.
    before = np.full((len(texts), states.shape[1] + 2), -np.inf)
    before[:, 2] = 0.0
    for frame in logs:
        stepped = np.logaddexp(before[:, 2:], before[:, 1:-1])
        before[:, 2:] = np.logaddexp(stepped, before[:, :-2] + no_leap) + frame[states]
    at = before[:, 2:]
    last = 2 * np.array([len(text) for text in texts], dtype=np.intp)
    rows = np.arange(len(texts))
    ended = np.logaddexp(at[rows, last], np.where(last > 0, at[rows, last - 1], -np.inf))
    return [float(log) for log in ended]


def best_texts(frames: NDArray[np.floating], p: Ctc) -> list[str]:
    """Propose the likeliest texts, by prefix beam search [1]_.

    Parameters
    ----------
    frames : (T, 11) float ndarray
        Probabilities of the ten digits and of `BLANK`, frame by frame.
    p : Ctc

    Returns
    -------
    list of str
        At most `p.beam`, the likeliest first.

    References
    ----------
    .. [1] A. Hannun et al., "First-pass large vocabulary continuous speech recognition using bi-directional recurrent
       DNNs", arXiv 1408.2873, 2014.

    Examples
    --------
    >>> frames = np.full((3, 11), 1e-3)
    >>> frames[0, BLANK] = frames[2, BLANK] = 0.99
    >>> frames[1, 7], frames[1, 1] = 0.6, 0.39
    >>> best_texts(frames, Ctc(beam=2))
    ['7', '1']
    """
    # of each text the probability of the ways that end in a blank, and of those that end in its last digit
    beam: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}
    for frame in frames.tolist():
        likely = [(str(k), q) for k, q in enumerate(frame[:BLANK]) if q >= p.min_beam_p]
        grown: dict[str, list[float]] = {}
        for text, (blank, digit) in beam.items():
            ways = grown.setdefault(text, [0.0, 0.0])
            ways[0] += (blank + digit) * frame[BLANK]
            if text:
                ways[1] += digit * frame[int(text[-1])]
            for label, q in likely:
                longer = grown.setdefault(text + label, [0.0, 0.0])
                longer[1] += (blank if text.endswith(label) else blank + digit) * q
        kept = sorted(grown.items(), key=lambda one: -sum(one[1]))[: p.beam]
        total = max(sum(kept[0][1]), 1e-300)  # scaled, lest the probabilities of long lines vanish
        beam = {text: (ways[0] / total, ways[1] / total) for text, ways in kept}
    return list(beam)


def aligned(frames: NDArray[np.floating], text: str) -> list[tuple[int, int]]:
    """Find the frames of each digit of a text on its likeliest alignment.

    Parameters
    ----------
    frames : (T, 11) float ndarray
        Probabilities of the ten digits and of `BLANK`, frame by frame.
    text : str
        Digits.

    Returns
    -------
    list of (int, int)
        For each digit its first frame, and the one after its last; it takes half of the blanks beside it.

    Examples
    --------
    >>> frames = np.full((4, 11), 1e-3)
    >>> frames[0, 7] = frames[1, BLANK] = frames[2, BLANK] = frames[3, 1] = 0.99
    >>> aligned(frames, "71")
    [(0, 2), (2, 4)]
    """
    states = [BLANK]
    for digit in text:
        states += [int(digit), BLANK]
    logs = np.log(np.maximum(frames, 1e-12))[:, states]
    leaps = [k > 1 and states[k] != BLANK and states[k] != states[k - 2] for k in range(len(states))]
    best = np.full(len(states), -np.inf)
    best[:2] = logs[0, :2]
    came = np.zeros(logs.shape, dtype=np.intp)
    for t in range(1, len(logs)):
        ways = np.stack([best, np.r_[-np.inf, best[:-1]], np.r_[-np.inf, -np.inf, best[:-2]][: len(best)]])
        ways[2, ~np.array(leaps)] = -np.inf
        came[t] = ways.argmax(axis=0)
        best = ways.max(axis=0) + logs[t]
    state = len(states) - 1 if len(states) == 1 or best[-1] >= best[-2] else len(states) - 2
    of_frame = np.empty(len(logs), dtype=np.intp)
    for t in range(len(logs) - 1, -1, -1):
        of_frame[t] = state
        state -= came[t, state]
    at = [np.flatnonzero(of_frame == 2 * k + 1) for k in range(len(text))]
    cores = [(int(own[0]), int(own[-1]) + 1) if len(own) else (0, 0) for own in at]
    ends = [0, *((a[1] + b[0]) // 2 for a, b in pairwise(cores)), len(logs)]
    return list(pairwise(ends)) if text else []
