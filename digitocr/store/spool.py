"""What a run must remember of every file, on the disk: memory stays the same, however many files there are."""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from digitocr.errors import OutputError
from digitocr.store import database

Item = TypeVar("Item")

_CACHE_KIB = 512
"""Memory of a spool; the rest lies in a temporary file, which goes with the spool."""


class Spool(Generic[Item]):
    """Items sorted by key, those of one key in the order in which they came; lost when the program ends.

    While it is gone through, items may be added; those whose place has been passed are not seen.
    """

    def __init__(self) -> None:
        self._size = 0
        with _named_errors():
            # SQLite's own temporary file; nothing in it needs to survive
            self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            for setting in (f"cache_size = -{_CACHE_KIB}", "journal_mode = OFF", "synchronous = OFF"):
                self._connection.execute(f"PRAGMA {setting}")
            self._connection.execute(
                "CREATE TABLE item (key, place INTEGER, item BLOB, PRIMARY KEY (key, place)) WITHOUT ROWID"
            )

    def add(self, key: str | int, item: Item | None = None) -> None:
        """Add an item; without one, only its key is remembered.

        Parameters
        ----------
        key : str or int
            All keys of a spool are of one kind.
        item : object, optional
            It can be pickled.

        Raises
        ------
        OutputError
            There is no room for temporary files.
        """
        with _named_errors():
            kept = None if item is None else pickle.dumps(item)
            self._connection.execute("INSERT INTO item VALUES (?, ?, ?)", (key, self._size, kept))
        self._size += 1

    def __contains__(self, key: object) -> bool:
        """Tell whether anything was added under a key."""
        with _named_errors():
            found = self._connection.execute("SELECT 1 FROM item WHERE key = ? LIMIT 1", (key,))
            return found.fetchone() is not None

    def __len__(self) -> int:
        """Return how many items were added."""
        return self._size

    def __iter__(self) -> Iterator[Item]:
        """Yield the items."""
        sql = (
            "SELECT key, place, item FROM item WHERE (key, place) > (?, ?) ORDER BY key, place"
            f" LIMIT {database.PORTION_ROWS}"
        )
        last = (float("-inf"), 0)  # before any number, and any number is before any text
        while True:
            with _named_errors():
                rows = self._connection.execute(sql, last).fetchall()
            if not rows:
                return
            yield from (pickle.loads(item) for _, _, item in rows)
            last = rows[-1][:2]


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        hint = "make room in the folder of temporary files, or name another with TMPDIR"
        raise OutputError(f"cannot keep the list of files on the disk: {error}", hint=hint) from error
