"""Make the shipped model from scratch: draw, train, calibrate, write the card.

Run as ``python -m digitocr.training.shipped``; see ``--help``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr import __version__
from digitocr.networks.card import ModelCard
from digitocr.networks.classifier import classifier_of
from digitocr.networks.line_reader import LineReader
from digitocr.networks.runtime import compile_network, compiled_file, load_network, runner
from digitocr.recognition.normalize import to_batch
from digitocr.training.calibrate.fit_card import calibrated, calibrated_in_cells, of_drawings
from digitocr.training.datasets.corpus import (
    HELD_FROM,
    calibration_sources,
    candidates_of,
    corpus,
    cropped,
    drawn_lines,
)
from digitocr.training.datasets.fields import drawn_forms
from digitocr.training.datasets.mnist import load_mnist
from digitocr.training.datasets.sharded import Part
from digitocr.training.fit import digit_network as digits
from digitocr.training.fit import line_network as lines
from digitocr.training.fit.architectures import ensemble
from digitocr.training.fit.cards import fitted_parts, write_card
from digitocr.training.fit.side_by_side import say, side_by_side

SOURCES = {
    "mnist.npz": "MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0",
    "unipen_digits.npz": "UNIPEN train_r01_v07 (Guyon et al. 1994), doi 10.5281/zenodo.1195803, CC BY 4.0",
    "unipen_other.npz": "UNIPEN train_r01_v07, letters and signs, CC BY 4.0",
    "pendigits.npz": "UCI pen digits (Alpaydin, Alimoglu), doi 10.24432/C5MG6K, CC BY 4.0",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the networks learn from, and how long."""

    data_dir: Path | None
    work: Path
    seed: int
    pictures: int
    epochs: int
    batch_size: int
    line_epochs: int
    line_batch_size: int

    def drawings(self) -> list[Part]:
        """Draw what both kinds of network learn from, or take what is drawn already."""
        return corpus(self.seed * 1_000_000, self.pictures, self.data_dir, self.work, say)


def _digits(recipe: Recipe) -> Path:
    """Train the digit network, and return where it lies."""
    x_train, y_train, _, _ = load_mnist(None)
    drawn = candidates_of(recipe.drawings())
    data = digits.training_set(drawn, x_train[:HELD_FROM], y_train[:HELD_FROM], recipe.seed)
    say(f"digits: {len(data.labels)} candidates, by class {np.bincount(data.labels).tolist()}")
    run = (recipe.epochs, recipe.batch_size, recipe.seed)
    checkpoint = _checkpoint(recipe.work / "digits", (data.images, data.labels), run)
    return _kept(checkpoint, lambda: digits.train_digits(data, *run, checkpoint))


def _line_reader(recipe: Recipe, member: int) -> Path:
    """Train one of the line reader's networks, and return where it lies."""
    lessons = [one for part in recipe.drawings() for one in lines.lessons_of(part)]
    say(f"line reader {recipe.seed + member}: {len(lessons)} lines")
    run = (recipe.line_epochs, recipe.line_batch_size, recipe.seed + member)
    learned = (array for one in lessons for array in (one.picture, one.digits, one.frames))
    checkpoint = _checkpoint(recipe.work / "lines", learned, run)
    return _kept(checkpoint, lambda: lines.train_lines(lessons, *run, checkpoint))


def _checkpoint(path: Path, learned: Iterable[NDArray[Any]], run: tuple[int, ...]) -> Path:
    """Name the folder of a run's checkpoints by all that makes the run what it is."""
    facts = hashlib.sha256(repr(run).encode())
    for array in learned:
        facts.update(array.tobytes())
    return path.with_name(f"{path.name}-{facts.hexdigest()[:12]}")


def _kept(checkpoint: Path, train: Callable[[], Any]) -> Path:
    """Train a network and keep it beside its checkpoints, unless that was done before."""
    path = checkpoint.with_suffix(".keras")
    if not path.is_file():
        unfinished = checkpoint.with_suffix(".part.keras")
        train().save(unfinished)
        unfinished.replace(path)
    return path


