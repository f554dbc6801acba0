"""Numbers on a page by what the page network sees: here it sees the truth."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitocr.imaging import clean, detection
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.sheet import Seen, Sheet
from digitocr.networks.page_network import CLASSES, DIGIT, PRINT, PageMaps
from digitocr.records import Page, PageKind
from digitocr.training.synth.layouts.files import layouts
from digitocr.training.synth.layouts.pages import layout_page
from digitocr.training.synth.strokes import Sources
from tests.support.true_maps import true_maps

P = Imaging()


def maps(shape, *, digits=(), lines=(), printed=()):
    """Maps with digits, centre lines and print in these parts."""
    shown, centre = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    for part in digits:
        shown[part] = DIGIT
    for part in printed:
        shown[part] = PRINT
    for part in lines:
        centre[part] = 1
    return PageMaps(np.eye(len(CLASSES), dtype=np.float32)[shown], centre)


def sheet_of(grey, to_page=None, page=None):
    eye = np.eye(3) if to_page is None else to_page
    return Sheet(grey, grey < 128, eye, grey if page is None else page, kind=PageKind.PAGE)


def holds(box, x, y):
    return box.x <= x < box.right and box.y <= y < box.bottom


def rows_of(cells):
    return {int(one) for one in np.unique(cells)} - {0}


class TestNumberCells:
    def test_cells_go_to_the_nearest_line(self):
        seen = maps(
            (20, 40),
            digits=[np.s_[2:10, 2:18], np.s_[10:18, 2:18]],
            lines=[np.s_[4:8, 4:16], np.s_[12:16, 4:16]],
        )
        cells = detection.number_cells(seen)
        assert len(rows_of(cells)) == 2
        assert len(rows_of(cells[2:9, 2:18])) == len(rows_of(cells[11:18, 2:18])) == 1

    def test_digits_far_from_any_line_are_a_number_of_their_own(self):
        seen = maps((20, 60), digits=[np.s_[4:12, 2:10], np.s_[4:12, 40:48]], lines=[np.s_[6:10, 4:8]])
        cells = detection.number_cells(seen)
        assert len(rows_of(cells)) == 2
        assert rows_of(cells[4:12, 40:48]).isdisjoint(rows_of(cells[4:12, 2:10]))

    def test_paper_around_digits_belongs_to_them_but_print_does_not(self):
        seen = maps(
            (20, 30), digits=[np.s_[5:10, 5:10]], lines=[np.s_[6:9, 6:9]], printed=[np.s_[5:10, 10:15]]
        )
        cells = detection.number_cells(seen)
        assert (cells[4:11, 4:10] > 0).all()
        assert not cells[5:10, 10:].any()

    def test_a_line_without_digits_is_no_number(self):
        assert not detection.number_cells(maps((20, 20), lines=[np.s_[5:9, 5:15]])).any()

    def test_digits_without_any_line_are_numbers_too(self):
        assert len(rows_of(detection.number_cells(maps((20, 20), digits=[np.s_[5:9, 5:15]])))) == 1

    @given(st.integers(0, 10_000))
    @settings(max_examples=40, deadline=None)
    def test_every_cell_with_a_digit_is_of_a_number(self, seed):
        rng = np.random.default_rng(seed)
        noise = rng.random((24, 24))
        seen = maps((24, 24), digits=[noise > 0.7], lines=[(noise > 0.9) & (rng.random((24, 24)) > 0.5)])
        cells = detection.number_cells(seen)
        assert (cells[noise > 0.7] > 0).all()


class TestInk:
    @pytest.mark.parametrize("pen", [40, 150, 215])
    def test_it_is_told_from_paper_however_pale_the_pen(self, pen):
        grey = np.full((40, 40), 250, np.uint8)
        cv2.line(grey, (10, 5), (30, 35), pen, 3)
        ink = detection.ink_among(grey, np.ones(grey.shape, np.bool_))
        assert (ink == (grey == pen)).all()

    def test_what_is_not_of_the_number_does_not_count(self):
        grey = np.full((40, 60), 250, np.uint8)
        grey[10:30, 10:14], grey[:, 40:60] = 180, 0
        mine = np.zeros(grey.shape, np.bool_)
        mine[:, :36] = True
        assert (detection.ink_among(grey, mine) == (grey == 180)).all()


class TestOnSheet:
    def test_an_unchanged_page_shows_the_same(self):
        seen = maps((10, 15), digits=[np.s_[2:5, 3:8]], lines=[np.s_[3:4, 4:7]])
        sheet = sheet_of(np.full((40, 60), 255, np.uint8))
        found = detection.on_sheet(sheet, seen)
        assert np.allclose(found.classes, seen.classes, atol=1e-6)
        assert np.allclose(found.centre, seen.centre, atol=1e-6)

    def test_a_turned_page_shows_it_turned(self):
        seen = maps((10, 15), digits=[np.s_[2:5, 3:8]], lines=[np.s_[3:4, 4:7]])
        page = np.full((40, 60), 255, np.uint8)
        quarter = np.array([[0, -1, 60], [1, 0, 0], [0, 0, 1]], dtype=np.float64)
        found = detection.on_sheet(sheet_of(np.rot90(page).copy(), quarter, page), seen)
        assert np.allclose(found.centre, np.rot90(seen.centre), atol=1e-3)


class TestLines:
    @pytest.fixture
    def drawing(self):
        (layout,) = (one for one in layouts(held_out=True) if one.name == "lab-table")
        return layout_page(np.random.default_rng(4), Sources(), layout)

    def test_each_number_of_a_drawn_page_is_a_line_and_nothing_else_is(self, drawing):
        sheet = clean.clean(Page(1, drawing.image), P)
        seen = true_maps(drawing)
        lines = detection.lines_on(replace(sheet, kind=PageKind.PAGE), lambda: seen, P)
        found = [line for line in lines if line.seen.is_found]
        boxes = [sheet.box_on_page(line.box, drawing.image.shape) for line in found]
        numbers = [number.box for number in drawing.numbers]
        met = [[k for k, box in enumerate(boxes) if holds(box, *number.centre)] for number in numbers]
        assert len(found) <= 1.05 * len(numbers)
        assert sum(len(some) == 1 for some in met) >= 0.95 * len(numbers)

    def test_a_page_on_which_no_digit_is_seen_has_no_lines(self, drawing):
        sheet = clean.clean(Page(1, drawing.image), P)
        lines = detection.lines_on(replace(sheet, kind=PageKind.PAGE), lambda: maps((20, 20)), P)
        assert lines
        assert {line.seen for line in lines} == {Seen(0.0, is_found=False)}

    def test_the_network_is_not_asked_about_a_field(self):
        grey = np.full((60, 100), 255, np.uint8)
        cv2.putText(grey, "17", (20, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 0, 3)
        sheet = clean.clean(Page(1, grey), P)
        assert sheet.kind is not PageKind.PAGE
        assert len(detection.lines_on(sheet, lambda: pytest.fail("asked"), P)) == 1
