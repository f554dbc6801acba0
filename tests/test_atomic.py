import errno
import os

import pytest

from digitocr import atomic
from digitocr.errors import OutputError


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    atomic.write(path, b"one")
    atomic.write(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["table.csv"]


def test_a_full_disk_leaves_the_old_file_and_no_partial_one(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    atomic.write(path, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left") as caught:
        atomic.write(path, b"new")
    assert caught.value.exit_status == 3
    assert "make room" in caught.value.hint
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_a_file_moves_to_another_file_system(tmp_path, monkeypatch):
    source, target = tmp_path / "a.jpg", tmp_path / "archive" / "a.jpg"
    source.write_bytes(b"picture")

    def elsewhere(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(type(source), "rename", elsewhere)
    atomic.move(source, target)
    assert target.read_bytes() == b"picture"
    assert not source.exists()
