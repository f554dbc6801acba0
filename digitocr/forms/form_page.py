"""A page that is a form: flattened, read field by field, its fields checked together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from digitocr.forms.checks import complaints, written
from digitocr.forms.fields import FieldCrop, crop_field, scaled_box
from digitocr.forms.form_print import FormPrint
from digitocr.forms.places import Sight, sights
from digitocr.forms.registration import Registration, flatten, quarters_to_upright
from digitocr.forms.suggestions import Suggestion, dated, suggest
from digitocr.forms.template import Field, Kind
from digitocr.imaging import binarize
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.sheet import Line
from digitocr.networks.answer_network import See
from digitocr.recognition.judge import Judge, decide, number_on_page
from digitocr.recognition.numbers import DecodedNumber
from digitocr.recognition.orientation import Rows, View
from digitocr.records import Grey, Mask, Number, Page, PageResult, Reason, Status

FINE = 48
"""Height in pixels of the lowest field on the flattened page, as far as `SIDES` allows."""

SIDES = (2000, 3000)
"""Least and greatest length in pixels of the longer side of the flattened page."""

INSIDE = 0.1
"""Width of the margin of a cell that may hold its border, in shares of its shorter side."""

SOFT = 1.2
"""Standard deviation of a camera's blur in page pixels. It closes small digits; sharpening reduces it."""


@dataclass(frozen=True, slots=True)
class FormPage:
    """A page laid out as a form; see :class:`digitocr.recognition.laid_page.LaidPage`.

    Attributes
    ----------
    page : Page
    form : FormPrint
    registration : Registration
    answers : tuple of FieldCrop
        In the order of the template.
    seen : tuple of Sight
        What is seen in the places of each.
    reasons : tuple of Reason
        Reasons for review of every field of the page.
    """

    page: Page
    form: FormPrint
    registration: Registration
    answers: tuple[FieldCrop, ...]
    seen: tuple[Sight, ...]
    reasons: tuple[Reason, ...]

    @property
    def view(self) -> None:
        """None: the registration gives the orientation."""
        return

    @property
    def lines(self) -> tuple[Line, ...]:
        """The ink of all fields that are not blank."""
        return tuple(answer.line for answer in self.answers if answer.line is not None)

    def settled(self, view: View, *, is_in_doubt: bool) -> FormPage:
        """Return the page as it is."""
        return self

    def result(self, rows: Rows, judge: Judge) -> PageResult:
        """Return a number for each field; it has no digits if the field is blank, crossed out or outside the picture.

        Parameters
        ----------
        rows : tuple of tuple of DecodedNumber
            What was decoded in `lines`.
        judge : Judge

        Returns
        -------
        PageResult
        """
        decoded = iter(rows)
        numbers = [
            self._number(answer, sight, decoded, judge)
            for answer, sight in zip(self.answers, self.seen, strict=True)
        ]
        return PageResult(
            self.page.index,
            self.page.grey.shape,
            judged(self, numbers, judge),
            template=self.form.template.name,
            turn=quarters_to_upright(self.registration),
        )

    def _number(
        self, answer: FieldCrop, sight: Sight, decoded: Iterator[tuple[DecodedNumber, ...]], judge: Judge
    ) -> Number:
        """Make a number of what was read in a field; it is no surer than that all of its ink is accounted for."""
        if answer.sheet is None:
            return Number((), 0.0, answer.box)
        every = range(len(sight.classes))
        if answer.line is None:
            return Number((), sight.blank(every), answer.box)
        (read,) = next(decoded)
        if not read.segments:
            sure = math.exp(min(read.log_posterior, read.line_text.log_text))
            return Number((), min(sure, sight.blank(every)), answer.box)
        sure = min(judge.confidence(read, in_cells=bool(answer.field.cells)), sight.unstruck)
        number = number_on_page(read, answer.sheet, self.page.grey.shape, sure)
        unread = _unread(answer.field, sight, number, self.registration)
        if (blank := sight.blank(unread)) < sure:
            number = number_on_page(read, answer.sheet, self.page.grey.shape, blank)
        return dated(answer.field, number)


