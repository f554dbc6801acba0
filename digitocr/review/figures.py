"""The figures of the front page, and the lengths of the bars of its plots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from digitocr.records import Reason
from digitocr.review.rules import Look, interval
from digitocr.store.statistics import Statistics

DAYS = 14
_PAUSE_S = 60.0
"""After this long, a person is taken to have done something else."""
_LEAST_GAPS = 5
_PACE_DECISIONS = 400
"""The latest decisions, from which the pace is taken."""
_MOST_PEOPLE = 8
_MOST_FAILED = 20
_MOST_LISTED = 500
"""Files that wait, in the menu of the front page."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a plot: its label and count, and its length as a share of the longest, in [0, 1]."""

    label: str
    count: int
    length: float


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """What the audit says of the accepted numbers.

    Attributes
    ----------
    accepted : int
        Numbers accepted.
    looked, wrong, open : int
        Numbers of the audit: settled, wrong among them, not settled.
    low, high : float
        95 % interval of the share of wrong numbers among the accepted, in [0, 1].
    """

    accepted: int
    looked: int
    wrong: int
    open: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """Share of wrong numbers among those looked at."""
        return self.wrong / self.looked if self.looked else 0.0


@dataclass(frozen=True, slots=True)
class Overview:
    """The figures of the front page."""

    files: tuple[Bar, ...]
    numbers: int
    waiting: int
    confirmed: int
    corrected: int
    illegible: int
    second: int
    third: int
    error: ErrorRate
    reasons: tuple[Bar, ...]
    decisions: tuple[Bar, ...]
    decided: int
    seconds_each: float | None
    people: tuple[Bar, ...]
    failed: tuple[tuple[str, str], ...]
    fields: tuple[str, ...]
    waiting_files: tuple[tuple[int, str, int], ...]
    unsure_digits: tuple[Bar, ...]

    @property
    def share(self) -> float:
        """Share of the numbers that wait."""
        return self.waiting / self.numbers if self.numbers else 0.0


def overview(counts: Statistics, today: datetime | None = None) -> Overview:
    """Gather the figures of a job.

    Parameters
    ----------
    counts : Statistics
    today : datetime, optional
        The last day of the plot of decisions; now without it.

    Returns
    -------
    Overview
    """
    files = counts.files()
    numbers = sum(row[2] for row in files)
    looks = counts.open_looks()
    confirmed, corrected = counts.settled_numbers()
    return Overview(
        files=_bars((status, count) for status, count, *_ in files),
        numbers=numbers,
        waiting=counts.waiting_numbers(),
        confirmed=confirmed,
        corrected=corrected,
        illegible=counts.illegible_numbers(),
        second=looks.get(Look.SECOND, 0),
        third=looks.get(Look.THIRD, 0),
        error=_error_rate(counts, numbers - counts.doubted_numbers(), looks.get(Look.AUDIT, 0)),
        reasons=_bars(_by_code(counts.reasons())),
        decisions=_by_day(counts, today or datetime.now(UTC)),
        decided=counts.decisions(),
        seconds_each=_pace(counts.decision_times(_PACE_DECISIONS)),
        people=_bars(counts.decisions_by_person(_MOST_PEOPLE)),
        failed=tuple(counts.failed(_MOST_FAILED)),
        fields=tuple(counts.fields()),
        waiting_files=tuple(counts.waiting_files(_MOST_LISTED)),
        unsure_digits=_bars(counts.digits()),
    )


def _by_code(by_reasons: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Count each reason for itself, whatever the texts of readers that disagree; the most frequent first."""
    found: Counter[str] = Counter()
    for codes, count in by_reasons:
        for code in codes.split(";"):
            kind = code.partition(":")[0]
            found[kind if kind == Reason.READERS_DISAGREE else code] += count
    return found.most_common()


def _error_rate(counts: Statistics, accepted: int, still_open: int) -> ErrorRate:
    looked, wrong = counts.audited()
    low, high = interval(wrong, looked) if looked else (0.0, 1.0)
    return ErrorRate(accepted, looked, wrong, still_open, low, high)


def _by_day(counts: Statistics, today: datetime) -> tuple[Bar, ...]:
    days = [(today - timedelta(days=back)).strftime("%Y-%m-%d") for back in range(DAYS - 1, -1, -1)]
    found = counts.decisions_by_day(days[0])
    return _bars((day, found.get(day, 0)) for day in days)


def _pace(times: Iterable[tuple[str, int]]) -> float | None:
    """Return the median seconds between decisions of one person, pauses left out; None for too few of them."""
    by_person: dict[str, list[float]] = {}
    for who, at in times:
        by_person.setdefault(who, []).append(float(at))
    gaps = [a - b for own in by_person.values() for a, b in pairwise(own) if a - b <= _PAUSE_S]
    return median(gaps) if len(gaps) >= _LEAST_GAPS else None


def _bars(pairs: Iterable[tuple[Any, ...]]) -> tuple[Bar, ...]:
    listed = [(str(label), int(count)) for label, count in pairs]
    longest = max((count for _, count in listed), default=0) or 1
    return tuple(Bar(label, count, count / longest) for label, count in listed)
