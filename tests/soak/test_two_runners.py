"""Two who want to run at once: no file is read twice, and no one hears of anything but the other."""

import collections
import os
import subprocess
import sys
from pathlib import Path

import pytest

from digitocr.inbox.verify import verify
from digitocr.store.ledger import Ledger

ROOT = Path(__file__).parent.parent.parent
SCRIPT = Path(__file__).with_name("watching.py")


@pytest.mark.timeout(300)
def test_runs_watchers_and_commands_at_once(work):
    for i in range(300):
        work.put(f"{i:03}.jpg", f"{i} 5?" if i % 3 else f"{i}")
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "DIGITOCR_SETTLE": "0",
        "DIGITOCR_CHUNK": "4",
        "DIGITOCR_RESCAN": "1",
    }

    def start(*args):
        pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL, "text": True}
        return subprocess.Popen(args, cwd=work.folder, env=env, **pipes)

    def run():
        return start(sys.executable, str(SCRIPT), "process", "--no-prefect", "--json")

    def ended(child):
        message = child.communicate()[1]
        return child.returncode, message

    said = []
    watcher = start(sys.executable, str(SCRIPT), "watch", "--no-prefect")
    for _ in range(4):
        children = [run(), run(), start(sys.executable, "-m", "flows.apply_review")]
        said += [ended(child) for child in children]
    for _ in range(100):
        if not work.names("inbox"):
            break
        said.append(ended(run()))
    watcher.terminate()
    assert ended(watcher)[0] == 0
    for status, message in said:
        assert status in (0, 2, 3), message
        assert status == 0 or "holds" in message or "nothing was read" in message, message
        assert "Traceback" not in message
    reads = collections.Counter(
        line.split()[1] for line in (work.folder / "reads.log").read_text().splitlines()
    )
    assert set(reads.values()) == {1}
    assert len(reads) == 300
    assert set(work.statuses().values()) == {"done"}
    with Ledger(work.folder / ".digitocr" / "ledger.sqlite") as opened:
        assert verify(work.settings(), opened) == []


@pytest.mark.timeout(300)
def test_two_machines_with_states_of_their_own_whose_locks_do_not_reach_each_other(work):
    for i in range(120):
        work.put(f"{i:03}.jpg", f"{i}")
    env = os.environ | {"PYTHONPATH": str(ROOT), "DIGITOCR_SETTLE": "0", "DIGITOCR_CHUNK": "2"}
    apart = "import fcntl, runpy, sys; fcntl.flock = lambda *_: None; del sys.argv[0]"
    apart += f"; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"

    def start(name):
        own = ["--state", name, "--results", f"{name}/results", "--review", f"{name}/review"]
        command = [sys.executable, "-c", apart, str(SCRIPT), "process", "--no-prefect", "--json", *own]
        return subprocess.Popen(command, cwd=work.folder, env=env, stderr=subprocess.PIPE, text=True)

    for _ in range(20):
        both = [start("one"), start("two")]
        ends = [(child.communicate()[1], child.returncode) for child in both]
        assert all(status == 0 or (status == 3 and "holds the inbox" in said) for said, status in ends), ends
        if not work.names("inbox"):
            break
    tables = [
        work.statuses(f"{name}/results")
        for name in ("one", "two")
        if (work.folder / name / "results" / "files.csv").exists()
    ]
    assert sum(map(len, tables)) == len({file for table in tables for file in table}) == 120
    assert len(work.names("archive")) == 120
