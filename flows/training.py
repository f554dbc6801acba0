"""The flow that trains; importing this module imports Prefect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from digitocr import atomic
from digitocr.cli import console
from digitocr.networks.registry import model_in_use
from digitocr.review import export
from digitocr.settings import Settings
from flows import served


@flow(name="train-model", persist_result=False)
def train_model(
    flags: dict[str, Any] | None = None, config: str | None = None, fresh: int = 100
) -> dict[str, Any]:
    """Train on settled digits, if enough of them are new, and promote the new model if it is better.

    Parameters
    ----------
    flags : dict, optional
        Settings that outweigh the environment and the settings file.
    config : str, optional
        Settings file.
    fresh : int
        Nothing is trained unless at least this many digits were settled since the last training.

    Returns
    -------
    dict
        How many ``digits`` were exported, and whether a model was ``trained`` and ``promoted``.
    """
    asked = served.asked(flags, config)
    settings = console.settings(asked.flags, asked.config)
    folder = settings.state / "corrections"
    exported = export.export(settings, folder)
    outcome: dict[str, Any] = {"digits": exported.digits, "trained": False, "promoted": False}
    if exported.digits < _last(settings) + fresh:
        _tell(f"{exported.digits} settled digits; training waits for {_last(settings) + fresh}.")
        return outcome
    from digitocr.training.adapt import learning

    plan = learning.Plan(folder, settings.state / "training" / "tuned.keras")
    verdict = learning.learn(settings, model_in_use(settings), plan)
    atomic.write(_mark(settings), json.dumps({"digits": exported.digits}).encode())
    _tell(
        "\n".join(
            [f"{exported.digits} settled digits, {exported.corrections} corrected.", "", *verdict.lines()]
        )
    )
    return outcome | {"trained": True, "promoted": verdict.promoted}


def _tell(text: str) -> None:
    create_markdown_artifact(
        f"## Learning from corrections\n\n{text}\n", key="training", description="Before and after"
    )


def _mark(settings: Settings) -> Path:
    return settings.state / "training" / "last.json"


def _last(settings: Settings) -> int:
    """Return how many settled digits there were at the last training."""
    try:
        return int(json.loads(_mark(settings).read_text(encoding="utf-8"))["digits"])
    except (OSError, ValueError, KeyError):
        return 0
