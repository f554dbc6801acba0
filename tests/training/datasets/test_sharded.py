"""Corpora drawn in parts."""

import numpy as np
import pytest

from digitocr.training.datasets.sharded import PART, parts


def numbers(job):
    seed, count = job
    return {"seed": np.full(count, seed)}


def broken(job):
    raise RuntimeError(f"{job} drawn twice")


def test_parts_come_in_order_and_are_drawn_once(tmp_path):
    told = []
    drawn = parts("numbers", numbers, 40, 2 * PART + 5, tmp_path, told.append)
    assert [(int(p["seed"][0]), len(p["seed"])) for p in drawn] == [(40, PART), (41, PART), (42, 5)]
    assert told[-1] == "drawn 3 of 3 parts"
    again = parts("numbers", broken, 40, 2 * PART + 5, tmp_path, told.append)
    assert [len(p["seed"]) for p in again] == [PART, PART, 5]


def test_an_interrupted_corpus_goes_on(tmp_path):
    parts("numbers", numbers, 1, PART, tmp_path, str)
    with pytest.raises(RuntimeError, match="drawn twice"):
        parts("numbers", broken, 1, 2 * PART, tmp_path, str)
    drawn = parts("numbers", numbers, 1, 2 * PART, tmp_path, str)
    assert [int(p["seed"][0]) for p in drawn] == [1, 2]
