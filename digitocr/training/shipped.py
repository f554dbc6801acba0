"""Make the shipped model from scratch: draw, train, calibrate, write the card.

Run as ``python -m digitocr.training.shipped``; see ``--help``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr import __version__
from digitocr.classify import classifier_of
from digitocr.decode import SIGN
from digitocr.line_reader import LineReader
from digitocr.network import compile_network, compiled_file, runner
from digitocr.normalize import to_batch
from digitocr.records import ModelCard
from digitocr.training.architectures import digitnet
from digitocr.training.calibrate import calibrated, calibrated_in_cells, of_drawings
from digitocr.training.cards import fitted_parts, write_card
from digitocr.training.corpus import (
    HELD_FROM,
    Candidates,
    calibration_sources,
    corpus,
    cropped,
    drawn_lines,
    varied,
)
from digitocr.training.fields import drawn_forms
from digitocr.training.lines import Lesson, lines_right, train_lines
from digitocr.training.mnist import load_mnist
from digitocr.training.optimizers import muon

BAR_WIDTH = 8
"""Ink no wider than this in a 28×28 picture, in pixels, and at least twice as high is an upright bar."""

CLASSES = (*"0123456789", "sign", "cut")

VARIED = 3
"""Copies of MNIST's digits that are learned from beside the plain ones, each varied anew."""

TURNED = 0.15
"""Share of the drawn digits that are learned from turned, too: as signs."""

NO_DIGIT_TURNED = {
    1: frozenset((2, 3, 4, 5, 6, 7, 9)),
    2: frozenset((3, 4, 7)),
    3: frozenset((2, 3, 4, 5, 6, 7, 9)),
}
"""By quarter turns, digits that look like none when so turned."""

SOURCES = {
    "mnist.npz": "MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0",
    "unipen_digits.npz": "UNIPEN train_r01_v07 (Guyon et al. 1994), doi 10.5281/zenodo.1195803, CC BY 4.0",
    "unipen_other.npz": "UNIPEN train_r01_v07, letters and signs, CC BY 4.0",
    "pendigits.npz": "UCI pen digits (Alpaydin, Alimoglu), doi 10.24432/C5MG6K, CC BY 4.0",
}


def say(text: str) -> None:
    """Report progress on standard error."""
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stderr.flush()


def training_set(
    drawn: Candidates, digits: NDArray[np.uint8], labels: NDArray[np.uint8], seed: int
) -> Candidates:
    """Mix drawn candidates with MNIST digits, plain and varied, in random order."""
    rng = np.random.default_rng(seed)
    drawn = without_bars(drawn)
    aside = turned(drawn, rng)
    plain = np.stack([cropped(image) for image in digits])
    copies = [plain, *(varied(digits, rng) for _ in range(VARIED))]
    images = np.concatenate([drawn.images, aside.images, *copies])
    all_labels = np.concatenate([drawn.labels, aside.labels, np.tile(labels.astype(np.int8), len(copies))])
    order = rng.permutation(len(images))
    return Candidates(images[order], all_labels[order])


def turned(drawn: Candidates, rng: np.random.Generator) -> Candidates:
    """Turn some of the digits: a network that knows them for signs can tell which way up a page is."""
    chosen = rng.permutation(np.flatnonzero((drawn.labels >= 0) & (drawn.labels < SIGN)))
    quarters = rng.integers(1, 4, round(TURNED * len(chosen))).tolist()
    images = [
        np.rot90(drawn.images[k], turns)
        for k, turns in zip(chosen.tolist(), quarters, strict=False)
        if int(drawn.labels[k]) in NO_DIGIT_TURNED[turns]
    ]
    pictures = np.array(images, dtype=np.uint8).reshape(-1, 28, 28)
    return Candidates(pictures, np.full(len(images), SIGN, dtype=np.int8))


def without_bars(data: Candidates) -> Candidates:
    """Leave out signs that are plain upright bars: a box's side looks just like a 1; its size and place must tell."""
    inked = data.images > 64
    width, height = inked.any(axis=1).sum(axis=1), inked.any(axis=2).sum(axis=1)
    keep = (data.labels != SIGN) | (width > BAR_WIDTH) | (height < 2 * BAR_WIDTH)
    return Candidates(data.images[keep], data.labels[keep])


