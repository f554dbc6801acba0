"""A thread that keeps the tables up to date with the decisions, beside the answering of requests."""

from __future__ import annotations

import logging
import threading
import time

from digitocr.errors import DigitocrError
from digitocr.review.service import ReviewService

log = logging.getLogger(__name__)

LOOK_S = 10.0
"""How often new files are looked for."""
PAUSE_SHARE = 4.0
"""After the tables over all files were written, they rest for this many times as long as that took."""
LEAST_PAUSE_S = 0.2


class Publisher:
    """Writes the tables again after decisions, and draws audits as files are read.

    Parameters
    ----------
    review : ReviewService
    """

    def __init__(self, review: ReviewService) -> None:
        self._review = review
        self._wake = threading.Condition()
        self._asked = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier program may have left undone."""
        self._thread.start()

    def ask(self) -> None:
        """Have the tables written again soon; returns at once."""
        with self._wake:
            self._asked = True
            self._wake.notify_all()

    def stop(self) -> None:
        """Write the tables a last time, and end."""
        with self._wake:
            self._ended = True
            self._wake.notify_all()
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            took = self._publish()
            with self._wake:
                self._wake.wait_for(lambda: self._ended, timeout=LEAST_PAUSE_S + PAUSE_SHARE * took)
                self._wake.wait_for(lambda: self._asked or self._ended, timeout=LOOK_S)
                self._asked, ended = False, self._ended
        self._publish()

    def _publish(self) -> float:
        started = time.monotonic()
        try:
            self._review.update_tables()
            self._review.audits.draw()
        except DigitocrError as error:  # a full disk, a busy ledger: decisions are safe, tables come later
            log.error("%s", error)
        return time.monotonic() - started
