"""Lines at the line reader's size."""

from itertools import pairwise

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from reading_path import segment

from digitocr.imaging.sheet import Sheet
from digitocr.networks.line_reader import FRAME, ROWS
from digitocr.recognition.line_image import LineImage
from digitocr.recognition.parameters import LineImages

P = LineImages()


def line_of(grey):
    (line,) = segment(Sheet(grey, grey < 128, np.eye(3), grey))
    return line


def rings(count, size, rise=0):
    """A row of rings, each `rise` pixels above the last."""
    grey = np.full((6 * size + abs(rise) * count, (2 * count + 2) * size), 255, np.uint8)
    for k in range(count):
        middle = (2 * size + 2 * k * size, grey.shape[0] // 2 - rise * (k - count // 2))
        cv2.circle(grey, middle, size // 2, 0, max(2, size // 10))
    return grey


@given(st.integers(1, 6), st.integers(20, 90))
def test_rings_of_any_size_become_as_high_as_digits(count, size):
    made = LineImage.of(line_of(rings(count, size)), P)
    assert made.picture.shape[0] == ROWS
    inked = np.flatnonzero((made.picture > 100).any(axis=(1, 2)))
    assert abs(inked[-1] - inked[0] + 1 - P.digit_height_px) <= 2.5
    assert abs((inked[-1] + inked[0]) / 2 - (ROWS - 1) / 2) <= 1.5


@given(st.integers(2, 6), st.integers(20, 60))
def test_every_frame_belongs_to_one_piece_in_order(count, size):
    line = line_of(rings(count, size))
    made = LineImage.of(line, P)
    assert len(made.bounds) == len(line.pieces) + 1
    assert made.bounds[0] == 0
    assert made.bounds[-1] * FRAME == made.picture.shape[1]
    assert (np.diff(made.bounds) >= 0).all()


def test_a_rising_row_is_laid_level():
    made = LineImage.of(line_of(rings(6, 40, rise=6)), P)
    inked = np.flatnonzero((made.picture > 100).any(axis=(1, 2)))
    assert inked[-1] - inked[0] + 1 <= P.digit_height_px + 4


def test_ends_have_a_margin_of_paper():
    made = LineImage.of(line_of(rings(3, 40)), P)
    assert not (made.picture[:, : P.margin_px - 2] > 60).any()
    assert not (made.picture[:, 2 - P.margin_px :] > 60).any()


def test_a_dot_of_a_large_row_makes_a_line_image():
    grey = rings(1, 300)
    grey[:] = 255
    grey[50:62, 50:53] = 0
    assert LineImage.of(line_of(grey), P).picture.shape[0] == ROWS


def test_what_is_no_ink_of_the_line_is_seen_on_the_sheet_alone():
    grey = rings(3, 40)
    line = line_of(grey)
    faint = grey.copy()
    faint[grey.shape[0] // 2] = np.minimum(faint[grey.shape[0] // 2], 180)
    (patterned,) = segment(Sheet(faint, grey < 128, np.eye(3), faint))
    with_pattern, without = LineImage.of(patterned, P).picture, LineImage.of(line, P).picture
    assert (with_pattern[:, :, 1] == without[:, :, 1]).all()
    assert (with_pattern[:, :, 0] > without[:, :, 0]).any()


def test_frames_of_columns_are_those_of_the_pieces():
    line = line_of(rings(3, 40))
    made = LineImage.of(line, P)
    assert [round(made.frame_of((a.right + b.x) / 2)) for a, b in pairwise(line.windows)] == made.bounds[
        1:-1
    ].tolist()
