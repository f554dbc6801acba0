"""The second reader: a pre-trained network that reads lines as a whole, and a head of ours on its lower blocks.

The network is PP-OCRv6's small recognizer [1]_, cut to digits by :mod:`digitocr.training.pretrained`; it has seen
millions of real lines. Both parts run on ONNX Runtime.

References
----------
.. [1] PaddleOCR, https://github.com/PaddlePaddle/PaddleOCR, Apache-2.0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import ModelError
from digitocr.networks.card import ModelCard, SecondCard
from digitocr.networks.runtime import thread_count
from digitocr.records import Grey

ROWS = 48
"""Height of a line's picture in pixels."""

LEAST_WIDTH = 160
"""Least width of a batch in columns: the network's channel attention looks at the whole width, and was trained so."""

WIDTH_STEP = 32
"""Pictures are padded to a multiple of this many columns, so that the network sees few shapes."""


FRAME = 4
"""Columns that our head scores together; its authors' scores two frames together."""

Features = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""The lower blocks: from lines ``(N, 3, 48, w)`` to features ``(N, 192, 6, w / 4)``."""


def padded(pictures: Sequence[Grey]) -> NDArray[np.float32]:
    """Stack pictures of lines, scaled to [-1, 1] and padded on the right with zeros, as the network was trained.

    Parameters
    ----------
    pictures : sequence of (48, w) uint8 ndarray

    Returns
    -------
    (N, 3, 48, W) float32 ndarray
        `W` is a multiple of `WIDTH_STEP`, and at least `LEAST_WIDTH`.
    """
    width = _padded_width(max(picture.shape[1] for picture in pictures))
    out = np.zeros((len(pictures), 3, ROWS, width), dtype=np.float32)
    for row, picture in zip(out, pictures, strict=True):
        row[:, :, : picture.shape[1]] = picture.astype(np.float32) / 127.5 - 1
    return out


def _padded_width(width: int) -> int:
    return max(LEAST_WIDTH, -(-width // WIDTH_STEP) * WIDTH_STEP)


MOST_LINES = 8
"""Lines of the least width read at once: more are no faster, and each takes some 7 MB."""


@dataclass(frozen=True, slots=True)
class SecondFrames:
    """What the second reader sees in a line.

    Attributes
    ----------
    own : (T, 11) float32 ndarray
        By our head, for each frame of four columns the probabilities of the ten digits and of no digit.
    authors : (T / 2, 11) float32 ndarray
        By its authors' head, for each frame of eight columns.
    """

    own: NDArray[np.float32]
    authors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SecondReader:
    """The loaded second reader; safe to call from several threads."""

    _base: Any
    _head: Any

    def frames(self, pictures: Sequence[Grey]) -> list[SecondFrames]:
        """Read pictures of lines, those of one padded width together: what is read depends on no other picture.

        Parameters
        ----------
        pictures : sequence of (48, w) uint8 ndarray

        Returns
        -------
        list of SecondFrames
        """
        widths = [_padded_width(picture.shape[1]) for picture in pictures]
        out: dict[int, SecondFrames] = {}
        for width in sorted(set(widths)):
            same = [k for k, other in enumerate(widths) if other == width]
            at_once = max(1, MOST_LINES * LEAST_WIDTH // width)
            for some in (same[at : at + at_once] for at in range(0, len(same), at_once)):
                features, authors = self._base.run(None, {"lines": padded([pictures[k] for k in some])})
                (own,) = self._head.run(None, {"features": features})
                for k, by_own, by_authors in zip(some, own, authors, strict=True):
                    ends = -(-pictures[k].shape[1] // FRAME) + 1
                    out[k] = SecondFrames(by_own[:ends], by_authors[: ends // 2 + 1])
        return [out[k] for k in range(len(pictures))]


def second_in_use(model: Path, card: ModelCard) -> SecondCard | None:
    """Return what a model's card says of its second reader, None where one of its files is missing.

    Parameters
    ----------
    model : Path
        File of the model.
    card : ModelCard

    Returns
    -------
    SecondCard or None
    """
    return card.second if all(model.with_name(name).is_file() for name in card.second_files) else None


def load_second_reader(model: Path, card: SecondCard, threads: int = 0) -> SecondReader:
    """Load the second reader of a model.

    Parameters
    ----------
    model : Path
        File of the model.
    card : SecondCard
        Names its two files, which lie beside the model.
    threads : int
        As for :func:`digitocr.networks.runtime.thread_count`.

    Returns
    -------
    SecondReader

    Raises
    ------
    ModelError
        If a file is damaged, or belongs to another model.
    """
    parts = []
    for name, sha256 in ((card.base, card.base_sha256), (card.head, card.head_sha256)):
        path = model.with_name(name)
        part = path.read_bytes()
        if hashlib.sha256(part).hexdigest() != sha256:
            raise ModelError(
                f"the second reader {path} is damaged, or belongs to another model",
                hint=f"put back the file that came with {model.name}, or remove it to read without",
            )
        parts.append(part)
    base, head = (session(part, threads) for part in parts)
    return SecondReader(base, head)


def session(network: bytes, threads: int = 0) -> Any:  # noqa: ANN401 (ONNX Runtime ships no types)
    """Return a session of ONNX Runtime on the processor.

    Parameters
    ----------
    network : bytes
        An ONNX model.
    threads : int
        As for :func:`load_second_reader`.

    Returns
    -------
    onnxruntime.InferenceSession
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = thread_count(threads)
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # it keeps a block for each shape beside what the first run took
    options.log_severity_level = 4  # errors are raised
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
