"""Cards as they are written and read back."""

import hashlib
import json
from dataclasses import replace

import pytest

from digitocr.networks.card import ModelCard, read_card
from digitocr.training.fit.cards import fitted_parts, write_card

# Keras on NumPy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_a_card_is_written_beside_its_model(tmp_path):
    write_card(tmp_path / "m.keras", {"name": "m", "note": "größer"})
    text = (tmp_path / "m.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"name": "m", "note": "größer"}
    assert "größer" in text


def test_a_model_is_written_with_all_that_reading_needs(fitted, model, dataset):
    card = read_card(model)
    assert card.name == "small"
    assert card.classes == tuple("0123456789")
    raw = json.loads(model.with_suffix(".json").read_text())
    assert raw["command"] == "a command"
    assert raw["metrics"] == {"test_accuracy": 0.9}
    assert dataset.sha256 in raw["data"]["drawn"]
    assert raw["history"]["loss"] == pytest.approx(fitted.history["loss"], abs=1e-5)


def test_what_calibration_fits_is_read_back(tmp_path):
    weights = {"smallest_margin": 0.5, "constant": -1.0}
    card = ModelCard("m", "", ("0", "1"), 0.5, geometry=((1.0, 2.0),), number_confidence=weights)
    (tmp_path / "m.keras").write_bytes(b"weights")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    plain = {"name": "m", "sha256": sha256, "classes": ["0", "1"], "threshold": 0.5}
    write_card(tmp_path / "m.keras", {**plain, **fitted_parts(card)})
    assert read_card(tmp_path / "m.keras") == replace(card, sha256=sha256)
