"""A fine-tuned model is promoted only if the comparison says so."""

import pytest

from digitocr.settings import load_settings
from digitocr.training.adapt import learning
from digitocr.training.adapt.tuning import Comparison, Size, Verdict


@pytest.fixture
def tuned(monkeypatch, tmp_path):
    """Settings, the calls of tune and promote, and a function that sets the verdict."""
    calls = {"tuned": [], "promoted": []}
    same = Comparison("digits", 100, 0.5, 0.9, 0.001)
    against = []

    def tune(model, folder, output, size, seed, say):
        calls["tuned"].append((model, folder, output, size, seed))
        return Verdict(tuple(against), same, same, same)

    monkeypatch.setattr(learning, "tune", tune)
    monkeypatch.setattr(learning, "promote", lambda settings, model: calls["promoted"].append(model))
    return load_settings({"state": tmp_path / "state"}), calls, against


def plan(tmp_path):
    return learning.Plan(tmp_path / "corrections", tmp_path / "new.keras", epochs=3, seed=5)


def test_a_better_model_is_promoted(tuned, tmp_path, capfd):
    settings, calls, _ = tuned
    assert learning.command(settings, None, plan(tmp_path)) == 0
    assert calls["promoted"] == [tmp_path / "new.keras"]
    assert "The new model is better." in capfd.readouterr().out


def test_a_model_that_is_not_better_is_kept_but_not_promoted(tuned, tmp_path, capfd):
    settings, calls, against = tuned
    against.append("it is worse on MNIST")
    assert learning.command(settings, None, plan(tmp_path)) == 0
    assert calls["promoted"] == []
    assert "Not promoted: it is worse on MNIST." in capfd.readouterr().out


def test_the_plan_decides_epochs_and_seed(tuned, tmp_path):
    settings, calls, _ = tuned
    learning.learn(settings, tmp_path / "m.keras", plan(tmp_path), Size(pictures=10))
    (call,) = calls["tuned"]
    assert call == (
        tmp_path / "m.keras",
        tmp_path / "corrections",
        tmp_path / "new.keras",
        Size(pictures=10, epochs=3),
        5,
    )
