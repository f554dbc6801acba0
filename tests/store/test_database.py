import json
import sqlite3
import threading
from contextlib import closing

import pytest

from digitocr.errors import OutputError
from digitocr.store import schema
from digitocr.store.database import Database
from digitocr.store.ledger import Ledger
from digitocr.store.records import QueueItem

BEFORE_TYPED_ITEMS = 4
"""The last version of the schema in which an item was the cells of its row."""
BEFORE_VALUES = next(k for k, script in enumerate(schema.MIGRATIONS) if "SET number_lines" in script)
"""The last one in which numbers had no value."""
DIGIT = ["r1", "a.jpg", "2", "rent", "3", "4", "7", "0.1234", "1", "0.0400", "0017", "low-confidence;neighbour",
         "crops/r1.png"]  # fmt: skip
WHOLE = ["r2", "a.jpg", "1", "", "1", "", "", "0.5000", "", "", "", "unreadable", "crops/r2.png"]
PAGE = ["r3", "a.jpg", "1", "", "0", "", "", "", "", "", "", "nothing-found", "crops/r3.png"]


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "ledger.sqlite")
    yield database
    database.close()


@pytest.fixture
def earlier(tmp_path):
    """A ledger as the release before typed items left it."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as db, db:
        for script in schema.MIGRATIONS[:BEFORE_TYPED_ITEMS]:
            db.executescript(script)
        db.execute(f"PRAGMA user_version = {BEFORE_TYPED_ITEMS}")
        db.execute("INSERT INTO job (results) VALUES (?)", (str((tmp_path / "results").resolve()),))
        db.execute(
            "INSERT INTO file (job, source, file, sha256, size, mtime_ns, checked_ns, form_rows)"
            " VALUES (1, 'a.jpg', 'a.jpg', 'aa', 1, 1, 1, 'rows of a form')"
        )
        for rank, cells in enumerate((DIGIT, WHOLE, PAGE)):
            row = (cells[0], rank, cells is not WHOLE, json.dumps(cells))
            db.execute(
                "INSERT INTO item (job, review_id, file, rank, waits, cells) VALUES (1, ?, 1, ?, ?, ?)", row
            )
    return path


def jobs(database):
    return [name for (name,) in database.rows("SELECT results FROM job ORDER BY id")]


def put_job(database, name):
    with database.writing() as db:
        db.execute("INSERT INTO job (results) VALUES (?)", (name,))


class TestWriting:
    def test_what_raises_changes_nothing(self, database):
        def put_and_raise():
            with database.writing():
                put_job(database, "one")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            put_and_raise()
        assert jobs(database) == []

    def test_an_inner_transaction_is_part_of_the_outer_one(self, database, tmp_path):
        with database.writing():
            put_job(database, "one")
            with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as other:
                assert other.execute("SELECT count(*) FROM job").fetchone() == (0,)
            assert jobs(database) == ["one"]
        assert jobs(database) == ["one"]

    def test_a_caught_error_of_an_inner_one_leaves_the_outer_one_open(self, database):
        with database.writing():
            with pytest.raises(RuntimeError), database.writing():
                raise RuntimeError
            put_job(database, "one")
        assert jobs(database) == ["one"]

    def test_an_error_after_which_sqlite_rolled_back_itself_is_told(self, database):
        with database.writing() as db:
            db.execute(
                "CREATE TRIGGER full BEFORE INSERT ON job BEGIN SELECT RAISE(ROLLBACK, 'disk is full'); END"
            )
        with pytest.raises(OutputError, match="disk is full"):
            put_job(database, "one")
        assert jobs(database) == []

    def test_another_thread_waits_for_the_end(self, database):
        other = threading.Thread(target=put_job, args=(database, "two"))
        with database.writing():
            other.start()
            other.join(0.1)
            assert other.is_alive()
            put_job(database, "one")
        other.join()
        assert jobs(database) == ["one", "two"]

    def test_errors_of_sqlite_name_the_file(self, database):
        put_job(database, "one")
        with pytest.raises(OutputError, match=r"ledger\.sqlite"):
            put_job(database, "one")
        with pytest.raises(OutputError, match="no such table"):
            database.rows("SELECT * FROM no_such")


def test_parameters_by_place_and_by_name(database):
    assert database.rows("SELECT ?, ?", 1, "a") == [(1, "a")]
    assert database.rows("SELECT :b, :a", a=1, b=2) == [(2, 1)]


class TestAnEarlierRelease:
    def test_its_items_get_typed_columns(self, earlier):
        with Ledger(earlier) as ledger:
            assert list(ledger.items.waiting(1)) == [
                QueueItem(
                    "r1", "a.jpg", 2, "rent", 3, 4, 7, 0.1234, 1, 0.04, "0017", "low-confidence;neighbour"
                ),
                QueueItem("r3", "a.jpg", 1, reasons="nothing-found"),
            ]
            whole = QueueItem("r2", "a.jpg", 1, number=1, confidence=0.5, reasons="unreadable", waits=False)
            assert ledger.items.find(1, "r2") == (1, whole)
            assert ledger.database.rows("SELECT typeof(digit), typeof(confidence) FROM item ORDER BY rank") == [
                ("integer", "real"), ("null", "real"), ("null", "null"),
            ]  # fmt: skip

    def test_looking_at_it_reads_all_and_changes_nothing(self, earlier):
        before = earlier.read_bytes()
        with Ledger(earlier, read_only=True) as ledger:
            assert ledger.items.count_waiting(1) == 2
            assert [item.review_id for item in ledger.items.waiting(1)] == ["r1", "r3"]
            assert list(ledger.published.form_rows(1)) == ["rows of a form"]
        assert earlier.read_bytes() == before

    def test_it_becomes_the_newest_once(self, earlier):
        for _ in range(2):
            Ledger(earlier).close()
        with closing(sqlite3.connect(earlier)) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
            assert db.execute("SELECT count(*) FROM item").fetchone() == (3,)


def test_numbers_of_an_earlier_release_get_a_column_for_their_value_and_are_made_again(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as db, db:
        for script in schema.MIGRATIONS[:BEFORE_VALUES]:
            db.executescript(script)
        db.execute(f"PRAGMA user_version = {BEFORE_VALUES}")
        db.execute("INSERT INTO job (results, published) VALUES ('results', 1)")
        for name, lines, status in (
            ("a.jpg", "a,1,x\na,2,\n", "done"),
            ("b.jpg", "", "empty"),
            ("c.jpg", "", "failed"),
        ):
            sql = "INSERT INTO file (job, source, file, sha256, size, mtime_ns, checked_ns, number_lines, status)"
            db.execute(f"{sql} VALUES (1, ?, ?, 'aa', 1, 1, 1, ?, ?)", (name, name, lines, status))
    with Ledger(path) as ledger:
        assert list(ledger.published.number_lines(1)) == ["a,1,x,\na,2,,\n", "", ""]
        assert ledger.published.stale(1) == [1, 2]
        assert not ledger.published.is_current(1)
