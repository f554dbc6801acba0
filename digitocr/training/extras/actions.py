"""What the training commands do, once their arguments are settled; each returns an exit status."""

from __future__ import annotations

import json
import logging
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

from digitocr import atomic
from digitocr.errors import UsageError
from digitocr.networks.classifier import Classifier, classifier_of, fitting, read_card
from digitocr.networks.runtime import keras_call, load_network, quietly
from digitocr.records import ModelCard
from digitocr.training.calibrate import scoring
from digitocr.training.datasets.digits import Dataset, load_dataset
from digitocr.training.extras import evaluation, figures, rotation
from digitocr.training.fit.architectures import ORIENTATION, architecture
from digitocr.training.fit.cards import THRESHOLD, listed, write_model
from digitocr.training.fit.recipe import Fitted, Recipe, Watch, fit

log = logging.getLogger(__name__)


def say(text: str) -> None:
    """Write a line of the outcome to standard output."""
    sys.stdout.write(text + "\n")


def load(model: Path) -> Classifier:
    """Load a Keras network, in full precision, without TensorFlow's own messages."""
    card = read_card(model)
    with quietly():
        return fitting(model, card, keras_call(load_network(model)))


# --- train ------------------------------------------------------------------------------------------------------


def train(recipe: Recipe, source: str, output: Path) -> int:
    """Train, measure on the test digits where the data has some, and save."""
    import matplotlib  # noqa: F401, ICN001 (for the curves: that it is missing is said before the training, not after)

    if output.suffix != ".keras":
        raise UsageError(f"{output} does not end in .keras")
    data = load_dataset(source, log.info)
    log.info("%s: %s digits of %s", recipe.architecture, f"{len(data.train):,}", data.name)
    with quietly():
        import tensorflow as tf

        tf.constant(0)
    with _bar() as watch:
        fitted = fit(recipe, data.train, watch)
    metrics = _measured(fitted, data)
    written = write_model(fitted, data, output, command_of(recipe, source, output), metrics)
    log.info("%.0f s; written: %s", fitted.seconds, ", ".join(p.as_posix() for p in written))
    return 0


def summary(recipe: Recipe) -> None:
    """Print the layers of the network a recipe trains."""
    with quietly():
        network = architecture(recipe.architecture).build(len(recipe.classes))
    network.summary(print_fn=lambda text: say(text))


