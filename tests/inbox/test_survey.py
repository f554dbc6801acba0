"""Looking around before a run: which files it settles, and what it finds out about each."""

import logging
import os
import time

import pytest

from digitocr.inbox.job import Hooks, make_job
from digitocr.inbox.plan import RACY_NS, Action
from digitocr.inbox.scan import digest, look_at
from digitocr.inbox.survey import find_files, look, preview
from digitocr.results.publish import known_shelf
from digitocr.store.ledger import Ledger


@pytest.fixture
def survey(work):
    """Read what lies in a folder, and then look around there."""

    def opened(folder=None, **settings):
        job = make_job(work.settings(**settings), folder)
        ledger = Ledger(job.settings.ledger)
        return job, known_shelf(job.settings, ledger), ledger

    return opened


@pytest.fixture
def said(caplog):
    """What is logged there, also after a command has kept it from the root logger."""
    logger = logging.getLogger("digitocr.inbox.survey")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def sources(files):
    return [found.source for found in files]


class TestFindFiles:
    def test_only_what_is_ready(self, work, survey):
        work.run()
        for name in ("a.jpg", "b.jpg"):
            work.put(name, name)
        ready = Hooks(is_ready=lambda found: found.source == "b.jpg")
        assert sources(find_files(*survey(), ready)) == ["b.jpg"]

    def test_links_out_of_the_folder_are_named(self, work, survey, said):
        work.run()
        (work.inbox / "link.jpg").symlink_to(work.put("secret.jpg", "1", work.folder / "secret"))
        assert not list(find_files(*survey(), Hooks()))
        assert "link.jpg" in said.text

    @pytest.mark.parametrize(
        ("reprocess", "expected"), [("", []), ("all", ["bad.jpg", "good.jpg"]), ("failed", ["bad.jpg"])]
    )
    def test_what_was_taken_out_of_the_inbox_if_it_is_to_be_read_again(
        self, work, survey, reprocess, expected
    ):
        work.put("good.jpg", "1")
        work.put("bad.jpg", "BAD")
        work.run()
        assert sources(find_files(*survey(reprocess=reprocess), Hooks())) == expected

    def test_what_is_no_longer_in_the_archive_is_named(self, work, survey, said):
        work.put("good.jpg", "1")
        work.run()
        (work.folder / "archive" / "good.jpg").unlink()
        assert not list(find_files(*survey(reprocess="all"), Hooks()))
        assert "good.jpg: not read again, because it is no longer in archive" in said.text


class TestLook:
    def test_a_new_file(self, work, survey):
        work.run()
        path = work.put("a.jpg", "1")
        facts = look(*survey(), look_at(path, "a.jpg"), ())
        assert (facts.sha256, facts.trouble, facts.same_source) == (digest(path), None, ())
        assert time.time_ns() - facts.checked_ns < 60e9

    def test_a_file_that_cannot_be_opened_says_why(self, work, survey):
        work.run()
        facts = look(*survey(), look_at(work.inbox / "gone.jpg", "gone.jpg"), ())
        assert (facts.sha256, facts.same_content) == ("", ())
        assert "no permission" in str(facts.trouble)

    def test_what_the_ledger_knows_and_which_tables_are_there(self, work, survey):
        other = work.folder / "other"
        path, twin = work.put("a.jpg", "1", other), work.put("sub/b.jpg", "1", other)
        work.run(other)
        facts = look(*survey(other), look_at(path, "a.jpg"), {1})
        assert [k.file for k in facts.same_source] == ["a.jpg"]
        assert [k.file for k in facts.same_content] == ["a.jpg", "sub/b.jpg"]
        read = facts.same_source[0].id
        assert facts.complete == {read}, "a duplicate has no tables"
        assert facts.claimed == {1}
        (work.folder / "results" / "a.jpg.numbers.csv").unlink()
        assert look(*survey(other), look_at(twin, "sub/b.jpg"), ()).complete == frozenset()

    def test_size_and_time_are_trusted_only_where_nothing_is_moved(self, work, survey):
        other = work.folder / "other"
        then = time.time_ns() - 10 * RACY_NS
        path = work.put("a.jpg", "1", other)
        os.utime(path, ns=(then, then))
        work.run(other)
        before = digest(path)
        path.write_text("2")
        os.utime(path, ns=(then, then))
        assert look(*survey(other), look_at(path, "a.jpg"), ()).sha256 == before
        path = work.put("a.jpg", "2")
        os.utime(path, ns=(then, then))
        assert look(*survey(), look_at(path, "a.jpg"), ()).sha256 == digest(path) != before


def test_a_preview_neither_waits_nor_writes(work):
    work.put("a.jpg", "1")
    (work.inbox / "gone.jpg").symlink_to(work.inbox / "nowhere.jpg")
    started = time.monotonic()
    actions = {d.facts.found.source: d.action for d in preview(make_job(work.settings(settle=5)))}
    assert time.monotonic() - started < 5
    assert actions == {"a.jpg": Action.READ, "gone.jpg": Action.UNREADABLE}
    assert [path.name for path in work.folder.iterdir()] == ["inbox"]
