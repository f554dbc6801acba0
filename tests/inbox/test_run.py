import errno
import itertools
import json
import logging
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from maintenance import disagreements, ledger_of
from result_tables import tables_of

from digitocr import atomic
from digitocr.cli import console
from digitocr.errors import OutputError, UsageError, WorkerError
from digitocr.inbox import archive, run, scan, settle, stability
from digitocr.inbox.job import Hooks, make_job
from digitocr.inbox.plan import ATTEMPTS, FEW_FILES, Action
from digitocr.inbox.rebuild import rebuild
from digitocr.inbox.survey import preview
from digitocr.inbox.workers import Workers
from digitocr.results import tables
from digitocr.settings import RUNNER_BYTES, WORKER_BYTES
from digitocr.store.ledger import Ledger


def old(path, seconds=100):
    """Make a file look as if it had been there for a while."""
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def interrupt(sources):
    if sources:
        raise KeyboardInterrupt
    return []


def die(sources):
    os._exit(9)


class TestOutcomes:
    def test_an_inbox_is_read_and_emptied(self, work):
        work.put("a.jpg", "107 33")
        work.put("sub/b.jpg", "5?")
        summary = work.run()
        assert (summary.files, summary.done, summary.numbers, summary.digits, summary.review) == (
            2,
            2,
            3,
            6,
            1,
        )
        assert summary.exit_status == 0
        assert work.names("inbox") == []
        assert work.names("archive") == ["a.jpg", "sub/b.jpg"]
        assert [row["text"] for row in work.table("results/numbers.csv")] == ["107", "33", "5"]
        assert [row["file"] for row in work.table("results/sub/b.jpg.digits.csv")] == ["sub/b.jpg"]
        (waiting,) = work.table("review/queue.csv")
        assert (work.folder / "review" / waiting["crop"]).is_file()

    def test_any_other_folder_is_left_as_it_was(self, work):
        other = work.folder / "other"
        work.put("a.jpg", "1", other)
        work.put("bad.jpg", "BAD", other)
        summary = work.run(other)
        assert (summary.done, summary.failed, summary.exit_status) == (1, 1, 1)
        assert work.names("other") == ["a.jpg", "bad.jpg"]
        assert not (work.folder / "archive").exists()

    def test_bad_files_are_named_and_set_apart_and_the_good_ones_read(self, work):
        for i in range(10):
            work.put(f"good{i}.jpg", f"{i}")
        bad = {"text.jpg": "BAD text", "empty.jpg": "", "cut.jpg": "BAD cut", "crash.jpg": "BUG"}
        for name, content in bad.items():
            work.put(name, content)
        (work.inbox / "gone.jpg").symlink_to(work.inbox / "nowhere.jpg")
        work.put("white.png", "nothing at all")
        work.put("half.tif", "HALF 7")
        summary = work.run()
        assert (summary.files, summary.done, summary.empty, summary.partial, summary.failed) == (
            17,
            10,
            1,
            1,
            5,
        )
        assert summary.exit_status == 1
        statuses = work.statuses()
        assert all(statuses[name] == "failed" for name in bad)
        assert statuses["white.png"] == "empty"
        assert statuses["half.tif"] == "partial"
        errors = {row["file"]: row["error"] for row in work.table("results/files.csv")}
        assert errors["cut.jpg"] == "damaged: cannot be decoded"
        assert "RuntimeError" in errors["crash.jpg"]
        assert errors["gone.jpg"].startswith("no-access")
        assert work.error_of("empty.jpg")["code"] == "damaged"
        assert set(bad) - {"crash.jpg"} <= set(work.names("failed"))

    def test_a_file_that_meets_a_fault_of_ours_is_set_apart_after_three_attempts(self, work):
        work.put("a.jpg", "BUG")
        for _ in range(2):
            assert work.run().failed == 1
            assert work.names("inbox") == ["a.jpg"]
        assert work.run().failed == 1
        assert work.names("inbox") == []
        assert work.error_of("a.jpg")["attempts"] == 3

    def test_the_same_content_under_another_name_is_a_duplicate(self, work):
        for name in ("a.jpg", "b.jpg"):
            work.put(name, "107")
        first = work.run()
        work.put("c.jpg", "107")
        second = work.run()
        assert (first.done, first.duplicates) == (1, 1)
        assert (second.duplicates, second.exit_status) == (1, 0)
        errors = {row["file"]: row["error"] for row in work.table("results/files.csv")}
        assert errors == {"a.jpg": "", "b.jpg": "of:a.jpg", "c.jpg": "of:a.jpg"}
        assert work.names("archive") == ["a.jpg", "b.jpg", "c.jpg"]
        assert len(work.table("results/numbers.csv")) == 1

    def test_a_twin_of_a_bad_file_is_bad_too(self, work):
        work.put("a.jpg", "")
        work.put("b.jpg", "")
        assert work.run().failed == 2
        assert set(work.statuses().values()) == {"failed"}

    def test_other_content_under_a_known_name_gets_a_name_of_its_own(self, work):
        work.put("scan.jpg", "1")
        work.run()
        content = scan.digest(work.put("scan.jpg", "2"))
        work.run()
        other = f"scan~{content[:8]}.jpg"
        assert work.statuses() == {"scan.jpg": "done", other: "done"}
        assert work.names("archive") == ["scan.jpg", other]
        assert (work.folder / "archive" / "scan.jpg").read_text() == "1"
        assert (work.folder / "results" / f"{other}.digits.csv").is_file()

    def test_a_name_of_its_own_is_not_taken_from_a_file_that_has_it(self, work):
        content = scan.digest(work.put("scan.jpg", "2"))
        work.put("scan.jpg", "1")
        work.run()
        work.put("scan.jpg", "2")
        work.put(f"scan~{content[:8]}.jpg", "3")
        assert work.run().done == 2
        assert len(work.statuses()) == 3

    def test_a_name_like_a_formula_is_defused_in_tables_only(self, work):
        work.put("=cmd.jpg", "1")
        work.run()
        (row,) = work.table("results/files.csv")
        assert row["file"] == "'=cmd.jpg"
        assert work.names("archive") == ["=cmd.jpg"]

    def test_the_files_of_a_chunk_wait_for_the_disk_together(self, work, monkeypatch):
        together, write = threading.Barrier(4), settle.write_results

        def meet(*args):
            together.wait(timeout=10)
            return write(*args)

        monkeypatch.setattr(run, "write_results", meet)
        for i in range(4):
            work.put(f"{i}.jpg", f"{i}")
        assert work.run().done == 4

    def test_a_chunk_is_read_while_the_one_before_is_recorded(self, work, monkeypatch):
        both, write, read = threading.Barrier(2), settle.write_results, work.reader.read

        def meet(file, name):
            if file == name:
                both.wait(timeout=10)

        def written(job, shelf, ledger, known, reading):
            meet(known.file, "0.jpg")
            return write(job, shelf, ledger, known, reading)

        def reading(sources, show=None):
            meet(sources[0].file, "1.jpg")
            return read(sources, show)

        monkeypatch.setattr(run, "write_results", written)
        monkeypatch.setattr(work.reader, "read", reading)
        for i in range(2):
            work.put(f"{i}.jpg", f"{i}")
        assert work.run_in_processes(1, chunk=1).done == 2


