"""The tables of the ledger: migrations from every earlier release, and what hangs on a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

# The queue in the orders in which people work through it, who holds what, every decision with what was shown, and
# the further looks that are asked for.
_REVIEW_TABLES = """
    ALTER TABLE item ADD COLUMN page INTEGER AS (CAST(json_extract(cells, '$[2]') AS INTEGER)) VIRTUAL;
    ALTER TABLE item ADD COLUMN field TEXT AS (json_extract(cells, '$[3]')) VIRTUAL;
    ALTER TABLE item ADD COLUMN number INTEGER AS (CAST(json_extract(cells, '$[4]') AS INTEGER)) VIRTUAL;
    ALTER TABLE item ADD COLUMN digit TEXT AS (json_extract(cells, '$[6]')) VIRTUAL;
    ALTER TABLE item ADD COLUMN confidence REAL AS (CAST(json_extract(cells, '$[7]') AS REAL)) VIRTUAL;
    ALTER TABLE item ADD COLUMN reasons TEXT AS (json_extract(cells, '$[11]')) VIRTUAL;
    CREATE INDEX item_by_field ON item (job, waits, field, file, rank);
    CREATE INDEX item_by_file ON item (job, waits, file, rank);
    CREATE INDEX item_by_confidence ON item (job, waits, confidence, file, rank);
    CREATE INDEX item_by_digit ON item (job, waits, reasons, digit, confidence);
    CREATE TABLE lease (
        job INTEGER NOT NULL REFERENCES job,
        file INTEGER NOT NULL,
        page INTEGER NOT NULL,
        number INTEGER NOT NULL,
        session TEXT NOT NULL,
        until REAL NOT NULL,
        PRIMARY KEY (file, page, number)
    );
    CREATE INDEX lease_session ON lease (session);
    CREATE TABLE skip (
        session TEXT NOT NULL,
        file INTEGER NOT NULL,
        page INTEGER NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (session, file, page, number)
    );
    CREATE TABLE decision (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        token TEXT NOT NULL,
        job INTEGER NOT NULL REFERENCES job,
        file INTEGER NOT NULL REFERENCES file,
        page INTEGER NOT NULL,
        number INTEGER NOT NULL,
        read_at TEXT NOT NULL,
        look TEXT NOT NULL CHECK (look IN ('first', 'wall', 'second', 'third', 'audit', 'undo')),
        answer TEXT NOT NULL,
        shown TEXT NOT NULL,
        effect TEXT NOT NULL,
        undoes INTEGER REFERENCES decision,
        who TEXT NOT NULL,
        at TEXT NOT NULL,
        UNIQUE (token, file, page, number)
    );
    CREATE INDEX decision_number ON decision (file, page, number);
    CREATE UNIQUE INDEX decision_undoes ON decision (undoes);
    CREATE INDEX decision_at ON decision (job, at);
    CREATE TRIGGER decision_kept BEFORE DELETE ON decision
        BEGIN SELECT RAISE(ABORT, 'decisions are never deleted'); END;
    CREATE TRIGGER decision_unchanged BEFORE UPDATE ON decision
        BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END;
    CREATE TABLE further_look (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job INTEGER NOT NULL REFERENCES job,
        file INTEGER NOT NULL REFERENCES file,
        page INTEGER NOT NULL,
        number INTEGER NOT NULL,
        read_at TEXT NOT NULL,
        look TEXT NOT NULL CHECK (look IN ('second', 'third', 'audit')),
        texts TEXT NOT NULL,
        not_who TEXT NOT NULL DEFAULT '',
        origin INTEGER REFERENCES further_look,
        opened_by INTEGER REFERENCES decision,
        closed_by INTEGER REFERENCES decision,
        answer TEXT,
        UNIQUE (file, page, number, read_at, look, opened_by)
    );
    CREATE INDEX further_look_open ON further_look (job, closed_by, look);
    CREATE INDEX further_look_number ON further_look (file, page, number);
    CREATE INDEX further_look_opener ON further_look (opened_by);
    CREATE TABLE sampled (
        file INTEGER PRIMARY KEY REFERENCES file,
        read_at TEXT NOT NULL,
        share REAL NOT NULL
    );
