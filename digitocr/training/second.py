"""Make the second reader: take its base out of the wheel, train our head on it, calibrate the shipped card for both.

Run as ``python -m digitocr.training.second WHEEL``; see ``--help``. An interrupted run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from digitocr import __version__
from digitocr.errors import ModelError
from digitocr.networks.card import SecondCard, read_card
from digitocr.networks.classifier import load_classifier
from digitocr.networks.line_reader import load_line_reader
from digitocr.networks.runtime import load_network
from digitocr.networks.second_reader import Features, SecondReader, session
from digitocr.training import onnx_graphs, pretrained
from digitocr.training.calibrate.fit_second import Labelled, Readers, real_line, with_second
from digitocr.training.datasets.corpus import CALIBRATION_FROM, calibration_sources, drawings, drawn_lines
from digitocr.training.datasets.fields import drawn_forms
from digitocr.training.datasets.mnist import load_mnist
from digitocr.training.datasets.page_lines import CROPS, page_lessons_of, page_line_corpus
from digitocr.training.fit import second_head
from digitocr.training.fit.cards import credited, fitted_parts, write_card, write_network
from digitocr.training.fit.checkpoints import checkpoint_path, trained_once
from digitocr.training.fit.courses import head_parser
from digitocr.training.fit.parallel import report
from digitocr.training.recipes import DrawnRecipe
from digitocr.training.shipped import SOURCES
from digitocr.training.synth.real_ink import load_ink, register_strings
from digitocr.training.synth.strokes import Sources

INK = {
    "kensanata_numbers.npz": "kensanata numbers (Alex Schroeder and contributors), CC0 1.0",
    "lectaurep_numbers.npz": "LECTAUREP (Archives nationales, Inria ALMAnaCH, EPHE), CC BY 4.0",
    "lectaurep_words.npz": "LECTAUREP (Archives nationales, Inria ALMAnaCH, EPHE), CC BY 4.0",
}
"""Real ink that our head learns from, besides what the shipped model does."""


@dataclass(frozen=True, slots=True)
class SecondRecipe(DrawnRecipe):
    """How the second reader is made.

    Attributes
    ----------
    wheel : Path
        With the pre-trained network.
    model : Path
        The model whose card is calibrated; both networks go beside it.
    pictures : int
        Drawings to learn from.
    epochs, batch_size : int
    calibration : int
        Drawings to calibrate on.
    seed : int
    """

    wheel: Path
    model: Path = Path("models/digits.keras")
    pictures: int = 36_000
    epochs: int = 24
    batch_size: int = 16
    calibration: int = 4500
    seed: int = 7

    @property
    def command(self) -> str:
        """The command line that makes the same again."""
        return (
            f"python -m digitocr.training.second {self.wheel.name} --pictures {self.pictures} "
            f"--epochs {self.epochs} --batch-size {self.batch_size} --calibration {self.calibration} "
            f"--seed {self.seed}"
        )


def make(recipe: SecondRecipe) -> int:
    """Make the second reader.

    Parameters
    ----------
    recipe : SecondRecipe

    Returns
    -------
    int
        Exit status.
    """
    started = time.monotonic()
    base, head = recipe.model.with_name("second.onnx"), recipe.model.with_name("second-head.onnx")
    pretrained.take(recipe.wheel, base)
    network = load_network(_train(recipe, pretrained.lower_blocks(base.read_bytes())))
    made = exported(network)
    write_head(head, made, recipe, round(time.monotonic() - started))
    report("calibrating on held-out hands")
    calibrate(recipe, base, head)
    report(f"written: {base}, {head}, and the card of {recipe.model}")
    return 0


def write_head(head: Path, made: bytes, recipe: SecondRecipe, seconds: int) -> None:
    """Write our head with its card.

    Parameters
    ----------
    head : Path
        The ``.onnx`` file.
    made : bytes
    recipe : SecondRecipe
    seconds : int
        Spent on drawing and training.
    """
    write_network(
        head,
        made,
        {
            "input": "(N, 192, 6, T) float32: the features that second.onnx gives",
            "output": "(N, T, 11): for each frame of four columns the probabilities of the ten digits, or of none",
            "command": recipe.command,
            "seconds": seconds,
            "from": "the last blocks of PP-OCRv6 small recognition (PaddlePaddle authors, Apache-2.0), tuned;"
            " convolutions of our own on them",
            "data": credited(recipe.data, SOURCES | INK),
        },
    )


def _train(recipe: SecondRecipe, lower: bytes) -> Path:
    """Train our head and return its file."""
    shards = page_line_corpus(
        3 * recipe.seed * 1_000_000, recipe.pictures, recipe.data_dir, recipe.work, report
    )
    lessons = [one for part in shards for one in page_lessons_of(part)]
    report(f"second head: {len(lessons)} lines")
    run = (recipe.epochs, recipe.batch_size, recipe.seed)
    learned = (array for part in shards for array in (part["pictures"], part["digits"]))
    checkpoint = checkpoint_path(recipe.work / "second", learned, run)

    def train() -> Any:  # noqa: ANN401 (Keras ships no types)
        network = second_head.head(pretrained.last_blocks(pretrained.read(recipe.wheel)))
        return second_head.train_head(lessons, _features(lower), network, *run, checkpoint)

    return trained_once(checkpoint, train)


def _features(lower: bytes) -> Features:
    running = session(lower)
    return lambda lines: running.run(None, {"lines": lines})[0]


def exported(network: Any) -> bytes:  # noqa: ANN401
    """Export our head to ONNX, with probabilities as its output and its weights in half precision.

    Parameters
    ----------
    network : keras.Model

    Returns
    -------
    bytes
    """
    import keras

    given = keras.Input((second_head.CHANNELS, 6, None), name="features")
    model = keras.Model(given, keras.layers.Softmax(name="own")(network(given)))
    return onnx_graphs.exported(model, np.zeros((1, second_head.CHANNELS, 6, 8), dtype=np.float32))


def calibrate(recipe: SecondRecipe, base: Path, head: Path) -> None:
    """Calibrate the card of the model for its second reader, on hands that no network learned from.

    Parameters
    ----------
    recipe : SecondRecipe
    base, head : Path
        Its two networks.

    Raises
    ------
    ModelError
        The model has no line reader.
    """
    card = read_card(recipe.model)
    parts = [base.read_bytes(), head.read_bytes()]
    sums = [hashlib.sha256(part).hexdigest() for part in parts]
    line_reader = load_line_reader(recipe.model, card)
    if line_reader is None:
        raise ModelError(f"{recipe.model} has no line reader", hint="begin from the shipped model")
    readers = Readers(load_classifier(recipe.model), line_reader, SecondReader(*(session(p) for p in parts)))
    second = SecondCard(base.name, sums[0], head.name, sums[1], 0.5)
    card = with_second(readers, replace(card, second=None), second, labelled_for(recipe))
    raw = json.loads(recipe.model.with_suffix(".json").read_text(encoding="utf-8"))
    made = {"calibrated_with_second": {"version": __version__, "command": recipe.command}}
    write_card(recipe.model, raw | fitted_parts(card) | made)


def labelled_for(recipe: SecondRecipe) -> Labelled:
    """Draw what the card is calibrated on, by held-out hands, and load strings of held-out registers.

    Parameters
    ----------
    recipe : SecondRecipe

    Returns
    -------
    Labelled
    """
    mnist = recipe.data / "mnist.npz"
    x_train, y_train, _, _ = load_mnist(mnist if mnist.is_file() else None)
    hands = calibration_sources(recipe.data_dir, x_train[CALIBRATION_FROM:], y_train[CALIBRATION_FROM:])
    ink = recipe.data / "kensanata_numbers.npz"
    if ink.is_file():
        share = 0.3 * sum(hands.weights)
        hands = Sources((*hands.digits, load_ink(ink, held_out=True)), (*hands.weights, share))
    first = 3 * recipe.seed * 1_000_000 + 900_000
    lines = drawn_lines(first, recipe.calibration, hands)
    registers, strings = recipe.data / "lectaurep_numbers.npz", []
    if registers.is_file():
        found = (real_line(k, *one) for k, one in enumerate(register_strings(registers, held_out=True)))
        strings = [one for one in found if one is not None]
    forms = drawn_forms(first + 1, recipe.calibration // 30, hands)
    crops = [
        (drawing.image, drawing.numbers[0].text if drawing.numbers else "")
        for drawing in drawings(first + 2, recipe.calibration // 3, hands)
        if drawing.kind in CROPS and len(drawing.numbers) <= 1
    ]
    return Labelled(lines, strings, [field for form in forms for field in form], crops)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = head_parser("second", __doc__, second_head.STEPS)
    parser.add_argument(
        "--model", type=Path, help="the model whose card is calibrated; both networks go beside it"
    )
    parser.add_argument("--calibration", type=int, help="number of drawings to calibrate on")
    return make(SecondRecipe(**vars(parser.parse_args(argv))))


if __name__ == "__main__":
    raise SystemExit(main())
