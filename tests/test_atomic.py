import errno
import os

import pytest

from digitocr import atomic
from digitocr.errors import NameRefusedError, OutputError


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


def test_nothing_is_written_through_a_link_that_someone_put_there(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path = tmp_path / "table.csv"
    atomic.partial_path(path).symlink_to(victim)
    atomic.write(path, b"table")
    assert victim.read_text() == "precious"
    assert path.read_bytes() == b"table"
    assert not path.is_symlink()


def test_a_long_name_of_many_bytes_can_be_written(tmp_path):
    path = tmp_path / ("数" * 80 + ".csv")
    atomic.write(path, b"table")
    assert path.read_bytes() == b"table"


@pytest.mark.parametrize("name", ["x" * 300, "taken/x"])
def test_a_name_that_the_system_refuses_is_one_file_s_trouble(tmp_path, name):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(NameRefusedError) as caught:
        atomic.write(tmp_path / name, b"table")
    assert caught.value.exit_status == 1


def test_content_that_cannot_be_made_leaves_the_old_file_and_no_partial_one(tmp_path):
    def parts():
        yield b"new"
        raise RuntimeError("a bug")

    path = tmp_path / "table.csv"
    atomic.write(path, b"old")
    with pytest.raises(RuntimeError):
        atomic.write(path, parts())
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_the_last_moment_decides(tmp_path):
    path = tmp_path / "table.csv"
    assert atomic.write(path, b"one")
    assert not atomic.write(path, b"two", only_if=lambda: False)
    assert path.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]
