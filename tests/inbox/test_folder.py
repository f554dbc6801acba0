import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitocr.errors import BusyError, FileAccessError, NameRefusedError
from digitocr.inbox import folder as inbox


def put(path, content=b"picture"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def sources(folder, **kwargs):
    return [entry.source for entry in inbox.scan(folder, **kwargs)[0]]


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
        ],
    )
    def test_litter_is_never_input(self, tmp_path, name):
        put(tmp_path / name)
        assert sources(tmp_path) == []

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

    def test_links_out_of_the_folder_are_told_and_not_followed(self, tmp_path):
        secret = put(tmp_path / "secret" / "x.jpg")
        folder = tmp_path / "in"
        folder.mkdir()
        (folder / "file.jpg").symlink_to(secret)
        (folder / "dir").symlink_to(secret.parent)
        entries, left = inbox.scan(folder)
        assert entries == []
        assert sorted(path.name for path in left) == ["dir", "file.jpg"]

    def test_a_link_within_is_a_file_and_a_linked_folder_is_not_walked_twice(self, tmp_path):
        put(tmp_path / "sub" / "a.jpg")
        (tmp_path / "link.jpg").symlink_to(tmp_path / "sub" / "a.jpg")
        (tmp_path / "loop").symlink_to(tmp_path)
        assert sources(tmp_path) == ["link.jpg", "sub/a.jpg"]

    def test_a_link_that_leads_nowhere_is_an_input_that_cannot_be_looked_at(self, tmp_path):
        (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
        (entry,) = inbox.scan(tmp_path)[0]
        assert entry.mtime_ns == -1

    def test_a_name_that_is_no_unicode_can_be_told(self, tmp_path):
        try:
            put(tmp_path / os.fsdecode(b"scan\xff.jpg"))
        except OSError:
            pytest.skip("this file system allows no such name")
        assert sources(tmp_path) == [r"scan\xff.jpg"]

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(FileAccessError):
            inbox.scan(tmp_path / "nowhere")

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
        assert inbox.storable(source, "ab" * 32) == f"{'ab' * 32}/a.jpg"
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # as would Python's own

    def test_a_loop_of_links_is_left(self, tmp_path):
        (tmp_path / "a.jpg").symlink_to(tmp_path / "b.jpg")
        (tmp_path / "b.jpg").symlink_to(tmp_path / "a.jpg")
        entries, _ = inbox.scan(tmp_path)
        assert all(entry.mtime_ns == -1 for entry in entries)

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


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=255))
def test_names_of_tables_are_short_printable_and_keep_what_is_short(name):
    shown = inbox.printable(name)
    kept = inbox.storable(shown, "0123456789abcdef" * 4)
    assert kept.isprintable()
    assert len(kept.encode()) <= 200 + 16
    if len(shown.encode()) <= 200:
        assert kept == shown


class TestDigest:
    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.jpg")
        with pytest.raises(FileAccessError, match="no regular file"):
            inbox.digest(tmp_path / "pipe.jpg")

    def test_it_is_of_the_content(self, tmp_path):
        path = put(tmp_path / "a", b"")
        assert inbox.digest(path) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    def test_what_has_vanished_is_named(self, tmp_path):
        with pytest.raises(FileAccessError, match=r"gone\.jpg.*vanished"):
            inbox.digest(tmp_path / "gone.jpg")


@given(
    st.lists(st.text("ab/.", min_size=1).filter(lambda s: s.strip("/.")), max_size=6),
    st.text("ab.", min_size=1),
)
def test_a_free_name_is_free_and_keeps_its_ending(taken, name):
    name = f"x{name}y.jpg"
    free = inbox.free_name(name, "0123456789abcdef" * 4, lambda n: n not in {*taken, name})
    assert free not in taken
    assert free.endswith(".jpg")
    assert "~01234567" in free


