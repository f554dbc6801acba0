"""Calibration on drawn pages."""

import json
import shutil

import numpy as np
import pytest

from digitocr.networks.card import SecondCard, read_card, shipped_model
from digitocr.recognition.confidence import CONSTANT, PAGE_NAMES
from digitocr.training.calibrate.fit_pages import MOST_LOST, Places, fitted, main

CARD = SecondCard("second.onnx", "", "second-head.onnx", "", 0.9)


def places(count=4000, seed=3):
    """Places that the page network's word tells apart, and numbers that the readers' word does."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(0, 2, (count, len(PAGE_NAMES)))
    seen, heads = (inputs[:, PAGE_NAMES.index(name)] for name in ("logit_seen", "logit_heads"))
    is_number = rng.random(count) < 1 / (1 + np.exp(-2 * seen))
    return Places(inputs, is_number, is_number & (rng.random(count) < 1 / (1 + np.exp(-2 * heads - 2))))


def sure(weights, inputs):
    return inputs @ [weights[name] for name in PAGE_NAMES] + weights[CONSTANT]


def test_what_tells_numbers_from_words_and_right_from_wrong_is_found():
    card, drawn = fitted(places(), CARD), places(seed=4)
    assert np.corrcoef(sure(card.page_number, drawn.inputs), drawn.is_number)[0, 1] > 0.6
    assert card.page_confidence["logit_heads"] > 0.5
    assert abs(card.page_number["logit_heads"]) < 0.2


def test_next_to_no_number_is_taken_for_none():
    card, drawn = fitted(places(), CARD), places(seed=4)
    likely = 1 / (1 + np.exp(-sure(card.page_number, drawn.inputs[drawn.is_number])))
    assert np.mean(likely < card.least_number) == pytest.approx(MOST_LOST, abs=0.006)


@pytest.mark.soak
def test_the_command_writes_the_card(tmp_path):
    for path in shipped_model().parent.glob("*.*"):
        shutil.copy(path, tmp_path)
    model = tmp_path / shipped_model().name
    assert main(["--model", str(model), "--data", str(tmp_path / "none"), "--pages", "10"]) == 0
    second = read_card(model).second
    assert set(second.page_confidence) == set(second.page_number) == {*PAGE_NAMES, CONSTANT}
    assert 0 < second.least_number < 1
    assert json.loads(model.with_suffix(".json").read_text())["calibrated_on_pages"]["command"]
