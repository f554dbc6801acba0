"""Ink to lines of candidates."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_path import segment

from digitocr.imaging.sheet import Sheet


def sheet_of(grey):
    return Sheet(grey, grey < 128, np.eye(3), grey)


def white(height=100, width=500):
    return np.full((height, width), 255, np.uint8)


def ring(grey, x, y, radius=20, thickness=4):
    cv2.circle(grey, (x, y), radius, 20, thickness)


def test_nothing_on_white():
    assert segment(sheet_of(white())) == ()


def test_rings_apart_are_whole_candidates_in_order():
    grey = white()
    for x in (50, 130, 210):
        ring(grey, x, 50)
    (line,) = segment(sheet_of(grey))
    whole = [c for c in line.candidates if c.is_whole]
    assert [round(c.box.centre[0] / 10) for c in whole] == [5, 13, 21]


def test_touching_rings_are_offered_apart_and_together():
    grey = white()
    ring(grey, 60, 50)
    ring(grey, 98, 50)
    (line,) = segment(sheet_of(grey))
    widths = sorted(c.box.width for c in line.candidates)
    assert any(abs(w - 42) <= 8 for w in widths)
    assert any(w > 75 for w in widths) or len(line.pieces) > 2


def test_a_broken_stroke_is_joined():
    grey = white()
    ring(grey, 60, 50)
    ring(grey, 140, 50)
    grey[50:53, 30:90] = 255
    (line,) = segment(sheet_of(grey))
    assert any(abs(c.box.height - 44) <= 4 and c.box.x < 50 for c in line.candidates)


def test_specks_are_left_out():
    grey = white()
    ring(grey, 60, 50)
    grey[10, 300] = grey[80, 200] = 0
    (line,) = segment(sheet_of(grey))
    assert line.box.right < 100


def test_a_low_stroke_beside_a_small_digit_is_of_its_row():
    grey = white()
    ring(grey, 60, 50, radius=6, thickness=2)
    grey[46:55, 38:40] = 20
    (line,) = segment(sheet_of(grey))
    assert min(c.box.x for c in line.candidates) <= 38


def slant_of(line):
    """Slant taken out of a line, as columns per row."""
    return -line.to_sheet[0, 1]


def test_wide_round_digits_that_touch_are_not_slanted():
    grey = white(width=700)
    for k, x in enumerate(range(60, 560, 92)):
        cv2.ellipse(grey, (x, 45 + 2 * k), (46, 36), -8, 0, 360, 20, 7)
    (line,) = segment(sheet_of(grey))
    assert abs(slant_of(line)) <= np.tan(np.radians(10))


@given(st.integers(-15, 45))
def test_slanted_strokes_are_set_upright(degrees):
    grey = white()
    lean = 35 * np.tan(np.radians(degrees))
    for x in range(80, 400, 60):
        cv2.line(grey, (round(x + lean), 15), (round(x - lean), 85), 20, 5, cv2.LINE_AA)
    (line,) = segment(sheet_of(grey))
    assert abs(np.degrees(np.arctan(slant_of(line))) - degrees) <= 5


def test_low_ink_alone_is_no_row():
    grey = white()
    for x in range(40, 200, 12):
        grey[46:55, x : x + 2] = 20
    ring(grey, 400, 50)
    (line,) = segment(sheet_of(grey))
    assert min(c.box.x for c in line.candidates) > 300


def test_rows_from_the_top_left_to_right():
    grey = white(300, 600)
    for y in (60, 200):
        for x in (60, 400):
            ring(grey, x, y + (x > 300) * 6)
    centres = [line.box.centre for line in segment(sheet_of(grey))]
    assert [(round(x / 100), round(y / 100)) for x, y in centres] == [(1, 1), (4, 1), (1, 2), (4, 2)]


@st.composite
def scribbles(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    grey = np.full((draw(st.integers(30, 160)), draw(st.integers(30, 400))), 255, np.uint8)
    height, width = grey.shape
    for _ in range(draw(st.integers(1, 8))):
        points = rng.integers(0, [width, height], (4, 2)).astype(np.int32)
        cv2.polylines(grey, [points], False, int(rng.integers(0, 90)), int(rng.integers(1, 6)))
    return grey


@given(scribbles())
def test_pieces_and_candidates_fit_together(grey):
    height, width = grey.shape
    for line in segment(sheet_of(grey)):
        assert set(np.unique(line.labels)) - {0} == set(range(1, len(line.pieces) + 1))
        covered = {c.first for c in line.candidates if c.last == c.first + 1}
        assert covered == set(range(len(line.pieces))), "each piece alone is a candidate"
        for c in line.candidates:
            assert 0 <= c.first < c.last <= len(line.pieces)
            assert line.ink(c).any()
            assert c.box.x >= 0
            assert c.box.right <= width + 1
            assert c.box.bottom <= height + 1


@pytest.mark.parametrize(
    ("lines", "numbers"),
    [((), 1), ((160, 340), 3), ((100, 160, 220, 280, 340), 1)],
    ids=["none", "a table's columns", "guides between all digits"],
)
def test_lines_of_a_table_part_numbers(lines, numbers):
    grey = white(600, 600)
    for x in (70, 130, 190, 250, 310, 370):
        ring(grey, x, 300)
    uprights = np.zeros(grey.shape, np.bool_)
    for x in lines:
        uprights[100:500, x : x + 2] = True
    found = segment(replace(sheet_of(grey), uprights=uprights))
    assert len(found) == numbers
    assert sum(c.is_whole for line in found for c in line.candidates) == 6


def test_the_side_of_a_box_parts_nothing():
    grey = white(600, 600)
    for x in (70, 130, 190):
        ring(grey, x, 300)
    uprights = np.zeros(grey.shape, np.bool_)
    uprights[270:330, 100] = True
    assert len(segment(replace(sheet_of(grey), uprights=uprights))) == 1


@pytest.fixture
def desk():
    """A field with the edge of a turned sheet of paper, as high as half of it, and a stroke on the paper."""
    grey = white(192, 250)
    corners = cv2.boxPoints(((125, 95), (120, 100), 8)).astype(np.int32)
    cv2.polylines(grey, [corners], True, 20, 9)
    cv2.line(grey, (124, 82), (118, 110), 20, 4)
    return grey


def test_the_edge_of_paper_on_a_desk_hides_no_writing(desk):
    (line,) = segment(sheet_of(desk))
    assert abs(line.box.height - 32) <= 3
    assert line.box.width < 20


def test_a_round_digit_with_ink_inside_is_a_digit():
    grey = white(192, 250)
    cv2.ellipse(grey, (125, 95), (45, 70), 0, 0, 360, 20, 9)
    cv2.line(grey, (124, 82), (118, 110), 20, 4)
    (line,) = segment(sheet_of(grey))
    assert line.box.height > 130


def test_a_printed_box_that_writing_fills_is_of_its_row(desk):
    cv2.line(desk, (128, 62), (114, 130), 20, 4)
    (line,) = segment(sheet_of(desk))
    assert line.box.width > 100