class TestSecondRun:
    def test_nothing_is_read_twice(self, work):
        other = work.folder / "other"
        for i in range(3):
            old(work.put(f"{i}.jpg", str(i), other))
        work.run(other)
        before = {path: path.stat().st_mtime_ns for path in (work.folder / "results").rglob("*.csv")}
        again = work.run(other)
        assert (again.files, again.unchanged, again.done, work.reader.seen) == (3, 3, 0, [])
        assert {path: path.stat().st_mtime_ns for path in (work.folder / "results").rglob("*.csv")} == before

    def test_later_files_are_added_to_the_tables_over_all_files(self, work, monkeypatch):
        work.put("a.jpg", "1")
        work.run()
        monkeypatch.setattr(tables, "write_files", None)
        work.put("b.jpg", "2")
        work.run()
        assert work.statuses() == {"a.jpg": "done", "b.jpg": "done"}
        assert disagreements(work) == []

    def test_unchanged_files_are_not_even_opened(self, work, monkeypatch):
        other = work.folder / "other"
        old(work.put("a.jpg", "1", other))
        work.run(other)
        monkeypatch.setattr(scan, "digest", lambda path: pytest.fail("hashed"))
        assert work.run(other).unchanged == 1

    def test_a_file_written_just_before_it_was_hashed_is_hashed_again(self, work, monkeypatch):
        other = work.folder / "other"
        work.put("a.jpg", "1", other)
        work.run(other)
        hashed = []
        real = scan.digest
        monkeypatch.setattr(scan, "digest", lambda path: hashed.append(path) or real(path))
        assert work.run(other).unchanged == 1
        assert len(hashed) == 1

    def test_a_file_that_was_only_touched_is_unchanged(self, work):
        other = work.folder / "other"
        path = work.put("a.jpg", "1", other)
        work.run(other)
        old(path)
        assert work.run(other).unchanged == 1

    def test_a_known_bad_file_is_not_read_again_but_one_out_of_reach_is(self, work):
        other = work.folder / "other"
        old(work.put("bad.jpg", "BAD", other))
        (other / "gone.jpg").symlink_to(other / "nowhere.jpg")
        work.run(other)
        again = work.run(other)
        assert (again.unchanged, again.failed) == (1, 1)
        work.put("nowhere.jpg", "7", other)
        assert work.run(other).done == 1
        assert "no-access" not in str(work.table("results/files.csv"))

    def test_missing_tables_are_made_again(self, work):
        other = work.folder / "other"
        work.put("a.jpg", "1", other)
        work.run(other)
        (work.folder / "results" / "a.jpg.digits.csv").unlink()
        assert work.run(other).done == 1
        (work.folder / "results" / "files.csv").unlink()
        assert work.run(other).unchanged == 1
        assert work.statuses() == {"a.jpg": "done"}

    def test_results_that_were_deleted_are_written_again_without_reading(self, work):
        work.put("a.jpg", "1 2?")
        work.put("sub/b.jpg", "3")
        work.run()
        results = work.folder / "results"
        before = {path: path.read_bytes() for path in results.rglob("*.csv")}
        shutil.rmtree(results)
        assert work.run().files == 0
        assert {path: path.read_bytes() for path in results.rglob("*.csv")} == before
        shutil.rmtree(work.folder / ".digitocr")
        assert rebuild(work.settings()).without_reading == 0

    def test_another_results_folder_is_another_job(self, work):
        other = work.folder / "other"
        work.put("a.jpg", "1", other)
        work.run(other)
        assert work.run(other, results="elsewhere").done == 1
        assert work.statuses("elsewhere") == {"a.jpg": "done"}

    def test_another_threshold_reads_again_and_keeps_the_old_tables(self, work):
        other = work.folder / "other"
        work.put("a.jpg", "1", other)
        work.run(other)
        assert work.run(other, threshold=0.123).done == 1
        assert [Path(name).name for name in work.names("results/.old")] == [
            "a.jpg.digits.csv",
            "a.jpg.numbers.csv",
        ]
        assert work.run(other, threshold=0.123).unchanged == 1

    def test_what_is_dropped_again_is_taken_away(self, work):
        work.put("a.jpg", "1")
        work.run()
        work.put("a.jpg", "1")
        assert work.run().unchanged == 1
        assert work.names("inbox") == []
        assert work.names("archive") == ["a.jpg"]


