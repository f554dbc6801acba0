"""What starting costs: the time of the command on one image, relative to a floor.

The floor of ``process_folder`` is a bare ``import tensorflow`` plus an empty Prefect flow; that of
``--no-prefect`` is ``import tensorflow`` alone. All run in turn, each with its own state folder, which one uncounted
round has warmed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
EMPTY_FLOW = "from prefect import flow\n@flow\ndef empty(): pass\nempty()"


def measure(image: Path, rounds: int, work: Path) -> dict[str, list[float]]:
    """Time all commands in turn.

    Parameters
    ----------
    image : Path
    rounds : int
    work : Path
        An empty folder.

    Returns
    -------
    dict of str to list of float
        Wall seconds by command, one a round.
    """
    inputs = work / "inputs"
    inputs.mkdir()
    shutil.copy(image, inputs)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DIGITOCR_", "PREFECT_"))}
    clean["PYTHONPATH"] = str(ROOT)
    # The program also starts its server without analytics, and waits for it as long.
    prefect = {
        "PREFECT_HOME": str(work / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
    }
    times: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        program = _program(inputs, work, f"flow-{number}")
        plain = [*_program(inputs, work, f"plain-{number}"), "--no-prefect"]
        sides = [
            ("import tensorflow", [sys.executable, "-c", "import tensorflow"], clean),
            ("process_folder", program, clean),
            ("empty flow", [sys.executable, "-c", EMPTY_FLOW], clean | prefect),
            ("--no-prefect", plain, clean),
        ]
        for name, command, environment in sides if number % 2 else reversed(sides):
            seconds = _wall(command, environment, work)
            if number:
                times.setdefault(name, []).append(seconds)
    return times


def ratios(times: dict[str, list[float]]) -> dict[str, float]:
    """Return the ratios of the medians to the floor.

    Parameters
    ----------
    times : dict of str to list of float
        From :func:`measure`.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> times = {"import tensorflow": [4], "empty flow": [6], "process_folder": [11], "--no-prefect": [5]}
    >>> ratios(times)
    {'process_folder': 1.1, '--no-prefect': 1.25}
    """
    median = {name: statistics.median(seconds) for name, seconds in times.items()}
    return {
        "process_folder": median["process_folder"] / (median["import tensorflow"] + median["empty flow"]),
        "--no-prefect": median["--no-prefect"] / median["import tensorflow"],
    }


def _program(inputs: Path, work: Path, job: str) -> list[str]:
    # Another results folder is another job, so the image is read each time.
    state = work / f"state-{job.split('-')[0]}"
    return [
        *(sys.executable, "-m", "flows.process_folder", str(inputs)),
        *("--results", str(work / job), "--review", str(work / f"{job}-review"), "--state", str(state)),
    ]


def _wall(command: Sequence[str], environment: dict[str, str], work: Path) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=work, env=environment, check=False, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with status {done.returncode}\n{done.stderr}")
    return seconds


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, default=sorted((ROOT / "examples").glob("*.[jp]*g"))[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the times")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as work:
        times = measure(arguments.image, arguments.rounds, Path(work))
    for name, seconds in times.items():
        listed = " ".join(f"{s:.2f}" for s in seconds)
        print(f"{name:20} {statistics.median(seconds):6.2f} s   ({listed})")
    got = ratios(times)
    print(f"process_folder / (import tensorflow + empty flow)  {got['process_folder']:.2f}")
    print(f"--no-prefect / import tensorflow                   {got['--no-prefect']:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"seconds": times, "ratios": got}, indent=1) + "\n")


if __name__ == "__main__":
    main()
