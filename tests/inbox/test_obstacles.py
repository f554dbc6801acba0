"""No file stands in the way of another, whatever the system refuses to do with it."""

import os
import shutil
import time
from contextlib import contextmanager

import permissions
import pytest
from maintenance import call

from digitocr.errors import OutputError
from digitocr.inbox import card, scan
from digitocr.inbox.job import Hooks
from digitocr.inbox.plan import ATTEMPTS


@contextmanager
def mode(path, bits):
    path.chmod(bits)
    try:
        with permissions.enforced():
            yield
    finally:
        path.chmod(0o755)


class TestMoving:
    def test_a_file_that_cannot_be_moved_is_read_and_told_of_once(self, work):
        work.put("a/x.jpg", "1")
        work.put("b.jpg", "2")
        with mode(work.inbox / "a", 0o555):
            first = work.run()
            work.put("c.jpg", "3")
            second = work.run()
            shown = call("status").stdout
        assert (first.done, first.stuck, first.exit_status) == (2, 1, 1)
        assert (second.done, second.unchanged, second.stuck, second.exit_status) == (1, 1, 0, 0)
        assert work.names("archive") == ["b.jpg", "c.jpg"]
        assert "stuck       a/x.jpg: cannot move" in shown
        assert work.run().unchanged == 1
        assert work.names("archive") == ["a/x.jpg", "b.jpg", "c.jpg"]
        assert "stuck" not in call("status").stdout

    def test_nor_does_a_bad_one_or_a_duplicate_stop_the_rest(self, work):
        work.put("a/bad.jpg", "BAD")
        work.put("a/twin.jpg", "2")
        work.put("b.jpg", "2")
        with mode(work.inbox / "a", 0o555):
            summary = work.run()
        assert (summary.done, summary.failed, summary.duplicates, summary.stuck) == (1, 1, 1, 2)
        assert work.names("failed") == [], "no reason without its file"

    def test_an_archive_that_cannot_be_written_costs_no_reading(self, work):
        work.put("a.jpg", "1")
        work.put("b.jpg", "2")
        archive = work.folder / "archive"
        archive.mkdir()
        with mode(archive, 0o555):
            assert (work.run().done, work.run().unchanged) == (2, 2)
        assert work.run().unchanged == 2
        assert work.names("archive") == ["a.jpg", "b.jpg"]


class TestReadingAndWriting:
    @pytest.mark.parametrize("inside", ["", "x.jpg"])
    def test_a_folder_out_of_reach_is_told_of_once(self, work, inside):
        (work.inbox / "locked").mkdir()
        if inside:
            work.put(f"locked/{inside}", "1")
            (work.inbox / "link").symlink_to(work.inbox / "locked" / inside)
        work.put("b.jpg", "2")
        with mode(work.inbox / "locked", 0):
            runs = [work.run() for _ in range(2)]
        assert [(s.done, s.failed - bool(inside), s.unchanged) for s in runs] == [(1, 1, 0), (0, 0, 1)]
        again = work.run()
        assert again.done == bool(inside), "it is read as soon as it can be"

    def test_a_file_out_of_reach_that_cannot_be_moved_is_given_up(self, work):
        path = work.put("a/x.jpg", "1")
        path.chmod(0)
        with mode(path.parent, 0o555):
            failed = [work.run().failed for _ in range(ATTEMPTS + 1)]
        assert failed == [1, 1, 1, 0]
        path.chmod(0o644)
        assert work.run().done == 1

    def test_a_results_folder_of_one_file_that_cannot_be_written_costs_that_file(self, work):
        work.put("a/x.jpg", "1")
        work.put("b.jpg", "2")
        folder = work.folder / "results" / "a"
        folder.mkdir(parents=True)
        with mode(folder, 0o555):
            summary = work.run()
        assert (summary.done, summary.failed) == (1, 1)
        assert (
            "cannot write"
            in {row["file"]: row["error"] for row in work.table("results/files.csv")}["a/x.jpg"]
        )
        assert work.run().done == 1

    def test_results_that_cannot_be_written_at_all_end_the_run(self, work):
        work.put("a.jpg", "1")
        work.run()
        work.put("b.jpg", "2")
        with mode(work.folder / "results", 0o555), pytest.raises(OutputError, match="cannot write"):
            work.run()
        assert work.run().done == 1


