import json
import os

import pytest
from maintenance import call, days_ago, disagreements

from digitocr import atomic
from digitocr.inbox import lock


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
        assert disagreements(work) == []

    def test_not_while_a_run_holds_the_inbox(self, work):
        work.run()
        with lock.only_runner(work.folder / ".digitocr", None, ""):
            assert call("housekeeping").exit_code == 3
