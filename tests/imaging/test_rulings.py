"""Rulings at any angle go, strokes stay."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_path import P, page_kind

from digitocr.imaging import rulings, scale
from digitocr.imaging.components import components
from digitocr.records import PageKind


def written(text="2385", height=160, width=520, size=2.0, at=(60, 110)):
    ink = np.zeros((height, width), np.uint8)
    cv2.putText(ink, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, 255, 4)
    return ink > 127


def with_line(ink, start, end, thickness=3):
    picture = ink.astype(np.uint8) * 255
    cv2.line(picture, start, end, 255, thickness)
    return picture > 127


def cleaned(ink):
    kind, height = page_kind(ink, min(ink.shape))
    if kind is PageKind.PAGE:
        lines = rulings.on_page(
            ink, scale.page_length(height, min(ink.shape), P.scale), P.rulings, P.straight_lines
        )
    else:
        found = components(ink)
        length = scale.field_length(ink, found, P.scale)
        lines = rulings.in_field(ink, found, length, P.rulings, P.straight_lines)
    return ink if lines is None else rulings.without(ink, lines, P.rulings)


def overlap(a, b):
    return np.logical_and(a, b).sum() / max(1, np.logical_or(a, b).sum())


@given(slope=st.floats(-0.06, 0.06), y=st.integers(20, 140))
def test_a_line_at_an_angle_goes_and_strokes_stay(slope, y):
    ink = written()
    rise = round(slope * 260)
    ruled = with_line(ink, (0, y - rise), (519, y + rise))
    assert overlap(cleaned(ruled), ink) > 0.7


@given(slope=st.floats(-0.08, 0.08))
def test_the_border_of_a_cell_goes(slope):
    ink = written()
    lean = round(slope * 80)
    boxed = with_line(ink, (480 - lean, 0), (480 + lean, 159))
    assert not cleaned(boxed)[:, 460:].any()


@pytest.mark.parametrize("bow", [4, 10])
def test_a_bent_line_goes(bow):
    ink = written()
    picture = ink.astype(np.uint8) * 255
    x = np.arange(520)
    y = 130 + bow * (2 * x / 519 - 1) ** 2
    cv2.polylines(picture, [np.stack([x, y], axis=1).round().astype(np.int32)], False, 255, 3)
    assert overlap(cleaned(picture > 127), ink) > 0.8


@pytest.mark.parametrize("slant", [0.12, 0.3])
def test_slanted_strokes_of_digits_are_no_borders(slant):
    ink = np.zeros((100, 300), np.uint8)
    for x in (40, 90, 140, 190):
        cv2.line(ink, (x, 90), (round(x + 80 * slant), 10), 255, 5)
    assert overlap(cleaned(ink > 0), ink > 0) > 0.95


def test_zeros_in_a_row_are_no_line():
    ink = np.zeros((100, 420), np.uint8)
    for x in range(40, 400, 46):
        cv2.ellipse(ink, (x, 50), (20, 30), 0, 0, 360, 255, 4)
    assert overlap(cleaned(ink > 0), ink > 0) > 0.95


def test_a_table_photographed_at_an_angle_falls_apart():
    table = np.zeros((700, 560), np.uint8)
    for y in range(20, 700, 110):
        cv2.line(table, (20, y), (540, y), 255, 5)
    for x in (20, 200, 370, 540):
        cv2.line(table, (x, 20), (x, 680), 255, 5)
    for row, text in enumerate(("5", "83", "19", "4", "602", "7")):
        cv2.putText(table, text, (390, 100 + 110 * row), cv2.FONT_HERSHEY_SIMPLEX, 2, 255, 5)
    corners = np.float32([[60, 30], [620, 90], [560, 760], [10, 680]])
    forward = cv2.getPerspectiveTransform(np.float32([[0, 0], [560, 0], [560, 700], [0, 700]]), corners)
    ink = cv2.warpPerspective(table, forward, (640, 800)) > 127
    _, boxes = components(cleaned(ink))
    assert np.count_nonzero(boxes[:, 3] > 30) >= 9
    assert boxes[:, 3].max() < 90, "no digit hangs on the table any more"


def test_a_large_digit_is_not_taken_for_a_table():
    ink = np.zeros((420, 420), np.uint8)
    cv2.putText(ink, "7", (90, 370), cv2.FONT_HERSHEY_SIMPLEX, 14, 255, 24)
    assert overlap(cleaned(ink > 0), ink > 0) > 0.95


def test_large_digits_beside_small_print_keep_their_strokes():
    ink = np.zeros((700, 560), np.uint8)
    for y in range(60, 660, 60):
        cv2.putText(ink, "Nr.", (30, y), cv2.FONT_HERSHEY_SIMPLEX, 1, 255, 2)
    for y in (60, 240, 420):
        cv2.polylines(ink, [np.int32([[300, y], [380, y + 4], [350, y + 130]])], False, 255, 5)
    assert overlap(cleaned(ink > 0), ink > 0) > 0.95


def test_on_a_crop_the_foot_of_a_digit_is_no_line_unless_it_reaches_a_side():
    ink = np.zeros((100, 220), np.uint8)
    cv2.line(ink, (110, 20), (110, 70), 255, 4)
    cv2.line(ink, (65, 70), (155, 70), 255, 4)
    assert overlap(cleaned(ink > 0), ink > 0) > 0.95
    cv2.line(ink, (0, 70), (155, 70), 255, 4)
    assert overlap(cleaned(ink > 0), ink > 0) < 0.5


def test_on_a_crop_a_tall_1_is_no_line_and_the_side_of_a_box_is():
    ink = np.zeros((96, 164), np.uint8)
    for x in (30, 80):
        cv2.ellipse(ink, (x, 55), (16, 28), 0, 0, 360, 255, 7)
    cv2.line(ink, (130, 8), (126, 86), 255, 8)
    assert overlap(cleaned(ink > 0), ink > 0) > 0.95
    boxed = ink.copy()
    cv2.rectangle(boxed, (106, 6), (150, 89), 255, 2)
    assert overlap(cleaned(boxed > 0), ink > 0) > 0.75


def test_a_stem_that_ends_near_a_side_is_no_line():
    ink = np.zeros((96, 179), np.uint8)
    cv2.line(ink, (16, 14), (16, 72), 255, 8)
    for x in (40, 80, 115, 150):
        cv2.ellipse(ink, (x, 60), (16, 22), 0, 0, 360, 255, 7)
    cv2.line(ink, (16, 72), (28, 72), 255, 7)
    assert overlap(cleaned(ink > 0), ink > 0) > 0.95


@pytest.mark.parametrize("beside", [True, False])
def test_a_one_as_high_as_its_crop_is_no_line(beside):
    ink = np.zeros((96, 156), np.uint8)
    cv2.line(ink, (114, 2), (114, 95), 255, 14)
    if beside:
        cv2.putText(ink, "2", (6, 92), cv2.FONT_HERSHEY_SIMPLEX, 3.8, 255, 9)
    assert overlap(cleaned(ink > 0), ink > 0) > 0.95


def test_a_line_higher_than_the_digits_beside_it_goes():
    ink = np.zeros((96, 156), np.uint8)
    cv2.line(ink, (130, 0), (130, 95), 255, 4)
    cv2.putText(ink, "27", (20, 70), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 5)
    assert not cleaned(ink > 0)[:, 120:].any()


def framed(digits, side=70, gap=20):
    """Digits as high as the boxes around them, and the boxes."""
    shape = (96, gap + len(digits) * (side + gap))
    ink, boxes = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for k, digit in enumerate(digits):
        x = gap + k * (side + gap)
        cv2.rectangle(boxes, (x, 12), (x + side, 12 + side), 255, 4)
        cv2.putText(ink, digit, (x + 8, 12 + side + 1), cv2.FONT_HERSHEY_SIMPLEX, 2.6, 255, 5)
    return ink > 0, boxes > 0


@pytest.mark.parametrize("digits", ["27", "5823"])
def test_boxes_go_though_every_digit_touches_its_own(digits):
    ink, boxes = framed(digits)
    left = cleaned(ink | boxes)
    assert np.count_nonzero(left & boxes & ~ink) < 0.1 * np.count_nonzero(boxes)
    assert np.count_nonzero(left & ink) > 0.85 * np.count_nonzero(ink)


@pytest.mark.parametrize("count", [1, 2])
def test_an_eight_drawn_as_a_box_stays(count):
    ink = np.zeros((96, 80 * count), np.uint8)
    for x in range(18, 80 * count, 80):
        cv2.rectangle(ink, (x, 10), (x + 42, 86), 255, 5)
        cv2.line(ink, (x, 48), (x + 42, 48), 255, 5)
    assert overlap(cleaned(ink > 0), ink > 0) > 0.95


@given(lean=st.integers(-8, 8))
def test_pale_upright_lines_of_a_table_are_seen_and_boxes_are_not(lean):
    even = np.full((700, 600), 255, np.uint8)
    cv2.line(even, (300 - lean, 100), (300 + lean, 600), 235, 2, cv2.LINE_AA)
    cv2.rectangle(even, (100, 200), (150, 250), 120, 2)
    cv2.putText(even, "117", (400, 250), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 30, 4, cv2.LINE_AA)
    _, height = page_kind(even < 128, min(even.shape))
    seen = rulings.upright(even, scale.page_length(height, min(even.shape), P.scale), P.rulings)
    assert seen[110:590].any(axis=1).mean() > 0.95
    assert not seen[:, :200].any()
    assert not seen[:, 400:].any()
