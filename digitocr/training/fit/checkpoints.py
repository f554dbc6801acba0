"""Checkpoints of a training run, and the trained network kept beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray


def checkpoint_path(path: Path, learned: Iterable[NDArray[Any]], run: tuple[int, ...]) -> Path:
    """Name a run's folder of checkpoints after all that determines the run.

    Parameters
    ----------
    path : Path
        The folder's path but for what identifies the run.
    learned : iterable of ndarray
        What the network learns from.
    run : tuple of int
        Epochs, batch size, seed.

    Returns
    -------
    Path
    """
    digest = hashlib.sha256(repr(run).encode())
    for array in learned:
        digest.update(array.tobytes())
    return path.with_name(f"{path.name}-{digest.hexdigest()[:12]}")


def trained_once(checkpoint: Path, train: Callable[[], Any]) -> Path:
    """Train a network and save it beside its checkpoints, unless that was done before.

    Parameters
    ----------
    checkpoint : Path
    train : callable
        Returns the trained ``keras.Model``.

    Returns
    -------
    Path
        The ``.keras`` file.
    """
    path = checkpoint.with_suffix(".keras")
    if not path.is_file():
        unfinished = checkpoint.with_suffix(".part.keras")
        train().save(unfinished)
        unfinished.replace(path)
    return path
