"""Objects in a store as the folder that is read; the store of the soak is S3's."""

import sys
from dataclasses import replace

import fsspec
import pytest
from maintenance import disagreements
from result_tables import tables_of

from digitocr.errors import FileAccessError, UsageError
from digitocr.inbox.job import Hooks, make_job
from digitocr.inbox.plan import known_by_time
from digitocr.inbox.scan import FoundFile, scan
from digitocr.io import remote
from digitocr.store.ledger import Ledger

URL = "memory://scans/monday"


@pytest.fixture
def store():
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield lambda name, text: memory.pipe_file(f"/scans/monday/{name}", text.encode())
    memory.store.clear()


def drop(name):
    fsspec.filesystem("memory").rm_file(f"/scans/monday/{name}")


def test_they_are_read_like_a_folder(work, store):
    for name, text in {"a.jpg": "107 33?", "b/c.jpg": "5", "b/Thumbs.db": "6", "bad.jpg": "BAD"}.items():
        store(name, text)
        work.put(name, text, work.folder / "in")
    for folder, results in ((URL, "1"), (work.folder / "in", "2")):
        summary = work.run(folder, results=f"r{results}", review=f"v{results}", state=f"s{results}")
        assert (summary.done, summary.failed) == (2, 1)
    assert tables_of(work.folder, "r1", "v1") == tables_of(work.folder, "r2", "v2")


def test_what_was_read_is_not_read_again_and_what_changed_is(work, store):
    store("a.jpg", "107")
    store("b.jpg", "108")
    work.run(URL)
    assert work.run(URL).unchanged == 2
    assert work.reader.seen == []
    assert disagreements(work) == []
    store("b.jpg", "109")
    summary = work.run(URL)
    assert (summary.unchanged, summary.done, work.reader.seen) == (1, 1, ["b~0fd42b3f.jpg"])  # as in a folder
    job = make_job(work.settings(), URL)
    with Ledger(job.settings.ledger) as ledger:
        assert ledger.folders(ledger.find_job(job.settings.results)) == (URL,)


def test_one_that_vanishes_is_one_failed_file(work, store):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        store(name, f"10{ord(name[0])}")

    def is_ready(found):  # asked once all are listed
        if found.source == "b.jpg":
            drop("b.jpg")
        return True

    summary = work.run(URL, Hooks(is_ready=is_ready))
    assert (summary.done, summary.failed) == (2, 1)
    assert work.statuses()["b.jpg"] == "failed"


def test_names_do_not_lead_out_of_the_results(store):
    memory = fsspec.filesystem("memory")
    memory.store["/scans/monday/../x.jpg"] = memory.store["/scans/monday//y.jpg"] = memory.open("/z", "wb")
    found, _ = scan(URL)
    assert [one.source for one in found] == ["~../x.jpg", "~/y.jpg"]


def test_a_url_without_anything_is_an_error(work, store):
    with pytest.raises(FileAccessError, match="nothing is at memory://scans/monday"):
        work.run(URL)


def test_other_urls_and_missing_drivers_are_told(work, monkeypatch):
    with pytest.raises(UsageError, match="ftp://scans cannot be read"):
        make_job(work.settings(), "ftp://scans")
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(UsageError, match="the driver for gs:// is not installed") as caught:
        make_job(work.settings(), "gs://scans")
    assert "digitocr[gs]" in caught.value.hint


def test_an_etag_is_trusted_also_just_after_the_object_was_written(work, store):
    store("a.jpg", "107")
    work.run(URL)
    job = make_job(work.settings(), URL)
    with Ledger(job.settings.ledger) as ledger:
        (known,) = ledger.of_source(ledger.find_job(job.settings.results), "a.jpg")
    found = FoundFile(f"{URL}/a.jpg", "a.jpg", known.size, known.mtime_ns)
    known = replace(known, checked_ns=known.mtime_ns + 1)
    assert known_by_time(found, [known]) is None
    assert known_by_time(replace(found, etag="e"), [replace(known, etag="e")]).id == known.id
    assert known_by_time(replace(found, etag="f"), [replace(known, etag="e")]) is None


@pytest.mark.parametrize("at", ["2026-11-28T10:00:00+00:00", 1_795_860_000.0])
def test_times_are_those_of_the_driver(at, store, monkeypatch):
    store("a.jpg", "107")
    memory = fsspec.filesystem("memory")
    info = memory.info("/scans/monday/a.jpg") | {"updated": at, "etag": '"abc"'}
    monkeypatch.setattr(type(memory), "info", lambda self, path, **_: info)
    found = remote.look(f"{URL}/a.jpg")
    assert (found.mtime_ns, found.etag) == (1_795_860_000_000_000_000, "abc")
