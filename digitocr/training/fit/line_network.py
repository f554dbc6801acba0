"""The line reader: its lessons, text-line images with their digits from left to right, and its training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.networks.line_reader import CHANNELS, FRAME, ROWS, WIDTH_STEP, LineReader, padded
from digitocr.recognition.ctc import BLANK
from digitocr.recognition.line_image import LineImage
from digitocr.recognition.parameters import LineImages
from digitocr.training.datasets.labelling import DigitSpan, LabelledLine
from digitocr.training.datasets.sharded import Shard
from digitocr.training.fit.architectures import linenet
from digitocr.training.fit.augment_lines import CHANGES, moved, worn
from digitocr.training.fit.optimizers import muon
from digitocr.training.fit.parallel import epoch_reporter

CORE_SHARE = 0.2
"""Frames within this share of a digit's width from its middle are labelled with the digit."""

STACKED_SHARE = 0.7
"""Digits that share more of their columns than this stand one above the other."""

ANY = -1
"""Label of a frame that may be the digit or blank."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text-line image and its labels.

    Attributes
    ----------
    picture : (32, w, 2) uint8 ndarray
    digits : (d,) int8 ndarray
        From left to right.
    frames : (w / 4,) int8 ndarray
        Digit or `BLANK` of each frame, or `ANY`.
    """

    picture: NDArray[np.uint8]
    digits: NDArray[np.int8]
    frames: NDArray[np.int8]


def lesson(item: LabelledLine) -> Lesson | None:
    """Make a lesson of a labelled line.

    Parameters
    ----------
    item : LabelledLine

    Returns
    -------
    Lesson or None
        None if its digits are in doubt.
    """
    if item.written is None or any(is_stacked(a, b) for a, b in pairwise(item.written)):
        return None
    made = LineImage.of(item.line, LineImages())
    return Lesson(
        made.picture, np.array([w.value for w in item.written], dtype=np.int8), _frame_labels(item, made)
    )


def is_stacked(a: DigitSpan, b: DigitSpan) -> bool:
    """Whether two digits stand one above the other: two rows segmented as one.

    Parameters
    ----------
    a, b : DigitSpan

    Returns
    -------
    bool
    """
    shared = min(a.right, b.right) - max(a.left, b.left)
    return shared > STACKED_SHARE * min(a.right - a.left, b.right - b.left)


def lines_right(line_reader: LineReader, items: Sequence[LabelledLine]) -> float:
    """Return the share of lines that the line reader alone reads right, by the likeliest class of each frame.

    Parameters
    ----------
    line_reader : LineReader
    items : sequence of LabelledLine

    Returns
    -------
    float
        In [0, 1].
    """
    made = [(one.digits.tolist(), one.picture) for item in items if (one := lesson(item)) is not None]
    read = line_reader.frames([picture for _, picture in made])
    right = [
        [value for value, _ in groupby(frames.argmax(axis=1).tolist()) if value != BLANK] == digits
        for (digits, _), frames in zip(made, read, strict=True)
    ]
    return float(np.mean(right)) if right else 0.0


def _frame_labels(item: LabelledLine, made: LineImage) -> NDArray[np.int8]:
    labels = np.full(made.picture.shape[1] // FRAME, BLANK, dtype=np.int8)
    middles = np.arange(len(labels)) + 0.5
    cores = []
    for digit in item.written or ():
        left, right = made.frame_of(digit.left), made.frame_of(digit.right)
        labels[(middles >= left) & (middles <= right)] = ANY
        cores.append(((left + right) / 2, CORE_SHARE * (right - left), digit.value))
    for (middle, _, _), (after, _, _) in pairwise(cores):
        if after - middle >= 2:
            labels[int((middle + after) / 2)] = BLANK
    for middle, reach, value in cores:
        labels[(np.abs(middles - middle) <= reach) | (np.floor(middle) == np.floor(middles))] = value
    return labels


def stored(lessons: Sequence[Lesson]) -> Shard:
    """Join lessons into arrays, as they are kept in a file.

    Parameters
    ----------
    lessons : sequence of Lesson

    Returns
    -------
    dict of str to ndarray
    """
    return {
        "pictures": np.concatenate([one.picture for one in lessons], axis=1),
        "digits": np.concatenate([one.digits for one in lessons]),
        "frames": np.concatenate([one.frames for one in lessons]),
        "counts": np.array([len(one.digits) for one in lessons]),
        "lengths": np.array([len(one.frames) for one in lessons]),
    }


def lessons_of(part: Shard) -> Iterator[Lesson]:
    """Split stored arrays into lessons.

    Parameters
    ----------
    part : dict of str to ndarray
        As returned by :func:`stored`.

    Yields
    ------
    Lesson
    """
    ends, counts = np.cumsum(part["lengths"]), np.cumsum(part["counts"])
    pictures = np.split(part["pictures"], ends[:-1] * FRAME, axis=1)
    digits, frames = np.split(part["digits"], counts[:-1]), np.split(part["frames"], ends[:-1])
    for picture, of_picture, labels in zip(pictures, digits, frames, strict=True):
        yield Lesson(picture, of_picture, labels)


def batches(
    lessons: list[Lesson], batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], dict[str, NDArray[np.int32]]]]:
    """Batch lessons of similar length in random order, each one distorted anew.

    Parameters
    ----------
    lessons : list of Lesson
    batch_size : int
    rng : numpy.random.Generator

    Yields
    ------
    strips : (B, 32, w, 2) float32 ndarray
        In [0, 1].
    targets : dict of str to int32 ndarray
        ``digits`` (B, d), ``counts`` (B,), ``frames`` (B, w / 4).
    """
    widths = np.array([one.picture.shape[1] for one in lessons])
    order = np.argsort(widths * rng.uniform(0.85, 1.15, len(widths)))
    groups = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    yield from (_batch([varied(lessons[k], rng) for k in groups[g]]) for g in rng.permutation(len(groups)))


