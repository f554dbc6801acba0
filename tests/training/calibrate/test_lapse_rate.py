"""Logistic regression with a lapse rate: wrong truths do not hold down what is read well."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digitocr.training.calibrate import lapse_rate


def drawn(lapses: float, seed: int = 1, count: int = 6000):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(1.0, 2.0, (count, 2)) * (1.0, 30.0)
    likely = 1 / (1 + np.exp(-(1.5 * inputs[:, 0] + 0.02 * inputs[:, 1] + 1.0)))
    right = rng.random(count) < likely
    return inputs, np.where(rng.random(count) < lapses, False, right)


@pytest.mark.parametrize("lapses", [0.0, 0.01, 0.05])
def test_weights_and_the_share_of_wrong_truths_are_found(lapses):
    model = lapse_rate.fit(*drawn(lapses))
    assert model.weights == pytest.approx([1.5, 0.02], rel=0.2)
    assert model.constant == pytest.approx(1.0, abs=0.2)
    assert model.lapse_rate == pytest.approx(lapses, abs=0.006)


def test_wrong_truths_do_not_lower_the_confidence_of_the_surest():
    inputs, right = drawn(0.03)
    clean, spoilt = lapse_rate.fit(*drawn(0.0)), lapse_rate.fit(inputs, right)
    surest = np.array([[6.0, 60.0]])
    assert spoilt.probabilities(surest)[0] == pytest.approx(clean.probabilities(surest)[0], abs=0.002)


def test_truths_without_an_error_are_fitted_too():
    inputs, _ = drawn(0.0, count=50)
    assert (lapse_rate.fit(inputs, np.ones(50, dtype=np.bool_)).probabilities(inputs) > 0.8).all()


@given(st.lists(st.floats(0.01, 0.999), min_size=1, max_size=60), st.sampled_from([0.005, 0.02, 0.1]))
@example([0.8125, 0.8125, 0.9921875], 0.1)
@settings(max_examples=60, deadline=None)
def test_as_many_as_the_target_allows_are_accepted(sure, target):
    least = lapse_rate.least_confidence(np.array(sure), target)
    accepted = [one for one in sure if one >= least]
    assert 0.5 <= least <= 0.999
    assert not accepted or least == 0.999 or np.mean([1 - one for one in accepted]) <= target + 1e-9
