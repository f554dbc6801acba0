"""Claims: which run is about to read which files, and how often their readings were begun."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from digitocr.store.database import Database
from digitocr.store.records import Claim
from digitocr.store.schema import DERIVED, KEPT, has_rows

LEASE_SECONDS = 3600.0
"""After this long a claim is shown as abandoned. A run takes claims over at once: its lock says that it is alone."""

_REMEMBERED_S = 86_400.0
"""For this long it is remembered when a file that cannot be decoded was first seen."""


class Claims:
    """The claims of all jobs.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, job: int, claims: Sequence[Claim], holder: str) -> list[int]:
        """Take files for reading, in one transaction, and return their ids."""
        lease = time.time() + LEASE_SECONDS
        ids: list[int] = []
        with self._database.writing() as db:
            for c in claims:
                seen = (c.source, c.sha256, c.size, c.mtime_ns, c.checked_ns, c.etag)
                if c.id is None:
                    cursor = db.execute(
                        "INSERT INTO file (job, file, source, sha256, size, mtime_ns, checked_ns, etag, holder, lease)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (job, c.file, *seen, holder, lease),
                    )
                    ids.append(int(cursor.lastrowid or 0))
                else:
                    db.execute(
                        "UPDATE file SET source = ?, sha256 = ?, size = ?, mtime_ns = ?, checked_ns = ?, etag = ?,"
                        " attempts = attempts - is_apart, is_apart = 0, holder = ?, lease = ? WHERE id = ?",
                        (*seen, holder, lease, c.id),
                    )
                    ids.append(c.id)
        return ids

    def begin(self, ids: Iterable[int], *, is_apart: bool = False) -> None:
        """Count an attempt for each file: from here on, reading it may end the process that does.

        If that is not the holder (`is_apart`) and the holder ends meanwhile, the attempt does not count after all.
        """
        lease = time.time() + LEASE_SECONDS
        with self._database.writing() as db:
            db.executemany(
                "UPDATE file SET attempts = attempts + 1, is_apart = ?, lease = ? WHERE id = ?",
                [(is_apart, lease, i) for i in ids],
            )

    def note_ended(self, ids: Iterable[int]) -> None:
        """Note that the process that was reading files has ended, and not their holder."""
        with self._database.writing() as db:
            db.executemany("UPDATE file SET is_apart = 0 WHERE id = ?", [(i,) for i in ids])

    def withdraw(self, ids: Sequence[int]) -> None:
        """Release files whose reading was begun, and count no attempt: they were not whole, or are replaced."""
        with self._database.writing() as db:
            db.executemany(
                "UPDATE file SET attempts = max(attempts - 1, 0) WHERE id = ?", [(i,) for i in ids]
            )
            self.release(ids)

    def waited(self, source: str, size: int, mtime_ns: int) -> float:
        """Return for how many seconds a file that cannot be decoded is known to be as it is; the first time 0."""
        at, key = time.time(), (source, size, mtime_ns)
        with self._database.writing() as db:
            db.execute(
                "DELETE FROM arriving WHERE since NOT BETWEEN ? AND ?", (at - _REMEMBERED_S, at)
            )  # the clock may have been set back
            db.execute("INSERT OR IGNORE INTO arriving VALUES (?, ?, ?, ?)", (*key, at))
            sql = "SELECT since FROM arriving WHERE (source, size, mtime_ns) = (?, ?, ?)"
            return at - float(db.execute(sql, key).fetchone()[0])

    def release(self, ids: Iterable[int]) -> None:
        """Undo claims; a file that is known by nothing else is deleted."""
        with self._database.writing() as db:
            for identity in ids:
                if not has_rows(db, KEPT + DERIVED, identity):
                    db.execute(
                        "DELETE FROM file WHERE id = ? AND status = '' AND attempts = 0 AND reading IS NULL",
                        (identity,),
                    )
                db.execute("UPDATE file SET is_apart = 0, holder = '', lease = 0 WHERE id = ?", (identity,))
