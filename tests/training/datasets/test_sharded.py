"""Corpora drawn in parts."""

import numpy as np
import pytest

from digitocr.training.datasets.sharded import SHARD_DRAWINGS, sharded_corpus


def numbers(job):
    seed, count = job
    return {"seed": np.full(count, seed)}


def broken(job):
    raise RuntimeError(f"{job} drawn twice")


def test_parts_come_in_order_and_are_drawn_once(tmp_path):
    told = []
    drawn = sharded_corpus("numbers", numbers, 40, 2 * SHARD_DRAWINGS + 5, tmp_path, told.append)
    assert [(int(p["seed"][0]), len(p["seed"])) for p in drawn] == [
        (40, SHARD_DRAWINGS),
        (41, SHARD_DRAWINGS),
        (42, 5),
    ]
    assert told[-1] == "drawn 3 of 3 parts"
    again = sharded_corpus("numbers", broken, 40, 2 * SHARD_DRAWINGS + 5, tmp_path, told.append)
    assert [len(p["seed"]) for p in again] == [SHARD_DRAWINGS, SHARD_DRAWINGS, 5]


def test_an_interrupted_corpus_goes_on(tmp_path):
    sharded_corpus("numbers", numbers, 1, SHARD_DRAWINGS, tmp_path, str)
    with pytest.raises(RuntimeError, match="drawn twice"):
        sharded_corpus("numbers", broken, 1, 2 * SHARD_DRAWINGS, tmp_path, str)
    drawn = sharded_corpus("numbers", numbers, 1, 2 * SHARD_DRAWINGS, tmp_path, str)
    assert [int(p["seed"][0]) for p in drawn] == [1, 2]
