"""How strongly to augment the digits in our own recipe for ``conv32-64-64``, chosen on training digits held back.

``python -m benchmarks.recipes``. The last sixth of MNIST's training digits is held back; the test digits are not
opened.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice, product
from multiprocessing import get_context

from benchmarks.processes import ONE_THREAD
from digitocr.settings import cores
from digitocr.training.datasets.digits import load_dataset
from digitocr.training.fit.augment import Variation
from digitocr.training.fit.recipe import Recipe, fit, make_recipe

SCHEDULED = {"schedule": "cosine", "epochs": 8, "learning_rate": 0.002, "batch_size": 128}
"""Our own recipe without the variation, in half its epochs."""

RECIPES: Mapping[str, Recipe] = {
    name: make_recipe("conv32-64-64", validation_split=1 / 6, **changed)
    for name, changed in {
        "as published": {},
        "cosine alone": SCHEDULED,
        "varied by half": SCHEDULED | {"variation": Variation().times(0.5)},
        "varied": SCHEDULED | {"variation": Variation()},
        "varied by one and a half": SCHEDULED | {"variation": Variation().times(1.5)},
    }.items()
}
"""What is compared."""


def last_epoch(run: tuple[Recipe, int]) -> tuple[float, float]:
    """Train by a recipe with a seed.

    Parameters
    ----------
    run : (Recipe, int)
        The recipe and the seed.

    Returns
    -------
    accuracy, loss : float
        On the digits held back, after the last epoch.
    """
    recipe, seed = run
    history = fit(replace(recipe, seed=seed), load_dataset().train).history
    return history["val_accuracy"][-1], history["val_loss"][-1]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=(1, 2))
    parser.add_argument(
        "--jobs", type=int, default=cores(), help="trainings at the same time, each on one core"
    )
    args = parser.parse_args()
    os.environ.update(ONE_THREAD)
    print("| recipe | right, of 10,000 held back: mean (each seed) | loss |\n|---|---|---|", flush=True)
    with ProcessPoolExecutor(args.jobs, get_context("spawn")) as pool:
        found = pool.map(last_epoch, product(RECIPES.values(), args.seeds))
        for name in RECIPES:
            accuracies, losses = zip(*islice(found, len(args.seeds)), strict=True)
            each = ", ".join(f"{100 * share:.2f}" for share in accuracies)
            mean, loss = 100 * statistics.mean(accuracies), statistics.mean(losses)
            print(f"| {name} | {mean:.2f} % ({each}) | {loss:.4f} |", flush=True)


if __name__ == "__main__":
    main()
