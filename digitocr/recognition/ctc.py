"""The line reader's probabilities of a stretch of a line (a digit, nothing, several digits) and of a whole text."""

from __future__ import annotations

from collections.abc import Sequence

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
