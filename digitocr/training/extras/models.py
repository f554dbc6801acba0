"""Models on disk: loaded in full precision, and listed with what their cards say."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitocr.errors import UsageError
from digitocr.networks.card import read_card, shipped_model
from digitocr.networks.classifier import Classifier, fitting
from digitocr.networks.runtime import keras_call, load_network, quietly
from digitocr.training.datasets.digits import Dataset, Digits
from digitocr.training.datasets.splits import with_test_part
from digitocr.training.extras.output import say, table

log = logging.getLogger(__name__)

SHIPPED = "shipped"
"""Name of the model that comes with the program."""


def measured(data: Dataset, models: Sequence[Path]) -> tuple[Digits, str]:
    """Return the digits on which models can be measured, none of which they have learned from.

    Parameters
    ----------
    data : Dataset
    models : sequence of Path

    Returns
    -------
    digits : Digits
        The test part of the source. If it sets none apart, the one that ``train`` held out if one of the models has
        learned from this source, else all.
    words : str
        What they are.
    """
    if data.test is not None:
        return data.test, "the test digits"
    split = with_test_part(data)
    learned = [stated for stated in map(_learned_from, models) if data.name in stated]
    if not learned:
        return data.train, "all digits; the training was on other data"
    if split.test is None:
        return data.train, "all digits, those of the training included"
    if any(split.sha256 not in stated[data.name] for stated in learned):
        log.warning(
            "%s has changed since a model learned from it, perhaps also from some of these digits", data.name
        )
    return split.test, "the digits held out of the training"


def _learned_from(model: Path) -> Mapping[str, str]:
    """Return what the card of a model says of the data that it has learned from, by name."""
    try:
        stated = json.loads(model.with_suffix(".json").read_text(encoding="utf-8")).get("data", {})
    except (OSError, ValueError, AttributeError):
        return {}
    return {str(name): str(text) for name, text in stated.items()} if isinstance(stated, dict) else {}


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


def command(found: Sequence[ListedModel], *, as_json: bool) -> int:
    """Print models with what their cards say: what ``digitocr models`` does.

    Parameters
    ----------
    found : sequence of ListedModel
    as_json : bool
        Print one JSON array instead of a table.

    Returns
    -------
    int
        Exit status.
    """
    if as_json:
        say(json.dumps([{"file": m.path.as_posix(), "card": m.card} for m in found]))
        return 0
    rows: list[Sequence[Any]] = [("model", "architecture", "parameters", "classes", "scaling", "size")]
    figures: list[Sequence[Any]] = [("model", "figure", "value")]
    for m in found:
        card = m.card
        if not card:
            rows.append((m.name, "no card", "", "", "", _size(m.path)))
            continue
        parameters = card.get("parameters")
        rows.append(
            (m.name, card.get("architecture", ""), f"{parameters:,}" if parameters else "",
             len(card.get("classes", ())), card.get("scaling", "unit"), _size(m.path))
        )  # fmt: skip
        measured = {k: v for k, v in card.get("metrics", {}).items() if isinstance(v, int | float)}
        figures += ((m.name, name.replace("_", " "), value) for name, value in measured.items())
    table(rows)
    if len(figures) > 1:
        say("")
        table(figures)
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
        As written; empty without a card.
    name : str
        For people.
    """

    path: Path
    card: Mapping[str, Any]
    name: str


def available(folder: Path) -> list[ListedModel]:
    """List the shipped model, then those of a folder that need not exist.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of ListedModel
    """
    shipped = shipped_model()
    return [_listed(shipped, SHIPPED), *(one for one in _models_in(folder) if not one.path.samefile(shipped))]


def list_models(folder: Path) -> list[ListedModel]:
    """List the models of a folder, sorted by name.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of ListedModel

    Raises
    ------
    UsageError
        The folder does not exist or holds no models, or a card is not JSON.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="name the folder the models are in")
    found = _models_in(folder)
    if not found:
        raise UsageError(f"there are no models in {folder}", hint="train one with `digitocr train`")
    return found


def _models_in(folder: Path) -> list[ListedModel]:
    """List the models of a folder without the line readers, which belong to them."""
    found = [_listed(path) for path in sorted(folder.glob("*.keras"))]
    parts = {one.card.get("line_reader") for one in found}
    return [one for one in found if one.path.name not in parts]


def _listed(path: Path, name: str = "") -> ListedModel:
    text = path.with_suffix(".json")
    try:
        card = json.loads(text.read_text(encoding="utf-8")) if text.is_file() else {}
    except ValueError as error:
        raise UsageError(f"the card {text} cannot be used: {error}") from None
    return ListedModel(path, card if isinstance(card, dict) else {}, name or path.name)
