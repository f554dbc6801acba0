"""How likely the whole text of a number is right: named features, and the logistic model over them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

CONSTANT = "constant"
"""Name of the constant among the weights of the model."""

MIN_CLUTTER = 0.01
"""Less clutter than this, as a share of the ink, counts as this much, so that its logarithm stays finite."""

MIN_LINE_HEIGHT_PX, USUAL_LINE_HEIGHT_PX = 4.0, 28.0
"""Heights of a line in sheet pixels: the least that is told apart, and the one at which the feature is 0."""

Weights = Mapping[str, float]
"""Weight of each of `NAMES`, and of `CONSTANT`."""


@dataclass(frozen=True, slots=True)
class ConfidenceFeatures:
    """What the confidence of a number is computed from; each lies about in [-10, 10].

    Attributes
    ----------
    logit_posterior : float
        Log odds of this cutting and these digits among all.
    logit_worst_digit : float
        Log odds that the digit network gives to the digit it is least sure of.
    logit_line_posterior : float
        Log odds of the path of the whole line among all.
    logit_line_likelihood : float
        Log odds of the product of the network's probabilities along the whole line: how well the path explains it.
    logit_ctc_path, logit_line_ctc_path : float
        Log odds that the line reader gives to the same digits at the same places: of the number, and of the line.
    logit_text : float
        Log odds of the line's text among those that were weighed.
    logit_ctc_text : float
        Log odds that the line reader gives to the line's text among all texts.
    smallest_margin : float
        Smallest difference of log probability between a digit and its runner-up.
    log_digits : float
        Logarithm of the number of digits.
    log_line_height : float
        Logarithm of the line's height over the usual one: small ink is read less surely.
    log_clutter : float
        Logarithm of what is dark around the line's ink, as a share of that ink.
    unevenness : float
        Standard deviation of the darkness of the line's ink over its mean.
    """

    logit_posterior: float
    logit_worst_digit: float
    logit_line_posterior: float
    logit_line_likelihood: float
    logit_ctc_path: float
    logit_line_ctc_path: float
    logit_text: float
    logit_ctc_text: float
    smallest_margin: float
    log_digits: float
    log_line_height: float
    log_clutter: float
    unevenness: float


NAMES = tuple(field.name for field in fields(ConfidenceFeatures))
"""The features in the order in which earlier cards list their weights."""


def logit(log_probability: float) -> float:
    """Turn the logarithm of a probability into log odds, clipped to [-8, 10].

    Parameters
    ----------
    log_probability : float
        In (-inf, 0].

    Returns
    -------
    float
    """
    p = math.exp(min(log_probability, -1e-9))
    return max(-8.0, min(10.0, math.log(max(p, 1e-9) / (1 - p))))


def log_line_height(height: float) -> float:
    """Return the feature of a line's height.

    Parameters
    ----------
    height : float
        In sheet pixels.

    Returns
    -------
    float
    """
    return math.log(max(height, MIN_LINE_HEIGHT_PX) / USUAL_LINE_HEIGHT_PX)


def number_confidence(log_posterior: float, features: ConfidenceFeatures, weights: Weights) -> float:
    """Return the calibrated probability that the whole text of a number is right, its length included.

    Parameters
    ----------
    log_posterior : float
        Logarithm of the probability of this cutting and these digits among all, in (-inf, 0].
    features : ConfidenceFeatures
    weights : mapping of str to float
        Of the logistic model; without any, the posterior stands as it is.

    Returns
    -------
    float
        In [0, 1].
    """
    if not weights:
        return math.exp(log_posterior)
    values = zip(NAMES, astuple(features), strict=True)
    log_odds = weights[CONSTANT] + sum(weights[name] * value for name, value in values)
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))


def named(weights: Sequence[float]) -> Weights:
    """Name the weights of a fitted model.

    Parameters
    ----------
    weights : sequence of float
        In the order of `NAMES`, the constant last; empty without a model.

    Returns
    -------
    mapping of str to float
    """
    return dict(zip((*NAMES, CONSTANT), weights, strict=True)) if weights else {}
