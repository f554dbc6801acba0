import itertools
import shutil
from types import SimpleNamespace

import pytest
from maintenance import disagreements

from digitocr.inbox import publisher
from digitocr.results import publish


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(publisher, "time", clock)
    return clock


@pytest.fixture
def published(monkeypatch, clock):
    """When the tables were written; it takes two seconds."""
    times = []

    def write(shelf, ledger, before=None):
        times.append(clock.now)
        clock.now += 2

    monkeypatch.setattr(publish, "publish", write)
    return times


def test_during_a_run_they_are_written_now_and_then_and_for_a_small_share_of_the_time(work, clock, published):
    work.put("a.jpg", "1")
    work.run()
    published.clear()
    with publish.opened(work.settings()) as (ledger, shelf):
        one = publisher.Publisher(shelf, ledger)
        start = clock.now
        for _ in range(2000):
            clock.now += 0.1
            one.publish_sometimes(lambda: None)
    spent = clock.now - start
    assert 10 <= published[0] - start < 11, "the first time it is not known how long it takes"
    assert all(later - earlier >= 40 for earlier, later in itertools.pairwise(published))
    assert len(published) >= 4
    assert 2 * len(published) <= 0.06 * spent


def test_at_the_end_they_are_written_if_they_are_missing_or_behind(work):
    work.put("a.jpg", "1")
    work.run()
    table = work.folder / "results" / "files.csv"
    before = table.stat().st_mtime_ns
    with publish.opened(work.settings()) as (ledger, shelf):
        one = publisher.Publisher(shelf, ledger)
        one.publish_changes()
        assert table.stat().st_mtime_ns == before
        table.unlink()
        one.publish_changes()
        assert table.is_file()


def test_tables_of_single_files_that_were_deleted_come_back_if_a_run_publishes_before_its_end(
    work, monkeypatch
):
    for name in "ab":
        work.put(f"{name}.jpg", f"{name} 1 2?")
    work.run()
    results = work.folder / "results"
    before = set(results.rglob("?.jpg.*.csv"))
    shutil.rmtree(results)
    for name in "cd":
        work.put(f"{name}.jpg", f"{name} 3")
    hours = itertools.count(step=3600)
    monkeypatch.setattr(publisher, "time", SimpleNamespace(monotonic=lambda: next(hours)))
    assert work.run(chunk=1).done == 2
    assert before < set(results.rglob("?.jpg.*.csv"))
    assert disagreements(work) == []
