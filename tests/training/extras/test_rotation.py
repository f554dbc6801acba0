"""Reading turned digits, with networks that are known to the last answer."""

import numpy as np
import pytest

from digitocr.errors import ModelError
from digitocr.networks.card import ModelCard
from digitocr.networks.classifier import classifier_of
from digitocr.training.datasets.digits import Digits
from digitocr.training.extras import rotation

TURNS = ("0", "90", "-90", "180")


def marked(labels):
    """Pictures that say their label by the place of a mark in the first row, and which way is up by that row."""
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[np.arange(len(labels)), 0, 2 + 2 * np.asarray(labels)] = 255
    return Digits(images, np.asarray(labels, np.uint8))


def first_row(batch):
    """Read the mark in the first row; 0 where there is none."""
    columns = batch[:, 0, 2:22:2, 0]
    return np.where(columns.max(axis=1, keepdims=True) > 0, 20 * columns, 20 * np.eye(10)[0]).astype(
        np.float32
    )


def edge_with_a_mark(batch):
    """Find the edge that has the mark: counter-clockwise turns bring the top to the left, right and bottom."""
    edges = [batch[:, 0], batch[:, :, 0], batch[:, :, -1], batch[:, -1]]
    return np.stack([20 * edge.reshape(len(batch), -1).max(axis=1) for edge in edges], axis=1).astype(
        np.float32
    )


READER = classifier_of(ModelCard("reader", "", tuple("0123456789"), 0.5), first_row)
ORIENTATION = classifier_of(ModelCard("turns", "", TURNS, 0.5), edge_with_a_mark)
DIGITS = marked([1, 2, 3, 4, 6, 6, 7, 8, 9, 9])


def test_upright_digits_are_read_and_turned_ones_are_not():
    reads = rotation.directly(READER)
    assert rotation.at_turn(reads, DIGITS, 0).accuracy.value == 1
    turned = rotation.at_turn(reads, DIGITS, 180)
    assert turned.accuracy.value == 0
    assert turned.read_as[4] == 0


def test_turning_upright_first_reads_every_quarter():
    reads = rotation.turned_upright(READER, ORIENTATION)
    assert [rotation.at_turn(reads, DIGITS, turn).accuracy.value for turn in rotation.QUARTERS] == [1] * 4


def test_quarter_turns_are_recognised_on_originals_and_copies():
    share = rotation.turn_accuracy(ORIENTATION, DIGITS)
    assert (share.hits, share.count) == (20, 20)


def test_the_circle_closes():
    turns = rotation.circle(rotation.directly(READER), DIGITS, 90)
    assert [t.degrees for t in turns] == [-180, -90, 0, 90, 180]
    assert turns[0].accuracy == turns[-1].accuracy


def test_a_way_is_measured_on_originals_and_copies_apart():
    way = rotation.measure("plain", rotation.directly(READER), DIGITS, [180.0])
    assert (way.upright.value, way.copies.value, way.accuracy.value) == (1, 0, 0.5)
    assert [(digit, turn, right.value) for digit, turn, right, _ in way.sixes_and_nines] == [
        (6, 0.0, 1),
        (6, 180.0, 0),
        (9, 0.0, 1),
        (9, 180.0, 0),
    ]


@pytest.mark.parametrize("classes", [tuple("0123456789"), ("0", "45"), ("up", "down")])
def test_a_network_of_something_else_is_refused(classes):
    with pytest.raises(ModelError, match="quarter turns"):
        rotation.turns_of(classifier_of(ModelCard("m", "", classes, 0.5), first_row))
