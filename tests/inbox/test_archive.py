import pytest

from digitocr.errors import NameRefusedError, ReplacedError
from digitocr.inbox import archive, reasons, scan
from digitocr.inbox.scan import digest


def put(path, content=b"picture"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


class TestPuttingAway:
    def test_nothing_is_overwritten_by_other_content(self, tmp_path):
        shelf = tmp_path / "archive"
        put(shelf / "a.jpg", b"old")
        path = put(tmp_path / "in" / "a.jpg", b"new")
        content = scan.digest(path)
        target = archive.put_away(path, shelf, "a.jpg", content)
        assert target.name == f"a~{content[:8]}.jpg"
        assert (shelf / "a.jpg").read_bytes() == b"old"
        assert target.read_bytes() == b"new"

    def test_the_same_content_is_kept_once(self, tmp_path):
        shelf = tmp_path / "archive"
        put(shelf / "a.jpg", b"same")
        path = put(tmp_path / "in" / "a.jpg", b"same")
        assert archive.put_away(path, shelf, "a.jpg", scan.digest(path)) == shelf / "a.jpg"
        assert not path.exists()

    def test_other_content_is_never_deleted_for_the_same_name_size_and_time(self, tmp_path):
        shelf = tmp_path / "archive"
        put(shelf / "a.bmp", b"known")
        content = scan.digest(shelf / "a.bmp")
        path = put(tmp_path / "in" / "a.bmp", b"other")
        with pytest.raises(ReplacedError):
            archive.put_away(path, shelf, "a.bmp", content)
        assert path.read_bytes() == b"other"

    def test_what_lies_there_already_stays(self, tmp_path):
        path = put(tmp_path / "archive" / "a.jpg")
        assert archive.put_away(path, tmp_path / "archive", "a.jpg", scan.digest(path)) == path
        assert path.exists()

    def test_of_a_link_the_content_is_kept(self, tmp_path):
        target = put(tmp_path / "in" / "a.jpg")
        link = tmp_path / "in" / "link.jpg"
        link.symlink_to(target)
        kept = archive.put_away(link, tmp_path / "archive", "link.jpg", scan.digest(link))
        assert (kept.is_symlink(), kept.read_bytes()) == (False, b"picture")
        assert not link.is_symlink()
        assert target.exists()

    def test_a_file_may_have_the_name_of_a_folder(self, tmp_path):
        shelf = tmp_path / "archive"
        put(shelf / "scan", b"a file")
        path = put(tmp_path / "in" / "scan" / "a.jpg", b"in a folder")
        kept = archive.put_away(path, shelf, "scan/a.jpg", scan.digest(path))
        assert kept.read_bytes() == b"in a folder"
        put(shelf / "folder" / "x.jpg")
        path = put(tmp_path / "in" / "folder", b"a file")
        kept = archive.put_away(path, shelf, "folder", scan.digest(path))
        assert kept.name.startswith("folder~")

    def test_a_place_that_is_taken_is_not_put_back_to(self, tmp_path):
        path = put(tmp_path / "failed" / "a.jpg")
        with pytest.raises(NameRefusedError, match="is there already"):
            archive.restore(path, put(tmp_path / "in" / "a.jpg", b"other"))
        assert path.exists()

    def test_a_failed_file_has_its_reason_beside_it(self, tmp_path):
        path = put(tmp_path / "in" / "sub" / "a.jpg")
        content = scan.digest(path)
        target = archive.quarantine(
            path, tmp_path / "failed", "sub/a.jpg", content, code="damaged", message="why", attempts=2
        )
        assert target == tmp_path / "failed" / "sub" / "a.jpg"
        reason = (tmp_path / "failed" / "sub" / "a.jpg.error.json").read_text()
        assert '"code": "damaged"' in reason
        assert '"attempts": 2' in reason
        assert '"hint": "scan or copy it again"' in reason


class TestFailedFiles:
    def failed(self, tmp_path, name="a.jpg", text=b"picture"):
        path = put(tmp_path / "in" / name, text)
        content = digest(path)
        how = {"code": "damaged", "message": "why", "attempts": 1}
        return archive.quarantine(path, tmp_path / "failed", name, content, **how)

    def test_they_are_told_from_their_reasons(self, tmp_path):
        file = self.failed(tmp_path)
        put(tmp_path / "failed" / ".x.partial")
        assert archive.failed_files(tmp_path / "failed") == [file]
        assert reasons.failed_file_of(reasons.reason_of(file)) == file
        assert reasons.failed_file_of(file) is None

    def test_a_failed_file_may_have_a_name_like_that_of_a_reason(self, tmp_path):
        file = self.failed(tmp_path, "x.error.json", b'{"not": "ours"}')
        assert archive.failed_files(tmp_path / "failed") == [file]

    def test_a_reason_may_have_outlived_its_file(self, tmp_path):
        file = self.failed(tmp_path)
        file.unlink()
        assert archive.failed_files(tmp_path / "failed") == []
        assert reasons.failed_file_of(reasons.reason_of(file)) == file

    def test_no_folder_holds_no_files(self, tmp_path):
        assert archive.failed_files(tmp_path / "nowhere") == []


def test_a_free_place_is_restored_to(tmp_path):
    path = put(tmp_path / "failed" / "a.jpg")
    archive.restore(path, tmp_path / "in" / "sub" / "a.jpg")
    assert (tmp_path / "in" / "sub" / "a.jpg").read_bytes() == b"picture"
    assert not path.exists()
