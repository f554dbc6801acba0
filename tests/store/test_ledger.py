import sqlite3
import subprocess
import sys
import threading

import pytest

from digitocr.errors import OutputError
from digitocr.store.database import Database
from digitocr.store.ledger import Claim, Ledger, Outcome
from digitocr.store.records import Correction, QueueItem


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "state" / "ledger.sqlite") as opened:
        yield opened


@pytest.fixture
def job(ledger, tmp_path):
    return ledger.job(tmp_path / "results")


def claim(name="a.jpg", content="aa", identity=None):
    return Claim(identity, name, name, content, 10, 20, 30)


class TestClaims:
    def test_a_claimed_file_has_no_outcome_and_names_its_holder(self, ledger, job):
        (identity,) = ledger.claims.take(job, [claim()], "me")
        known = ledger.file(identity)
        assert (known.status, known.holder, known.attempts) == ("", "me", 0)

    def test_an_attempt_counts_when_it_begins(self, ledger, job):
        one, other = ledger.claims.take(job, [claim(), claim("b.jpg", "bb")], "me")
        ledger.claims.begin([one])
        assert (ledger.file(one).attempts, ledger.file(other).attempts) == (1, 0)

    def test_an_outcome_ends_the_claim(self, ledger, job):
        (identity,) = ledger.claims.take(job, [claim()], "me")
        ledger.finish(job, [(identity, Outcome("done", "m", "s", numbers=3))])
        known = ledger.file(identity)
        assert (known.status, known.holder, known.attempts, known.numbers) == ("done", "", 0, 3)
        assert known.processed_at.endswith("Z")

    def test_a_claim_hides_no_earlier_outcome(self, ledger, job):
        (identity,) = ledger.claims.take(job, [claim()], "me")
        ledger.finish(job, [(identity, Outcome("done"))])
        ledger.claims.take(job, [claim(identity=identity)], "me")
        assert ledger.file(identity).status == "done"

    def test_a_released_claim_was_never_made(self, ledger, job):
        ids = ledger.claims.take(job, [claim()], "me")
        ledger.claims.release(ids)
        assert list(ledger.known(job)) == []

    def test_releasing_leaves_the_attempts_of_a_dead_run(self, ledger, job):
        (identity,) = ledger.claims.take(job, [claim()], "dead")
        ledger.claims.begin([identity])
        ledger.claims.take(job, [claim(identity=identity)], "me")
        ledger.claims.release([identity])
        assert ledger.file(identity).attempts == 1

    def test_an_attempt_in_another_process_counts_unless_the_holder_ends_as_well(self, ledger, job):
        ids = ledger.claims.take(job, [claim(), claim("b.jpg", "bb")], "dead")
        ledger.claims.begin(ids, is_apart=True)
        ledger.claims.note_ended(ids[:1])
        assert [ledger.file(i).endings for i in ids] == [1, 0]
        ledger.claims.take(job, [claim(identity=ids[0]), claim("b.jpg", "bb", ids[1])], "me")
        assert [(k.attempts, k.endings) for k in map(ledger.file, ids)] == [(1, 1), (0, 0)]

    def test_an_attempt_that_is_withdrawn_does_not_count(self, ledger, job):
        (identity,) = ledger.claims.take(job, [claim()], "dead")
        ledger.claims.begin([identity])
        ledger.claims.take(job, [claim(identity=identity)], "me")
        ledger.claims.begin([identity])
        ledger.claims.withdraw([identity])
        known = ledger.file(identity)
        assert (known.attempts, known.holder) == (1, "")

    def test_a_first_attempt_that_is_withdrawn_was_never_made(self, ledger, job):
        ids = ledger.claims.take(job, [claim()], "me")
        ledger.claims.begin(ids)
        ledger.claims.withdraw(ids)
        assert list(ledger.known(job)) == []

    def test_a_trouble_that_may_pass_keeps_its_attempts(self, ledger, job):
        (identity,) = ledger.claims.take(job, [claim()], "me")
        ledger.claims.begin([identity])
        ledger.finish(job, [(identity, Outcome("failed", error_code="no-access", may_pass=True))])
        assert ledger.file(identity).attempts == 1

    def test_all_or_none_of_a_chunk_is_claimed(self, ledger, job):
        with pytest.raises(OutputError):
            ledger.claims.take(job, [claim("a"), claim("a")], "me")
        assert list(ledger.known(job)) == []


def test_another_results_folder_is_another_job(ledger, tmp_path):
    one, two = ledger.job(tmp_path / "one"), ledger.job(tmp_path / "two")
    assert one != two
    assert ledger.job(tmp_path / "x" / ".." / "one") == one
    ledger.claims.take(one, [claim()], "me")
    assert list(ledger.known(two)) == []
    assert ledger.find_job(tmp_path / "three") is None


def test_all_files_are_gone_through_portion_by_portion(ledger, job, monkeypatch):
    monkeypatch.setattr("digitocr.store.database.PORTION_ROWS", 2)
    names = ["b", "a", "e", "é", "d", "c", "a/b"]
    for identity, name in zip(ledger.claims.take(job, [claim(n) for n in names], "me"), names, strict=True):
        items = tuple(QueueItem(f"{name}{i}", name, 1, waits=i != 1) for i in range(4))
        ledger.finish(job, [(identity, Outcome("done", number_lines=name, items=items))])
    assert [k.file for k in ledger.known(job)] == sorted(names)
    assert list(ledger.published.number_lines(job)) == sorted(names)
    expected = [f"{name}{i}" for name in sorted(names) for i in (0, 2, 3)]
    assert [item.review_id for item in ledger.items.waiting(job)] == expected
    assert ledger.items.count_waiting(job) == len(names), "each name has three items of one number"


