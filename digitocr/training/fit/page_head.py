"""Our head of the page network: convolutions on a pre-trained detector's features, which stay as its authors made them.

Its features depend on the whole picture, since the detector weighs its channels by their means over it, and what tells
print from handwriting often lies far away. So the head learns from whole pages, as it will see them, and from cut-outs
around a number, as which fields come to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.networks.page_network import (
    CELL,
    CHANNELS,
    CLASSES,
    FEATURES,
    Picture,
    as_input,
    scaled,
    scaled_shape,
)
from digitocr.records import Grey
from digitocr.training.datasets.page_cells import CENTRE_SHARE
from digitocr.training.datasets.page_corpus import LabelledPage
from digitocr.training.fit.courses import Course, follow

FINE = 32
"""Channels at the size of the features."""

LEVELS = (64, 96, 128)
"""Channels at a half, a quarter and an eighth of that size: the last sees 300 pixels of the scaled page around it."""

SCALED_ON = 48
"""Pages of which the mean and the spread of each feature are taken."""

STEPS = 500
"""Pages of an epoch, after which a checkpoint is kept."""

RATE = 1e-3
"""Peak learning rate."""

CUT_SHARE = 0.4
"""Share of the examples that are cut out of their page."""

CUT_MARGIN = (0.2, 3.0)
"""Paper around a number that is cut out, on each side, in heights of its digits: least and greatest."""

CUT_ENLARGED = (1.0, 2.0)
"""How much a cut-out is enlarged, as small pictures are when they are read: least and greatest."""

CENTRE_WEIGHT = 0.5
"""Weight of the centre lines in the loss, beside 1 of the classes."""

CENTRE = len(CLASSES)
"""Output of the centre lines, behind those of the classes."""

PageFeatures = Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]]
"""The detector: from pages ``(N, 3, H, W)`` to features ``(N, channels, H / 4, W / 4)``."""

Example = tuple[tuple[NDArray[np.float32], ...], dict[str, NDArray[np.int32]]]
"""The three features of a page, and its truth: ``classes`` and ``centre``, each of shape ``(h, w)``."""


def head(mean: NDArray[np.float32], variance: NDArray[np.float32]) -> Any:  # noqa: ANN401 (Keras ships no types)
    """Return the head, untrained: a U-Net [1]_ whose levels are added, not joined.

    Parameters
    ----------
    mean, variance : (240,) float32 ndarray
        Of the channels of the features, as :func:`spread` gives them.

    Returns
    -------
    keras.Model
        From the features `FEATURES`, each ``(N, channels, h, w)``, h and w multiples of 8, to logits
        ``(N, h, w, 7)``: of the classes, and of the centre line.

    References
    ----------
    .. [1] Ronneberger, O., Fischer, P. and Brox, T. (2015), "U-Net: Convolutional Networks for Biomedical Image
       Segmentation", https://arxiv.org/abs/1505.04597
    """
    import keras
    from keras import layers

    def convolved(x: Any, channels: int, strides: int = 1) -> Any:  # noqa: ANN401
        return layers.Conv2D(channels, 3, strides, padding="same", activation="relu")(x)

    def refined(x: Any) -> Any:  # noqa: ANN401
        return layers.Add()([x, convolved(x, x.shape[-1])])

    given = _inputs()
    x = layers.Permute((2, 3, 1))(layers.Concatenate(axis=1)(given))
    scaled = layers.BatchNormalization(epsilon=1e-5, center=False, scale=False, trainable=False)
    x = scaled(x)
    scaled.set_weights([mean, variance])
    x = layers.Conv2D(FINE, 1, activation="relu")(x)
    seen = [x]
    for channels in LEVELS:
        x = refined(convolved(x, channels, strides=2))
        seen.append(x)
    x = refined(x)
    for finer in seen[-2::-1]:
        above = layers.UpSampling2D()(layers.Conv2D(finer.shape[-1], 1)(x))
        x = refined(layers.Add()([finer, above]))
    return keras.Model(given, layers.Conv2D(CENTRE + 1, 1, name="logits")(x), name="page_head")


def _inputs() -> list[Any]:
    import keras

    return [
        keras.Input((channels, None, None), name=name)
        for name, channels in zip(FEATURES, CHANNELS, strict=True)
    ]


def spread(
    pages: Sequence[LabelledPage], features: PageFeatures
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean and the variance of each channel of the features.

    Parameters
    ----------
    pages : sequence of LabelledPage
        The first `SCALED_ON` of them are looked at.
    features : callable

    Returns
    -------
    mean, variance : (240,) float32 ndarray
    """
    moments = []
    for page in islice(pages, SCALED_ON):
        found = features(as_input([page.picture]))
        moments.append(
            [np.concatenate([(one.astype(float) ** k).mean(axis=(0, 2, 3)) for one in found]) for k in (1, 2)]
        )
    mean, square = np.mean(moments, axis=0)
    return mean.astype(np.float32), (square - mean**2).astype(np.float32)


def with_probabilities(network: Any) -> Any:  # noqa: ANN401
    """Return the head with probabilities as its outputs, as it is exported.

    Parameters
    ----------
    network : keras.Model

    Returns
    -------
    keras.Model
        Outputs ``(N, h, w, 6)``, of the classes, and ``(N, h, w)``, of the centre line.
    """
    import keras
    from keras import layers

    given = _inputs()
    logits = network(given)
    classes = layers.Softmax(name="classes")(logits[..., :CENTRE])
    centre = layers.Activation("sigmoid", name="centre")(logits[..., CENTRE])
    return keras.Model(given, [classes, centre])


