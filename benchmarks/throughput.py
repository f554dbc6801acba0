"""What reading costs on one core: pages a second, time relative to a floor, memory and its growth.

The floor decodes the same pages, thresholds them once and labels their connected components once. Linux only.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.drawn import draw_files, draw_pages
from benchmarks.processes import on_one_core

PAGES, FILES = 50, 1000
WARM_FILES = 100
"""Memory has settled after this many files."""

FLOOR = """
import sys, time
import cv2, numpy
started = time.perf_counter()
for path in sys.argv[1:]:
    grey = cv2.imdecode(numpy.fromfile(path, numpy.uint8), cv2.IMREAD_GRAYSCALE)
    ink = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 10)
    cv2.connectedComponents(ink)
print(time.perf_counter() - started)
"""


def process_folder(inputs: Path, work: Path) -> list[str]:
    """Return the real command on a folder, without Prefect.

    Parameters
    ----------
    inputs : Path
    work : Path
        For its results, review and state folders.

    Returns
    -------
    list of str
    """
    command = [sys.executable, "-m", "flows.process_folder", str(inputs), "--no-prefect", "--quiet"]
    command += ["--workers", "1"]
    for folder in ("results", "review", "state"):
        command += [f"--{folder}", str(work / folder)]
    return command


@dataclass(frozen=True, slots=True)
class Throughput:
    """Cost of reading pages.

    Attributes
    ----------
    pages : int
    floor : float
        Seconds of the floor.
    seconds : float
        Of the whole command.
    start : float
        Of the whole command on one page.
    peak_mb : float
    """

    pages: int
    floor: float
    seconds: float
    start: float
    peak_mb: float

    @property
    def over_floor(self) -> float:
        """Time relative to the floor, without the start."""
        return (self.seconds - self.start) / (self.floor * (self.pages - 1) / self.pages)

    @property
    def over_floor_with_start(self) -> float:
        """Time relative to the floor, with the start."""
        return self.seconds / self.floor


def throughput(work: Path, pages: int = PAGES) -> Throughput:
    """Measure the cost of A4 pages of 300 dpi.

    Parameters
    ----------
    work : Path
        An empty folder.
    pages : int, optional

    Returns
    -------
    Throughput
    """
    inputs, first = work / "pages", work / "first"
    drawn = draw_pages(inputs, pages)
    first.mkdir()
    (first / drawn[0].name).write_bytes(drawn[0].read_bytes())
    runs = {}
    for name, folder in (("one", first), ("all", inputs)):
        (work / name).mkdir()
        runs[name] = on_one_core(process_folder(folder, work / name), work / name)
    floor = float(on_one_core([sys.executable, "-c", FLOOR, *map(str, drawn)], work).output)
    return Throughput(pages, floor, runs["all"].wall, runs["one"].wall, runs["all"].peak / 2**20)


@dataclass(frozen=True, slots=True)
class Growth:
    """Memory over many files in one process.

    Attributes
    ----------
    files : int
    warm_mb, end_mb : float
        Once the process is warm, and at the end.
    """

    files: int
    warm_mb: float
    end_mb: float

    @property
    def share(self) -> float:
        """Growth relative to the warm process."""
        return self.end_mb / self.warm_mb - 1


def growth(work: Path, files: int = FILES) -> Growth:
    """Measure how memory grows over many small files.

    Parameters
    ----------
    work : Path
    files : int, optional

    Returns
    -------
    Growth

    Raises
    ------
    SystemExit
        The files were done too fast to sample the memory.
    """
    inputs, job = work / "files", work / "job"
    draw_files(inputs, files)
    job.mkdir()
    results = job / "results"
    run = on_one_core(process_folder(inputs, job), job, lambda: len(list(results.glob("*.numbers.csv"))))
    warm = [size for done, size in run.memory if WARM_FILES <= done < 2 * WARM_FILES]
    end = [size for done, size in run.memory if done >= files - WARM_FILES]
    if not warm or not end:
        raise SystemExit("the files were done too fast to sample the memory: name more of them with --files")
    return Growth(files, max(warm) / 2**20, max(end) / 2**20)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as work:
        cost = throughput(Path(work), arguments.pages)
        print(f"{cost.pages} A4 pages, 300 dpi, one core: {cost.seconds:.1f} s, start {cost.start:.1f} s")
        print(f"pages a second, without the start  {(cost.pages - 1) / (cost.seconds - cost.start):.2f}")
        print(f"floor                              {cost.floor:.2f} s")
        print(f"over the floor                     {cost.over_floor:.1f} ×")
        print(f"over the floor, start included     {cost.over_floor_with_start:.1f} ×")
        print(f"peak memory                        {cost.peak_mb:.0f} MB")
        grown = growth(Path(work), arguments.files)
        print(
            f"memory over {grown.files} small files: {grown.warm_mb:.0f} MB once warm, {grown.end_mb:.0f} MB"
        )
        print(f"growth                             {100 * grown.share:.1f} %")
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"pages": asdict(cost), "memory": asdict(grown)}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
