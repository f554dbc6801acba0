"""What kind of picture it is."""

import cv2
import numpy as np
import pytest
from reading_path import clean, page_kind

from digitocr.records import Page, PageKind
from digitocr.training.synth.form_pages import page
from digitocr.training.synth.strokes import Sources


def ink_of(height, width, rows, size, text="2385"):
    ink = np.zeros((height, width), np.uint8)
    for k in range(rows):
        at = (width // 10, round((k + 0.7) * height / rows))
        cv2.putText(ink, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, 255, max(1, round(3 * size)))
    return ink > 127


@pytest.mark.parametrize("times", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("shape", "rows", "size", "kind"),
    [
        ((120, 420), 1, 2.0, PageKind.FIELD),
        ((120, 120), 1, 1.0, PageKind.FIELD),
        ((600, 420), 15, 1.0, PageKind.PAGE),
        ((420, 420), 3, 2.2, PageKind.PAGE),
    ],
)
def test_the_kind_does_not_depend_on_the_resolution(shape, rows, size, kind, times):
    ink = ink_of(shape[0] * times, shape[1] * times, rows, size * times)
    assert page_kind(ink, min(ink.shape))[0] is kind


def test_a_tiny_picture_shows_one_digit():
    assert page_kind(ink_of(28, 28, 1, 0.8, "7"), 28) == (PageKind.DIGIT, 0.0)


def test_the_evidence_is_the_height_of_the_digits():
    ink = ink_of(600, 420, 5, 2.0)
    rows = np.flatnonzero(ink[:120].any(axis=1))
    assert page_kind(ink, 420)[1] == pytest.approx(np.ptp(rows) + 1, rel=0.15)


def test_where_nothing_tells_the_height_it_is_a_field():
    ink = np.zeros((500, 700), np.bool_)
    ink[250] = True
    assert page_kind(ink, 500) == (PageKind.FIELD, 0.0)


def test_without_ink_it_is_a_page_that_may_be_too_pale_unless_a_page_cannot_be_so_small():
    assert page_kind(np.zeros((500, 700), np.bool_), 500) == (PageKind.PAGE, 0.0)
    assert page_kind(np.zeros((60, 200), np.bool_), 60) == (PageKind.FIELD, 0.0)


@pytest.mark.parametrize("seed", [28, 5, 12])
def test_a_page_of_tables_is_a_page_whatever_is_left_of_its_lines(seed):
    grey = page(np.random.default_rng(seed), Sources(), shape=(1400, 990)).image
    assert clean(Page(1, grey)).kind is PageKind.PAGE


@pytest.mark.parametrize("seed", [18, 108])
def test_a_page_of_tables_is_a_page_at_a_low_resolution(seed):
    grey = page(np.random.default_rng(seed), Sources(), shape=(900, 636)).image
    assert clean(Page(1, grey)).kind is PageKind.PAGE
