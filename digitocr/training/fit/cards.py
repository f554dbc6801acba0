"""Trained networks on disk: the ``.keras`` file, its card, and the plot of its history."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from digitocr import __version__, atomic
from digitocr.networks.card import ModelCard
from digitocr.training.datasets.digits import Dataset
from digitocr.training.extras.figures import curves
from digitocr.training.fit.architectures import architecture
from digitocr.training.fit.recipe import Fitted

THRESHOLD = 0.95
"""Recommended threshold of a network that was not calibrated."""


def write_card(model: Path, card: Mapping[str, Any]) -> None:
    """Write the card beside a model file.

    Parameters
    ----------
    model : Path
    card : mapping of str to object
    """
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    atomic.write(model.with_suffix(".json"), text.encode())


def write_network(path: Path, network: bytes, facts: Mapping[str, Any]) -> None:
    """Write a network of ONNX with its card.

    Parameters
    ----------
    path : Path
        The ``.onnx`` file.
    network : bytes
    facts : mapping of str to object
        For the card, beside its name, checksum, licence and version.
    """
    atomic.write(path, network)
    known = {"name": path.stem, "sha256": hashlib.sha256(network).hexdigest()}
    write_card(path, {**known, **facts, "licence": "Apache-2.0", "version": __version__})


def credited(folder: Path, credits: Mapping[str, str]) -> dict[str, str]:
    """Return credit and checksum of each archive that was learned from, as they are written into a card.

    Parameters
    ----------
    folder : Path
        Of the archives.
    credits : mapping of str to str
        By their names; those that are missing were not learned from.

    Returns
    -------
    dict of str to str
    """
    present = [name for name in credits if (folder / name).is_file()]
    return {
        name: f"{credits[name]}; sha256 {hashlib.sha256((folder / name).read_bytes()).hexdigest()}"
        for name in present
    }


def fitted_parts(card: ModelCard) -> dict[str, Any]:
    """Return what calibration put into a card, as it is written.

    Parameters
    ----------
    card : ModelCard

    Returns
    -------
    dict
    """
    return {
        "number_confidence": dict(card.number_confidence),
        "geometry": card.geometry,
        "line_weights": card.line_weights,
        "text_weights": card.text_weights,
        "cell_confidence": dict(card.cell_confidence),
        "cell_weights": card.cell_weights,
        **({"second": asdict(card.second)} if card.second else {}),
    }


def write_model(
    fitted: Fitted, data: Dataset, output: Path, command: str, metrics: Mapping[str, Any]
) -> list[Path]:
    """Write a network, its card and the plot of its curves side by side.

    Parameters
    ----------
    fitted : Fitted
    data : Dataset
        What the network learned from.
    output : Path
        Ends in ``.keras``.
    command : str
        The command that trains the same again.
    metrics : mapping
        For the card.

    Returns
    -------
    list of Path
        The files written.
    """
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "network.keras"
        fitted.network.save(saved)
        weights = saved.read_bytes()
    recipe = fitted.recipe
    card = {
        "name": output.stem,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "classes": list(recipe.classes),
        "input": "(N, 28, 28, 1) float32 in [0, 1], ink bright on black, MNIST format (digitocr.recognition.normalize)",
        "scaling": recipe.scaling,
        "output": architecture(recipe.architecture).output,
        "threshold": THRESHOLD,
        "licence": "Apache-2.0",
        "version": __version__,
        "command": command,
        "seconds": round(fitted.seconds),
        "core_seconds": round(fitted.core_seconds),
        "architecture": recipe.architecture,
        "parameters": fitted.network.count_params(),
        "recipe": asdict(recipe),
        "data": {data.name: f"sha256 of pixels and labels {data.sha256}"},
        "metrics": dict(metrics),
        "history": {key: [round(v, 5) for v in values] for key, values in fitted.history.items()},
    }
    picture, text = output.with_suffix(".curves.png"), output.with_suffix(".json")
    atomic.write(output, weights)
    write_card(output, card)
    atomic.write(picture, curves(fitted.history, output.stem))
    return [output, text, picture]
