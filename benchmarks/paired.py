"""Figures before and after a change, with the interval of their difference: a paired bootstrap.

The files of each family are resampled, the same ones before and after: answers of one page are not independent, and
the families of a set are given, not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring import Answer, Scored
from benchmarks.truth import Row, in_mean

RESAMPLED = 4000
"""How often the files of a family are drawn again."""

SEED = 20
INTERVAL = (0.025, 0.975)
"""Quantiles of the differences."""

ALL, MEAN = "all", "mean of families"
"""Names of the two rows that are not families."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure that is a sum over files divided by another.

    Attributes
    ----------
    name : str
    hits, base : callable
        What an answer adds to the sum and to the divisor.
    good : int
        1 if losing it is a fault, -1 if gaining it is, 0 if it is only reported.
    extra : callable or None
        What a row outside every box adds to the sum, in place of `hits`; the divisor is the number of files.
    """

    name: str
    hits: Callable[[Answer], float] = lambda answer: 0
    base: Callable[[Answer], float] = lambda answer: 1
    good: int = 0
    extra: Callable[[Row], float] | None = None


MEASURES = (
    Measure("exact", lambda a: a.exact, good=1),
    Measure("whole", lambda a: a.whole and not a.truth.in_rows, lambda a: not a.truth.in_rows),
    Measure("accepted", lambda a: a.accepted and a.truth.text != "", lambda a: a.truth.text != "", good=1),
    Measure("wrong", lambda a: a.is_wrongly_accepted, lambda a: a.accepted, good=-1),
    Measure("silent", lambda a: a.silent, lambda a: len(a.truth.text), good=-1),
    Measure("missing", lambda a: a.truth.text != "" and not a.read, lambda a: a.truth.text != ""),
    Measure("extra accepted", extra=lambda row: row["text"] != "" and row["status"] == "accepted"),
    Measure("extra for review", extra=lambda row: row["text"] != "" and row["status"] != "accepted"),
    Measure("extra rows", extra=lambda row: row["status"] == "review"),
)
"""As :class:`benchmarks.scoring.Figures` has them; extras are counted per page, all others are shares."""


@dataclass(frozen=True, slots=True)
class Change:
    """A figure before and after.

    Attributes
    ----------
    before, after : float
    low, high : float
        Interval of the difference.
    """

    before: float
    after: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """After less before."""
        return self.after - self.before

    def is_worse(self, good: int) -> bool:
        """Tell whether it got worse beyond its interval.

        Parameters
        ----------
        good : int
            See :class:`Measure`.

        Returns
        -------
        bool
        """
        return good > 0 > self.high or good < 0 < self.low

    def said(self, scale: float, digits: int) -> str:
        """Format it, only the figure itself where nothing changed.

        Parameters
        ----------
        scale : float
            What values are multiplied by.
        digits : int
            Decimals.

        Returns
        -------
        str
        """
        before, after, difference, low, high = (
            scale * value for value in (self.before, self.after, self.difference, self.low, self.high)
        )
        if not difference and not low and not high:
            return f"{before:.{digits}f}"
        moved = f"{difference:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"
        return f"{before:.{digits}f} → {after:.{digits}f} ({moved})"


def figures_of(before: Scored, after: Scored) -> dict[str, dict[str, Change]]:
    """Return each measure before and after, with the interval of the difference, by family.

    Parameters
    ----------
    before, after : Scored
        Answers to the same truth.

    Returns
    -------
    dict of str to dict of str to Change
        See :class:`Comparison`; the families are left out where there is only one.
    """
    groups = before.families()
    files = {name: sorted({a.truth.file for a in part.answers}) for name, part in groups.items()}
    paged = any(a.truth.box for a in before.answers)
    measures = [m for m in MEASURES if paged or m.extra is None]
    measures = [m for m in measures if any(map(m.base, (*before.answers, *after.answers)))]
    # of both, by family: what is (drawn, measure, before or after), the first drawing being the files as they are
    rng = np.random.default_rng(SEED)
    sums = {name: _resampled(before, after, files[name], measures, rng) for name in groups}
    ratios = {ALL: _ratio(np.sum(list(sums.values()), axis=0))}
    if len(groups) > 1:
        ratios |= {name: _ratio(of) for name, of in sums.items()}
        chosen = in_mean({name: len(part.answers) for name, part in groups.items()})
        ratios[MEAN] = np.mean([ratios[name] for name in chosen], axis=0)
    return {name: {m.name: _change(of[:, k]) for k, m in enumerate(measures)} for name, of in ratios.items()}


def _resampled(
    before: Scored, after: Scored, files: Sequence[str], measures: Sequence[Measure], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Sum up files as they are and as resampled: ``(1 + resampled, measures, before or after, sum or base)``."""
    values = np.stack([_by_file(one, files, measures) for one in (before, after)], axis=2)
    drawn = rng.multinomial(len(files), [1 / len(files)] * len(files), size=RESAMPLED)
    weights = np.vstack([np.ones(len(files)), drawn])
    return np.tensordot(weights, values, axes=1)


def _by_file(found: Scored, files: Sequence[str], measures: Sequence[Measure]) -> NDArray[np.float64]:
    """Return what each file adds to the measures: ``(files, measures, sum or base)``."""
    at = {name: i for i, name in enumerate(files)}
    values = np.zeros((len(files), len(measures), 2))
    for k, measure in enumerate(measures):
        if measure.extra is not None:
            values[:, k, 1] = 1
            for row in found.outside:
                if row["file"] in at:
                    values[at[row["file"]], k, 0] += measure.extra(row)
            continue
        for answer in found.answers:
            if answer.truth.file in at:
                values[at[answer.truth.file], k] += measure.hits(answer), measure.base(answer)
    return values


def _ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide sums by their base, 0 where there is none."""
    return np.divide(sums[..., 0], sums[..., 1], out=np.zeros(sums.shape[:-1]), where=sums[..., 1] > 0)


def _change(values: NDArray[np.float64]) -> Change:
    """Return a change from ``(1 + drawn, before or after)`` values."""
    low, high = np.quantile(values[1:, 1] - values[1:, 0], INTERVAL)
    before, after = values[0].tolist()
    return Change(before, after, float(low), float(high))
