"""The flow that trains; importing this module imports Prefect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas import State

from digitocr import atomic
from digitocr.cli import console
from digitocr.networks.registry import model_in_use
from digitocr.review import export
from digitocr.settings import Settings
from flows import served, shown


@flow(name="train-model", persist_result=False)
def train_model(
    flags: dict[str, Any] | None = None, config: str | None = None, fresh: int = 100
) -> dict[str, Any] | State[Any]:
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
    State
        Of a dict: how many ``digits`` were exported, and whether a model was ``trained`` and ``promoted``.
    """
    asked = served.asked(flags, config)
    settings = console.settings(asked.flags, asked.config)
    with shown.logged():
        shown.named("training")
        return _train(settings, fresh)


def _train(settings: Settings, fresh: int) -> State[Any]:
    folder = settings.state / "corrections"
    exported = export.export(settings, folder)
    outcome: dict[str, Any] = {"digits": exported.digits, "trained": False, "promoted": False}
    if exported.digits < _last(settings) + fresh:
        waits = f"{exported.digits} settled digits; training waits for {_last(settings) + fresh}"
        return shown.completed(waits, outcome, with_failures=False)
    from digitocr.training.adapt import learning

    plan = learning.Plan(folder, settings.state / "training" / "tuned.keras")
    verdict = learning.learn(settings, model_in_use(settings), plan)
    atomic.write(_mark(settings), json.dumps({"digits": exported.digits}).encode())
    _tell(
        "\n".join(
            [f"{exported.digits} settled digits, {exported.corrections} corrected.", "", *verdict.lines()]
        )
    )
    said = (
        f"trained on {exported.digits} settled digits; {'promoted' if verdict.promoted else 'not promoted'}"
    )
    return shown.completed(
        said, outcome | {"trained": True, "promoted": verdict.promoted}, with_failures=False
    )


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
