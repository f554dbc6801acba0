"""The Keras network: candidates of many files in one batch to class scores. TensorFlow is imported on first use."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import ModelError
from digitocr.records import Batch, ModelCard

DEFAULT_MODEL = "digits.keras"
"""The shipped model, in the package ``digitocr._models`` (``models/`` in the source tree)."""

UNIT = "unit"
"""Scaling of a network that takes pictures in [0, 1] as they are."""

L2_COLUMNS = "l2-columns"
"""Scaling of a network that takes each column of a picture divided by its Euclidean norm."""

BATCH_STEP = 64
"""Batches are filled up to a multiple of this."""

LEAST_PROBABILITY = 1e-7
"""What probabilities are held above before their logarithm is taken, as Keras does in its losses."""

_HINT = "train one with `python -m digitocr train`, or leave --model out to take the shipped one"


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

    def log_probabilities(self, batch: Batch, batch_size: int = 1024) -> NDArray[np.float32]:
        """Score candidates.

        Parameters
        ----------
        batch : (N, 28, 28, 1) float32 ndarray
            In [0, 1].
        batch_size : int
            How many go through the network at once; does not change results.

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
        """Call the network with one of a few batch sizes: TensorFlow keeps compiled kernels for each size it meets."""
        room = -len(batch) % BATCH_STEP
        padding = np.zeros((room, *batch.shape[1:]), dtype=np.float32)
        return self._call(np.concatenate([batch, padding]))[: len(batch)]


def shipped_model() -> Path:
    """Path of the model that travels with the package."""
    try:
        found = Path(str(resources.files("digitocr._models") / DEFAULT_MODEL))
    except ModuleNotFoundError:
        found = Path(__file__).parent.parent / "models" / DEFAULT_MODEL
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
        raise ModelError(f"no model at {model}: {error.strerror}", hint=_HINT) from None
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
            line_reader=str(raw.get("line_reader", "")),
            line_reader_sha256=str(raw.get("line_reader_sha256", "")),
        )
    except OSError:
        raise ModelError(f"the model {model} has no card {path.name} beside it", hint=_HINT) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"the card {path} cannot be used: {error!r}", hint=_HINT) from None
    if card.scaling not in SCALINGS or card.output not in _OUTPUTS:
        raise ModelError(
            f"the card {path} asks for scaling {card.scaling!r} and output {card.output!r}; "
            f"known are {', '.join(SCALINGS)} and {', '.join(_OUTPUTS)}",
            hint=_HINT,
        )
    if hashlib.sha256(weights).hexdigest() != card.sha256:
        raise ModelError(
            f"the model {model} is damaged, or its card {path.name} is of another model", hint=_HINT
        )
    return card


_tensorflow_lock = threading.Lock()


def load_classifier(model: Path | None = None, threads: int = 0) -> Classifier:
    """Load a network and compile its call.

    Parameters
    ----------
    model : Path, optional
        A ``.keras`` file with its card; the shipped one if None.
    threads : int
        Threads TensorFlow may use; 0 lets it choose. Only the first call of a process can set it.

    Raises
    ------
    ModelError
        Missing, damaged, or not of the input shape (28, 28, 1).
    """
    path = model or shipped_model()
    card = read_card(path)
    network = load_network(path, threads)
    if tuple(network.input_shape[1:]) != (28, 28, 1) or network.output_shape[-1] != len(card.classes):
        raise ModelError(
            f"the model {path} maps {network.input_shape[1:]} to {network.output_shape[-1]} classes; "
            f"needed are (28, 28, 1) and {len(card.classes)}",
            hint=_HINT,
        )
    return classifier_of(card, network)


def classifier_of(card: ModelCard, network: Any) -> Classifier:  # noqa: ANN401 (Keras ships no types)
    """Compile the call of a Keras network that is in memory already."""
    call = compiled(network, (None, 28, 28, 1))
    scale, scores = SCALINGS[card.scaling], _OUTPUTS[card.output]
    return Classifier(card, lambda batch: scores(call(scale(batch))))


def compiled(
    network: Any,  # noqa: ANN401
    shape: tuple[int | None, ...],
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Compile the call of a Keras network for batches of a shape, None where it may vary."""
    import tensorflow as tf

    signature = [tf.TensorSpec(shape, tf.float32)]
    graph = tf.function(partial(network, training=False), input_signature=signature, autograph=False)
    graph.get_concrete_function()
    return lambda batch: np.asarray(graph(batch), dtype=np.float32)


def load_network(path: Path, threads: int = 0) -> Any:  # noqa: ANN401
    """Load a Keras network; `threads` as for :func:`load_classifier`.

    Raises
    ------
    ModelError
        The file is damaged.
    """
    with _tensorflow_lock:
        return _load(path, threads)


def _load(path: Path, threads: int) -> Any:  # noqa: ANN401
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    if threads:
        with suppress(RuntimeError):  # TensorFlow runs already, with what it was started with
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever its parts raise on a damaged archive
        raise ModelError(f"the model {path} cannot be loaded: {error}", hint=_HINT) from None
