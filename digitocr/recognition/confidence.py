"""The probability that the whole text of a number is right: named features, and a logistic model over them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

from digitocr.recognition.parameters import Confidence

CONSTANT = "constant"
"""Name of the constant among the weights of the model."""

Weights = Mapping[str, float]
"""Weight of each of `NAMES`, and of `CONSTANT`."""


@dataclass(frozen=True, slots=True)
class ConfidenceFeatures:
    """What the confidence of a number is computed from; each feature lies in about [-10, 10].

    Attributes
    ----------
    logit_posterior : float
        Log odds of these cuts and digits among all.
    logit_worst_digit : float
        Log odds that the digit network gives the digit it is least sure of.
    logit_line_posterior : float
        Log odds of the path of the whole line among all paths.
    logit_line_likelihood : float
        Log odds of the product of the digit network's probabilities along the line: how well the path explains it.
    logit_ctc_path, logit_line_ctc_path : float
        Log odds that the line reader gives the same digits at the same places, in the number and in the line.
    logit_text : float
        Log odds of the line's text among the hypotheses.
    logit_ctc_text : float
        Log odds that the line reader gives the line's text among all texts.
    smallest_margin : float
        Smallest difference of log probability between a digit and its runner-up.
    log_digits : float
        Logarithm of the number of digits.
    log_line_height : float
        Logarithm of the line's height over the usual one: small ink is read less reliably.
    log_clutter : float
        Logarithm of the darkness around the line's ink, as a share of that ink.
    unevenness : float
        Standard deviation of the darkness of the line's ink over its mean.
    logit_heads : float
        Log odds that the second reader's heads give the line's text among all texts, the mean of both; 0 where it did
        not read.
    agreement : float
        The share of three texts, the likeliest without the second reader and by either of its heads, that are the
        text; 0 where it did not read.
    logit_seen : float
        Log odds of the page network that the place shows digits; 0 where it did not look.
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
    logit_heads: float = 0.0
    agreement: float = 0.0
    logit_seen: float = 0.0


NAMES = tuple(field.name for field in fields(ConfidenceFeatures))
"""The features; cards of the first release list the weights of the first of them in this order."""


SECOND_NAMES = ("logit_text", "logit_heads", "agreement", "log_digits")
"""Those for what the second reader has read: no more than these mean the same on drawings and on real paper."""

PAGE_NAMES = (*SECOND_NAMES, "logit_line_likelihood", "logit_seen")
"""Those for what is read on pages, where a place may be none of a number."""


def logit(log_probability: float, p: Confidence) -> float:
    """Turn the logarithm of a probability into log odds, clipped to the bounds of `p`.

    Parameters
    ----------
    log_probability : float
        In (-inf, 0].
    p : Confidence

    Returns
    -------
    float
    """
    probability = math.exp(min(log_probability, -1e-9))
    return max(p.min_logit, min(p.max_logit, math.log(max(probability, 1e-9) / (1 - probability))))


def log_line_height(height: float, p: Confidence) -> float:
    """Return the feature of a line's height.

    Parameters
    ----------
    height : float
        In sheet pixels.
    p : Confidence

    Returns
    -------
    float
    """
    return math.log(max(height, p.min_line_height_px) / p.usual_line_height_px)


def number_confidence(log_posterior: float, features: ConfidenceFeatures, weights: Weights) -> float:
    """Return the calibrated probability that the whole text of a number is right, its length included.

    Parameters
    ----------
    log_posterior : float
        Logarithm of the probability of these cuts and digits among all, in (-inf, 0].
    features : ConfidenceFeatures
    weights : mapping of str to float
        Of the logistic model; without any, the confidence is the posterior itself.

    Returns
    -------
    float
        In [0, 1].
    """
    if not weights:
        return math.exp(log_posterior)
    values = zip(NAMES, astuple(features), strict=True)
    log_odds = weights[CONSTANT] + sum(weights.get(name, 0.0) * value for name, value in values)
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