class TestFoldersAndUse:
    def test_our_own_folders_are_not_input_even_inside(self, work):
        other = work.folder / "other"
        work.put("a.jpg", "1", other)
        for _ in range(2):
            summary = work.run(other, results=other / "r", review=other / "v", state=other / "s")
        assert summary.files == 1

    @pytest.mark.parametrize("flag", ["results", "review", "state"])
    def test_the_input_cannot_be_the_output(self, work, flag):
        with pytest.raises(UsageError, match=flag):
            work.run(**{flag: "inbox"})

    def test_a_folder_that_is_not_there_or_is_a_file(self, work):
        for name in ("nowhere", "inbox/a.jpg"):
            work.put("a.jpg", "1")
            with pytest.raises(UsageError):
                work.run(Path(name))

    def test_an_empty_inbox_is_no_mistake(self, work):
        assert work.run().files == 0
        assert work.table("results/files.csv") == []

    def test_a_dry_run_touches_nothing(self, work):
        work.put("a.jpg", "1")
        work.put("b.jpg", "1")
        decisions = [(d.action, d.facts.found.source) for d in preview(make_job(work.settings()))]
        assert decisions == [(Action.READ, "a.jpg"), (Action.AWAIT_TWIN, "b.jpg")]
        assert sorted(p.name for p in work.folder.iterdir()) == ["inbox"]

    def test_only_what_is_ready_is_taken(self, work):
        work.put("a.jpg", "1")
        work.put("b.jpg", "2")
        assert work.run(hooks=Hooks(is_ready=lambda e: e.source == "a.jpg")).files == 1
        assert work.names("inbox") == ["b.jpg"]

    def test_a_stopped_run_leaves_the_rest_for_the_next(self, work):
        for i in range(4):
            work.put(f"{i}.jpg", str(i))
        hooks = Hooks()
        hooks = Hooks(progress=lambda count, _: count and hooks.stop.set(), stop=hooks.stop)
        assert work.run(hooks=hooks, chunk=1).done == 1
        assert work.run().done == 3
        assert set(work.statuses().values()) == {"done"}


