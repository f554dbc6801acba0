"""What more workers bring, and how many files a second one runner can feed to them. Linux only.

``python -m benchmarks.scaling``. The whole command reads the same crops and pages with 1, 2, 4 … workers, in turns,
on an otherwise idle machine. The runner's ceiling is measured with workers that read nothing: each file still is
hashed, claimed, recorded with one number, and published.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.drawn import draw_files, draw_pages
from benchmarks.processes import own_environment, resident
from digitocr.records import Box, Digit, FileResult, Number, PageResult, Reading, Source
from digitocr.settings import cores

CROPS, PAGES, ROUNDS = 2000, 60, 3
CEILING_FILES = (1_000, 10_000, 100_000)
_TICK_S = 0.2
"""Time between two looks at the memory of the processes."""

COMMAND = "from flows import process_folder; process_folder.app()"
IDLE_COMMAND = f"""
from benchmarks.scaling import read_nothing
from digitocr.inbox import reading
reading.chunk_reader = lambda settings, pictures=None: read_nothing
{COMMAND}
"""


def read_nothing(sources: Sequence[Source]) -> list[Reading]:
    """Return a made-up reading of one number for each file, which is only hashed.

    Parameters
    ----------
    sources : sequence of Source

    Returns
    -------
    list of Reading
    """
    box = Box(10, 10, 9, 20)
    page = PageResult(1, (60, 400), (Number((Digit(7, 0.99, 1, 0.01, box),), 0.99, box, "7"),))
    digests = [hashlib.sha256(source.path.read_bytes()).hexdigest() for source in sources]
    return [Reading(FileResult(s.file, digest, (page,))) for s, digest in zip(sources, digests, strict=True)]


@dataclass(frozen=True, slots=True)
class Run:
    """A command that has ended.

    Attributes
    ----------
    workers : int
    files : int
    seconds : float
    runner_mb : float
        Most memory that the runner held.
    worker_mb : float
        Most memory that a process below it held; 0 if there was none.
    """

    workers: int
    files: int
    seconds: float
    runner_mb: float
    worker_mb: float


def run(program: str, inputs: Path, job: Path, workers: int) -> Run:
    """Run the command on a folder, and sample the memory of its processes.

    Parameters
    ----------
    program : str
    inputs : Path
    job : Path
        For results, review and state; created.
    workers : int

    Returns
    -------
    Run

    Raises
    ------
    SystemExit
        The command failed.
    """
    job.mkdir(parents=True)
    command = [
        sys.executable,
        "-c",
        program,
        str(inputs),
        "--no-prefect",
        "--json",
        "--workers",
        str(workers),
    ]
    for folder in ("results", "review", "state"):
        command += [f"--{folder}", str(job / folder)]
    runner, below = list[int](), [0]
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=job,
        env=own_environment() | {"DIGITOCR_SETTLE": "0"},
        stdout=subprocess.PIPE,
    )
    while process.poll() is None:
        runner.append(resident(process.pid))
        below += [resident(pid) for pid in _children(process.pid)]
        time.sleep(_TICK_S)
    seconds = time.perf_counter() - started
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{workers} workers on {inputs}: status {process.returncode}")
    files = json.loads(output)["files"]
    return Run(workers, files, round(seconds, 3), max(runner) / 2**20, max(below) / 2**20)


def _children(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (task / "children").read_text().split())


def scaling(work: Path, inputs: Path, counts: Sequence[int], rounds: int) -> list[Run]:
    """Read a folder with each number of workers, in turns.

    Parameters
    ----------
    work : Path
    inputs : Path
    counts : sequence of int
    rounds : int

    Returns
    -------
    list of Run

    Raises
    ------
    SystemExit
        The tables differ.
    """
    runs, tables = [], set()
    for turn in range(rounds):
        for count in counts:
            job = work / f"{inputs.name}-{turn}-{count}"
            runs.append(run(COMMAND, inputs, job, count))
            tables.add((job / "results" / "numbers.csv").read_bytes())
    if len(tables) != 1:
        raise SystemExit(f"{inputs.name}: the tables depend on the number of workers, or on chance")
    return runs


def ceiling(work: Path, files: int, workers: int) -> Run:
    """Measure the runner with workers that read nothing.

    Parameters
    ----------
    work : Path
    files : int
    workers : int

    Returns
    -------
    Run
    """
    inputs = work / f"{files}"
    inputs.mkdir()
    for i in range(files):
        (inputs / f"{i:06}.png").write_text(f"{i}")
    return run(IDLE_COMMAND, inputs, work / f"ceiling-{files}", workers)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    powers = [2**k for k in range(cores().bit_length())]
    parser.add_argument("--workers", type=_count, nargs="+", default=powers)
    parser.add_argument("--crops", type=_count, default=CROPS)
    parser.add_argument("--pages", type=_count, default=PAGES)
    parser.add_argument("--rounds", type=_count, default=ROUNDS)
    parser.add_argument("--ceiling", type=_count, nargs="*", default=CEILING_FILES, metavar="FILES")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    arguments = parser.parse_args(argv)
    found: dict[str, list[Run]] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, draw, count in (
            ("crops", draw_files, arguments.crops),
            ("pages", draw_pages, arguments.pages),
        ):
            draw(work / name, count)
            found[name] = scaling(work, work / name, arguments.workers, arguments.rounds)
            _tell(name, found[name])
        found["ceiling"] = []
        for files in arguments.ceiling:
            one = ceiling(work, files, max(arguments.workers))
            found["ceiling"].append(one)
            rate, memory = files / one.seconds, one.runner_mb
            print(f"ceiling, {files} files: {rate:.0f} a second, runner {memory:.0f} MB", flush=True)
    if arguments.json:
        figures = {name: [asdict(one) for one in runs] for name, runs in found.items()}
        arguments.json.write_text(json.dumps({"cores": cores(), **figures}, indent=1) + "\n")


def _count(text: str) -> int:
    """Read a number of at least 1.

    Raises
    ------
    argparse.ArgumentTypeError
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return int(text)


def _tell(name: str, runs: Sequence[Run]) -> None:
    seconds = {
        one.workers: statistics.median(r.seconds for r in runs if r.workers == one.workers) for one in runs
    }
    least = min(seconds)
    print(f"{runs[0].files} {name}, {cores()} cores, whole command, median of {len(runs) // len(seconds)}")
    for count, took in seconds.items():
        runner, worker = (
            max(getattr(r, size) for r in runs if r.workers == count) for size in ("runner_mb", "worker_mb")
        )
        gain = f"{seconds[least] / took:.2f} × as fast as {least}"
        memory = f"runner {runner:.0f} MB, largest process below it {worker:.0f} MB"
        print(f"  {count} workers {took:8.1f} s  {gain}  {memory}", flush=True)


if __name__ == "__main__":
    main()
