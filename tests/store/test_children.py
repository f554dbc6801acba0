"""A file with rows in every child table: whatever is done with it, no reference breaks and nobody's word is lost."""

import inspect
import shutil
import sqlite3
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from digitocr.errors import OutputError
from digitocr.store import review, schema
from digitocr.store.ledger import Claim, Known, Ledger, Outcome
from digitocr.store.records import Correction
from digitocr.store.statistics import Statistics

AGAIN = Claim(1, "a.jpg", "a.jpg", "aa", 10, 20, 30)
PLACE = review.Place(1, 1, 1)
KNOWN = Known(1, "a.jpg", "a.jpg", "aa", 10, 20, 30, *["done"] * 5, 1, 1, 1, 0, 0.0, "now", 0, "", 0.0, "")
ARGUMENTS = {
    "after": "",
    "answer": "7",
    "at": 1.0,
    "before": "2999-01-01T00:00:00Z",
    "checked_ns": 3,
    "claims": [AGAIN],
    "corrections": [Correction(1, "r1", "digit", "1", "7", "ann", "2026-01-01T00:00:00Z")],
    "correction": 1,
    "count": 9,
    "decision": 1,
    "digit": 7,
    "field": None,
    "file": 1,
    "known": KNOWN,
    "folder": Path("inbox"),
    "holder": "me",
    "identity": 1,
    "ids": [1],
    "job": 1,
    "limit": 9,
    "look": "audit",
    "most": 9,
    "mtime_ns": 2,
    "newest": 1,
    "not_who": "bob",
    "opened_by": 1,
    "order": "file",
    "offset": 0,
    "origin": None,
    "outcome": Outcome("done"),
    "outcomes": [(1, Outcome("done", reading=b"other"))],
    "page": 1,
    "place": PLACE,
    "places": [PLACE],
    "read_at": "2026-01-01T00:00:00Z",
    "results": Path("results"),
    "review_id": "r1",
    "review_ids": ["r1"],
    "run": 1,
    "session": "1",
    "sha256": "aa",
    "etag": "e",
    "share": 0.5,
    "since": "2020-01-01T00:00:00Z",
    "size": 1,
    "source": "a.jpg",
    "status": "done",
    "summary": {},
    "tables": "",
    "text": "a",
    "texts": ["7"],
    "token": "1",
    "until": 2.0,
    "waits": False,
    "who": "ann",
    "why": "no permission",
}
"""What a parameter of a method is given, by its name."""

SPECIAL = {
    ("is_free", "file"): "a.jpg",
    ("close", "look"): 1,
    ("add", "decision"): review.Decision("new", PLACE, "now", "first", "{}", "{}", "[]", "ann", "now"),
}
"""The same for one method, where the name means something else."""

VALUES = {
    "job": 1,
    "file": 1,
    "known": KNOWN,
    "page": 1,
    "number": 1,
    "kind": "digit",
    "look": "audit",
    "review_id": "r1",
    "cells": "[]",
}
BEFORE = {
    "read": lambda ledger: None,
    "claimed": lambda ledger: ledger.claims.take(1, [AGAIN], "me"),
    "reopened": lambda ledger: ledger.reopen(1),
    "reopened and claimed": lambda ledger: (ledger.reopen(1), ledger.claims.take(1, [AGAIN], "me")),
    "forgotten": lambda ledger: ledger.forget(1),
    "forgotten and claimed": lambda ledger: (ledger.forget(1), ledger.claims.take(1, [AGAIN], "me")),
}


PARTS = {
    "ledger": lambda ledger: ledger,
    "items": lambda ledger: ledger.items,
    "corrections": lambda ledger: ledger.corrections,
    "published": lambda ledger: ledger.published,
    "leases": lambda ledger: review.Leases(ledger.database, 1),
    "free numbers": lambda ledger: review.FreeNumbers(ledger.database, 1),
    "decisions": lambda ledger: review.Decisions(ledger.database, 1),
    "further looks": lambda ledger: review.FurtherLooks(ledger.database, 1),
    "statistics": lambda ledger: Statistics(ledger.database, 1),
}


def methods():
    """Return every public method of every part, as (part, method)."""
    with Ledger(Path("nowhere"), read_only=True) as ledger:
        parts = {name: make(ledger) for name, make in PARTS.items()}
    return [
        (part, name)
        for part, owner in parts.items()
        for name, _ in inspect.getmembers(owner, inspect.ismethod)
        if not name.startswith("_") and name != "close"
    ]