class TestArriving:
    def test_a_file_that_is_still_written_is_left_for_the_next_run(self, work, monkeypatch):
        path = work.put("slow.jpg", "1")
        work.put("whole.jpg", "2")
        monkeypatch.setattr(
            stability.time, "sleep", lambda _: path.write_text("10") if path.read_text() == "1" else None
        )
        assert work.run(settle=0.5).files == 1
        assert work.names("inbox") == ["slow.jpg"]
        old(path)
        monkeypatch.setattr(stability, "age", lambda found: 100)
        assert work.run(settle=0.5).done == 1

    def test_what_cannot_be_decoded_yet_is_left_while_it_is_new(self, work, monkeypatch):
        path = work.put("half.jpg", "BAD")
        assert work.run(hooks=Hooks(patience=60)).files == 0
        assert work.names("inbox") == ["half.jpg"]
        path.write_text("17")
        assert work.run(hooks=Hooks(patience=60)).done == 1
        work.put("bad.jpg", "BAD")
        monkeypatch.setattr(settle, "age", lambda found: 61)
        assert work.run(hooks=Hooks(patience=60)).failed == 1
        assert work.names("inbox") == []

    def test_a_file_of_the_same_size_and_time_is_not_taken_for_the_known_one(self, work):
        """A scanner without a clock makes bitmaps of one size and one time."""
        then = (1_000_000_000, 1_000_000_000)
        for text in ("11", "22"):
            path = work.put("scan.bmp", text)
            os.utime(path, then)
            assert work.run().done == 1
        assert sorted(p.read_text() for p in (work.folder / "archive").iterdir()) == ["11", "22"]
        assert sorted(row["text"] for row in work.table("results/numbers.csv")) == ["11", "22"]

    def test_a_file_replaced_in_the_moment_it_is_moved_is_put_back(self, work, monkeypatch):
        work.put("a.jpg", "1")
        real = archive.put_away

        def late(path, *args):
            path.write_text("another")
            return real(path, *args)

        monkeypatch.setattr(archive, "put_away", late)
        work.run()
        assert (work.inbox / "a.jpg").read_text() == "another"
        monkeypatch.setattr(archive, "put_away", real)
        work.put("a.jpg", "22")
        assert work.run().done == 1


