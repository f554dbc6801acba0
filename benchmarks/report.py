"""``docs/accuracy.md``: the tables of the accuracy benchmark, and pictures of what its confidence is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scoring import Answer
from digitocr.training.extras.figures import as_png, new_figure

BINS = 10
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9")
"""Okabe and Ito's, which the colour-blind tell apart."""
MARKS = "osD^v"

_PAGE = """# Accuracy

Made by `python -m benchmarks.accuracy --report docs` on {day}; do not edit by hand.

How the figures are meant: *exact* is the share of answers read right to the digit; *whole* asks for one number and
nothing else; *DER* is the share of digits wrong, missing or too many; *accepted* is the share of answers that nobody
needed to look at, *wrong* the share of these that are wrong; *silent* is the share of all digits that are wrong without
anybody being asked; *ECE* is how far the confidence of a number is from how often it is right. Per cent, with 95 %
intervals. Half of each set is for looking at its errors (*look*), the other half only for counting.

{tables}

## What the confidence is worth

![Share right over confidence, per set](images/reliability.png)

![Share wrong among the surest answers, over how many are taken](images/risk-coverage.png)

The second picture says what a threshold buys: to the left only the surest answers are accepted unseen, to the right all
of them. `python -m digitocr threshold --target-error 0.001 --labelled DIR` finds the threshold for your own forms.

The twenty worst errors of the looking half of each set are drawn into `benchmarks/out/` by the same command.
"""


def write_report(docs: Path, tables: str, answers: Mapping[str, Sequence[Answer]]) -> None:
    """Write the page and its two pictures.

    Parameters
    ----------
    docs : Path
    tables : str
        Markdown.
    answers : mapping of str to sequence of Answer
        Of each set.
    """
    rated = {name: _rated(of_set) for name, of_set in answers.items()}
    rated = {name: pairs for name, pairs in rated.items() if len(pairs)}
    images = docs / "images"
    images.mkdir(parents=True, exist_ok=True)
    (images / "reliability.png").write_bytes(_reliability(rated))
    (images / "risk-coverage.png").write_bytes(_risk_coverage(rated))
    page = _PAGE.format(day=f"{datetime.now(UTC):%Y-%m-%d}", tables=tables)
    (docs / "accuracy.md").write_text(page, encoding="utf-8")


def _rated(answers: Sequence[Answer]) -> np.ndarray:
    """Confidence of each answer that is one number, and whether it is right, the surest first; ``(n, 2)``."""
    pairs = np.array([(a.confidence, a.sure) for a in answers if a.confidence is not None], dtype=float)
    return pairs[np.argsort(-pairs[:, 0])] if len(pairs) else pairs.reshape(0, 2)


def _reliability(rated: Mapping[str, np.ndarray]) -> bytes:
    figure = new_figure(6.4, 4.4)
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], "--", color="#888888", label="as sure as right")
    for (name, pairs), colour, mark in zip(rated.items(), COLOURS, MARKS, strict=False):
        bins = np.minimum((pairs[:, 0] * BINS).astype(int), BINS - 1)
        points = [pairs[bins == k].mean(axis=0) for k in range(BINS) if (bins == k).sum() >= 5]
        x, y = 100 * np.array(points).reshape(-1, 2).T
        axes.plot(x, y, mark + "-", color=colour, label=f"{name} ({len(pairs)})")
    axes.set(xlabel="confidence of the number (%)", ylabel="right (%)", xlim=(0, 101), ylim=(0, 103))
    return _finished(figure, axes)


def _risk_coverage(rated: Mapping[str, np.ndarray]) -> bytes:
    figure = new_figure(6.4, 4.4)
    axes = figure.subplots()
    for (name, pairs), colour in zip(rated.items(), COLOURS, strict=False):
        taken = np.arange(1, len(pairs) + 1)
        risk = 100 * np.cumsum(1 - pairs[:, 1]) / taken
        axes.plot(100 * taken / len(pairs), risk, color=colour, label=f"{name} ({len(pairs)})")
    axes.set(xlabel="accepted, the surest first (%)", ylabel="wrong among the accepted (%)", xlim=(0, 100))
    axes.set_ylim(bottom=0)
    return _finished(figure, axes)


def _finished(figure: Any, axes: Any) -> bytes:  # noqa: ANN401 (Matplotlib has no types here)
    axes.grid(alpha=0.3)
    axes.legend()
    return as_png(figure)
