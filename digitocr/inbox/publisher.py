"""The tables over all files, kept up to date while a run goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from digitocr.results import kept, publish, queue, tables
from digitocr.results.publish import Shelf
from digitocr.store.ledger import Ledger

_MIN_INTERVAL_S = 10.0
"""Least time between two writes during a run."""

_MAX_SHARE = 0.05
"""Largest share of a run's time spent on writing these tables."""


class Publisher:
    """Keeps the tables over all files up to date.

    Parameters
    ----------
    shelf : Shelf
    ledger : Ledger
    """

    def __init__(self, shelf: Shelf, ledger: Ledger) -> None:
        self._shelf = shelf
        self._ledger = ledger
        self._lock = threading.Lock()  # never held while another lock is taken
        self._last = time.monotonic()
        self._cost = 0.0

    def publish_sometimes(self, first_unread: Callable[[], str | None]) -> None:
        """Write the tables over all files if it is time to; from any thread.

        Parameters
        ----------
        first_unread : callable
            Returns the first of the files that are being read, see :func:`digitocr.results.publish.publish`.
        """
        with self._lock:
            if time.monotonic() - self._last < max(_MIN_INTERVAL_S, self._cost / _MAX_SHARE):
                return
            self._last = time.monotonic()
        with publish.writing(self._shelf):
            if not self._has_tables():
                self._restore_tables()  # they follow with the end of the run
            publish.publish(self._shelf, self._ledger, before=first_unread())
        with self._lock:
            ended = time.monotonic()
            self._cost, self._last = ended - self._last, ended

    def publish_changes(self) -> None:
        """Write the tables over all files if they are missing or behind the ledger."""
        shelf, ledger = self._shelf, self._ledger
        with publish.writing(shelf):
            is_missing = not self._has_tables()
            if is_missing:
                self._restore_tables()
            stale = publish.refresh(shelf, ledger)
            if stale or is_missing or not ledger.published.is_current(shelf.job):
                publish.publish(shelf, ledger)

    def _restore_tables(self) -> None:
        """Have the tables of single files written again, too: somebody has deleted the results."""
        shelf, ledger = self._shelf, self._ledger
        lost = [
            known.id
            for known in ledger.known(shelf.job)
            if not all(path.is_file() for path in tables.table_paths(shelf.results, known.file))
            and ledger.published.has_reading(shelf.job, known.id)
        ]
        ledger.published.mark_stale(lost)
        for known in map(ledger.file, lost):
            kept.keep(shelf.results, known, ledger.published.outcome(known))

    def _has_tables(self) -> bool:
        shelf = self._shelf
        return (shelf.results / tables.ALL_FILES).is_file() and queue.path(shelf.review).is_file()
