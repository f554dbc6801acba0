"""Accepted or for review, with reasons: how likely the whole text of a number is right, and what speaks against it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitocr.records import Box, Digit, Number, Reason, Status

CLOSE = 0.25
"""A runner-up at least this likely is a close alternative."""

IN_A_ROW, ALIKE = 0.45, 2.0
"""Numbers in a row share at least so much of the smaller one's height, and differ at most so many times in height."""

NEAR = 2.0
"""Numbers in a row with less white space between them, in mean heights, may be one: of cells side by side, say."""

LEAST_CLUTTER = 0.01
"""Less of it is as good as none."""

FEATURES = 13
"""Inputs of the logistic model of the confidence."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a number's reading.

    Attributes
    ----------
    log_posterior : float
        Of this cutting and these digits among all, in (-inf, 0].
    log_scores : tuple of float
        The network's log probability of each digit, in (-inf, 0].
    log_line : float
        Log posterior of the path of the whole line.
    log_fit : float
        Log of the product of the network's probabilities along the whole line.
    log_agreement, log_line_agreement : float
        Log of the line reader's probability of the same digits at the same places: of the number, of the line.
    log_text : float
        Log of the probability of the line's text among those that were weighed.
    log_heard : float
        Log of the line reader's probability of the line's text among all texts.
    margins : tuple of float
        Per digit, log of its probability over that of its runner-up.
    height : float
        Of the line, in sheet pixels: small ink is read less surely.
    clutter, unevenness : float
        Of the line's picture, see :class:`digitocr.recognition.decode.Reading`: the same doubt of the networks says
        less of a cluttered line than of a clean one.
    """

    log_posterior: float
    log_scores: tuple[float, ...]
    log_line: float
    log_fit: float
    log_agreement: float
    log_line_agreement: float
    log_text: float
    log_heard: float
    margins: tuple[float, ...]
    height: float
    clutter: float
    unevenness: float

    def features(self) -> tuple[float, ...]:
        """Return the inputs of the logistic model, each about in [-10, 10]."""
        return (
            _logit(self.log_posterior),
            _logit(min(self.log_scores, default=-12.0)),
            _logit(self.log_line),
            _logit(self.log_fit),
            _logit(self.log_agreement),
            _logit(self.log_line_agreement),
            _logit(self.log_text),
            _logit(self.log_heard),
            min(min(self.margins, default=0.0), 10.0),
            math.log(max(len(self.log_scores), 1)),
            math.log(max(self.height, 4.0) / 28),
            math.log(self.clutter + LEAST_CLUTTER),
            self.unevenness,
        )


def _logit(log_probability: float) -> float:
    """Log odds of a probability given by its logarithm, clipped to [-8, 10]."""
    p = math.exp(min(log_probability, -1e-9))
    return max(-8.0, min(10.0, math.log(max(p, 1e-9) / (1 - p))))


def confidence(evidence: Evidence, coefficients: tuple[float, ...]) -> float:
    """Calibrated probability in [0, 1] that the whole text is right, its length included.

    Parameters
    ----------
    evidence : Evidence
    coefficients : tuple of float
        One per feature, the constant last; without them the product of posteriors stands as it is.
    """
    if not coefficients:
        return math.exp(evidence.log_posterior)
    features = evidence.features()
    logit = coefficients[-1] + sum(c * f for c, f in zip(coefficients[:-1], features, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def are_near(boxes: Sequence[Box]) -> list[bool]:
    """Say of each number of a sheet whether it may be part of the one beside it.

    Parameters
    ----------
    boxes : sequence of Box
        Of the numbers, in pixels of the upright sheet.

    Examples
    --------
    >>> are_near([Box(0, 0, 20, 40), Box(60, 4, 20, 36), Box(300, 0, 20, 40)])
    [True, True, False]
    """
    x, y, width, height = (
        np.array([(b.x, b.y, b.width, b.height) for b in boxes], dtype=np.float64).reshape(-1, 4).T
    )
    right, bottom = x + width, y + height
    space = x[None, :] - right[:, None]
    space = np.maximum(space, space.T)
    shared = np.minimum(bottom[:, None], bottom) - np.maximum(y[:, None], y)
    small, large = np.minimum(height[:, None], height), np.maximum(height[:, None], height)
    in_a_row = (shared >= IN_A_ROW * small) & (large <= ALIKE * small)
    near = in_a_row & (space < NEAR * (small + large) / 2) & ~np.eye(len(boxes), dtype=np.bool_)
    return [bool(np.any(row)) for row in np.asarray(near)]


def judge(number: Number, threshold: float, known: tuple[str, ...]) -> Number:
    """Decide whether a number is accepted, and mark what a person should look at.

    Parameters
    ----------
    number : Number
        With its confidence.
    threshold : float
        Least confidence of an accepted number.
    known : tuple of str
        Reasons: what is known to speak against it: of the sheet, or of the ink beside it.

    Returns
    -------
    Number
        With status and reasons; where it waits, at least its least sure digit does.
    """
    reasons: list[str] = list(known)
    if not number.digits:
        reasons.append(Reason.UNREADABLE)
    if number.confidence < threshold:
        reasons.append(Reason.LOW_CONFIDENCE)
    if any(d.runner_up_confidence >= CLOSE for d in number.digits):
        reasons.append(Reason.CLOSE_ALTERNATIVE)
    if looks_decimal(number):
        reasons.append(Reason.DECIMAL_MARK)
    status = Status.REVIEW if reasons else Status.ACCEPTED
    least = min((d.confidence for d in number.digits), default=0.0)
    digits = tuple(
        replace(d, status=Status.REVIEW if reasons and _waits(d, least, threshold) else Status.ACCEPTED)
        for d in number.digits
    )
    return replace(number, digits=digits, status=status, reasons=tuple(dict.fromkeys(reasons)))


def _waits(digit: Digit, least: float, threshold: float) -> bool:
    return digit.confidence <= least or digit.confidence < threshold or digit.runner_up_confidence >= CLOSE


def looks_decimal(number: Number) -> bool:
    """Whether a dot or comma in the number may part its whole from its fraction.

    Examples
    --------
    >>> from digitocr.records import Box
    >>> looks_decimal(Number((), 1.0, Box(0, 0, 1, 1), written="12,5"))
    True
    >>> looks_decimal(Number((), 1.0, Box(0, 0, 1, 1), written="1.250"))
    False
    """
    return re.search(r"[.,]\d{1,2}$", number.written) is not None
