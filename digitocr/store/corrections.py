"""What people said: appended, never changed, never deleted."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from digitocr.store.database import Database
from digitocr.store.published import put_off
from digitocr.store.records import Correction

_COLUMNS = ", ".join(Correction.__slots__)


class Corrections:
    """The corrections of all jobs.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: int, corrections: Sequence[Correction]) -> None:
        """Append corrections, and mark the tables of their files as out of date."""
        with self._database.writing() as db:
            for c in corrections:
                db.execute(
                    f"INSERT INTO correction (job, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (job, c.file, c.review_id, c.kind, c.old, c.new, c.who, c.at),
                )
                db.execute("UPDATE file SET stale = 1 WHERE id = ?", (c.file,))
            put_off(db, job)

    def of(self, file: int) -> list[Correction]:
        """Return what people said about a file, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM correction WHERE file = ? ORDER BY id"
        return [Correction(*row) for row in self._database.rows(sql, file)]

    def all(self, job: int) -> list[tuple[str, Correction]]:
        """Return all corrections of a job, oldest first, each with the name of its file."""
        columns = ", ".join(f"c.{name}" for name in Correction.__slots__)
        rows = self._database.rows(
            f"SELECT f.file, {columns} FROM correction AS c JOIN file AS f ON f.id = c.file"
            " WHERE c.job = ? ORDER BY c.id",
            job,
        )
        return [(name, Correction(*row)) for name, *row in rows]

    def newest(self, file: int, review_ids: Collection[str] | None = None) -> int:
        """Return the id of the latest correction of a file, or of some of its items; 0 without any."""
        only = "" if review_ids is None else f" AND review_id IN ({', '.join('?' * len(review_ids))})"
        sql = f"SELECT coalesce(max(id), 0) FROM correction WHERE file = ?{only}"
        return int(self._database.rows(sql, file, *(review_ids or ()))[0][0])

    def author(self, correction: int) -> str:
        """Return who made a correction, ``someone`` where there is none."""
        rows = self._database.rows("SELECT who FROM correction WHERE id = ?", correction)
        return str(rows[0][0]) if rows else "someone"
