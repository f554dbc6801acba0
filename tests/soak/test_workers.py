"""Processes that read are killed at random while some files kill them by themselves: no good file pays for it."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from fake_reader import FakeReader
from maintenance import disagreements
from result_tables import tables_of

from benchmarks.drawn import draw_files
from digitocr import atomic
from digitocr.inbox.plan import ATTEMPTS

ROOT = Path(__file__).parents[2]

RUNS = 40
FILES = 10
"""Files of a run; one of every fourth run ends the process that reads it."""


class SlowReader(FakeReader):
    """Takes about as long as the real one."""

    def _read(self, source):
        time.sleep(0.05)
        return super()._read(source)


def kill_one(rng, after, killed):
    time.sleep(after)
    if children := multiprocessing.active_children():
        child = rng.choice(children)
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(child.pid, signal.SIGKILL)
            killed.append(child.pid)


@pytest.mark.timeout(1800)
def test_no_good_file_is_set_apart_lost_or_there_twice(work):
    work.reader = SlowReader()
    rng = random.Random(1)
    good, bad, killed = {}, set(), []
    whole = 2.0
    for run in range(RUNS):
        for i in range(FILES):
            name, number = f"{run:02}-{i}.jpg", f"{run}{i:02}"
            if run % 4 == 0 and i == run // 4 % FILES:
                work.put(name, f"DIE {number}")
                bad.add(name)
            else:
                work.put(name, f"{number} 5{'?' if i % 3 else ''}")
                good[name] = number
        started = time.monotonic()
        killer = threading.Thread(target=kill_one, args=(rng, rng.uniform(0, whole), killed))
        killer.start()
        summary = work.run_in_processes(2, chunk=2)
        killer.join()
        whole = (whole + time.monotonic() - started) / 2
        assert (summary.done, summary.failed) == (FILES - (run % 4 == 0), run % 4 == 0), f"run {run}"
        assert work.names("inbox") == []
    print(f"{len(killed)} processes were killed from outside")
    assert len(killed) > RUNS / 2, "too few were killed in time"
    assert Counter(work.statuses().values()) == {"done": len(good), "failed": len(bad)}
    assert set(work.names("archive")) == set(good)
    assert {work.error_of(name)["code"] for name in bad} == {"crashed"}
    read = Counter((row["file"], row["text"]) for row in work.table("results/numbers.csv"))
    assert read == Counter({**dict.fromkeys(good.items(), 1), **{(n, "5"): 1 for n in good}})
    assert disagreements(work) == []


class TestTheRunnerIsKilled:
    """SIGKILL for the runner with its four workers, or for the runner alone, at random moments."""

    kills = int(os.environ.get("SOAK_KILLS", "6"))  # 40 take a quarter of an hour

    def drop(self, folder):
        for i in range(10 * self.kills):
            text = f"DIE {i}" if i % 40 == 17 else f"{i} 5{'?' if i % 3 else ''}"
            path = folder / "inbox" / f"{i:03}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def start(self, folder, seconds_a_file):
        script = Path(__file__).with_name("watching.py")
        command = [sys.executable, str(script), "process", "--no-prefect", "--json", "--workers", "4"]
        env = os.environ | {"PYTHONPATH": str(ROOT), "DIGITOCR_SETTLE": "0", "DIGITOCR_CHUNK": "2"}
        env |= {"DIGITOCR_MAX_MEMORY": str(10**11), "SECONDS_A_FILE": str(seconds_a_file)}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=folder, env=env, start_new_session=True, **quiet)

    @pytest.mark.timeout(1800)
    def test_all_is_as_in_an_undisturbed_run(self, work, tmp_path):
        self.drop(work.folder)
        undisturbed = tmp_path / "undisturbed"
        self.drop(undisturbed)
        assert self.start(undisturbed, 0).wait() == 1, "some files failed"
        rng, killed, log = random.Random(1), 0, work.folder / "reads.log"
        log.touch()
        for turn in range(self.kills):
            read = log.stat().st_size
            child = self.start(work.folder, 0.3)
            while log.stat().st_size == read and child.poll() is None:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 1))
            if child.poll() is None:  # else all was read sooner
                killed += 1
                (os.kill if turn % 2 else os.killpg)(child.pid, signal.SIGKILL)
            child.wait()
        assert killed >= 0.8 * self.kills, "too few were killed in time"
        assert self.start(work.folder, 0).wait() == 1
        poisoned = {f"{i:03}.jpg" for i in range(17, 10 * self.kills, 40)}
        assert {n for n in work.names("failed") if n.endswith(".jpg")} == poisoned
        errors = [work.error_of(name) for name in poisoned]
        assert {(error["code"], error["attempts"]) for error in errors} == {("crashed", ATTEMPTS)}
        tables = tables_of(work.folder, "results", "review")
        tables = {path: content for path, content in tables.items() if not path[-1].endswith(atomic.PARTIAL)}
        assert tables == tables_of(undisturbed, "results", "review")
        assert len(tables[("numbers.csv",)].splitlines()) == 1 + 2 * (10 * self.kills - len(poisoned))
        assert work.names("archive") == [p.name for p in sorted((undisturbed / "archive").iterdir())]
        assert [line for line in disagreements(work) if "left behind by a kill" not in line] == []


def is_gone(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


class TestWithEverythingReal:
    def start(self, folder, *flags):
        command = [sys.executable, "-m", "flows.process_folder", "--no-prefect", "--json", *flags]
        env = os.environ | {"PYTHONPATH": str(ROOT), "DIGITOCR_SETTLE": "0", "DIGITOCR_CHUNK": "2"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=folder, env=env, start_new_session=True, **pipes)

    def ended(self, child):
        output, messages = child.communicate(timeout=300)
        assert "Traceback" not in messages
        return child.returncode, json.loads(output) if output else messages

    def test_tables_do_not_depend_on_how_many_there_are(self, tmp_path):
        draw_files(tmp_path / "in", 24)
        for path in (ROOT / "examples").glob("*.*g"):
            (tmp_path / "in" / path.name).write_bytes(path.read_bytes())
        for number in "12":
            folders = ("--results", f"r{number}", "--review", f"v{number}", "--state", f"s{number}")
            status, counts = self.ended(
                self.start(tmp_path, "in", "--workers", number, "--annotate", *folders)
            )
            assert (status, counts["failed"]) == (0, 0)
        assert tables_of(tmp_path, "r1", "v1") == tables_of(tmp_path, "r2", "v2")

    def test_sigterm_to_all_its_processes_ends_it_cleanly_and_the_next_run_goes_on(self, tmp_path):
        files = 200
        draw_files(tmp_path / "inbox", files)
        child = self.start(tmp_path, "--workers", "2")
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("results/*.numbers.csv")) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(child.pid, signal.SIGTERM)
        status, _ = self.ended(child)
        assert status == 130
        deadline = time.monotonic() + 60
        while not is_gone(child.pid):  # the last process ends when it sees that the others have
            assert time.monotonic() < deadline
            time.sleep(0.05)
        left = len(list((tmp_path / "inbox").iterdir()))
        assert 0 < left < files
        status, counts = self.ended(self.start(tmp_path, "--workers", "2"))
        assert (status, counts["files"], counts["failed"]) == (0, left, 0)
        assert len(list((tmp_path / "archive").iterdir())) == files
