import hashlib
from pathlib import Path

import pytest

from digitocr.errors import FileAccessError
from digitocr.review.source_files import SourceFiles
from digitocr.settings import load_settings
from digitocr.store.ledger import Claim, Ledger

CONTENT = b"a scan"


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Files of a job that read the folder ``scans``; decoding returns bytes and index."""
    monkeypatch.chdir(tmp_path)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        job = ledger.job(Path("results"))
        ledger.begin_run(job, tmp_path / "scans")
        yield SourceFiles(ledger, job, load_settings(), lambda data, limits, index: [(data, index)])


def known(files, source="a.jpg", file="", content=CONTENT):
    sha256 = hashlib.sha256(content).hexdigest()
    (identity,) = files.ledger.claims.take(
        files.job, [Claim(None, source, file or source, sha256, 1, 1, 1)], "me"
    )
    return files.ledger.file(identity)


def put(name, content=CONTENT):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["archive/a~1.jpg", "scans/sub/a.jpg", "inbox/sub/a.jpg"])
def test_a_file_is_found_in_the_archive_in_a_folder_that_was_read_or_in_the_inbox(read, name):
    put(name)
    assert read.page(known(read, "sub/a.jpg", "a~1.jpg"), 3) == (CONTENT, 3)


def test_other_content_under_its_name_is_not_taken_for_it(read):
    put("archive/a.jpg", b"another scan")
    put("scans/a.jpg")
    assert read.page(known(read), 1) == (CONTENT, 1)


@pytest.mark.parametrize("content", [None, b"another scan"])
def test_a_file_that_is_nowhere(read, content):
    if content:
        put("archive/a.jpg", content)
    with pytest.raises(FileAccessError, match="no longer"):
        read.page(known(read), 1)


def test_nothing_outside_of_the_folders_is_opened(read):
    put("secret.jpg")
    with pytest.raises(FileAccessError):
        read.page(known(read, "../secret.jpg"), 1)
    Path("archive").mkdir()
    Path("archive/link.jpg").symlink_to("../secret.jpg")
    with pytest.raises(FileAccessError):
        read.page(known(read, "link.jpg"), 1)