"""

# Until then an item held the cells of its row in the queue, in the order of the columns of that table.
_TYPED_ITEMS = """
    CREATE TABLE typed_item (
        job INTEGER NOT NULL REFERENCES job,
        review_id TEXT NOT NULL,
        file INTEGER NOT NULL REFERENCES file,
        rank INTEGER NOT NULL,
        waits INTEGER NOT NULL,
        page INTEGER NOT NULL,
        field TEXT NOT NULL,
        number INTEGER NOT NULL,
        position INTEGER NOT NULL,
        digit INTEGER,
        confidence REAL,
        runner_up INTEGER,
        runner_up_confidence REAL,
        number_text TEXT NOT NULL,
        reasons TEXT NOT NULL,
        PRIMARY KEY (job, review_id)
    );
    INSERT INTO typed_item SELECT job, review_id, file, rank, waits,
        json_extract(cells, '$[2]'), json_extract(cells, '$[3]'), json_extract(cells, '$[4]'),
        coalesce(nullif(json_extract(cells, '$[5]'), ''), 0),
        nullif(json_extract(cells, '$[6]'), ''), nullif(json_extract(cells, '$[7]'), ''),
        nullif(json_extract(cells, '$[8]'), ''), nullif(json_extract(cells, '$[9]'), ''),
        json_extract(cells, '$[10]'), json_extract(cells, '$[11]')
        FROM item;
    DROP TABLE item;
    ALTER TABLE typed_item RENAME TO item;
    CREATE INDEX item_file ON item (file);
    CREATE INDEX item_by_field ON item (job, waits, field, file, rank);
    CREATE INDEX item_by_file ON item (job, waits, file, rank);
    CREATE INDEX item_by_confidence ON item (job, waits, confidence, file, rank);
    CREATE INDEX item_by_digit ON item (job, waits, reasons, digit, confidence);
