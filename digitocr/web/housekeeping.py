"""The tables follow the decisions at once, beside the answering of requests; audits are drawn as files are read."""

from __future__ import annotations

import logging
import threading
import time

from digitocr.errors import DigitocrError
from digitocr.results import publish
from digitocr.review.desk import Desk

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
"""How often new files are looked for."""
SHARE = 4.0
"""Tables over all files are made again after so many times as long as making them took, and a moment."""
MOMENT = 0.2


class Housekeeper:
    """A thread that makes the tables again after decisions, and draws audits."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._wake = threading.Condition()
        self._asked = True
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier program may have left undone."""
        self._thread.start()

    def ask(self) -> None:
        """Have the tables made again soon; returns at once."""
        with self._wake:
            self._asked = True
            self._wake.notify_all()

    def stop(self) -> None:
        """Make the tables a last time, and end."""
        with self._wake:
            self._ended = True
            self._wake.notify_all()
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            took = self._tidy()
            with self._wake:
                self._wake.wait_for(lambda: self._ended, timeout=MOMENT + SHARE * took)
                self._wake.wait_for(lambda: self._asked or self._ended, timeout=LOOK_SECONDS)
                self._asked, ended = False, self._ended
        self._tidy()

    def _tidy(self) -> float:
        started = time.monotonic()
        try:
            follow(self._desk)
            self._desk.draw_audits()
        except DigitocrError as error:  # a full disk, a busy ledger: decisions are safe, tables come later
            log.error("%s", error)
        return time.monotonic() - started


def follow(desk: Desk) -> None:
    """Bring all tables up to date with what was decided, if they are not."""
    shelf = desk.shelf
    if desk.is_published(shelf.job) and not desk.stale(shelf.job):
        return
    with publish.writing(shelf):
        publish.refresh(shelf, desk)
        publish.publish(shelf, desk)
