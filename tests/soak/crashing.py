"""A file's whole life, killed at every step; run by `test_crashes.py` as a process of its own.

Everything but the reader is real. A child is forked for each life and ends by SIGKILL before or after one of its
steps (what it does to the disk and to the ledger, and each reading) or after a random time. Then it is taken up
again, and all must be as if nothing had happened.

    python crashing.py FOLDER in-turn|at-random COUNT SEED
"""

import contextlib
import csv
import gc
import logging
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from fake_reader import FakeReader, numbers

from digitocr.inbox import job, run
from digitocr.inbox.reading import read_together
from digitocr.inbox.retention import apply_retention
from digitocr.inbox.retry import retry
from digitocr.inbox.verify import verify
from digitocr.inbox.workers import Workers
from digitocr.settings import load_settings
from digitocr.store.database import Database
from digitocr.store.ledger import Ledger
from flows.apply_review import apply_review

GIVEN = {
    "a.jpg": "107 33?",
    "sub/b.jpg": "5? 12",
    "sub/twin.jpg": "5? 12",
    "empty.png": "EMPTY",
    "half.tif": "HALF 7",
    "bad.jpg": "BAD",
    "bad twin.jpg": "BAD",
    "=cmd|'.jpg": "9",
}
AGAIN = {"a.jpg": "44 8?", "late.jpg": "6"}
"""Dropped later: other content under a known name, and a new file."""

replaced = os.replace
"""As it is before `Steps` puts its own in place."""

CORRECTION = {"107 33?": "73", "5? 12": "8", "44 8?": "1", "EMPTY": ""}


class Now:
    def __init__(self, value):
        self.value = value

    def result(self):
        return self.value


def settings():
    return load_settings({"workers": 1, "chunk": 2, "settle": 0, "annotate": True})


def drop(files):
    for name, text in files.items():
        path = Path("inbox", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.part")
        partial.write_text(text)
        partial.rename(path)


def read():
    read_chunk = partial(read_together, FakeReader(), annotated=settings().annotate)
    with Workers(read_chunk, 1) as workers, run.open_runner(job.make_job(settings())) as runner:
        return run.drain(runner, lambda chunk: Now(runner.work(chunk, workers)), 1)


def fill():
    """Write a correction into each row of the queue, as a person would."""
    queue = Path("review", "queue.csv")
    text = queue.read_text(encoding="utf-8").replace(".png,,\n", ".png,7,\n")
    partial = queue.with_name(".typed")
    partial.write_text(text, encoding="utf-8")
    partial.replace(queue)


def correct():
    with contextlib.suppress(FileNotFoundError):
        fill()
        apply_review(settings(), "ann")


def second_chance():
    with Ledger(Path(".digitocr/ledger.sqlite")) as ledger:
        retry(settings(), ledger, [])


def keep_house():
    with Ledger(Path(".digitocr/ledger.sqlite")) as ledger:
        apply_retention(settings(), ledger)


LIFE = (read, correct, lambda: drop(AGAIN), read, second_chance, read, keep_house)


def live(start=0):
    """Go through life from a stage on; each stage can be gone through again."""
    for stage, act in enumerate(LIFE):
        if stage >= start:
            Path(".stage").write_text(str(stage))
            replaced(".stage", "stage")  # a kill here must not leave an empty one
            act()


class Steps:
    """Counts what is done to disk and ledger, and kills this process at one of these steps."""

    def __init__(self, last):
        self.count = 0
        self.last = last

    def step(self):
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def deadly(self, real):
        def act(*args, **kwargs):
            self.step()
            done = real(*args, **kwargs)
            self.step()
            return done

        return act

    def install(self):
        for name in ("rename", "replace", "unlink", "mkdir", "fsync"):
            setattr(os, name, self.deadly(getattr(os, name)))
        writing = Database.writing

        @contextlib.contextmanager
        def deadly_writing(database):
            self.step()
            with writing(database) as db:
                yield db
                self.step()
            self.step()

        Database.writing = deadly_writing
        FakeReader._read = self.deadly(FakeReader._read)


def forked(act):
    """Run in a child; return its exit status, negative for a signal, and its pid at once to `killer`."""
    child = os.fork()
    if not child:
        try:
            act()
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
    return child


def ended(child):
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status)


