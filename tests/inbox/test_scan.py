import os
import subprocess
from pathlib import Path

import pytest

from digitocr.errors import FileAccessError
from digitocr.inbox import names, scan


def put(path, content=b"picture"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def sources(folder, **kwargs):
    return [found.source for found in scan.scan(folder, **kwargs)[0]]


class TestScan:
    def test_sub_folders_are_mirrored_in_order_of_names(self, tmp_path):
        for name in ("b.jpg", "sub/deep/c.PNG", "a.JPG", "ü/ß.tif"):
            put(tmp_path / name)
        assert sources(tmp_path) == ["a.JPG", "b.jpg", "sub/deep/c.PNG", "ü/ß.tif"]

    @pytest.mark.parametrize(
        "name",
        [
            *(
                ".hidden.jpg",
                ".git/x.jpg",
                "._scan.jpg",
                "Thumbs.db",
                "desktop.ini",
                ".DS_Store",
                "~$scan.doc",
            ),
            *(
                "scan.jpg.part",
                "scan.crdownload",
                "scan.jpg.filepart",
                "scan.TMP",
                "scan.jpg~",
                "@eaDir/scan.jpg",
            ),
            *(
                "#recycle/scan.jpg",
                "$RECYCLE.BIN/scan.jpg",
                "System Volume Information/x",
                "__MACOSX/scan.jpg",
            ),
            *(
                f"{folder}/scan.jpg"
                for folder in (
                    "@Recycle",
                    "#snapshot/GMT-2026",
                    "@tmp",
                    "@SynoDrive",
                    "@Recently-Snapshot",
                    "@GMT-2026.11.27-10.00.00",
                    "~snapshot",
                    "RECYCLER",
                    "FOUND.000",
                    "Network Trash Folder",
                    ".Trash-1000",
                    ".stfolder",
                    ".sync",
                )
            ),
            *("Picasa.ini", "readme.txt", "aquota.user", "scan.jpg.!sync", "~syncthing~scan.jpg.tmp"),
        ],
    )
    def test_litter_is_never_input(self, tmp_path, name):
        put(tmp_path / name)
        assert sources(tmp_path) == []

    @pytest.mark.parametrize(
        "name", ["Thumbnails/x.jpg", "snapshot/x.jpg", "recycle.jpg", "@home.jpg", "tmp/x.jpg"]
    )
    def test_names_that_only_resemble_it_are(self, tmp_path, name):
        put(tmp_path / name)
        assert sources(tmp_path) == [name]

    def test_the_readme_of_the_inbox_is_not_input_elsewhere_it_is(self, tmp_path):
        put(tmp_path / "README.md")
        put(tmp_path / "sub" / "README.md")
        assert sources(tmp_path, is_inbox=True) == ["sub/README.md"]
        assert sources(tmp_path) == ["README.md", "sub/README.md"]

    def test_folders_we_write_are_not_input(self, tmp_path):
        put(tmp_path / "results" / "a.jpg.annotated.jpg")
        put(tmp_path / "a.jpg")
        assert sources(tmp_path, own=[tmp_path / "results"]) == ["a.jpg"]

    def test_a_folder_we_write_can_be_read_when_named(self, tmp_path):
        put(tmp_path / "a.jpg")
        assert sources(tmp_path, own=[tmp_path]) == ["a.jpg"]

    def test_links_out_of_the_folder_are_returned_and_not_followed(self, tmp_path):
        secret = put(tmp_path / "secret" / "x.jpg")
        folder = tmp_path / "in"
        folder.mkdir()
        (folder / "file.jpg").symlink_to(secret)
        (folder / "dir").symlink_to(secret.parent)
        files, left = scan.scan(folder)
        assert files == []
        assert sorted(path.name for path in left) == ["dir", "file.jpg"]

    def test_a_link_within_is_a_file_and_a_linked_folder_is_not_walked_twice(self, tmp_path):
        put(tmp_path / "sub" / "a.jpg")
        (tmp_path / "link.jpg").symlink_to(tmp_path / "sub" / "a.jpg")
        (tmp_path / "loop").symlink_to(tmp_path)
        assert sources(tmp_path) == ["link.jpg", "sub/a.jpg"]

    def test_a_link_that_leads_nowhere_is_an_input_that_cannot_be_looked_at(self, tmp_path):
        (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
        (found,) = scan.scan(tmp_path)[0]
        assert found.mtime_ns == -1

    def test_a_name_that_is_not_unicode_can_be_shown(self, tmp_path):
        try:
            put(tmp_path / os.fsdecode(b"scan\xff.jpg"))
        except OSError:
            pytest.skip("this file system allows no such name")
        assert sources(tmp_path) == [r"scan\xff.jpg"]

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(FileAccessError):
            scan.scan(tmp_path / "nowhere")

    def test_pipes_are_not_input(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.jpg")
        assert sources(tmp_path) == []

    def test_a_folder_deeper_than_the_stack_is_walked(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for _ in range(1500):  # step by step: Python itself would recurse
            Path("d").mkdir()
            os.chdir("d")
        Path("a.jpg").write_bytes(b"picture")
        monkeypatch.undo()
        (source,) = sources(tmp_path)
        assert len(source) == 2 * 1500 + len("a.jpg")
        assert names.storable(source, "ab" * 32) == f"{'ab' * 32}/a.jpg"
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # as would Python's own

    def test_a_loop_of_links_is_left(self, tmp_path):
        (tmp_path / "a.jpg").symlink_to(tmp_path / "b.jpg")
        (tmp_path / "b.jpg").symlink_to(tmp_path / "a.jpg")
        files, _ = scan.scan(tmp_path)
        assert all(found.mtime_ns == -1 for found in files)

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("two\nlines.jpg", r"two\nlines.jpg"),
            ("\x1b[2Jred.jpg", r"\x1b[2Jred.jpg"),
            ("\u202egpj.exe", r"\u202egpj.exe"),
            ("naïve 数.jpg", "naïve 数.jpg"),
        ],
    )
    def test_a_name_can_be_shown(self, tmp_path, name, shown):
        put(tmp_path / name)
        assert sources(tmp_path) == [shown]


class TestDigest:
    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.jpg")
        with pytest.raises(FileAccessError, match="no regular file"):
            scan.digest(tmp_path / "pipe.jpg")

    def test_it_is_of_the_content(self, tmp_path):
        path = put(tmp_path / "a", b"")
        assert scan.digest(path) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    def test_what_has_vanished_is_named(self, tmp_path):
        with pytest.raises(FileAccessError, match=r"gone\.jpg.*vanished"):
            scan.digest(tmp_path / "gone.jpg")
