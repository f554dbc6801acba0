import os
import time
from pathlib import Path

import pytest

from digitocr.inbox import settle
from digitocr.inbox.job import Job
from digitocr.inbox.plan import ATTEMPTS
from digitocr.inbox.scan import look_at
from digitocr.inbox.settle import Claimed, Place, Postponed, failure, place_of, postponed
from digitocr.inbox.stability import age
from digitocr.records import FileResult, FileStatus, Reading
from digitocr.settings import Settings
from digitocr.store import claims
from digitocr.store.ledger import Ledger, Outcome


@pytest.mark.parametrize(
    ("outcome", "attempts", "place"),
    [
        (Outcome("done"), 1, Place.ARCHIVE),
        (Outcome("empty"), 1, Place.ARCHIVE),
        (Outcome("partial"), 1, Place.ARCHIVE),
        (Outcome("duplicate"), 0, Place.ARCHIVE),
        (failure("damaged", "cut"), 1, Place.FAILED),
        (failure("error", "a fault"), ATTEMPTS - 1, Place.INBOX),
        (failure("error", "a fault"), ATTEMPTS, Place.FAILED),
        (failure("no-access", "gone"), 1, Place.INBOX),
    ],
)
def test_the_place_of_a_settled_file(outcome, attempts, place):
    assert place_of(outcome, attempts) is place


def test_only_what_may_pass_keeps_its_attempts():
    assert failure("no-access", "gone").may_pass
    assert not failure("damaged", "cut").may_pass


class TestPostponed:
    @pytest.fixture
    def claimed(self, tmp_path):
        class Known:
            sha256 = "1"

        path = tmp_path / "a.jpg"
        path.write_text("content")
        return Claimed(look_at(path, "a.jpg"), Known)

    @pytest.fixture(autouse=True)
    def ledger(self, tmp_path):
        with Ledger(tmp_path / "state" / "ledger.sqlite") as self.ledger:
            yield

    def why(self, claimed, status="done", sha256="1", *, is_inbox=True, patience=0.0):
        job = Job(Settings(), Path(), is_inbox=is_inbox, model="", reading="")
        reading = Reading(FileResult("a.jpg", sha256, (), FileStatus(status)))
        return postponed(job, self.ledger, claimed, reading, patience)

    def test_a_reading_of_the_claimed_content_stands(self, claimed):
        assert self.why(claimed) is None
        assert self.why(claimed, "failed", sha256="") is None

    def test_one_of_other_content_does_not(self, claimed):
        assert self.why(claimed, sha256="2") is Postponed.CHANGED

    def test_nor_one_of_a_file_that_changed_since_it_was_found(self, claimed):
        os.utime(claimed.found.path, (1, 1))
        assert self.why(claimed) is Postponed.CHANGED

    def test_a_file_that_is_gone_has_not_changed(self, claimed):
        claimed.found.path.unlink()
        assert self.why(claimed, "failed", sha256="") is None

    @pytest.mark.parametrize("status", ["failed", "partial"])
    def test_a_new_file_that_cannot_be_decoded_may_be_arriving(self, claimed, status):
        assert self.why(claimed, status, patience=60) is Postponed.ARRIVING
        assert self.why(claimed, status, patience=60, is_inbox=False) is None
        assert self.why(claimed, "done", patience=60) is None

    def test_a_file_of_the_future_does_not_arrive_for_ever(self, claimed, monkeypatch):
        """A camera's clock is ahead, or that of a share's server, which sets both times."""
        future = time.time() + 1e6
        os.utime(claimed.found.path, (future, future))
        claimed = Claimed(look_at(claimed.found.path, "a.jpg"), claimed.known)
        assert age(claimed.found) < 60, "as the time of its creation here says"
        monkeypatch.setattr(settle, "age", lambda found: 0.0)
        assert self.why(claimed, "failed", patience=60) is Postponed.ARRIVING
        now = time.time()
        monkeypatch.setattr(claims.time, "time", lambda: now + 61)
        assert self.why(claimed, "failed", patience=60) is None
        monkeypatch.setattr(claims.time, "time", lambda: now - 1e6)
        assert self.why(claimed, "failed", patience=60) is Postponed.ARRIVING, (
            "this machine's clock was set back"
        )
