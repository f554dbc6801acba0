"""The figures of the front page, all from the ledger, and the lengths of their plots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from digitocr.review.desk import Desk
from digitocr.review.rules import Look, interval

DAYS = 14
_PAUSE = 60.0
"""Seconds after which a person is taken to have done something else."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a plot: what it stands for, and how long it is, in [0, 1] of the longest."""

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
    """All that the front page shows."""

    files: tuple[Bar, ...]
    numbers: int
    digits: int
    waiting: int
    waiting_numbers: int
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
    unsure_digits: tuple[Bar, ...]

    @property
    def share(self) -> float:
        """Share of the numbers that wait."""
        return self.waiting_numbers / self.numbers if self.numbers else 0.0


def overview(desk: Desk, today: datetime | None = None) -> Overview:
    """Gather the figures of a job."""
    job, rows = desk.shelf.job, desk.figures
    files = rows(
        "SELECT status, count(*), sum(numbers), sum(digits) FROM file WHERE job = ? AND status <> ''"
        " GROUP BY status ORDER BY count(*) DESC",
        job,
    )
    waiting = rows("SELECT count(*) FROM item WHERE job = ? AND waits = 1", job)[0][0]
    numbers = rows(
        "SELECT count(*) FROM (SELECT DISTINCT file, page, number FROM item WHERE job = ? AND waits = 1)", job
    )[0][0]
    by_reasons = rows("SELECT reasons, count(*) FROM item WHERE job = ? AND waits = 1 GROUP BY reasons", job)
    reasons: dict[str, int] = {}
    for codes, count in by_reasons:
        for code in codes.split(";"):
            reasons[code] = reasons.get(code, 0) + count
    looks = dict(
        rows(
            "SELECT l.look, count(*) FROM further_look AS l JOIN file AS f ON f.id = l.file"
            " AND f.processed_at = l.read_at WHERE l.job = ? AND closed_by IS NULL GROUP BY l.look",
            job,
        )
    )
    doubted = rows(
        "SELECT count(*) FROM (SELECT DISTINCT file, page, number FROM item WHERE job = ? AND number > 0)",
        job,
    )[0][0]
    total = sum(row[2] for row in files)
    return Overview(
        files=_bars((status, count) for status, count, *_ in files),
        numbers=total,
        digits=sum(row[3] for row in files),
        waiting=waiting,
        waiting_numbers=numbers,
        second=looks.get(Look.SECOND, 0),
        third=looks.get(Look.THIRD, 0),
        error=_error(desk, total - doubted, looks.get(Look.AUDIT, 0)),
        reasons=_bars(sorted(reasons.items(), key=lambda pair: -pair[1])),
        decisions=_by_day(desk, today or datetime.now(UTC)),
        decided=rows("SELECT count(*) FROM decision WHERE job = ? AND look <> 'undo'", job)[0][0],
        seconds_each=_pace(desk),
        people=_bars(rows("SELECT who, count(*) FROM decision WHERE job = ? AND look <> 'undo' GROUP BY who"
                          " ORDER BY count(*) DESC LIMIT 8", job)),
        failed=tuple((f"{name}", f"{code}: {error}" if code else error) for name, code, error in rows(
            "SELECT file, error_code, error FROM file WHERE job = ? AND status IN ('failed', 'partial')"
            " ORDER BY processed_at DESC LIMIT 20", job)),
        fields=tuple(row[0] for row in rows(
            "SELECT DISTINCT field FROM item WHERE job = ? AND waits = 1 AND field <> '' ORDER BY field", job)),
        unsure_digits=_bars(rows("SELECT digit, count(*) FROM item WHERE job = ? AND waits = 1 AND digit <> ''"
                                 " GROUP BY digit ORDER BY digit", job)),
    )  # fmt: skip


def _error(desk: Desk, accepted: int, still_open: int) -> ErrorRate:
    looked, wrong = desk.figures(
        "SELECT count(*), coalesce(sum(l.answer <> json_extract(l.texts, '$[0]')), 0) FROM further_look AS l"
        " JOIN file AS f ON f.id = l.file AND f.processed_at = l.read_at"
        " WHERE l.job = ? AND l.look = 'audit' AND l.answer IS NOT NULL",
        desk.shelf.job,
    )[0]
    low, high = interval(wrong, looked) if looked else (0.0, 1.0)
    return ErrorRate(accepted, looked, wrong, still_open, low, high)


def _by_day(desk: Desk, today: datetime) -> tuple[Bar, ...]:
    days = [(today - timedelta(days=back)).strftime("%Y-%m-%d") for back in range(DAYS - 1, -1, -1)]
    found = dict(desk.figures(
        "SELECT substr(at, 1, 10), count(*) FROM decision WHERE job = ? AND look <> 'undo' AND at >= ?"
        " GROUP BY substr(at, 1, 10)", desk.shelf.job, days[0]))  # fmt: skip
    return _bars((day, found.get(day, 0)) for day in days)


def _pace(desk: Desk) -> float | None:
    """Median seconds between one person's decisions, over the last few hundred; pauses and walls left out."""
    rows = desk.figures(
        "SELECT who, CAST(strftime('%s', at) AS INTEGER) FROM decision WHERE job = ? AND look NOT IN ('undo', 'wall')"
        " ORDER BY id DESC LIMIT 400",
        desk.shelf.job,
    )
    by_person: dict[str, list[float]] = {}
    for who, at in rows:
        by_person.setdefault(who, []).append(float(at))
    gaps = [a - b for times in by_person.values() for a, b in pairwise(times) if a - b <= _PAUSE]
    return median(gaps) if len(gaps) >= 5 else None


def _bars(pairs: Iterable[tuple[Any, ...]]) -> tuple[Bar, ...]:
    listed = [(str(label), int(count)) for label, count in pairs]
    longest = max((count for _, count in listed), default=0) or 1
    return tuple(Bar(label, count, count / longest) for label, count in listed)
