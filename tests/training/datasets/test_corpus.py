"""Drawings as the reading path sees them, with labels."""

import numpy as np

from digitocr.networks.classifier import CUT, SIGN
from digitocr.training.datasets.corpus import (
    MAX_NEGATIVES,
    calibration_sources,
    candidates_of,
    cropped,
    drawings,
    drawn_candidates,
    drawn_lines,
    labelled,
    varied,
)
from digitocr.training.synth.lines import line
from digitocr.training.synth.strokes import Sources


def test_drawings_are_the_same_for_a_seed_whatever_their_number():
    few = list(drawings(5, 3, Sources()))
    more = list(drawings(5, 5, Sources()))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(few, more, strict=False))


def test_candidates_are_digits_and_some_of_the_rest():
    data = drawn_candidates(4, 12, None)
    counts = np.bincount(data.labels, minlength=12)
    assert data.images.shape == (len(data.labels), 28, 28)
    assert counts[:10].sum() > 20
    assert 0 < counts[CUT] <= 12 * MAX_NEGATIVES
    assert counts[SIGN] <= 12 * MAX_NEGATIVES
    both = candidates_of([{"images": data.images, "labels": data.labels}] * 2)
    assert len(both.labels) == 2 * len(data.labels)


def test_a_digit_over_another_is_labelled_as_either():
    drawn = (line(np.random.default_rng(seed), Sources()) for seed in range(2000))
    drawing = next(d for d in drawn if d.overwritten)
    over = next(d for d in drawing.digits if d.over is not None)
    either = {over.label, int(drawing.signs[over.over].kind.split()[1])}
    place = drawing.digits.index(over)
    seen = {
        int(label)
        for seed in range(12)
        for found in labelled(drawing, np.random.default_rng(seed))
        for label, owner in zip(found.labels, found.owners, strict=True)
        if owner == place
    }
    assert seen == either


def test_lines_know_the_text_of_their_drawing():
    found = drawn_lines(3, 20, Sources())
    assert {one.drawing for one in found} <= set(range(20))
    texts = [one.text for one in found if one.text]
    assert texts
    assert all(text.isdigit() for text in texts)


def test_without_archives_calibration_uses_skeletons_and_mnist(digits):
    assert calibration_sources(None, digits.images, digits.labels).names == ("skeletons", "mnist")


def test_distorted_digits_keep_the_format(digits):
    made = varied(digits.images[:10], np.random.default_rng(1))
    assert made.shape == (10, 28, 28)
    assert (made.reshape(10, -1).max(axis=1) > 200).all()
    assert not cropped(np.zeros((28, 28), np.uint8)).any()
