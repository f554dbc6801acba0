"""Make the shipped model from scratch: draw, train, calibrate, write the card.

Run as ``python -m digitocr.training.shipped``; see ``--help``.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from digitocr import __version__
from digitocr.networks.card import ModelCard
from digitocr.networks.classifier import classifier_of
from digitocr.networks.line_reader import LineReader
from digitocr.networks.runtime import compile_network, compiled_file, load_network, runner
from digitocr.recognition.normalize import to_batch
from digitocr.training.calibrate.fit_card import calibrated, calibrated_in_cells, of_drawings
from digitocr.training.datasets.corpus import (
    CALIBRATION_FROM,
    calibration_sources,
    candidates_of,
    corpus,
    cropped,
    drawn_lines,
)
from digitocr.training.datasets.fields import drawn_forms
from digitocr.training.datasets.mnist import load_mnist
from digitocr.training.datasets.sharded import Shard
from digitocr.training.fit import digit_network as digits
from digitocr.training.fit import line_network as lines
from digitocr.training.fit.architectures import ensemble
from digitocr.training.fit.cards import fitted_parts, write_card
from digitocr.training.fit.checkpoints import checkpoint_path, trained_once
from digitocr.training.fit.parallel import in_parallel, report
from digitocr.training.recipes import DrawnRecipe, recipe_parser

SOURCES = {
    "mnist.npz": "MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0",
    "unipen_digits.npz": "UNIPEN train_r01_v07 (Guyon et al. 1994), doi 10.5281/zenodo.1195803, CC BY 4.0",
    "unipen_other.npz": "UNIPEN train_r01_v07, letters and signs, CC BY 4.0",
    "pendigits.npz": "UCI pen digits (Alpaydin, Alimoglu), doi 10.24432/C5MG6K, CC BY 4.0",
}


@dataclass(frozen=True, slots=True)
class ShippedRecipe(DrawnRecipe):
    """How the shipped model is made.

    Attributes
    ----------
    output : Path
        The ``.keras`` file of the digit network; the line reader's goes beside it.
    pictures : int
        Drawings to learn from.
    epochs, batch_size : int
        Of the digit network.
    line_readers : int
        Networks in the line reader's ensemble.
    line_epochs, line_batch_size : int
        Of each of these.
    seed : int
    networks : Path or None
        A model whose networks are calibrated again instead of training new ones.
    """

    output: Path = Path("models/digits.keras")
    pictures: int = 48_000
    epochs: int = 4
    line_readers: int = 3
    line_epochs: int = 4
    batch_size: int = 128
    line_batch_size: int = 16
    seed: int = 7
    networks: Path | None = None

    @property
    def sources(self) -> dict[str, str]:
        """File name and credit of each archive that is present."""
        return {name: credit for name, credit in SOURCES.items() if (self.data / name).is_file()}

    @property
    def command(self) -> str:
        """The command line that makes the same model again."""
        if self.networks:
            how = f"--networks {self.networks.name}"
        else:
            how = (
                f"--pictures {self.pictures} --epochs {self.epochs} --line-readers {self.line_readers} "
                f"--line-epochs {self.line_epochs} --batch-size {self.batch_size} "
                f"--line-batch-size {self.line_batch_size}"
            )
        return f"python -m digitocr.training.shipped {how} --seed {self.seed}"

    def drawings(self) -> list[Shard]:
        """Draw what both kinds of network learn from, or load what is drawn already."""
        return corpus(self.seed * 1_000_000, self.pictures, self.data_dir, self.work, report)


@dataclass(frozen=True, slots=True)
class Networks:
    """The digit network and the line reader, as trained and as compiled."""

    digits: Any
    compiled: bytes
    lines: Any
    lines_compiled: bytes

    @classmethod
    def of(cls, digit_network: Any, line_network: Any) -> Networks:  # noqa: ANN401 (Keras ships no types)
        """Compile both networks."""
        return cls(digit_network, compile_network(digit_network), line_network, compile_network(line_network))


def make(recipe: ShippedRecipe) -> int:
    """Train or load the networks, calibrate them on held-out drawings, and write them with their cards.

    Parameters
    ----------
    recipe : ShippedRecipe

    Returns
    -------
    int
        Exit status.
    """
    started = time.monotonic()
    report(f"sources: our own skeletons, {', '.join(recipe.sources) or 'MNIST by download'}")
    if recipe.networks:
        digit_network, line_network, trained = networks_of(recipe.networks)
    else:
        digit_network, line_network, trained = *_trained(recipe), {}
    networks = Networks.of(digit_network, line_network)
    report("calibrating on held-out drawings")
    card, metrics = _calibrated(recipe, networks)
    report(json.dumps(metrics))
    facts = {
        "version": __version__,
        "command": recipe.command,
        "seconds": round(time.monotonic() - started),
        **trained,
        "data": {"own pen strokes": "drawn by digitocr.training", **_credits(recipe)},
        "metrics": metrics,
    }
    write(networks, card, recipe.output, facts)
    report(f"written: {recipe.output} and its card")
    return 0


def _train_digits(recipe: ShippedRecipe) -> Path:
    """Train the digit network and return its file."""
    x_train, y_train, _, _ = load_mnist(None)
    drawn = candidates_of(recipe.drawings())
    data = digits.training_set(drawn, x_train[:CALIBRATION_FROM], y_train[:CALIBRATION_FROM], recipe.seed)
    report(f"digits: {len(data.labels)} candidates, by class {np.bincount(data.labels).tolist()}")
    run = (recipe.epochs, recipe.batch_size, recipe.seed)
    checkpoint = checkpoint_path(recipe.work / "digits", (data.images, data.labels), run)
    return trained_once(checkpoint, lambda: digits.train_digits(data, *run, checkpoint))


def _train_line_reader(recipe: ShippedRecipe, member: int) -> Path:
    """Train one of the line reader's networks and return its file."""
    lessons = [one for part in recipe.drawings() for one in lines.lessons_of(part)]
    report(f"line reader {recipe.seed + member}: {len(lessons)} lines")
    run = (recipe.line_epochs, recipe.line_batch_size, recipe.seed + member)
    learned = (array for one in lessons for array in (one.picture, one.digits, one.frames))
    checkpoint = checkpoint_path(recipe.work / "lines", learned, run)
    return trained_once(checkpoint, lambda: lines.train_lines(lessons, *run, checkpoint))


