"""What the tables are made from, and whether they show what the ledger knows.

Beside the reading of a file, its lines of the table of numbers and its rows of the tables of forms are kept. They
follow from the reading and the corrections, but made from these they take a hundred times as long, and a run or a
decision publishes the tables over all files, however few have changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digitocr.store import database
from digitocr.store.database import Database
from digitocr.store.items import put_items
from digitocr.store.records import Known, Outcome

_DUE, _DONE, _UNDER_WAY, _GROWN = 0, 1, 2, 3
"""Whether the tables over all files of a job are to be written, are written, are being written, or only lack files
that come after all of theirs."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the tables over all files of a job show.

    Attributes
    ----------
    to : str
        Name of their last file, '' without any.
    tables : str
        What tells these tables from any others of their names.
    stand : bool
        None of their rows has changed since they were written.
    """

    to: str
    tables: str
    stand: bool


class Published:
    """The sources of the tables of all jobs.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_current(self, job: int) -> bool:
        """Tell whether the tables over all files show what the ledger knows."""
        return int(self._database.rows("SELECT published FROM job WHERE id = ?", job)[0][0]) == _DONE

    def begin(self, job: int) -> Shown:
        """Note that the tables over all files are being written from what is known now.

        Returns
        -------
        Shown
            What they show until then.
        """
        with self._database.writing() as db:
            sql = "SELECT published, shown_to, shown_in FROM job WHERE id = ?"
            state, to, tables = db.execute(sql, (job,)).fetchone()
            db.execute("UPDATE job SET published = ? WHERE id = ?", (_UNDER_WAY, job))
        return Shown(to, tables, state in (_DONE, _GROWN))

    def end(self, job: int, tables: str, before: str | None = None) -> None:
        """Note that they are written, unless what they show has changed in the meantime.

        Parameters
        ----------
        job : int
        tables : str
            Tells them from any others of their names.
        before : str, optional
            They show only the files before this one.
        """
        sql = f"SELECT coalesce(max(file), '') FROM file WHERE job = ? AND status <> '' AND file < {database.UP_TO}"
        state = _DONE if before is None else _GROWN
        with self._database.writing() as db:
            (to,) = db.execute(sql, (job, before)).fetchone()
            db.execute(
                "UPDATE job SET published = ?, shown_to = ?, shown_in = ? WHERE id = ? AND published = ?",
                (state, to, tables, job, _UNDER_WAY),
            )

    def reading(self, file: int) -> bytes:
        """Return what the program read in a file, as it was stored; b'' where it was dropped."""
        return bytes(self._database.rows("SELECT reading FROM file WHERE id = ?", file)[0][0] or b"")

    def has_reading(self, job: int, file: int) -> bool:
        """Tell whether a file of a job was read, and its reading is still kept."""
        sql = "SELECT 1 FROM file WHERE id = ? AND job = ? AND reading IS NOT NULL"
        return bool(self._database.rows(sql, file, job))

    def lines_of(self, file: int) -> str:
        """Return the lines of one file in the table of numbers."""
        return str(self._database.rows("SELECT number_lines FROM file WHERE id = ?", file)[0][0])

    def number_lines(self, job: int, after: str = "", before: str | None = None) -> Iterator[str]:
        """Yield the lines of the table of numbers, file by file, of the files after one and before another."""
        return self._column("number_lines", job, after, before)

    def number_lines_since(self, job: int, at: str) -> Iterator[str]:
        """Yield the lines of the table of numbers of files read since a time, file by file."""
        sql = "SELECT number_lines FROM file WHERE job = ? AND processed_at >= ? ORDER BY file"
        return (lines for (lines,) in self._database.rows(sql, job, at))

    def form_rows(self, job: int, after: str = "", before: str | None = None) -> Iterator[str]:
        """Yield the rows of the tables of forms, file by file as for `number_lines`; '' for a file without any."""
        return self._column("form_rows", job, after, before)

    def _column(self, column: str, job: int, after: str, before: str | None) -> Iterator[str]:
        sql = (
            f"SELECT file, {column} FROM file WHERE job = ? AND file > ? AND file < {database.UP_TO}"
            f" ORDER BY file LIMIT {database.PORTION_ROWS}"
        )
        rows = self._database.rows(sql, job, after, before)
        while rows:
            yield from (value for _, value in rows)
            rows = self._database.rows(sql, job, rows[-1][0], before)

    def outcome(self, known: Known) -> Outcome:
        """Return how the last reading of a file ended, without what the tables over all files are made from."""
        k = known
        return Outcome(
            *(k.status, k.model, k.settings, k.error_code, k.error),
            pages=k.pages,
            seconds=k.seconds,
            reading=self.reading(k.id),
        )

    def mark_stale(self, ids: Sequence[int]) -> None:
        """Have the tables of files made again from their readings."""
        with self._database.writing() as db:
            db.executemany("UPDATE file SET stale = 1 WHERE id = ?", [(i,) for i in ids])

    def unmark_stale(self, file: int) -> None:
        """Leave the tables of a file as they are: its reading was dropped."""
        with self._database.writing() as db:
            db.execute("UPDATE file SET stale = 0 WHERE id = ?", (file,))

    def stale(self, job: int) -> list[int]:
        """Return the ids of files with corrections that their tables do not show yet."""
        rows = self._database.rows("SELECT id FROM file WHERE job = ? AND stale", job)
        return [int(file) for (file,) in rows]

    def refresh(self, job: int, file: int, outcome: Outcome, newest: int) -> None:
        """Replace what the tables are made from, after corrections; the reading stays.

        Where someone has corrected the file since correction `newest`, nothing changes and it stays out of date.
        """
        with self._database.writing() as db:
            since = "SELECT 1 FROM correction WHERE file = ? AND id > ? LIMIT 1"
            if db.execute(since, (file, newest)).fetchone():
                return
            o = outcome
            db.execute(
                "UPDATE file SET status = ?, numbers = ?, digits = ?, review = ?, number_lines = ?, form_rows = ?,"
                " stale = 0 WHERE id = ?",
                (o.status, o.numbers, o.digits, o.review, o.number_lines, o.form_rows, file),
            )
            put_items(db, job, file, o.items)
            put_off(db, job)


def note_settled(db: sqlite3.Connection, job: int, files: Sequence[int]) -> None:
    """Note that files are about to get their outcomes: what is new can be added to the tables over all files.

    Parameters
    ----------
    db : sqlite3.Connection
        In a transaction.
    job : int
    files : sequence of int
        Their ids.
    """
    is_shown = (
        f"SELECT 1 FROM file WHERE id IN ({', '.join('?' * len(files))})"
        " AND (status <> '' OR file <= job.shown_to)"
    )
    db.execute(
        f"UPDATE job SET published = iif(published IN ({_DONE}, {_GROWN}) AND NOT EXISTS ({is_shown}),"
        f" {_GROWN}, {_DUE}) WHERE id = ?",
        (*files, job),
    )


def put_off(db: sqlite3.Connection, job: int) -> None:
    """Note that the tables over all files of a job are to be written again.

    Parameters
    ----------
    db : sqlite3.Connection
        In a transaction.
    job : int
    """
    db.execute("UPDATE job SET published = ? WHERE id = ?", (_DUE, job))


def put_off_job_of(db: sqlite3.Connection, file: int) -> None:
    """Note that the tables over all files of the job of a file are to be written again.

    Parameters
    ----------
    db : sqlite3.Connection
        In a transaction.
    file : int
        Its id.
    """
    db.execute("UPDATE job SET published = ? WHERE id = (SELECT job FROM file WHERE id = ?)", (_DUE, file))
