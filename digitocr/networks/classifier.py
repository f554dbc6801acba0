"""The digit network: candidates of many files in one batch to class scores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import ModelError
from digitocr.networks.runtime import HINT, Call, load_call
from digitocr.records import Batch, ModelCard

DEFAULT_MODEL = "digits.keras"
"""The shipped model, in the package ``digitocr._models`` (``models/`` in the source tree)."""

UNIT = "unit"
"""Scaling of a network that takes pictures in [0, 1] as they are."""

L2_COLUMNS = "l2-columns"
"""Scaling of a network that takes each column of a picture divided by its Euclidean norm."""

BATCH_STEP = 16
"""Batches are filled up to a multiple of this."""

LEAST_PROBABILITY = 1e-7
"""What probabilities are held above before their logarithm is taken, as Keras does in its losses."""


def _by_column(batch: Batch) -> Batch:
    norm = np.sqrt(np.square(batch).sum(axis=1, keepdims=True))
    return np.asarray(batch / np.where(norm == 0, np.float32(1), norm), dtype=np.float32)


SCALINGS: Mapping[str, Callable[[Batch], Batch]] = {UNIT: lambda batch: batch, L2_COLUMNS: _by_column}
"""What may be done to a batch in [0, 1] before it enters a network, by its name in the card."""


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
    "logits": _logits,
    "probabilities": _logarithm,
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
            How many go through the network at once; does not change results. What the layers make of more than some
            dozens leaves the processor's cache.

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
        """Call the network with one of a few batch sizes: each new size costs some milliseconds."""
        room = -len(batch) % BATCH_STEP
        if not room:
            return self._call(batch)
        padding = np.zeros((room, *batch.shape[1:]), dtype=np.float32)
        return self._call(np.concatenate([batch, padding]))[: len(batch)]


def shipped_model() -> Path:
    """Path of the model that travels with the package."""
    try:
        found = Path(str(resources.files("digitocr._models") / DEFAULT_MODEL))
    except ModuleNotFoundError:
        found = Path(__file__).parents[2] / "models" / DEFAULT_MODEL
    return found


def read_card(model: Path) -> ModelCard:
    """Read the card beside a model file.

    Raises
    ------
    ModelError
        The model or its card is missing, or the card is not of the expected form, or is of another model.
    """
    path = model.with_suffix(".json")
    try:
        weights = model.read_bytes()
    except OSError as error:
        raise ModelError(f"no model at {model}: {error.strerror}", hint=HINT) from None
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        card = ModelCard(
            name=str(raw["name"]),
            sha256=str(raw["sha256"]),
            classes=tuple(raw["classes"]),
            threshold=float(raw["threshold"]),
            geometry=tuple(tuple(float(v) for v in row) for row in raw.get("geometry", ())),
            line_weights=tuple(tuple(float(v) for v in row) for row in raw.get("line_weights", ())),
            text_weights=tuple(float(v) for v in raw.get("text_weights", ())),
            cell_weights=tuple(tuple(float(v) for v in row) for row in raw.get("cell_weights", ())),
            cell_confidence=tuple(float(v) for v in raw.get("cell_confidence", ())),
            number_confidence=tuple(float(v) for v in raw.get("number_confidence", ())),
            scaling=str(raw.get("scaling", UNIT)),
            output=str(raw.get("output", "logits")),
            compiled_sha256=str(raw.get("compiled_sha256", "")),
            line_reader=str(raw.get("line_reader", "")),
            line_reader_sha256=str(raw.get("line_reader_sha256", "")),
            line_reader_compiled_sha256=str(raw.get("line_reader_compiled_sha256", "")),
        )
    except OSError:
        raise ModelError(f"the model {model} has no card {path.name} beside it", hint=HINT) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"the card {path} cannot be used: {error!r}", hint=HINT) from None
    if card.scaling not in SCALINGS or card.output not in _OUTPUTS:
        raise ModelError(
            f"the card {path} asks for scaling {card.scaling!r} and output {card.output!r}; "
            f"known are {', '.join(SCALINGS)} and {', '.join(_OUTPUTS)}",
            hint=HINT,
        )
    if hashlib.sha256(weights).hexdigest() != card.sha256:
        raise ModelError(
            f"the model {model} is damaged, or its card {path.name} is of another model", hint=HINT
        )
    return card


def load_classifier(model: Path | None = None, threads: int = 0) -> Classifier:
    """Load a compiled network.

    Parameters
    ----------
    model : Path, optional
        A ``.keras`` file with its card; the shipped one if None.
    threads : int
        As for :func:`digitocr.networks.runtime.load_call`.

    Raises
    ------
    ModelError
        Missing, damaged, or not of the input shape (28, 28, 1).
    """
    path = model or shipped_model()
    card = read_card(path)
    return fitting(path, card, load_call(path, card.compiled_sha256, threads))


def fitting(model: Path, card: ModelCard, call: Call) -> Classifier:
    """Return the classifier of a model's network, once asked whether it is one.

    Raises
    ------
    ModelError
        Not of the input shape (28, 28, 1), or not of the classes of its card.
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
    """Return the classifier of a network in memory already."""
    scale, scores = SCALINGS[card.scaling], _OUTPUTS[card.output]
    return Classifier(card, lambda batch: scores(call(scale(batch))))
