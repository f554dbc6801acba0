"""Figures of merit, held against other ways to have them, and the rotation study."""

import math

import numpy as np
import pytest

from digitocr.errors import ModelError
from digitocr.training.calibrate.scoring import (
    Share,
    accuracy,
    calibration_error,
    confusion,
    loss,
    mcnemar,
    reliability,
)
from digitocr.training.datasets.digits import Digits
from digitocr.training.extras import rotation


def logs_of(shares):
    return np.log(np.asarray(shares, np.float32))


def one_hot(read, sure=0.91):
    shares = np.full((len(read), 10), (1 - sure) / 9)
    shares[np.arange(len(read)), read] = sure
    return logs_of(shares)


def test_accuracy_loss_and_confusion():
    labels = np.array([0, 1, 2, 2], np.uint8)
    logs = one_hot([0, 1, 2, 7])
    assert accuracy(logs, labels) == Share(3, 4)
    assert loss(logs, labels) == pytest.approx(-(3 * math.log(0.91) + math.log(0.01)) / 4, abs=1e-5)
    counts = confusion(logs, Digits(np.zeros((4, 28, 28), np.uint8), labels))
    assert counts.sum() == 4
    assert counts[2, 7] == counts[2, 2] == 1


def test_calibration_error_of_a_model_that_is_too_sure():
    labels = np.zeros(100, np.uint8)
    bins = reliability(one_hot([0] * 80 + [1] * 20), labels)
    assert len(bins) == 1
    assert bins[0].accuracy == pytest.approx(0.8)
    assert calibration_error(bins) == pytest.approx(0.11, abs=1e-3)


def test_mcnemar_does_not_tell_equals_apart():
    same = np.array([True, False, True])
    assert mcnemar(same, same) == (0, 0, 1.0)
    _, _, p = mcnemar(np.array([True] * 30), np.array([False] * 30))
    assert p < 1e-8


def fake(card_classes):
    class Card:
        classes = card_classes
        name = "fake"

    class Fake:
        card = Card()

    return Fake()


def test_a_network_of_digits_tells_no_turns():
    with pytest.raises(ModelError, match="quarter turns"):
        rotation.turns_of(fake(("0", "1", "2")))
    assert rotation.turns_of(fake(("0", "90", "-90", "180"))) == (0.0, 90.0, -90.0, 180.0)


def pattern_digits():
    """Two 'digits' that a half turn swaps, as it does 6 and 9."""
    six = np.zeros((28, 28), np.uint8)
    six[20:24, 8:20] = 255
    images = np.stack([six, np.rot90(six, 2)] * 20)
    return Digits(images, np.array([6, 9] * 20, np.uint8))


def reads_patterns(images):
    low = images[:, 14:].sum(axis=(1, 2)) > images[:, :14].sum(axis=(1, 2))
    return one_hot(np.where(low, 6, 9))


def test_turned_by_half_6_and_9_trade_places():
    digits = pattern_digits()
    upright = rotation.at_turn(reads_patterns, digits, 0)
    turned = rotation.at_turn(reads_patterns, digits, 180)
    assert upright.accuracy.value == 1
    assert turned.accuracy.value == 0
    assert (turned.read_as[6], turned.read_as[9]) == (9, 6)
    way = rotation.measure("as they lie", reads_patterns, digits, (180.0,))
    assert way.accuracy.value == 0.5
    assert [(d, t, s.value) for d, t, _, s in way.sixes_and_nines] == [
        (6, 0, 0),
        (6, 180, 1),
        (9, 0, 0),
        (9, 180, 1),
    ]


def test_the_full_circle_begins_and_ends_at_the_half_turn():
    turns = rotation.circle(reads_patterns, pattern_digits(), 90)
    assert [t.degrees for t in turns] == [-180, -90, 0, 90, 180]
    assert turns[0].accuracy == turns[-1].accuracy
