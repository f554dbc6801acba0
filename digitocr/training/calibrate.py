"""What the card adds to a network: the weight of size and place, and when a whole number can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitocr import decode, lattice
from digitocr.judge import Evidence
from digitocr.pipeline import evidence
from digitocr.records import ModelCard
from digitocr.spans import NOTHING, SEVERAL
from digitocr.training.corpus import DrawnLine
from digitocr.training.labelling import UNSURE

SHRINKAGE = 1e-4
"""How much the weights of cells are drawn to zero."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A decoded number with whether it is right to the digit, its length included."""

    evidence: Evidence
    right: bool


def fit_weights(labels: Sequence[NDArray[np.int8]], scored: Sequence[lattice.Scored]) -> NDArray[np.float64]:
    """Fit the linear map of :func:`digitocr.decode.with_features` by multinomial logistic regression.

    Parameters
    ----------
    labels : sequence of (N,) int8 ndarray
        What each candidate of held-out lines is.
    scored : sequence of Scored
        These lines with all their candidates.

    Returns
    -------
    (12 + F + 1, 12) float64 ndarray
    """
    from sklearn.linear_model import LogisticRegression

    inputs = np.vstack([np.hstack([np.maximum(one.logs, -20.0), lattice.features(one)]) for one in scored])
    truth = np.concatenate(labels)
    known = truth != UNSURE
    model = LogisticRegression(C=10.0, max_iter=400, tol=1e-4)
    scale = np.maximum(inputs[known].std(axis=0), 1e-3)
    model.fit(inputs[known] / scale, truth[known])
    weights = np.zeros((inputs.shape[1] + 1, decode.CUT + 1))
    weights[-1] = -30.0
    weights[:-1, model.classes_] = (model.coef_ / scale).T
    weights[-1, model.classes_] = model.intercept_
    return weights


def fit_cell_weights(
    labels: Sequence[NDArray[np.int8]], scored: Sequence[lattice.Scored]
) -> NDArray[np.float64]:
    """Fit the linear map for candidates in cells; as :func:`fit_weights`, but all digits are weighed alike.

    The score of a digit, a sign or a cut is made of what the two networks say of just that, and a cut's of its share
    of the cell's ink. So a few thousand cells are enough, whoever wrote them.

    Parameters
    ----------
    labels : sequence of (N,) int8 ndarray
        What each candidate of held-out fields is.
    scored : sequence of Scored
        These fields with all their candidates.

    Returns
    -------
    (12 + F + 1, 12) float64 ndarray
    """
    from scipy.optimize import minimize

    inputs = np.vstack(
        [
            np.hstack([np.maximum(one.logs, -20.0), lattice.cell_features(one), np.ones((len(one.logs), 1))])
            for one in scored
        ]
    )
    truth = np.concatenate(labels)
    inputs, truth = inputs[truth != UNSURE], truth[truth != UNSURE].astype(np.int64)
    tied = _tied(inputs.shape[1])
    wanted = np.eye(decode.CUT + 1)[truth]

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = inputs @ (tied @ parameters).reshape(inputs.shape[1], -1)
        scores -= scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        slope = inputs.T @ (np.exp(logs) - wanted) / len(truth)
        penalty = SHRINKAGE * parameters
        return float(
            -(wanted * logs).sum() / len(truth) + penalty @ parameters
        ), tied.T @ slope.ravel() + 2 * penalty

    start = np.full(tied.shape[1], 0.1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    return np.asarray((tied @ found.x).reshape(inputs.shape[1], -1))


def _tied(rows: int) -> NDArray[np.float64]:
    """Say which weights are one and the same parameter; those of none are zero.

    Returns
    -------
    (rows * 12, P) float64 ndarray
    """
    classes = decode.CUT + 1
    heard = classes + decode.FEATURES
    columns: list[list[tuple[int, int]]] = [
        [(digit, digit) for digit in range(10)],
        [(heard + digit, digit) for digit in range(10)],
    ]
    share, constant = rows - 2, rows - 1
    columns += [[(row, decode.SIGN)] for row in (decode.SIGN, heard + NOTHING, constant)]
    columns += [[(row, decode.CUT)] for row in (decode.CUT, heard + SEVERAL, share, constant)]
    tied = np.zeros((rows, classes, len(columns)))
    for k, places in enumerate(columns):
        for row, column in places:
            tied[row, column, k] = 1
    return tied.reshape(rows * classes, -1)


def judged(lines: Sequence[DrawnLine], scored: Sequence[lattice.Scored], card: ModelCard) -> list[Judged]:
    """Decode drawn lines and say of each number whether it is right.

    Parameters
    ----------
    lines : sequence of DrawnLine
    scored : sequence of Scored
        The same lines with what the network says of their candidates.
    card : ModelCard
        With the weights of size and place.

    Returns
    -------
    list of Judged
        A number is right if it is the drawing's whole text, or a part of it where all parts together are.
    """
    found: dict[int, tuple[str, list[decode.Reading]]] = {}
    for drawn, line in zip(lines, scored, strict=True):
        if drawn.text is not None:
            found.setdefault(drawn.drawing, (drawn.text, []))[1].extend(lattice.decoded(line, card))
    out = []
    for text, readings in found.values():
        texts = ["".join(str(s.value) for s in reading.segments) for reading in readings]
        whole = "".join(texts) == text
        out += [Judged(evidence(r), whole or read == text) for r, read in zip(readings, texts, strict=True)]
    return out


def fit_number_confidence(numbers: Sequence[Judged]) -> tuple[float, ...]:
    """Fit the logistic model of :func:`digitocr.judge.confidence`; coefficients, the constant last."""
    from sklearn.linear_model import LogisticRegression

    inputs = np.array([n.evidence.features() for n in numbers])
    right = np.array([n.right for n in numbers])
    scale = np.maximum(inputs.std(axis=0), 1e-3)
    model = LogisticRegression(C=1.0, max_iter=500).fit(inputs / scale, right)
    return (*(model.coef_[0] / scale).tolist(), float(model.intercept_[0]))
