"""What was seen, claimed, read, failed and corrected, in one SQLite file: the truth behind the tables.

A *job* is a results folder. Its path, and those of the folders that were read, are kept relative to the folder of
the ledger, so that all can be moved together. Within a job a file of the input is known by its source (the path
relative to the input folder) and its content; under `file` it appears in the tables. The outcome of the last reading
stays until a new one replaces it, so a claim never hides a result.

Any number of processes may use a ledger: write-ahead log, a busy time-out and short transactions. What a
program read is kept unchanged (`reading`), what people said is only ever appended (`correction`); the tables
are made from both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from digitocr.store import database
from digitocr.store.claims import Claims
from digitocr.store.corrections import Corrections
from digitocr.store.database import Database
from digitocr.store.items import Items, put_items
from digitocr.store.jobs import Jobs
from digitocr.store.published import Published, note_settled, put_off_job_of
from digitocr.store.records import Claim as Claim
from digitocr.store.records import Known as Known
from digitocr.store.records import Outcome as Outcome
from digitocr.store.records import Run
from digitocr.store.records import now as now
from digitocr.store.schema import KEPT, drop_derived, has_rows

_KNOWN = ", ".join(f"file.{name}" for name in Known.__slots__)


class Ledger:
    """The open ledger; threads may share it.

    Parameters
    ----------
    path : Path
        The SQLite file; made with its folder where it is missing.
    read_only : bool
        Write nothing; a missing ledger is an empty one.

    Attributes
    ----------
    database : Database
    jobs : Jobs
        The results folders.
    claims : Claims
        Which run is about to read which files.
    items : Items
        What the review queue holds.
    corrections : Corrections
        What people said.
    published : Published
        What the tables are made from.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.database = Database(path, read_only=read_only)
        self.jobs = Jobs(self.database, path.parent)
        self.claims = Claims(self.database)
        self.items = Items(self.database)
        self.corrections = Corrections(self.database)
        self.published = Published(self.database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    # jobs and runs

    def job(self, results: Path) -> int:
        """Return the job of a results folder, new or known."""
        return self.jobs.make(results)

    def find_job(self, results: Path) -> int | None:
        """Return the job of a results folder if the ledger knows it."""
        return self.jobs.find(results)

    def begin_run(self, job: int, folder: Path | str) -> int:
        """Record the start of a run, and return its id."""
        with self.database.writing() as db:
            cursor = db.execute(
                "INSERT INTO run (job, folder, started) VALUES (?, ?, ?)",
                (job, self.jobs.name_of(folder), now()),
            )
            return int(cursor.lastrowid or 0)

    def end_run(self, run: int, summary: dict[str, Any]) -> None:
        """Record how a run ended."""
        with self.database.writing() as db:
            db.execute(
                "UPDATE run SET ended = ?, summary = ? WHERE id = ?", (now(), json.dumps(summary), run)
            )

    def folders(self, job: int) -> tuple[Path | str, ...]:
        """Return the folders, or URLs, that were read for a job, the latest first."""
        sql = "SELECT folder FROM run WHERE job = ? GROUP BY folder ORDER BY max(id) DESC"
        return tuple(self.jobs.place_of(folder) for (folder,) in self.database.rows(sql, job))

    def runs(self, job: int, most: int = -1) -> list[Run]:
        """Return the runs of a job that claimed anything, the latest first; by default all."""
        sql = "SELECT id, folder, started, ended, summary FROM run WHERE job = ? ORDER BY id DESC LIMIT ?"
        rows = self.database.rows(sql, job, most)
        return [
            Run(i, str(self.jobs.place_of(f)), s, e or "", json.loads(text or "{}"))
            for i, f, s, e, text in rows
        ]

    # files

    def known(self, job: int, after: str = "", before: str | None = None) -> Iterator[Known]:
        """Yield the files of a job after one and before another, in the order of their names in the tables.

        What is written in the meantime is seen from where the iteration has come to.
        """
        sql = (
            f"SELECT {_KNOWN} FROM file WHERE job = ? AND file > ? AND file < {database.UP_TO}"
            f" ORDER BY file LIMIT {database.PORTION_ROWS}"
        )
        found = [Known(*row) for row in self.database.rows(sql, job, after, before)]
        while found:
            yield from found
            found = [Known(*row) for row in self.database.rows(sql, job, found[-1].file, before)]

    def of_source(self, job: int, source: str) -> list[Known]:
        """Return what lay at a path, one for each content."""
        return _found(self.database, "source = ?", job, source)

    def of_content(self, job: int, sha256: str) -> list[Known]:
        """Return the files of a content."""
        return _found(self.database, "sha256 = ?", job, sha256)

    def is_free(self, job: int, file: str) -> bool:
        """Tell whether no file has this name in the tables."""
        return not self.database.rows("SELECT 1 FROM file WHERE job = ? AND file = ?", job, file)

    def worst(self, job: int, since: str, count: int) -> list[Known]:
        """Return the files read since a time that most need a person: failed ones, then those with most for review."""
        return _found(self.database,
            "processed_at >= ? AND (error_code <> '' OR review) ORDER BY error_code = '', review DESC, file LIMIT ?",
            job, since, count,
        )  # fmt: skip

    def statuses(self, job: int) -> dict[str, int]:
        """Return the number of files of each status; '' stands for those never read to an end."""
        return dict(
            self.database.rows("SELECT status, count(*) FROM file WHERE job = ? GROUP BY status", job)
        )

    def contents(self) -> set[str]:
        """Return the hashes of all files of any job."""
        return {row[0] for row in self.database.rows("SELECT DISTINCT sha256 FROM file")}

    def file(self, identity: int) -> Known:
        """Return one file."""
        return Known(*self.database.rows(f"SELECT {_KNOWN} FROM file WHERE id = ?", identity)[0])

    def finish(self, job: int, outcomes: Sequence[tuple[int, Outcome]]) -> None:
        """Record how readings ended, in one transaction."""
        at = now()
        with self.database.writing() as db:
            note_settled(db, job, [identity for identity, _ in outcomes])
            for identity, o in outcomes:
                db.execute(
                    "UPDATE file SET status = ?, model = ?, settings = ?, error_code = ?, error = ?,"
                    " pages = ?, numbers = ?, digits = ?, review = ?, seconds = ?, reading = ?,"
                    " number_lines = ?, form_rows = ?, processed_at = ?,"
                    " attempts = CASE WHEN ? THEN attempts ELSE 0 END,"
                    " is_apart = 0, holder = '', lease = 0 WHERE id = ?",
                    (
                        *(o.status, o.model, o.settings, o.error_code, o.error, o.pages, o.numbers, o.digits),
                        *(o.review, o.seconds, o.reading, o.number_lines, o.form_rows),
                        *(at, o.may_pass, identity),
                    ),
                )
                put_items(db, job, identity, o.items)

    def reopen(self, identity: int) -> None:
        """Have the next run read a file again; its tables stay until then."""
        with self.database.writing() as db:
            db.execute(
                "UPDATE file SET status = '', error_code = '', error = '', attempts = 0, is_apart = 0,"
                " holder = '', lease = 0 WHERE id = ?",
                (identity,),
            )
            put_off_job_of(db, identity)

    def forget(self, identity: int) -> None:
        """Delete what is known of a file, except for what people said about it: then its row stays, emptied."""
        with self.database.writing() as db:
            put_off_job_of(db, identity)
            drop_derived(db, identity)
            if has_rows(db, KEPT, identity):
                db.execute(
                    "UPDATE file SET status = '', model = '', settings = '', error_code = '', error = '', pages = 0,"
                    " numbers = 0, digits = 0, review = 0, attempts = 0, is_apart = 0, holder = '', lease = 0,"
                    " reading = NULL, number_lines = '', form_rows = '', stale = 0 WHERE id = ?",
                    (identity,),
                )
            else:
                db.execute("DELETE FROM file WHERE id = ?", (identity,))

    def settle(self, job: int, before: str) -> int:
        """Drop the readings of files read before a time, which only later corrections would need, and old runs.

        A file of which anything waits for a person keeps its reading.

        Returns
        -------
        int
            How many readings were dropped.
        """
        with self.database.writing() as db:
            db.execute("DELETE FROM run WHERE job = ? AND ended < ?", (job, before))
            settled = [
                row[0]
                for row in db.execute(
                    "SELECT id FROM file WHERE job = ? AND processed_at < ? AND reading IS NOT NULL AND NOT stale"
                    " AND NOT EXISTS (SELECT 1 FROM item WHERE item.file = file.id AND waits)"
                    " AND NOT EXISTS (SELECT 1 FROM further_look AS l WHERE l.file = file.id"
                    " AND l.read_at = processed_at AND closed_by IS NULL)",
                    (job, before),
                )
            ]
            for identity in settled:
                db.execute("DELETE FROM item WHERE file = ?", (identity,))
                db.execute("UPDATE file SET reading = NULL WHERE id = ?", (identity,))
        return len(settled)

    def note_stuck(self, identity: int, why: str) -> None:
        """Record why a file cannot be moved out of the inbox, '' once it was."""
        with self.database.writing() as db:
            db.execute("UPDATE file SET stuck = ? WHERE id = ?", (why, identity))

    def stuck(self, job: int) -> list[Known]:
        """Return the files that could not be moved out of the inbox."""
        return _found(self.database, "stuck <> '' ORDER BY file", job)

    def seen_again(self, identity: int, *, size: int, mtime_ns: int, checked_ns: int, etag: str = "") -> None:
        """Record size, time and etag of a file whose content has not changed."""
        with self.database.writing() as db:
            db.execute(
                "UPDATE file SET size = ?, mtime_ns = ?, checked_ns = ?, etag = ? WHERE id = ?",
                (size, mtime_ns, checked_ns, etag, identity),
            )


def _found(database: Database, where: str, job: int, *values: object) -> list[Known]:
    sql = f"SELECT {_KNOWN} FROM file WHERE job = ? AND {where}"
    return [Known(*row) for row in database.rows(sql, job, *values)]