def test_files_at_hand_are_found_without_going_through_all(ledger, job, monkeypatch):
    asked, rows = [], Database.rows

    def noted(database, sql, *values, **named):
        asked.append((sql, values, named))
        return rows(database, sql, *values, **named)

    monkeypatch.setattr(Database, "rows", noted)
    ledger.of_source(job, "a"), ledger.of_content(job, "a"), ledger.is_free(job, "a")
    list(ledger.known(job)), list(ledger.published.number_lines(job)), list(ledger.items.waiting(job))
    ledger.items.find(job, "r1"), ledger.corrections.of(1), ledger.statuses(job), ledger.published.stale(job)
    assert len(asked) == 10
    for sql, values, named in asked:
        plan = [row[3] for row in rows(ledger.database, f"EXPLAIN QUERY PLAN {sql}", *values, **named)]
        assert not any("SCAN" in step or "B-TREE FOR ORDER BY" in step for step in plan), (sql, plan)


def test_the_tables_over_all_files_are_due_after_every_outcome(ledger, job):
    ledger.published.begin(job)
    ledger.published.end(job, "tables")
    (identity,) = ledger.claims.take(job, [claim()], "me")
    assert ledger.published.is_current(job)
    ledger.finish(job, [(identity, Outcome("done"))])
    assert not ledger.published.is_current(job)


def test_what_becomes_known_while_tables_are_written_is_still_due(ledger, job):
    (identity,) = ledger.claims.take(job, [claim()], "me")
    ledger.published.begin(job)
    ledger.finish(job, [(identity, Outcome("done"))])
    ledger.published.end(job, "tables")
    assert not ledger.published.is_current(job)


class TestCorrections:
    def test_they_are_appended_and_make_tables_stale(self, ledger, job):
        (identity,) = ledger.claims.take(job, [claim()], "me")
        ledger.finish(job, [(identity, Outcome("done", items=(QueueItem("r1", "a.jpg", 1),)))])
        said = Correction(identity, "r1", "digit", "1", "7", "ann", "2026-01-01T00:00:00Z")
        ledger.corrections.add(job, [said])
        assert ledger.corrections.of(identity) == [said]
        assert ledger.published.stale(job) == [identity]
        assert ledger.corrections.all(job) == [("a.jpg", said)]
        ledger.published.refresh(job, identity, Outcome("done"), ledger.corrections.newest(identity))
        assert ledger.published.stale(job) == []
        assert list(ledger.items.waiting(job)) == []

    @pytest.mark.parametrize("sql", ["DELETE FROM correction", "UPDATE correction SET new = '0'"])
    def test_they_can_be_neither_changed_nor_deleted(self, ledger, job, sql, tmp_path):
        (identity,) = ledger.claims.take(job, [claim()], "me")
        ledger.corrections.add(job, [Correction(identity, "r1", "digit", "1", "7", "ann", "now")])
        db = sqlite3.connect(tmp_path / "state" / "ledger.sqlite")
        with pytest.raises(sqlite3.IntegrityError, match="corrections are never"):
            db.execute(sql)
        db.close()


class TestFile:
    def test_a_damaged_one_is_named_with_what_to_do(self, tmp_path):
        path = tmp_path / "ledger.sqlite"
        path.write_bytes(b"this is no database" * 100)
        with pytest.raises(OutputError, match=r"ledger\.sqlite") as caught:
            Ledger(path)
        assert "ledger rebuild" in caught.value.hint

    def test_one_of_a_newer_version_is_left_alone(self, tmp_path):
        path = tmp_path / "ledger.sqlite"
        db = sqlite3.connect(path)
        db.execute("PRAGMA user_version = 99")
        db.close()
        with pytest.raises(OutputError, match="newer version"):
            Ledger(path)

    def test_looking_makes_none(self, tmp_path):
        with Ledger(tmp_path / "state" / "ledger.sqlite", read_only=True) as looked:
            assert looked.find_job(tmp_path) is None
        assert list(tmp_path.iterdir()) == []

    def test_looking_at_one_reads_it(self, tmp_path, ledger, job):
        with Ledger(tmp_path / "state" / "ledger.sqlite", read_only=True) as looked:
            assert looked.find_job(tmp_path / "results") == job

    def test_a_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "state").write_text("a file")
        with pytest.raises(OutputError):
            Ledger(tmp_path / "state" / "ledger.sqlite")


def test_threads_share_a_ledger(ledger, job):
    def work(number):
        for i in range(20):
            (identity,) = ledger.claims.take(job, [claim(f"{number}-{i}")], "me")
            ledger.finish(job, [(identity, Outcome("done"))])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(list(ledger.known(job))) == 80


def test_processes_share_a_ledger_from_its_making_on(tmp_path):
    path = tmp_path / "ledger.sqlite"
    script = (
        "import sys; from pathlib import Path; from digitocr.store.ledger import Claim, Ledger, Outcome\n"
        "path, me = Path(sys.argv[1]), sys.argv[2]\n"
        "with Ledger(path) as ledger:\n"
        "    job = ledger.job(path.parent)\n"
        "    for i in range(25):\n"
        "        ids = ledger.claims.take(job, [Claim(None, f'{me}-{i}', f'{me}-{i}', me, 1, 1, 1)], me)\n"
        "        ledger.finish(job, [(ids[0], Outcome('done'))])\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", script, str(path), str(n)]) for n in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    with Ledger(path) as ledger:
        assert len(list(ledger.known(ledger.job(tmp_path)))) == 75
