"""Models of a folder, listed."""

import json

import numpy as np
import pytest

from digitocr.errors import UsageError
from digitocr.networks.card import shipped_model
from digitocr.training.datasets.digits import Dataset, Digits
from digitocr.training.datasets.splits import with_test_part
from digitocr.training.extras import models


def test_models_are_listed_by_name_with_their_cards(tmp_path, capfd):
    for name in ("b", "a"):
        (tmp_path / f"{name}.keras").write_bytes(b"12345")
    (tmp_path / "a.json").write_text(json.dumps({"architecture": "dense128", "parameters": 1234}))
    found = models.list_models(tmp_path)
    assert [(m.path.name, m.card.get("parameters")) for m in found] == [("a.keras", 1234), ("b.keras", None)]
    assert models.command(found, as_json=False) == 0
    rows = capfd.readouterr().out.splitlines()
    assert "1,234" in rows[2]
    assert "no card" in rows[3]
    assert models.command(found, as_json=True) == 0
    assert [row["card"] for row in json.loads(capfd.readouterr().out)] == [m.card for m in found]


def test_a_folder_without_models_is_a_mistake(tmp_path):
    with pytest.raises(UsageError, match="no models"):
        models.list_models(tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        models.list_models(tmp_path / "none")


def test_a_card_that_is_no_json_is_a_mistake(tmp_path):
    (tmp_path / "a.keras").write_bytes(b"12345")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be used"):
        models.list_models(tmp_path)


def test_the_shipped_model_comes_first_and_once(tmp_path):
    (tmp_path / "a.keras").write_bytes(b"12345")
    assert [m.name for m in models.available(tmp_path)] == ["shipped", "a.keras"]
    assert [m.name for m in models.available(tmp_path / "none")] == ["shipped"]
    names = [m.name for m in models.available(shipped_model().parent)]
    assert names[0] == "shipped"
    assert shipped_model().name not in names


def test_a_line_reader_is_part_of_its_model(tmp_path):
    for name, card in (("a", {"line_reader": "a-lines.keras"}), ("a-lines", {}), ("b-lines", {})):
        (tmp_path / f"{name}.keras").write_bytes(b"")
        (tmp_path / f"{name}.json").write_text(json.dumps(card))
    assert [m.name for m in models.list_models(tmp_path)] == ["a.keras", "b-lines.keras"]


class TestMeasured:
    """On which digits a model is measured, if the source sets no test part apart."""

    DATA = Dataset(
        "mine", Digits(np.arange(50 * 784, dtype=np.uint8).reshape(50, 28, 28), np.arange(50) % 10), None
    )

    @staticmethod
    def learned_from(tmp_path, data):
        (tmp_path / "m.json").write_text(json.dumps({"data": data}))
        return tmp_path / "m.keras"

    def test_what_was_held_out_of_its_training(self, tmp_path):
        split = with_test_part(self.DATA)
        model = self.learned_from(tmp_path, {"mine": f"sha256 of pixels and labels {split.sha256}"})
        digits, words = models.measured(self.DATA, [model])
        assert (len(digits), words) == (10, "the digits held out of the training")

    def test_everything_if_it_has_learned_from_other_data(self, tmp_path):
        digits, words = models.measured(self.DATA, [self.learned_from(tmp_path, {"other": "x"})])
        assert (len(digits), words) == (50, "all digits; the training was on other data")

    def test_one_model_of_several_is_enough(self, tmp_path):
        model = self.learned_from(tmp_path, {"mine": ""})
        assert len(models.measured(self.DATA, [tmp_path / "other.keras", model])[0]) == 10

    def test_data_that_has_changed_since_is_pointed_out(self, tmp_path, caplog):
        models.measured(self.DATA, [self.learned_from(tmp_path, {"mine": "sha256 of other pictures"})])
        assert "mine has changed" in caplog.text

    def test_a_test_part_of_the_source_counts_for_every_model(self, tmp_path):
        data = Dataset("mine", self.DATA.train, self.DATA.train.part(slice(0, 7)))
        digits, words = models.measured(data, [self.learned_from(tmp_path, {"mine": ""})])
        assert (len(digits), words) == (7, "the test digits")
