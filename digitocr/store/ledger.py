"""What was seen, claimed, read, failed and corrected, in one SQLite file: the truth behind the tables.

A *job* is a results folder. Within it a file of the input is known by its source (the path relative to the
input folder) and its content; under `file` it appears in the tables. The outcome of the last reading stays
until a new one replaces it, so a claim never hides a result.

Any number of processes may use a ledger: write-ahead log, a busy time-out and short transactions. What a
program read is kept unchanged (`reading`), what people said is only ever appended (`correction`); the tables
are made from both.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from digitocr.errors import OutputError
from digitocr.store.schema import DERIVED, KEPT, MIGRATIONS, drop_derived, has_rows, statements

LEASE_SECONDS = 3600.0
"""After this long a claim is shown as abandoned. A run takes claims over at once: its lock says that it is alone."""

_PUBLISHED, _PUBLISHING = 1, 2

_WAITING = "file CROSS JOIN item ON item.file = file.id AND waits"

_PORTION = 500
"""So many rows are in memory at once where all of a job are gone through."""

_WITH_FORMS = 4
"""From this version on a ledger keeps the rows of the tables of forms."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a file, without its reading.

    Attributes
    ----------
    source : str
        Path relative to the input folder, with ``/``.
    file : str
        Name in the tables: the source, or ``scan~1a2b3c4d.jpg`` where other content had the name first.
    checked_ns : int
        When the content was last hashed.
    status : str
        Outcome of the last reading, '' before the first.
    model, settings : str
        What it was read with.
    attempts : int
        Readings begun since the last outcome.
    holder : str
        Who is reading it, '' if no one is.
    lease : float
        Until when, in seconds since 1970.
    """

    id: int
    source: str
    file: str
    sha256: str
    size: int
    mtime_ns: int
    checked_ns: int
    status: str
    model: str
    settings: str
    error_code: str
    error: str
    pages: int
    numbers: int
    digits: int
    review: int
    seconds: float
    processed_at: str
    attempts: int
    holder: str
    lease: float

    @property
    def state(self) -> str:
        """What is known of it in a word: its status, or ``seen``, ``claimed``, ``abandoned``."""
        if self.holder:
            return "claimed" if time.time() < self.lease else "abandoned"
        return self.status or "seen"


_KNOWN = ", ".join(f"file.{name}" for name in Known.__slots__)


@dataclass(frozen=True, slots=True)
class Run:
    """A run that claimed files; without an end it was killed, or still runs."""

    id: int
    folder: str
    started: str
    ended: str
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """A file a runner is about to read; `id` is None for one the ledger has not seen."""

    id: int | None
    source: str
    file: str
    sha256: str
    size: int
    mtime_ns: int
    checked_ns: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something a person may look at: the cells of its row in the queue, and whether it still waits."""

    review_id: str
    waits: bool
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reading ended, and what the tables are made from; a trouble that may pass keeps its attempts."""

    status: str
    model: str = ""
    settings: str = ""
    error_code: str = ""
    error: str = ""
    may_pass: bool = False
    pages: int = 0
    numbers: int = 0
    digits: int = 0
    review: int = 0
    seconds: float = 0.0
    reading: bytes | None = None
    number_lines: str = ""
    form_rows: str = ""
    items: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person said about an item; `kind` is ``digit`` or ``number``."""

    file: int
    review_id: str
    kind: str
    old: str
    new: str
    who: str
    at: str


