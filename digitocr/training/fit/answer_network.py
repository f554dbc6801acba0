"""The answer network: its layers, its training, and the calibration of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.networks.answer_network import AT_ONCE, CLASSES, DIGITS, FILLER, PAPER, SIDE, STRUCK, as_input
from digitocr.networks.classifier import log_softmax
from digitocr.training.fit.optimizers import LAST, muon
from digitocr.training.fit.parallel import epoch_reporter

LAYERS = ((12, 1), (24, 2), (48, 2), (48, 1), (80, 2), (80, 1))
"""Channels and stride of each convolution: the first sees strokes at full size, where a thin line crosses a digit."""

WIDTH = 96
"""Of the layer behind them."""

RATE = 2e-3
"""Peak learning rate."""

SHIFT_PX = 2
"""Places are learned moved by up to so many pixels."""

DOUBT = 0.03
"""An answer waits where its doubt is greater, at the usual threshold of acceptance."""

PRICE = 0.005
"""Share of the digits that are meant, and of the places left blank, in which it may be: of answers of four places two
in a hundred wait in vain. As many struck and faint ones are found as this allows."""

SHIFT_ROUNDS = 20
"""Rounds after which the shift of the two doubts no longer changes."""

TEMPERATURES = np.linspace(0.5, 4.0, 71)
"""Tried for the calibration."""


def network() -> Any:  # noqa: ANN401 (Keras ships no types)
    """Return the network, untrained.

    Returns
    -------
    keras.Model
        From places ``(N, 40, 40, 2)`` to logits ``(N, 4)``.
    """
    import keras
    from keras import layers

    x = places = keras.Input((SIDE, SIDE, 2), name="places")
    for channels, stride in LAYERS:
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False, strides=stride)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.ReLU()(layers.Dense(WIDTH)(layers.Dropout(0.1)(layers.Flatten()(x))))
    return keras.Model(places, layers.Dense(len(CLASSES), name=LAST)(x))


def train(
    pictures: NDArray[np.uint8],
    kinds: NDArray[np.int8],
    epochs: int,
    batch_size: int,
    seed: int,
    checkpoint: Path,
) -> Any:  # noqa: ANN401
    """Train the network; an interrupted run resumes after its last epoch.

    Parameters
    ----------
    pictures : (N, 40, 40) uint8 ndarray
    kinds : (N,) int8 ndarray
        The class of each.
    epochs, batch_size, seed : int
    checkpoint : Path
        Folder of the checkpoints.

    Returns
    -------
    keras.Model
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    steps = len(kinds) // batch_size
    made = network()
    schedule = keras.optimizers.schedules.CosineDecay(
        RATE / 10, decay_steps=steps * epochs, warmup_target=RATE, warmup_steps=min(300, steps)
    )
    made.compile(
        muon(schedule), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    rng = np.random.default_rng(seed)

    def batches() -> Any:  # noqa: ANN401
        while True:
            order = rng.permutation(len(kinds))
            for k in range(steps):
                some = order[k * batch_size : (k + 1) * batch_size]
                moved = np.roll(pictures[some], rng.integers(-SHIFT_PX, SHIFT_PX + 1, 2), (1, 2))
                yield as_input(list(moved)), kinds[some].astype(np.int32)

    kinds_of_batch = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None, SIDE, SIDE, 2), tf.float32)
    data = tf.data.Dataset.from_generator(batches, output_signature=kinds_of_batch[::-1]).prefetch(2)
    backup = keras.callbacks.BackupAndRestore(str(checkpoint), delete_checkpoint=False)
    made.fit(
        data,
        epochs=epochs,
        steps_per_epoch=steps,
        verbose=0,
        callbacks=[backup, epoch_reporter("answers")],
    )
    return made


def logits_of(made: Any, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:  # noqa: ANN401
    """Return what a trained network says of places.

    Parameters
    ----------
    made : keras.Model
    pictures : (N, 40, 40) uint8 ndarray

    Returns
    -------
    (N, 4) float64 ndarray
    """
    parts = (pictures[k : k + AT_ONCE] for k in range(0, len(pictures), AT_ONCE))
    return np.concatenate(
        [np.asarray(made(as_input(list(part)), training=False), np.float64) for part in parts]
    )


def temperature(logits: NDArray[np.float64], kinds: NDArray[np.int8]) -> float:
    """Find by what the logits are to be divided so that they give the likeliest probabilities.

    Parameters
    ----------
    logits : (N, 4) float64 ndarray
        Of places that were not learned from.
    kinds : (N,) int8 ndarray

    Returns
    -------
    float
    """
    at = np.arange(len(kinds)), kinds.astype(np.intp)
    losses = [-float(log_softmax(logits / t)[at].mean()) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def fair_shift(logits: NDArray[np.float64], kinds: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return what is to be added to the logits so that doubts have their `PRICE`: far more is drawn struck and faint.

    Parameters
    ----------
    logits : (N, 4) float64 ndarray
        Calibrated, of places that were not learned from.
    kinds : (N,) int8 ndarray

    Returns
    -------
    (4,) float32 ndarray
    """
    shift = np.zeros(len(CLASSES))
    digits, blank = kinds == DIGITS, np.isin(kinds, (PAPER, FILLER))
    for _ in range(SHIFT_ROUNDS):  # each doubt has a part in the other
        shift[STRUCK] -= _excess((logits + shift)[digits], [STRUCK])
        shift[[PAPER, FILLER]] += _excess((logits + shift)[blank], [DIGITS, STRUCK])
    return shift.astype(np.float32)


def _excess(logits: NDArray[np.float64], against: Sequence[int]) -> float:
    """Return by how much the log odds of some classes are greater than `DOUBT` in a share of `PRICE` of places."""
    log = log_softmax(logits)
    others = [k for k in range(len(CLASSES)) if k not in against]
    odds = np.logaddexp.reduce(log[:, against], axis=1) - np.logaddexp.reduce(log[:, others], axis=1)
    return float(np.quantile(odds, 1 - PRICE) - np.log(DOUBT / (1 - DOUBT)))


def with_probabilities(made: Any, divisor: float, shift: NDArray[np.float32]) -> Any:  # noqa: ANN401
    """Return the network with calibrated probabilities as its output.

    Parameters
    ----------
    made : keras.Model
    divisor : float
        See :func:`temperature`.
    shift : (4,) float32 ndarray
        See :func:`fair_shift`.

    Returns
    -------
    keras.Model
    """
    import keras

    whole = keras.models.clone_model(made)
    whole.set_weights(made.get_weights())
    weights, constants = whole.get_layer(LAST).get_weights()
    whole.get_layer(LAST).set_weights([weights / divisor, constants / divisor + shift])
    return keras.Model(whole.input, keras.layers.Softmax()(whole.output))