"""

MIGRATIONS = (
    """
    CREATE TABLE job (
        id INTEGER PRIMARY KEY,
        results TEXT NOT NULL UNIQUE,
        published INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE run (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job INTEGER NOT NULL REFERENCES job,
        folder TEXT NOT NULL,
        started TEXT NOT NULL,
        ended TEXT,
        summary TEXT
    );
    CREATE TABLE file (
        id INTEGER PRIMARY KEY,
        job INTEGER NOT NULL REFERENCES job,
        source TEXT NOT NULL,
        file TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        checked_ns INTEGER NOT NULL,
        status TEXT NOT NULL DEFAULT '',
        model TEXT NOT NULL DEFAULT '',
        settings TEXT NOT NULL DEFAULT '',
        error_code TEXT NOT NULL DEFAULT '',
        error TEXT NOT NULL DEFAULT '',
        pages INTEGER NOT NULL DEFAULT 0,
        numbers INTEGER NOT NULL DEFAULT 0,
        digits INTEGER NOT NULL DEFAULT 0,
        review INTEGER NOT NULL DEFAULT 0,
        seconds REAL NOT NULL DEFAULT 0,
        processed_at TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 0,
        holder TEXT NOT NULL DEFAULT '',
        lease REAL NOT NULL DEFAULT 0,
        reading BLOB,
        number_lines TEXT NOT NULL DEFAULT '',
        stale INTEGER NOT NULL DEFAULT 0,
        UNIQUE (job, file)
    );
    CREATE INDEX file_content ON file (job, sha256);
    CREATE TABLE item (
        job INTEGER NOT NULL REFERENCES job,
        review_id TEXT NOT NULL,
        file INTEGER NOT NULL REFERENCES file,
        rank INTEGER NOT NULL,
        waits INTEGER NOT NULL,
        cells TEXT NOT NULL,
        PRIMARY KEY (job, review_id)
    );
    CREATE INDEX item_file ON item (file);
    CREATE TABLE correction (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job INTEGER NOT NULL REFERENCES job,
        file INTEGER NOT NULL REFERENCES file,
        review_id TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('digit', 'number')),
        old TEXT NOT NULL,
        new TEXT NOT NULL,
        who TEXT NOT NULL,
        at TEXT NOT NULL
    );
    CREATE INDEX correction_file ON correction (file);
    CREATE TRIGGER correction_kept BEFORE DELETE ON correction
        BEGIN SELECT RAISE(ABORT, 'corrections are never deleted'); END;
    CREATE TRIGGER correction_unchanged BEFORE UPDATE ON correction
        BEGIN SELECT RAISE(ABORT, 'corrections are never changed'); END;
    """,
    _REVIEW_TABLES,
    """
    CREATE INDEX file_source ON file (job, source);
    """,
    "ALTER TABLE file ADD COLUMN form_rows TEXT NOT NULL DEFAULT '';",
    _TYPED_ITEMS,
    # what the tables over all files show: the files up to this one, and the tables as they were written
    """
    ALTER TABLE job ADD COLUMN shown_to TEXT NOT NULL DEFAULT '';
    ALTER TABLE job ADD COLUMN shown_in TEXT NOT NULL DEFAULT '';
    UPDATE job SET shown_to =
        (SELECT coalesce(max(file), '') FROM file WHERE file.job = job.id AND status <> '');
    """,
    # for what is asked after every run
    """
    CREATE INDEX file_status ON file (job, status);
    CREATE INDEX file_processed ON file (job, processed_at);
    CREATE INDEX file_stale ON file (job) WHERE stale;
    """,
    "ALTER TABLE file ADD COLUMN stuck TEXT NOT NULL DEFAULT '';",
    # by which results know the ledger that wrote them
    """
    CREATE TABLE identity (id TEXT NOT NULL);
    INSERT INTO identity VALUES (lower(hex(randomblob(16))));
    ALTER TABLE job ADD COLUMN edition INTEGER NOT NULL DEFAULT 0;
    """,
    # since when a file that cannot be decoded has been as it is, by the clock of this machine
    """
    CREATE TABLE arriving (
        source TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        since REAL NOT NULL,
        PRIMARY KEY (source, size, mtime_ns)
    );
    """,
    "ALTER TABLE lease ADD COLUMN who TEXT NOT NULL DEFAULT '';",
    # 1 while a file is read by another process than the one that claimed it
    "ALTER TABLE file ADD COLUMN is_apart INTEGER NOT NULL DEFAULT 0;",
    # a column for values: empty, until the tables are made again from the readings, which tell them
    """
    UPDATE file SET number_lines = replace(number_lines, char(10), ',' || char(10)), stale = 1
        WHERE status IN ('done', 'empty', 'partial');
    UPDATE job SET published = 0, shown_in = '';
    """,
    "ALTER TABLE file ADD COLUMN etag TEXT NOT NULL DEFAULT '';",
)
"""One script for each version of the schema, from the first on; a released one is never changed."""

KEPT = ("correction", "decision")
"""Child tables of ``file`` with what people said. Nothing deletes a row of them, so its file stays as well."""

DERIVED = ("further_look", "sampled", "item", "lease", "skip")
"""Child tables of ``file`` that follow from its reading and go with it, the referring ones first."""


def statements(script: str) -> Iterator[str]:
    """Split a script into its statements, since `executescript` would commit between them.

    Parameters
    ----------
    script : str

    Yields
    ------
    str
        A complete statement.
    """
    statement = ""
    for part in script.split(";")[:-1]:
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def drop_derived(db: sqlite3.Connection, file: int) -> None:
    """Delete what follows from the reading of a file.

    Parameters
    ----------
    db : sqlite3.Connection
        In a transaction.
    file : int
        The id of the file.
    """
    for table in DERIVED:
        db.execute(f"DELETE FROM {table} WHERE file = ?", (file,))


def has_rows(db: sqlite3.Connection, tables: tuple[str, ...], file: int) -> bool:
    """Tell whether any of some child tables has a row of a file.

    Parameters
    ----------
    db : sqlite3.Connection
    tables : tuple of str
    file : int
        The id of the file.

    Returns
    -------
    bool
    """
    found = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE file = :file)" for table in tables)
    return bool(db.execute(f"SELECT {found}", {"file": file}).fetchone()[0])
