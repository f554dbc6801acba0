"""Running networks compiled to eight-bit weights with LiteRT; only compiling them needs TensorFlow.

Weights are stored as integers; the inputs of a layer are rounded to integers for each picture by itself, so that its
output does not depend on the rest of the batch ("dynamic range quantisation" [1]_).

References
----------
.. [1] B. Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
   CVPR 2018.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import ModelError

Call = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A network: maps a batch to its output."""

HINT = "train one with `python -m digitocr train`, or leave --model out to use the shipped one"

STDERR = 2
"""Descriptor of standard error, to which C++ code prints."""

MOST_THREADS = 4
"""More threads do not speed up a network this small."""


def compiled_file(model: Path) -> Path:
    """Return the path of the compiled network of a ``.keras`` file.

    Parameters
    ----------
    model : Path

    Returns
    -------
    Path

    Examples
    --------
    >>> compiled_file(Path("models/digits.keras")).as_posix()
    'models/digits.int8.tflite'
    """
    return model.with_name(f"{model.stem}.int8.tflite")


def load_call(model: Path, sha256: str, threads: int = 0) -> Call:
    """Load the compiled network beside a ``.keras`` file; without one, compile the file.

    Parameters
    ----------
    model : Path
    sha256 : str
        Of the compiled file; '' without one.
    threads : int
        Threads it may use; 0 for one per core, up to `MOST_THREADS`.

    Returns
    -------
    callable

    Raises
    ------
    ModelError
        If the file is damaged or cannot be run.
    """
    path = compiled_file(model)
    if not (sha256 and path.is_file()):
        return runner(compile_network(load_network(model)), threads)
    compiled = path.read_bytes()
    if hashlib.sha256(compiled).hexdigest() != sha256:
        raise ModelError(
            f"{path} is damaged, or belongs to another model", hint=f"remove it to use {model.name} itself"
        )
    try:
        return runner(compiled, threads)
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"{path} cannot be run: {error}", hint=f"remove it to use {model.name} itself"
        ) from None


def runner(compiled: bytes, threads: int = 0) -> Call:
    """Return a function that runs a compiled network; several threads may call it.

    Parameters
    ----------
    compiled : bytes
        As :func:`compile_network` returns it.
    threads : int
        As for :func:`load_call`.

    Returns
    -------
    callable
    """
    from ai_edge_litert.interpreter import Interpreter

    own = threading.local()  # an interpreter holds the batch that it works on
    workers = thread_count(threads)

    def fresh() -> Interpreter:
        return Interpreter(model_content=compiled, num_threads=workers)

    def call(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        if not hasattr(own, "interpreter"):
            own.interpreter, own.shape = fresh(), None
            own.entry = own.interpreter.get_input_details()[0]["index"]
            own.answer = own.interpreter.get_output_details()[0]["index"]
        if own.shape != batch.shape:
            own.interpreter.resize_tensor_input(own.entry, batch.shape)
            own.interpreter.allocate_tensors()
            own.shape = batch.shape
        own.interpreter.set_tensor(own.entry, np.asarray(batch, dtype=np.float32))
        own.interpreter.invoke()
        return np.asarray(own.interpreter.get_tensor(own.answer), dtype=np.float32)

    with unheard():  # the first one of a process prints what it runs on
        fresh().allocate_tensors()
    return call


def thread_count(threads: int) -> int:
    """Return how many threads a network runs on.

    Parameters
    ----------
    threads : int
        0 for one per core, up to `MOST_THREADS`.

    Returns
    -------
    int
    """
    return threads or min(os.cpu_count() or 1, MOST_THREADS)


@contextmanager
def unheard() -> Iterator[None]:
    """Send what C++ code prints on standard error to nowhere: libraries have no setting for it."""
    try:
        kept = os.dup(STDERR)
    except OSError:  # there is no standard error
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDERR)
    try:
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)


def compile_network(network: Any) -> bytes:  # noqa: ANN401 (Keras ships no types)
    """Compile a Keras network of one input and one output.

    Parameters
    ----------
    network : keras.Model

    Returns
    -------
    bytes
        A LiteRT model. Dimensions that are None in the network, the batch among them, can have any size.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with redirect_stdout(io.StringIO()):  # it prints what it saved
        return bytes(converter.convert())


def keras_call(network: Any) -> Call:  # noqa: ANN401
    """Return a function that runs a Keras network in full precision.

    Parameters
    ----------
    network : keras.Model

    Returns
    -------
    callable
    """
    import tensorflow as tf

    signature = [tf.TensorSpec(network.input_shape, tf.float32)]
    graph = tf.function(partial(network, training=False), input_signature=signature, autograph=False)
    graph.get_concrete_function()
    return lambda batch: np.asarray(graph(batch), dtype=np.float32)


_tensorflow_lock = threading.Lock()


def load_network(path: Path) -> Any:  # noqa: ANN401
    """Load a Keras network.

    Parameters
    ----------
    path : Path

    Returns
    -------
    keras.Model

    Raises
    ------
    ModelError
        If the file is damaged.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _tensorflow_lock:
        import keras

        try:
            return keras.saving.load_model(path, compile=False)
        except Exception as error:  # a damaged archive makes Keras raise errors of any class
            raise ModelError(f"the model {path} cannot be loaded: {error}", hint=HINT) from None


@contextmanager
def native_silence() -> Iterator[None]:
    """Silence C++ code while libraries load, if Python's own messages take another way to the terminal.

    :func:`digitocr.cli.console.set_up` gives them one.
    """
    try:
        shared = sys.stderr is None or sys.stderr.fileno() == STDERR
    except (OSError, ValueError):  # not a file: a notebook's, a test's
        shared = True
    with nullcontext() if shared else unheard():
        yield


@contextmanager
def quietly() -> Iterator[None]:
    """Start TensorFlow without its messages."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with native_silence():
        yield
