"""The command `train --corrections`: fine-tune on corrections, and promote the new model if it is better."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from digitocr.networks.registry import promote
from digitocr.networks.runtime import quietly
from digitocr.settings import Settings
from digitocr.training.adapt.tuning import Size, Verdict, tune

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fine-tune on, where the new model goes, and how long.

    Attributes
    ----------
    corrections : Path
        An export.
    output : Path
        File of the new model, kept whatever the verdict.
    epochs, seed : int
    """

    corrections: Path
    output: Path
    epochs: int = 2
    seed: int = 1


def learn(settings: Settings, model: Path | None, plan: Plan, size: Size | None = None) -> Verdict:
    """Fine-tune a model on corrections, and use it from now on if it is better.

    Parameters
    ----------
    settings : Settings
        Their state folder keeps promoted models.
    model : Path or None
        The model to begin from, None for the shipped one.
    plan : Plan
    size : Size, optional

    Returns
    -------
    Verdict
    """
    size = replace(size or Size(), epochs=plan.epochs)
    with quietly():
        verdict = tune(model, plan.corrections, plan.output, size, plan.seed, log.info)
    if verdict.promoted:
        promote(settings, plan.output)
    return verdict


def command(settings: Settings, model: Path | None, plan: Plan) -> int:
    """Fine-tune a model and print the comparison: what ``digitocr train --corrections`` does.

    Parameters
    ----------
    settings : Settings
    model : Path or None
        The model to begin from, None for the shipped one.
    plan : Plan

    Returns
    -------
    int
        Exit status.
    """
    verdict = learn(settings, model, plan)
    sys.stdout.write("\n".join(verdict.lines()) + "\n")
    if verdict.promoted:
        log.info(
            "the new model is used from now on; to restore the previous one: python -m digitocr corrections put-back"
        )
    return 0
