"""Logistic regression with a lapse rate: some of the truths are wrong, however sure the reading is.

A share of drawings, and of labelled crops, is not what its truth says: a 9 that anybody would read as a 4, a specimen
under a wrong label. Without a lapse rate these surest of errors hold down the confidence of all that is read well [1]_.

References
----------
.. [1] F. Wichmann, N. Hill, "The psychometric function: I. Fitting, sampling, and goodness of fit", Perception &
   Psychophysics 63, 2001.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitocr.recognition.confidence import CONSTANT, Weights

SHRINKAGE = 0.5
"""Weight of the squared weights, of inputs of unit deviation, beside the negative log likelihood."""

FEWEST_LAPSES = 1e-6
"""Least lapse rate, where the truth knows no error."""


@dataclass(frozen=True, slots=True)
class LapsingLogistic:
    """A fitted model.

    Attributes
    ----------
    weights : (F,) float64 ndarray
    constant : float
    lapse_rate : float
        Share of wrong truths, in [0, 1).
    """

    weights: NDArray[np.float64]
    constant: float
    lapse_rate: float

    def probabilities(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how likely each is right, if its truth is.

        Parameters
        ----------
        inputs : (N, F) float64 ndarray

        Returns
        -------
        (N,) float64 ndarray
            In (0, 1).
        """
        return _sigmoid(inputs @ self.weights + self.constant)

    def named(self, names: Sequence[str]) -> Weights:
        """Return the weights by the names of the inputs, as a card holds them.

        Parameters
        ----------
        names : sequence of str

        Returns
        -------
        mapping of str to float
            Six decimals, `CONSTANT` among them.
        """
        values = (round(float(value), 6) for value in (*self.weights, self.constant))
        return dict(zip((*names, CONSTANT), values, strict=True))


def fit(inputs: NDArray[np.float64], right: NDArray[np.bool_]) -> LapsingLogistic:
    """Fit the model by maximum likelihood.

    Parameters
    ----------
    inputs : (N, F) float64 ndarray
    right : (N,) bool ndarray
        Whether each was right, by its truth.

    Returns
    -------
    LapsingLogistic
    """
    from scipy.optimize import minimize

    middle, scale = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-3)
    scaled = np.hstack([(inputs - middle) / scale, np.ones((len(inputs), 1))])

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        sure, kept = _sigmoid(scaled @ parameters[:-1]), 1 - _sigmoid(parameters[-1:])[0]
        agreed = np.clip(kept * sure, 1e-9, 1 - 1e-9)
        by_agreed = np.where(right, 1 / agreed, -1 / (1 - agreed))
        slope = np.append(
            scaled.T @ (by_agreed * kept * sure * (1 - sure)), -kept * (1 - kept) * (by_agreed @ sure)
        )
        shrunk = np.append(parameters[:-2], (0.0, 0.0))
        likelihood = np.where(right, np.log(agreed), np.log(1 - agreed)).sum()
        return float(SHRINKAGE * shrunk @ shrunk - likelihood), 2 * SHRINKAGE * shrunk - slope

    start = np.append(np.zeros(inputs.shape[1]), (2.0, -5.0))
    least = float(np.log(FEWEST_LAPSES))
    bounds = [(None, None)] * (len(start) - 1) + [(least, 0.0)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = found[:-2] / scale
    return LapsingLogistic(weights, float(found[-2] - weights @ middle), float(_sigmoid(found[-1:])[0]))


def least_confidence(sure: NDArray[np.float64], target: float) -> float:
    """Find the least confidence of those that are accepted.

    Parameters
    ----------
    sure : (N,) float64 ndarray
        Calibrated confidences.
    target : float
        Wanted error rate among the accepted, in (0, 1).

    Returns
    -------
    float
        0.5 to 0.999, with four decimals, rounded up.
    """
    order = np.sort(sure)[::-1]
    is_last = np.append(order[:-1] > order[1:], True)  # of equal ones all are accepted, or none
    good = np.flatnonzero(is_last & (np.cumsum(1 - order) <= target * np.arange(1, len(order) + 1)))
    least = float(np.clip(order[good[-1]] if len(good) else 1.0, 0.5, 0.999))
    return math.ceil(round(least * 1e4, 6)) / 1e4


def _sigmoid(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(value, -30, 30)))
