"""Our head of the second reader: the last blocks of the pre-trained network, tuned, and convolutions on them.

What the blocks before them see stays as its authors made it; see :mod:`digitocr.networks.second_reader`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.networks.second_reader import Features, padded
from digitocr.recognition.ctc import BLANK
from digitocr.training.datasets.page_lines import PageLesson
from digitocr.training.fit.augment_lines import PAGE_CHANGES, moved, worn
from digitocr.training.fit.courses import TAIL, Course, follow

WIDTH, BLOCKS, DROPOUT = 192, 3, 0.1
"""Channels and blocks of the head, and the share of them that is dropped while it learns."""

RATE = 8e-4
"""Peak learning rate of the head."""

STEPS = 500
"""Steps of an epoch, after which a checkpoint is kept."""

CHANNELS = 192
"""Of the features."""


def head(weights: dict[str, NDArray[np.float32]]) -> Any:  # noqa: ANN401 (Keras ships no types)
    """Return the tuned blocks and the head, untrained but for the blocks.

    Parameters
    ----------
    weights : dict of str to ndarray
        Of the pre-trained network, by name.

    Returns
    -------
    keras.Model
        From features ``(N, 192, 6, T)`` to ``(N, T, 11)`` logits.
    """
    import keras
    from keras import layers, ops

    def depthwise(x: Any, name: str, channels: int) -> Any:  # noqa: ANN401
        x = layers.ZeroPadding2D(1)(x)
        kernel = weights[f"{name}.w"].transpose(2, 3, 0, 1)
        made = layers.DepthwiseConv2D(3, name=f"{TAIL}_{name}")
        out = made(x)
        made.set_weights([kernel.reshape(3, 3, channels, 1), weights[f"{name}.b"].ravel()])
        return out

    def pointwise(x: Any, name: str, filters: int) -> Any:  # noqa: ANN401
        made = layers.Conv2D(filters, 1, name=f"{TAIL}_{name}")
        out = made(x)
        made.set_weights([weights[f"{name}.w"].transpose(2, 3, 1, 0), weights[f"{name}.b"].ravel()])
        return out

    def mixed(x: Any, first: str, second: str, wide: int) -> Any:  # noqa: ANN401
        inner = ops.gelu(pointwise(x, first, wide), approximate=False)
        return pointwise(inner, second, 384)

    features = keras.Input((CHANNELS, 6, None), name="features")
    x = layers.Permute((2, 3, 1))(features)
    x = mixed(depthwise(x, "depthwise10", CHANNELS)[:, ::2], "conv33", "conv34", 384)
    x = depthwise(x, "depthwise11", 384)
    gate = ops.relu(pointwise(ops.mean(x, axis=(1, 2), keepdims=True), "conv35", 96))
    x = x * ops.clip(pointwise(gate, "conv36", 384) / 6 + 0.5, 0.0, 1.0)
    x = x + mixed(x, "conv37", "conv38", 768)
    x = depthwise(x, "depthwise12", 384)
    x = x + mixed(x, "conv39", "conv40", 768)
    x = layers.Permute((2, 1, 3))(x)
    x = layers.Reshape((-1, 3 * 384))(x)
    x = layers.LayerNormalization()(layers.Dense(WIDTH)(x))
    for _ in range(BLOCKS):
        inner = layers.Conv1D(WIDTH, 5, padding="same", activation="gelu")(layers.LayerNormalization()(x))
        x = x + layers.Dropout(DROPOUT)(layers.Dense(WIDTH)(inner))
    x = layers.LayerNormalization()(x)
    return keras.Model(features, layers.Dense(BLANK + 1, name="logits")(x), name="second_head")


def varied(lesson: PageLesson, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Distort the picture of a lesson slightly.

    Parameters
    ----------
    lesson : PageLesson
    rng : numpy.random.Generator

    Returns
    -------
    (48, w) uint8 ndarray
    """
    strip = moved((255 - lesson.picture)[:, :, None], 2 * len(lesson.digits) + 1, rng)
    return np.asarray(255 - worn(strip, PAGE_CHANGES, rng)[:, :, 0], dtype=np.uint8)


def batches(
    lessons: Sequence[PageLesson], batch_size: int, steps: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], dict[str, NDArray[np.int32]]]]:
    """Batch lessons of similar width, each one distorted anew.

    Parameters
    ----------
    lessons : sequence of PageLesson
    batch_size : int
    steps : int
        Number of batches.
    rng : numpy.random.Generator

    Yields
    ------
    lines : (B, 3, 48, w) float32 ndarray
    targets : dict of str to int32 ndarray
        ``digits`` (B, d), ``counts`` (B,).
    """
    chosen = rng.choice(len(lessons), steps * batch_size, replace=steps * batch_size > len(lessons))
    widths = np.array([lessons[k].picture.shape[1] for k in chosen]) * rng.uniform(0.85, 1.15, len(chosen))
    order = chosen[np.argsort(widths)].reshape(steps, batch_size)
    for group in order[rng.permutation(steps)]:
        some = [lessons[k] for k in group]
        counts = np.array([len(one.digits) for one in some], dtype=np.int32)
        digits = np.zeros((batch_size, max(1, int(counts.max()))), dtype=np.int32)
        for row, one in zip(digits, some, strict=True):
            row[: len(one.digits)] = one.digits
        yield padded([varied(one, rng) for one in some]), {"digits": digits, "counts": counts}


def train_head(
    lessons: Sequence[PageLesson],
    features: Features,
    network: Any,  # noqa: ANN401
    epochs: int,
    batch_size: int,
    seed: int,
    checkpoint: Path,
) -> Any:  # noqa: ANN401
    """Train the head with connectionist temporal classification; an interrupted run resumes after its last epoch.

    Parameters
    ----------
    lessons : sequence of PageLesson
    features : callable
        The lower blocks, which do not learn.
    network : keras.Model
        As :func:`head` returns it.
    epochs : int
        Of `STEPS` batches each.
    batch_size : int
    seed : int
    checkpoint : Path
        Folder of the checkpoints.

    Returns
    -------
    keras.Model
    """
    import keras
    from keras import ops

    class Trainer(keras.Model):  # type: ignore[misc]
        """The network with its loss."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def call(self, x: Any, training: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002
            return self.network(x, training=training)

        def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401
            lengths = ops.full_like(y["counts"], ops.shape(y_pred)[1])
            return ops.mean(ops.ctc_loss(y["digits"], y_pred, y["counts"], lengths, mask_index=BLANK))

    keras.utils.set_random_seed(seed)
    trainer = Trainer()
    trainer(np.zeros((1, CHANNELS, 6, 80), dtype=np.float32))
    course = Course(f"second head {seed}", epochs, STEPS, RATE, checkpoint)
    follow(course, trainer, _dataset(lessons, features, batch_size, seed))
    return network


def _dataset(lessons: Sequence[PageLesson], features: Features, batch_size: int, seed: int) -> Any:  # noqa: ANN401
    """Dataset of batches, drawn anew in each epoch."""
    import tensorflow as tf

    epochs = count()

    def epoch() -> Iterator[tuple[NDArray[np.float32], dict[str, NDArray[np.int32]]]]:
        while True:
            rng = np.random.default_rng((seed, next(epochs)))
            for lines, targets in batches(lessons, batch_size, STEPS, rng):
                yield features(lines), targets

    signature = (
        tf.TensorSpec((None, CHANNELS, 6, None), tf.float32),
        {"digits": tf.TensorSpec((None, None), tf.int32), "counts": tf.TensorSpec((None,), tf.int32)},
    )
    return tf.data.Dataset.from_generator(epoch, output_signature=signature).prefetch(3)