def lay_out(page: Page, form: FormPrint, registration: Registration, see: See, p: Imaging) -> FormPage:
    """Flatten a page and find the writing in each field of its form.

    Parameters
    ----------
    page : Page
    form : FormPrint
    registration : Registration
        Of the page on the form.
    see : callable
        The answer network.
    p : Imaging

    Returns
    -------
    FormPage
    """
    even, ink, scale = _cleaned(page, form, registration, p)
    answers = _crops(page, form, registration, (even, ink), scale, p)
    seen = tuple(sights(form.template.fields, even, scale, see))
    return FormPage(page, form, registration, answers, seen, binarize.quality(even, ink, p.binarization))


def field_crops(page: Page, form: FormPrint, registration: Registration, p: Imaging) -> tuple[FieldCrop, ...]:
    """Find the writing in each field of a form, and look at nothing.

    Parameters
    ----------
    page : Page
    form : FormPrint
    registration : Registration
        Of the page on the form.
    p : Imaging

    Returns
    -------
    tuple of FieldCrop
        In the order of the template.
    """
    even, ink, scale = _cleaned(page, form, registration, p)
    return _crops(page, form, registration, (even, ink), scale, p)


def _cleaned(page: Page, form: FormPrint, registration: Registration, p: Imaging) -> tuple[Grey, Mask, float]:
    """Flatten a page, even its light and tell its ink; also the pixels per pixel of the template."""
    flat, scale = flat_form(page, form, registration)
    even, ink = binarize.binarize_within(flat, _written_on(form, flat.shape, scale), p.binarization)
    return even, ink, scale


def _crops(
    page: Page,
    form: FormPrint,
    registration: Registration,
    cleaned: tuple[Grey, Mask],
    scale: float,
    p: Imaging,
) -> tuple[FieldCrop, ...]:
    return tuple(
        crop_field(field, page.grey, registration, cleaned, scale, p) for field in form.template.fields
    )


def flat_form(page: Page, form: FormPrint, registration: Registration) -> tuple[Grey, float]:
    """Flatten a page that shows a form, as finely as its fields need, and sharpen it.

    Parameters
    ----------
    page : Page
    form : FormPrint
    registration : Registration
        Of the page on the form.

    Returns
    -------
    flat : (h, w) uint8 ndarray
    scale : float
        Pixels of the flattened page per pixel of the template.
    """
    scale = _fineness(form)
    return _sharpened(flatten(page.grey, registration, scale), SOFT / _spread(registration, scale)), scale


def _written_on(form: FormPrint, shape: tuple[int, ...], scale: float) -> Mask:
    """Return the mask of writing areas on a flattened form: cells and fields without their borders."""
    within = np.zeros(shape, dtype=np.bool_)
    for field in form.template.fields:
        for cell in field.cells or (field.box,):
            box = scaled_box(cell, scale)
            away = round(INSIDE * min(box.width, box.height))
            within[max(0, box.y + away) : box.bottom - away, max(0, box.x + away) : box.right - away] = True
    return within


def _spread(registration: Registration, scale: float) -> float:
    """Return the page pixels per pixel of the flattened page, at its centre."""
    x, y = (side / 2 for side in registration.size)
    above, below = registration.place(np.array([(x, y), (x, y + 1 / scale)]))
    return float(np.linalg.norm(below - above))


def _sharpened(flat: Grey, spread: float) -> Grey:
    """Sharpen by half of what blur with this standard deviation removes; more makes sharp edges ragged."""
    soft = cv2.GaussianBlur(flat, (0, 0), spread)
    return np.asarray(cv2.addWeighted(flat, 1.5, soft, -0.5, 0), dtype=np.uint8)


