"""Audits: a share of the accepted numbers, drawn by chance, that people read without seeing what the program read."""

from __future__ import annotations

from collections.abc import Iterator

from digitocr.records import FileResult, Status
from digitocr.results.items import review_id
from digitocr.review.rules import Look, Rules
from digitocr.review.sampling import drawn
from digitocr.review.tasks import Tasks
from digitocr.store.database import Database
from digitocr.store.review import FurtherLooks, Place


class Audits:
    """Draws the audits of a job.

    Parameters
    ----------
    database : Database
    job : int
    rules : Rules
    tasks : Tasks
    """

    def __init__(self, database: Database, job: int, rules: Rules, tasks: Tasks) -> None:
        self._database = database
        self._looks = FurtherLooks(database, job)
        self._share = rules.audit_share
        self._tasks = tasks

    def draw(self) -> None:
        """Draw a share of the accepted numbers of all files not yet drawn from."""
        if not self._share:
            return
        for file, read_at in self._looks.not_drawn(self._share):
            with self._database.writing():
                for place, text in _drawn(file, self._tasks.reading(file, read_at), self._share):
                    if not self._looks.has_audit(place, read_at):
                        self._looks.ask(place, Look.AUDIT, read_at, (text,))
                self._looks.drawn(file, read_at, self._share)


def _drawn(file: int, reading: FileResult, share: float) -> Iterator[tuple[Place, str]]:
    for page in reading.pages:
        for ordinal, number in enumerate(page.numbers, 1):
            name = review_id(reading.sha256, page.index, number.box)
            if number.status is Status.ACCEPTED and drawn(name, "audit", share):
                yield Place(file, page.index, ordinal), number.text
