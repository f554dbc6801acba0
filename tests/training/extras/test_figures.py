"""Plots show what they are given."""

import cv2
import numpy as np
import pytest

from digitocr.training.calibrate.scoring import Bin
from digitocr.training.extras import figures

pytest.importorskip("matplotlib")


def shown(png):
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def has(png, colour):
    blue_green_red = [int(colour[k : k + 2], 16) for k in (5, 3, 1)]
    return bool((shown(png) == blue_green_red).all(axis=2).any())


HISTORY = {"loss": [0.9, 0.4], "accuracy": [0.7, 0.9]}
LOGS = np.log(np.full((30, 10), 0.02, np.float32) + 0.8 * np.eye(10, dtype=np.float32)[np.arange(30) % 10])


def test_curves_show_the_validation_where_there_is_one():
    plain = figures.curves(HISTORY, "m")
    both = figures.curves(HISTORY | {"val_loss": [1.0, 0.6], "val_accuracy": [0.6, 0.8]}, "m")
    assert has(plain, figures.BLUE)
    assert not has(plain, figures.ORANGE)
    assert has(both, figures.ORANGE)


def test_a_confusion_matrix_shades_mistakes_only():
    right = figures.confusion_matrix(np.diag(np.full(10, 50)), "m")
    counts = np.diag(np.full(10, 50))
    counts[3, 8] = 20
    wrong = figures.confusion_matrix(counts, "m")
    heart = np.s_[100:600, 100:500]
    assert shown(wrong)[heart].std() > shown(right)[heart].std()


def test_worst_mistakes_show_the_pictures():
    images = np.zeros((30, 28, 28), np.uint8)
    images[:, 8:20, 8:20] = 255
    labels = (np.arange(30) % 10).astype(np.uint8)
    none = figures.worst_mistakes(images, labels, LOGS, "m")
    some = figures.worst_mistakes(images, (labels + 1) % 10, LOGS, "m")
    assert (shown(none) < 60).mean() < (shown(some) < 60).mean()


def test_a_reliability_diagram_shows_every_bin():
    few, many = (
        figures.reliability_diagram([Bin(9, at, at) for at in bins], 0.01, "m")
        for bins in ([0.9], [0.1, 0.3, 0.5, 0.7, 0.9])
    )
    assert has(few, figures.BLUE)
    assert not np.array_equal(shown(few), shown(many))


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, before it is a picture."""
    figures_drawn = []

    def kept(figure):
        figure.canvas.draw()
        figures_drawn.append(figure)
        return b""

    monkeypatch.setattr(figures, "as_png", kept)
    return figures_drawn


def test_counts_stand_in_plain_numbers_at_their_axis(drawn):
    figures.reliability_diagram([Bin(30, 0.5, 0.5), Bin(20_000, 0.9, 0.9)], 0.01, "m")
    axis = drawn[0].axes[1].yaxis
    labels = [tick.get_text() for tick in axis.get_ticklabels(which="both")]
    assert {"100", "1,000", "10,000"} <= set(labels)
    assert all(label.replace(",", "").isdecimal() for label in labels if label)


def test_one_epoch_is_shown_on_the_whole_scale(drawn):
    figures.curves({"loss": [0.3], "accuracy": [0.9]}, "m")
    loss, accuracy = drawn[0].axes
    assert loss.get_ylim()[0] == 0
    assert accuracy.get_ylim() == (0, 105)


def test_the_full_circle_shows_accuracy_and_confidence():
    png = figures.full_circle([-180, -90, 0, 90, 180], [0.4, 0.2, 1, 0.2, 0.4], [0.9, 0.8, 1, 0.8, 0.9], "m")
    assert has(png, figures.BLUE)
    assert has(png, figures.ORANGE)


def test_predictions_take_a_row_each():
    seen = np.zeros((3, 28, 28), np.uint8)
    inputs = [np.full((40, 60), 200, np.uint8)] * 3
    one, three = (
        shown(figures.predictions(["a"] * n, inputs[:n], seen[:n], LOGS[:n])).shape[0] for n in (1, 3)
    )
    assert three > 2 * one
