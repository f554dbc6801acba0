"""Make the answer network: draw forms as people fill them in, train it on their places, calibrate and measure it.

Run as ``python -m digitocr.training.answers``; see ``--help``. An interrupted run goes on where it stopped. It is
calibrated on forms drawn with hands kept out of training, and its figures are of others of these.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.networks.answer_network import (
    AT_ONCE,
    CLASSES,
    DIGITS,
    FILLER,
    PAPER,
    SIDE,
    STRUCK,
    AnswerNetwork,
)
from digitocr.networks.runtime import load_network
from digitocr.training.datasets.answers import answer_corpus
from digitocr.training.datasets.sharded import Shard
from digitocr.training.fit import answer_network
from digitocr.training.fit.cards import credited, write_network
from digitocr.training.fit.checkpoints import checkpoint_path, trained_once
from digitocr.training.fit.parallel import report
from digitocr.training.onnx_graphs import exported
from digitocr.training.recipes import DrawnRecipe, recipe_parser
from digitocr.training.second import INK
from digitocr.training.shipped import SOURCES

DOUBTS = (0.5, 0.1, 0.03)
"""Probabilities at which the figures are taken."""


@dataclass(frozen=True, slots=True)
class AnswerRecipe(DrawnRecipe):
    """How the answer network is made.

    Attributes
    ----------
    output : Path
        The ``.onnx`` file.
    pages : int
        Drawn forms to learn from.
    aside : int
        Drawn forms for the calibration, and as many again for the figures.
    epochs, batch_size, seed : int
    """

    output: Path = Path("training-out/answers.onnx")
    pages: int = 1_000
    aside: int = 60
    epochs: int = 10
    batch_size: int = 256
    seed: int = 7

    @property
    def command(self) -> str:
        """The command line that makes the same again."""
        return (
            f"python -m digitocr.training.answers --pages {self.pages} --aside {self.aside} "
            f"--epochs {self.epochs} --batch-size {self.batch_size} --seed {self.seed}"
        )


def make(recipe: AnswerRecipe) -> int:
    """Make the answer network.

    Parameters
    ----------
    recipe : AnswerRecipe

    Returns
    -------
    int
        Exit status.
    """
    started = time.monotonic()
    recipe.output.parent.mkdir(parents=True, exist_ok=True)
    draw = (recipe.data_dir, recipe.work, report)
    pictures, kinds = _joined(answer_corpus(recipe.seed * 1_000_000, recipe.pages, *draw))
    is_aside = recipe.data_dir is not None
    aside = answer_corpus((recipe.seed + 1) * 1_000_000, 2 * recipe.aside, *draw, held_out=is_aside)
    half = sum(len(shard["kinds"]) for shard in aside) // 2
    calibration, measured = zip(*((one[:half], one[half:]) for one in _joined(aside)), strict=True)
    run = (recipe.epochs, recipe.batch_size, recipe.seed)
    checkpoint = checkpoint_path(recipe.work / "answers", (pictures, kinds), run)
    report(f"answer network: {len(kinds)} places")
    made = load_network(
        trained_once(checkpoint, lambda: answer_network.train(pictures, kinds, *run, checkpoint))
    )
    logits = answer_network.logits_of(made, calibration[0])
    divisor = answer_network.temperature(logits, calibration[1])
    shift = answer_network.fair_shift(logits / divisor, calibration[1])
    whole = answer_network.with_probabilities(made, divisor, shift)
    network = exported(whole, np.zeros((AT_ONCE, SIDE, SIDE, 2), np.float32))
    found = figures(AnswerNetwork.of(network), *measured)
    write_network(
        recipe.output,
        network,
        {
            "use": "tells whether a place on a form holds digits that are meant; see digitocr.forms.places",
            "input": f"(N, {SIDE}, {SIDE}, 2) float32 in [0, 1]: darkness, and pale ink enhanced"
            " (digitocr.networks.answer_network)",
            "output": f"(N, {len(CLASSES)}): the probabilities of {', '.join(CLASSES)}",
            "command": recipe.command,
            "seconds": round(time.monotonic() - started),
            "temperature": divisor,
            "shift": [round(float(value), 4) for value in shift],
            "data": credited(recipe.data, SOURCES | {"kensanata_numbers.npz": INK["kensanata_numbers.npz"]}),
            "figures": found,
        },
    )
    for name, value in found.items():
        sys.stdout.write(f"{name}: {value}\n")
    return 0


def figures(network: AnswerNetwork, pictures: NDArray[np.uint8], kinds: NDArray[np.int8]) -> dict[str, float]:
    """Look at places whose kind is known.

    Parameters
    ----------
    network : AnswerNetwork
    pictures : (N, 40, 40) uint8 ndarray
    kinds : (N,) int8 ndarray

    Returns
    -------
    dict of str to float
        Shares, by what they are of.
    """
    seen = network.see(list(pictures))
    found = {"places": float(len(kinds)), "right": _share(seen.argmax(axis=1) == kinds)}
    nothing = seen[:, PAPER] + seen[:, FILLER]
    is_blank = kinds <= FILLER
    for doubt in DOUBTS:
        waits = seen[:, STRUCK] > doubt
        found[f"struck, seen so above {doubt}"] = _share(waits[kinds == STRUCK])
        found[f"digits, seen as struck above {doubt}"] = _share(waits[kinds == DIGITS])
        found[f"written, seen as blank above {1 - doubt}"] = _share((nothing > 1 - doubt)[~is_blank])
        found[f"blank, seen so above {1 - doubt}"] = _share((nothing > 1 - doubt)[is_blank])
    return found


def _share(hits: NDArray[np.bool_]) -> float:
    return round(float(hits.mean()), 4) if len(hits) else 0.0


def _joined(shards: Sequence[Shard]) -> tuple[NDArray[Any], NDArray[Any]]:
    pictures, kinds = (np.concatenate([shard[name] for shard in shards]) for name in ("pictures", "kinds"))
    return pictures, kinds


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = recipe_parser("answers", __doc__)
    add = parser.add_argument
    add("--output", type=Path, help="the .onnx file")
    add("--pages", type=int, help="number of drawn forms to learn from")
    add("--aside", type=int, help="drawn forms to calibrate with, and as many again for the figures")
    add("--epochs", type=int)
    add("--batch-size", type=int)
    return make(AnswerRecipe(**vars(parser.parse_args(argv))))


if __name__ == "__main__":
    raise SystemExit(main())
