"""Our head of the page network: convolutions on a pre-trained detector's features, which stay as its authors made them.

Its features depend on the whole picture, since the detector weighs its channels by their means over it: those of a crop
differ from those of the same place on its page by a quarter. So the features of whole pages are computed, and of
cut-outs of many sizes, as which fields come to it; the head learns from crops of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.networks.page_network import CHANNELS, CLASSES, FEATURES, Picture, as_input
from digitocr.training.datasets.page_corpus import CUT_LEAST, LabelledPage
from digitocr.training.fit.courses import Course, follow

WIDTH = 56
"""Channels of the head."""

DILATIONS = (1, 2, 4, 2)
"""Of the 3 x 3 convolution of each of its blocks."""

CROP = CUT_LEAST
"""Rows and columns of a crop in cells."""

CROPS = 14
"""Crops from a page whose features are computed: they cost far more than the crops."""

CUT_SHARE = 0.4
"""Share of the crops that are of cut-outs instead of pages."""

CUT_CROPS = 2
"""Crops from a cut-out."""

SHUFFLED = 256
"""Crops among which those of a batch are chosen, so that not all are of two pages."""

STEPS = 250
"""Steps of an epoch, after which a checkpoint is kept."""

RATE = 2e-3
"""Peak learning rate."""

CENTRE_WEIGHT = 0.5
"""Weight of the centre lines in the loss, beside 1 of the classes."""

CENTRE = len(CLASSES)
"""Output of the centre lines, behind those of the classes."""

PageFeatures = Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]]
"""The detector: from pages ``(N, 3, H, W)`` to features ``(N, channels, H / 4, W / 4)``."""

Example = tuple[tuple[NDArray[np.float32], ...], dict[str, NDArray[np.int32]]]
"""The three features of a crop, and its truth: ``classes`` and ``centre``, each of shape `CROP`."""


def head() -> Any:  # noqa: ANN401 (Keras ships no types)
    """Return the head, untrained.

    Returns
    -------
    keras.Model
        From the features `FEATURES`, each ``(N, channels, h, w)``, to logits ``(N, h, w, 7)``: of the classes, and
        of the centre line.
    """
    import keras
    from keras import layers

    given = [
        keras.Input((channels, None, None), name=name)
        for name, channels in zip(FEATURES, CHANNELS, strict=True)
    ]
    x = layers.Permute((2, 3, 1))(layers.Concatenate(axis=1)(given))
    x = layers.BatchNormalization()(x)  # the features differ in scale
    x = layers.Conv2D(WIDTH, 1, activation="relu")(x)
    for dilation in DILATIONS:
        inner = layers.Conv2D(WIDTH, 3, padding="same", dilation_rate=dilation, activation="relu")(x)
        x = layers.Add()([x, inner])
    return keras.Model(given, layers.Conv2D(CENTRE + 1, 1, name="logits")(x), name="page_head")


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

    given = [
        keras.Input((channels, None, None), name=name)
        for name, channels in zip(FEATURES, CHANNELS, strict=True)
    ]
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


def crops(
    page: LabelledPage, features: Sequence[NDArray[np.float32]], number: int, rng: np.random.Generator
) -> Iterator[Example]:
    """Cut crops out of the features of a page, each around a cell of a class drawn from those on the page.

    Parameters
    ----------
    page : LabelledPage
    features : sequence of (1, channels, h, w) float32 ndarray
    number : int
        Of crops.
    rng : numpy.random.Generator

    Yields
    ------
    Example
    """
    shown = [np.argwhere(page.classes == kind) for kind in np.unique(page.classes)]
    for _ in range(number):
        places = shown[int(rng.integers(len(shown)))]
        corner = places[int(rng.integers(len(places)))] - rng.integers(0, CROP)
        y, x = np.clip(corner, 0, np.array(page.classes.shape) - CROP)
        here = np.s_[y : y + CROP[0], x : x + CROP[1]]
        truth = {"classes": page.classes[here], "centre": page.centre[here]}
        yield (
            tuple(one[0][:, here[0], here[1]] for one in features),
            {name: labels.astype(np.int32) for name, labels in truth.items()},
        )


def train_head(
    pages: Sequence[LabelledPage],
    cuts: Sequence[LabelledPage],
    features: PageFeatures,
    network: Any,  # noqa: ANN401
    course: Course,
    batch_size: int,
    seed: int,
) -> Any:  # noqa: ANN401
    """Train the head; an interrupted run resumes after its last epoch.

    Parameters
    ----------
    pages, cuts : sequence of LabelledPage
        Whole pages, and cut-outs.
    features : callable
        The detector, which does not learn.
    network : keras.Model
        As :func:`head` returns it.
    course : Course
    batch_size : int
        Crops of a step.
    seed : int

    Returns
    -------
    keras.Model
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
    trainer = Trainer()
    trainer(tuple(np.zeros((1, channels, *CROP), np.float32) for channels in CHANNELS))
    follow(
        course,
        trainer,
        _dataset(pages, cuts, features, batch_size, seed, lambda: int(trainer.optimizer.iterations)),
    )
    return network


def _dataset(
    pages: Sequence[LabelledPage],
    cuts: Sequence[LabelledPage],
    features: PageFeatures,
    batch_size: int,
    seed: int,
    done: Callable[[], int],
) -> Any:  # noqa: ANN401
    """Dataset of batches: pages in an order of its own for each round, crops drawn anew.

    A round of all pages takes many epochs, so a run that resumes after `done` steps takes them in another order than at
    its start: else it would see the first pages twice and the last ones never.
    """
    import tensorflow as tf

    def shown(one: LabelledPage, number: int, rng: np.random.Generator) -> Iterator[Example]:
        yield from crops(one, features(as_input([varied(one.picture, rng)])), number, rng)

    def examples() -> Iterator[Example]:
        resumed = done()
        beside = round(CROPS * CUT_SHARE / (1 - CUT_SHARE) / CUT_CROPS) if cuts else 0
        for turn in count():
            rng = np.random.default_rng((seed, resumed, turn))
            for k in rng.permutation(len(pages)):
                yield from shown(pages[k], CROPS, rng)
                for j in rng.integers(0, len(cuts), beside):
                    yield from shown(cuts[j], CUT_CROPS, rng)

    signature = (
        tuple(tf.TensorSpec((channels, *CROP), tf.float32) for channels in CHANNELS),
        {name: tf.TensorSpec(CROP, tf.int32) for name in ("classes", "centre")},
    )
    found = tf.data.Dataset.from_generator(examples, output_signature=signature)
    return found.shuffle(SHUFFLED, seed=seed).batch(batch_size).prefetch(2)
