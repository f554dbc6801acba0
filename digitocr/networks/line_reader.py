"""The line reader: a second network that reads a line as a whole, without cuts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import ModelError
from digitocr.networks.card import ModelCard
from digitocr.networks.classifier import log_softmax
from digitocr.networks.runtime import Call, load_call

ROWS = 32
"""Height of a strip in pixels."""

FRAME = 4
"""Columns of a strip that the line reader scores together."""

CHANNELS = 2
"""Darkness of the sheet, and the part of it that is the line's ink: the first keeps what cleaning removed, the second
leaves out patterns and print."""

WIDTH_STEP = 64
"""Strips are padded to a multiple of this many columns, so that the network sees few shapes."""


@dataclass(frozen=True, slots=True)
class LineReader:
    """A loaded line reader; safe to call from several threads."""

    _call: Call

    def frames(self, strips: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Read strips, one at a time: activations of several do not fit into the processor's cache.

        Parameters
        ----------
        strips : sequence of (32, w, 2) uint8 ndarray

        Returns
        -------
        list of (w / 4, 11) float32 ndarray
            For each frame the probabilities of the ten digits and of no digit.
        """
        order = sorted(range(len(strips)), key=lambda k: strips[k].shape[1])
        out: dict[int, NDArray[np.float32]] = {}
        for k in order:
            (logits,) = self._call(padded([strips[k]]))
            out[k] = np.exp(log_softmax(logits[: strips[k].shape[1] // FRAME]))
        return [out[k] for k in range(len(strips))]


def load_line_reader(model: Path, card: ModelCard, threads: int = 0) -> LineReader | None:
    """Load the line reader of a model, if it has one.

    Parameters
    ----------
    model : Path
        File of the model.
    card : ModelCard
        Its card, which names the line reader.
    threads : int
        As for :func:`digitocr.networks.runtime.load_call`.

    Returns
    -------
    LineReader or None

    Raises
    ------
    ModelError
        If the line reader is missing or damaged, or belongs to another model.
    """
    if not card.line_reader:
        return None
    path = model.with_name(card.line_reader)
    hint = f"put back the file that came with {model.name}, or train both again"
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"no line reader at {path}: {error.strerror}", hint=hint) from None
    if found != card.line_reader_sha256:
        raise ModelError(f"the line reader {path} is damaged, or belongs to another model", hint=hint)
    return LineReader(load_call(path, card.line_reader_compiled_sha256, threads))


def padded(strips: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Stack strips, padded with paper on the right.

    Parameters
    ----------
    strips : sequence of (32, w, 2) uint8 ndarray

    Returns
    -------
    (N, 32, W, 2) float32 ndarray
        In [0, 1]; `W` is a multiple of `WIDTH_STEP`.
    """
    width = -(-max(picture.shape[1] for picture in strips) // WIDTH_STEP) * WIDTH_STEP
    out = np.zeros((len(strips), ROWS, width, CHANNELS), dtype=np.float32)
    for row, picture in zip(out, strips, strict=True):
        row[:, : picture.shape[1]] = picture
    return np.divide(out, np.float32(255), dtype=np.float32)