def checkpoint_of(data: Candidates, epochs: int, batch_size: int, seed: int, work: Path) -> Path:
    """Name the folder of a run's checkpoints by all that makes the run what it is."""
    facts = hashlib.sha256(data.images.tobytes() + data.labels.tobytes())
    facts.update(f"{epochs} {batch_size} {seed}".encode())
    return work / f"checkpoint-{facts.hexdigest()[:12]}"


def lines_checkpoint_of(lessons: list[Lesson], epochs: int, batch_size: int, seed: int, work: Path) -> Path:
    """Name the folder of checkpoints of the line reader's run, likewise."""
    facts = hashlib.sha256(f"{epochs} {batch_size} {seed}".encode())
    for one in lessons:
        facts.update(one.picture.tobytes() + one.frames.tobytes())
    return work / f"lines-checkpoint-{facts.hexdigest()[:12]}"


def train(data: Candidates, epochs: int, batch_size: int, seed: int, checkpoint: Path) -> Any:  # noqa: ANN401
    """Train the network; an interrupted run goes on from its last epoch."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    steps = len(data.labels) // batch_size
    network = digitnet(len(CLASSES))
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-3, decay_steps=steps * epochs, warmup_target=2e-3, warmup_steps=min(500, steps)
    )
    network.compile(
        muon(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    inputs = (
        tf.data.Dataset.from_tensor_slices((data.images, data.labels.astype(np.int32)))
        .shuffle(100_000, seed=seed)
        .batch(batch_size, drop_remainder=True)
        .map(lambda x, y: (tf.cast(x, tf.float32)[..., None] / 255.0, y))
        .prefetch(2)
    )
    backup = keras.callbacks.BackupAndRestore(str(checkpoint), delete_checkpoint=False)
    network.fit(inputs, epochs=epochs, verbose=2, callbacks=[backup])
    trained = digitnet(len(CLASSES))  # one that knows nothing of how it was trained
    trained.set_weights(network.get_weights())
    return trained


@dataclass(frozen=True, slots=True)
class Made:
    """Both networks, and what they were compiled to."""

    digits: Any
    compiled: bytes
    lines: Any
    lines_compiled: bytes


def write(made: Made, card: ModelCard, output: Path, facts: dict[str, Any]) -> None:
    """Save the networks, each with its card and what it was compiled to beside it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    made.digits.save(output)
    compiled_file(output).write_bytes(made.compiled)
    line_reader = output.with_name(f"{output.stem}-lines.keras")
    made.lines.save(line_reader)
    compiled_file(line_reader).write_bytes(made.lines_compiled)
    sha256 = hashlib.sha256(line_reader.read_bytes()).hexdigest()
    write_card(
        line_reader,
        {
            "name": line_reader.stem,
            "sha256": sha256,
            "input": "(N, 32, 4 T, 2) float32 in [0, 1]: the sheet, a line's own ink; bright on black (digitocr.strip)",
            "output": "(N, T, 11) logits: per frame of four columns the ten digits, or none",
            "licence": "Apache-2.0",
            **facts,
        },
    )
    write_card(
        output,
        {
            "name": card.name,
            "sha256": hashlib.sha256(output.read_bytes()).hexdigest(),
            "classes": list(card.classes),
            "input": "(N, 28, 28, 1) float32 in [0, 1], ink bright on black, MNIST format (digitocr.normalize)",
            "output": "logits",
            "compiled_sha256": hashlib.sha256(made.compiled).hexdigest(),
            "line_reader": line_reader.name,
            "line_reader_sha256": sha256,
            "line_reader_compiled_sha256": hashlib.sha256(made.lines_compiled).hexdigest(),
            "threshold": card.threshold,
            "licence": "Apache-2.0",
            **facts,
            **fitted_parts(card),
        },
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m digitocr.training.shipped", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("DIGITOCR_DATA", "../shared/data")),
        help="folder with the stroke archives and mnist.npz, as far as they are at hand",
    )
    parser.add_argument("--output", type=Path, default=Path("models/digits.keras"))
    parser.add_argument(
        "--work", type=Path, default=Path("training-out"), help="folder for parts and checkpoints"
    )
    parser.add_argument("--pictures", type=int, default=48_000, help="how many drawings")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--line-epochs", type=int, default=7, help="epochs of the line reader")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--line-batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args(argv)  # fmt: skip

    started = time.monotonic()
    data_dir = args.data if args.data.is_dir() else None
    present = {name: credit for name, credit in SOURCES.items() if data_dir and (data_dir / name).is_file()}
    say(f"sources: our own skeletons, {', '.join(present) or 'MNIST by download'}")
    drawn, lessons = corpus(args.seed * 1_000_000, args.pictures, data_dir, args.work, say)
    x_train, y_train, x_test, y_test = load_mnist(None)
    data = training_set(drawn, x_train[:HELD_FROM], y_train[:HELD_FROM], args.seed)
    say(f"{len(data.labels)} candidates, by class {np.bincount(data.labels).tolist()}")
    checkpoint = checkpoint_of(data, args.epochs, args.batch_size, args.seed, args.work)
    network = train(data, args.epochs, args.batch_size, args.seed, checkpoint)

    say(f"{len(lessons)} lines")
    line_run = lines_checkpoint_of(lessons, args.line_epochs, args.line_batch_size, args.seed, args.work)
    line_network = train_lines(lessons, args.line_epochs, args.line_batch_size, args.seed, line_run)

    say("calibrating on held-out drawings")
    hands = calibration_sources(data_dir, x_train[HELD_FROM:], y_train[HELD_FROM:])
    lines = drawn_lines(args.seed * 1_000_000 + 900_000, 8000, hands)
    made = Made(network, compile_network(network), line_network, compile_network(line_network))
    card = ModelCard(args.output.stem, "", CLASSES, 0.5)
    classifier = classifier_of(card, runner(made.compiled))
    line_reader = LineReader(runner(made.lines_compiled))
    card, numbers = calibrated(classifier, line_reader, card, lines)
    fields = [field for form in drawn_forms(args.seed * 1_000_000 + 950_000, 300, hands) for field in form]
    card, in_cells = calibrated_in_cells(card, classifier, line_reader, fields)
    test = classifier.log_probabilities(to_batch([cropped(image) for image in x_test]))[:, :10].argmax(axis=1)
    found = of_drawings(numbers, card.number_confidence)
    right = np.array([one.right for one in found])
    taken = np.array([one.confidence >= card.threshold for one in found])
    metrics = {
        "drawn_lines_right_by_the_line_reader": round(lines_right(line_reader, [d.item for d in lines]), 4),
        "mnist_test_accuracy": round(float(np.mean(test == y_test)), 4),
        "drawn_numbers_right": round(float(right.mean()), 4),
        "drawn_numbers_accepted": round(float(taken.mean()), 4),
        "drawn_numbers_wrong_among_accepted": round(float(1 - right[taken].mean()), 4),
        "drawn_cells_right": round(float(np.mean([n.right for n in in_cells])), 4),
    }
    say(json.dumps(metrics))
    facts = {
        "version": __version__,
        "command": f"python -m digitocr.training.shipped --pictures {args.pictures} --epochs {args.epochs} "
        f"--line-epochs {args.line_epochs} "
        f"--batch-size {args.batch_size} --line-batch-size {args.line_batch_size} --seed {args.seed}",
        "seconds": round(time.monotonic() - started),
        "data": {
            "own pen strokes": "drawn by digitocr.training",
            **{
                name: f"{credit}; sha256 {hashlib.sha256((data_dir / name).read_bytes()).hexdigest()}"
                for name, credit in present.items()
                if data_dir
            },
        },
        "metrics": metrics,
    }
    write(made, card, args.output, facts)
    say(f"written: {args.output} and its card")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