def _trained(recipe: ShippedRecipe) -> tuple[Any, Any]:
    """Train the digit network and the line reader's networks in parallel."""
    recipe.drawings()
    members = (partial(_train_line_reader, recipe, k) for k in range(recipe.line_readers))
    network, *readers = [
        load_network(path) for path in in_parallel([partial(_train_digits, recipe), *members])
    ]
    return network, ensemble(readers)


def networks_of(model: Path) -> tuple[Any, Any, dict[str, Any]]:
    """Load both networks of a model, and what its card says of their training.

    Parameters
    ----------
    model : Path

    Returns
    -------
    digits : keras.Model
    lines : keras.Model
    facts : dict
        ``trained``: version, command and seconds of the training, kept through calibrations.
    """
    card = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    trained = card.get("trained") or {name: card[name] for name in ("version", "command", "seconds")}
    return load_network(model), load_network(model.with_name(card["line_reader"])), {"trained": trained}


def _calibrated(recipe: ShippedRecipe, networks: Networks) -> tuple[ModelCard, dict[str, float]]:
    """Fit the card on drawings by held-out hands, and measure the result."""
    x_train, y_train, x_test, y_test = load_mnist(None)
    hands = calibration_sources(recipe.data_dir, x_train[CALIBRATION_FROM:], y_train[CALIBRATION_FROM:])
    drawn = drawn_lines(recipe.seed * 1_000_000 + 900_000, 8000, hands)
    card = ModelCard(recipe.output.stem, "", digits.CLASSES, 0.5)
    classifier = classifier_of(card, runner(networks.compiled))
    line_reader = LineReader(runner(networks.lines_compiled))
    card, numbers = calibrated(classifier, line_reader, card, drawn)
    forms = drawn_forms(recipe.seed * 1_000_000 + 950_000, 300, hands)
    fields = [field for form in forms for field in form]
    card, in_cells = calibrated_in_cells(card, classifier, line_reader, fields)
    test = classifier.log_probabilities(to_batch([cropped(image) for image in x_test]))[:, :10].argmax(axis=1)
    found = of_drawings(numbers, card.number_confidence)
    right = np.array([one.right for one in found])
    accepted = np.array([one.confidence >= card.threshold for one in found])
    metrics = {
        "drawn_lines_right_by_the_line_reader": lines.lines_right(line_reader, [d.item for d in drawn]),
        "mnist_test_accuracy": np.mean(test == y_test),
        "drawn_numbers_right": right.mean(),
        "drawn_numbers_accepted": accepted.mean(),
        "drawn_numbers_wrong_among_accepted": 1 - right[accepted].mean(),
        "drawn_cells_right": np.mean([n.right for n in in_cells]),
    }
    return card, {name: round(float(value), 4) for name, value in metrics.items()}


def _credits(recipe: ShippedRecipe) -> dict[str, str]:
    """Credit and checksum of each archive that was learned from."""
    return {
        name: f"{credit}; sha256 {hashlib.sha256((recipe.data / name).read_bytes()).hexdigest()}"
        for name, credit in recipe.sources.items()
    }


def write(networks: Networks, card: ModelCard, output: Path, facts: dict[str, Any]) -> None:
    """Save both networks, each with its card and its compiled file beside it.

    Parameters
    ----------
    networks : Networks
    card : ModelCard
        Of the digit network, calibrated.
    output : Path
        The ``.keras`` file of the digit network.
    facts : dict
        What both cards say of how the model was made.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    networks.digits.save(output)
    compiled_file(output).write_bytes(networks.compiled)
    line_reader = output.with_name(f"{output.stem}-lines.keras")
    networks.lines.save(line_reader)
    compiled_file(line_reader).write_bytes(networks.lines_compiled)
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
            "compiled_sha256": hashlib.sha256(networks.compiled).hexdigest(),
            "line_reader": line_reader.name,
            "line_reader_sha256": sha256,
            "line_reader_compiled_sha256": hashlib.sha256(networks.lines_compiled).hexdigest(),
            "threshold": card.threshold,
            "licence": "Apache-2.0",
            **facts,
            **fitted_parts(card),
        },
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = recipe_parser("shipped", __doc__)
    add = parser.add_argument
    add("--output", type=Path)
    add("--pictures", type=int, help="number of drawings")
    add("--epochs", type=int)
    add("--line-readers", type=int, help="networks that read lines together")
    add("--line-epochs", type=int, help="epochs of each of these")
    add("--batch-size", type=int)
    add("--line-batch-size", type=int)
    add("--networks", type=Path, metavar="MODEL", help="calibrate this model's networks instead of training")
    return make(ShippedRecipe(**vars(parser.parse_args(argv))))


if __name__ == "__main__":
    raise SystemExit(main())
