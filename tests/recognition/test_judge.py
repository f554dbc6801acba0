"""Accepted or for review."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitocr.imaging.sheet import Seen
from digitocr.networks.card import ModelCard, SecondCard
from digitocr.recognition.confidence import NAMES, named
from digitocr.recognition.judge import Judge, are_near, decide, looks_decimal, number_on_page
from digitocr.recognition.numbers import TextEvidence
from digitocr.recognition.parameters import Acceptance
from digitocr.records import Box, Digit, Number, Reason, Status
from tests.support.decoded import decoded, view

BOX = Box(0, 0, 10, 20)
P = Acceptance()


def number(*confidences, sure=0.99, written="", runner_up=0.001):
    digits = tuple(Digit(i, c, 9, runner_up, BOX) for i, c in enumerate(confidences))
    return Number(digits, sure, BOX, written)


def test_a_sure_number_is_accepted_with_all_its_digits():
    out = decide(number(0.999, 0.998), 0.95, (), P)
    assert out.status is Status.ACCEPTED
    assert out.reasons == ()
    assert all(d.status is Status.ACCEPTED for d in out.digits)


def test_an_unsure_number_waits_with_its_least_sure_digit():
    out = decide(number(0.999, 0.96, sure=0.9), 0.95, (), P)
    assert out.status is Status.REVIEW
    assert out.reasons == (Reason.LOW_CONFIDENCE,)
    assert [d.status for d in out.digits] == [Status.ACCEPTED, Status.REVIEW]


def test_a_close_alternative_waits():
    out = decide(number(0.7, sure=0.99, runner_up=0.29), 0.5, (), P)
    assert out.reasons == (Reason.CLOSE_ALTERNATIVE,)


def test_what_holds_for_the_sheet_holds_for_the_number():
    out = decide(number(0.999), 0.5, (Reason.ORIENTATION,), P)
    assert out.status is Status.REVIEW
    assert out.digits[0].status is Status.REVIEW


def test_ink_without_digits_is_unreadable():
    assert Reason.UNREADABLE in decide(Number((), 0.0, BOX), 0.5, (), P).reasons


def test_a_place_of_a_page_is_a_number_if_its_features_say_so():
    weights = named([0.0] * NAMES.index("logit_seen") + [1.0, 0.0])
    card = ModelCard(
        "", "", (), 0.5, second=SecondCard("", "", "", "", 0.5, page_number=weights, least_number=0.1)
    )
    found = decoded("17")
    here = replace(found, seen=Seen(0.5, is_found=True))
    judge = Judge(0.5, card, P)
    for seen, is_number in ((-4.0, False), (-1.0, True), (4.0, True)):
        features = replace(found.features, logit_seen=seen)
        assert judge.is_number(replace(here, features=features)) is is_number
        assert judge.is_number(replace(found, features=features)), "a field is not asked"


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
    assert are_near([Box(0, 0, 100, 40), other], P) == [near, near]
    assert are_near([other, Box(0, 0, 100, 40)], P) == [near, near]


def test_a_number_alone_has_no_neighbour():
    assert are_near([Box(0, 0, 100, 40)], P) == [False]
    assert are_near([], P) == []


def test_a_number_on_the_page_has_its_digits_in_page_pixels_and_the_models_confidence():
    read = decoded("47")
    half = view(shape=(600, 600), to_page=np.diag([0.5, 0.5, 1.0])).sheet
    found = number_on_page(read, half, (600, 600), 0.9)
    assert (found.text, found.written, found.status) == ("47", "47", Status.REVIEW)
    assert [d.box for d in found.digits] == [Box(0, 0, 10, 15), Box(12, 0, 10, 15)]
    assert found.box == Box(0, 0, 22, 15)
    assert found.confidence == 0.9
    assert [d.runner_up for d in found.digits] == [5, 8]
    assert [d.confidence for d in found.digits] == pytest.approx([0.9 + 0.1 * 0.99] * 2)


def test_confidence_is_that_of_the_card_and_without_weights_the_posterior():
    read, card = decoded("47"), ModelCard("digits", "", (), 0.5)
    assert Judge(0.5, card, P).confidence(read, in_cells=False) == pytest.approx(0.9)
    card = replace(card, number_confidence=named([0.0] * len(NAMES) + [1.0]))
    assert Judge(0.5, card, P).confidence(read, in_cells=True) == pytest.approx(1 / (1 + np.exp(-1)))


@pytest.mark.parametrize(
    ("evidence", "own", "sure"),
    [({}, 0.3, 0.99), ({"is_among_rows": True}, 0.3, 0.3), ({"is_among_rows": True}, 0.6, 0.99)],
)
def test_a_row_among_others_is_no_number_on_the_second_readers_word_alone(evidence, own, sure):
    second = SecondCard("", "", "", "", 0.9, number_confidence={"constant": np.log(99)})
    card = ModelCard(
        "digits", "", (), 0.5, number_confidence={"constant": np.log(own / (1 - own))}, second=second
    )
    read = replace(decoded("47"), line_text=TextEvidence(log_p_second=(-0.1, -0.1), text="47", **evidence))
    assert Judge(0.5, card, P).confidence(read, in_cells=False) == pytest.approx(sure)


def test_boxes_are_clipped_to_the_page():
    shifted = view(to_page=np.array([[1.0, 0, -10], [0, 1, 590], [0, 0, 1]])).sheet
    (digit,) = number_on_page(decoded("4"), shifted, (600, 600), 0.9).digits
    assert digit.box == Box(0, 590, 10, 10)


def test_the_bounds_of_review_are_those_of_the_parameters():
    lenient = replace(P, close_p=0.3, near_heights=0.5)
    assert decide(number(0.7, sure=0.99, runner_up=0.29), 0.5, (), lenient).status is Status.ACCEPTED
    assert are_near([Box(0, 0, 100, 40), Box(160, 0, 30, 40)], lenient) == [False, False]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_digit_is_never_less_likely_than_its_number(sure, likely, share):
    one = decoded("4")
    segment = replace(one.segments[0], probability=likely, runner_up_probability=share * (1 - likely))
    found = number_on_page(replace(one, segments=(segment,)), view().sheet, (600, 600), sure)
    (digit,) = found.digits
    assert digit.confidence >= found.confidence
    assert digit.confidence + digit.runner_up_confidence <= 1 + 1e-9


def test_two_sure_readers_that_disagree_send_the_number_to_review():
    read = decoded("47")
    for line, reason in (("47", "readers-disagree:41"), ("475", "readers-disagree")):
        doubted = replace(read, line_text=replace(read.line_text, text=line, dissent="41"))
        number = number_on_page(doubted, view().sheet, (600, 600), 0.9)
        found = decide(number, 0.0, (), P)
        assert found.status is Status.REVIEW
        assert found.reasons == (reason,)
