"""Scores of models: accuracy with its interval, loss, calibration, and McNemar's test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import ModelError
from digitocr.networks.classifier import Classifier, log_softmax
from digitocr.recognition.normalize import to_batch
from digitocr.training.datasets.digits import Digits

Logs = NDArray[np.float32]
"""Natural logarithms of probabilities, ``(N, classes)``."""

BINS = 15
"""Bins of confidence for the calibration error."""

_Z = 1.959964
"""Half-width of a 95 % interval in standard deviations."""


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion.

    Parameters
    ----------
    hits : int
    count : int

    Returns
    -------
    tuple of float
        Lower and upper end; 0 and 1 where ``count`` is 0.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(9915, 10000)]
    [0.9895, 0.9931]
    """
    if not count:
        return 0.0, 1.0
    n, p = count, hits / count
    middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Share:
    """A proportion with its 95 % interval.

    Attributes
    ----------
    hits, count : int
    """

    hits: int
    count: int

    @property
    def value(self) -> float:
        """The share, in [0, 1]."""
        return self.hits / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the 95 % interval, see :func:`wilson`."""
        return wilson(self.hits, self.count)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{100 * self.value:.2f} % (95 % interval {100 * low:.2f} to {100 * high:.2f}), {self.count:,} digits"


@dataclass(frozen=True, slots=True)
class Bin:
    """The digits whose confidence lies in one bin.

    Attributes
    ----------
    count : int
    confidence : float
        Its mean, in [0, 1].
    accuracy : float
        Share of them that are right.
    """

    count: int
    confidence: float
    accuracy: float


def digit_logs(classifier: Classifier, images: NDArray[np.uint8]) -> Logs:
    """Return log probabilities of the ten digits; other classes of the model are left out and the rest renormalised.

    Parameters
    ----------
    classifier : Classifier
    images : (N, 28, 28) uint8 ndarray

    Returns
    -------
    (N, 10) float32 ndarray

    Raises
    ------
    ModelError
        The model's classes are not digits.
    """
    if classifier.card.classes[:10] != tuple("0123456789"):
        raise ModelError(
            f"the model {classifier.card.name} recognises {', '.join(classifier.card.classes)}, not digits",
            hint="pass a network of turns to `rotations --orientation`",
        )
    logs = classifier.log_probabilities(to_batch(list(images)))[:, :10].astype(np.float64)
    return log_softmax(logs)


def accuracy(logs: Logs, labels: NDArray[np.uint8]) -> Share:
    """Return the share of digits that are read right.

    Parameters
    ----------
    logs : (N, 10) float32 ndarray
        Log probabilities.
    labels : (N,) uint8 ndarray

    Returns
    -------
    Share
    """
    return Share(int(np.count_nonzero(logs.argmax(axis=1) == labels)), len(labels))


def loss(logs: Logs, labels: NDArray[np.uint8]) -> float:
    """Return the mean cross-entropy.

    Parameters
    ----------
    logs : (N, 10) float32 ndarray
        Log probabilities.
    labels : (N,) uint8 ndarray

    Returns
    -------
    float
        In nats.
    """
    return float(-np.mean(logs[np.arange(len(labels)), labels.astype(np.intp)]))


def confusion(logs: Logs, digits: Digits) -> NDArray[np.int64]:
    """Count how often each digit was read as each other.

    Parameters
    ----------
    logs : (N, 10) float32 ndarray
        Log probabilities.
    digits : Digits

    Returns
    -------
    (10, 10) int64 ndarray
        Written digit by row, read digit by column.
    """
    counts = np.bincount(10 * digits.labels.astype(np.int64) + logs.argmax(axis=1), minlength=100)
    return counts.reshape(10, 10)


def reliability(logs: Logs, labels: NDArray[np.uint8]) -> tuple[Bin, ...]:
    """Group the digits by confidence into bins of equal width.

    Parameters
    ----------
    logs : (N, 10) float32 ndarray
        Log probabilities.
    labels : (N,) uint8 ndarray

    Returns
    -------
    tuple of Bin
        Empty bins are left out.
    """
    sure, right = np.exp(logs.max(axis=1)), logs.argmax(axis=1) == labels
    at = np.minimum((sure * BINS).astype(np.intp), BINS - 1)
    return tuple(
        Bin(int(mine.sum()), float(sure[mine].mean()), float(right[mine].mean()))
        for k in range(BINS)
        if (mine := at == k).any()
    )


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Return the expected calibration error (Naeini et al. 2015).

    Parameters
    ----------
    bins : tuple of Bin

    Returns
    -------
    float
        Mean distance of confidence and accuracy, weighted by the number of digits, in [0, 1].
    """
    total = sum(b.count for b in bins)
    return sum(b.count * abs(b.confidence - b.accuracy) for b in bins) / total


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Test whether two models differ on the same digits, by McNemar's exact test.

    Parameters
    ----------
    first_right : (N,) bool ndarray
    second_right : (N,) bool ndarray

    Returns
    -------
    only_first : int
        Digits that only the first model reads right.
    only_second : int
    p : float
        Two-sided p-value.

    Examples
    --------
    >>> mcnemar(np.array([True] * 8 + [False]), np.array([False] * 8 + [True]))
    (8, 1, 0.0390625)
    """
    only_first = int(np.count_nonzero(first_right & ~second_right))
    only_second = int(np.count_nonzero(second_right & ~first_right))
    n, k = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(n, i) for i in range(k + 1))
    return only_first, only_second, min(1.0, 2 * tail / 2**n)
