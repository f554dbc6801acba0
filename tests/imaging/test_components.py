"""Connected components, and the quantile that is faster than numpy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitocr.imaging.components import components, quantile


def test_corners_connect_and_boxes_follow_the_labels():
    ink = np.zeros((6, 9), np.bool_)
    ink[1, 1] = ink[2, 2] = True
    ink[4, 5:8] = True
    labels, boxes = components(ink)
    assert labels[1, 1] == labels[2, 2] != 0
    assert labels[0, 0] == 0
    assert boxes[labels[1, 1] - 1].tolist() == [1, 1, 2, 2, 2]
    assert boxes[labels[4, 6] - 1].tolist() == [5, 4, 3, 1, 3]


def test_paper_has_no_components():
    labels, boxes = components(np.zeros((5, 5), np.bool_))
    assert not labels.any()
    assert boxes.shape == (0, 5)


def test_a_page_of_dust_has_more_components_than_16_bits_count():
    ink = np.zeros((600, 600), np.bool_)
    ink[::2, ::2] = True
    labels, boxes = components(ink)
    assert len(boxes) == labels.max() == 300 * 300


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=30),
    st.floats(0, 1),
)
def test_the_quantile_is_numpys(values, share):
    assert quantile(np.array(values), share) == pytest.approx(np.quantile(values, share), rel=1e-6, abs=1e-6)
