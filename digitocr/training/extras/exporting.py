"""Models for other programs: SavedModel, TensorFlow Lite, ONNX; written only if they answer as Keras does."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping
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
from digitocr.training.extras.actions import load

log = logging.getLogger(__name__)

TOLERANCE = 1e-4
"""How far a probability may be from that of Keras."""

_BATCH = 500
"""Digits checked at once."""

Probabilities = NDArray[np.float32]
Ask = Callable[[Batch], Probabilities]


class ExportError(DigitocrError):
    """An exported model does not answer as Keras does, or cannot be made of this network."""

    code = "export"


def export(model: Path, form: str, source: str, output: Path | None) -> int:
    """Write a model in another format.

    What is written takes ``(N, 28, 28, 1)`` in [0, 1], does the scaling of the card itself, and gives probabilities.

    Parameters
    ----------
    model : Path
    form : str
        A key of `FORMATS`.
    source : str
        The digits both are asked about.
    output : Path, optional
        Beside the model without it.

    Raises
    ------
    UsageError
        There is no such format.
    ExportError
        The two answer differently; then nothing is written.
    """
    if form not in FORMATS:
        raise UsageError(f"there is no format {form!r}", hint=f"choose of {', '.join(FORMATS)}")
    suffix, write, asker = FORMATS[form]
    target = output or model.with_suffix(suffix)
    classifier = load(model)
    batch = to_batch(list(load_dataset(source, log.info).measured.images))
    expected = np.exp(classifier.log_probabilities(batch))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # the converters use what their own next versions will do without
        warnings.simplefilter("ignore")
        made = Path(folder) / f"model{suffix}"
        with quietly():
            write(load_network(model), classifier.card, made)
            ask = asker(made)
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


# --- TensorFlow's own -------------------------------------------------------------------------------------------


def _write_savedmodel(network: Any, card: ModelCard, path: Path) -> None:  # noqa: ANN401
    import keras
    import tensorflow as tf

    def serve(x: Any) -> Any:  # noqa: ANN401
        if card.scaling == L2_COLUMNS:
            norm = tf.sqrt(tf.reduce_sum(tf.square(x), axis=1, keepdims=True))
            x = x / tf.where(norm == 0, tf.ones_like(norm), norm)
        scores = network(x, training=False)
        return tf.nn.softmax(scores) if card.output == "logits" else scores

    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint("serve", serve, input_signature=[tf.TensorSpec((None, 28, 28, 1), tf.float32)])
    archive.write_out(str(path), verbose=False)


def _ask_savedmodel(path: Path) -> Ask:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return lambda batch: np.asarray(loaded.serve(tf.constant(batch)), np.float32)


def _write_tflite(network: Any, card: ModelCard, path: Path) -> None:  # noqa: ANN401
    import tensorflow as tf

    folder = path.with_suffix(".savedmodel")
    _write_savedmodel(network, card, folder)
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert())


def _ask_tflite(path: Path) -> Ask:
    return runner(path.read_bytes())


# --- ONNX -------------------------------------------------------------------------------------------------------


def _write_onnx(network: Any, card: ModelCard, path: Path) -> None:  # noqa: ANN401
    from digitocr.training.extras.onnx_graph import onnx_bytes

    path.write_bytes(onnx_bytes(network, card))


def _ask_onnx(path: Path) -> Ask:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0].name
    return lambda batch: np.asarray(session.run(None, {entry: batch})[0], np.float32)


Format = tuple[str, Callable[[Any, ModelCard, Path], None], Callable[[Path], Ask]]

FORMATS: Mapping[str, Format] = {
    "savedmodel": (".savedmodel", _write_savedmodel, _ask_savedmodel),
    "tflite": (".tflite", _write_tflite, _ask_tflite),
    "onnx": (".onnx", _write_onnx, _ask_onnx),
}
"""Formats by name: how their files end, how they are written, how they are asked."""
