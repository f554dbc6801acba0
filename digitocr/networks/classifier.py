"""The digit network: candidates of many files in one batch to class scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import ModelError
from digitocr.networks.card import (
    L2_COLUMNS,
    LOGITS,
    PROBABILITIES,
    UNIT,
    ModelCard,
    read_card,
    shipped_model,
)
from digitocr.networks.runtime import HINT, Call, load_call
from digitocr.records import Batch

BATCH_STEP = 16
"""Batches are padded to a multiple of this."""

LEAST_PROBABILITY = 1e-7
"""Probabilities are clipped to at least this before their logarithm is taken, as in the losses of Keras."""


def _by_column(batch: Batch) -> Batch:
    norm = np.sqrt(np.square(batch).sum(axis=1, keepdims=True))
    return np.asarray(batch / np.where(norm == 0, np.float32(1), norm), dtype=np.float32)


SCALINGS: Mapping[str, Callable[[Batch], Batch]] = {UNIT: lambda batch: batch, L2_COLUMNS: _by_column}
"""Scalings of a batch in [0, 1] before it enters a network, by their names in the card."""


def scaled(batch: Batch, scaling: str) -> Batch:
    """Bring a batch in [0, 1] to the scale a network was trained on.

    Parameters
    ----------
    batch : (N, 28, 28, 1) float32 ndarray
    scaling : str
        A key of `SCALINGS`; ``l2-columns`` is ``keras.utils.normalize(batch, axis=1)``.

    Returns
    -------
    (N, 28, 28, 1) float32 ndarray
    """
    return SCALINGS[scaling](batch)


def _logits(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return scores


def _logarithm(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.log(np.maximum(scores, np.float32(LEAST_PROBABILITY)))


_OUTPUTS: Mapping[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    LOGITS: _logits,
    PROBABILITIES: _logarithm,
}


def log_softmax(scores: NDArray[np.floating]) -> NDArray[np.float32]:
    """Turn scores into log probabilities.

    Parameters
    ----------
    scores : (N, C) float ndarray
        Logits, or log probabilities of some of the classes.

    Returns
    -------
    (N, C) float32 ndarray
        Their exponentials sum to 1 in each row.
    """
    top = scores.max(axis=1, keepdims=True)
    return np.asarray(
        scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True)), dtype=np.float32
    )


@dataclass(frozen=True, slots=True)
class Classifier:
    """A loaded network; safe to call from several threads.

    Attributes
    ----------
    card : ModelCard
    """

    card: ModelCard
    _call: Callable[[NDArray[np.float32]], NDArray[np.float32]]

    def log_probabilities(self, batch: Batch, batch_size: int = 32) -> NDArray[np.float32]:
        """Score candidates.

        Parameters
        ----------
        batch : (N, 28, 28, 1) float32 ndarray
            In [0, 1].
        batch_size : int
            Candidates per call of the network; does not change results. Activations of more than a few dozen do not
            fit into the processor's cache.

        Returns
        -------
        (N, C) float32 ndarray
            Natural logarithms of the class probabilities, in the order of ``card.classes``.
        """
        parts = [self._padded(batch[i : i + batch_size]) for i in range(0, len(batch), batch_size)]
        if not parts:
            return np.zeros((0, len(self.card.classes)), dtype=np.float32)
        return log_softmax(np.concatenate(parts))

    def _padded(self, batch: Batch) -> NDArray[np.float32]:
        """Call the network with one of few batch sizes: each new size costs some milliseconds."""
        room = -len(batch) % BATCH_STEP
        if not room:
            return self._call(batch)
        padding = np.zeros((room, *batch.shape[1:]), dtype=np.float32)
        return self._call(np.concatenate([batch, padding]))[: len(batch)]


def load_classifier(model: Path | None = None, threads: int = 0) -> Classifier:
    """Load a compiled network.

    Parameters
    ----------
    model : Path, optional
        A ``.keras`` file with its card; the shipped one if None.
    threads : int
        As for :func:`digitocr.networks.runtime.load_call`.

    Returns
    -------
    Classifier

    Raises
    ------
    ModelError
        If the model is missing or damaged, or does not take input of shape (28, 28, 1).
    """
    path = model or shipped_model()
    card = read_card(path)
    return fitting(path, card, load_call(path, card.compiled_sha256, threads))


def fitting(model: Path, card: ModelCard, call: Call) -> Classifier:
    """Return the classifier of a network after checking its input and output shapes.

    Parameters
    ----------
    model : Path
        For the error message.
    card : ModelCard
    call : callable
        The network.

    Returns
    -------
    Classifier

    Raises
    ------
    ModelError
        If the network does not map (28, 28, 1) to the classes of its card.
    """
    try:
        classes = call(np.zeros((1, 28, 28, 1), dtype=np.float32)).shape[-1]
    except Exception:  # each runtime has its own errors for another shape
        classes = 0
    if classes != len(card.classes):
        raise ModelError(
            f"the model {model} does not map pictures of shape (28, 28, 1) to {len(card.classes)} classes",
            hint=HINT,
        )
    return classifier_of(card, call)


def classifier_of(card: ModelCard, call: Call) -> Classifier:
    """Return the classifier of a network, without a check.

    Parameters
    ----------
    card : ModelCard
    call : callable
        The network.

    Returns
    -------
    Classifier
    """
    scale, scores = SCALINGS[card.scaling], _OUTPUTS[card.output]
    return Classifier(card, lambda batch: scores(call(scale(batch))))


SIGN = 10
"""Class of a whole shape that is not a digit: a dot, a dash, a letter, a cross, a speck."""

CUT = 11
"""Class of an incomplete shape: a part of a digit, or parts of several."""
