"""Recipes, and the training of a network by one of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from digitocr.errors import UsageError
from digitocr.training.datasets.digits import Digits, with_turned_copies
from digitocr.training.fit.architectures import ORIENTATION, architecture
from digitocr.training.fit.augment import Variation, to_scale, varied_batches

SCHEDULES = ("constant", "plateau", "cosine")
"""Learning-rate schedules: constant, divided by 5 when the validation loss stalls, or decayed to zero."""

_PLATEAU_EPOCHS = 2
_PLATEAU_FACTOR = 0.2


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained; together with the data it determines the result.

    Attributes
    ----------
    architecture : str
    epochs, batch_size : int
    validation_split : float
        Share of the training digits, taken from their end, held back for validation.
    scaling : str
        See :func:`digitocr.networks.classifier.scaled`.
    rotations : tuple of float
        Degrees, counter-clockwise; each digit gets a copy turned by one of these at random; () for none.
    variation : Variation or None
        How strongly the digits are distorted, anew in every epoch; None for not at all.
    schedule : str
        One of `SCHEDULES`.
    learning_rate : float
        Of Adam, at the start.
    patience : int
        Stop when the validation loss has not fallen for this many epochs, and restore the best; 0 for never.
    seed : int
    """

    architecture: str
    epochs: int
    batch_size: int
    validation_split: float
    scaling: str
    rotations: tuple[float, ...] = ()
    variation: Variation | None = None
    schedule: str = "constant"
    learning_rate: float = 1e-3
    patience: int = 0
    seed: int = 1

    @property
    def classes(self) -> tuple[str, ...]:
        """What the outputs stand for: ten digits, or the turns in degrees."""
        if self.architecture == ORIENTATION:
            return ("0", *(f"{turn:g}" for turn in self.rotations))
        return tuple("0123456789")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained network.

    Attributes
    ----------
    network : keras.Model
    recipe : Recipe
    history : mapping of str to list of float
        Per epoch: ``loss``, ``accuracy``, and ``val_loss``, ``val_accuracy`` where some were held back.
    seconds : float
        By the clock.
    core_seconds : float
        Processor time of this process on all cores.
    """

    network: Any
    recipe: Recipe
    history: Mapping[str, list[float]]
    seconds: float
    core_seconds: float


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told of the progress.

    Attributes
    ----------
    batch : callable
        Takes the number of finished batches and the batches of an epoch.
    epoch : callable
        Takes the metrics of an epoch in words.
    """

    batch: Callable[[int, int], None] = lambda _done, _of: None
    epoch: Callable[[str], None] = lambda _text: None


def make_recipe(name: str, **changed: Any) -> Recipe:  # noqa: ANN401 (any field of Recipe)
    """Return the recipe that an architecture is published with, with some fields changed.

    Parameters
    ----------
    name : str
        A key of `ARCHITECTURES`.
    **changed
        Fields of :class:`Recipe`; None leaves a field as it is.

    Returns
    -------
    Recipe

    Raises
    ------
    UsageError
        A value is out of range, or values contradict each other.
    """
    known = architecture(name)
    recipe = Recipe(name, known.epochs, known.batch_size, known.validation_split, known.scaling)
    if name == ORIENTATION:
        recipe = replace(recipe, rotations=(90.0, -90.0, 180.0))
    recipe = replace(recipe, **{key: value for key, value in changed.items() if value is not None})
    _check(recipe)
    return recipe


def _check(recipe: Recipe) -> None:
    if recipe.epochs < 1 or recipe.batch_size < 1:
        raise UsageError("epochs and batch size must be at least 1")
    if not 0 <= recipe.validation_split < 1:
        raise UsageError(f"a validation split of {recipe.validation_split} is not in the range [0, 1)")
    if recipe.schedule not in SCHEDULES:
        raise UsageError(
            f"there is no schedule {recipe.schedule!r}", hint=f"choose one of {', '.join(SCHEDULES)}"
        )
    if (recipe.patience or recipe.schedule == "plateau") and not recipe.validation_split:
        raise UsageError(
            "early stopping and the schedule plateau need validation digits",
            hint="hold some back, for example with --validation-split 0.1",
        )
    if recipe.architecture == ORIENTATION and not recipe.rotations:
        raise UsageError("a network of turns needs turns", hint="for example --rotations 90,-90,180")


