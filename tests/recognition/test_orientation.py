"""Which way up a page is; with the shipped model in tests/test_pipeline.py."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from reading_path import upright_view

from digitocr.imaging.parameters import Imaging
from digitocr.recognition.orientation import best_turn, read_views, settle, turned_view
from digitocr.recognition.parameters import Orientation
from digitocr.records import Box, Page, PageKind
from tests.support.decoded import decoded, line, read, view

P = Orientation()
UNCONFIRMED = -9.0


def digits(text, likeness=0.99, log_p_ctc=UNCONFIRMED):
    """A page of one number."""
    return read([decoded(text, likeness=likeness, log_p_ctc=log_p_ctc)])


class TestWhatIsRead:
    def test_a_clear_page_has_likely_digits_in_wide_rows(self):
        assert digits("123").is_clear(P)
        assert not digits("123", likeness=0.8).is_clear(P)
        assert not read([]).is_clear(P)

    def test_a_page_of_which_little_is_read_is_not_clear(self):
        number = decoded("1")
        wide = line(Box(0, 0, 20, 30), Box(30, 0, 60, 30), Box(100, 0, 400, 5))
        found = replace(read([number]), view=view(wide))
        assert found.covered(P) == pytest.approx(20 / 80)
        assert not found.is_clear(P)
        assert found.is_clear(replace(P, clear_covered_share=0.2))

    def test_rows_without_digits_are_not_counted(self):
        assert read([decoded("12")], []).covered(P) == 1
        assert read([]).covered(P) == 0

    def test_single_digits_one_below_the_other_are_stacked(self):
        assert read([decoded("1")], [decoded("2", y=50)]).is_stacked(P)
        assert not read([decoded("12")], [decoded("34", y=50)]).is_stacked(P)
        assert not read([decoded("1")]).is_stacked(P)

    def test_on_a_crop_rows_without_digits_are_of_the_stack_if_they_are_high(self):
        rows = [[decoded("1")], []]
        assert not read(*rows).is_stacked(P)
        assert read(*rows, kind=PageKind.FIELD).is_column(P)
        assert not read([decoded("1")], [decoded("2", y=50)]).is_column(P)

    def test_merit_counts_likely_digits_and_long_numbers(self):
        assert digits("1234").merit > 2 * digits("12").merit
        assert digits("12", likeness=0.5).merit == 0
        assert read([]).merit == 0

    def test_a_page_is_confirmed_by_the_line_reader_row_by_row(self):
        assert digits("12", log_p_ctc=math.log(0.6)).is_confirmed(P)
        assert not digits("12", log_p_ctc=math.log(0.4)).is_confirmed(P)
        assert not digits("1", log_p_ctc=0.0).is_confirmed(P)

    def test_single_digits_all_over_are_not_in_rows(self):
        assert digits("12").is_in_rows(P)
        assert not read([decoded("1"), decoded("2", x=300)]).is_in_rows(P)


class TestBestTurn:
    def test_a_page_whose_text_is_confirmed_is_not_turned_but_waits(self):
        upright = digits("12", likeness=0.7, log_p_ctc=0.0)
        assert best_turn(upright, [digits("123")], P) == (upright, True)
        assert best_turn(upright, [digits("12", likeness=0.55)], P) == (upright, False)

    def test_a_page_that_reads_much_better_turned_is_turned_and_a_near_tie_waits(self):
        upright, turned = digits("12", likeness=0.7), digits("1234")
        assert best_turn(upright, [digits("12"), turned], P) == (turned, False)
        near = digits("12", likeness=0.75)
        assert best_turn(upright, [near], P) == (upright, True)

    def test_a_crop_with_nothing_but_a_column_is_in_doubt(self):
        upright = digits("1", likeness=0.51)
        column = read([decoded("12", log_p_ctc=UNCONFIRMED)], [], [], kind=PageKind.FIELD)
        assert best_turn(upright, [column], P) == (column, True)
        assert best_turn(column, [], P) == (column, True)
        assert best_turn(upright, [], P) == (upright, False)

    def test_single_digits_all_over_a_turned_page_are_not_believed(self):
        upright = digits("1", likeness=0.51)
        scattered = read([decoded("1", x=100 * k) for k in range(4)])
        assert best_turn(upright, [scattered], P) == (upright, False)


def tees(turns):
    """A page with a row of four tees, turned by quarters."""
    grey = np.full((500, 700), 255, np.uint8)
    for x in range(150, 550, 100):
        cv2.rectangle(grey, (x, 200), (x + 60, 214), 0, -1)
        cv2.rectangle(grey, (x + 23, 200), (x + 37, 290), 0, -1)
    return Page(1, np.ascontiguousarray(np.rot90(grey, turns)))


def looks_upright(picture):
    """Whether the bar of a tee, or of a row of them, is on top."""
    inked = np.count_nonzero(picture > 100, axis=1)
    rows = inked[inked > 0]
    return rows[0] > 2 * rows[-1]


class Reading:
    """Networks for which an upright tee is a likely 7 and any other an unlikely one; counts the lines it decodes."""

    def __init__(self):
        self.lines = 0

    def log_probabilities(self, images):
        out = np.full((len(images), 12), math.log(0.01), np.float32)
        out[:, 7] = [math.log(0.9 if looks_upright(image) else 0.2) for image in images]
        return out

    def decode(self, lines):
        self.lines += len(lines)
        return [
            [decoded("7777", likeness=0.9 if looks_upright(one.dark) else 0.2, log_p_ctc=UNCONFIRMED)]
            for one in lines
        ]


class TestSettle:
    def test_a_clear_page_is_not_turned(self):
        reading = Reading()
        reads = read_views([upright_view(tees(0))], reading.decode)
        looked_at = reading.lines
        assert settle(reads, reading.decode, reading.log_probabilities, P, Imaging()) == [(reads[0], False)]
        assert reading.lines == looked_at

    def test_a_page_upside_down_is_turned(self):
        reading = Reading()
        (read_,) = read_views([upright_view(tees(2))], reading.decode)
        ((settled, is_in_doubt),) = settle([read_], reading.decode, reading.log_probabilities, P, Imaging())
        assert not is_in_doubt
        assert settled.mean == pytest.approx(0.9)
        assert (settled.view.sheet.ink == turned_view(read_.view, 2, Imaging()).sheet.ink).all()

    def test_a_page_without_rows_stays(self):
        blank = read_views([upright_view(Page(1, np.full((300, 300), 255, np.uint8)))], Reading().decode)
        assert settle(blank, Reading().decode, Reading().log_probabilities, P, Imaging()) == [
            (blank[0], False)
        ]
