"""A working folder under review, and people who work on it."""

import itertools
import sqlite3
from contextlib import closing
from dataclasses import dataclass

from digitocr.review.assignments import Selection
from digitocr.review.decisions import Answer, Submission
from digitocr.review.rules import Look, Rules
from digitocr.review.service import open_review

_count = itertools.count(1)


class Clock:
    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time


def review_of(work, rules=None, clock=None):
    """Open a working folder for review, with a clock that stands still."""
    return open_review(work.settings(), rules or Rules(audit_share=0), clock or Clock())


@dataclass
class Person:
    """Someone at a page of his own."""

    review: object
    who: str = "ann"

    def __post_init__(self):
        self.session = f"{next(_count):032x}"
        self.last = ""

    def take(self, count=1, have=(), **wanted):
        return self.review.assignments.next(self.session, self.who, Selection(**wanted), count, have)

    def say(self, task, text="", token=None, look=None, **digits):
        """Say the whole text, or digits as _1="7"; return why it was refused."""
        answer = Answer(text, tuple((int(p[1:]), d) for p, d in digits.items()))
        self.last = token or f"token-{next(_count)}"
        submission = Submission(task.place, look or task.look, answer, self.last, task.last_word, task.read_at,
                                self.session, self.who)  # fmt: skip
        return next(iter(self.review.decisions.decide([submission]).values()), "")

    def accept(self, task):
        """Accept all that is unsure, as it was read."""
        digits = {f"_{p}": str(task.number.machine.digits[p - 1].value) for p in task.waiting}
        return self.say(task, **digits)

    def undo(self, token=None):
        return self.review.decisions.undo(token or self.last, f"undo-{next(_count)}", self.session, self.who)


def tables(work, review):
    """Make the tables follow, and return the numbers as text and status, by file and ordinal."""
    review.update_tables()
    return {
        (r["file"], int(r["number"])): (r["text"], r["status"]) for r in work.table("results/numbers.csv")
    }


def select(work, sql, *values):
    """Run a statement on the ledger of a working folder."""
    with closing(sqlite3.connect(work.folder / ".digitocr" / "ledger.sqlite")) as db, db:
        return db.execute(sql, values).fetchall()


def queue(work):
    """Return the queue as file and number."""
    return [(row["file"], row["number"]) for row in work.table("review/queue.csv")]


__all__ = ["Clock", "Look", "Person", "queue", "review_of", "select", "tables"]
