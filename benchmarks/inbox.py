"""Many files through the real watcher: each is read once, memory and time a file stay flat, rescans are cheap.

``python -m benchmarks.inbox [FILES]``. A table replaces the network, so this measures the ledger, the inbox and the
tables.
"""

from __future__ import annotations

import collections
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOAK = ROOT / "tests" / "soak"
WRITERS = 4
_STALLED_S = 120.0
"""Without another finished file for this long, something is wrong."""


@dataclass(frozen=True)
class Figures:
    """Cost of many files.

    Attributes
    ----------
    files : int
    read_twice : int
        Files that were read more than once.
    wrong : tuple of str
        Faults found at the end.
    memory : tuple of int
        Resident memory of the watcher in MiB, after each tenth of the files.
    pace : tuple of float
        Milliseconds a file, in each tenth.
    rescan : float
        Milliseconds a file to scan a folder of as many finished files.
    """

    files: int
    read_twice: int
    wrong: tuple[str, ...]
    memory: tuple[int, ...]
    pace: tuple[float, ...]
    rescan: float


def measure(folder: Path, files: int) -> Figures:
    """Drop files from four writers while the watcher runs, and wait until all are read.

    Parameters
    ----------
    folder : Path
        Where it runs; created.
    files : int

    Returns
    -------
    Figures
    """
    (folder / "inbox").mkdir(parents=True)
    env = os.environ | {"DIGITOCR_SETTLE": "1", "DIGITOCR_RESCAN": "5", "PYTHONPATH": str(ROOT)}
    env |= {"DIGITOCR_WORKERS": "1"}  # starting processes takes longer than what they would do here
    each = files // WRITERS
    with (folder / "watcher.log").open("w") as log:
        watcher = subprocess.Popen(
            [sys.executable, str(SOAK / "watching.py"), "watch", "--no-prefect"],
            cwd=folder, env=env, stdout=log, stderr=log,
        )  # fmt: skip
        writers = [
            subprocess.Popen(
                [sys.executable, str(SOAK / "dropping.py"), "inbox", str(w), str(each)], cwd=folder
            )
            for w in range(WRITERS)
        ]
        try:
            memory, pace = _follow(folder, watcher, each * WRITERS)
        finally:
            for child in (watcher, *writers):
                if child.poll() is None:
                    child.send_signal(signal.SIGTERM)
            status = [child.wait(60) for child in (watcher, *writers)]
    reads = collections.Counter(line.split()[1] for line in (folder / "reads.log").read_text().splitlines())
    wrong = _wrong(folder, each * WRITERS)
    if any(status):
        wrong.append(f"exit statuses {status}")
    rescan = _rescan(folder, env)
    twice = sum(count > 1 for count in reads.values())
    return Figures(each * WRITERS, twice, tuple(wrong), tuple(memory), tuple(pace), rescan)


def _follow(folder: Path, watcher: subprocess.Popen[bytes], files: int) -> tuple[list[int], list[float]]:
    memory: list[int] = []
    pace: list[float] = []
    done, moved, since = 0, time.monotonic(), time.monotonic()
    while done < files:
        found = sum(len(names) for _, _, names in os.walk(folder / "archive"))
        if found > done:
            moved = time.monotonic()
        done = found
        while len(pace) < 10 * done // files:
            at = time.monotonic()
            pace.append(round((at - since) * 1000 / (files / 10), 2))
            since = at
            memory.append(_resident(watcher.pid))
        if watcher.poll() is not None or time.monotonic() - moved > _STALLED_S:
            log = (folder / "watcher.log").read_text()[-2000:]
            raise RuntimeError(f"{done} of {files} files are done and no other follows: {log}")
        time.sleep(0.2)
    return memory, pace


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def _wrong(folder: Path, files: int) -> list[str]:
    wrong = []
    left = [p for p in (folder / "inbox").rglob("*") if p.is_file()]
    if left:
        wrong.append(f"{len(left)} files are left in the inbox")
    with (folder / "results" / "files.csv").open(newline="", encoding="utf-8") as stream:
        statuses = collections.Counter(row["status"] for row in csv.DictReader(stream))
    if statuses != {"done": files}:
        wrong.append(f"statuses {dict(statuses)}")
    verified = subprocess.run(
        [sys.executable, "-m", "digitocr", "ledger", "verify"],
        cwd=folder, text=True, capture_output=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if verified.returncode:
        wrong.append(f"ledger verify: {verified.stdout[-500:]}{verified.stderr[-500:]}")
    return wrong


def _rescan(folder: Path, env: dict[str, str]) -> float:
    """Scan a folder again whose files are all done."""
    command = [sys.executable, str(SOAK / "watching.py"), "process", "archive", "--no-prefect", "--json"]
    command += ["--results", "again", "--review", "again-review"]
    env = env | {"DIGITOCR_ARCHIVE": "elsewhere", "DIGITOCR_SETTLE": "0"}
    for _ in range(2):  # the first reads them
        time.sleep(2.1)  # a file written just before it was hashed is hashed again
        done = subprocess.run(command, cwd=folder, env=env, text=True, capture_output=True, check=True)
    import json

    summary = json.loads(done.stdout)
    if summary["unchanged"] != summary["files"]:
        raise RuntimeError(f"the rescan read files again: {summary}")
    return float(round(summary["seconds"] * 1000 / summary["files"], 3))


def main() -> None:
    """Run the command."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder) / "work", files)
    print(f"{figures.files} files from {WRITERS} writers, {figures.read_twice} read twice")
    print(f"memory of the watcher, MiB, by tenths: {figures.memory}")
    print(f"milliseconds a file, by tenths: {figures.pace}")
    print(f"rescan of a done folder: {figures.rescan} ms a file")
    for line in figures.wrong:
        print(f"wrong: {line}")
    sys.exit(bool(figures.wrong or figures.read_twice))


if __name__ == "__main__":
    main()