def labelled_for(recipe: Recipe, digits: Digits, seed: int) -> Digits:
    """Add the turned copies that a recipe asks for; for a network of turns label each picture with its turn.

    Parameters
    ----------
    recipe : Recipe
    digits : Digits
    seed : int

    Returns
    -------
    Digits
    """
    if not recipe.rotations:
        return digits
    both, turns = with_turned_copies(digits, recipe.rotations, seed)
    return Digits(both.images, turns.astype("uint8")) if recipe.architecture == ORIENTATION else both


def parts(recipe: Recipe, digits: Digits) -> tuple[Digits, Digits]:
    """Split digits into those to learn from and, at their end, those held back for validation.

    Parameters
    ----------
    recipe : Recipe
    digits : Digits

    Returns
    -------
    tuple of 2 Digits
    """
    first = len(digits) - round(recipe.validation_split * len(digits))
    return digits.part(slice(0, first)), digits.part(slice(first, None))


def fit(recipe: Recipe, digits: Digits, watch: Watch | None = None) -> Fitted:
    """Train a network.

    Parameters
    ----------
    recipe : Recipe
    digits : Digits
        For training; the validation digits are taken from their end.
    watch : Watch, optional

    Returns
    -------
    Fitted

    Raises
    ------
    UsageError
        There are too few digits for the recipe.
    """
    import keras

    started, cores_started = time.perf_counter(), time.process_time()
    first, last = parts(recipe, digits)
    learned = labelled_for(recipe, first, recipe.seed)
    if not len(learned) or (recipe.validation_split and not len(last)):
        raise UsageError(f"{len(digits)} digits are too few for a validation split", hint="use more digits")
    keras.utils.set_random_seed(recipe.seed)
    known = architecture(recipe.architecture)
    network = known.build(len(recipe.classes))
    steps = -(-len(learned) // recipe.batch_size)
    network.compile(
        keras.optimizers.Adam(_rate(recipe, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=known.output == "logits"),
        metrics=["accuracy"],
    )
    how: dict[str, Any] = {"epochs": recipe.epochs, "verbose": 0}
    how["callbacks"] = _callbacks(recipe, steps, watch or Watch())
    if len(last):
        looked_at = labelled_for(recipe, last, recipe.seed + 1)
        how["validation_data"] = (
            to_scale(looked_at.images, recipe.scaling),
            looked_at.labels.astype("int32"),
        )
        how["validation_batch_size"] = 1024
    if recipe.variation is not None:
        batches = varied_batches(
            learned.images,
            learned.labels,
            recipe.variation,
            recipe.batch_size,
            recipe.scaling,
            recipe.seed,
        )
        done = network.fit(batches, **how)
    else:
        x, y = to_scale(learned.images, recipe.scaling), learned.labels.astype("int32")
        done = network.fit(x, y, batch_size=recipe.batch_size, **how)
    history = {key: [float(v) for v in values] for key, values in done.history.items()}
    return Fitted(
        network, recipe, history, time.perf_counter() - started, time.process_time() - cores_started
    )


def _rate(recipe: Recipe, steps: int) -> Any:  # noqa: ANN401
    import keras

    if recipe.schedule != "cosine":
        return recipe.learning_rate
    return keras.optimizers.schedules.CosineDecay(recipe.learning_rate, decay_steps=steps * recipe.epochs)


def _callbacks(recipe: Recipe, steps: int, watch: Watch) -> list[Any]:
    import keras

    def say(epoch: int, logs: Mapping[str, float]) -> None:
        parts = [f"loss {logs['loss']:.4f}", f"accuracy {100 * logs['accuracy']:.2f} %"]
        if "val_loss" in logs:
            parts += [
                f"validation loss {logs['val_loss']:.4f}",
                f"accuracy {100 * logs['val_accuracy']:.2f} %",
            ]
        watch.epoch(f"epoch {epoch + 1}/{recipe.epochs}: {', '.join(parts)}")

    class Progress(keras.callbacks.Callback):  # type: ignore[misc, name-defined, unused-ignore]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ANN401, ARG002, RUF100
            watch.batch(batch + 1, steps)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ANN401
            say(epoch, logs or {})

    callbacks: list[Any] = [Progress()]
    if recipe.patience:
        callbacks.append(
            keras.callbacks.EarlyStopping("val_loss", patience=recipe.patience, restore_best_weights=True)
        )
    if recipe.schedule == "plateau":
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=_PLATEAU_FACTOR, patience=_PLATEAU_EPOCHS)
        )
    return callbacks
