"""Rules of the review: which numbers are read twice, which answers are possible, what an audit says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from digitocr.results.overlay import ILLEGIBLE, NOT_A_DIGIT
from digitocr.review.queue import LONGEST
from digitocr.review.sampling import drawn


class Look(StrEnum):
    """What kind of look a decision comes from."""

    FIRST = "first"
    WALL = "wall"
    SECOND = "second"
    """By another person, who is shown neither what was read nor what the first one said."""
    THIRD = "third"
    """At a number on which two looks disagree; both answers are shown."""
    AUDIT = "audit"
    """At an accepted number, drawn by chance; what was read is not shown."""
    UNDO = "undo"


class Order(StrEnum):
    """The order in which people get what waits."""

    FIELD = "field"
    FILE = "file"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Rules:
    """Which numbers people look at more than once.

    Attributes
    ----------
    second_share : float
        Share in [0, 1] of the settled numbers that a second person reads.
    second_fields : frozenset of str
        Fields of a form that are always read by a second person.
    audit_share : float
        Share in [0, 1] of the accepted numbers that a person reads.
    """

    second_share: float = 0.0
    second_fields: frozenset[str] = frozenset()
    audit_share: float = 0.01

    def wants_second(self, identity: str, field: str) -> bool:
        """Tell whether a number is to be read by a second person."""
        return field in self.second_fields or drawn(identity, "second", self.second_share)


def interval(wrong: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) interval of an error rate.

    Parameters
    ----------
    wrong, count : int
        Errors, and the numbers drawn by chance among which they were found.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    tuple of 2 float
        The lower and the upper end, in [0, 1].

    Examples
    --------
    >>> [round(v, 4) for v in interval(0, 300)]
    [0.0, 0.0122]
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = float(betaincinv(wrong, count - wrong + 1, tail)) if wrong else 0.0
    high = float(betaincinv(wrong + 1, count - wrong, 1 - tail)) if wrong < count else 1.0
    return low, high


def is_answer(text: str) -> bool:
    """Tell whether a person may give this answer.

    It is digits, with a decimal mark among them if there is one; ``-`` for ink that is no number, ``?`` for what nobody
    can read.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_answer("007"), is_answer("-"), is_answer("?"), is_answer("1,5"), is_answer(""), is_answer("1.")
    (True, True, True, True, False, False)
    """
    return text in (NOT_A_DIGIT, ILLEGIBLE) or (
        len(text) <= LONGEST and re.fullmatch(r"[0-9]+([.,][0-9]+)?", text) is not None
    )


def person(name: str) -> str:
    r"""Normalise the name of a person: one line, not too long.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        At most 60 characters.

    Examples
    --------
    >>> person("  Ann\n Lee ")
    'Ann Lee'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:60]
