"""The items of the review queue."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from digitocr.store import database
from digitocr.store.database import Database
from digitocr.store.records import QueueItem

_OWN = tuple(name for name in QueueItem.__slots__ if name != "file")
"""Columns of an item that stand in its own table; the name of its file stands in that of the files."""
_COLUMNS = ", ".join("file.file" if name == "file" else f"item.{name}" for name in QueueItem.__slots__)


class Items:
    """The items of all jobs.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self, job: int, after: str = "", before: str | None = None) -> Iterator[QueueItem]:
        """Yield what waits for a person, of the files after one and before another, in reading order.

        What is written in the meantime is seen from where the iteration has come to.
        """
        sql = (
            f"SELECT file.file, rank, {_COLUMNS} FROM file CROSS JOIN item ON item.file = file.id AND waits"
            f" WHERE file.job = ? AND (file.file, rank) > (?, ?) AND file.file < {database.UP_TO}"
            f" ORDER BY file.file, rank LIMIT {database.PORTION_ROWS}"
        )
        rows = self._database.rows(sql, job, after, sys.maxsize, before)
        while rows:
            yield from (_item(row[2:]) for row in rows)
            rows = self._database.rows(sql, job, *rows[-1][:2], before)

    def all_waiting(self) -> set[str]:
        """Return the ids of what waits in any job."""
        return {name for (name,) in self._database.rows("SELECT review_id FROM item WHERE waits")}

    def count_waiting(self, job: int) -> int:
        """Return how many numbers wait for a person; a page without any counts as one."""
        sql = (
            "SELECT count(*) FROM (SELECT DISTINCT file, page, number FROM item WHERE job = ? AND waits = 1)"
        )
        return int(self._database.rows(sql, job)[0][0])

    def find(self, job: int, review_id: str) -> tuple[int, QueueItem] | None:
        """Return an item with the id of its file, None where the job has no such item."""
        sql = (
            f"SELECT item.file, {_COLUMNS} FROM item JOIN file ON file.id = item.file"
            " WHERE item.job = ? AND review_id = ?"
        )
        rows = self._database.rows(sql, job, review_id)
        return next(((int(file), _item(row)) for file, *row in rows), None)

    def others_wait(self, job: int) -> bool:
        """Tell whether anything waits in another job."""
        return bool(self._database.rows("SELECT 1 FROM item WHERE job <> ? AND waits LIMIT 1", job))

    def waits_elsewhere(self, job: int, review_id: str) -> bool:
        """Tell whether the item waits in another job."""
        sql = "SELECT 1 FROM item WHERE review_id = ? AND job <> ? AND waits LIMIT 1"
        return bool(self._database.rows(sql, review_id, job))

    def set_waiting(self, job: int, review_id: str, *, waits: bool) -> None:
        """Take an item out of the queue, or put it back."""
        with self._database.writing() as db:
            sql = "UPDATE item SET waits = ? WHERE job = ? AND review_id = ?"
            db.execute(sql, (waits, job, review_id))


def put_items(db: sqlite3.Connection, job: int, file: int, items: Sequence[QueueItem]) -> None:
    """Replace the items of a file.

    Parameters
    ----------
    db : sqlite3.Connection
        In a transaction.
    job : int
    file : int
        The id of the file.
    items : sequence of QueueItem
        In the order of the queue.
    """
    db.execute("DELETE FROM item WHERE file = ?", (file,))
    db.executemany(
        f"INSERT OR REPLACE INTO item (job, file, rank, {', '.join(_OWN)})"
        f" VALUES (?, ?, ?, {', '.join('?' * len(_OWN))})",
        [(job, file, rank, *(getattr(i, name) for name in _OWN)) for rank, i in enumerate(items)],
    )


def _item(row: Sequence[Any]) -> QueueItem:
    *columns, waits = row
    return QueueItem(*(*columns, bool(waits)))
