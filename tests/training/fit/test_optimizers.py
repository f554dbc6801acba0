"""One step of the optimizer, against the same in plain NumPy."""

import keras
import numpy as np
import pytest

from digitocr.training.fit.optimizers import LAST, WEIGHT_DECAY, muon

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RATE = 0.01


def newton_schulz(matrix, steps=5):
    """The quintic iteration of K. Jordan, as published: nearly the orthogonal factor of a matrix."""
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / np.linalg.norm(x)
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def muon_step(weights, gradient):
    matrix = gradient.reshape(-1, gradient.shape[-1])
    step = newton_schulz(matrix) * np.sqrt(max(matrix.shape)) * 0.2
    return weights * (1 - WEIGHT_DECAY * RATE) - RATE * step.reshape(weights.shape)


def adamw_step(weights, gradient):
    """The first step of Adam has the size of the rate, whatever the gradient."""
    return weights * (1 - WEIGHT_DECAY * RATE) - RATE * np.sign(gradient)


@pytest.fixture
def stepped():
    """Of each weight: its path, value, gradient, and value after a step."""
    keras.utils.set_random_seed(3)
    network = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            keras.layers.Conv2D(5, 3, name="conv", bias_initializer="normal"),
            keras.layers.Flatten(),
            keras.layers.Dense(4, name="hidden"),
            keras.layers.Dense(3, name=LAST),
        ]
    )
    rng = np.random.default_rng(1)
    before = [weight.numpy().astype(np.float64) for weight in network.trainable_variables]
    gradients = [rng.normal(size=value.shape) for value in before]
    given = [keras.ops.convert_to_tensor(g.astype(np.float32)) for g in gradients]
    muon(RATE).apply_gradients(zip(given, network.trainable_variables, strict=True))
    after = [weight.numpy() for weight in network.trainable_variables]
    paths = [weight.path.split("/", 1)[-1] for weight in network.trainable_variables]
    return {path: parts for path, *parts in zip(paths, before, gradients, after, strict=True)}


@pytest.mark.parametrize("name", ["conv/kernel", "hidden/kernel"])
def test_kernels_take_a_step_of_muon(stepped, name):
    before, gradient, after = stepped[name]
    np.testing.assert_allclose(after, muon_step(before, gradient), atol=1e-5)


@pytest.mark.parametrize("name", ["conv/bias", "hidden/bias", f"{LAST}/kernel", f"{LAST}/bias"])
def test_vectors_and_the_output_layer_take_a_step_of_adamw(stepped, name):
    before, gradient, after = stepped[name]
    np.testing.assert_allclose(after, adamw_step(before, gradient), atol=1e-5)
