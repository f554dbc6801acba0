"""Killed at every step of a file's life, in turn and at random, and five times with everything real."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digitocr.inbox.verify import verify
from digitocr.settings import load_settings
from digitocr.store.ledger import Ledger

ROOT = Path(__file__).parent.parent.parent
SCRIPT = Path(__file__).with_name("crashing.py")


@pytest.fixture
def quick_disk(tmp_path_factory):
    """A place in memory where there is one: what counts is the order of steps, not what a disk does with them."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path_factory.mktemp("crashes")
        return
    import tempfile

    with tempfile.TemporaryDirectory(dir=shared, prefix="digitocr-") as folder:
        yield Path(folder)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("way", "count"), [("in-turn", 4), ("at-random", 80)])
def test_whatever_step_it_is_killed_at(quick_disk, way, count):
    command = [sys.executable, str(SCRIPT), str(quick_disk), way, str(count), "1"]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout.split()[0]) >= (100 if way == "in-turn" else 60), "too few were killed in time"


def command(*flags):
    return [sys.executable, "-m", "flows.process_folder", "--json", *flags]


@pytest.mark.timeout(900)
def test_five_times_with_everything_real(tmp_path):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")} | {"PYTHONPATH": str(ROOT)}
    env |= {"DIGITOCR_CHUNK": "1", "DIGITOCR_SETTLE": "0"}
    examples = sorted(p for p in (ROOT / "examples").iterdir() if p.suffix in (".jpg", ".png"))

    def place(name):
        folder = tmp_path / name
        (folder / "inbox").mkdir(parents=True)
        for path in examples:
            (folder / "inbox" / path.name).write_bytes(path.read_bytes())
        return folder

    def texts(folder):
        with (folder / "results" / "numbers.csv").open(newline="", encoding="utf-8") as stream:
            return [(row["file"], row["number"], row["text"]) for row in csv.DictReader(stream)]

    whole = place("whole")
    started = time.monotonic()
    subprocess.run(command(), cwd=whole, env=env, check=True, capture_output=True)
    took = time.monotonic() - started
    rng = random.Random(1)
    for turn in range(5):
        folder = place(f"killed{turn}")
        child = subprocess.Popen(
            command(), cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # in the part in which files are read, not while programs start
        deadline = time.monotonic() + 3 * took
        while not (folder / "results" / ".").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(rng.uniform(0.3, 1.0) * took * 0.7)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        done = subprocess.run(
            command("--no-prefect"), cwd=folder, env=env, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["failed"] == 0
        assert texts(folder) == texts(whole)
        assert sorted(p.name for p in (folder / "archive").iterdir()) == sorted(p.name for p in examples)
        settings = load_settings(
            {name: folder / name for name in ("inbox", "results", "review", "archive", "failed")}
        )
        with Ledger(folder / ".digitocr" / "ledger.sqlite") as ledger:
            wrong = verify(settings, ledger)
        assert [line for line in wrong if "left behind by a kill" not in line] == []