class TestNames:
    def test_one_that_is_too_long_for_its_tables_is_shortened(self, work):
        work.put("x" * 250 + ".jpg", "1")
        assert work.run().done == 1
        (name,) = work.names("archive")
        assert len(name) < 210
        assert name.endswith(".jpg")

    def test_a_folder_may_have_the_name_of_a_table(self, work):
        work.put("files.csv/a.jpg", "1")
        work.put("b.jpg.digits.csv/c.jpg", "2")
        work.put("b.jpg", "3")
        assert work.run().done == 3
        assert len(work.statuses()) == 3

    def test_one_that_cannot_be_written_costs_that_file_only(self, work, monkeypatch):
        work.put("a.jpg", "1")
        work.put("b.jpg", "2")
        real = atomic.write

        def write(path, content, **how):
            if path.name.startswith("a.jpg"):
                raise atomic.cannot_write(path, OSError(errno.EINVAL, "Invalid argument"))
            return real(path, content, **how)

        monkeypatch.setattr(atomic, "write", write)
        for _ in range(2):
            work.run()
        assert work.statuses() == {"a.jpg": "failed", "b.jpg": "done"}
        assert work.names("inbox") == ["a.jpg"]


class TestFaults:
    def test_a_file_deleted_while_it_is_read(self, work):
        work.put("a.jpg", "1")
        work.put("b.jpg", "2")
        real = work.reader.read

        def read(*found):
            (work.inbox / "a.jpg").unlink(missing_ok=True)
            return real(*found)

        work.reader.read = read
        summary = work.run()
        assert (summary.done, summary.failed) == (1, 1)
        assert work.statuses() == {"a.jpg": "failed", "b.jpg": "done"}

    def test_a_file_replaced_while_it_is_read_is_left_for_the_next_run(self, work):
        work.put("a.jpg", "1")
        real = work.reader.read

        def read(*found):
            work.put("a.jpg", "22")
            return real(*found)

        work.reader.read = read
        assert work.run().files == 0
        work.reader.read = real
        assert work.run().done == 1
        assert [row["text"] for row in work.table("results/numbers.csv")] == ["22"]

    @pytest.mark.parametrize("step", range(6))
    def test_a_full_disk_ends_the_run_and_the_next_one_goes_on(self, work, monkeypatch, step):
        for i in range(2):
            work.put(f"{i}.jpg", f"{i}?")
        count = itertools.count()
        real = atomic.write

        def write(path, content, **how):
            if next(count) == step:
                raise atomic.cannot_write(path, OSError(errno.ENOSPC, "No space left on device"))
            real(path, content, **how)

        with monkeypatch.context() as patch:
            patch.setattr(atomic, "write", write)
            if step:  # the very first one is only the name of the holder
                with pytest.raises(OutputError, match="No space"):
                    work.run()
        work.run()
        assert work.statuses() == {"0.jpg": "done", "1.jpg": "done"}
        assert work.names("archive") == ["0.jpg", "1.jpg"]
        assert len(work.table("review/queue.csv")) == 2

    def test_results_that_cannot_be_written(self, work):
        work.put("a.jpg", "1")
        (work.folder / "results").write_text("a file")
        with pytest.raises(OutputError) as caught:
            work.run()
        assert caught.value.exit_status == 3
        assert work.names("inbox") == ["a.jpg"]


class TestEvents:
    def test_a_line_of_json_for_each_file_with_run_and_hash(self, work):
        console.set_up(quiet=False, verbose=False)
        try:
            console.log_to(work.folder / "logs" / "run.jsonl")
            content = scan.digest(work.put("a.jpg", "1"))
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
        assert disagreements(work) == []

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
        assert disagreements(work) == []

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
        assert disagreements(work) == []

    def test_in_another_folder(self, work):
        other = work.folder / "other"
        work.put("a.jpg", "1", other)
        work.put("bad.jpg", "BAD", other)
        work.run(other)
        assert work.run(other, reprocess="failed").failed == 1
        summary = work.run(other, reprocess="all")
        assert (summary.done, summary.failed, summary.unchanged) == (1, 1, 0)


