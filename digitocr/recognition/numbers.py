"""Digits and signs along a line to the numbers it holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from digitocr.networks.classifier import SIGN
from digitocr.recognition.confidence import MIN_CLUTTER, ConfidenceFeatures, log_line_height, logit
from digitocr.records import Box, Line, around

GAP = 2.0
"""Digits further apart than this, in heights of the line, belong to different numbers."""

MARK_HEIGHT = 0.5
"""A sign lower than this, in heights of the line, is a mark within a number; a higher one ends the number."""

ROOM = 0.5
"""A large sign may be ink of the digits beside it where they leave less room than this, in heights of the line."""

SURE_SIGN = 0.8
"""From this probability on a large sign is taken for one even there."""


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
class DecodedNumber:
    """A number as decoded, in sheet pixels, before it is accepted or sent to review.

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
    log_p_ctc : float
        Logarithm of the line reader's probability of the whole line's text among all texts; 0 where it was not asked.
    features : ConfidenceFeatures
        What its confidence is computed from.
    """

    segments: tuple[Segment, ...]
    written: str
    box: Box
    log_posterior: float
    log_scores: tuple[float, ...]
    log_p_ctc: float
    features: ConfidenceFeatures

    @property
    def text(self) -> str:
        """The digits as a string."""
        return "".join(str(segment.value) for segment in self.segments)


@dataclass(frozen=True, slots=True)
class DecodedLine:
    """The path of a line as a whole: what holds for every number on it.

    Attributes
    ----------
    line : Line
    segments : tuple of Segment
        Digits and signs, from left to right.
    log_scores : tuple of float
        The network's log probability of each segment.
    log_posterior : float
        Logarithm of the probability of this path among all.
    log_p_ctc_path : float
        Logarithm of the line reader's probability of just this cutting and these digits; 0 without a line reader.
    log_text : float
        Logarithm of the probability of its text among those that were weighed.
    log_p_ctc : float
        Logarithm of the line reader's probability of its text among all texts.
    clutter, unevenness : float
        See :func:`legibility`.
    """

    line: Line
    segments: tuple[Segment, ...]
    log_scores: tuple[float, ...]
    log_posterior: float
    log_p_ctc_path: float
    log_text: float
    log_p_ctc: float
    clutter: float
    unevenness: float

    def number(self, run: Sequence[int], log_posterior: float, log_p_ctc_path: float) -> DecodedNumber:
        """Take some neighbouring segments for a number.

        Parameters
        ----------
        run : sequence of int
            Indices of segments, signs between digits among them.
        log_posterior : float
            Logarithm of the probability of this cutting and these digits among all.
        log_p_ctc_path : float
            Logarithm of the line reader's probability of the same.

        Returns
        -------
        DecodedNumber
        """
        line = self.line
        digits = [i for i in run if self.segments[i].value != SIGN]
        chosen = tuple(self.segments[i] for i in digits)
        return DecodedNumber(
            segments=chosen,
            written=written(line, [self.segments[i] for i in run]),
            box=around([s.box for s in chosen]) if chosen else line.box,
            log_posterior=log_posterior,
            log_scores=tuple(self.log_scores[i] for i in digits),
            log_p_ctc=self.log_p_ctc,
            features=self._features(digits, log_posterior, log_p_ctc_path),
        )

    def _features(
        self, digits: Sequence[int], log_posterior: float, log_p_ctc_path: float
    ) -> ConfidenceFeatures:
        return ConfidenceFeatures(
            logit_posterior=logit(log_posterior),
            logit_worst_digit=logit(min((self.log_scores[i] for i in digits), default=-12.0)),
            logit_line_posterior=logit(self.log_posterior),
            logit_line_likelihood=logit(sum(self.log_scores)),
            logit_ctc_path=logit(log_p_ctc_path),
            logit_line_ctc_path=logit(self.log_p_ctc_path),
            logit_text=logit(self.log_text),
            logit_ctc_text=logit(self.log_p_ctc),
            smallest_margin=min(min((margin(self.segments[i]) for i in digits), default=0.0), 10.0),
            log_digits=math.log(max(len(digits), 1)),
            log_line_height=log_line_height(self.line.height),
            log_clutter=math.log(self.clutter + MIN_CLUTTER),
            unevenness=self.unevenness,
        )


def margin(segment: Segment) -> float:
    """Return the difference of log probability between a digit and its runner-up.

    Parameters
    ----------
    segment : Segment

    Returns
    -------
    float
    """
    tiny = 1e-9
    return math.log((segment.probability + tiny) / (segment.runner_up_probability + tiny))


def written(line: Line, segments: Sequence[Segment]) -> str:
    """Spell a number out: its digits, and the signs ``.,-/`` between them.

    Parameters
    ----------
    line : Line
    segments : sequence of Segment

    Returns
    -------
    str
    """
    return "".join(
        str(s.value) if s.value != SIGN else _mark(s, line) for s in segments if not is_large(s, line.height)
    )


def within_field(segments: Sequence[Segment]) -> list[int]:
    """Return the segments of a field from its first digit to its last."""
    digits = [i for i, segment in enumerate(segments) if segment.value != SIGN]
    return list(range(digits[0], digits[-1] + 1)) if digits else []


def split_runs(segments: Sequence[Segment], height: float) -> list[list[int]]:
    """Split the path into numbers, at wide gaps and at signs that part; signs at either end of one are left off."""
    runs: list[list[int]] = []
    current: list[int] = []
    right = 0
    for i, segment in enumerate(segments):
        wide = bool(current) and segment.box.x - right > GAP * height
        parts = is_large(segment, height) and not _is_between(segments, i, right, height)
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


def _is_between(segments: Sequence[Segment], at: int, right: int, height: float) -> bool:
    """Whether a doubtful large sign stands so close between two digits, the first of which ends at `right`."""
    after = next((s.box.x for s in segments[at + 1 :] if s.value != SIGN), None)
    close = after is not None and after - right < ROOM * height
    return close and segments[at].probability < SURE_SIGN


def is_large(segment: Segment, height: float) -> bool:
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


def legibility(line: Line) -> tuple[float, float]:
    """Measure the clutter around a line's ink, and the unevenness of the ink.

    Parameters
    ----------
    line : Line

    Returns
    -------
    clutter : float
        What is dark around the line's ink, patterns and lines that were cleaned away, as a share of that ink.
    unevenness : float
        Standard deviation of the darkness of the line's ink over its mean.
    """
    own = (line.labels > 0).astype(np.uint8)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(line.dark, mask=own))
    ink = max(mean * cv2.countNonZero(own), 1.0)
    return max(cv2.sumElems(line.dark)[0] / ink - 1, 0.0), deviation / max(mean, 1.0)
