"""The review of one results folder: what the page asks of it, and the tables that follow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from digitocr.results import publish
from digitocr.review.assignments import Assignments
from digitocr.review.audits import Audits
from digitocr.review.decisions import Decisions
from digitocr.review.rules import Rules
from digitocr.review.tasks import Tasks
from digitocr.settings import Settings
from digitocr.store.ledger import Ledger
from digitocr.store.statistics import Statistics


class ReviewService:
    """A job under review; threads may share it.

    Parameters
    ----------
    shelf : Shelf
    ledger : Ledger
        The service owns it, and closes it at its end.
    rules : Rules
    clock : callable
        Returns the time in seconds, for leases.

    Attributes
    ----------
    tasks : Tasks
    assignments : Assignments
    decisions : Decisions
    audits : Audits
    statistics : Statistics
    """

    def __init__(
        self, shelf: publish.Shelf, ledger: Ledger, rules: Rules, clock: Callable[[], float] = time.time
    ) -> None:
        self.shelf = shelf
        self.ledger = ledger
        self.tasks = Tasks(ledger, shelf)
        self.assignments = Assignments(ledger.database, shelf.job, self.tasks, clock)
        self.decisions = Decisions(ledger, shelf.job, rules, self.tasks, self.assignments)
        self.audits = Audits(ledger.database, shelf.job, rules, self.tasks)
        self.statistics = Statistics(ledger.database, shelf.job)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update_tables(self) -> None:
        """Bring all tables up to date with what was decided, if they are not."""
        published, job = self.ledger.published, self.shelf.job
        if published.is_current(job) and not published.stale(job):
            return
        with publish.writing(self.shelf):
            publish.refresh(self.shelf, self.ledger)
            publish.publish(self.shelf, self.ledger)

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()


def open_review(settings: Settings, rules: Rules, clock: Callable[[], float] = time.time) -> ReviewService:
    """Open a results folder for review.

    Parameters
    ----------
    settings : Settings
    rules : Rules
    clock : callable
        Returns the time in seconds, for leases.

    Returns
    -------
    ReviewService
        To be closed by the caller.

    Raises
    ------
    UsageError
        Nothing was read into it yet.
    """
    with publish.opened(settings) as (_, shelf):
        return ReviewService(shelf, Ledger(settings.ledger), rules, clock)