def now() -> str:
    """Return the time as it is written into tables: UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Ledger:
    """The open ledger; safe to share between threads.

    Parameters
    ----------
    path : Path
        The SQLite file; made with its folder where it is missing.
    read_only : bool
        Look but write nothing; a ledger that is not there yet is an empty one.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            if read_only:
                name = f"{path.resolve().as_uri()}?mode=ro" if path.exists() else ":memory:"
                self._db = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)
                migrate = name == ":memory:"
            else:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
                migrate = True
        except (OSError, sqlite3.Error) as error:
            raise self._trouble(error) from error
        try:
            self._db.execute("PRAGMA busy_timeout = 60000")
            if migrate:
                self._db.execute("PRAGMA journal_mode = WAL")
                # a power cut must not take back a commit after which a file was moved
                self._db.execute("PRAGMA synchronous = FULL")
                self._db.execute("PRAGMA foreign_keys = ON")
                self._migrate()
        except sqlite3.Error as error:
            self._db.close()
            raise self._trouble(error) from error
        except OutputError:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    # jobs and runs

    def job(self, results: Path) -> int:
        """Return the job of a results folder, new or known."""
        name = str(results.resolve())
        found = self._rows("SELECT id FROM job WHERE results = ?", name)
        if found:
            return int(found[0][0])
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO job (results) VALUES (?)", (name,))
            return int(db.execute("SELECT id FROM job WHERE results = ?", (name,)).fetchone()[0])

    def find_job(self, results: Path) -> int | None:
        """Return the job of a results folder if the ledger knows it."""
        found = self._rows("SELECT id FROM job WHERE results = ?", str(results.resolve()))
        return int(found[0][0]) if found else None

    def begin_run(self, job: int, folder: Path) -> int:
        """Write down that a run has begun, and return its number."""
        with self._writing() as db:
            cursor = db.execute(
                "INSERT INTO run (job, folder, started) VALUES (?, ?, ?)", (job, str(folder), now())
            )
            return int(cursor.lastrowid or 0)

    def end_run(self, run: int, summary: dict[str, Any]) -> None:
        """Write down how a run ended."""
        with self._writing() as db:
            db.execute(
                "UPDATE run SET ended = ?, summary = ? WHERE id = ?", (now(), json.dumps(summary), run)
            )

    def folders(self, job: int) -> tuple[Path, ...]:
        """Return the folders that were read for a job, the latest first."""
        rows = self._rows("SELECT folder FROM run WHERE job = ? GROUP BY folder ORDER BY max(id) DESC", job)
        return tuple(Path(folder) for (folder,) in rows)

    def runs(self, job: int) -> list[Run]:
        """Return the runs of a job that claimed anything, the latest first."""
        rows = self._rows(
            "SELECT id, folder, started, ended, summary FROM run WHERE job = ? ORDER BY id DESC", job
        )
        return [Run(i, f, s, e or "", json.loads(told or "{}")) for i, f, s, e, told in rows]

    def is_published(self, job: int) -> bool:
        """Tell whether the tables over all files show what the ledger knows."""
        return int(self._rows("SELECT published FROM job WHERE id = ?", job)[0][0]) == _PUBLISHED

    def begin_publishing(self, job: int) -> None:
        """Write down that the tables over all files are being written from what is known now."""
        with self._writing() as db:
            db.execute("UPDATE job SET published = ? WHERE id = ?", (_PUBLISHING, job))

    def end_publishing(self, job: int) -> None:
        """Write down that they are written; unless more has become known in the meantime."""
        with self._writing() as db:
            sql = "UPDATE job SET published = ? WHERE id = ? AND published = ?"
            db.execute(sql, (_PUBLISHED, job, _PUBLISHING))

    # files

    def known(self, job: int) -> Iterator[Known]:
        """Yield all files of a job in the order of their names in the tables."""
        return (Known(*row) for row in self._walk(_KNOWN, job))

    def of_source(self, job: int, source: str) -> list[Known]:
        """Return what lay at a path, one for each content."""
        return self._found("source = ?", job, source)

    def of_content(self, job: int, sha256: str) -> list[Known]:
        """Return the files of a content."""
        return self._found("sha256 = ?", job, sha256)

    def is_free(self, job: int, file: str) -> bool:
        """Tell whether no file has this name in the tables."""
        return not self._rows("SELECT 1 FROM file WHERE job = ? AND file = ?", job, file)

    def worst(self, job: int, since: str, count: int) -> list[Known]:
        """Return files read since a time that most need a person: failed, then with most for review."""
        return self._found(
            "processed_at >= ? AND (error_code <> '' OR review) ORDER BY error_code = '', review DESC, file LIMIT ?",
            job, since, count,
        )  # fmt: skip

    def statuses(self, job: int) -> dict[str, int]:
        """Return how many files have which status, '' for those never read to an end."""
        return dict(self._rows("SELECT status, count(*) FROM file WHERE job = ? GROUP BY status", job))

    def contents(self) -> set[str]:
        """Return the hashes of all files of any job."""
        return {row[0] for row in self._rows("SELECT DISTINCT sha256 FROM file")}

    def file(self, identity: int) -> Known:
        """Return one file."""
        return Known(*self._rows(f"SELECT {_KNOWN} FROM file WHERE id = ?", identity)[0])

    def claim(self, job: int, claims: Sequence[Claim], holder: str) -> list[int]:
        """Take files for reading, in one transaction, and return their ids."""
        lease = time.time() + LEASE_SECONDS
        ids: list[int] = []
        with self._writing() as db:
            for c in claims:
                seen = (c.source, c.sha256, c.size, c.mtime_ns, c.checked_ns)
                if c.id is None:
                    cursor = db.execute(
                        "INSERT INTO file (job, file, source, sha256, size, mtime_ns, checked_ns, attempts,"
                        " holder, lease) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
                        (job, c.file, *seen, holder, lease),
                    )
                    ids.append(int(cursor.lastrowid or 0))
                else:
                    db.execute(
                        "UPDATE file SET source = ?, sha256 = ?, size = ?, mtime_ns = ?, checked_ns = ?,"
                        " attempts = attempts + 1, holder = ?, lease = ? WHERE id = ?",
                        (*seen, holder, lease, c.id),
                    )
                    ids.append(c.id)
        return ids

    def release(self, ids: Iterable[int]) -> None:
        """Give claims back as if they had never been made."""
        with self._writing() as db:
            for identity in ids:
                if not has_rows(db, KEPT + DERIVED, identity):
                    db.execute(
                        "DELETE FROM file WHERE id = ? AND status = '' AND attempts <= 1 AND reading IS NULL",
                        (identity,),
                    )
                db.execute(
                    "UPDATE file SET attempts = max(attempts - 1, 0), holder = '', lease = 0 WHERE id = ?",
                    (identity,),
                )

    def finish(self, job: int, outcomes: Sequence[tuple[int, Outcome]]) -> None:
        """Write down how readings ended, in one transaction."""
        at = now()
        with self._writing() as db:
            for identity, o in outcomes:
                db.execute(
                    "UPDATE file SET status = ?, model = ?, settings = ?, error_code = ?, error = ?,"
                    " pages = ?, numbers = ?, digits = ?, review = ?, seconds = ?, reading = ?,"
                    " number_lines = ?, form_rows = ?, processed_at = ?,"
                    " attempts = CASE WHEN ? THEN attempts ELSE 0 END,"
                    " holder = '', lease = 0 WHERE id = ?",
                    (
                        *(o.status, o.model, o.settings, o.error_code, o.error, o.pages, o.numbers, o.digits),
                        *(o.review, o.seconds, o.reading, o.number_lines, o.form_rows),
                        *(at, o.may_pass, identity),
                    ),
                )
                self._put_items(db, job, identity, o.items)
            db.execute("UPDATE job SET published = 0 WHERE id = ?", (job,))

    def reopen(self, identity: int) -> None:
        """Have a file read again as if for the first time; its tables stay until then."""
        with self._writing() as db:
            db.execute(
                "UPDATE file SET status = '', error_code = '', error = '', attempts = 0, holder = '', lease = 0"
                " WHERE id = ?",
                (identity,),
            )
            db.execute(
                "UPDATE job SET published = 0 WHERE job.id = (SELECT job FROM file WHERE id = ?)", (identity,)
            )

    def forget(self, identity: int) -> None:
        """Know nothing of a file any more, but for what people said about it, which is never deleted."""
        with self._writing() as db:
            db.execute(
                "UPDATE job SET published = 0 WHERE job.id = (SELECT job FROM file WHERE id = ?)", (identity,)
            )
            drop_derived(db, identity)
            if has_rows(db, KEPT, identity):
                db.execute(
                    "UPDATE file SET status = '', model = '', settings = '', error_code = '', error = '', pages = 0,"
                    " numbers = 0, digits = 0, review = 0, attempts = 0, holder = '', lease = 0, reading = NULL,"
                    " number_lines = '', form_rows = '', stale = 0 WHERE id = ?",
                    (identity,),
                )
            else:
                db.execute("DELETE FROM file WHERE id = ?", (identity,))

    def settle(self, job: int, before: str) -> int:
        """Drop what corrections of files read before a time would need, where nothing of them waits; and old runs.

        Returns
        -------
        int
            Of how many files.
        """
        with self._writing() as db:
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

    def compact(self) -> None:
        """Give the room of what was dropped back to the disk."""
        with self._lock:
            try:
                self._db.execute("VACUUM")
            except sqlite3.Error as error:
                raise self._trouble(error) from error

    def seen_again(self, identity: int, *, size: int, mtime_ns: int, checked_ns: int) -> None:
        """Remember size and time of a file whose content was found to be the same."""
        with self._writing() as db:
            db.execute(
                "UPDATE file SET size = ?, mtime_ns = ?, checked_ns = ? WHERE id = ?",
                (size, mtime_ns, checked_ns, identity),
            )

    # what the tables are made from

    def reading(self, identity: int) -> bytes:
        """Return what the program read in a file, as it was stored."""
        return bytes(self._rows("SELECT reading FROM file WHERE id = ?", identity)[0][0] or b"")

    def number_lines(self, job: int) -> Iterator[str]:
        """Yield the lines of the table of numbers, file by file."""
        return (lines for (lines,) in self._walk("number_lines", job))

    def form_rows(self, job: int) -> Iterator[str]:
        """Yield the rows of the tables of forms, file by file; '' for a file without any."""
        if self._version() < _WITH_FORMS:  # of an earlier program, and only looked at
            return
        for (rows,) in self._rows("SELECT form_rows FROM file WHERE job = ? ORDER BY file", job):
            yield rows

    def lines_of(self, identity: int) -> str:
        """Return the lines of the table of numbers of one file."""
        return str(self._rows("SELECT number_lines FROM file WHERE id = ?", identity)[0][0])

    def all_waiting(self) -> list[Waiting]:
        """Return what waits for a person in any job."""
        rows = self._rows("SELECT review_id, waits, cells FROM item WHERE waits")
        return [Waiting(i, bool(w), tuple(json.loads(c))) for i, w, c in rows]

    def waiting(self, job: int) -> Iterator[Waiting]:
        """Yield what waits for a person, file by file, in reading order."""
        return (
            Waiting(i, bool(w), tuple(json.loads(c)))
            for i, w, c in self._walk("review_id, waits, cells", job, _WAITING, "rank")
        )

    def count_waiting(self, job: int) -> int:
        """Return how much waits for a person."""
        return int(self._rows("SELECT count(*) FROM item WHERE job = ? AND waits = 1", job)[0][0])

    def item(self, job: int, review_id: str) -> tuple[int, Waiting] | None:
        """Return the file an item belongs to and the item, or None if the job has no such item."""
        rows = self._rows(
            "SELECT file, review_id, waits, cells FROM item WHERE job = ? AND review_id = ?", job, review_id
        )
        return next(((f, Waiting(i, bool(w), tuple(json.loads(c)))) for f, i, w, c in rows), None)

    def others_wait(self, job: int) -> bool:
        """Tell whether anything waits in another job."""
        return bool(self._rows("SELECT 1 FROM item WHERE job <> ? AND waits LIMIT 1", job))

    def waits_elsewhere(self, job: int, review_id: str) -> bool:
        """Tell whether the item waits in another job."""
        sql = "SELECT 1 FROM item WHERE review_id = ? AND job <> ? AND waits LIMIT 1"
        return bool(self._rows(sql, review_id, job))

    # corrections

    def correct(self, job: int, corrections: Sequence[Correction]) -> None:
        """Append corrections and mark their files' tables as no longer true, in one transaction."""
        with self._writing() as db:
            for c in corrections:
                db.execute(
                    "INSERT INTO correction (job, file, review_id, kind, old, new, who, at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (job, c.file, c.review_id, c.kind, c.old, c.new, c.who, c.at),
                )
                db.execute("UPDATE file SET stale = 1 WHERE id = ?", (c.file,))
            db.execute("UPDATE job SET published = 0 WHERE id = ?", (job,))

    def corrections(self, identity: int) -> list[Correction]:
        """Return what people said about a file, oldest first."""
        rows = self._rows(
            "SELECT file, review_id, kind, old, new, who, at FROM correction WHERE file = ? ORDER BY id",
            identity,
        )
        return [Correction(*row) for row in rows]

    def audit(self, job: int) -> list[tuple[str, Correction]]:
        """Return all corrections of a job, oldest first, each with the name of its file."""
        rows = self._rows(
            "SELECT f.file, c.file, review_id, kind, old, new, who, at FROM correction AS c"
            " JOIN file AS f ON f.id = c.file WHERE c.job = ? ORDER BY c.id",
            job,
        )
        return [(name, Correction(*row)) for name, *row in rows]

    def stale(self, job: int) -> list[Known]:
        """Return files with corrections that their tables do not show yet."""
        return self._found("stale", job)

    def newest_correction(self, identity: int) -> int:
        """Return the number of the latest correction of a file, 0 without any."""
        sql = "SELECT coalesce(max(id), 0) FROM correction WHERE file = ?"
        return int(self._rows(sql, identity)[0][0])

    def refresh(self, job: int, identity: int, outcome: Outcome, newest: int) -> None:
        """Replace what the tables are made from, after corrections; the reading stays.

        Where someone has corrected the file since correction `newest`, nothing changes and it stays to be done.
        """
        with self._writing() as db:
            if self.newest_correction(identity) != newest:
                return
            db.execute(
                "UPDATE file SET status = ?, numbers = ?, digits = ?, review = ?, number_lines = ?, form_rows = ?,"
                " stale = 0 WHERE id = ?",
                (
                    *(outcome.status, outcome.numbers, outcome.digits, outcome.review),
                    *(outcome.number_lines, outcome.form_rows, identity),
                ),
            )
            self._put_items(db, job, identity, outcome.items)

    # SQLite

    def _put_items(self, db: sqlite3.Connection, job: int, identity: int, items: Sequence[Waiting]) -> None:
        db.execute("DELETE FROM item WHERE file = ?", (identity,))
        db.executemany(
            "INSERT OR REPLACE INTO item (job, review_id, file, rank, waits, cells)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                (job, i.review_id, identity, rank, i.waits, json.dumps(i.cells, ensure_ascii=False))
                for rank, i in enumerate(items)
            ],
        )

    def _found(self, where: str, job: int, *values: object) -> list[Known]:
        sql = f"SELECT {_KNOWN} FROM file WHERE job = ? AND {where}"
        return [Known(*row) for row in self._rows(sql, job, *values)]

    def _walk(self, columns: str, job: int, tables: str = "file", second: str = "id") -> Iterator[Any]:
        """Yield rows of all files of a job in the order of their names, a portion of them in memory at once.

        What is written in the meantime is seen from where the walk has come to.
        """
        sql = (
            f"SELECT file.file, {second}, {columns} FROM {tables}"
            f" WHERE file.job = ? AND (file.file, {second}) > (?, ?) ORDER BY file.file, {second} LIMIT {_PORTION}"
        )
        rows = self._rows(sql, job, "", -1)
        while rows:
            yield from (row[2:] for row in rows)
            rows = self._rows(sql, job, *rows[-1][:2])

    def _rows(self, sql: str, *values: Any) -> list[Any]:  # noqa: ANN401 - what SQLite takes
        try:
            with self._lock:
                return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise self._trouble(error) from error

    def _migrate(self) -> None:
        version = self._version()
        if version > len(MIGRATIONS):
            raise OutputError(
                f"the ledger {self._path} was written by a newer version", hint="install that version again"
            )
        while self._version() < len(MIGRATIONS):
            with self._writing() as db:
                version = self._version()  # another process may have been faster
                for statement in statements("".join(MIGRATIONS[version : version + 1])):
                    db.execute(statement)
                if version < len(MIGRATIONS):
                    db.execute(f"PRAGMA user_version = {version + 1}")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _trouble(self, error: Exception) -> OutputError:
        hint = "check space and permissions"
        if isinstance(error, sqlite3.IntegrityError):
            hint = "this is a fault of digitocr, not of the disk: nothing was changed; please report it"
        elif isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            hint = "another program holds it; try again"
        elif "malformed" in str(error) or "not a database" in str(error):
            hint = f"move {self._path} away; the folder will be read again"
        return OutputError(f"the ledger {self._path} cannot be used: {error}", hint=hint)
