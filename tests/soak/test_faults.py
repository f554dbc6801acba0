"""What a machine does to a program: no room, no memory, no permission, a clock that goes back, a power cut."""

import contextlib
import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitocr.errors import LedgerError, OutputError
from digitocr.inbox import scan, stability, survey
from digitocr.inbox.rebuild import rebuild
from digitocr.inbox.verify import verify
from digitocr.store import claims, ledger
from digitocr.store.ledger import Ledger


def agrees(work):
    with Ledger(work.folder / ".digitocr" / "ledger.sqlite") as opened:
        return [line for line in verify(work.settings(), opened) if "left behind" not in line]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 400 kB that can be made larger or read-only."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(*options):
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(place)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    if shutil.which("mount") is None or not mount("size=400k"):
        pytest.skip("no permission to mount a small disk")
    mount.place = place
    yield mount
    subprocess.run(["umount", "--lazy", str(place)], check=True)


class TestDisk:
    def trouble_of(self, work, folders):
        try:
            work.run(**folders)
        except OutputError as error:
            return error

    def run_until_full(self, work, disk, **folders):
        """Drop files and run until the disk is full; then make room and go on."""
        put = []
        for turn in itertools.count():
            for i in range(20):
                put.append(f"{turn}-{i}.jpg")
                work.put(put[-1], f"{turn}{i:02} 5?")
            full = self.trouble_of(work, folders)
            if full:
                assert full.exit_status == 3
                assert "room" in full.hint or "space" in full.hint, str(full)
                break
            assert turn < 200, "the disk was never full"
        originals = {p.name for f in ("inbox", "archive") for p in (work.folder / f).rglob("*.jpg")}
        assert originals == set(put)
        with contextlib.suppress(OutputError):
            work.run(**folders)  # still full
        assert disk("remount", "size=50m")
        work.run(**folders)
        assert work.names("inbox") == []
        assert sorted(work.names("archive")) == sorted(put)
        return put

    def test_no_room_for_the_tables(self, work, small_disk):
        results = small_disk.place / "results"
        put = self.run_until_full(work, small_disk, results=results, review=small_disk.place / "review")
        settings = work.settings(results=results, review=small_disk.place / "review")
        with Ledger(work.folder / ".digitocr" / "ledger.sqlite") as opened:
            assert [line for line in verify(settings, opened) if "left behind" not in line] == []
            assert len(list(opened.known(1))) == len(put)

    def test_no_room_for_the_ledger(self, work, small_disk):
        put = self.run_until_full(work, small_disk, state=small_disk.place / "state")
        settings = work.settings(state=small_disk.place / "state")
        with Ledger(small_disk.place / "state" / "ledger.sqlite") as opened:
            assert [line for line in verify(settings, opened) if "left behind" not in line] == []
        assert {row["file"] for row in work.table("results/files.csv")} == set(put)

    def test_no_room_for_the_archive(self, work, small_disk):
        archive = small_disk.place / "archive"
        for i in range(20):
            work.put(f"{i}.jpg", f"{i} " + "x" * 50_000)
        full = work.run(archive=archive)
        assert full.done == 20
        assert 0 < full.stuck < 20
        there = [*(work.folder / "inbox").rglob("*.jpg"), *archive.rglob("[0-9]*.jpg")]
        assert {p.name for p in there} == {f"{i}.jpg" for i in range(20)}
        assert small_disk("remount", "size=50m")
        work.run(archive=archive)
        assert work.names("inbox") == []
        assert len(list(archive.rglob("[0-9]*.jpg"))) == 20
        assert not list(archive.rglob("*.partial"))

    def test_read_only_results(self, work, small_disk):
        work.put("a.jpg", "1")
        work.run(results=small_disk.place)
        work.put("b.jpg", "2")
        assert small_disk("remount", "ro")
        with pytest.raises(OutputError, match="Read-only") as caught:
            work.run(results=small_disk.place)
        assert caught.value.exit_status == 3
        assert work.names("inbox") == ["b.jpg"]
        assert small_disk("remount", "rw")
        assert work.run(results=small_disk.place).done == 1


