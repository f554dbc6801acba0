"""Checkpoints named after their run, and networks trained once."""

import numpy as np
import pytest

from digitocr.training.fit.checkpoints import checkpoint_path, trained_once


class Network:
    def save(self, path):
        path.write_bytes(b"weights")


def test_what_is_trained_is_not_trained_again(tmp_path):
    runs = []

    def train():
        runs.append(1)
        return Network()

    paths = [trained_once(tmp_path / "checkpoint-1", train) for _ in range(2)]
    assert paths == [tmp_path / "checkpoint-1.keras"] * 2
    assert paths[0].read_bytes() == b"weights"
    assert runs == [1]


def test_a_network_that_could_not_be_kept_is_trained_again(tmp_path):
    class Broken:
        def save(self, path):
            path.write_bytes(b"wei")
            raise OSError(28, "no space left on device")

    with pytest.raises(OSError, match="no space"):
        trained_once(tmp_path / "checkpoint-1", Broken)
    assert trained_once(tmp_path / "checkpoint-1", Network).read_bytes() == b"weights"


def test_another_run_or_other_data_is_another_checkpoint(tmp_path):
    data = [np.arange(6), np.ones(3)]
    first = checkpoint_path(tmp_path / "digits", data, (4, 128, 7))
    assert first == checkpoint_path(tmp_path / "digits", iter(data), (4, 128, 7))
    assert first.parent == tmp_path
    assert first.name.startswith("digits-")
    assert first != checkpoint_path(tmp_path / "digits", data, (5, 128, 7))
    assert first != checkpoint_path(tmp_path / "digits", [np.arange(6), np.zeros(3)], (4, 128, 7))
