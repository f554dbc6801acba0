"""Models of a folder, listed."""

import json

import pytest

from digitocr.errors import UsageError
from digitocr.training.extras import models


def test_models_are_listed_by_name_with_their_cards(tmp_path, capfd):
    for name in ("b", "a"):
        (tmp_path / f"{name}.keras").write_bytes(b"12345")
    (tmp_path / "a.json").write_text(json.dumps({"architecture": "dense128", "parameters": 1234}))
    found = models.list_models(tmp_path)
    assert [(m.path.name, m.card.get("parameters")) for m in found] == [("a.keras", 1234), ("b.keras", None)]
    assert models.command(tmp_path, as_json=False) == 0
    rows = capfd.readouterr().out.splitlines()
    assert "1,234" in rows[2]
    assert "no card" in rows[3]
    assert models.command(tmp_path, as_json=True) == 0
    assert [row["card"] for row in json.loads(capfd.readouterr().out)] == [m.card for m in found]


def test_a_folder_without_models_is_a_mistake(tmp_path):
    with pytest.raises(UsageError, match="no models"):
        models.command(tmp_path, as_json=False)
    with pytest.raises(UsageError, match="no folder"):
        models.list_models(tmp_path / "none")


def test_a_card_that_is_no_json_is_a_mistake(tmp_path):
    (tmp_path / "a.keras").write_bytes(b"12345")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be used"):
        models.list_models(tmp_path)
