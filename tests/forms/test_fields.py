"""Fields cut out of a page, and what is accepted of them."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_form import FIELDS, SIZE, form, printed, seen
from reading_path import judged, lay_out

from digitocr.forms.places import Sight
from digitocr.forms.registration import RegistrationView, flatten, register
from digitocr.forms.rules import parse
from digitocr.records import Box, Digit, Number, Page, Reason, Status

RULE = parse("sum", "total == a + b", ["a", "b", "total"])
PICTURE = printed()
FORM = form(PICTURE, rules=(RULE,))


def written(texts):
    """The form with digits in its cells; a space leaves one blank."""
    page = PICTURE.copy()
    for one in FIELDS:
        for cell, sign in zip(one.cells, texts.get(one.name, ""), strict=False):
            cv2.putText(page, sign, (cell.x + 8, cell.bottom - 9), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 15, 4)
    return page


def filled(page, of=FORM):
    return lay_out(Page(1, page), of, register(RegistrationView(page), of))


def number(text, confidence=0.99, box=None, **said):
    at = box or Box(0, 0, 30, 10)
    width = at.width // max(1, len(text))
    digits = tuple(
        Digit(int(d), confidence, (int(d) + 1) % 10, 0.005, Box(at.x + i * width, at.y, width, at.height))
        for i, d in enumerate(text)
    )
    return Number(digits, confidence, at, text, **said)


def in_last_cells(page, texts):
    """Numbers as they would be read from the last cells of each field."""
    out = []
    for answer in page.answers:
        text = texts[answer.field.name]
        cells = answer.field.cells[len(answer.field.cells) - len(text) :]
        places = page.registration.place(np.array([c.centre for c in cells]).reshape(-1, 2))
        read = number(text)
        digits = tuple(
            replace(d, box=Box(round(x) - 5, round(y) - 5, 10, 10))
            for d, (x, y) in zip(read.digits, places, strict=True)
        )
        out.append(replace(read, digits=digits, box=answer.box))
    return out


def first(page):
    """The answer of the first field."""
    return filled(page).answers[0]


def test_a_rule_through_a_field_is_print():
    page = PICTURE.copy()
    cv2.line(page, (300, 218), (SIZE[0] - 30, 218), 30, 4)
    assert first(page).line is None


def test_ink_that_is_joined_with_a_neighbours_ends_where_the_field_does():
    page = PICTURE.copy()
    cell = FIELDS[0].cells[1]
    cv2.line(page, (cell.x + 22, cell.bottom - 12), (cell.x + 22, cell.y - 60), 15, 5)
    answer = first(page)
    around = 0.3 / 1.6 * len(answer.sheet.ink)
    assert answer.line.box.y == pytest.approx(around, abs=1)


def test_ink_that_ends_just_beyond_its_field_is_whole():
    page = PICTURE.copy()
    cell = FIELDS[0].cells[1]
    cv2.line(page, (cell.x + 22, cell.bottom - 12), (cell.x + 22, cell.y - 8), 15, 5)
    assert first(page).line.box.y < 0.3 / 1.6 * len(first(page).sheet.ink) - 3


def test_a_small_ring_stays_open_on_a_blurred_photo():
    page = PICTURE.copy()
    cell = FIELDS[0].cells[2]
    cv2.circle(page, (cell.x + 22, cell.y + 27), 5, 15, 4)
    found = lay_out(
        Page(1, cv2.GaussianBlur(page, (0, 0), 1.8)), FORM, register(RegistrationView(PICTURE), FORM)
    )
    paper = (~found.answers[0].sheet.ink).astype(np.uint8)
    areas, _ = cv2.connectedComponents(paper, connectivity=4)
    assert areas == 3  # the ring itself counts as one, then what is around it and within


def test_a_blank_form_has_no_ink_in_its_fields():
    assert [answer.line for answer in filled(PICTURE).answers] == [None, None, None]


def test_only_what_is_written_into_cells_is_left():
    page = filled(written({"a": " 42", "total": "7"}))
    cells = [answer.line.cells if answer.line else () for answer in page.answers]
    assert [set(found) for found in cells] == [{1, 2}, set(), {0}]
    assert [answer.line.room for answer in page.answers if answer.line] == [3, 3]


def test_a_cut_cell_never_reaches_into_the_next():
    line = filled(written({"a": "888"})).answers[0].line
    assert all(len({line.cells[i] for i in range(c.first, c.last)}) == 1 for c in line.candidates)


def test_the_ink_lies_where_the_page_has_it():
    homography = cv2.getPerspectiveTransform(
        np.array([(0, 0), (800, 0), (800, 1100), (0, 1100)], np.float32),
        np.array([(120, 1180), (90, 60), (880, 110), (900, 1150)], np.float32),
    )
    page = seen(written({"a": " 4 "}), homography, (1000, 1250))
    answer = filled(page).answers[0]
    there = [box for box, cell in zip(answer.line.pieces, answer.line.cells, strict=True) if cell == 1]
    box = answer.sheet.box_on_page(max(there, key=lambda box: box.width * box.height), page.shape)
    centre = cv2.perspectiveTransform(np.array([[FIELDS[0].cells[1].centre]]), homography)[0, 0]
    assert np.abs(np.array(box.centre) - centre).max() < 12


def test_a_flat_page_is_the_reference_again():
    homography = np.array([[0.9, 0.1, 60], [-0.08, 0.95, 90], [2e-5, 1e-5, 1]])
    found = register(RegistrationView(seen(PICTURE, homography, (1000, 1300))), FORM)
    flat = flatten(seen(PICTURE, homography, (1000, 1300)), found, 1.0)
    middle = np.s_[50:-50, 50:-50]
    assert np.abs(flat[middle].astype(float) - cv2.blur(PICTURE, (3, 3))[middle]).mean() < 8


def test_a_field_outside_the_picture_waits_and_says_so():
    page = np.ascontiguousarray(written({"a": "123"})[:640])
    half = filled(page)
    assert half.answers[2].sheet is None
    numbers = judged(half, [*in_last_cells(half, {"a": "123", "b": "", "total": ""})], 0.5)
    assert numbers[2].status is Status.REVIEW
    assert Reason.OUTSIDE in numbers[2].reasons


@pytest.fixture(scope="module")
def page():
    return filled(written({"a": " 12", "b": " 30", "total": " 42"}))


def test_what_keeps_the_rules_is_accepted(page):
    numbers = judged(page, in_last_cells(page, {"a": "12", "b": "30", "total": "42"}), 0.5)
    assert [(n.field, n.status) for n in numbers] == [(name, Status.ACCEPTED) for name in ("a", "b", "total")]


def test_a_broken_rule_is_named_at_all_its_fields_and_the_mending_digit_waits(page):
    numbers = judged(page, in_last_cells(page, {"a": "11", "b": "30", "total": "42"}), 0.5)
    assert all("rule-broken:sum" in n.reasons and n.status is Status.REVIEW for n in numbers)
    last = numbers[0].digits[-1]
    assert (last.value, last.runner_up, last.status) == (1, 2, Status.REVIEW)


def test_a_blank_field_that_must_not_be_blank_waits(page):
    numbers = judged(page, in_last_cells(page, {"a": "12", "b": "", "total": "12"}), 0.5)
    assert Reason.FIELD_BLANK in numbers[1].reasons


def test_a_hole_between_digits_waits(page):
    a, b, total = in_last_cells(page, {"a": "112", "b": "30", "total": "142"})
    a = replace(a, digits=(a.digits[0], a.digits[2]), written="12")
    numbers = judged(page, [a, b, total], 0.5)
    assert Reason.FIELD_GAP in numbers[0].reasons


def test_low_confidence_of_a_blank_waits(page):
    blank = Number((), 0.3, Box(0, 0, 5, 5))
    a, _, total = in_last_cells(page, {"a": "12", "b": "", "total": "12"})
    assert Reason.LOW_CONFIDENCE in judged(page, [a, blank, total], 0.5)[1].reasons


BLANK, FILLER, DIGIT, STRUCK = np.eye(4, dtype=np.float32)
SEEN = {"a": (BLANK, DIGIT, DIGIT), "b": (FILLER, DIGIT, DIGIT), "total": (BLANK, DIGIT, DIGIT)}


def reasons(page, texts, **seen):
    """Judge the fields where this is seen in their cells."""
    sights = tuple(Sight(np.stack(rows)) for rows in (SEEN | seen).values())
    return [n.reasons for n in judged(replace(page, seen=sights), in_last_cells(page, texts), 0.5)]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ((BLANK, DIGIT, DIGIT), ()),
        ((FILLER, DIGIT, DIGIT), ()),
        ((BLANK, STRUCK, DIGIT), ("struck-out",)),
        ((STRUCK, DIGIT, DIGIT), ("struck-out",)),
        ((DIGIT, DIGIT, DIGIT), ("faint-ink",)),
        ((0.3 * DIGIT + 0.7 * BLANK, DIGIT, DIGIT), ()),
    ],
)
def test_a_cell_without_a_digit_must_be_blank_and_no_digit_struck(page, seen, reason):
    assert reasons(page, {"a": "12", "b": "30", "total": "42"}, a=seen)[0] == reason


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ((BLANK, BLANK, BLANK), ()),
        ((FILLER, FILLER, BLANK), ()),
        ((BLANK, STRUCK, BLANK), ("struck-out",)),
        ((BLANK, BLANK, DIGIT), ("faint-ink",)),
    ],
)
def test_a_field_without_digits_must_be_blank_in_every_cell(page, seen, reason):
    page = replace(page, form=replace(FORM, template=replace(FORM.template, rules=())))
    fields = tuple(replace(answer, field=replace(answer.field, blank=True)) for answer in page.answers)
    page = replace(page, answers=fields)
    found = reasons(page, {"a": "", "b": "30", "total": "30"}, a=seen)[0]
    assert [r for r in found if r != "field-blank"] == list(reason)


def test_the_size_of_the_form_is_the_reference(page):
    assert page.registration.size == SIZE