def command_of(recipe: Recipe, source: str, output: Path) -> str:
    """Return the command that makes the same model again, in full.

    Examples
    --------
    >>> from digitocr.training.fit.recipe import make_recipe
    >>> command_of(make_recipe("dense128", seed=2), "mnist", Path("models/dense128.keras"))
    'python -m digitocr train --architecture dense128 --data mnist --epochs 5 --batch-size 32 --scaling unit \
--seed 2 --output models/dense128.keras'
    """
    said: dict[str, Any] = {
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
    # with a sign of equality, for -90 looks like an option
    parts = [
        f"{name}{'=' if name == '--rotations' else ' '}{shlex.quote(str(value))}"
        for name, value in said.items()
        if value is not None
    ]
    if recipe.variation is not None:
        parts.insert(-2, "--augment")
    return " ".join(["python -m digitocr train", *parts])


def _measured(fitted: Fitted, data: Dataset) -> dict[str, Any]:
    """Figures for the card: on the test digits, or none where there are none."""
    if data.test is None:
        return {}
    recipe = fitted.recipe
    output = architecture(recipe.architecture).output
    card = ModelCard(
        recipe.architecture, "", recipe.classes, THRESHOLD, scaling=recipe.scaling, output=output
    )
    classifier = classifier_of(card, keras_call(fitted.network))
    if recipe.architecture == ORIENTATION:
        share = rotation.turns_told(classifier, data.test)
        log.info("turns told right: %s", share)
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
    """Tell of each epoch in a line and, on a terminal, show how far it is."""
    if not sys.stderr.isatty():
        yield Watch(epoch=log.info)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("batches"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("batches", total=None)
        yield Watch(lambda done, of: bar.update(task, completed=done, total=of), bar.console.print)


# --- evaluate ---------------------------------------------------------------------------------------------------


def evaluate(model: Path, source: str, turns: Sequence[float], folder: Path, *, as_json: bool) -> int:
    """Measure a model and write its pictures."""
    classifier = load(model)
    data = load_dataset(source, log.info)
    result = evaluation.evaluate(classifier, evaluation.turned_test(data.measured, turns))
    written = evaluation.write_pictures(result, folder)
    if as_json:
        say(json.dumps(evaluation.as_json(result) | {"data": data.name, "rotations": list(turns)}))
    else:
        part = "all" if data.test is None else "the test"
        say(f"{result.model} on {part} digits of {data.name}{', with turned copies' if turns else ''}")
        say(f"loss {result.loss:.4f}")
        say(f"accuracy {result.accuracy}")
        say(f"calibration error {100 * scoring.calibration_error(result.bins):.2f} points\n")
        say(evaluation.report(result))
    for path in written:
        log.info("written: %s", path.as_posix())
    return 0


# --- compare ----------------------------------------------------------------------------------------------------


def compare(models: Sequence[Path], source: str, turns: Sequence[float], *, as_json: bool) -> int:
    """Measure models on the same digits, and test each two for a difference."""
    if len(models) < 2:
        raise UsageError("two models or more are needed to compare")
    digits = evaluation.turned_test(load_dataset(source, log.info).measured, turns)
    rows: list[dict[str, Any]] = []
    right = []
    for path in models:
        classifier = load(path)
        scoring.digit_logs(classifier, digits.images[:1024])
        started = time.process_time()
        logs = scoring.digit_logs(classifier, digits.images)
        milliseconds = 1000 * (time.process_time() - started) / len(digits)
        share = scoring.accuracy(logs, digits.labels)
        right.append(logs.argmax(axis=1) == digits.labels)
        rows.append(
            {
                "model": path.as_posix(),
                "accuracy": round(share.value, 6),
                "accuracy_interval": [round(v, 6) for v in share.interval],
                "loss": round(scoring.loss(logs, digits.labels), 6),
                "milliseconds_per_digit": round(milliseconds, 4),
                "bytes": path.stat().st_size,
            }
        )
    tests = []
    for (i, first), (j, second) in combinations(enumerate(models), 2):
        only_first, only_second, p = scoring.mcnemar(right[i], right[j])
        tests.append(
            {"first": first.as_posix(), "second": second.as_posix(), "only_first_right": only_first,
             "only_second_right": only_second, "p": p}
        )  # fmt: skip
    if as_json:
        say(json.dumps({"digits": len(digits), "models": rows, "mcnemar": tests}))
        return 0
    table([
        ("model", "accuracy", "95 % interval", "loss", "ms per digit", "size"),
        *((r["model"], f"{100 * r['accuracy']:.2f} %",
           " to ".join(f"{100 * v:.2f}" for v in r["accuracy_interval"]), f"{r['loss']:.4f}",
           f"{r['milliseconds_per_digit']:.3f}", f"{r['bytes'] / 1e6:.2f} MB") for r in rows),
    ])  # fmt: skip
    say(f"{len(digits):,} digits; time on one core, in batches\n")
    table([
        ("McNemar's test", "only the first right", "only the second right", "p"),
        *((f"{t['first']} – {t['second']}", t["only_first_right"], t["only_second_right"], f"{t['p']:.3g}")
          for t in tests),
    ])  # fmt: skip
    return 0


# --- rotations --------------------------------------------------------------------------------------------------


def rotations(
    model: Path,
    others: tuple[Path | None, Path | None],
    source: str,
    step: float,
    folder: Path,
    *,
    as_json: bool,
) -> int:
    """Study what turning does to a model, and measure the ways of reading turned digits.

    Parameters
    ----------
    model : Path
    others : (Path or None, Path or None)
        A model that learned from turned copies, and a network of turns.
    source : str
    step : float
        Of the full circle, in degrees.
    folder : Path
        For the picture.
    as_json : bool
    """
    if not 1 <= step <= 90:
        raise UsageError(f"a step of {step:g} degrees is not in 1 to 90")
    classifier = load(model)
    learned, tells = (None if path is None else load(path) for path in others)
    digits = load_dataset(source, log.info).measured
    reads = rotation.directly(classifier)
    quarters = [rotation.at_turn(reads, digits, degrees) for degrees in rotation.QUARTERS]
    around = rotation.circle(reads, digits, step)
    name = classifier.card.name
    copies = [turn for turn in rotation.QUARTERS if turn]
    ways = [rotation.measure(f"{name} alone", reads, digits, copies)]
    if learned is not None:
        reads_learned = rotation.directly(learned)
        ways.append(rotation.measure(f"turned copies: {learned.card.name}", reads_learned, digits, copies))
    if tells is not None:
        upright = rotation.turned_upright(classifier, tells)
        ways.append(rotation.measure(f"{tells.card.name}, then {name}", upright, digits, copies))
    picture = figures.full_circle(
        [t.degrees for t in around], [t.accuracy.value for t in around], [t.confidence for t in around],
        f"{name}, {len(digits):,} digits turned",
    )  # fmt: skip
    atomic.write(folder / "circle.png", picture, durable=False)
    told = None if tells is None else rotation.turns_told(tells, digits)
    if as_json:
        say(json.dumps(_rotations_json(quarters, around, ways, told)))
    else:
        _say_rotations(quarters, ways, told)
    log.info("written: %s", (folder / "circle.png").as_posix())
    return 0


def _rotations_json(
    quarters: Sequence[rotation.Turn],
    around: Sequence[rotation.Turn],
    ways: Sequence[rotation.Way],
    told: scoring.Share | None,
) -> dict[str, Any]:
    def turn(t: rotation.Turn) -> dict[str, Any]:
        return {
            "degrees": t.degrees,
            "accuracy": round(t.accuracy.value, 6),
            "confidence": round(t.confidence, 6),
            "per_digit": [round(s.value, 6) for s in t.per_digit],
            "read_as": list(t.read_as),
        }

    return {
        "quarters": [turn(t) for t in quarters],
        "circle": [turn(t) for t in around],
        "turns_told": None if told is None else round(told.value, 6),
        "ways": [
            {
                "name": w.name,
                "accuracy": round(w.accuracy.value, 6),
                "loss": round(w.loss, 6),
                "upright": round(w.upright.value, 6),
                "turned": round(w.copies.value, 6),
                "milliseconds_per_digit": round(w.milliseconds, 4),
                "sixes_and_nines": [
                    {"digit": digit, "degrees": degrees, "right": round(right.value, 6),
                     "as_the_other": round(swapped.value, 6)}
                    for digit, degrees, right, swapped in w.sixes_and_nines
                ],
            }
            for w in ways
        ],
    }  # fmt: skip


def _say_rotations(
    quarters: Sequence[rotation.Turn], ways: Sequence[rotation.Way], told: scoring.Share | None
) -> None:
    table([
        ("turn (degrees, to the left)", "right", "mean confidence"),
        *((f"{t.degrees:g}", f"{100 * t.accuracy.value:.2f} %", f"{100 * t.confidence:.2f} %") for t in quarters),
    ])  # fmt: skip
    say("\nright, and what each digit is most often read as")
    table([
        ("digit", *(f"{t.degrees:g}" for t in quarters)),
        *((digit, *(f"{100 * t.per_digit[digit].value:.1f} %  {t.read_as[digit]}" for t in quarters))
          for digit in range(10)),
    ])  # fmt: skip
    say(f"\n{ways[0].accuracy.count:,} originals and turned copies")
    table([
        ("way", "right", "loss", "originals", "turned", "core ms per digit"),
        *((w.name, f"{100 * w.accuracy.value:.2f} %", f"{w.loss:.4f}", f"{100 * w.upright.value:.2f} %",
           f"{100 * w.copies.value:.2f} %", f"{w.milliseconds:.3f}") for w in ways),
    ])  # fmt: skip
    if told is not None:
        say(f"turns told right: {told}")
    say("\n6 and 9: right, and read as the other")
    table([
        ("digit", "turn", *(w.name for w in ways)),
        *((digit, f"{degrees:g}", *(_pair(w.sixes_and_nines[row][2:]) for w in ways))
          for row, (digit, degrees, *_) in enumerate(ways[0].sixes_and_nines)),
    ])  # fmt: skip


def _pair(shares: Sequence[Any]) -> str:
    return "  ".join(f"{100 * share.value:.1f} %" for share in shares)


# --- models -----------------------------------------------------------------------------------------------------


def models(folder: Path, *, as_json: bool) -> int:
    """List the models of a folder with what their cards say."""
    found = listed(folder)
    if not found:
        raise UsageError(f"there are no models in {folder}", hint="train one with `python -m digitocr train`")
    if as_json:
        say(json.dumps([{"file": m.path.as_posix(), "card": m.card} for m in found]))
        return 0
    rows: list[Sequence[Any]] = [
        ("model", "architecture", "parameters", "classes", "scaling", "size", "figures")
    ]
    for m in found:
        card = m.card
        if not card:
            rows.append((m.path.name, "no card", "", "", "", _size(m.path), ""))
            continue
        parameters = card.get("parameters")
        shown = ", ".join(
            f"{k} {v}" for k, v in card.get("metrics", {}).items() if isinstance(v, int | float)
        )
        rows.append(
            (m.path.name, card.get("architecture", ""), f"{parameters:,}" if parameters else "",
             len(card.get("classes", ())), card.get("scaling", "unit"), _size(m.path), shown)
        )  # fmt: skip
    table(rows)
    return 0


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f} MB"


# --- tables -----------------------------------------------------------------------------------------------------


def table(rows: Sequence[Sequence[Any]]) -> None:
    """Print rows with a head, in columns as wide as they need."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[k]) for row in texts) for k in range(len(texts[0]))]
    for index, row in enumerate(texts):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if index == 0:
            say("  ".join("-" * width for width in widths))
