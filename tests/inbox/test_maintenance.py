"""Keeping an inbox in order: status, verify, retry, forget, housekeeping, by their commands."""

import json
import logging
import os
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from digitocr import atomic
from digitocr.cli import app as commands
from digitocr.cli import console
from digitocr.errors import BusyError, UsageError
from digitocr.inbox import folder, maintenance
from digitocr.store.ledger import Ledger


def call(*args):
    return CliRunner().invoke(commands.app, list(args))


def ledger(work):
    return Ledger(work.folder / ".digitocr" / "ledger.sqlite")


def verify(work):
    with ledger(work) as opened:
        return maintenance.verify(work.settings(), opened)


def days_ago(work, days):
    """Have everything read so many days ago."""
    then = time.time() - days * maintenance.DAY
    with ledger(work) as opened, opened.database.writing() as db:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(then))
        db.execute("UPDATE file SET processed_at = ?", (at,))
        db.execute("UPDATE run SET started = ?, ended = ?", (at, at))
    for path in (work.folder / "review").rglob("*.png"):
        os.utime(path, (then, then))


class TestStatus:
    def test_it_says_what_waits_and_what_was(self, work):
        work.put("a.jpg", "1?")
        work.put("bad.jpg", "BAD")
        work.run()
        work.put("b.jpg", "2")
        seen = json.loads(call("status", "--json").stdout)
        assert (seen["inbox"], seen["review"], seen["failed"], seen["runs"]) == (1, 1, 1, 1)
        assert seen["files"] == {"done": 1, "failed": 1}
        assert (seen["last_run"]["done"], seen["holder"]) == (1, {})
        assert seen["free"]["results"] > 0
        told = call("status").stdout
        assert "1 done, 1 failed" in told
        assert "no one" in told

    def test_it_names_who_runs(self, work):
        work.run()
        with folder.only_runner(work.folder / ".digitocr", None, "reading here"):
            assert "reading here, process" in call("status").stdout

    def test_a_card_that_outlived_its_writer_names_no_one(self, work):
        work.run()
        card = work.folder / ".digitocr" / "run.holder.json"
        card.write_text(
            json.dumps({"pid": 2**22 + 1, "host": os.uname().nodename, "purpose": "", "since": ""})
        )
        assert folder.holder(work.folder / ".digitocr") == {}

    def test_before_anything_was_read_it_makes_nothing(self, work):
        assert call("status").exit_code == 0
        assert [path.name for path in work.folder.iterdir()] == ["inbox"]

    def test_a_run_with_nothing_to_do_is_not_counted(self, work):
        work.run()
        with ledger(work) as opened:
            assert opened.runs(1) == []