class TestSize:
    def test_a_file_that_is_too_large_is_not_even_hashed(self, work, monkeypatch):
        path = work.put("big.png", "")
        os.truncate(path, 30_000_000_000)
        work.put("a.jpg", "1")
        started = time.monotonic()
        summary = work.run()
        assert time.monotonic() - started < 2
        assert (summary.done, summary.failed) == (1, 1)
        assert work.names("failed") == ["big.png", "big.png.error.json"]
        assert work.error_of("big.png")["code"] == "file-size"
        path = work.put("big.png", "")
        os.truncate(path, 30_000_000_000)
        work.run()
        assert len(work.names("failed")) == 4
        call("ledger", "retry")
        assert "big.png" in work.names("inbox")

    def test_it_is_known_as_long_as_it_is_the_same(self, work):
        other = work.folder / "other"
        work.put("big.png", "12345678", other)
        assert [work.run(other, max_bytes=5).failed for _ in range(2)] == [1, 0]
        assert work.run(other).done == 1

    def test_it_is_not_copied_to_another_disk(self, work, monkeypatch):
        monkeypatch.setattr("digitocr.inbox.settle._device", lambda folder: -1)
        path = work.put("big.png", "12345678")
        summary = work.run(max_bytes=5)
        assert (summary.failed, summary.stuck) == (1, 1)
        assert path.exists()


def test_links_are_read_although_their_target_is_archived(work):
    target = work.put("a.jpg", "7")
    for name in ("y-link.jpg", "z-link.jpg"):
        (work.inbox / name).symlink_to(target)
    for _ in range(ATTEMPTS):
        assert work.run().failed == 0
    assert work.names("inbox") == []
    archive = work.folder / "archive"
    assert {path.name: path.read_text() for path in archive.iterdir()} == {
        "a.jpg": "7",
        "y-link.jpg": "7",
        "z-link.jpg": "7",
    }


def test_a_file_that_takes_the_place_of_a_reason_is_not_overwritten(work):
    work.put("a.jpg.error.json", "some text: BAD")
    work.run()
    bad = work.put("a.jpg", "BAD")
    content = scan.digest(bad)
    work.run()
    assert (work.folder / "failed" / "a.jpg.error.json").read_text() == "some text: BAD"
    assert f"a~{content[:8]}.jpg.error.json" in work.names("failed")


def test_reasons_that_were_dragged_back_into_the_inbox_are_no_input(work):
    work.put("a.jpg", "BAD")
    work.run()
    for path in (work.folder / "failed").iterdir():
        path.rename(work.inbox / path.name)
    assert work.run().files == 1
    assert work.names("inbox") == ["a.jpg.error.json"]


def test_a_share_that_goes_away_costs_its_files_no_attempt(work, monkeypatch):
    """In the middle of a run, again and again; it comes back in the end."""
    monkeypatch.setattr(card, "SILENT_S", 0.1)
    for i in range(4):
        work.put(f"{i}.jpg", str(i))
    away = work.folder / "away"
    for turn in range(ATTEMPTS):

        def go_away(count, total):
            if count and not away.exists():
                work.inbox.rename(away)
                work.inbox.mkdir()

        if turn:
            work.put("new.jpg", f"1{turn}")
        assert work.run(hooks=Hooks(progress=go_away), chunk=1).failed == 0
        shutil.rmtree(work.inbox)
        away.rename(work.inbox)
    assert work.run().failed == 0
    assert work.names("inbox") == []
    assert set(work.statuses().values()) == {"done"}
