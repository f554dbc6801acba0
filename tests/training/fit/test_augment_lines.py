"""Strips varied in training."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitocr.networks.line_reader import FRAME, ROWS
from digitocr.training.fit.augment_lines import CHANGES, PAGE_CHANGES, moved, worn
from digitocr.training.fit.line_network import ANY, Lesson, batches, varied


def bars(*columns, width=120):
    strip = np.zeros((ROWS, width, 2), np.uint8)
    for column in columns:
        strip[6:26, column : column + 3] = 230
    return strip


@given(st.integers(0, 10_000))
def test_a_bar_stays_in_the_frames_that_are_its_own(seed):
    rng = np.random.default_rng(seed)
    frames = np.full(30, 10, np.int8)
    frames[[4, 5, 6, 7, 8]] = ANY
    frames[6] = 1
    with patch("digitocr.training.fit.line_network.worn", lambda strip, *_: strip):
        made = varied(Lesson(bars(25), np.array([1], np.int8), frames), rng)
    assert made.picture.shape == (ROWS, FRAME * len(made.frames), 2)
    middle = made.picture[14:18, :, 1].sum(axis=0)
    if middle.any():
        at = int(np.average(np.arange(len(middle)), weights=middle)) // FRAME
        assert made.frames[at] in {1, ANY}


def test_no_digit_loses_its_frames():
    rng = np.random.default_rng(1)
    assert all(moved(bars(8, width=24), 9, rng).shape[1] >= 9 * FRAME for _ in range(200))


@pytest.mark.parametrize("change", [change for _, change in (*CHANGES, *PAGE_CHANGES[3:])])
def test_changes_leave_shape_and_original_alone(change):
    strip = bars(20, 60)
    before = strip.copy()
    made = change(strip, np.random.default_rng(2))
    assert made.shape == strip.shape
    assert made.dtype == np.uint8
    assert (strip == before).all()


def test_the_same_seed_wears_the_same():
    first, second = (worn(bars(20, 60), CHANGES, np.random.default_rng(5)) for _ in range(2))
    assert (first == second).all()


def test_an_epoch_holds_every_lesson_once():
    lessons = [
        Lesson(bars(8, width=4 * (10 + k)), np.array([k % 10], np.int8), np.full(10 + k, 10, np.int8))
        for k in range(50)
    ]
    seen = [
        int(v) for _, known in batches(lessons, 8, np.random.default_rng(3)) for v in known["digits"][:, 0]
    ]
    assert sorted(seen) == sorted(k % 10 for k in range(50))
