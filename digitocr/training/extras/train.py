"""The command `train`: a recipe to a model with its card, measured on test digits."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from digitocr.errors import UsageError
from digitocr.networks.card import ModelCard
from digitocr.networks.classifier import classifier_of
from digitocr.networks.runtime import keras_call, quietly
from digitocr.training.calibrate import scoring
from digitocr.training.datasets.digits import MNIST, Dataset, Digits, load_dataset
from digitocr.training.datasets.splits import absent, spread, with_test_part
from digitocr.training.extras import evaluation, rotation
from digitocr.training.extras.optional import require
from digitocr.training.extras.output import say
from digitocr.training.fit.architectures import ORIENTATION, architecture
from digitocr.training.fit.cards import THRESHOLD, write_model
from digitocr.training.fit.recipe import Fitted, Recipe, Watch, fit, parts

log = logging.getLogger(__name__)


def command(recipe: Recipe, source: str, output: Path) -> int:
    """Train a network, measure it on the test digits, and save it: what ``digitocr train`` does.

    Parameters
    ----------
    recipe : Recipe
    source : str
        Labelled digits, see :func:`digitocr.training.datasets.digits.load_dataset`.
    output : Path
        The ``.keras`` file to write.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    UsageError
        The output does not end in ``.keras``.
    """
    if output.suffix != ".keras":
        raise UsageError(f"{output} does not end in .keras")
    require("matplotlib")  # for the curves
    data = with_test_part(load_dataset(source, log.info))
    # the order of MNIST is random, and the published figures are for its end as validation digits
    digits = data.train if data.name == MNIST else spread(data.train, recipe.seed)
    held_out = f", {len(data.test):,} held out for the test" if data.test else ""
    log.info("%s: training on %s digits from %s%s", recipe.architecture, f"{len(digits):,}", source, held_out)
    _warn_of_absent(recipe, digits)
    with quietly():
        import tensorflow as tf

        tf.constant(0)
    with _bar() as watch:
        fitted = fit(recipe, digits, watch)
    metrics = _measured(fitted, data)
    written = write_model(fitted, data, output, command_of(recipe, source, output), metrics)
    log.info("%.0f s; written: %s", fitted.seconds, ", ".join(p.as_posix() for p in written))
    return 0


def _warn_of_absent(recipe: Recipe, digits: Digits) -> None:
    for name, part in zip(("training", "validation"), parts(recipe, digits), strict=True):
        if len(part) and absent(part):
            log.warning("there are no pictures of %s among the digits for %s", absent(part), name)


def summary(recipe: Recipe) -> None:
    """Print the layers of the network that a recipe trains.

    Parameters
    ----------
    recipe : Recipe
    """
    with quietly():
        network = architecture(recipe.architecture).build(len(recipe.classes))
    network.summary(print_fn=lambda text: say(text))


def command_of(recipe: Recipe, source: str, output: Path) -> str:
    """Return the command line that trains the same model again.

    Parameters
    ----------
    recipe : Recipe
    source : str
    output : Path

    Returns
    -------
    str

    Examples
    --------
    >>> from digitocr.training.fit.recipe import make_recipe
    >>> command_of(make_recipe("dense128", seed=2), "mnist", Path("models/dense128.keras"))
    'python -m digitocr train --architecture dense128 --data mnist --epochs 5 --batch-size 32 --scaling unit \
--seed 2 --output models/dense128.keras'
    """
    options: dict[str, Any] = {
        "--architecture": recipe.architecture,
        "--data": source,
        "--epochs": recipe.epochs,
        "--batch-size": recipe.batch_size,
        "--validation-split": recipe.validation_split or None,
        "--scaling": recipe.scaling,
        "--rotations": ",".join(f"{turn:g}" for turn in recipe.rotations) or None,
        "--schedule": recipe.schedule if recipe.schedule != "constant" else None,
        "--learning-rate": f"{recipe.learning_rate:g}" if recipe.learning_rate != 1e-3 else None,
        "--early-stopping": recipe.patience or None,
        "--seed": recipe.seed,
        "--output": output.as_posix(),
    }
    # joined by '=', because -90 looks like an option
    parts = [
        f"{name}{'=' if name == '--rotations' else ' '}{shlex.quote(str(value))}"
        for name, value in options.items()
        if value is not None
    ]
    if recipe.variation is not None:
        parts.insert(-2, "--augment")
    return " ".join(["python -m digitocr train", *parts])


def _measured(fitted: Fitted, data: Dataset) -> dict[str, Any]:
    """Measure on the test digits, for the card; empty where the data has none."""
    if data.test is None:
        return {}
    recipe = fitted.recipe
    output = architecture(recipe.architecture).output
    card = ModelCard(
        recipe.architecture, "", recipe.classes, THRESHOLD, scaling=recipe.scaling, output=output
    )
    classifier = classifier_of(card, keras_call(fitted.network))
    if recipe.architecture == ORIENTATION:
        share = rotation.turn_accuracy(classifier, data.test)
        log.info("quarter turns recognised: %s", share)
        return {"turns_told": round(share.value, 6), "digits": share.count}
    test = evaluation.turned_test(data.test, recipe.rotations)
    result = evaluation.evaluate(classifier, test)
    log.info("test: loss %.4f, accuracy %s", result.loss, result.accuracy)
    return {
        "test_accuracy": round(result.accuracy.value, 6),
        "test_accuracy_interval": [round(v, 6) for v in result.accuracy.interval],
        "test_loss": round(result.loss, 6),
        "test_digits": len(test),
        "calibration_error": round(scoring.calibration_error(result.bins), 6),
    }


@contextmanager
def _bar() -> Iterator[Watch]:
    """Report each epoch in a line and, on a terminal, show a progress bar."""
    if not sys.stderr.isatty():
        yield Watch(epoch=log.info)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("batches"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("batches", total=None)
        yield Watch(lambda done, of: bar.update(task, completed=done, total=of), bar.console.print)
