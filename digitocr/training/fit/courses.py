"""How heads on a pre-trained network are trained: AdamW at two rates, averaged weights, a checkpoint each epoch."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitocr.training.fit.parallel import epoch_reporter
from digitocr.training.recipes import recipe_parser

WEIGHT_DECAY = 1e-3
"""Share of each weight lost at a step, times the learning rate."""

EMA = 0.999
"""Momentum of the average over the weights of many steps, which is what is kept."""

TAIL = "tail"
"""Prefix of the names of the tuned blocks of the pre-trained network."""

TAIL_RATE = 0.12
"""Their learning rate as a share of the head's: at four times this they unlearn."""


@dataclass(frozen=True, slots=True)
class Course:
    """The course of a training.

    Attributes
    ----------
    name : str
        Of the network, for the report.
    epochs : int
    steps : int
        Of an epoch, after which a checkpoint is kept.
    rate : float
        Peak learning rate of the head; it rises over the first steps and falls with a cosine.
    checkpoint : Path
        Folder of the checkpoints.
    """

    name: str
    epochs: int
    steps: int
    rate: float
    checkpoint: Path


def head_parser(module: str, description: str | None, steps: int) -> argparse.ArgumentParser:
    """Return a parser of what all commands that train a head take; an option that is not given has no value.

    Parameters
    ----------
    module : str
        Of the command, in ``digitocr.training``.
    description : str or None
    steps : int
        Of an epoch.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = recipe_parser(module, description)
    add = parser.add_argument
    add("wheel", type=Path, help="rapidocr-3.10.0-py3-none-any.whl")
    add("--pictures", type=int, help="number of drawings")
    add("--epochs", type=int, help=f"of {steps} batches each")
    add("--batch-size", type=int)
    return parser


def follow(course: Course, trainer: Any, data: Any) -> None:  # noqa: ANN401 (Keras ships no types)
    """Train a network in place; an interrupted run resumes after its last epoch.

    Parameters
    ----------
    course : Course
    trainer : keras.Model
        A built network that computes its loss.
    data : tf.data.Dataset
        Its batches, without end.
    """
    import keras

    class OfTwoRates(keras.optimizers.AdamW):  # type: ignore[misc]
        """AdamW that moves the tuned blocks more slowly."""

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:  # noqa: ANN401
            path = self._trainable_variables[self._get_variable_index(variable)].path
            share = TAIL_RATE if path.startswith(TAIL) else 1.0
            super().update_step(gradient, variable, learning_rate * share)

    rate = keras.optimizers.schedules.CosineDecay(
        course.rate / 10,
        decay_steps=course.steps * course.epochs,
        warmup_target=course.rate,
        warmup_steps=min(300, course.steps),
        alpha=0.02,
    )
    trainer.compile(OfTwoRates(rate, weight_decay=WEIGHT_DECAY, clipnorm=5.0, use_ema=True, ema_momentum=EMA))
    backup = keras.callbacks.BackupAndRestore(str(course.checkpoint), delete_checkpoint=False)
    reporter = epoch_reporter(course.name)
    trainer.fit(
        data,
        epochs=course.epochs,
        steps_per_epoch=course.steps,
        verbose=0,
        callbacks=[backup, reporter],
    )
