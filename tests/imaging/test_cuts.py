"""Where a component that may be several digits is cut."""

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitocr.imaging.cuts import Cuts, cut_columns

P = Cuts()


def rings(count, lean=0):
    """Rings 40 pixels high, 48 apart and joined by a thin stroke; slanted by `lean` pixels from top to bottom."""
    picture = np.zeros((44, 48 * count + abs(lean)), np.uint8)
    cv2.line(picture, (22, 22), (48 * count - 26, 22), 255, 2)
    for k in range(count):
        cv2.circle(picture, (22 + 48 * k, 22), 19, 255, 3)
        cv2.circle(picture, (22 + 48 * k, 22), 17, 0, -1)
    moved = np.float32([[1, lean / 43, 0], [0, 1, 0]])
    return cv2.warpAffine(picture, moved, picture.shape[::-1]) > 127


@pytest.mark.parametrize("count", [2, 3, 4])
def test_rings_are_cut_apart_where_they_are_joined(count):
    cuts = cut_columns(rings(count), 40.0, P)
    middles = cuts.mean(axis=1)
    for k in range(1, count):
        assert np.abs(middles - (48 * k - 2)).min() <= 6


def test_a_seam_follows_the_slant():
    part = rings(2, lean=30)
    crossed = [part[np.arange(44), cut].sum() for cut in cut_columns(part, 40.0, P)]
    assert min(crossed) <= 3 < part.sum(axis=0)[30:-30].min()


def test_a_narrow_component_is_not_cut():
    assert cut_columns(np.ones((40, 19), np.bool_), 40.0, P).shape == (0, 40)


def test_the_limits_are_those_of_the_parameters():
    part = rings(6)
    assert len(cut_columns(part, 40.0, replace(P, max_cuts=2))) == 2
    assert len(cut_columns(part, 40.0, replace(P, min_width_heights=99.0))) == 0


@given(st.integers(1, 90), st.integers(1, 160), st.integers(0, 2**31))
def test_cuts_are_in_order_and_never_cross(height, width, seed):
    part = np.random.default_rng(seed).random((height, width)) < 0.4
    cuts = cut_columns(part, float(height), P)
    assert cuts.shape[1] == height
    assert len(cuts) <= P.max_cuts
    assert all((left <= right).all() for left, right in pairwise(cuts))
    assert (cuts >= 0).all()