SCRIPT = """
    import os, sys
    from functools import partial
    from pathlib import Path
    from digitocr import atomic
    from digitocr.inbox import job, run
    from digitocr.inbox.reading import read_together
    from digitocr.inbox.workers import Workers
    from digitocr.settings import load_settings
    from digitocr.store import claims, ledger, published
    from fake_reader import FakeReader

    steps = 0
    last = int(sys.argv[1])

    def deadly(real):
        def step(*args, **kwargs):
            global steps
            steps += 1
            if steps == last:
                os._exit(9)
            done = real(*args, **kwargs)
            steps += 1
            if steps == last:
                os._exit(9)
            return done
        return step

    for owner, names in (
        (atomic, ["write", "move"]),
        (claims.Claims, ["take", "begin"]),
        (ledger.Ledger, ["finish"]),
        (published.Published, ["begin", "end"]),
    ):
        for name in names:
            setattr(owner, name, deadly(getattr(owner, name)))
    asked = job.make_job(load_settings({"workers": 1, "chunk": 1}))
    read = partial(read_together, FakeReader(), annotated=False)
    with Workers(read, 1) as workers, run.open_runner(asked) as runner:
        class Now:
            def result(self): pass
        run.drain(runner, lambda chunk: runner.work(chunk, workers) or Now(), 1)
"""


def test_to_try_files_on_a_cluster_that_went_away_is_no_attempt(work):
    def lost(sources):
        if sources:
            raise WorkerError("no worker any more")
        return []

    work.put("a.jpg", "107")
    job = make_job(work.settings())
    with Workers(lost, 1) as workers, run.open_runner(job) as runner:
        (chunk,) = runner.chunks()
        with pytest.raises(WorkerError):
            runner.work(chunk, workers)
    with Ledger(job.settings.ledger) as ledger:
        assert list(ledger.known(1)) == []  # as if it had not been claimed


class TestKills:
    def go(self, work, last):
        path = os.pathsep.join(
            [str(Path(__file__).parents[1] / "support"), str(Path(run.__file__).parents[2])]
        )
        command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(last)]
        return subprocess.run(
            command, cwd=work.folder, env=os.environ | {"PYTHONPATH": path}, check=False
        ).returncode

    @pytest.mark.soak
    def test_a_run_killed_at_any_step_is_taken_up_by_the_next(self, work):
        """Each run is killed some steps later than the one before, until one gets through; all steps in `make soak`."""
        for last in itertools.count(1, 11):
            work.put("good.jpg", f"{last} 5?")
            work.put("bad.jpg", f"BAD {last}")
            status = self.go(work, last)
            assert status in (0, 9)
            tables = [n for n in work.names("results") if "partial" not in n] if status == 9 else []
            # copies of readings, and the mark of the ledger
            assert {n for n in tables if not n.endswith(".csv")} == {
                n for n in tables if n.startswith(".ledger/")
            }
            work.run()
            assert work.names("inbox") == []
            assert sorted(work.statuses().values()) == ["done"] * len(work.names("archive")) + [
                "failed"
            ] * len([n for n in work.names("failed") if not n.endswith(".json")])
            assert len(work.table("results/numbers.csv")) == 2 * len(work.names("archive"))
            assert len(work.table("review/queue.csv")) == len(work.names("archive"))
            if status == 0:
                break
        assert last > 15

    def test_a_file_that_ends_the_program_is_given_up_and_takes_no_other_with_it(self, work):
        for i in range(3):
            work.put(f"good{i}.jpg", str(i))
        work.put("deadly.jpg", "DIE")
        assert [self.go(work, 0) for _ in range(4)] == [9, 9, 9, 0]
        assert work.statuses() == {
            "deadly.jpg": "failed",
            **{f"good{i}.jpg": "done" for i in range(3)},
        }
        error = work.error_of("deadly.jpg")
        assert (error["code"], error["attempts"]) == ("crashed", 3)

    def test_what_was_claimed_ahead_is_not_to_blame(self, work):
        for i in range(3):
            work.put(f"{i}.jpg", str(i))
        for _ in range(3):
            with run.open_runner(make_job(work.settings(chunk=1))) as runner:
                assert len(list(runner.chunks())) == 3  # and here the program ends
        assert work.run().done == 3

    def test_nor_is_what_other_processes_were_reading(self, work):
        for i in range(3):
            work.put(f"{i}.jpg", str(i))
        for _ in range(ATTEMPTS):
            with run.open_runner(make_job(work.settings(chunk=1))) as runner, ledger_of(work) as ledger:
                chunks = [*runner.chunks(), *runner.suspects()]
                ledger.claims.begin([one for (one,) in chunks], is_apart=True)  # and here all of them end
        assert work.run().done == 3

    def test_what_was_being_read_comes_last_and_by_itself(self, work):
        for name in "abc":
            work.put(f"{name}.jpg", name * 3)
        with run.open_runner(make_job(work.settings(chunk=1))) as runner:
            first, *_ = runner.chunks()
            with Workers(interrupt, 1) as workers, pytest.raises(KeyboardInterrupt):
                runner.work(first, workers)
        together = []
        real = work.reader.read
        work.reader.read = lambda sources, show: (
            together.append([s.file for s in sources]) or real(sources, show)
        )
        assert work.run().empty == 3
        assert together == [[], ["b.jpg", "c.jpg"], ["a.jpg"]], "the first is the loading of the model"


