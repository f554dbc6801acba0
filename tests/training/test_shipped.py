"""The recipe of the shipped networks."""

import hashlib
import json
import shlex
from dataclasses import replace
from pathlib import Path

from digitocr.networks.card import ModelCard, read_card
from digitocr.networks.runtime import compiled_file
from digitocr.training import shipped
from digitocr.training.fit.digit_network import CLASSES


class Saved:
    def __init__(self, content):
        self.content = content

    def save(self, path):
        path.write_bytes(self.content)


def test_a_card_keeps_how_its_networks_were_trained_through_calibrations(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "load_network", lambda path: path.name)
    trained = {"version": "1", "command": "python -m digitocr.training.shipped --seed 7", "seconds": 4000}
    card = tmp_path / "digits.json"
    for known in (trained, {"version": "2", "command": "other", "seconds": 5, "trained": trained}):
        card.write_text(json.dumps({**known, "line_reader": "digits-lines.keras"}))
        *networks, kept = shipped.networks_of(tmp_path / "digits.keras")
        assert networks == ["digits.keras", "digits-lines.keras"]
        assert kept == {"trained": trained}


def test_the_command_line_is_a_recipe(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(shipped, "make", made.append)
    shipped.main(["--data", str(tmp_path), "--line-readers", "2", "--output", "m.keras", "--seed", "9"])
    (recipe,) = made
    assert recipe == replace(
        shipped.ShippedRecipe(), data=tmp_path, line_readers=2, output=Path("m.keras"), seed=9
    )
    assert recipe.data_dir == tmp_path
    assert recipe.sources == {}


def test_the_card_names_the_command_that_makes_it_again(monkeypatch):
    made = []
    monkeypatch.setattr(shipped, "make", made.append)
    first = shipped.ShippedRecipe(pictures=2000, epochs=1, line_readers=2, line_batch_size=8, seed=3)
    for recipe in (first, replace(shipped.ShippedRecipe(), networks=Path("digits.keras"))):
        shipped.main(shlex.split(recipe.command)[3:])
        assert made.pop() == recipe


def test_both_networks_are_written_with_cards_that_agree_with_them(tmp_path):
    networks = shipped.Networks(Saved(b"digits"), b"compiled", Saved(b"lines"), b"lines compiled")
    output = tmp_path / "models" / "digits.keras"
    shipped.write(networks, ModelCard("digits", "", CLASSES, 0.9), output, {"version": "1"})
    card = json.loads(output.with_suffix(".json").read_text())
    beside = output.with_name(card["line_reader"])
    assert card["line_reader_sha256"] == hashlib.sha256(beside.read_bytes()).hexdigest()
    assert card["sha256"] == hashlib.sha256(b"digits").hexdigest()
    assert card["compiled_sha256"] == hashlib.sha256(compiled_file(output).read_bytes()).hexdigest()
    assert json.loads(beside.with_suffix(".json").read_text())["sha256"] == card["line_reader_sha256"]
    assert read_card(output).classes == CLASSES
