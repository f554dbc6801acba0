"""The sub-commands as they are called: what they print and write, and how they end."""

import csv
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from digitocr.cli.app import app

# Keras on NumPy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def call(*arguments):
    return app([str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def copied(model, tmp_path):
    """The small model, to be spoilt."""
    for suffix in (".keras", ".json"):
        shutil.copy(model.with_suffix(suffix), tmp_path / f"copy{suffix}")
    return tmp_path / "copy.keras"


def test_train_then_evaluate(npz, tmp_path, capfd):
    output = tmp_path / "dense.keras"
    shape = ("--architecture", "dense128", "--data", npz, "--epochs", 1, "--summary", "--output", output)
    assert call("train", *shape) == 0
    said = capfd.readouterr()
    assert "101,770" in said.out
    assert "epoch 1/1: loss" in said.err
    card = json.loads(output.with_suffix(".json").read_text())
    assert call("evaluate", output, "--data", npz, "--output", tmp_path / "pictures", "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert told["accuracy"] == card["metrics"]["test_accuracy"]
    assert told["loss"] == card["metrics"]["test_loss"]
    assert told["accuracy_interval"][0] < told["accuracy"] < told["accuracy_interval"][1]
    assert sorted(told["per_digit"]) == list("0123456789")
    assert np.sum(told["confusion"]) == told["digits"] == 300
    for name in ("confusion.png", "mistakes.png", "reliability.png"):
        assert cv2.imread(str(tmp_path / "pictures" / name)).shape[0] > 300


@pytest.fixture(scope="module")
def folder(digits, tmp_path_factory):
    """A folder of pictures for each digit, thirty of each."""
    root = tmp_path_factory.mktemp("data") / "pictures"
    for label in range(10):
        (root / str(label)).mkdir(parents=True)
        for k, image in enumerate(digits.images[digits.labels == label][:30]):
            cv2.imwrite(str(root / str(label) / f"{k}.png"), 255 - image)
    return root


@pytest.fixture(scope="module")
def output(folder, tmp_path_factory):
    """A model trained on it."""
    path = tmp_path_factory.mktemp("trained") / "dense.keras"
    how = ("--epochs", 6, "--batch-size", 8, "--validation-split", 0.3)
    assert call("train", "--architecture", "dense128", "--data", folder, *how, "--output", path) == 0
    return path


class TestFolder:
    """Training on a folder with one sub-folder of pictures for each digit, which comes sorted by digit."""

    def test_every_digit_is_learned_validated_and_tested(self, output, folder, tmp_path, capfd):
        card = json.loads(output.with_suffix(".json").read_text())
        assert card["history"]["val_accuracy"][-1] > 0.5, "0 where all of 7, 8 and 9 are held back"
        assert card["metrics"]["test_digits"] == 60
        assert call("evaluate", output, "--data", folder, "--output", tmp_path, "--json") == 0
        told = json.loads(capfd.readouterr().out)
        assert told["accuracy"] == card["metrics"]["test_accuracy"]
        assert {row["support"] for row in told["per_digit"].values()} == {6}
        assert all(row["recall"] > 0 for row in told["per_digit"].values())

    def test_evaluate_says_on_what_it_measures(self, output, model, folder, tmp_path, capfd):
        for one, words in ((output, "the digits held out of the training"), (model, "all digits")):
            assert call("evaluate", one, "--data", folder, "--output", tmp_path) == 0
            assert capfd.readouterr().out.splitlines()[0].partition(": ")[2].startswith(words)

    def test_a_digit_without_pictures_is_named(self, digits, tmp_path, capfd):
        few = digits.part(np.flatnonzero(digits.labels != 7)[:60])
        np.savez(tmp_path / "few.npz", x=few.images, y=few.labels)
        how = ("--architecture", "dense128", "--epochs", 1, "--output", tmp_path / "x.keras")
        assert call("train", "--data", tmp_path / "few.npz", *how) == 0
        assert "no pictures of 7 among the digits for training" in capfd.readouterr().err


def test_evaluate_prints_the_report_of_the_tutorials(model, npz, tmp_path, capfd):
    assert call("evaluate", model, "--data", npz, "--rotations=90,180", "--output", tmp_path) == 0
    said = capfd.readouterr().out
    assert "precision    recall  f1-score   support" in said
    assert "95 % interval" in said
    assert "600" in said


@pytest.mark.soak
def test_rotations_study(model, npz, tmp_path, capfd):
    tells = tmp_path / "tells.keras"
    assert (
        call("train", "--architecture", "orientation", "--data", npz, "--epochs", 1, "--output", tells) == 0
    )
    study = ("rotations", model, "--turned", model, "--orientation", tells, "--data", npz, "--step", 45)
    capfd.readouterr()
    assert call(*study, "--output", tmp_path, "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert [q["degrees"] for q in told["quarters"]] == [0, 90, -90, 180]
    assert len(told["circle"]) == 9
    assert len(told["ways"]) == 3
    assert told["ways"][0]["accuracy"] == told["ways"][1]["accuracy"]
    assert 0.25 < told["turns_told"] <= 1
    assert (tmp_path / "circle.png").is_file()
    assert call(*study, "--output", tmp_path) == 0
    assert "6 and 9" in capfd.readouterr().out


def test_predict_prints_writes_and_draws(model, digits, tmp_path, capfd):
    folder = tmp_path / "mine"
    folder.mkdir()
    for k in range(3):
        large = cv2.resize(255 - digits.images[k], (140, 140), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{k}.jpeg"), large)
    table, plot = tmp_path / "out.csv", tmp_path / "seen.png"
    assert call("predict", folder, "--model", model, "--csv", table, "--plot", plot) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "a digit found in 3 of 3 pictures"
    assert " %  (then " in lines[0]
    with table.open(newline="", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == 3
    assert cv2.imread(str(plot)).shape[0] > 500
    (folder / "broken.png").write_bytes(b"no picture")
    assert call("predict", folder, "--model", model, "--csv", table) == 1


def test_models_and_compare(model, npz, capfd):
    assert call("models", model.parent) == 0
    assert "130,890" in capfd.readouterr().out
    assert call("compare", model, model, "--data", npz, "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert told["mcnemar"][0]["p"] == 1
    assert told["models"][0]["milliseconds_per_digit"] > 0
    assert call("compare", model, "--data", npz) == 2


@pytest.mark.parametrize("form", ["savedmodel", "tflite", "onnx"])
def test_exported_models_answer_as_keras_does(form, npz, tmp_path, capfd):
    if form == "onnx":
        pytest.importorskip("tf2onnx")
    path = tmp_path / "net.keras"
    shape = ("--architecture", "conv64x3", "--data", npz, "--epochs", 1, "--output", path)
    assert call("train", *shape) == 0
    assert call("export", path, "--format", form, "--data", npz) == 0
    assert path.with_suffix(f".{form}").exists()
    assert "of Keras on 300 digits" in capfd.readouterr().err


def test_the_shipped_network_can_be_written_as_onnx(npz, tmp_path):
    pytest.importorskip("tf2onnx")
    from digitocr.networks.card import shipped_model

    assert (
        call("export", shipped_model(), "--format", "onnx", "--data", npz, "--output", tmp_path / "d.onnx")
        == 0
    )


def test_a_missing_extra_is_named_before_the_work(model, npz, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    assert "'.[onnx]'" in ends_with_two(capfd, "export", model, "--format", "onnx", "--data", npz)


def test_nothing_is_printed_or_read_before_a_missing_extra_is_named(folder, model, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for command in (
        ("train", "--architecture", "dense128", "--summary", "--data", "nowhere"),
        ("predict", folder / "3", "--plot", "seen.png", "--model", "nowhere.keras"),
        ("evaluate", "nowhere.keras"),
        ("rotations", "nowhere.keras"),
    ):
        assert call(*command) == 2
        said = capfd.readouterr()
        assert said.out == ""
        assert "this needs matplotlib" in said.err


def test_the_shipped_model_has_a_name_in_every_command(folder, npz, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert call("evaluate", "shipped", "--data", npz, "--json") == 0
    assert call("compare", "shipped", "shipped", "--data", npz, "--json") == 0
    assert call("predict", folder / "3", "--model", "shipped") == 0
    capfd.readouterr()
    assert call("models") == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[2].startswith("shipped ")
    assert "shipped  mnist test accuracy" in " ".join(lines)
    assert max(map(len, lines)) <= 80, "it fits a small terminal"


def test_a_model_that_is_not_there_is_answered_with_where_models_are(capfd):
    assert "`digitocr models`" in ends_with_two(capfd, "evaluate", "nowhere.keras")


def test_a_wrong_answer_is_not_written(model, npz, tmp_path, monkeypatch, capfd):
    from digitocr.training.extras import exporting

    def other(_path):
        return lambda batch: np.full((len(batch), 10), 0.1, np.float32)

    monkeypatch.setattr(exporting, "FORMATS", {"tflite": replace(exporting.FORMATS["tflite"], load=other)})
    assert call("export", model, "--format", "tflite", "--data", npz, "--output", tmp_path / "x.tflite") == 3
    assert "differently from Keras" in capfd.readouterr().err
    assert not (tmp_path / "x.tflite").exists()


# --- mistakes of the user -----------------------------------------------------------------------------------------


def ends_with_two(capfd, *arguments):
    assert call(*arguments) == 2
    said = capfd.readouterr().err
    assert "error: " in said
    assert "Traceback" not in said
    return said


def test_a_corrupt_model_file(copied, npz, capfd):
    copied.write_bytes(copied.read_bytes()[:5000])
    assert "damaged" in ends_with_two(capfd, "evaluate", copied, "--data", npz)


def test_a_corrupt_model_file_whose_card_agrees(copied, npz, capfd):
    import hashlib

    copied.write_bytes(b"PK\x03\x04 nothing")
    card = json.loads(copied.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(copied.read_bytes()).hexdigest()
    copied.with_suffix(".json").write_text(json.dumps(card))
    assert "cannot be loaded" in ends_with_two(capfd, "evaluate", copied, "--data", npz)


def test_a_card_that_is_missing(copied, npz, capfd):
    copied.with_suffix(".json").unlink()
    assert "no card" in ends_with_two(capfd, "evaluate", copied, "--data", npz)


def test_a_card_with_an_unknown_scaling(copied, npz, capfd):
    card = json.loads(copied.with_suffix(".json").read_text())
    copied.with_suffix(".json").write_text(json.dumps(card | {"scaling": "cubic"}))
    assert "cubic" in ends_with_two(capfd, "evaluate", copied, "--data", npz)


def test_a_model_of_another_input_shape(copied, npz, capfd):
    import hashlib

    network = keras.Sequential([keras.Input((32, 32, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    network.save(copied)
    card = json.loads(copied.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(copied.read_bytes()).hexdigest()
    copied.with_suffix(".json").write_text(json.dumps(card))
    assert "(28, 28, 1)" in ends_with_two(capfd, "evaluate", copied, "--data", npz)


def test_an_empty_folder_of_data(model, tmp_path, capfd):
    assert "no pictures" in ends_with_two(capfd, "evaluate", model, "--data", tmp_path)
    assert "no pictures" in ends_with_two(capfd, "predict", tmp_path, "--model", model)


def test_a_folder_called_eleven(tmp_path, capfd):
    (tmp_path / "eleven").mkdir()
    assert "eleven" in ends_with_two(capfd, "train", "--architecture", "dense128", "--data", tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--architecture", "lenet"),
        ("train", "--architecture", "dense128", "--scaling", "cubic"),
        ("train", "--architecture", "dense128", "--rotations", "left"),
        ("train", "--summary"),
        ("train", "--from", "shipped"),
        ("train", "--corrections", "folder", "--data", "mnist"),
        ("train", "--architecture", "dense128", "--data", "nowhere.npz"),
        ("evaluate", "nowhere.keras"),
        ("models", "nowhere"),
    ],
)
def test_other_mistakes(arguments, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    ends_with_two(capfd, *arguments)


def test_options_of_the_shipped_recipe_reach_it(monkeypatch, tmp_path):
    from digitocr.training import shipped

    made = []
    monkeypatch.setattr(shipped, "make", lambda recipe: made.append(recipe) or 0)
    assert call("train", "--data", tmp_path, "--epochs", 2, "--seed", 9, "--output", "m.keras") == 0
    assert made == [shipped.ShippedRecipe(data=tmp_path, epochs=2, seed=9, output=Path("m.keras"))]


def test_the_shipped_recipe_names_the_flag_it_does_not_take(capfd):
    assert "--early-stopping" in ends_with_two(capfd, "train", "--early-stopping", 3)
