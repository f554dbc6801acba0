import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from digitocr.errors import UsageError
from digitocr.inbox.job import Summary, Tally, make_job
from digitocr.store.ledger import Outcome


class TestMakeJob:
    def test_the_inbox_is_known_under_any_name(self, work):
        (work.folder / "link").symlink_to(work.inbox)
        assert make_job(work.settings(), work.folder / "link").is_inbox
        assert make_job(work.settings()).folder == work.settings().inbox
        (work.folder / "other").mkdir()
        assert not make_job(work.settings(), work.folder / "other").is_inbox

    def test_what_changes_results_is_part_of_it(self, work):
        one, other = make_job(work.settings(threshold=0.5)), make_job(work.settings(threshold=0.25))
        assert (one.reading, other.reading) == ("threshold=0.5", "threshold=0.25")
        assert one.model == other.model

    def test_a_file_is_refused_with_the_command_for_it(self, work):
        with pytest.raises(UsageError, match=r"is not a folder.*digitocr read"):
            make_job(work.settings(), work.put("a.jpg", "1"))


@pytest.mark.parametrize(("mode", "is_said"), [(0o700, False), (0o755, True), (0o777, True)])
def test_a_state_folder_that_others_may_open_is_named(work, caplog, monkeypatch, mode, is_said):
    monkeypatch.setattr(logging.getLogger("digitocr"), "propagate", True)
    (work.folder / ".digitocr").mkdir()
    (work.folder / ".digitocr").chmod(mode)
    make_job(work.settings())
    assert ("chmod 700" in caplog.text) is is_said


class TestTally:
    def test_it_counts_from_any_thread(self):
        tally = Tally()
        with ThreadPoolExecutor(8) as pool:
            for _ in range(200):
                pool.submit(
                    tally.add, Outcome("done", numbers=2, digits=5, review=1, blank=3), is_newly_stuck=True
                )
                pool.submit(tally.add, Outcome("duplicate"), is_newly_stuck=False)
                pool.submit(tally.add_unchanged, is_newly_stuck=False)
        summary = tally.summary()
        assert (summary.files, summary.done, summary.duplicates, summary.unchanged) == (600, 200, 200, 200)
        assert (summary.numbers, summary.digits, summary.review) == (400, 1000, 200)
        assert (summary.stuck, summary.blank) == (200, 600)
        assert list(summary.as_dict())[-2:] == ["blank", "seconds"]


@pytest.mark.parametrize(
    ("summary", "status"), [(Summary(done=1, empty=1), 0), (Summary(failed=1), 1), (Summary(partial=1), 1)]
)
def test_the_exit_status(summary, status):
    assert summary.exit_status == status
