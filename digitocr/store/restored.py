"""Files put into a new ledger as the results show them, when the old one is lost."""

from __future__ import annotations

from digitocr.records import READ
from digitocr.store.database import Database
from digitocr.store.published import put_off
from digitocr.store.records import Outcome

_OF_OUTCOME = (
    *(
        "status",
        "model",
        "settings",
        "error_code",
        "error",
        "pages",
        "numbers",
        "digits",
        "review",
        "seconds",
    ),
    *("reading", "number_lines", "form_rows"),
)
"""Columns of a file that say how its last reading ended."""


class Restored:
    """The files of a new ledger.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: int, file: str, source: str, sha256: str, outcome: Outcome, processed_at: str) -> None:
        """Add a file with the outcome of its last reading; its size and time are not known."""
        columns: dict[str, object] = {"job": job, "file": file, "source": source, "sha256": sha256}
        columns |= {"size": 0, "mtime_ns": 0, "checked_ns": 0, "processed_at": processed_at}
        columns |= {name: getattr(outcome, name) for name in _OF_OUTCOME}
        names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        with self._database.writing() as db:
            db.execute(f"INSERT INTO file ({names}) VALUES ({values})", columns)

    def finish(self, job: int) -> int:
        """Have the tables of all files made from their readings; return how many files have tables but no reading."""
        with self._database.writing() as db:
            db.execute("UPDATE file SET stale = reading IS NOT NULL WHERE job = ?", (job,))
            # the tables over all files still show these
            sql = "UPDATE job SET shown_to = (SELECT coalesce(max(file), '') FROM file WHERE job = ?) WHERE id = ?"
            db.execute(sql, (job, job))
            put_off(db, job)
            sql = "SELECT count(*) FROM file WHERE job = ? AND reading IS NULL AND status IN (?, ?, ?)"
            return int(db.execute(sql, (job, *READ)).fetchone()[0])
