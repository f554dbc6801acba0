"""Whether a number is accepted or waits for review, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitocr.imaging.sheet import Sheet
from digitocr.networks.card import ModelCard
from digitocr.recognition.confidence import number_confidence
from digitocr.recognition.numbers import DecodedNumber
from digitocr.recognition.parameters import Acceptance
from digitocr.records import Box, Digit, Number, Reason, Status, around


def are_near(boxes: Sequence[Box], p: Acceptance) -> list[bool]:
    """Decide for each number of a sheet whether it may be part of the one beside it.

    Parameters
    ----------
    boxes : sequence of Box
        Of the numbers, in pixels of the upright sheet.
    p : Acceptance

    Returns
    -------
    list of bool
        One per number.

    Examples
    --------
    >>> are_near([Box(0, 0, 20, 40), Box(60, 4, 20, 36), Box(300, 0, 20, 40)], Acceptance())
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
    in_a_row = (shared >= p.min_shared_share * small) & (large <= p.max_height_ratio * small)
    near = in_a_row & (space < p.near_heights * (small + large) / 2) & ~np.eye(len(boxes), dtype=np.bool_)
    return [bool(np.any(row)) for row in np.asarray(near)]


@dataclass(frozen=True, slots=True)
class Judge:
    """By what numbers are accepted.

    Attributes
    ----------
    threshold : float
        Least confidence of an accepted number.
    card : ModelCard
        With the weights of the confidence.
    acceptance : Acceptance
    """

    threshold: float
    card: ModelCard
    acceptance: Acceptance

    def confidence(self, number: DecodedNumber, *, in_cells: bool) -> float:
        """Return the calibrated probability that the whole text of a number is right.

        Of a row among others the second reader tells what it says, not whether it is a number: where our own networks
        are not sure of it, it is no surer than they are.

        Parameters
        ----------
        number : DecodedNumber
        in_cells : bool
            Whether it is written into the cells of a form.

        Returns
        -------
        float
            In [0, 1].
        """
        own = self.own_confidence(number, in_cells=in_cells)
        text, second = number.line_text, self.card.second
        if not text.log_p_second or second is None:
            return own
        weights = second.cell_confidence if in_cells else second.number_confidence
        if text.is_whole:
            weights = second.whole_confidence
        if number.seen is not None and not number.is_confirmed and second.page_confidence:
            right = number_confidence(number.log_posterior, number.features, second.page_confidence)
            return right * self.number_likeness(number)
        sure = number_confidence(number.log_posterior, number.features, weights)
        return min(sure, own) if text.is_among_rows and own < self.card.threshold else sure

    def number_likeness(self, number: DecodedNumber) -> float:
        """Return the calibrated probability that a place of a page holds a number.

        Parameters
        ----------
        number : DecodedNumber

        Returns
        -------
        float
            In [0, 1]; 1 where nothing else is expected.
        """
        second = self.card.second
        if number.seen is None or second is None or not second.page_number:
            return 1.0
        return number_confidence(number.log_posterior, number.features, second.page_number)

    def is_number(self, number: DecodedNumber) -> bool:
        """Whether a place of a page is taken for a number: the page network and the readers together say so.

        Parameters
        ----------
        number : DecodedNumber

        Returns
        -------
        bool
        """
        second = self.card.second
        return second is None or self.number_likeness(number) >= second.least_number

    def own_confidence(self, number: DecodedNumber, *, in_cells: bool) -> float:
        """Return the same by our own networks alone.

        Parameters
        ----------
        number : DecodedNumber
        in_cells : bool
            Whether it is written into the cells of a form.

        Returns
        -------
        float
            In [0, 1].
        """
        weights = (in_cells and self.card.cell_confidence) or self.card.number_confidence
        return number_confidence(number.log_posterior, number.features, weights)


def number_on_page(decoded: DecodedNumber, sheet: Sheet, page_shape: tuple[int, int], sure: float) -> Number:
    """Compute the confidences of the digits of a decoded number, and where they are on the page.

    A digit is right if the number is; if the number is wrong, the digit is still right with its own probability.

    Parameters
    ----------
    decoded : DecodedNumber
    sheet : Sheet
        The sheet it was read on.
    page_shape : tuple of int
        Height and width of the page in pixels.
    sure : float
        The number's confidence.

    Returns
    -------
    Number
        Not yet decided on.
    """
    digits = tuple(
        Digit(
            s.value,
            sure + (1 - sure) * s.probability,
            s.runner_up,
            (1 - sure) * s.runner_up_probability,
            sheet.box_on_page(s.box, page_shape),
        )
        for s in decoded.segments
    )
    reasons: tuple[str, ...] = ()
    if dissent := decoded.line_text.dissent:
        is_line = decoded.text == decoded.line_text.text
        reasons = (f"{Reason.READERS_DISAGREE}:{dissent}" if is_line else Reason.READERS_DISAGREE.value,)
    return Number(digits, sure, around([d.box for d in digits]), decoded.written, reasons=reasons)


def decide(number: Number, threshold: float, known: tuple[str, ...], p: Acceptance) -> Number:
    """Decide whether a number is accepted, and mark the digits that a person should look at.

    Parameters
    ----------
    number : Number
        With its confidence, and reasons of its own.
    threshold : float
        Least confidence of an accepted number.
    known : tuple of str
        Reasons for review that are known already: of the sheet, or of the ink beside it.
    p : Acceptance

    Returns
    -------
    Number
        With status and reasons; if it waits for review, so does at least its least certain digit.
    """
    reasons: list[str] = [*known, *number.reasons]
    if not number.digits:
        reasons.append(Reason.UNREADABLE)
    if number.confidence < threshold:
        reasons.append(Reason.LOW_CONFIDENCE)
    if any(d.runner_up_confidence >= p.close_p for d in number.digits):
        reasons.append(Reason.CLOSE_ALTERNATIVE)
    if looks_decimal(number):
        reasons.append(Reason.DECIMAL_MARK)
    status = Status.REVIEW if reasons else Status.ACCEPTED
    least = min((d.confidence for d in number.digits), default=0.0)
    digits = tuple(
        replace(d, status=Status.REVIEW if reasons and _waits(d, least, threshold, p) else Status.ACCEPTED)
        for d in number.digits
    )
    return replace(number, digits=digits, status=status, reasons=tuple(dict.fromkeys(reasons)))


def _waits(digit: Digit, least: float, threshold: float, p: Acceptance) -> bool:
    return (
        digit.confidence <= least or digit.confidence < threshold or digit.runner_up_confidence >= p.close_p
    )


def looks_decimal(number: Number) -> bool:
    """Whether a dot or comma in the number may be its decimal mark: one or two digits follow it.

    Parameters
    ----------
    number : Number

    Returns
    -------
    bool

    Examples
    --------
    >>> from digitocr.records import Box
    >>> looks_decimal(Number((), 1.0, Box(0, 0, 1, 1), written="12,5"))
    True
    >>> looks_decimal(Number((), 1.0, Box(0, 0, 1, 1), written="1.250"))
    False
    """
    return re.search(r"[.,]\d{1,2}$", number.written) is not None