def judged(page: FormPage, numbers: Sequence[Number], judge: Judge) -> tuple[Number, ...]:
    """Decide what is accepted: each field by itself, then all fields together.

    Parameters
    ----------
    page : FormPage
    numbers : sequence of Number
        One for each field, in the order of the template; without digits in a blank field.
    judge : Judge

    Returns
    -------
    tuple of Number
        With field, status and reasons. If a rule is broken, all its fields wait; if reading one digit as
        its runner-up would satisfy it, that digit waits, too.
    """
    answers = {answer.field.name: answer for answer in page.answers}
    seen = dict(zip(answers, page.seen, strict=True))
    read = {
        name: number for name, number in zip(answers, numbers, strict=True) if answers[name].sheet is not None
    }
    against: dict[str, list[str]] = {
        name: list(_against(answers[name], seen[name], read.get(name), page.registration, judge.threshold))
        for name in answers
    }
    for complaint in complaints(page.form.template, {name: written(number) for name, number in read.items()}):
        is_rule = complaint.reason is Reason.RULE_BROKEN
        for name in complaint.fields:
            against[name].append(f"{complaint.reason}:{complaint.name}" if is_rule else complaint.reason)
    offers = {offer.field: offer for offer in suggest(page.form.template, read)}
    return tuple(
        _judged(answers[name], number, judge, (*page.reasons, *against[name]), offers.get(name))
        for name, number in zip(answers, numbers, strict=True)
    )


def _against(
    answer: FieldCrop, sight: Sight, number: Number | None, registration: Registration, threshold: float
) -> Iterator[Reason]:
    """Yield reasons for review of a field by how it is filled in."""
    if number is None:
        yield Reason.OUTSIDE
        return
    taken = cells_taken(answer.field, number, registration)
    if any(later - earlier > 1 for earlier, later in pairwise(taken)):
        yield Reason.FIELD_GAP
    if number.digits and sight.unstruck < threshold:
        yield Reason.STRUCK_OUT
    unread = _unread(answer.field, sight, number, registration)
    if sight.blank(unread) < threshold:
        yield sight.why_not_blank(unread)


def _unread(field: Field, sight: Sight, number: Number, registration: Registration) -> list[int]:
    """Return the places of a field in which no digit was read; of free digits none, as they stand in any of them."""
    if number.digits and not field.cells:
        return []
    taken = cells_taken(field, number, registration)
    return [k for k in range(len(sight.classes)) if k not in taken]


def _judged(
    answer: FieldCrop, number: Number, judge: Judge, against: Sequence[str], offer: Suggestion | None
) -> Number:
    threshold, acceptance = judge.threshold, judge.acceptance
    number = replace(number, field=answer.field.name)
    if not number.digits:
        reasons = [*against, *([Reason.LOW_CONFIDENCE] if number.confidence < threshold else [])]
        status = Status.REVIEW if reasons else Status.ACCEPTED
        return replace(number, status=status, reasons=tuple(dict.fromkeys(reasons)))
    # an amount and a date should have marks
    has_marks = answer.field.kind in (Kind.AMOUNT, Kind.DATE)
    bare = replace(number, written="") if has_marks else number
    settled = decide(bare, threshold, tuple(against), acceptance)
    digits = settled.digits
    if offer is not None:
        digits = tuple(
            replace(d, status=Status.REVIEW) if position == offer.position else d
            for position, d in enumerate(digits, 1)
        )
    return replace(settled, digits=digits, written=number.written)


def _fineness(form: FormPrint) -> float:
    """Return the pixels of the flattened page per pixel of the template."""
    lowest = min(box.height for field in form.template.fields for box in field.cells or (field.box,))
    longest = max(form.template.size)
    return float(np.clip(FINE / lowest, SIDES[0] / longest, SIDES[1] / longest))


def cells_taken(field: Field, number: Number, registration: Registration) -> list[int]:
    """Find the cell of each digit of a field.

    Parameters
    ----------
    field : Field
    number : Number
    registration : Registration

    Returns
    -------
    list of int
        Indices of cells, one for each digit; empty where the field has no cells.
    """
    if not field.cells:
        return []
    cells = registration.place(np.array([cell.centre for cell in field.cells], dtype=np.float64))
    return [int(np.linalg.norm(cells - digit.box.centre, axis=1).argmin()) for digit in number.digits]
