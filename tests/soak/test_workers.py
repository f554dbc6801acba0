"""Processes that read are killed at random while some files kill them by themselves: no good file pays for it."""

import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
from fake_reader import FakeReader
from maintenance import disagreements

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
