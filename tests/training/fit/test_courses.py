"""Training with checkpoints at two rates."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from digitocr.training.fit.courses import Course, follow


def network():
    keras.utils.set_random_seed(3)
    given = keras.Input((4,))
    inner = keras.layers.Dense(4, name="tail_dense", use_bias=False)(given)
    return keras.Model(given, keras.layers.Dense(1, name="own", use_bias=False)(inner))


class Squares(keras.Model):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, x):
        return self.inner(x)

    def compute_loss(self, x, y, y_pred, *_, **__):
        return keras.ops.mean((y - y_pred) ** 2)


def batches():
    x = np.random.default_rng(1).normal(size=(8, 4)).astype(np.float32)
    return tf.data.Dataset.from_tensors((x, x.sum(axis=1, keepdims=True))).repeat()


def learned(folder, epochs):
    trainer = Squares(network())
    trainer(np.zeros((1, 4), np.float32))
    follow(Course("squares", epochs, 5, 1e-2, folder), trainer, batches())
    return trainer.inner


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
def test_the_pre_trained_blocks_move_less(tmp_path):
    before, after = network(), learned(tmp_path, 2)
    moved = {layer.name: _shift(layer, before.get_layer(layer.name)) for layer in after.layers[1:]}
    assert 0 < moved["tail_dense"] < 0.3 * moved["own"]


def _shift(layer, other):
    return float(np.abs(layer.get_weights()[0] - other.get_weights()[0]).mean())


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
def test_a_finished_run_is_not_run_again(tmp_path, capsys):
    first = learned(tmp_path, 2)
    capsys.readouterr()
    again = learned(tmp_path, 2)
    assert "epoch" not in capsys.readouterr().err
    assert np.allclose(first.get_weights()[1], again.get_weights()[1])