def varied(one: Lesson, rng: np.random.Generator) -> Lesson:
    """Distort a lesson slightly; its frames move with the picture.

    Parameters
    ----------
    one : Lesson
    rng : numpy.random.Generator

    Returns
    -------
    Lesson
    """
    picture = worn(moved(one.picture, 2 * len(one.digits) + 1, rng), CHANGES, rng)
    frames = picture.shape[1] // FRAME
    then = ((np.arange(frames) + 0.5) * len(one.frames) / frames).astype(np.intp)
    return Lesson(picture, one.digits, one.frames[then])


def _batch(chosen: list[Lesson]) -> tuple[NDArray[np.float32], dict[str, NDArray[np.int32]]]:
    pictures = padded([one.picture for one in chosen])
    counts = np.array([len(one.digits) for one in chosen], dtype=np.int32)
    digits = np.zeros((len(chosen), max(1, int(counts.max()))), dtype=np.int32)
    frames = np.full((len(chosen), pictures.shape[2] // FRAME), BLANK, dtype=np.int32)
    for row, one in enumerate(chosen):
        digits[row, : counts[row]] = one.digits
        frames[row, : len(one.frames)] = one.frames
    return pictures, {"digits": digits, "counts": counts, "frames": frames}


def train_lines(lessons: list[Lesson], epochs: int, batch_size: int, seed: int, checkpoint: Path) -> Any:  # noqa: ANN401
    """Train one network of the line reader; an interrupted run resumes after its last epoch.

    The loss is connectionist temporal classification [1]_, plus cross-entropy on the frames whose digit is known from
    the drawing, so that the network need not find the alignment by itself.

    Parameters
    ----------
    lessons : list of Lesson
    epochs : int
    batch_size : int
    seed : int
    checkpoint : Path
        Folder of the checkpoints.

    Returns
    -------
    keras.Model

    References
    ----------
    .. [1] A. Graves et al., "Connectionist temporal classification", ICML 2006.
    """
    import keras

    keras.utils.set_random_seed(seed)
    steps = -(-len(lessons) // batch_size)
    network = linenet()
    trainer = _trainer(network)
    trainer(np.zeros((1, ROWS, WIDTH_STEP, CHANNELS), dtype=np.float32))
    schedule = keras.optimizers.schedules.CosineDecay(
        4e-4, decay_steps=steps * epochs, warmup_target=1.5e-3, warmup_steps=min(300, steps)
    )
    trainer.compile(muon(schedule, clipnorm=5.0))
    backup = keras.callbacks.BackupAndRestore(str(checkpoint), delete_checkpoint=False)
    reporter = epoch_reporter(f"line reader {seed}")
    trainer.fit(_dataset(lessons, batch_size, seed), epochs=epochs, verbose=0, callbacks=[backup, reporter])
    return network


def _trainer(network: Any) -> Any:  # noqa: ANN401
    import keras
    from keras import ops

    class Trainer(keras.Model):  # type: ignore[misc]
        """The network with its two losses."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def call(self, strips: Any, training: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002
            return self.network(strips, training=training)

        def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401
            lengths = ops.full_like(y["counts"], ops.shape(y_pred)[1])
            whole = ops.ctc_loss(y["digits"], y_pred, y["counts"], lengths, mask_index=BLANK)
            known = ops.cast(y["frames"] != ANY, "float32")
            each = ops.sparse_categorical_crossentropy(ops.maximum(y["frames"], 0), y_pred, from_logits=True)
            return ops.mean(whole) / 4 + ops.sum(each * known) / ops.sum(known)

    return Trainer()


def _dataset(lessons: list[Lesson], batch_size: int, seed: int) -> Any:  # noqa: ANN401
    """Dataset of batches, composed anew in each epoch."""
    import tensorflow as tf

    epochs = count()

    def epoch() -> Iterator[tuple[NDArray[np.float32], dict[str, NDArray[np.int32]]]]:
        yield from batches(lessons, batch_size, np.random.default_rng((seed, next(epochs))))

    whole = {"counts": tf.TensorSpec((None,), tf.int32)}
    known = {name: tf.TensorSpec((None, None), tf.int32) for name in ("digits", "frames")}
    signature = (tf.TensorSpec((None, ROWS, None, CHANNELS), tf.float32), whole | known)
    made = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    steps = -(-len(lessons) // batch_size)
    return made.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)