class TestMetrics:
    def test_they_are_written_after_a_run_and_can_be_parsed(self, work):
        work.put("a.jpg", "1?")
        work.put("bad.jpg", "BAD")
        work.run(metrics_file="metrics/digitocr.prom")
        text = (work.folder / "metrics" / "digitocr.prom").read_text()
        found = {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        assert found["digitocr_files_total", "done"] == 1
        assert found["digitocr_files_total", "failed"] == 1
        assert found["digitocr_review_waiting",] == 1
        assert found["digitocr_quarantined_files",] == 1
        assert found["digitocr_last_run_end_timestamp_seconds",] > time.time() - 100

    def test_where_they_cannot_be_written_the_run_goes_on(self, work):
        work.put("a.jpg", "1")
        work.put("file", "")
        assert work.run(metrics_file=work.inbox / "README.md" / "x").done == 1


class TestLog:
    def test_a_line_of_json_for_each_file_with_run_and_hash(self, work):
        console.set_up(quiet=False, verbose=False)
        try:
            console.log_to(work.folder / "logs" / "run.jsonl")
            content = folder.digest(work.put("a.jpg", "1"))
            work.put("bad.jpg", "BAD")
            work.run()
        finally:
            for handler in logging.getLogger("digitocr").handlers[:]:
                logging.getLogger("digitocr").removeHandler(handler)
                handler.close()
        lines = [json.loads(line) for line in (work.folder / "logs" / "run.jsonl").read_text().splitlines()]
        events = {line["file"]: line for line in lines if "file" in line}
        assert (events["a.jpg"]["sha256"], events["a.jpg"]["run"], events["a.jpg"]["status"]) == (
            content,
            1,
            "done",
        )
        assert (events["bad.jpg"]["status"], events["bad.jpg"]["code"]) == ("failed", "damaged")
        assert all({"time", "level", "message"} <= set(line) for line in lines)


class TestList:
    def test_it_lists_files_by_name_and_status(self, work):
        for name, text in {"a.jpg": "1", "b.jpg": "2?", "bad.jpg": "BAD"}.items():
            work.put(name, text)
        work.run()
        assert [line.split("\t")[:2] for line in call("ledger", "list").stdout.splitlines()] == [
            ["a.jpg", "done"],
            ["b.jpg", "done"],
            ["bad.jpg", "failed"],
        ]
        assert call("ledger", "list", "--status", "failed").stdout.startswith("bad.jpg\t")
        (one,) = call("ledger", "list", "b.*", "--json").stdout.splitlines()
        assert json.loads(one)["review"] == 1

    def test_a_name_that_is_not_there_is_a_mistake(self, work):
        work.run()
        done = call("ledger", "list", "gone.jpg")
        assert done.exit_code == 2
        assert "gone.jpg" in done.stderr


class TestVerify:
    @pytest.fixture
    def full(self, work):
        work.put("sub/a.jpg", "1? 23")
        work.put("b.jpg", "2")
        work.put("twin.jpg", "2")
        work.put("bad.jpg", "BAD")
        work.run()
        return work

    def test_what_agrees(self, full):
        assert verify(full) == []
        assert call("ledger", "verify").exit_code == 0

    @pytest.mark.parametrize(
        ("gone", "said"),
        [
            ("results/sub/a.jpg.numbers.csv", "sub/a.jpg: a.jpg.numbers.csv is missing"),
            ("results/sub/a.jpg.digits.csv", "sub/a.jpg: a.jpg.digits.csv is missing"),
            ("results/files.csv", "files.csv: is missing"),
            ("results/numbers.csv", "numbers.csv: is missing"),
            ("archive/sub/a.jpg", "sub/a.jpg: the original is nowhere"),
            ("failed/bad.jpg", "bad.jpg: the original is nowhere"),
            ("failed/bad.jpg.error.json", "bad.jpg: has no reason"),
            ("review/queue.csv", "queue.csv: r"),
        ],
    )
    def test_what_is_gone(self, full, gone, said):
        (full.folder / gone).unlink()
        assert any(said in line for line in verify(full)), verify(full)
        assert call("ledger", "verify").exit_code == 1

    def test_what_was_changed(self, full):
        table = full.folder / "results" / "sub" / "a.jpg.numbers.csv"
        table.write_text(table.read_text().replace("23", "24"))
        (full.folder / "archive" / "b.jpg").write_text("other")
        said = verify(full)
        assert any("a.jpg.numbers.csv" in line for line in said)
        assert any("archive/b.jpg: never read" in line for line in said)

    def test_what_is_strange(self, full):
        full.put("x.jpg.digits.csv", "", full.folder / "results")
        full.put(".0.1.partial", "", full.folder / "results")
        full.put("new.jpg", "never seen", full.folder / "archive")
        said = " ".join(verify(full))
        assert all(
            word in said for word in ("x.jpg.digits.csv", ".partial: left behind", "new.jpg: never read")
        )

    def test_a_folder_that_is_left_as_it_is_has_its_originals_there(self, work):
        other = work.folder / "other"
        work.put("a.jpg", "1", other)
        work.run(other)
        assert verify(work) == []


class TestRetry:
    def test_failed_files_are_put_back_and_read(self, work):
        work.put("sub/bad.jpg", "BAD")
        work.put("worse.jpg", "BAD too")
        work.run()
        error = work.error_of("sub/bad.jpg")
        assert set(error) == {"file", "sha256", "code", "message", "hint", "attempts", "time"}
        assert error["hint"] == "scan or copy it again"
        assert call("ledger", "retry", "sub/*").stdout == "sub/bad.jpg\n"
        assert work.names("inbox") == ["sub/bad.jpg"]
        assert work.names("failed") == ["worse.jpg", "worse.jpg.error.json"]
        assert work.run().failed == 1
        assert len(work.names("failed")) == 4
        assert verify(work) == []

    def test_what_can_be_read_by_now_is_done(self, work):
        work.put("a.jpg", "BUG")
        for _ in range(3):
            work.run()
        assert work.names("failed") == ["a.jpg", "a.jpg.error.json"]
        assert call("ledger", "retry").exit_code == 0
        work.reader.read = lambda *asked: type(work.reader)().read(*asked)
        (work.inbox / "a.jpg").write_text("17")
        assert work.run().done == 1
        assert work.names("inbox") == []

    def test_it_can_be_repeated_after_a_kill_between_ledger_and_disk(self, work, monkeypatch):
        work.put("bad.jpg", "BAD")
        work.run()

        def killed(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, ledger(work) as opened:
            patch.setattr(folder, "put_back", killed)
            with pytest.raises(KeyboardInterrupt):
                maintenance.retry(work.settings(), opened, [])
        assert work.names("failed") == ["bad.jpg", "bad.jpg.error.json"]
        with ledger(work) as opened:
            assert maintenance.retry(work.settings(), opened, []) == ["bad.jpg"]
        assert work.names("inbox") == ["bad.jpg"]
        assert work.names("failed") == []

    def test_a_name_that_is_taken_again_is_not_overwritten(self, work):
        work.put("bad.jpg", "BAD")
        work.run()
        work.put("bad.jpg", "12")
        done = call("ledger", "retry")
        assert done.exit_code == 2
        assert "is there already" in done.stderr
        assert (work.inbox / "bad.jpg").read_text() == "12"
        assert work.names("failed") == ["bad.jpg", "bad.jpg.error.json"]

    def test_not_while_a_run_holds_the_inbox(self, work):
        work.put("bad.jpg", "BAD")
        work.run()
        with (
            folder.only_runner(work.folder / ".digitocr", None, ""),
            ledger(work) as opened,
            pytest.raises(BusyError),
        ):
            maintenance.retry(work.settings(), opened, [])

    def test_a_failed_file_of_another_folder_is_read_again(self, work):
        other = work.folder / "other"
        path = work.put("bad.jpg", "BAD", other)
        work.run(other)
        assert work.run(other).unchanged == 1
        assert call("ledger", "retry", "bad.jpg").stdout == "bad.jpg\n"
        assert work.run(other).failed == 1
        assert path.exists()


class TestForget:
    def test_a_forgotten_file_is_read_as_if_new(self, work):
        other = work.folder / "other"
        work.put("a.jpg", "1?", other)
        work.put("b.jpg", "2", other)
        work.run(other)
        assert call("ledger", "forget", "a.jpg").stdout == "a.jpg\n"
        assert work.statuses() == {"b.jpg": "done"}
        assert work.table("review/queue.csv") == []
        assert len(work.names("results/.old")) == 2
        assert verify(work) == []
        assert work.run(other).done == 1
        assert work.statuses() == {"a.jpg": "done", "b.jpg": "done"}

    def test_what_people_said_is_kept(self, work):
        from flows.apply_review import apply_review

        other = work.folder / "other"
        work.put("a.jpg", "1?", other)
        work.run(other)
        queue = work.folder / "review" / "queue.csv"
        queue.write_text(queue.read_text().replace(".png,,\n", ".png,7,\n"))
        apply_review(work.settings(), "ann")
        assert call("ledger", "forget", "a.jpg").exit_code == 0
        assert len(work.table("review/audit.csv")) == 1
        work.run(other)
        assert [row["text"] for row in work.table("results/numbers.csv")] == ["7"]

    def test_it_takes_a_name(self, work):
        assert call("ledger", "forget").exit_code == 2


class TestReprocess:
    def test_what_another_threshold_read_is_read_again_from_the_archive(self, work):
        work.put("a.jpg", "1")
        work.put("b.jpg", "2")
        work.run()
        assert work.run(threshold=0.123).files == 0
        assert work.run(threshold=0.123, reprocess="changed").done == 2
        assert work.run(threshold=0.123, reprocess="changed").files == 0
        assert work.names("archive") == ["a.jpg", "b.jpg"]
        assert len(work.names("results/.old")) == 4
        assert verify(work) == []

    def test_all_is_read_again_once(self, work):
        for name, text in {"a.jpg": "1", "twin.jpg": "1", "bad.jpg": "BAD"}.items():
            work.put(name, text)
        work.run()
        work.reader.seen.clear()
        summary = work.run(reprocess="all")
        assert (summary.done, summary.duplicates, summary.failed) == (1, 1, 1)
        assert sorted(work.reader.seen) == ["a.jpg", "bad.jpg"]
        assert work.names("archive") == ["a.jpg", "twin.jpg"]
        assert work.names("failed") == ["bad.jpg", "bad.jpg.error.json"]
        assert verify(work) == []

    def test_what_failed_and_can_be_read_now_goes_to_the_archive(self, work, monkeypatch):
        work.put("a.jpg", "BAD 5")
        work.run()
        assert work.run(reprocess="changed").files == 0
        import fake_reader

        real = fake_reader.failed
        monkeypatch.setattr(
            fake_reader,
            "failed",
            lambda file, content, code, message: fake_reader.FileResult(
                file, content, (fake_reader.PageResult(1, (60, 400), fake_reader.numbers("5")),)
            ),
        )
        assert work.run(reprocess="failed").done == 1
        monkeypatch.setattr(fake_reader, "failed", real)
        assert work.names("archive") == ["a.jpg"]
        assert work.names("failed") == []
        assert verify(work) == []

    def test_in_another_folder(self, work):
        other = work.folder / "other"
        work.put("a.jpg", "1", other)
        work.put("bad.jpg", "BAD", other)
        work.run(other)
        assert work.run(other, reprocess="failed").failed == 1
        summary = work.run(other, reprocess="all")
        assert (summary.done, summary.failed, summary.unchanged) == (1, 1, 0)


class TestHousekeeping:
    def test_by_default_it_removes_nothing_but_leftovers_of_kills(self, work):
        work.put("a.jpg", "1")
        work.run()
        days_ago(work, 1000)
        left = work.put(f".0.1{atomic.PARTIAL}", "", work.folder / "results")
        fresh = work.put(f".1.1{atomic.PARTIAL}", "", work.folder / "results")
        os.utime(left, (1, 1))
        done = json.loads(call("housekeeping", "--json").stdout)
        assert done == {"originals": 0, "crops": 0, "readings": 0, "leftovers": 1, "troubles": []}
        assert not left.exists()
        assert fresh.exists()

    @pytest.mark.parametrize(("days", "left"), [(9, ["done.jpg", "waits.jpg"]), (11, ["waits.jpg"])])
    def test_originals_go_after_their_time_but_for_those_that_wait(self, work, monkeypatch, days, left):
        monkeypatch.setenv("DIGITOCR_KEEP_ARCHIVE_DAYS", "10")
        work.put("done.jpg", "1")
        work.put("waits.jpg", "2?")
        work.run()
        days_ago(work, days)
        call("housekeeping")
        assert work.names("archive") == left
        monkeypatch.setattr(maintenance, "_wrong_tables", lambda *_: [])  # the times in it were changed above
        assert call("ledger", "verify").exit_code == 0

    def test_what_is_not_the_file_that_was_read_is_left(self, work, monkeypatch):
        monkeypatch.setenv("DIGITOCR_KEEP_ARCHIVE_DAYS", "0")
        work.put("a.jpg", "1")
        work.run()
        days_ago(work, 1)
        work.put("a.jpg", "another", work.folder / "archive")
        call("housekeeping")
        assert work.names("archive") == ["a.jpg"]

    def test_crops_that_no_one_waits_for(self, work, monkeypatch):
        monkeypatch.setenv("DIGITOCR_KEEP_CROPS_DAYS", "10")
        work.put("a.jpg", "1?")
        work.run()
        stray = work.put("r0.png", "", work.folder / "review" / "crops")
        days_ago(work, 11)
        call("housekeeping")
        assert not stray.exists()
        assert len(work.names("review/crops")) == 1

    def test_readings_that_no_one_waits_for(self, work, monkeypatch):
        monkeypatch.setenv("DIGITOCR_KEEP_LEDGER_DAYS", "10")
        work.put("a.jpg", "1")
        work.put("b.jpg", "2?")
        work.run()
        days_ago(work, 11)
        before = (work.folder / "results" / "numbers.csv").read_text()
        assert json.loads(call("housekeeping", "--json").stdout)["readings"] == 1
        work.put("c.jpg", "3")
        work.run()
        assert (work.folder / "results" / "numbers.csv").read_text().startswith(before)
        assert verify(work) == []

    def test_not_while_a_run_holds_the_inbox(self, work):
        work.run()
        with folder.only_runner(work.folder / ".digitocr", None, ""):
            assert call("housekeeping").exit_code == 3


def test_names_fit_files_or_are_a_mistake(work):
    work.put("sub/a.jpg", "1")
    work.run()
    with ledger(work) as opened:
        known = list(opened.known(1))
        assert [k.file for k in maintenance.matching(known, ["sub/*"])] == ["sub/a.jpg"]
        with pytest.raises(UsageError, match="gone"):
            maintenance.matching(known, ["gone"])