@pytest.mark.skipif(sys.platform != "linux", reason="no limit on memory")
def test_a_page_that_needs_more_memory_than_there_is_is_set_apart_and_the_others_are_read(work):
    import resource

    root = Path(__file__).parents[2]
    large = np.full((14_000, 14_000), 240, np.uint8)
    for i in range(40):
        at = (500 + i % 5 * 2600, 900 + i // 5 * 1600)
        cv2.putText(large, str(1000 + i), at, cv2.FONT_HERSHEY_SIMPLEX, 14, (20,), 30)
    cv2.imwrite(str(work.inbox / "a.png"), large)
    shutil.copy(root / "examples" / "cheque.png", work.inbox / "b.png")
    most = 1_600_000_000
    command = [sys.executable, "-m", "flows.process_folder", "--no-prefect", "--workers", "1"]
    env = os.environ | {"PYTHONPATH": str(root), "DIGITOCR_SETTLE": "0"}
    limit = partial(resource.setrlimit, resource.RLIMIT_AS, (most, most))
    done = subprocess.run(
        command, cwd=work.folder, env=env, preexec_fn=limit, text=True, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "onnxruntime" not in done.stderr, "the terminal is told by us"
    assert work.statuses() == {"a.png": "failed", "b.png": "done"}
    assert work.error_of("a.png")["code"] == "memory"
    assert work.names("inbox") == []


def test_a_ledger_locked_for_half_a_minute_is_waited_for(work):
    work.put("a.jpg", "1")
    work.run()
    work.put("b.jpg", "2")
    free = threading.Event()
    held = threading.Event()

    def hold():
        db = sqlite3.connect(work.folder / ".digitocr" / "ledger.sqlite", isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        held.set()
        free.wait(30)
        db.execute("ROLLBACK")
        db.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    started = time.monotonic()
    assert work.run().done == 1
    assert time.monotonic() - started > 25
    thread.join()
    assert agrees(work) == []


def test_a_clock_that_is_set_back_loses_nothing_and_repeats_nothing(work, monkeypatch):
    other = work.folder / "other"
    for i in range(3):
        work.put(f"{i}.jpg", str(i), other)
    work.run(other)
    real = time.time
    with monkeypatch.context() as back:
        for module in (claims, survey, stability):
            back.setattr(module, "time", _Clock(real, -400 * 86400))
        back.setattr(ledger, "now", lambda: "2020-01-01T00:00:00Z")
        assert work.run(other).unchanged == 3
        work.put("new.jpg", "7", other)
        work.put("1.jpg", "8", other)
        assert work.run(other).done == 2
        work.put("in.jpg", "9")
        assert work.run().done == 1
        assert work.names("inbox") == []
    assert work.run(other).unchanged == 4
    assert agrees(work) == ["1.jpg: the original is nowhere to be found"]  # it was replaced above


class _Clock:
    """The module `time`, but for what time it is."""

    def __init__(self, real, shift):
        self._real, self._shift = real, shift

    def time(self):
        return self._real() + self._shift

    def time_ns(self):
        return int(self.time() * 1e9)

    def __getattr__(self, name):
        return getattr(time, name)


LOST = {
    "the moves": ["inbox"],
    "the tables": ["results", "review"],
    "the ledger": [".digitocr"],
    "moves and tables": ["inbox", "results", "review"],
    "moves and ledger": ["inbox", ".digitocr"],
}


@pytest.mark.parametrize("lost", LOST)
def test_a_power_cut_that_takes_back_what_was_not_on_the_disk_yet(work, lost):
    """Each of our folders as it was before the run, in turn: no order of writes is taken for granted."""
    work.put("a.jpg", "1?")
    work.run()
    before = work.folder / "before"
    for name in ("results", "review", ".digitocr"):
        shutil.copytree(work.folder / name, before / name)
    files = {"b.jpg": "2 3?", "sub/c.jpg": "4", "bad.jpg": "BAD", "twin.jpg": "4"}
    for name, text in files.items():
        work.put(name, text)
    work.run()
    for name in LOST[lost]:
        if name == "inbox":
            for file, text in files.items():
                work.put(file, text)
            for folder in ("archive", "failed"):
                shutil.rmtree(work.folder / folder)
            work.put("a.jpg", "1?", work.folder / "archive")
        else:
            shutil.rmtree(work.folder / name)
            shutil.copytree(before / name, work.folder / name)
    if lost == "the tables":
        with Ledger(work.folder / ".digitocr" / "ledger.sqlite") as opened:
            assert verify(work.settings(), opened)
        work.run(reprocess="all")
    else:
        if ".digitocr" in LOST[lost]:
            with pytest.raises(LedgerError, match="later state"):
                work.run()
            rebuild(work.settings())
        work.run()
    assert work.names("inbox") == []
    assert agrees(work) == []
    assert len(work.statuses()) == 5
    assert sorted(row["text"] for row in work.table("results/numbers.csv")) == ["1", "2", "3", "4"]
    assert scan.digest(work.folder / "failed" / "bad.jpg")
