"""Accepted or for review, with reasons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitocr.recognition.confidence import Weights, number_confidence
from digitocr.recognition.numbers import DecodedNumber
from digitocr.records import Box, Digit, Number, Reason, Sheet, Status, around

CLOSE = 0.25
"""A runner-up at least this likely is a close alternative."""

IN_A_ROW, ALIKE = 0.45, 2.0
"""Numbers in a row share at least so much of the smaller one's height, and differ at most so many times in height."""

NEAR = 2.0
"""Numbers in a row with less white space between them, in mean heights, may be one: of cells side by side, say."""


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


@dataclass(frozen=True, slots=True)
class Judge:
    """What decides over numbers.

    Attributes
    ----------
    threshold : float
        Least confidence of an accepted number.
    number_weights, cell_weights : mapping of str to float
        Of the confidence: of numbers, and of those written into the cells of a form.
    """

    threshold: float
    number_weights: Weights
    cell_weights: Weights


def number_on_page(
    decoded: DecodedNumber, sheet: Sheet, page_shape: tuple[int, int], weights: Weights
) -> Number:
    """Give a decoded number its confidence, and its digits their boxes on the page.

    Parameters
    ----------
    decoded : DecodedNumber
    sheet : Sheet
        That it was read on.
    page_shape : tuple of int
        Height and width of the page in pixels.
    weights : mapping of str to float
        Of the confidence.

    Returns
    -------
    Number
        Not yet decided on.
    """
    digits = tuple(
        Digit(
            s.value, s.probability, s.runner_up, s.runner_up_probability, sheet.box_on_page(s.box, page_shape)
        )
        for s in decoded.segments
    )
    sure = number_confidence(decoded.log_posterior, decoded.features, weights)
    return Number(digits, sure, around([d.box for d in digits]), decoded.written)


def decide(number: Number, threshold: float, known: tuple[str, ...]) -> Number:
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
