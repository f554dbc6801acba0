"""Models on disk: loaded in full precision, and listed with what their cards say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitocr.errors import UsageError
from digitocr.networks.card import read_card
from digitocr.networks.classifier import Classifier, fitting
from digitocr.networks.runtime import keras_call, load_network, quietly
from digitocr.training.extras.output import say, table


def load_keras(model: Path) -> Classifier:
    """Load a Keras network in full precision, without TensorFlow's own messages.

    Parameters
    ----------
    model : Path
        A ``.keras`` file with its card beside it.

    Returns
    -------
    Classifier
    """
    card = read_card(model)
    with quietly():
        return fitting(model, card, keras_call(load_network(model)))


def command(folder: Path, *, as_json: bool) -> int:
    """Print the models of a folder with what their cards say: what ``digitocr models`` does.

    Parameters
    ----------
    folder : Path
    as_json : bool
        Print one JSON array instead of a table.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    UsageError
        The folder holds no models.
    """
    found = list_models(folder)
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


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model file and its card.

    Attributes
    ----------
    path : Path
    card : mapping
        As written.
    """

    path: Path
    card: Mapping[str, Any]


def list_models(folder: Path) -> list[ListedModel]:
    """List the models of a folder, sorted by name; the card of one without a card is empty.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of ListedModel

    Raises
    ------
    UsageError
        The folder does not exist, or a card is not JSON.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="name the folder the models are in")
    found = []
    for path in sorted(folder.glob("*.keras")):
        text = path.with_suffix(".json")
        try:
            card = json.loads(text.read_text(encoding="utf-8")) if text.is_file() else {}
        except ValueError as error:
            raise UsageError(f"the card {text} cannot be used: {error}") from None
        found.append(ListedModel(path, card if isinstance(card, dict) else {}))
    return found
