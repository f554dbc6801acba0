import json

import pytest
from maintenance import call, disagreements, ledger_of

from digitocr.errors import BusyError, UsageError
from digitocr.inbox import archive, lock
from digitocr.inbox.retry import matching, retry


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
        assert disagreements(work) == []

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

        with monkeypatch.context() as patch, ledger_of(work) as opened:
            patch.setattr(archive, "restore", killed)
            with pytest.raises(KeyboardInterrupt):
                retry(work.settings(), opened, [])
        assert work.names("failed") == ["bad.jpg", "bad.jpg.error.json"]
        with ledger_of(work) as opened:
            assert retry(work.settings(), opened, []) == ["bad.jpg"]
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
            lock.only_runner(work.folder / ".digitocr", None, ""),
            ledger_of(work) as opened,
            pytest.raises(BusyError),
        ):
            retry(work.settings(), opened, [])

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
        assert disagreements(work) == []
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


def test_names_fit_files_or_are_a_mistake(work):
    work.put("sub/a.jpg", "1")
    work.run()
    with ledger_of(work) as opened:
        known = list(opened.known(1))
        assert [k.file for k in matching(known, ["sub/*"])] == ["sub/a.jpg"]
        with pytest.raises(UsageError, match="gone"):
            matching(known, ["gone"])
