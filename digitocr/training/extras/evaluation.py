"""The command `evaluate`: a model measured on labelled digits, in words, in JSON and in pictures."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr import atomic
from digitocr.networks.classifier import Classifier
from digitocr.training.calibrate import scoring
from digitocr.training.datasets.digits import Digits, load_dataset, with_turned_copies
from digitocr.training.extras import figures
from digitocr.training.extras.models import load_keras, measured
from digitocr.training.extras.optional import require
from digitocr.training.extras.output import say

TURNED_SEED = 20
"""Seed of the turned test digits, so that every model is measured on the same ones."""


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's scores on labelled digits.

    Attributes
    ----------
    model : str
    digits : Digits
    logs : (N, 10) float32 ndarray
        Log probabilities of the ten digits.
    """

    model: str
    digits: Digits
    logs: NDArray[np.float32]

    @property
    def accuracy(self) -> scoring.Share:
        """Share read right."""
        return scoring.accuracy(self.logs, self.digits.labels)

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats."""
        return scoring.loss(self.logs, self.digits.labels)

    @property
    def bins(self) -> tuple[scoring.Bin, ...]:
        """Confidence and accuracy, bin by bin."""
        return scoring.reliability(self.logs, self.digits.labels)


def evaluate(classifier: Classifier, digits: Digits) -> Evaluation:
    """Measure a model on labelled digits.

    Parameters
    ----------
    classifier : Classifier
    digits : Digits

    Returns
    -------
    Evaluation
    """
    return Evaluation(classifier.card.name, digits, scoring.digit_logs(classifier, digits.images))


def turned_test(digits: Digits, turns: Sequence[float]) -> Digits:
    """Return the digits with their turned copies, or the digits as they are where no turns are named.

    Parameters
    ----------
    digits : Digits
    turns : sequence of float
        Degrees, counter-clockwise.

    Returns
    -------
    Digits
    """
    return with_turned_copies(digits, turns, TURNED_SEED)[0] if turns else digits


def report(result: Evaluation) -> str:
    """Format precision, recall, F1 and support of each digit as scikit-learn does.

    Parameters
    ----------
    result : Evaluation

    Returns
    -------
    str
    """
    return str(_classification(result, as_dict=False))


def as_dict(result: Evaluation) -> dict[str, Any]:
    """Return all figures as plain values.

    Parameters
    ----------
    result : Evaluation

    Returns
    -------
    dict
    """
    share, bins = result.accuracy, result.bins
    return {
        "model": result.model,
        "digits": share.count,
        "loss": round(result.loss, 6),
        "accuracy": round(share.value, 6),
        "accuracy_interval": [round(v, 6) for v in share.interval],
        "calibration_error": round(scoring.calibration_error(bins), 6),
        "per_digit": {
            digit: {key: round(float(value), 6) for key, value in row.items()}
            for digit, row in _classification(result, as_dict=True).items()
            if digit in tuple("0123456789")
        },
        "confusion": scoring.confusion(result.logs, result.digits).tolist(),
    }


def write_pictures(result: Evaluation, folder: Path) -> list[Path]:
    """Draw the confusion matrix, the worst mistakes and the reliability diagram.

    Parameters
    ----------
    result : Evaluation
    folder : Path

    Returns
    -------
    list of Path
        The PNG files.
    """
    bins = result.bins
    name = f"{result.model}, {len(result.digits):,} digits"
    pictures = {
        "confusion.png": figures.confusion_matrix(scoring.confusion(result.logs, result.digits), name),
        "mistakes.png": figures.worst_mistakes(
            result.digits.images, result.digits.labels, result.logs, result.model
        ),
        "reliability.png": figures.reliability_diagram(bins, scoring.calibration_error(bins), name),
    }
    for file, content in pictures.items():
        atomic.write(folder / file, content, durable=False)
    return [folder / file for file in pictures]


def command(model: Path, source: str, turns: Sequence[float], folder: Path, *, as_json: bool) -> int:
    """Measure a model, print the figures and draw its pictures: what ``digitocr evaluate`` does.

    Parameters
    ----------
    model : Path
    source : str
        Labelled digits, see :func:`digitocr.training.datasets.digits.load_dataset`.
    turns : sequence of float
        Degrees, counter-clockwise; each digit gets a copy turned by one of these.
    folder : Path
        For the pictures.
    as_json : bool
        Print one JSON object instead of tables.

    Returns
    -------
    int
        Exit status.
    """
    require("matplotlib", "sklearn")
    classifier = load_keras(model)
    data = load_dataset(source, log.info)
    digits, words = measured(data, [model])
    result = evaluate(classifier, turned_test(digits, turns))
    written = write_pictures(result, folder)
    if as_json:
        say(json.dumps(as_dict(result) | {"data": data.name, "rotations": list(turns)}))
    else:
        say(f"{result.model} on {source}: {words}{', with turned copies' if turns else ''}")
        say(f"loss {result.loss:.4f}")
        say(f"accuracy {result.accuracy}")
        say(f"calibration error {100 * scoring.calibration_error(result.bins):.2f} points\n")
        say(report(result))
    for path in written:
        log.info("written: %s", path.as_posix())
    return 0


def _classification(result: Evaluation, *, as_dict: bool) -> Any:  # noqa: ANN401 (scikit-learn has no types)
    from sklearn.metrics import classification_report

    return classification_report(
        result.digits.labels, result.logs.argmax(axis=1),
        labels=list(range(10)), target_names=list("0123456789"),
        digits=4, zero_division=0.0, output_dict=as_dict,
    )  # fmt: skip
