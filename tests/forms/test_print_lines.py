"""Printed lines of a form."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitocr.forms.print_lines import PART_PX, drawn, lines_of

SIZE = (1400, 2000)


def framed(x, y, width, height, thick=4, level=60):
    picture = np.full(SIZE[::-1], 240, np.uint8)
    cv2.rectangle(picture, (x, y), (x + width, y + height), level, thick)
    return picture


@settings(max_examples=8, deadline=None)
@given(
    st.integers(100, 400),
    st.integers(100, 900),
    st.integers(60, 800),
    st.integers(60, 800),
    st.integers(2, 12),
)
def test_a_frame_is_measured_where_it_is(x, y, width, height, thick):
    lines = lines_of(framed(x, y, width, height, thick))
    assert lines[:, 0].min() == pytest.approx(x, abs=thick / 2 + 4)
    assert (lines[:, 0] + lines[:, 2]).max() == pytest.approx(x + width, abs=thick / 2 + 4)
    assert lines[:, 2:4].max() <= PART_PX
    across = lines[lines[:, 2] > max(2 * lines[:, 3].min(), 20)]
    middles = across[:, 1] + across[:, 3] / 2
    assert np.minimum(np.abs(middles - y - 0.5), np.abs(middles - y - height - 0.5)).max() < 1.0
    assert thick - 1 <= np.median(across[:, 3]) <= thick + 5, "blur makes it seem thicker"


def test_lines_are_drawn_as_they_were_seen():
    picture = framed(300, 400, 500, 700, thick=5)
    seen = cv2.resize(picture, (700, 1000), interpolation=cv2.INTER_AREA) / 240 * 255
    again = drawn(lines_of(picture), (700, 1000), 0.5)
    assert np.mean((again < 200) == (seen < 200)) > 0.998
    assert np.corrcoef(again.ravel(), seen.ravel())[0, 1] > 0.9


def test_short_strokes_are_no_lines():
    picture = np.full(SIZE[::-1], 240, np.uint8)
    cv2.ellipse(picture, (400, 400), (6, 7), 0, 0, 360, 40, 3)
    cv2.line(picture, (600, 380), (590, 400), 40, 3)
    assert not len(lines_of(picture))


def test_a_form_of_another_size_is_measured_in_its_own_pixels():
    large = cv2.resize(framed(300, 400, 500, 700), None, fx=1.5, fy=1.5, interpolation=cv2.INTER_AREA)
    lines = lines_of(large)
    assert lines[:, 0].min() == pytest.approx(450, abs=5)
    assert lines[:, 1].min() == pytest.approx(600, abs=5)
