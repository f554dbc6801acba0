"""Child processes, with the time and memory they take."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
)


def own_environment() -> dict[str, str]:
    """Return the environment without settings of the program, and with its code in the path.

    Returns
    -------
    dict of str to str
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DIGITOCR_")}
    return kept | {"PYTHONPATH": str(ROOT)}


def resident(pid: int) -> int:
    """Return the memory that a process holds.

    Parameters
    ----------
    pid : int

    Returns
    -------
    int
        In bytes; 0 if it has ended.
    """
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


@dataclass(slots=True)
class Run:
    """A process that has ended.

    Attributes
    ----------
    wall : float
        Seconds.
    peak : int
        Most memory held, in bytes.
    output : str
        Its standard output.
    memory : list of (files done, bytes)
        Sampled while it ran.
    """

    wall: float
    peak: int
    output: str
    memory: list[tuple[int, int]] = field(default_factory=list)


def on_one_core(command: Sequence[str], work: Path, progress: Callable[[], int] | None = None) -> Run:
    """Run a command on the first core with one thread, and sample its memory if `progress` is given.

    Parameters
    ----------
    command : sequence of str
    work : Path
        Where it runs.
    progress : callable, optional
        Returns how many files are done.

    Returns
    -------
    Run

    Raises
    ------
    SystemExit
        The command failed.
    """
    environment = own_environment() | ONE_THREAD
    memory: list[tuple[int, int]] = []
    with (work / "stdout").open("w+") as stdout:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=work, env=environment, stdout=stdout, preexec_fn=lambda: os.sched_setaffinity(0, {0})
        )
        while progress:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            held = resident(process.pid)
            memory.append((progress(), held))
            time.sleep(0.2)
        else:
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        output = stdout.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:5])} … ended with status {process.returncode}")
    return Run(wall, usage.ru_maxrss * 1024, output, memory)
