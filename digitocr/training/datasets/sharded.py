"""Corpora drawn in shards on all cores; each shard is kept in a file, so that an interrupted run can resume."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.settings import cores

Shard = dict[str, NDArray[Any]]
"""Arrays of one shard, by name."""

SHARD_DRAWINGS = 1000
"""Drawings in a shard."""


def sharded_corpus(
    name: str,
    draw: Callable[[tuple[int, int]], Shard],
    seed: int,
    pictures: int,
    work: Path,
    report: Callable[[str], None],
    shard: int = SHARD_DRAWINGS,
) -> list[Shard]:
    """Draw a corpus in shards, in parallel; shards already in `work` are loaded.

    Parameters
    ----------
    name : str
        Prefix of the file names.
    draw : callable
        Draws one shard, given its seed and number of drawings, in another process.
    seed : int
        Of the first shard; each later one has the next.
    pictures : int
        Drawings in all.
    work : Path
        Folder of the files.
    report : callable
        Is told of the progress in words.
    shard : int
        Drawings in a shard.

    Returns
    -------
    list of dict of str to ndarray
        The shards in order.
    """
    jobs = [(seed + k, min(shard, pictures - k * shard)) for k in range(-(-pictures // shard))]
    work.mkdir(parents=True, exist_ok=True)
    paths = {job: work / f"{name}-{job[0]}-{job[1]}.npz" for job in jobs}
    missing = [job for job in jobs if not paths[job].exists()]
    with ProcessPoolExecutor(max_workers=cores()) as pool:
        for done, (job, part) in enumerate(zip(missing, pool.map(draw, missing), strict=True), start=1):
            unfinished = paths[job].with_suffix(".part.npz")
            np.savez(unfinished, allow_pickle=False, **part)
            unfinished.replace(paths[job])
            report(f"drawn {len(jobs) - len(missing) + done} of {len(jobs)} parts")
    return [_load(paths[job]) for job in jobs]


def _load(path: Path) -> Shard:
    with np.load(path) as stored:
        return dict(stored)