def children(db):
    """Return the tables that refer to a file, be it only by a column of that name."""
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {name: [row[1] for row in db.execute(f"PRAGMA table_info({name})")] for name in names}
    keys = {name: [row[2] for row in db.execute(f"PRAGMA foreign_key_list({name})")] for name in names}
    return {name for name in names if name != "file" and ("file" in columns[name] or "file" in keys[name])}


def put_row(db, table):
    """Insert a row that refers to file 1 and, where it can, to the first row of every other table."""
    row = dict.fromkeys(
        (name for _, name, kind, required, default, _ in db.execute(f"PRAGMA table_info({table})")
         if kind and required and default is None), "1"
    )  # fmt: skip
    row |= {key[3]: 1 for key in db.execute(f"PRAGMA foreign_key_list({table})")}
    row |= {name: value for name, value in VALUES.items() if name in row}
    db.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", (*row.values(),)
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A ledger with one file that was read, and a row of it in each of its child tables."""
    tmp_path = tmp_path_factory.mktemp("made")
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        job = ledger.job(tmp_path / "results")
        run = ledger.begin_run(job, tmp_path)
        ids = ledger.claims.take(job, [Claim(None, "a.jpg", "a.jpg", "aa", 10, 20, 30)], "me")
        assert (job, run, ids) == (1, 1, [1])
        ledger.finish(job, [(1, Outcome("done", reading=b"read", number_lines="a line"))])
    with closing(sqlite3.connect(path)) as db, db:
        for table in sorted(children(db)):
            put_row(db, table)
    return path


@pytest.fixture
def path(made, tmp_path):
    return Path(shutil.copy(made, tmp_path))


def rows(path, table):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(f"SELECT * FROM {table}").fetchall()


def test_the_schema_names_every_child_once(path):
    with closing(sqlite3.connect(path)) as db:
        assert sorted(schema.KEPT + schema.DERIVED) == sorted(children(db))


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize(("part", "name"), methods())
def test_no_method_breaks_a_reference_or_loses_a_word(path, part, name, before):
    words = {table: rows(path, table) for table in schema.KEPT}
    with Ledger(path) as ledger:
        BEFORE[before](ledger)
        method = getattr(PARTS[part](ledger), name)
        names = inspect.signature(method).parameters
        found = method(**{n: SPECIAL.get((name, n), ARGUMENTS[n]) for n in names})
        if inspect.isgenerator(found):
            list(islice(found, 3))
    assert rows(path, "pragma_foreign_key_check") == []
    for table, said in words.items():
        assert rows(path, table)[: len(said)] == said


def test_a_forgotten_file_leaves_only_what_people_said(path):
    with Ledger(path) as ledger:
        ledger.forget(1)
        assert ledger.file(1).status == ""
    assert all(rows(path, table) for table in schema.KEPT)
    assert not any(rows(path, table) for table in schema.DERIVED)


def test_a_forgotten_file_of_which_nobody_said_anything_is_gone(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        job = ledger.job(tmp_path)
        (identity,) = ledger.claims.take(job, [Claim(None, "a.jpg", "a.jpg", "aa", 10, 20, 30)], "me")
        ledger.finish(job, [(identity, Outcome("done"))])
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as db, db:
            db.execute("INSERT INTO sampled VALUES (1, 'now', 0.5)")
        ledger.forget(identity)
        assert list(ledger.known(job)) == []


def test_the_claim_of_a_forgotten_file_can_be_given_back(path):
    with Ledger(path) as ledger:
        ledger.forget(1)
        ledger.claims.take(1, [AGAIN], "me")
        ledger.claims.release([1])
        known = ledger.file(1)
    assert (known.status, known.holder, known.attempts) == ("", "", 0)


def test_the_claim_of_a_reopened_file_is_given_back_with_its_reading(path):
    with Ledger(path) as ledger:
        ledger.reopen(1)
        ledger.claims.take(1, [AGAIN], "me")
        ledger.claims.release([1])
        assert ledger.published.reading(1) == b"read"


def test_a_reading_that_someone_is_still_to_look_at_is_kept(path):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE item SET waits = 0")
        db.execute("UPDATE further_look SET closed_by = NULL, read_at = (SELECT processed_at FROM file)")
    with Ledger(path) as ledger:
        assert ledger.settle(1, "2999-01-01T00:00:00Z") == 0
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE further_look SET closed_by = 1")
    with Ledger(path) as ledger:
        assert ledger.settle(1, "2999-01-01T00:00:00Z") == 1


def test_a_constraint_that_fails_is_called_a_fault_of_the_program(path):
    with Ledger(path) as ledger, pytest.raises(OutputError, match="UNIQUE") as caught:
        ledger.claims.take(1, [Claim(None, "b", "b", "bb", 1, 1, 1)] * 2, "me")
    assert "fault of digitocr" in caught.value.hint
