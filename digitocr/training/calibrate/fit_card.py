"""Calibration of a model card: weights of geometry and of the line reader, and the confidence of a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from digitocr.networks.card import ModelCard
from digitocr.networks.classifier import CUT, SIGN, Classifier
from digitocr.networks.line_reader import LineReader
from digitocr.recognition import choice, decode, nbest, scoring
from digitocr.recognition.confidence import CONSTANT, NAMES, number_confidence
from digitocr.recognition.confidence import Weights as ConfidenceWeights
from digitocr.recognition.ctc import NOTHING, SEVERAL
from digitocr.recognition.judge import are_near
from digitocr.recognition.normalize import to_batch
from digitocr.recognition.numbers import DecodedNumber
from digitocr.recognition.parameters import Recognition
from digitocr.training.calibrate.acceptance import Outcome
from digitocr.training.datasets.corpus import DrawnLine
from digitocr.training.datasets.fields import DrawnField, labelled_field
from digitocr.training.datasets.labelling import UNSURE, LabelledLine

SHRINKAGE = 1e-4
"""L2 penalty on the weights of cells."""

Weights = tuple[tuple[float, ...], ...]
"""Rows of a linear map."""

TARGET = 0.01
"""Wanted error rate among the accepted."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A decoded number.

    Attributes
    ----------
    decoded : DecodedNumber
    right : bool
        To the digit, its length included.
    drawing : int
        Its drawing; a drawing read as several numbers is right if together they are.
    near : bool
        Whether it goes to review whatever its confidence, because it may be part of a number beside it.
    """

    decoded: DecodedNumber
    right: bool
    drawing: int
    near: bool = False


def _asking(classifier: Classifier) -> scoring.LogProbabilities:
    """Return a function from pictures to log probabilities."""
    return lambda images: classifier.log_probabilities(to_batch(images))


def calibrated(
    classifier: Classifier,
    line_reader: LineReader | None,
    card: ModelCard,
    lines: Sequence[DrawnLine],
) -> tuple[ModelCard, list[Judged]]:
    """Fit the card on held-out drawings: weights on one half, number confidence on the other.

    Parameters
    ----------
    classifier : Classifier
    line_reader : LineReader or None
    card : ModelCard
    lines : sequence of DrawnLine

    Returns
    -------
    card : ModelCard
    numbers : list of Judged
        Those of the second half.
    """
    logs = _asking(classifier)
    half = len(lines) // 2
    first, second = lines[:half], lines[half:]
    items = [drawn.item for drawn in first]
    labels = [item.labels for item in items]
    frames = line_reader.frames if line_reader else None
    alone = scoring.score_all([item.line for item in items], logs, None, Recognition())
    card = replace(card, geometry=fit_weights(labels, alone), line_weights=(), text_weights=())
    if frames:
        together = scoring.with_spans(alone, frames, Recognition())
        card = replace(card, line_weights=fit_weights(labels, together))
        open_ = scoring.score_candidates([item.line for item in items], logs, frames, Recognition())
        card = replace(card, text_weights=fit_text_weights(items, open_, card))
    held_out = scoring.score_candidates([drawn.item.line for drawn in second], logs, frames, Recognition())
    numbers = judged(second, held_out, card)
    coefficients = fit_number_confidence(numbers)
    return replace(
        card, threshold=threshold_for(numbers, coefficients), number_confidence=coefficients
    ), numbers


def calibrated_in_cells(
    card: ModelCard, classifier: Classifier, line_reader: LineReader, fields: Sequence[DrawnField]
) -> tuple[ModelCard, list[Judged]]:
    """Fit what the card holds for cells: weights on one half of the fields, confidence on the other.

    Parameters
    ----------
    card : ModelCard
    classifier : Classifier
    line_reader : LineReader
    fields : sequence of DrawnField

    Returns
    -------
    card : ModelCard
    numbers : list of Judged
        Those of the second half.
    """
    logs = _asking(classifier)
    half = len(fields) // 2
    first, second = fields[:half], fields[half:]
    scored = scoring.score_all([field.line for field in first], logs, line_reader.frames, Recognition())
    card = replace(
        card, cell_weights=fit_cell_weights([labelled_field(field).labels for field in first], scored)
    )
    numbers = []
    scored = scoring.score_candidates(
        [field.line for field in second], logs, line_reader.frames, Recognition()
    )
    for k, (field, one) in enumerate(zip(second, scored, strict=True)):
        (reading,) = _decoded(one, card)
        text = "".join(str(s.value) for s in reading.segments)
        if text:
            numbers.append(Judged(reading, text == field.entry.text, k))
    return replace(card, cell_confidence=fit_number_confidence(numbers)), numbers


def threshold_for(
    numbers: Sequence[Judged], coefficients: ConfidenceWeights, target: float = TARGET
) -> float:
    """Find the confidence from which on a share `target` of the drawings may be expected to be wrong.

    The error rate is fitted as a smooth function of the confidence: raw counts of the few errors among the most
    confident numbers would leave the threshold to chance.

    Parameters
    ----------
    numbers : sequence of Judged
    coefficients : mapping of str to float
        Weights of the confidence, by the names of its features.
    target : float
        Wanted error rate among the accepted, in (0, 1).

    Returns
    -------
    float
        0.5 to 0.999.
    """
    from sklearn.linear_model import LogisticRegression

    found = sorted(of_drawings(numbers, coefficients), key=lambda one: -one.confidence)
    right = np.array([one.right for one in found])
    if right.all() or not right.any():
        return 0.5 if right.all() else 0.999
    sure = np.clip([one.confidence for one in found], 1e-3, 1 - 1e-3)
    logit = np.log(sure / (1 - sure))
    curve = np.stack([logit, logit**2], axis=1)
    wrong = LogisticRegression(C=1e3).fit(curve, right).predict_proba(curve)[:, 0]
    good = np.flatnonzero(np.cumsum(wrong) <= target * np.arange(1, len(wrong) + 1))
    return round(float(np.clip(sure[good[-1]] if len(good) else 1.0, 0.5, 0.999)), 4)


def of_drawings(numbers: Sequence[Judged], coefficients: ConfidenceWeights) -> list[Outcome]:
    """Combine the numbers of each drawing: its lowest confidence, and whether all of them are right.

    A drawing of which one number goes to review misleads nobody.

    Parameters
    ----------
    numbers : sequence of Judged
    coefficients : mapping of str to float
        Weights of the confidence, by the names of its features.

    Returns
    -------
    list of Outcome
    """
    found: dict[int, Outcome] = {}
    for one in numbers:
        now = Outcome(
            0.0
            if one.near
            else number_confidence(one.decoded.log_posterior, one.decoded.features, coefficients),
            one.right,
        )
        before = found.get(one.drawing, now)
        found[one.drawing] = Outcome(min(now.confidence, before.confidence), now.right and before.right)
    return list(found.values())


def fit_text_weights(
    lines: Sequence[LabelledLine], scored: Sequence[scoring.ScoredLine], card: ModelCard
) -> tuple[float, ...]:
    """Fit the conditional logistic model of :func:`digitocr.recognition.nbest.likeliest` on lines that hold digits.

    Parameters
    ----------
    lines : sequence of LabelledLine
        Held-out lines.
    scored : sequence of ScoredLine
        The same lines; with the line reader's scores where the digits alone are not certain.
    card : ModelCard
        With the weights of candidates.

    Returns
    -------
    tuple of float
    """
    p = Recognition()
    cases = []
    for item, one in zip(lines, scored, strict=True):
        if not item.written or not len(one.frames):
            continue
        truth = "".join(str(digit.value) for digit in item.written)
        scores = scoring.combine(one, card, p)
        found = nbest.hypotheses(one.line, scores, one.spans, one.frames, p.nbest)
        texts = [hypothesis.text for hypothesis in found]
        if truth in texts:
            cases.append((np.array([one.features(p.nbest) for one in found]), texts.index(truth)))
    return text_weights_of(cases, [0.5, 0.0])


def text_weights_of(
    cases: Sequence[tuple[NDArray[np.float64], int]], start: Sequence[float]
) -> tuple[float, ...]:
    """Fit a conditional logistic model.

    Parameters
    ----------
    cases : sequence of ((H, F) float64 ndarray, int)
        The features of the hypotheses for each line, and which of them is right.
    start : sequence of float
        Weights to start from.

    Returns
    -------
    tuple of float
    """
    from scipy.optimize import minimize

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, slope = float(weights @ weights) * 1e-3, weights * 2e-3
        for features, right in cases:
            logits = features @ weights
            logits -= np.logaddexp.reduce(logits)
            total -= logits[right] / len(cases)
            slope = slope - (features[right] - np.exp(logits) @ features) / len(cases)
        return total, slope

    found = minimize(loss, np.array(start), jac=True, method="BFGS")
    return tuple(round(float(weight), 4) for weight in found.x)


def fit_weights(labels: Sequence[NDArray[np.int8]], scored: Sequence[scoring.ScoredLine]) -> Weights:
    """Fit the linear map of :func:`digitocr.recognition.decode.with_features` by multinomial logistic regression.

    Parameters
    ----------
    labels : sequence of (N,) int8 ndarray
        What each candidate of held-out lines is.
    scored : sequence of ScoredLine
        These lines with all their candidates.

    Returns
    -------
    (12 + F + 1, 12) tuple of tuple of float
    """
    from sklearn.linear_model import LogisticRegression

    inputs = np.vstack(
        [
            np.hstack([np.maximum(one.logs, -20.0), scoring.features(one, Recognition().candidate_geometry)])
            for one in scored
        ]
    )
    truth = np.concatenate(labels)
    known = truth != UNSURE
    model = LogisticRegression(C=10.0, max_iter=400, tol=1e-4)
    scale = np.maximum(inputs[known].std(axis=0), 1e-3)
    model.fit(inputs[known] / scale, truth[known])
    weights = np.zeros((inputs.shape[1] + 1, CUT + 1))
    weights[-1] = -30.0
    weights[:-1, model.classes_] = (model.coef_ / scale).T
    weights[-1, model.classes_] = model.intercept_
    return _rows(weights)


def fit_cell_weights(labels: Sequence[NDArray[np.int8]], scored: Sequence[scoring.ScoredLine]) -> Weights:
    """Fit the linear map for candidates in cells; as :func:`fit_weights`, but all digits are weighed alike.

    The score of a digit, a sign or a cut depends only on the two networks' scores of that class, a cut's also on its
    share of the cell's ink. So a few thousand cells suffice.

    Parameters
    ----------
    labels : sequence of (N,) int8 ndarray
        What each candidate of held-out fields is.
    scored : sequence of ScoredLine
        These fields with all their candidates.

    Returns
    -------
    (12 + F + 1, 12) tuple of tuple of float
    """
    from scipy.optimize import minimize

    p = Recognition().candidate_geometry
    inputs = np.vstack(
        [
            np.hstack(
                [np.maximum(one.logs, -20.0), scoring.cell_features(one, p), np.ones((len(one.logs), 1))]
            )
            for one in scored
        ]
    )
    truth = np.concatenate(labels)
    inputs, truth = inputs[truth != UNSURE], truth[truth != UNSURE].astype(np.int64)
    tied = _tied(inputs.shape[1])
    wanted = np.eye(CUT + 1)[truth]

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
    return _rows((tied @ found.x).reshape(inputs.shape[1], -1))


def _rows(weights: NDArray[np.float64]) -> Weights:
    return tuple(tuple(row) for row in weights.round(5).tolist())


def _tied(rows: int) -> NDArray[np.float64]:
    """Map parameters to the weights that share them; weights of no parameter are zero.

    Returns
    -------
    (rows * 12, P) float64 ndarray
    """
    classes = CUT + 1
    ctc = classes + decode.FEATURES
    columns: list[list[tuple[int, int]]] = [
        [(digit, digit) for digit in range(10)],
        [(ctc + digit, digit) for digit in range(10)],
    ]
    share, constant = rows - 2, rows - 1
    columns += [[(row, SIGN)] for row in (SIGN, ctc + NOTHING, constant)]
    columns += [[(row, CUT)] for row in (CUT, ctc + SEVERAL, share, constant)]
    tied = np.zeros((rows, classes, len(columns)))
    for k, places in enumerate(columns):
        for row, column in places:
            tied[row, column, k] = 1
    return tied.reshape(rows * classes, -1)


def judged(lines: Sequence[DrawnLine], scored: Sequence[scoring.ScoredLine], card: ModelCard) -> list[Judged]:
    """Decode drawn lines and check each number.

    Parameters
    ----------
    lines : sequence of DrawnLine
    scored : sequence of ScoredLine
        The same lines with the networks' scores of their candidates.
    card : ModelCard
        With the weights of size and place.

    Returns
    -------
    list of Judged
        One of several on a drawing is right if together they have the right number of digits, and its own are the
        digits at its place.
    """
    found: dict[int, tuple[str, list[DecodedNumber]]] = {}
    for drawn, line in zip(lines, scored, strict=True):
        if drawn.text is not None:
            found.setdefault(drawn.drawing, (drawn.text, []))[1].extend(_decoded(line, card))
    out = []
    for drawing, (text, readings) in found.items():
        ends = list(accumulate(len(reading.segments) for reading in readings))
        complete = bool(ends) and ends[-1] == len(text)
        near = are_near([reading.box for reading in readings], Recognition().acceptance)
        for end, reading, waits in zip(ends, readings, near, strict=True):
            read = "".join(str(s.value) for s in reading.segments)
            right = complete and read == text[end - len(read) : end]
            out.append(Judged(reading, right, drawing, waits))
    return out


def _decoded(scored: scoring.ScoredLine, card: ModelCard) -> list[DecodedNumber]:
    return choice.decoded(choice.proposed(scored, card, Recognition()), card, Recognition())


def fit_number_confidence(numbers: Sequence[Judged]) -> ConfidenceWeights:
    """Fit the logistic model of :func:`digitocr.recognition.confidence.number_confidence`.

    Parameters
    ----------
    numbers : sequence of Judged

    Returns
    -------
    mapping of str to float
        Weights, by the names of the features.
    """
    from sklearn.linear_model import LogisticRegression

    inputs = np.array([[getattr(n.decoded.features, name) for name in NAMES] for n in numbers])
    right = np.array([n.right for n in numbers])
    scale = np.maximum(inputs.std(axis=0), 1e-3)
    model = LogisticRegression(C=1.0, max_iter=2000).fit(inputs / scale, right)
    fitted = zip((*NAMES, CONSTANT), (*(model.coef_[0] / scale), model.intercept_[0]), strict=True)
    return {name: round(float(value), 6) for name, value in fitted}
