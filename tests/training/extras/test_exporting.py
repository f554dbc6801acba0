"""Networks that scale pictures themselves and give probabilities."""

import numpy as np
import pytest

from digitocr.networks.card import ModelCard
from digitocr.networks.classifier import SCALINGS, scaled
from digitocr.training.extras.exporting import FORMATS, standalone

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("scaling", sorted(SCALINGS))
@pytest.mark.parametrize("output", ["logits", "probabilities"])
def test_a_standalone_network_answers_as_its_card_says(scaling, output):
    import keras

    keras.utils.set_random_seed(4)
    activation = "softmax" if output == "probabilities" else None
    network = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, activation=activation)]
    )
    card = ModelCard("m", "", tuple("0123456789"), 0.5, scaling=scaling, output=output)
    batch = np.random.default_rng(1).random((5, 28, 28, 1), dtype=np.float32)
    batch[:, :, :4] = 0  # columns without ink
    scores = np.asarray(network(scaled(batch, scaling)), np.float64)
    expected = scores if activation else np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.asarray(standalone(network, card)(batch)), expected, atol=1e-5)


def test_every_format_is_one_that_keras_knows():
    assert {form.keras for form in FORMATS.values()} == {"tf_saved_model", "litert", "onnx"}
