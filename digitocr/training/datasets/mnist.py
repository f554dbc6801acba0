"""The MNIST digits, from a local copy or by Keras' downloader."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import UsageError

Digits = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
"""Training pictures ``(60000, 28, 28)`` and labels, test pictures ``(10000, 28, 28)`` and labels."""

_KEYS = ("x_train", "y_train", "x_test", "y_test")


def load_mnist(path: Path | None = None, *, download: bool = True) -> Digits:
    """Load MNIST.

    Parameters
    ----------
    path : Path, optional
        An npz with ``x_train``, ``y_train``, ``x_test``, ``y_test``. Without it the environment's
        ``DIGITOCR_MNIST`` names the file, else ``mnist.npz`` is looked for in the folder ``DIGITOCR_DATA``,
        else Keras downloads it.
    download : bool
        Whether Keras may download it.

    Returns
    -------
    tuple of uint8 ndarray
        ``x_train`` (60000, 28, 28), ``y_train``, ``x_test`` (10000, 28, 28), ``y_test``; ink bright on black.

    Raises
    ------
    UsageError
        A named file cannot be used, or MNIST is neither found nor downloaded.
    """
    named = path or (Path(os.environ["DIGITOCR_MNIST"]) if os.environ.get("DIGITOCR_MNIST") else None)
    if named is not None:
        return _read(named)
    beside = Path(os.environ.get("DIGITOCR_DATA", "../shared/data")) / "mnist.npz"
    if beside.is_file():
        return _read(beside)
    if download:
        return _downloaded()
    raise UsageError("MNIST was not found", hint=_HINT)


_HINT = (
    "name an mnist.npz of your own with --data FILE.npz or DIGITOCR_MNIST, "
    "or run once with a network connection, so that Keras can download it"
)


def _read(path: Path) -> Digits:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = [np.asarray(stored[key], np.uint8) for key in _KEYS]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UsageError(f"MNIST cannot be read from {path}: {error}", hint=_HINT) from error
    return _checked(arrays, str(path))


def _checked(arrays: list[NDArray[np.uint8]], where: str) -> Digits:
    x_train, y_train, x_test, y_test = arrays
    sound = x_train.shape[1:] == x_test.shape[1:] == (28, 28)
    if not sound or len(x_train) != len(y_train) or len(x_test) != len(y_test):
        raise UsageError(f"{where} does not hold 28x28 pictures and as many labels", hint=_HINT)
    return x_train, y_train, x_test, y_test


def _downloaded() -> Digits:
    try:
        from keras.datasets import mnist

        (x_train, y_train), (x_test, y_test) = mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception where the network fails
        raise UsageError(f"MNIST could not be downloaded: {error}", hint=_HINT) from error
    return _checked([np.asarray(a, np.uint8) for a in (x_train, y_train, x_test, y_test)], "the download")
