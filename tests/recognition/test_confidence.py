"""How likely a number is right."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitocr.recognition.confidence import (
    CONSTANT,
    NAMES,
    ConfidenceFeatures,
    log_line_height,
    logit,
    named,
    number_confidence,
)

FEATURES = ConfidenceFeatures(2.0, 1.0, 2.0, 1.5, 0.5, 0.5, 3.0, 4.0, 2.0, 0.7, 0.1, -2.0, 0.2)
WEIGHTS = named([0.1 * k for k in range(len(NAMES))] + [-1.0])


def test_weights_go_by_name():
    assert list(WEIGHTS) == [*NAMES, CONSTANT]
    assert set(asdict(FEATURES)) == set(NAMES)
    shuffled = dict(sorted(WEIGHTS.items()))
    assert number_confidence(-0.1, FEATURES, shuffled) == number_confidence(-0.1, FEATURES, WEIGHTS)


@pytest.mark.parametrize("name", NAMES[1:])
def test_confidence_rises_with_each_feature_whose_weight_is_positive(name):
    higher = replace(FEATURES, **{name: getattr(FEATURES, name) + 1})
    assert 0 < number_confidence(-1.0, FEATURES, WEIGHTS) < number_confidence(-1.0, higher, WEIGHTS) < 1


def test_without_weights_the_posterior_stands():
    assert number_confidence(-0.01, FEATURES, {}) == pytest.approx(0.99, abs=1e-3)


def test_a_list_of_another_length_has_no_names():
    with pytest.raises(ValueError, match="shorter"):
        named([1.0, 2.0])


@given(st.floats(-1e9, 0), st.floats(-1e9, 0))
def test_logit_is_monotone_and_bounded(a, b):
    low, high = sorted((a, b))
    assert -8 <= logit(low) <= logit(high) <= 10


def test_lines_of_the_usual_height_add_nothing():
    assert log_line_height(28) == 0
    assert log_line_height(0) == log_line_height(4) < 0