class TestProcesses:
    @pytest.fixture
    def many(self, work):
        """A folder with what a run can meet."""
        other = work.folder / "other"
        for i in range(24):
            work.put(f"{i:02}.jpg", f"{i} 7{'?' if i % 3 else ''}", other)
        files = {
            "bad.jpg": "BAD",
            "bug.jpg": "BUG",
            "empty.png": "EMPTY",
            "half.tif": "HALF 7",
            "sub/twin.jpg": "0 7",
        }
        for name, text in files.items():
            work.put(name, text, other)
        return other

    def test_tables_do_not_depend_on_how_many_there_are(self, work, many):
        one = work.run(many, results="r1", review="v1", annotate=True)
        two = work.run_in_processes(2, many, results="r2", review="v2", chunk=2, annotate=True)
        assert replace(one, seconds=0) == replace(two, seconds=0)
        assert tables_of(work.folder, "r1", "v1") == tables_of(work.folder, "r2", "v2")
        assert len(tables_of(work.folder, "r1", "v1")) > 80

    def test_a_file_that_ends_them_is_given_up_in_one_run_and_takes_no_other_with_it(self, work):
        for i in range(12):
            work.put(f"{i:02}.jpg", f"{i} 7")
        work.put("05 deadly.jpg", "DIE")
        summary = work.run_in_processes(2, chunk=4)
        assert (summary.files, summary.done, summary.failed) == (13, 12, 1)
        error = work.error_of("05 deadly.jpg")
        assert (error["code"], error["attempts"]) == ("crashed", 3)
        assert work.names("archive") == [f"{i:02}.jpg" for i in range(12)]
        assert len(work.table("results/numbers.csv")) == 24
        assert disagreements(work) == []

    def test_no_more_are_used_than_fit_into_memory(self, work, caplog):
        for i in range(FEW_FILES + 1):
            work.put(f"{i}.jpg", f"{i}")
        settings = work.settings(workers=8, max_memory=4 * (RUNNER_BYTES + 3 * WORKER_BYTES) // 3 + 1)
        with run.open_runner(make_job(settings)) as runner:
            assert runner.workers == 3
        assert "8 workers do not fit into max_memory; reading with 3" in caplog.text

    def test_when_none_can_be_started_the_run_ends_and_no_file_is_to_blame(self, work, monkeypatch):
        work.put("a.jpg", "1")
        with monkeypatch.context() as patch:
            patch.setattr(work, "chunk_reader", lambda *_: die)
            with pytest.raises(WorkerError):
                work.run_in_processes(2)
        assert work.run().done == 1
        assert work.names("archive") == ["a.jpg"]


def test_many_files_cost_no_more_each(work, monkeypatch):
    """Tables over all files are not rewritten for each file, and done files are not opened."""
    other = work.folder / "other"
    other.mkdir()
    for i in range(200):
        old(work.put(f"{i}.jpg", f"{i}", other))
    written = Counter()
    real = atomic.write
    monkeypatch.setattr(
        atomic, "write", lambda path, *a, **k: written.update([path.name]) or real(path, *a, **k)
    )
    started = time.perf_counter()
    assert work.run(other).done == 200
    assert written["files.csv"] <= 1 + (time.perf_counter() - started) / 10
    assert len(written) == 3 * 200 + 5
    monkeypatch.setattr(scan, "digest", lambda path: pytest.fail("opened"))
    assert work.run(other).unchanged == 200
