"""Candidate to MNIST format."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digitocr.recognition.normalize import INNER, SIDE, to_batch, to_mnist


@st.composite
def blobs(draw):
    height, width = draw(st.integers(4, 90)), draw(st.integers(4, 90))
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    ink = np.zeros((height, width), np.uint8)
    ink[rng.random((height, width)) < draw(st.floats(0.1, 0.9))] = draw(st.integers(40, 255))
    ink[0, 0] = ink[-1, -1] = 255
    return ink


@given(blobs())
def test_shape_range_and_centre_of_mass(ink):
    out = to_mnist(ink)
    assert out.shape == (SIDE, SIDE)
    assert out.dtype == np.uint8
    assert out.max() == 255
    ys, xs = np.nonzero(out)
    assert np.ptp(ys) < INNER
    assert np.ptp(xs) < INNER
    weights = out[ys, xs].astype(float)
    for axis in (ys, xs):
        centre = np.average(axis, weights=weights)
        room = min(axis.min(), SIDE - 1 - axis.max())
        assert abs(centre - (SIDE - 1) / 2) <= 0.51 or room == 0


@given(blobs())
def test_faint_ink_looks_like_dark_ink(ink):
    faint = (ink // 4).astype(np.uint8)
    difference = np.abs(to_mnist(faint).astype(int) - to_mnist(ink).astype(int))
    assert np.median(difference) <= 12


def test_no_ink_is_black():
    assert not to_mnist(np.zeros((10, 10), np.uint8)).any()


def test_batch():
    batch = to_batch([np.full((SIDE, SIDE), 255, np.uint8)] * 3)
    assert batch.shape == (3, SIDE, SIDE, 1)
    assert batch.dtype == np.float32
    assert batch.max() == 1
    assert to_batch([]).shape == (0, SIDE, SIDE, 1)
