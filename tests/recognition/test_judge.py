"""Accepted or for review."""

import pytest

from digitocr.recognition.judge import are_near, decide, looks_decimal
from digitocr.records import Box, Digit, Number, Reason, Status

BOX = Box(0, 0, 10, 20)


def number(*confidences, sure=0.99, written="", runner_up=0.001):
    digits = tuple(Digit(i, c, 9, runner_up, BOX) for i, c in enumerate(confidences))
    return Number(digits, sure, BOX, written)


def test_a_sure_number_is_accepted_with_all_its_digits():
    out = decide(number(0.999, 0.998), 0.95, ())
    assert out.status is Status.ACCEPTED
    assert out.reasons == ()
    assert all(d.status is Status.ACCEPTED for d in out.digits)


def test_an_unsure_number_waits_with_its_least_sure_digit():
    out = decide(number(0.999, 0.96, sure=0.9), 0.95, ())
    assert out.status is Status.REVIEW
    assert out.reasons == (Reason.LOW_CONFIDENCE,)
    assert [d.status for d in out.digits] == [Status.ACCEPTED, Status.REVIEW]


def test_a_close_alternative_waits():
    out = decide(number(0.7, sure=0.99, runner_up=0.29), 0.5, ())
    assert out.reasons == (Reason.CLOSE_ALTERNATIVE,)


def test_what_holds_for_the_sheet_holds_for_the_number():
    out = decide(number(0.999), 0.5, (Reason.ORIENTATION,))
    assert out.status is Status.REVIEW
    assert out.digits[0].status is Status.REVIEW


def test_ink_without_digits_is_unreadable():
    assert Reason.UNREADABLE in decide(Number((), 0.0, BOX), 0.5, ()).reasons


@pytest.mark.parametrize(
    ("written", "decimal"),
    [("1.234", False), ("12,50", True), ("3.5", True), ("1.000.000", False), ("12-5", False), ("125", False)],
)
def test_decimal_marks(written, decimal):
    assert looks_decimal(number(0.9, written=written)) is decimal


@pytest.mark.parametrize(
    ("other", "near"),
    [
        (Box(160, 0, 30, 40), True),
        (Box(100, 10, 30, 30), True),
        (Box(185, 0, 30, 40), False),
        (Box(160, 60, 30, 40), False),
        (Box(130, 0, 60, 120), False),
        (Box(20, 0, 30, 40), True),
        (Box(80, 4, 60, 36), True),
    ],
    ids=["a gap", "touching", "far", "of another row", "of another size", "one over the other", "across"],
)
def test_numbers_close_to_each_other_in_a_row_may_be_one(other, near):
    assert are_near([Box(0, 0, 100, 40), other]) == [near, near]
    assert are_near([other, Box(0, 0, 100, 40)]) == [near, near]


def test_a_number_alone_has_no_neighbour():
    assert are_near([Box(0, 0, 100, 40)]) == [False]
    assert are_near([]) == []
