"""When a number can be believed: what is counted of drawings."""

import math

import numpy as np
import pytest

from digitocr.recognition.confidence import ConfidenceFeatures
from digitocr.recognition.numbers import DecodedNumber, TextEvidence
from digitocr.records import Box
from digitocr.training.calibrate.fit_card import Judged, of_drawings, threshold_for


def number(sure: float, *, right: bool, drawing: int) -> Judged:
    """A number whose posterior is all that counts."""
    features = ConfidenceFeatures(*[0.0] * 13)
    return Judged(DecodedNumber((), "", Box(0, 0, 1, 1), sure, (), TextEvidence(), features), right, drawing)


def test_a_drawing_in_parts_is_as_sure_as_the_least_sure_and_right_if_all_are():
    parts = [number(-0.1, right=True, drawing=3), number(-2.0, right=False, drawing=3)]
    (one,) = of_drawings(parts, {})
    assert one.right is False
    assert abs(one.confidence - 0.1353) < 1e-3


def chances(seed, count=6000, underrated=0.0):
    """Numbers that are right as often as their confidence says, or more often."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(3, 2, count)
    right = rng.random(count) < 1 / (1 + np.exp(-logits - underrated))
    return [
        number(-math.log1p(math.exp(-z)), right=bool(ok), drawing=k)
        for k, (z, ok) in enumerate(zip(logits.tolist(), right, strict=True))
    ]


@pytest.mark.parametrize("underrated", [0.0, 1.0])
def test_from_the_threshold_on_the_wanted_share_is_wrong(underrated):
    threshold = threshold_for(chances(1, underrated=underrated), {}, 0.02)
    many = of_drawings(chances(2, 50_000, underrated), {})
    wrong = [not one.right for one in many if one.confidence >= threshold]
    assert np.mean(wrong) == pytest.approx(0.02, abs=0.004)


def test_the_threshold_hardly_depends_on_which_drawings_there_are():
    thresholds = [threshold_for(chances(seed), {}, 0.02) for seed in range(8)]
    assert np.std(thresholds) < 0.01


def test_where_nothing_is_wrong_all_likely_ones_are_accepted():
    assert threshold_for([number(-0.2, right=True, drawing=k) for k in range(9)], {}) == 0.5
    assert threshold_for([number(-0.2, right=False, drawing=k) for k in range(9)], {}) == 0.999


def test_a_drawing_of_which_a_part_waits_does_not_raise_the_threshold():
    good = chances(3)
    split = [part for k in range(20) for part in (
        number(-0.001, right=False, drawing=10_000 + k), number(-3.0, right=False, drawing=10_000 + k))]  # fmt: skip
    assert threshold_for([*good, *split], {}, 0.02) == pytest.approx(threshold_for(good, {}, 0.02), abs=0.005)


def test_a_drawing_of_parts_side_by_side_counts_as_waiting():
    (one,) = of_drawings([Judged(number(-0.01, right=True, drawing=2).decoded, True, 2, near=True)], {})
    assert one.confidence == 0
