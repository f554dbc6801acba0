"""The command `export`: models as SavedModel, LiteRT or ONNX, written only if they answer as Keras does."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr import atomic
from digitocr.errors import DigitocrError, UsageError
from digitocr.networks.card import L2_COLUMNS, ModelCard
from digitocr.networks.runtime import load_network, quietly, runner
from digitocr.recognition.normalize import to_batch
from digitocr.records import Batch
from digitocr.training.datasets.digits import load_dataset
from digitocr.training.extras.models import load_keras
from digitocr.training.extras.optional import require

log = logging.getLogger(__name__)

TOLERANCE = 1e-4
"""Greatest difference of a probability from that of Keras."""

_BATCH = 500
"""Digits compared at once."""

Probabilities = NDArray[np.float32]
Ask = Callable[[Batch], Probabilities]


class ExportError(DigitocrError):
    """An exported model does not answer as Keras does."""

    code = "export"


def command(model: Path, form: str, source: str, output: Path | None) -> int:
    """Write a model in another format: what ``digitocr export`` does.

    The exported model takes ``(N, 28, 28, 1)`` in [0, 1], scales it as the card says and gives probabilities.

    Parameters
    ----------
    model : Path
    form : str
        A key of `FORMATS`.
    source : str
        Digits on which both are compared, see :func:`digitocr.training.datasets.digits.load_dataset`.
    output : Path, optional
        By default beside the model.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    UsageError
        There is no such format.
    ExportError
        The probabilities differ by more than `TOLERANCE`; nothing is written.
    """
    if form not in FORMATS:
        raise UsageError(f"there is no format {form!r}", hint=f"choose one of {', '.join(FORMATS)}")
    chosen = FORMATS[form]
    target = output or model.with_suffix(f".{form}")
    require(*chosen.needs)
    classifier = load_keras(model)
    batch = to_batch(list(load_dataset(source, log.info).measured.images))
    expected = np.exp(classifier.log_probabilities(batch))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converters call deprecated functions of their own libraries
        made = Path(folder) / f"model.{form}"
        with quietly():
            network = standalone(load_network(model), classifier.card)
            network.export(str(made), format=chosen.keras, verbose=False)
            ask = chosen.load(made)
            given = np.concatenate([ask(batch[i : i + _BATCH]) for i in range(0, len(batch), _BATCH)])
        apart = float(np.abs(given - expected).max())
        if apart > TOLERANCE:
            raise ExportError(
                f"{form} of {model} answers differently from Keras by up to {apart:.2g} on {len(batch):,} digits",
                hint="nothing was written",
            )
        _place(made, target)
    log.info("written: %s; probabilities within %.1g of Keras on %s digits", target, apart, f"{len(batch):,}")
    return 0


def _place(made: Path, target: Path) -> None:
    if made.is_file():
        atomic.write(target, made.read_bytes())
        return
    try:
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(made, target)
    except OSError as error:
        raise atomic.cannot_write(target, error) from error


def standalone(network: Any, card: ModelCard) -> Any:  # noqa: ANN401 (Keras ships no types)
    """Return a network that scales pictures itself and gives probabilities.

    Parameters
    ----------
    network : keras.Model
        From ``(N, 28, 28, 1)``, scaled as its card says, to the output that its card names.
    card : ModelCard

    Returns
    -------
    keras.Model
        From ``(N, 28, 28, 1)`` in [0, 1] to ``(N, classes)`` probabilities.
    """
    import keras
    from keras import layers, ops

    image = scaled = keras.Input((28, 28, 1), name="image")
    if card.scaling == L2_COLUMNS:
        norm = ops.sqrt(ops.sum(ops.square(image), axis=1, keepdims=True))
        scaled = image / ops.where(ops.equal(norm, 0), 1.0, norm)
    scores = network(scaled)
    model = keras.Model(image, layers.Softmax()(scores) if card.output == "logits" else scores)
    model(np.zeros((1, 28, 28, 1), np.float32))  # Keras exports to ONNX only what was called once
    return model


def _savedmodel(path: Path) -> Ask:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return lambda batch: np.asarray(loaded.serve(tf.constant(batch)), np.float32)


def _tflite(path: Path) -> Ask:
    return runner(path.read_bytes())


def _onnx(path: Path) -> Ask:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0].name
    return lambda batch: np.asarray(session.run(None, {entry: batch})[0], np.float32)


@dataclass(frozen=True, slots=True)
class Format:
    """A file format for other programs.

    Attributes
    ----------
    keras : str
        Its name in ``keras.Model.export``.
    load : callable
        Loads a file of this format to a function from batches to probabilities.
    needs : tuple of str
        Modules of the extras that writing and loading need.
    """

    keras: str
    load: Callable[[Path], Ask]
    needs: tuple[str, ...] = ()


FORMATS: Mapping[str, Format] = {
    "savedmodel": Format("tf_saved_model", _savedmodel),
    "tflite": Format("litert", _tflite),
    "onnx": Format("onnx", _onnx, needs=("tf2onnx", "onnxruntime")),
}
"""Formats by name, which is also the suffix of the file."""
