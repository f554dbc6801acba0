"""What the digit network learns from."""

import numpy as np

from digitocr.networks.classifier import CUT, SIGN
from digitocr.training.datasets.corpus import Candidates
from digitocr.training.fit.digit_network import (
    MNIST_COPIES,
    NO_DIGIT_TURNED,
    training_set,
    turned,
    without_bars,
)


def drawn(labels):
    """Pictures with ink in the upper left corner, whose grey tells the label."""
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, :12, :10] = 100 + np.array(labels, np.uint8)[:, None, None]
    return Candidates(images, np.array(labels, np.int8))


def test_bars_are_left_out_of_the_signs_only():
    images = np.zeros((4, 28, 28), np.uint8)
    images[:3, 4:24, 12:16] = 255  # upright bars
    images[3, 12:16, 4:24] = 255  # a dash
    kept = without_bars(Candidates(images, np.array([1, SIGN, CUT, SIGN], np.int8)))
    assert kept.labels.tolist() == [1, CUT, SIGN]


def test_turned_digits_are_signs_where_they_look_like_no_digit():
    data = drawn([digit for digit in range(10) for _ in range(60)] + [SIGN, CUT])
    aside = turned(data, np.random.default_rng(1))
    assert 0 < len(aside.labels) < 0.15 * 600
    assert set(aside.labels.tolist()) == {SIGN}
    corners = {(27, 0): 1, (27, 27): 2, (0, 27): 3}
    for image in aside.images:
        (turns,) = (turns for corner, turns in corners.items() if image[corner])
        assert int(image.max()) - 100 in NO_DIGIT_TURNED[turns]


def test_all_of_mnist_is_learned_from_plain_and_distorted(digits):
    few = digits.part(slice(0, 20))
    data = drawn([3, 5, SIGN, CUT])
    made = training_set(data, few.images, few.labels, seed=2)
    again = training_set(data, few.images, few.labels, seed=2)
    assert len(made.labels) >= 4 + 20 * (1 + MNIST_COPIES)
    assert np.bincount(made.labels, minlength=12)[CUT] == 1
    np.testing.assert_array_equal(made.images, again.images)
