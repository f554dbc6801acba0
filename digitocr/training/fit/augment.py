"""Augmentation of MNIST digits, drawn anew in every epoch."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.networks.classifier import scaled

_SIDE = 28


@dataclass(frozen=True, slots=True)
class Variation:
    """How strongly digits are distorted; standard deviations, or half-widths of ranges about zero.

    Attributes
    ----------
    turn : float
        Range in degrees.
    slant : float
        Range in columns per row.
    stretch : float
        Range of the change of width and of height, as a share.
    shift : float
        Range in pixels.
    bend : float
        Standard deviation in pixels of a smooth displacement.
    """

    turn: float = 10.0
    slant: float = 0.15
    stretch: float = 0.12
    shift: float = 1.5
    bend: float = 0.45

    def times(self, factor: float) -> Variation:
        """Return the same variation, scaled by a factor."""
        return Variation(*(factor * value for value in astuple(self)))


def vary(images: NDArray[np.uint8], rng: np.random.Generator, how: Variation) -> NDArray[np.uint8]:
    """Turn, slant, stretch, shift and bend digits slightly.

    Bending after P. Simard et al., "Best practices for convolutional neural networks applied to visual document
    analysis", ICDAR 2003, with a coarse grid of displacements, interpolated smoothly.

    Parameters
    ----------
    images : (N, 28, 28) uint8 ndarray
    rng : numpy.random.Generator
    how : Variation

    Returns
    -------
    (N, 28, 28) uint8 ndarray
    """
    count, middle = len(images), (_SIDE - 1) / 2
    angle = np.radians(rng.uniform(-how.turn, how.turn, count))
    slant = rng.uniform(-how.slant, how.slant, count)
    stretch = 1 + rng.uniform(-how.stretch, how.stretch, (count, 2))
    shift = rng.uniform(-how.shift, how.shift, (count, 2))
    c, s = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([c, slant * c - s], 1), np.stack([s, slant * s + c], 1)], 1)
    turn = (turn * stretch[:, None, :]).astype(np.float32)
    ys, xs = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32) - np.float32(middle)
    at_x = turn[:, 0, 0, None, None] * xs + turn[:, 0, 1, None, None] * ys + np.float32(middle)
    at_y = turn[:, 1, 0, None, None] * xs + turn[:, 1, 1, None, None] * ys + np.float32(middle)
    bends = rng.normal(0, how.bend, (count, 5, 5, 2)).astype(np.float32)
    out = np.empty_like(images)
    for i, image in enumerate(images):
        bend = cv2.resize(bends[i], (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
        out[i] = cv2.remap(
            image,
            at_x[i] + bend[..., 0] + np.float32(shift[i, 0]),
            at_y[i] + bend[..., 1] + np.float32(shift[i, 1]),
            cv2.INTER_LINEAR,
        )
    return out


def varied_batches(
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    how: Variation,
    batch_size: int,
    scaling: str,
    seed: int,
) -> Any:  # noqa: ANN401 (Keras ships no types)
    """Return training digits as batches, shuffled and distorted anew in every epoch.

    Parameters
    ----------
    images : (N, 28, 28) uint8 ndarray
    labels : (N,) uint8 ndarray
    how : Variation
    batch_size : int
    scaling : str
        See :func:`digitocr.networks.classifier.scaled`.
    seed : int

    Returns
    -------
    keras.utils.PyDataset
    """
    import keras

    class Varied(keras.utils.PyDataset):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            super().__init__(workers=1, use_multiprocessing=False)
            self._epoch = 0
            self._shuffle()

        def _shuffle(self) -> None:
            self._order = np.random.default_rng((seed, self._epoch)).permutation(len(labels))

        def __len__(self) -> int:
            return -(-len(labels) // batch_size)

        def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
            chosen = self._order[index * batch_size : (index + 1) * batch_size]
            rng = np.random.default_rng((seed, self._epoch, index))
            batch = to_scale(vary(images[chosen], rng, how), scaling)
            return batch, labels[chosen].astype(np.int32)

        def on_epoch_end(self) -> None:
            self._epoch += 1
            self._shuffle()

    return Varied()


def to_scale(images: NDArray[np.uint8], scaling: str) -> NDArray[np.float32]:
    """Bring pictures to the shape and scale that a network takes.

    Parameters
    ----------
    images : (N, 28, 28) uint8 ndarray
    scaling : str
        See :func:`digitocr.networks.classifier.scaled`.

    Returns
    -------
    (N, 28, 28, 1) float32 ndarray
    """
    return scaled((images[..., None] / np.float32(255)).astype(np.float32), scaling)