def one_life(folder, act, kill_after=None):
    """Live, be killed, be taken up until through; return the exit status of the first try."""
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder, "inbox").mkdir(parents=True)
    os.chdir(folder)
    drop(GIVEN)
    child = forked(act)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    status = ended(child)
    check_halfway()
    stage = int(Path("stage").read_text()) if Path("stage").exists() else 0
    again = ended(forked(lambda: live(stage)))
    assert again == 0, f"taken up at stage {stage}: status {again}"
    check()
    return status


def table(path):
    with Path(path).open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def check_halfway():
    """After the kill: whatever is there under its final name is whole, and no original is missing."""
    for path in Path("results").rglob("*.csv"):
        if ".old" not in path.parts:
            rows = table(path)
            assert path.read_text(encoding="utf-8").endswith("\n"), f"{path} is cut"
            assert len({len(row) for row in rows}) == 1, f"{path} has ragged rows"
    there = contents()
    for text in GIVEN.values():
        assert text in there, f"{text!r} is lost"


def contents():
    folders = [Path(folder) for folder in ("inbox", "archive", "failed")]
    own = (".error.json", ".partial", ".part")
    return [p.read_text() for f in folders for p in f.rglob("*") if p.is_file() and not p.name.endswith(own)]


def check():
    """After it was taken up: as if nothing had happened."""
    put = sorted([*GIVEN.values(), *AGAIN.values()])
    assert sorted(contents()) == put, f"kept {sorted(contents())}, put {put}"
    assert not [p for p in Path("inbox").rglob("*") if p.is_file()]
    with Ledger(Path(".digitocr/ledger.sqlite")) as ledger:
        wrong = [line for line in verify(settings(), ledger) if "left behind by a kill" not in line]
        known = list(ledger.known(1))
        said = ledger.corrections.all(1)
    assert wrong == [], wrong
    rows = table("results/files.csv")[1:]
    assert len(rows) == len(known) == len(put), rows
    statuses = Counter(row[6] for row in rows)
    # the empty page was given its number, unless the kill came before anyone could
    settled = {"done": 6 - statuses["empty"], "duplicate": 1, "partial": 1, "failed": 2}
    assert +statuses == Counter(settled | ({"empty": 1} if statuses["empty"] else {})), statuses
    found = table("results/numbers.csv")[1:]
    assert len(found) == len({tuple(row[:4]) for row in found}), "a number is there twice"
    single = [p for p in Path("results").rglob("?*.numbers.csv") if ".old" not in p.parts]
    assert sorted(row for p in single for row in table(p)[1:]) == sorted(found)
    expected = sum(len(numbers(text)) for text in {*put} if "BAD" not in text) + (not statuses["empty"])
    assert len(found) == expected, f"{len(found)} numbers, {expected} were put"
    keys = [(c.review_id, c.new) for _, c in said]
    assert len(keys) == len(set(keys)), "a correction was taken twice"


def main():
    folder, way, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    logging.disable(logging.CRITICAL)
    gc.freeze()
    Path(folder).mkdir(parents=True, exist_ok=True)
    place = str(Path(folder).resolve() / "work")
    killed = 0
    if way == "in-turn":
        stride = count
        for last in range(1 + seed % stride, 100_000, stride):
            steps = Steps(last)
            status = one_life(place, lambda steps=steps: (steps.install(), live()))
            if status == 0:
                break
            assert status == -signal.SIGKILL, f"step {last}: status {status}"
            killed += 1
        print(f"{killed} kills, each {stride} steps further, of about {last} steps")
    else:
        rng = random.Random(seed)
        started = time.monotonic()
        assert one_life(place, live) == 0
        whole = time.monotonic() - started
        for _ in range(count):
            killed += one_life(place, live, rng.uniform(0, whole * 0.6)) == -signal.SIGKILL
        print(f"{killed} kills at random")


if __name__ == "__main__":
    main()