def _trained(recipe: Recipe, line_readers: int) -> tuple[Any, Any]:
    """Train the digit network, and the line reader's side by side with it."""
    recipe.drawings()
    jobs = [partial(_digits, recipe), *(partial(_line_reader, recipe, k) for k in range(line_readers))]
    network, *members = [load_network(path) for path in side_by_side(jobs)]
    return network, ensemble(members)


def _of_model(model: Path) -> tuple[Any, Any, dict[str, Any]]:
    """Load both networks of a model as they are, and how its card says that they were trained."""
    card = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    trained = card.get("trained") or {name: card[name] for name in ("version", "command", "seconds")}
    return load_network(model), load_network(model.with_name(card["line_reader"])), {"trained": trained}


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
            "input": "(N, 32, 4 T, 2) float32 in [0, 1]: the sheet, a line's own ink; bright on black"
            " (digitocr.recognition.line_image)",
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
            "input": "(N, 28, 28, 1) float32 in [0, 1], ink bright on black, MNIST format"
            " (digitocr.recognition.normalize)",
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
    parser.add_argument("--line-readers", type=int, default=3, help="networks that read lines together")
    parser.add_argument("--line-epochs", type=int, default=4, help="epochs of each of these")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--line-batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--networks", type=Path, metavar="MODEL", help="calibrate those of a model instead of training"
    )
    args = parser.parse_args(argv)  # fmt: skip

    started = time.monotonic()
    data_dir = args.data if args.data.is_dir() else None
    present = {name: credit for name, credit in SOURCES.items() if data_dir and (data_dir / name).is_file()}
    say(f"sources: our own skeletons, {', '.join(present) or 'MNIST by download'}")
    recipe = Recipe(
        data_dir, args.work, args.seed, args.pictures, args.epochs, args.batch_size, args.line_epochs,
        args.line_batch_size,
    )  # fmt: skip
    if args.networks:
        network, line_network, trained = _of_model(args.networks)
        how = f"--networks {args.networks.name}"
    else:
        network, line_network = _trained(recipe, args.line_readers)
        trained = {}
        how = (
            f"--pictures {args.pictures} --epochs {args.epochs} --line-readers {args.line_readers} "
            f"--line-epochs {args.line_epochs} --batch-size {args.batch_size} --line-batch-size {args.line_batch_size}"
        )

    say("calibrating on held-out drawings")
    x_train, y_train, x_test, y_test = load_mnist(None)
    hands = calibration_sources(data_dir, x_train[HELD_FROM:], y_train[HELD_FROM:])
    drawn = drawn_lines(args.seed * 1_000_000 + 900_000, 8000, hands)
    made = Made(network, compile_network(network), line_network, compile_network(line_network))
    card = ModelCard(args.output.stem, "", digits.CLASSES, 0.5)
    classifier = classifier_of(card, runner(made.compiled))
    line_reader = LineReader(runner(made.lines_compiled))
    card, numbers = calibrated(classifier, line_reader, card, drawn)
    fields = [field for form in drawn_forms(args.seed * 1_000_000 + 950_000, 300, hands) for field in form]
    card, in_cells = calibrated_in_cells(card, classifier, line_reader, fields)
    test = classifier.log_probabilities(to_batch([cropped(image) for image in x_test]))[:, :10].argmax(axis=1)
    found = of_drawings(numbers, card.number_confidence)
    right = np.array([one.right for one in found])
    taken = np.array([one.confidence >= card.threshold for one in found])
    metrics = {
        "drawn_lines_right_by_the_line_reader": round(
            lines.lines_right(line_reader, [d.item for d in drawn]), 4
        ),
        "mnist_test_accuracy": round(float(np.mean(test == y_test)), 4),
        "drawn_numbers_right": round(float(right.mean()), 4),
        "drawn_numbers_accepted": round(float(taken.mean()), 4),
        "drawn_numbers_wrong_among_accepted": round(float(1 - right[taken].mean()), 4),
        "drawn_cells_right": round(float(np.mean([n.right for n in in_cells])), 4),
    }
    say(json.dumps(metrics))
    facts = {
        "version": __version__,
        "command": f"python -m digitocr.training.shipped {how} --seed {args.seed}",
        "seconds": round(time.monotonic() - started),
        **trained,
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