class TestPuttingAway:
    def test_nothing_is_overwritten_by_other_content(self, tmp_path):
        archive = tmp_path / "archive"
        put(archive / "a.jpg", b"old")
        path = put(tmp_path / "in" / "a.jpg", b"new")
        content = inbox.digest(path)
        target = inbox.put_away(path, archive, "a.jpg", content)
        assert target.name == f"a~{content[:8]}.jpg"
        assert (archive / "a.jpg").read_bytes() == b"old"
        assert target.read_bytes() == b"new"

    def test_the_same_content_is_kept_once(self, tmp_path):
        archive = tmp_path / "archive"
        put(archive / "a.jpg", b"same")
        path = put(tmp_path / "in" / "a.jpg", b"same")
        assert inbox.put_away(path, archive, "a.jpg", inbox.digest(path)) == archive / "a.jpg"
        assert not path.exists()

    def test_other_content_is_never_deleted_for_the_same_name_size_and_time(self, tmp_path):
        archive = tmp_path / "archive"
        put(archive / "a.bmp", b"known")
        content = inbox.digest(archive / "a.bmp")
        path = put(tmp_path / "in" / "a.bmp", b"other")
        with pytest.raises(FileAccessError, match="other content"):
            inbox.put_away(path, archive, "a.bmp", content)
        assert path.read_bytes() == b"other"

    def test_what_lies_there_already_stays(self, tmp_path):
        path = put(tmp_path / "archive" / "a.jpg")
        assert inbox.put_away(path, tmp_path / "archive", "a.jpg", inbox.digest(path)) == path
        assert path.exists()

    def test_of_a_link_the_content_is_kept(self, tmp_path):
        target = put(tmp_path / "in" / "a.jpg")
        link = tmp_path / "in" / "link.jpg"
        link.symlink_to(target)
        kept = inbox.put_away(link, tmp_path / "archive", "link.jpg", inbox.digest(link))
        assert (kept.is_symlink(), kept.read_bytes()) == (False, b"picture")
        assert not link.is_symlink()
        assert target.exists()

    def test_a_file_may_have_the_name_of_a_folder(self, tmp_path):
        archive = tmp_path / "archive"
        put(archive / "scan", b"a file")
        path = put(tmp_path / "in" / "scan" / "a.jpg", b"in a folder")
        kept = inbox.put_away(path, archive, "scan/a.jpg", inbox.digest(path))
        assert kept.read_bytes() == b"in a folder"
        put(archive / "folder" / "x.jpg")
        path = put(tmp_path / "in" / "folder", b"a file")
        kept = inbox.put_away(path, archive, "folder", inbox.digest(path))
        assert kept.name.startswith("folder~")

    def test_a_place_that_is_taken_is_not_put_back_to(self, tmp_path):
        path = put(tmp_path / "failed" / "a.jpg")
        with pytest.raises(NameRefusedError, match="is there already"):
            inbox.put_back(path, put(tmp_path / "in" / "a.jpg", b"other"))
        assert path.exists()

    def test_a_failed_file_has_its_reason_beside_it(self, tmp_path):
        path = put(tmp_path / "in" / "sub" / "a.jpg")
        content = inbox.digest(path)
        target = inbox.quarantine(
            path, tmp_path / "failed", "sub/a.jpg", content, code="damaged", message="why", attempts=2
        )
        assert target == tmp_path / "failed" / "sub" / "a.jpg"
        reason = (tmp_path / "failed" / "sub" / "a.jpg.error.json").read_text()
        assert '"code": "damaged"' in reason
        assert '"attempts": 2' in reason
        assert '"hint": "scan or copy it again"' in reason


class TestOnlyRunner:
    def test_a_second_one_is_told_who_the_first_is(self, tmp_path):
        with (
            inbox.only_runner(tmp_path / "state", None, "reading here"),
            pytest.raises(BusyError, match=rf"reading here \(process {os.getpid()} on") as caught,
            inbox.only_runner(tmp_path / "state", None, "me too"),
        ):
            pass
        assert caught.value.exit_status == 3

    def test_an_inbox_has_one_runner_whatever_their_state_folders(self, tmp_path):
        folder = tmp_path / "inbox"
        folder.mkdir()
        with (
            inbox.only_runner(tmp_path / "one", folder, ""),
            pytest.raises(BusyError, match="inbox"),
            inbox.only_runner(tmp_path / "two", folder, ""),
        ):
            pass
        assert list(folder.iterdir()) == []

    def test_it_can_be_taken_again(self, tmp_path):
        for _ in range(2):
            with inbox.only_runner(tmp_path / "state", None, ""):
                pass

    def test_the_state_folder_is_for_its_owner_only(self, tmp_path):
        with inbox.only_runner(tmp_path / "state", None, ""):
            assert (tmp_path / "state").stat().st_mode & 0o077 == 0
