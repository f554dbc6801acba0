"""Writes ``docs/accuracy.md``: the tables of the accuracy benchmark, and two pictures of the confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scoring import Answer
from digitocr.training.extras.figures import as_png, new_figure

BINS = 10
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000", "#f0e442")
"""Okabe and Ito's eight, which the colour-blind tell apart: one for each set."""
MARKS = "osD^vP*X"

_PAGE = """# Accuracy

Made by `python -m benchmarks.accuracy --report docs` on {day}; do not edit by hand.

*Exact* is the share of answers read right to the digit; *whole* also requires that the answer is a single number.
*DER* is the share of digits that are wrong, missing or extra. *Accepted* is the share of answers that nobody needs to
look at, *wrong* the share of these that are wrong. *Silent* is the share of all digits that are wrong without anybody
being asked. *Missing* is the share of answers for which nothing was found. *Extra* counts, per page, the numbers
outside every field: accepted + for review (and all rows for review, those without a text included). *ECE* is the
difference between the confidence of a number and how often it is right. Per cent, with 95 % intervals. The errors of
one half of each set are looked at (*look*), the other half is only counted (*count*).

Below each set stand its families (paper of one source). In the mean over families each counts the same; families of
fewer than ten answers, joined as *other*, are left out of it. *Pooled* means the filled answers of cheques,
form_fields, form_fields2 and cells together. forms and forms2 are the same fields on their pages; photos and old hands
stand apart.

{tables}

## What the confidence is worth

![Share right over confidence, per set](images/reliability.png)

![Share wrong among the surest answers, over how many are taken](images/risk-coverage.png)

The second picture shows the effect of a threshold: on the left only the surest answers are accepted unseen, on the
right all of them. `python -m digitocr threshold --target-error 0.001 --labelled DIR` finds the threshold for your own
forms.

The same command draws the errors of the looking half of each set into `benchmarks/out/`.
"""


def write_report(docs: Path, tables: str, answers: Mapping[str, Sequence[Answer]]) -> None:
    """Write the page and its two pictures.

    Parameters
    ----------
    docs : Path
    tables : str
        Markdown.
    answers : mapping of str to sequence of Answer
        By set.
    """
    every = {name: rated(of_set) for name, of_set in answers.items()}
    every = {name: pairs for name, pairs in every.items() if len(pairs)}
    images = docs / "images"
    images.mkdir(parents=True, exist_ok=True)
    (images / "reliability.png").write_bytes(_reliability(every))
    (images / "risk-coverage.png").write_bytes(_risk_coverage(every))
    page = _PAGE.format(day=f"{datetime.now(UTC):%Y-%m-%d}", tables=tables)
    (docs / "accuracy.md").write_text(page, encoding="utf-8")


def rated(answers: Sequence[Answer]) -> np.ndarray:
    """Return confidence and rightness of each answer that is one number, the surest first.

    Parameters
    ----------
    answers : sequence of Answer

    Returns
    -------
    (n, 2) float ndarray
    """
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
