import errno
import os

import pytest

from digitocr import atomic
from digitocr.errors import NameRefusedError, OutputError


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


class TestWrite:
    def test_a_file_is_replaced_in_one_step(self, tmp_path):
        path = tmp_path / "deep" / "table.csv"
        atomic.write(path, b"one")
        atomic.write(path, b"two")
        assert path.read_bytes() == b"two"
        assert [p.name for p in path.parent.iterdir()] == ["table.csv"]

    def test_a_full_disk_leaves_the_old_file_and_no_partial_one(self, tmp_path, monkeypatch):
        path = tmp_path / "table.csv"
        atomic.write(path, b"old")
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="No space left") as caught:
            atomic.write(path, b"new")
        assert caught.value.exit_status == 3
        assert "make room" in caught.value.hint
        assert path.read_bytes() == b"old"
        assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]

    def test_a_planted_link_is_not_written_through(self, tmp_path):
        victim = tmp_path / "victim"
        victim.write_text("precious")
        path = tmp_path / "table.csv"
        atomic.partial_path(path).symlink_to(victim)
        atomic.write(path, b"table")
        assert victim.read_text() == "precious"
        assert path.read_bytes() == b"table"
        assert not path.is_symlink()

    def test_a_long_name_of_many_bytes_can_be_written(self, tmp_path):
        path = tmp_path / ("数" * 80 + ".csv")
        atomic.write(path, b"table")
        assert path.read_bytes() == b"table"

    @pytest.mark.parametrize("name", ["x" * 300, "taken/x"])
    def test_a_name_that_the_system_refuses_is_an_error_of_that_file(self, tmp_path, name):
        (tmp_path / "taken").write_text("a file")
        with pytest.raises(NameRefusedError) as caught:
            atomic.write(tmp_path / name, b"table")
        assert caught.value.exit_status == 1

    def test_content_that_fails_leaves_the_old_file_and_no_partial_one(self, tmp_path):
        def parts():
            yield b"new"
            raise RuntimeError("a bug")

        path = tmp_path / "table.csv"
        atomic.write(path, b"old")
        with pytest.raises(RuntimeError):
            atomic.write(path, parts())
        assert path.read_bytes() == b"old"
        assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]

    def test_only_if_decides_at_the_last_moment(self, tmp_path):
        path = tmp_path / "table.csv"
        assert atomic.write(path, b"one")
        assert not atomic.write(path, b"two", only_if=lambda: False)
        assert path.read_bytes() == b"one"
        assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


class TestMove:
    def test_a_file_moves_to_another_file_system(self, tmp_path, monkeypatch):
        source, target = tmp_path / "a.jpg", tmp_path / "archive" / "a.jpg"
        source.write_bytes(b"picture")

        def elsewhere(*_):
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(type(source), "rename", elsewhere)
        atomic.move(source, target)
        assert target.read_bytes() == b"picture"
        assert not source.exists()


class TestCopy:
    def test_the_content_of_a_link_is_copied(self, tmp_path):
        (tmp_path / "real").write_bytes(b"picture")
        (tmp_path / "link").symlink_to(tmp_path / "real")
        atomic.copy(tmp_path / "link", tmp_path / "archive" / "copy")
        assert not (tmp_path / "archive" / "copy").is_symlink()
        assert (tmp_path / "archive" / "copy").read_bytes() == b"picture"

    def test_a_missing_source_is_an_error_and_leaves_nothing(self, tmp_path):
        with pytest.raises(OutputError):
            atomic.copy(tmp_path / "gone", tmp_path / "archive" / "copy")
        assert list((tmp_path / "archive").iterdir()) == []


class TestMakeFolder:
    def test_permissions_are_given(self, tmp_path):
        atomic.make_folder(tmp_path / "state", atomic.PRIVATE)
        assert (tmp_path / "state").stat().st_mode & 0o777 == atomic.PRIVATE
        atomic.make_folder(tmp_path / "state")

    def test_a_file_in_the_way_is_an_error(self, tmp_path):
        (tmp_path / "state").write_text("")
        with pytest.raises(OutputError, match="cannot make"):
            atomic.make_folder(tmp_path / "state")


class TestSyncFolder:
    @pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
    def test_shares_that_cannot_sync_are_accepted(self, tmp_path, monkeypatch, code):
        def refuse(_):
            raise OSError(code, "no")

        monkeypatch.setattr(os, "fsync", refuse)
        atomic.sync_folder(tmp_path)

    def test_other_errors_are_raised(self, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            atomic.sync_folder(tmp_path)


class TestPartialPath:
    def test_it_is_short_hidden_and_in_the_same_folder(self, tmp_path):
        partial = atomic.partial_path(tmp_path / ("x" * 200))
        assert partial.parent == tmp_path
        assert partial.name.startswith(".")
        assert partial.name.endswith(atomic.PARTIAL)
        assert len(partial.name) < 40
