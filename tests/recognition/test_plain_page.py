"""A page that is not a form."""

from dataclasses import replace

import numpy as np
import pytest

from digitocr.networks.card import ModelCard
from digitocr.networks.page_network import CLASSES, OUTSIDE, PAPER, PRINT, WRITING, PageMaps
from digitocr.recognition.judge import Judge
from digitocr.recognition.parameters import Acceptance
from digitocr.recognition.plain_page import PlainPage
from digitocr.records import Box, Nothing, PageKind, Reason, Status
from tests.support.decoded import decoded, view

CARD = ModelCard("digits", "", (), 0.5)
JUDGE = Judge(0.5, CARD, Acceptance())


def test_numbers_are_accepted_in_reading_order():
    rows = ((decoded("12"), decoded("7", x=400)), (decoded("305", y=100),))
    result = PlainPage(view()).result(rows, JUDGE)
    assert [number.text for number in result.numbers] == ["12", "7", "305"]
    assert {number.status for number in result.numbers} == {Status.ACCEPTED}
    assert (result.index, result.shape, result.error) == (1, (600, 600), "")


def test_boxes_are_carried_to_the_page():
    shifted = np.array([[2.0, 0, 10], [0, 2.0, 20], [0, 0, 1]])
    (number,) = PlainPage(view(to_page=shifted)).result(((decoded("4"),),), JUDGE).numbers
    assert number.box == Box(10, 20, 40, 60)


def test_numbers_side_by_side_wait():
    rows = ((decoded("12"), decoded("3", x=80), decoded("4", x=400)),)
    numbers = PlainPage(view()).result(rows, JUDGE).numbers
    assert [number.reasons for number in numbers] == [(Reason.NEIGHBOUR,), (Reason.NEIGHBOUR,), ()]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (PlainPage(view(), is_in_doubt=True), Reason.ORIENTATION),
        (PlainPage(view(), no_form="it is none of the forms"), Reason.NO_FORM),
        (PlainPage(view(reasons=(Reason.PAGE_QUALITY,))), Reason.PAGE_QUALITY),
    ],
)
def test_what_speaks_against_the_page_holds_for_its_numbers(page, reason):
    result = page.result(((decoded("12"),),), JUDGE)
    assert [number.reasons for number in result.numbers] == [(reason,)]
    assert result.error == page.no_form


def test_a_number_below_the_threshold_waits():
    strict = Judge(0.95, CARD, Acceptance())
    (number,) = PlainPage(view()).result(((decoded("12"),),), strict).numbers
    assert number.reasons == (Reason.LOW_CONFIDENCE,)


def maps(*shown):
    classes = np.eye(len(CLASSES), dtype=np.float32)[np.resize(shown, (4, 4))]
    return PageMaps(classes, classes[..., 0])


@pytest.mark.parametrize(
    ("shown", "nothing", "error"),
    [
        ((PAPER,), Nothing.BLANK, ""),
        ((PAPER, OUTSIDE), Nothing.BLANK, ""),
        ((PAPER, PRINT), Nothing.NOT_FOUND, "no form"),
        ((WRITING,), Nothing.NOT_FOUND, "no form"),
    ],
)
def test_a_page_without_numbers_is_blank_only_if_nothing_is_seen_on_it(shown, nothing, error):
    seen = replace(view(), seen=lambda: maps(*shown))
    result = PlainPage(seen, "no form").result((), JUDGE)
    assert (result.numbers, result.nothing, result.error) == ((), nothing, error)


def test_a_speck_is_no_ink_and_the_smallest_stroke_is():
    speck, two, stroke = ((2, 2),), ((2, 2), (4, 4)), ((2, 2), (3, 2))
    for marked, nothing in ((speck, Nothing.BLANK), (two, Nothing.BLANK), (stroke, Nothing.NOT_FOUND)):
        cells = np.full((6, 6), PAPER)
        cells[tuple(zip(*marked, strict=True))] = WRITING
        classes = np.eye(len(CLASSES), dtype=np.float32)[cells]
        seen = replace(view(), seen=lambda classes=classes: PageMaps(classes, classes[..., 0]))
        assert PlainPage(seen).result((), JUDGE).nothing is nothing


@pytest.mark.parametrize(
    ("kind", "glance", "closely", "nothing", "looks"),
    [
        (PageKind.FIELD, PRINT, PAPER, Nothing.NOT_FOUND, ["glance"]),
        (PageKind.FIELD, PAPER, WRITING, Nothing.NOT_FOUND, ["glance", "closely"]),
        (PageKind.FIELD, PAPER, PAPER, Nothing.BLANK, ["glance", "closely"]),
        (PageKind.PAGE, PRINT, PAPER, Nothing.BLANK, ["closely"]),
    ],
)
def test_only_where_a_glance_shows_no_ink_is_a_field_looked_at_closely(kind, glance, closely, nothing, looks):
    asked = []
    seen = replace(
        view(kind=kind),
        glance=lambda: asked.append("glance") or maps(glance),
        seen=lambda: asked.append("closely") or maps(closely),
    )
    assert PlainPage(seen).result((), JUDGE).nothing is nothing
    assert asked == looks


def test_a_page_with_numbers_is_not_without_any():
    assert PlainPage(view()).result(((decoded("4"),),), JUDGE).nothing is None


def test_a_settled_page_takes_the_lines_of_its_view():
    page, turned = PlainPage(view(), "no form"), view(shape=(300, 400))
    settled = page.settled(turned, is_in_doubt=True)
    assert settled == PlainPage(turned, "no form", is_in_doubt=True)
    assert settled.lines == turned.lines
