"""Architectures as published, and training: the loss falls, what is saved reads the same."""

import json
import math

import numpy as np
import pytest

from digitocr.errors import UsageError
from digitocr.networks.card import L2_COLUMNS, ModelCard
from digitocr.networks.classifier import classifier_of, load_classifier, scaled
from digitocr.networks.runtime import keras_call
from digitocr.recognition.normalize import to_batch
from digitocr.training.datasets.digits import turned
from digitocr.training.extras.evaluation import evaluate
from digitocr.training.extras.models import load_keras
from digitocr.training.extras.train import command_of
from digitocr.training.fit.architectures import ARCHITECTURES, architecture
from digitocr.training.fit.augment import Variation, vary
from digitocr.training.fit.recipe import Watch, fit, labelled_for, make_recipe

# Keras on NumPy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("conv64x3", 81_066), ("conv32-64-64", 130_890), ("dense128", 101_770)],
)
def test_parameters_are_as_many_as_published(name, parameters):
    network = architecture(name).build(10)
    assert network.count_params() == parameters
    assert network.input_shape[1:] == (28, 28, 1)


def test_every_architecture_is_named_for_itself():
    for name, known in ARCHITECTURES.items():
        assert known.name == name == known.build(10).name


def test_column_norm_is_that_of_keras(digits):
    import keras

    batch = to_batch(list(digits.images[:50]))
    expected = keras.utils.normalize(digits.images[:50].astype("float32"), axis=1)
    np.testing.assert_allclose(scaled(batch, L2_COLUMNS)[..., 0], expected, atol=1e-6)


def test_the_loss_falls_and_saved_is_loaded_with_the_same_numbers(fitted, model, digits):
    assert fitted.history["loss"][0] < math.log(10)
    assert fitted.history["val_loss"][0] < fitted.history["loss"][0]
    loaded = load_keras(model)
    card = ModelCard("small", "", tuple("0123456789"), 0.9, output="probabilities")
    in_memory = classifier_of(card, keras_call(fitted.network))
    batch = to_batch(list(digits.images[:200]))
    np.testing.assert_array_equal(loaded.log_probabilities(batch), in_memory.log_probabilities(batch))
    direct = np.asarray(fitted.network(batch, training=False))
    np.testing.assert_allclose(np.exp(loaded.log_probabilities(batch)), direct, atol=1e-5)
    assert evaluate(loaded, digits).accuracy.value > 0.5
    compiled = np.exp(load_classifier(model).log_probabilities(batch))
    np.testing.assert_allclose(compiled, direct, atol=0.05)


def test_the_card_says_what_was_done(fitted, model):
    card = json.loads(model.with_suffix(".json").read_text())
    assert card["parameters"] == 130_890
    assert card["recipe"]["seed"] == 1
    assert card["scaling"] == "unit"
    assert card["output"] == "probabilities"
    assert card["history"]["loss"] == pytest.approx(fitted.history["loss"], abs=1e-5)
    assert model.with_suffix(".curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.soak
def test_same_seed_same_network(digits):
    few = digits.part(slice(0, 256))
    recipe = make_recipe("dense128", epochs=1, variation=Variation(), schedule="cosine")
    first, second = fit(recipe, few), fit(recipe, few)
    for a, b in zip(first.network.get_weights(), second.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.soak
def test_training_stops_when_the_validation_loss_stands_still(digits):
    told = []
    recipe = make_recipe(
        "dense128", epochs=30, validation_split=0.2, patience=1, schedule="plateau", learning_rate=0.3
    )
    done = fit(recipe, digits.part(slice(0, 500)), Watch(epoch=told.append))
    assert len(done.history["loss"]) == len(told) < 30
    assert "validation loss" in told[0]


def test_turned_copies_double_the_digits_and_keep_the_originals(digits):
    recipe = make_recipe("conv32-64-64", rotations=(90.0, -90.0, 180.0))
    both = labelled_for(recipe, digits, 1)
    count = len(digits)
    assert len(both) == 2 * count
    np.testing.assert_array_equal(both.images[:count], digits.images)
    ways = [turned(digits.images, degrees) for degrees in recipe.rotations]
    for k in range(0, count, 97):
        assert any(np.array_equal(both.images[count + k], way[k]) for way in ways)
    turns = labelled_for(make_recipe("orientation"), digits, 1)
    assert set(turns.labels.tolist()) == {0, 1, 2, 3}
    assert (turns.labels[:count] == 0).all()


def test_a_quarter_turn_is_to_the_left():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 0, 5] = 255  # on the upper edge
    assert turned(image, 90)[0, 22, 0] == 255  # now on the left one
    bent = turned(image, 89.0)
    assert bent[0].argmax() // 28 >= 20


def test_variations_keep_digits_digits(digits):
    varied = vary(digits.images[:100], np.random.default_rng(1), Variation())
    assert varied.dtype == np.uint8
    ink = varied.astype(float).sum(axis=(1, 2)) / digits.images[:100].astype(float).sum(axis=(1, 2))
    assert ink.min() > 0.6
    assert ink.max() < 1.6
    assert not np.array_equal(varied, digits.images[:100])


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"validation_split": 1.0},
        {"schedule": "steep"},
        {"patience": 3, "validation_split": 0.0},
        {"schedule": "plateau", "validation_split": 0.0},
    ],
)
def test_what_cannot_be_done_is_said(wrong):
    with pytest.raises(UsageError):
        make_recipe("conv64x3", **wrong)


def test_the_command_in_the_card_makes_the_same_recipe(tmp_path):
    recipe = make_recipe(
        "conv64x3", rotations=(90.0, 180.0), schedule="plateau", patience=2, variation=Variation()
    )
    command = command_of(recipe, "mnist", tmp_path / "m.keras")
    for part in ("--rotations=90,180", "--schedule plateau", "--early-stopping 2", "--augment", "--seed 1"):
        assert part in command


def test_no_variation_leaves_digits_as_they_are(digits):
    still = vary(digits.images[:20], np.random.default_rng(1), Variation().times(0))
    np.testing.assert_array_equal(still, digits.images[:20])