def balanced(labels: Sequence[NDArray[np.uint8]], kinds: int) -> NDArray[np.float32]:
    """Return a weight for each kind of cell: the rarer, the greater, by the square root.

    Parameters
    ----------
    labels : sequence of uint8 ndarray
    kinds : int

    Returns
    -------
    (kinds,) float32 ndarray
        Their mean over all cells is 1; a kind that never comes weighs as the rarest that does.
    """
    counts = sum(np.bincount(one.ravel(), minlength=kinds) for one in labels)
    shares = np.asarray(counts, np.float64) / np.sum(counts)
    weights = 1 / np.sqrt(np.maximum(shares, shares[shares > 0].min()))
    return np.asarray(weights / (weights * shares).sum(), np.float32)


def varied(picture: Picture, rng: np.random.Generator) -> Picture:
    """Take the colour from a page, as the program does, and change its light slightly.

    Parameters
    ----------
    picture : (H, W, 3) uint8 ndarray
    rng : numpy.random.Generator

    Returns
    -------
    (H, W, 3) uint8 ndarray
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    gamma, gain = np.exp(rng.normal(0, 0.2)), rng.uniform(0.8, 1.05)
    levels = 255 * np.linspace(0, 1, 256) ** gamma * gain
    lit = cv2.LUT(grey, np.clip(levels, 0, 255).astype(np.uint8))
    return np.asarray(cv2.cvtColor(lit, cv2.COLOR_GRAY2BGR), np.uint8)


def cut_out(page: LabelledPage, rng: np.random.Generator) -> LabelledPage:
    """Cut a number out of a page with what stands around it.

    Parameters
    ----------
    page : LabelledPage
    rng : numpy.random.Generator

    Returns
    -------
    LabelledPage
        The page itself where it has no number.
    """
    count, _, boxes, _ = cv2.connectedComponentsWithStats(page.centre, connectivity=8)
    if count == 1:
        return page
    x, y, width, height, _ = (int(value) for value in boxes[int(rng.integers(1, count))])
    digits = height / CENTRE_SHARE  # a centre line is so much thinner than its digits are high
    left, right, above, below = digits * np.exp(rng.uniform(np.log(CUT_MARGIN[0]), np.log(CUT_MARGIN[1]), 4))
    top, bottom = max(0, round(y - digits / 4 - above)), round(y + height + digits / 4 + below)
    here = np.s_[top:bottom, max(0, round(x - left)) : round(x + width + right)]
    classes, centre = page.classes[here], page.centre[here]
    longest = CELL * max(classes.shape) * rng.uniform(*CUT_ENLARGED)
    shape = scaled_shape((CELL * classes.shape[0], CELL * classes.shape[1]), round(longest))
    pixels = np.s_[CELL * here[0].start : CELL * here[0].stop, CELL * here[1].start : CELL * here[1].stop]
    size = (shape[1] // CELL, shape[0] // CELL)

    def enlarged(labels: Grey) -> Grey:
        return np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), np.uint8)

    return LabelledPage.of(scaled(page.picture[pixels], shape), enlarged(classes), enlarged(centre))


def train_head(
    pages: Sequence[LabelledPage],
    features: PageFeatures,
    course: Course,
    seed: int,
) -> Any:  # noqa: ANN401
    """Train a head; an interrupted run resumes after its last epoch.

    Parameters
    ----------
    pages : sequence of LabelledPage
    features : callable
        The detector, which does not learn.
    course : Course
    seed : int

    Returns
    -------
    keras.Model
        As :func:`head` returns it.
    """
    import keras
    from keras import ops

    by_class = ops.convert_to_tensor(balanced([page.classes for page in pages], len(CLASSES)))
    by_centre = ops.convert_to_tensor(balanced([page.centre for page in pages], 2))

    class Trainer(keras.Model):  # type: ignore[misc]
        """The network with its loss."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def call(self, x: Any, training: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002
            return self.network(list(x), training=training)

        def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401
            classes, centre = y["classes"], y["centre"]
            shown = ops.sparse_categorical_crossentropy(classes, y_pred[..., :CENTRE], from_logits=True)
            line = ops.binary_crossentropy(ops.cast(centre, "float32"), y_pred[..., CENTRE], from_logits=True)
            loss = ops.mean(ops.take(by_class, classes) * shown)
            return loss + CENTRE_WEIGHT * ops.mean(ops.take(by_centre, centre) * line)

    keras.utils.set_random_seed(seed)
    network = head(*spread(pages, features))
    trainer = Trainer()
    trainer(tuple(np.zeros((1, channels, 56, 56), np.float32) for channels in CHANNELS))
    follow(course, trainer, _dataset(pages, features, seed, lambda: int(trainer.optimizer.iterations)))
    return network


def _dataset(
    pages: Sequence[LabelledPage], features: PageFeatures, seed: int, done: Callable[[], int]
) -> Any:  # noqa: ANN401
    """Dataset of pages, one a batch, in an order of its own for each round.

    A round of all pages takes many epochs, so a run that resumes after `done` steps takes them in another order than at
    its start: else it would see the first pages twice and the last ones never.
    """
    import tensorflow as tf

    def examples() -> Iterator[Example]:
        resumed = done()
        for turn in count():
            rng = np.random.default_rng((seed, resumed, turn))
            for k in rng.permutation(len(pages)):
                page = cut_out(pages[k], rng) if rng.random() < CUT_SHARE else pages[k]
                truth = {"classes": page.classes[None], "centre": page.centre[None]}
                yield (
                    tuple(features(as_input([varied(page.picture, rng)]))),
                    {name: labels.astype(np.int32) for name, labels in truth.items()},
                )

    signature = (
        tuple(tf.TensorSpec((1, channels, None, None), tf.float32) for channels in CHANNELS),
        {name: tf.TensorSpec((1, None, None), tf.int32) for name in ("classes", "centre")},
    )
    return tf.data.Dataset.from_generator(examples, output_signature=signature).prefetch(2)
