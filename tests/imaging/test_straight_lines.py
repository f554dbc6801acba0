"""Straight lines are told from strokes."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from digitocr.imaging.straight_lines import (
    Length,
    StraightLines,
    level_and_upright,
    slanting,
    stroke_width,
    thickest,
)

P = StraightLines()
LENGTH = Length(across=100, down=100, free=100)


def drawn(start, end, thickness=3, shape=(200, 400)):
    picture = np.zeros(shape, np.uint8)
    cv2.line(picture, start, end, 255, thickness)
    return picture > 0


@pytest.mark.parametrize("thickness", [3, 6])
def test_the_width_of_a_stroke_is_its_thickness(thickness):
    ink = np.zeros((60, 300), np.bool_)
    ink[20 : 20 + thickness, 20:280] = True
    assert stroke_width(ink) == pytest.approx(thickness, rel=0.5)
    assert stroke_width(np.zeros((5, 5), np.bool_)) == 1.0


def test_long_level_and_upright_lines_are_found_and_short_ones_are_not():
    level, upright, short = (
        drawn((0, 60), (399, 60)),
        drawn((200, 0), (200, 199)),
        drawn((50, 100), (110, 100)),
    )
    found = level_and_upright(level | upright | short, LENGTH, 3.0, P)
    assert found[level | upright].mean() > 0.9
    assert not found[short & ~upright].any()
    assert level_and_upright(short, LENGTH, 3.0, P) is None


def test_a_thick_bar_is_not_a_line():
    bar = np.zeros((200, 400), np.bool_)
    bar[60 : 60 + thickest(3.0, P) + 2, 20:380] = True
    found = level_and_upright(bar, LENGTH, 3.0, P)
    assert found is None or not found.any()


def test_a_level_line_that_reaches_no_side_must_be_longer():
    longer = Length(across=100, down=100, free=200)
    inside, at_side = drawn((100, 60), (250, 60)), drawn((0, 120), (150, 120))
    found = level_and_upright(inside | at_side, longer, 3.0, P)
    assert found[at_side].any()
    assert not found[inside].any()


def test_slanting_lines_are_found_up_to_the_steepest_slope():
    line = drawn((10, 20), (390, 50))
    assert slanting(line, LENGTH, 3.0, P)[line].mean() > 0.9
    flat_only = replace(P, max_slope=0.01, max_slope_long=0.01)
    assert slanting(line, LENGTH, 3.0, flat_only) is None


def test_a_zigzag_is_not_a_line():
    picture = np.zeros((200, 400), np.uint8)
    x = np.arange(10, 391, 10)
    y = 100 + 8 * (-1) ** np.arange(len(x))
    cv2.polylines(picture, [np.stack([x, y], axis=1).astype(np.int32)], False, 255, 2)
    assert slanting(picture > 0, LENGTH, 2.0, P) is None
