import json
import shutil

import pytest

from digitocr.errors import ModelError, UsageError
from digitocr.networks.card import read_card, shipped_model
from digitocr.networks.registry import model_in_use, promote, put_back


@pytest.fixture
def model(tmp_path):
    """A copy of the shipped model, as if it had been trained."""
    for suffix in (".keras", ".json"):
        shutil.copy(shipped_model().with_suffix(suffix), tmp_path / f"new{suffix}")
    line_reader = read_card(shipped_model()).line_reader
    if line_reader:
        shutil.copy(shipped_model().with_name(line_reader), tmp_path / line_reader)
    return tmp_path / "new.keras"


def test_the_shipped_one_reads_until_another_is_promoted_and_put_back(work, model):
    settings = work.settings()
    assert model_in_use(settings) is None
    kept = promote(settings, model)
    assert model_in_use(settings) == kept
    assert read_card(kept).sha256 == read_card(model).sha256
    assert model_in_use(work.settings(model=model)) == model  # one that is named outweighs it
    promote(settings, model)
    assert put_back(settings) == kept
    assert put_back(settings) == shipped_model()
    assert model_in_use(settings) is None
    assert kept.exists()
    with pytest.raises(UsageError, match="no model was promoted"):
        put_back(settings)


def test_what_cannot_be_used_is_not_promoted(work, model):
    model.write_bytes(b"damaged")
    with pytest.raises(ModelError):
        promote(work.settings(), model)
    assert model_in_use(work.settings()) is None


def test_a_model_without_its_line_reader_is_not_promoted(work, model):
    card = json.loads(model.with_suffix(".json").read_text())
    model.with_suffix(".json").write_text(json.dumps(card | {"line_reader": "gone.keras"}))
    with pytest.raises(ModelError, match=r"gone\.keras"):
        promote(work.settings(), model)


def test_a_run_reads_with_the_promoted_model(work, model):
    card = json.loads(model.with_suffix(".json").read_text())
    model.with_suffix(".json").write_text(json.dumps(card | {"name": "mine"}))
    work.put("a.jpg", "1?")
    work.run()
    promote(work.settings(), model)
    work.put("b.jpg", "2?")
    work.run()
    models = {row["file"]: row["model"].split("@")[0] for row in work.table("results/files.csv")}
    assert models == {"a.jpg": "digits", "b.jpg": "mine"}
