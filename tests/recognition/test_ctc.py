"""Stretches of a line, weighed against all ways to write them frame by frame."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitocr.recognition.ctc import BLANK, NOTHING, SEVERAL, aligned, best_texts, log_spans, log_text
from digitocr.recognition.parameters import Ctc

P = Ctc()


def collapsed(path):
    """What a path of frames spells: repeats count once, blanks part repeats."""
    return tuple(value for value, _ in itertools.groupby(path) if value != BLANK)


def by_enumeration(frames, first, last):
    """Sum the paths over the digits 0 to 2 and the blank, one by one."""
    totals = np.zeros(12)
    for path in itertools.product((0, 1, 2, BLANK), repeat=last - first):
        probability = np.prod([frames[first + i, value] for i, value in enumerate(path)])
        spelt = collapsed(path)
        totals[spelt[0] if len(spelt) == 1 else SEVERAL if spelt else NOTHING] += probability
    return totals


@given(arrays(np.float64, (4, 4), elements=st.floats(0.01, 1.0)), st.integers(0, 3), st.integers(1, 4))
def test_a_stretch_is_the_sum_over_its_alignments(weights, first, length):
    frames = np.zeros((4, 11))
    frames[:, [0, 1, 2, BLANK]] = weights / weights.sum(axis=1, keepdims=True)
    last = min(first + length, 4)
    (found,) = np.exp(log_spans(frames, np.array([[first, last]]), P))
    assert found == pytest.approx(
        np.maximum(by_enumeration(frames, first, last), P.min_p), rel=1e-4, abs=1e-6
    )


def test_stretches_of_one_start_do_not_disturb_each_other():
    rng = np.random.default_rng(3)
    frames = rng.dirichlet(np.ones(11), 9)
    spans = np.array([[0, 9], [0, 3], [3, 9], [3, 3], [2, 8]])
    together = log_spans(frames, spans, P)
    for row, span in zip(together, spans, strict=True):
        assert row == pytest.approx(log_spans(frames, span[None], P)[0])
    assert together[3].argmax() == NOTHING, "no frame, no digit"


FRAMES = arrays(np.float64, (5, 4), elements=st.floats(0.01, 1.0))
"""Weights of the digits 0 to 2 and the blank."""


def frames_of(weights):
    frames = np.zeros((len(weights), 11))
    frames[:, [0, 1, 2, BLANK]] = weights / weights.sum(axis=1, keepdims=True)
    return frames


@given(FRAMES)
def test_a_wide_beam_finds_the_likeliest_text(weights):
    frames = frames_of(weights)
    texts = ["".join(digits) for count in range(6) for digits in itertools.product("012", repeat=count)]
    logs = log_text(frames, texts)
    (found, *_) = best_texts(frames, Ctc(beam=400))
    assert logs[texts.index(found)] == pytest.approx(max(logs))


@given(FRAMES, st.text("012", min_size=1, max_size=2))
def test_aligned_digits_take_all_frames_in_order(weights, text):
    found = aligned(frames_of(weights), text)
    assert len(found) == len(text)
    assert found[0][0] == 0
    assert found[-1][1] == 5
    assert all(before[1] == after[0] for before, after in itertools.pairwise(found))
    assert all(first < last for first, last in found)


def test_each_aligned_digit_stands_where_it_is_seen():
    frames = np.full((9, 11), 1e-3)
    frames[:, BLANK] = 0.98
    frames[[1, 2, 6]] = 1e-3
    frames[[1, 2], 4] = frames[6, 4] = 0.98
    assert aligned(frames, "44") == [(0, 4), (4, 9)]
