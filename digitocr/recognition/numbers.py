"""The numbers of a line, from the digits and signs along it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from digitocr.imaging.sheet import Line, Seen
from digitocr.networks.classifier import SIGN
from digitocr.recognition.confidence import ConfidenceFeatures, log_line_height, logit
from digitocr.recognition.parameters import Confidence, Numbers, Recognition
from digitocr.records import Box, around


@dataclass(frozen=True, slots=True)
class Segment:
    """One step of the best path: a digit or a sign.

    Attributes
    ----------
    value : int
        0 to 9, or `SIGN`.
    probability : float
        Posterior, over all paths, that this ink is this digit (or a sign), in [0, 1].
    runner_up : int
        The second likeliest digit of the same ink.
    runner_up_probability : float
        Likewise.
    box : Box
        In sheet pixels.
    """

    value: int
    probability: float
    runner_up: int
    runner_up_probability: float
    box: Box


@dataclass(frozen=True, slots=True)
class TextEvidence:
    """What speaks for the text of a line, as a whole.

    Attributes
    ----------
    log_text : float
        Logarithm of its probability among the hypotheses; 0 where there is only one.
    log_p_ctc : float
        Logarithm of the line reader's probability of it among all texts; 0 without a line reader.
    log_p_second : tuple of float
        The same by both heads of the second reader, our own first; () where it did not read.
    text : str
        The text.
    others : tuple of str
        The likeliest text without the second reader, then those of its heads; () where it did not read.
    dissent : str
        Another text that one of two readers is sure of; '' without one.
    is_whole : bool
        Whether a crop was read as a whole, without the rows found in it.
    is_among_rows : bool
        Whether it is the text of one of several rows, and may be none that is to be read: print, a line of a table.
    """

    log_text: float = 0.0
    log_p_ctc: float = 0.0
    log_p_second: tuple[float, ...] = ()
    text: str = ""
    others: tuple[str, ...] = ()
    dissent: str = ""
    is_whole: bool = False
    is_among_rows: bool = False

    def features(self, p: Confidence) -> dict[str, float]:
        """Return its features, by the names of `ConfidenceFeatures`.

        Parameters
        ----------
        p : Confidence

        Returns
        -------
        dict of str to float
        """
        found = {
            "logit_text": logit(self.log_text, p),
            "logit_ctc_text": logit(self.log_p_ctc, p),
        }
        if not self.log_p_second:
            return found
        heads = [logit(log, p) for log in self.log_p_second]
        agree = [other == self.text for other in self.others]
        return found | {"logit_heads": sum(heads) / len(heads), "agreement": sum(agree) / len(agree)}


@dataclass(frozen=True, slots=True)
class DecodedNumber:
    """A number as decoded, before it is accepted or sent to review.

    Attributes
    ----------
    segments : tuple of Segment
        Digits only, from left to right.
    written : str
        The digits with the signs ``.,-/`` where they stand between them.
    box : Box
        In sheet pixels.
    log_posterior : float
        Logarithm of the probability of these cuts and digits among all.
    log_scores : tuple of float
        The combined score of each digit, a log probability.
    line_text : TextEvidence
        What speaks for the text of the whole line.
    features : ConfidenceFeatures
        What its confidence is computed from.
    seen : Seen or None
        What the page network sees in its place; None where it did not look.
    is_confirmed : bool
        Whether the ink and the page network found it, each by itself, and it was read alike both times.
    """

    segments: tuple[Segment, ...]
    written: str
    box: Box
    log_posterior: float
    log_scores: tuple[float, ...]
    line_text: TextEvidence
    features: ConfidenceFeatures
    seen: Seen | None = None
    is_confirmed: bool = False

    @property
    def text(self) -> str:
        """The digits as a string."""
        return "".join(str(segment.value) for segment in self.segments)


@dataclass(frozen=True, slots=True)
class DecodedLine:
    """The decoded path of a line, and what all its numbers share.

    Attributes
    ----------
    line : Line
    segments : tuple of Segment
        Digits and signs, from left to right.
    log_scores : tuple of float
        The combined score of each segment, a log probability.
    log_posterior : float
        Logarithm of the probability of this path among all paths.
    log_p_ctc_path : float
        Logarithm of the line reader's probability of exactly these cuts and digits; 0 without a line reader.
    text : TextEvidence
        What speaks for its text.
    clutter, unevenness : float
        See :func:`legibility`.
    """

    line: Line
    segments: tuple[Segment, ...]
    log_scores: tuple[float, ...]
    log_posterior: float
    log_p_ctc_path: float
    text: TextEvidence
    clutter: float
    unevenness: float

    def number(
        self, run: Sequence[int], log_posterior: float, log_p_ctc_path: float, p: Recognition
    ) -> DecodedNumber:
        """Make a number of some neighbouring segments.

        Parameters
        ----------
        run : sequence of int
            Indices of the segments, including the signs between digits.
        log_posterior : float
            Logarithm of the probability of these cuts and digits among all.
        log_p_ctc_path : float
            Logarithm of the line reader's probability of the same.
        p : Recognition

        Returns
        -------
        DecodedNumber
        """
        line = self.line
        digits = [i for i in run if self.segments[i].value != SIGN]
        chosen = tuple(self.segments[i] for i in digits)
        return DecodedNumber(
            segments=chosen,
            written=written(line, [self.segments[i] for i in run], p.numbers),
            box=around([s.box for s in chosen]) if chosen else line.box,
            log_posterior=log_posterior,
            log_scores=tuple(self.log_scores[i] for i in digits),
            line_text=self.text,
            features=self._features(digits, log_posterior, log_p_ctc_path, p.confidence),
            seen=line.seen,
        )

    def _features(
        self, digits: Sequence[int], log_posterior: float, log_p_ctc_path: float, p: Confidence
    ) -> ConfidenceFeatures:
        worst = min((self.log_scores[i] for i in digits), default=p.no_digit_log_p)
        return ConfidenceFeatures(
            logit_posterior=logit(log_posterior, p),
            logit_worst_digit=logit(worst, p),
            logit_line_posterior=logit(self.log_posterior, p),
            logit_line_likelihood=logit(sum(self.log_scores), p),
            logit_ctc_path=logit(log_p_ctc_path, p),
            logit_line_ctc_path=logit(self.log_p_ctc_path, p),
            smallest_margin=min(min((margin(self.segments[i]) for i in digits), default=0.0), p.max_margin),
            log_digits=math.log(max(len(digits), 1)),
            log_line_height=log_line_height(self.line.height, p),
            log_clutter=math.log(self.clutter + p.min_clutter_share),
            unevenness=self.unevenness,
            **self.text.features(p),
            **_seen(self.line, p),
        )


def _seen(line: Line, p: Confidence) -> dict[str, float]:
    """Return the features of what the page network sees in the place of a line."""
    if line.seen is None:
        return {}
    likeness = math.log(max(line.seen.likeness, 1e-9))
    return {"logit_seen": logit(likeness, p)}


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


def written(line: Line, segments: Sequence[Segment], p: Numbers) -> str:
    """Spell a number out: its digits, and the signs ``.,-/`` between them.

    Parameters
    ----------
    line : Line
    segments : sequence of Segment
    p : Numbers

    Returns
    -------
    str
    """
    return "".join(
        str(s.value) if s.value != SIGN else _mark(s, line, p)
        for s in segments
        if not is_large(s, line.height, p)
    )


def within_field(segments: Sequence[Segment]) -> list[int]:
    """Return the indices of the segments of a field from its first digit to its last.

    Parameters
    ----------
    segments : sequence of Segment

    Returns
    -------
    list of int
        Empty where there is no digit.
    """
    digits = [i for i, segment in enumerate(segments) if segment.value != SIGN]
    return list(range(digits[0], digits[-1] + 1)) if digits else []


def split_runs(segments: Sequence[Segment], height: float, p: Numbers) -> list[list[int]]:
    """Split a path into numbers, at wide gaps and at large signs; signs at either end of a number are left out.

    Parameters
    ----------
    segments : sequence of Segment
        From left to right.
    height : float
        Of the line, in pixels.
    p : Numbers

    Returns
    -------
    list of list of int
        For each number the indices of its segments.
    """
    runs: list[list[int]] = []
    current: list[int] = []
    right = 0
    for i, segment in enumerate(segments):
        wide = bool(current) and segment.box.x - right > p.max_gap_heights * height
        parts = is_large(segment, height, p) and not _is_between(segments, i, right, height, p)
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


def _is_between(segments: Sequence[Segment], at: int, right: int, height: float, p: Numbers) -> bool:
    """Whether a large sign may be ink of the digits beside it, the first of which ends at `right`."""
    after = next((s.box.x for s in segments[at + 1 :] if s.value != SIGN), None)
    close = after is not None and after - right < p.cramped_heights * height
    return close and segments[at].probability < p.certain_sign_p


def is_large(segment: Segment, height: float, p: Numbers) -> bool:
    """Whether it is a sign too large to be a mark within a number.

    Parameters
    ----------
    segment : Segment
    height : float
        Of the line, in pixels.
    p : Numbers

    Returns
    -------
    bool
    """
    return segment.value == SIGN and segment.box.height > p.max_mark_heights * height


def _mark(segment: Segment, line: Line, p: Numbers) -> str:
    """Tell which mark a small sign is, by its shape."""
    box = segment.box
    if box.width > p.dash_aspect * box.height:
        return "-"
    if box.height > p.stroke_aspect * box.width and box.height > p.min_slash_heights * line.height:
        return "/" if box.width > p.min_slash_slant * box.height else ","
    return "," if box.height > p.comma_aspect * box.width else "."


def legibility(line: Line) -> tuple[float, float]:
    """Measure the clutter around a line's ink, and the unevenness of the ink.

    Parameters
    ----------
    line : Line

    Returns
    -------
    clutter : float
        Darkness around the line's ink, such as patterns and lines that were removed, as a share of that ink.
    unevenness : float
        Standard deviation of the darkness of the line's ink over its mean.
    """
    own = (line.labels > 0).astype(np.uint8)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(line.dark, mask=own))
    ink = max(mean * cv2.countNonZero(own), 1.0)
    return max(cv2.sumElems(line.dark)[0] / ink - 1, 0.0), deviation / max(mean, 1.0)
