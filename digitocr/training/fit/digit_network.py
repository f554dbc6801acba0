"""The digit network: its training set of drawn candidates and MNIST digits, and its training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.networks.classifier import SIGN
from digitocr.training.datasets.corpus import Candidates, cropped, varied
from digitocr.training.fit.architectures import digitnet
from digitocr.training.fit.optimizers import muon
from digitocr.training.fit.parallel import epoch_reporter

CLASSES = (*"0123456789", "sign", "cut")

BAR_WIDTH_PX = 8
"""Ink no wider than this in a 28×28 picture, in pixels, and at least twice as high is an upright bar."""

MNIST_COPIES = 5
"""Distorted copies of MNIST's digits added to the plain ones."""

TURNED_SHARE = 0.15
"""Share of the drawn digits that are also learned turned, as signs."""

NO_DIGIT_TURNED = {
    1: frozenset((2, 3, 4, 5, 6, 7, 9)),
    2: frozenset((3, 4, 7)),
    3: frozenset((2, 3, 4, 5, 6, 7, 9)),
}
"""By number of quarter turns, the digits that no longer look like a digit."""


def training_set(
    drawn: Candidates, digits: NDArray[np.uint8], labels: NDArray[np.uint8], seed: int
) -> Candidates:
    """Mix drawn candidates with MNIST digits, plain and distorted, in random order.

    Parameters
    ----------
    drawn : Candidates
    digits : (N, 28, 28) uint8 ndarray
    labels : (N,) uint8 ndarray
    seed : int

    Returns
    -------
    Candidates
    """
    rng = np.random.default_rng(seed)
    drawn = without_bars(drawn)
    aside = turned(drawn, rng)
    plain = np.stack([cropped(image) for image in digits])
    copies = [plain, *(varied(digits, rng) for _ in range(MNIST_COPIES))]
    images = np.concatenate([drawn.images, aside.images, *copies])
    all_labels = np.concatenate([drawn.labels, aside.labels, np.tile(labels.astype(np.int8), len(copies))])
    order = rng.permutation(len(images))
    return Candidates(images[order], all_labels[order])


def turned(drawn: Candidates, rng: np.random.Generator) -> Candidates:
    """Turn some of the digits and label them as signs, so that the network can tell which way up a page is.

    Parameters
    ----------
    drawn : Candidates
    rng : numpy.random.Generator

    Returns
    -------
    Candidates
        The turned ones alone.
    """
    chosen = rng.permutation(np.flatnonzero((drawn.labels >= 0) & (drawn.labels < SIGN)))
    quarters = rng.integers(1, 4, round(TURNED_SHARE * len(chosen))).tolist()
    images = [
        np.rot90(drawn.images[k], turns)
        for k, turns in zip(chosen.tolist(), quarters, strict=False)
        if int(drawn.labels[k]) in NO_DIGIT_TURNED[turns]
    ]
    pictures = np.array(images, dtype=np.uint8).reshape(-1, 28, 28)
    return Candidates(pictures, np.full(len(images), SIGN, dtype=np.int8))


def without_bars(data: Candidates) -> Candidates:
    """Leave out signs that are plain upright bars.

    The side of a box looks exactly like a 1; only its size and place tell them apart.

    Parameters
    ----------
    data : Candidates

    Returns
    -------
    Candidates
    """
    inked = data.images > 64
    width, height = inked.any(axis=1).sum(axis=1), inked.any(axis=2).sum(axis=1)
    keep = (data.labels != SIGN) | (width > BAR_WIDTH_PX) | (height < 2 * BAR_WIDTH_PX)
    return Candidates(data.images[keep], data.labels[keep])


def train_digits(data: Candidates, epochs: int, batch_size: int, seed: int, checkpoint: Path) -> Any:  # noqa: ANN401
    """Train the digit network; an interrupted run resumes after its last epoch.

    Parameters
    ----------
    data : Candidates
    epochs : int
    batch_size : int
    seed : int
    checkpoint : Path
        Folder of the checkpoints.

    Returns
    -------
    keras.Model
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    steps = len(data.labels) // batch_size
    network = digitnet(len(CLASSES))
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-3, decay_steps=steps * epochs, warmup_target=2e-3, warmup_steps=min(500, steps)
    )
    network.compile(
        muon(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    inputs = (
        tf.data.Dataset.from_tensor_slices((data.images, data.labels.astype(np.int32)))
        .shuffle(100_000, seed=seed)
        .batch(batch_size, drop_remainder=True)
        .map(lambda x, y: (tf.cast(x, tf.float32)[..., None] / 255.0, y))
        .prefetch(2)
    )
    backup = keras.callbacks.BackupAndRestore(str(checkpoint), delete_checkpoint=False)
    network.fit(inputs, epochs=epochs, verbose=0, callbacks=[backup, epoch_reporter("digits")])
    trained = digitnet(len(CLASSES))  # without optimizer state
    trained.set_weights(network.get_weights())
    return trained
