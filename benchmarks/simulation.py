"""The real runner against readers that only pretend: what one runner can record, however many machines read for it.

``python -m benchmarks.simulation [FILES]``. Each file is hashed, claimed, recorded with the numbers of a tally sheet,
and published; no network looks at it. With ``--shards``, as many runners work side by side, each on a share of the
files, and their tables are joined. Linux only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.processes import own_environment, resident
from digitocr.records import Box, Digit, FileResult, Number, PageResult, Reading, Source
from digitocr.results.joined import join

FILES = 1_000_000
FOLDER_FILES = 1_000
"""Files of a sub-folder of the input."""

NUMBERS = 20
"""Of three digits each, on a sheet."""

_TICK_S = 0.5

COMMAND = """
from benchmarks.simulation import pretended
from digitocr.inbox import reading
from flows import process_folder
reading.chunk_reader = lambda settings, pictures=None: pretended
process_folder.app()
"""


def pretended(sources: Sequence[Source]) -> list[Reading]:
    """Return the made-up reading of a sheet for each file, which is only hashed.

    Parameters
    ----------
    sources : sequence of Source

    Returns
    -------
    list of Reading
    """
    boxes = [Box(10 * i, 10, 9, 20) for i in range(3)]
    digits = tuple(Digit(i, 0.99, 7, 0.01, box) for i, box in enumerate(boxes))
    page = PageResult(1, (3508, 2480), (Number(digits, 0.98, Box(10, 10, 29, 20), "012"),) * NUMBERS)
    contents = [Path(source.path).read_bytes() for source in sources]
    return [
        Reading(FileResult(source.file, hashlib.sha256(content).hexdigest(), (page,)))
        for source, content in zip(sources, contents, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Mark:
    """How it stood on the way.

    Attributes
    ----------
    files : int
        Claimed so far, by all runners.
    rate : float
        Files a second since the mark before.
    runner_mb, ledger_mb : float
        Memory of the largest runner, and size of the largest ledger.
    """

    files: int
    rate: float
    runner_mb: float
    ledger_mb: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What the runners did.

    Attributes
    ----------
    files, shards : int
    seconds : float
        Until the last runner ended.
    joined_seconds : float
        For joining their tables.
    marks : tuple of Mark
        At each tenth.
    """

    files: int
    shards: int
    seconds: float
    joined_seconds: float
    marks: tuple[Mark, ...]


def simulate(work: Path, files: int, shards: int = 1) -> Figures:
    """Have runners settle files.

    Parameters
    ----------
    work : Path
        An empty folder.
    files, shards : int

    Returns
    -------
    Figures

    Raises
    ------
    SystemExit
        A runner failed, or the joined tables lack a file.
    """
    for i in range(files):
        path = work / f"in-{i % shards}" / f"{i // FOLDER_FILES:06}" / f"{i:09}.jpg"
        if i // FOLDER_FILES != (i - shards) // FOLDER_FILES:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{i}")
    started = time.perf_counter()
    runners = [_runner(work, shard) for shard in range(shards)]
    marks = _follow(work, runners, files)
    seconds = time.perf_counter() - started
    if any(runner.wait() for runner in runners):
        raise SystemExit(f"a runner ended with {[runner.returncode for runner in runners]}")
    began = time.perf_counter()
    table, *_ = join([work / f"results-{shard}" for shard in range(shards)], work / "joined")
    with table.open() as stream:
        found = sum(1 for _ in stream) - 1
    if found != files:
        raise SystemExit(f"{found} of {files} files are in the joined tables")
    return Figures(files, shards, round(seconds, 1), round(time.perf_counter() - began, 1), tuple(marks))


def _runner(work: Path, shard: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", COMMAND, f"in-{shard}", "--no-prefect", "--quiet", "--workers", "1"]
    for folder in ("results", "review", "state"):
        command += [f"--{folder}", f"{folder}-{shard}"]
    return subprocess.Popen(command, cwd=work, env=own_environment() | {"DIGITOCR_SETTLE": "0"})


def _follow(work: Path, runners: Sequence[subprocess.Popen[bytes]], files: int) -> list[Mark]:
    marks: list[Mark] = []
    ledgers = [work / f"state-{shard}" / "ledger.sqlite" for shard in range(len(runners))]
    since, before = time.perf_counter(), 0
    while any(runner.poll() is None for runner in runners):
        memory = max(resident(runner.pid) for runner in runners)
        done = sum(map(_claimed, ledgers))
        if done * 10 // files > len(marks):
            now = time.perf_counter()
            size = max(path.stat().st_size for path in ledgers if path.exists())
            marks.append(Mark(done, round((done - before) / (now - since), 1), memory / 2**20, size / 2**20))
            print(f"{done:>9,} files  {marks[-1].rate:7.1f} a second  runner {marks[-1].runner_mb:6.0f} MB  "
                  f"ledger {marks[-1].ledger_mb:7.1f} MB", flush=True)  # fmt: skip
            since, before = now, done
        time.sleep(_TICK_S)
    return marks


def _claimed(ledger: Path) -> int:
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT coalesce(max(id), 0) FROM file").fetchone()[0])
    return 0


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=int, nargs="?", default=FILES)
    parser.add_argument(
        "--shards", type=int, default=1, metavar="N", help="runners, each on a share of the files"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        figures = simulate(Path(folder), arguments.files, arguments.shards)
    print(f"{figures.files:,} files by {figures.shards} runners: {figures.seconds:,.0f} s, "
          f"{figures.files / figures.seconds:.0f} a second; joined in {figures.joined_seconds:.0f} s")  # fmt: skip
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(figures), indent=1) + "\n")


if __name__ == "__main__":
    main()
