"""Decisions without a disk: facts are made up, and nothing is looked at."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitocr.errors import FileAccessError
from digitocr.inbox.job import Job
from digitocr.inbox.plan import (
    ATTEMPTS,
    CHUNK_BYTES,
    FEW_BYTES,
    FEW_FILES,
    RACY_NS,
    Action,
    Decision,
    Facts,
    chunk_size,
    chunked,
    decide,
    forecast,
    is_current,
    is_wanted_again,
    known_by_time,
    plan,
    useful_workers,
)
from digitocr.inbox.scan import FoundFile
from digitocr.settings import Settings
from digitocr.store.ledger import Known

MAX_BYTES = 500_000_000


def job(**settings):
    return Job(Settings(**settings), Path("inbox"), is_inbox=True, model="m@1", reading="threshold=0.5")


def found(source="a.jpg", size=10, mtime_ns=1):
    return FoundFile(Path("inbox", source), source, size, mtime_ns)


def known(source="a.jpg", sha256="1", **changed):
    values = {
        "id": 1, "source": source, "file": source, "sha256": sha256, "size": 10, "mtime_ns": 1, "checked_ns": 1,
        "status": "done", "model": "m@1", "settings": "threshold=0.5", "error_code": "", "error": "", "pages": 1,
        "numbers": 1, "digits": 1, "review": 0, "seconds": 0.0, "processed_at": "", "attempts": 0, "holder": "",
        "lease": 0.0, "stuck": "",
    }  # fmt: skip
    return Known(**values | changed)


def facts(source="a.jpg", sha256="1", same_source=(), same_content=(), complete=(1, 2), claimed=()):
    return Facts(
        found(source),
        sha256,
        None if sha256 else FileAccessError("no permission"),
        0,
        tuple(same_source),
        tuple(same_content),
        frozenset(complete),
        frozenset(claimed),
    )


def action(seen, **settings):
    return decide(job(**settings), seen).action


class TestDecide:
    def test_a_new_file_is_read(self):
        assert action(facts()) is Action.READ

    def test_a_file_that_cannot_be_opened_is_unreadable_until_it_is_given_up(self):
        assert action(facts(sha256="")) is Action.UNREADABLE
        for attempts, expected in ((ATTEMPTS - 1, Action.UNREADABLE), (ATTEMPTS, Action.UNCHANGED)):
            before = known(sha256="", status="failed", error_code="no-access", attempts=attempts)
            assert action(facts(sha256="", same_source=[before])) is expected
            assert action(facts(sha256="", same_source=[replace(before, size=11)])) is Action.UNREADABLE

    def test_one_that_was_too_large_is_known_as_long_as_it_is_the_same(self):
        before = known(sha256="", status="failed", error_code="file-size")
        assert action(facts(sha256="", same_source=[before])) is Action.UNCHANGED
        assert action(facts(same_source=[before])) is Action.READ

    def test_a_file_that_was_read_is_unchanged(self):
        decision = decide(job(), facts(same_source=[known()]))
        assert (decision.action, decision.known) == (Action.UNCHANGED, known())

    @pytest.mark.parametrize(
        "changed", [{"model": "m@2"}, {"settings": "threshold=0.6"}, {"status": ""}, {"id": 3}]
    )
    def test_it_is_read_again_if_it_was_read_otherwise_or_lacks_tables(self, changed):
        assert action(facts(same_source=[known(**changed)])) is Action.READ

    def test_other_content_of_the_same_path_is_another_file(self):
        decision = decide(job(), facts(sha256="2", same_source=[known()]))
        assert (decision.action, decision.known) == (Action.READ, None)

    def test_a_file_that_could_never_be_opened_is_known_by_its_path(self):
        before = known(sha256="", status="failed", error_code="no-access")
        decision = decide(job(), facts(same_source=[before]))
        assert (decision.action, decision.known) == (Action.READ, before)

    def test_the_same_content_of_another_path_is_a_duplicate(self):
        twin = known("b.jpg", id=2)
        decision = decide(job(), facts(same_content=[twin]))
        assert (decision.action, decision.twin) == (Action.DUPLICATE, "b.jpg")

    @pytest.mark.parametrize("changed", [{"model": "m@2"}, {"id": 3}, {"status": "failed"}])
    def test_a_twin_whose_reading_does_not_stand_makes_no_duplicate(self, changed):
        assert action(facts(same_content=[known("b.jpg", **changed)])) is Action.READ

    def test_a_duplicate_is_unchanged_as_long_as_its_twin_stands(self):
        me, twin = known(status="duplicate"), known("b.jpg", id=2)
        assert action(facts(same_source=[me], same_content=[me, twin])) is Action.UNCHANGED
        assert action(facts(same_source=[me], same_content=[me, twin], complete=())) is Action.READ

    @pytest.mark.parametrize(
        ("code", "attempts", "expected"),
        [
            ("damaged", 0, Action.UNCHANGED),
            ("error", ATTEMPTS, Action.UNCHANGED),
            ("error", ATTEMPTS - 1, Action.READ),
            ("no-access", ATTEMPTS, Action.READ),
        ],
    )
    def test_a_failure_stands_unless_it_may_pass(self, code, attempts, expected):
        failed = known(status="failed", error_code=code, attempts=attempts)
        assert action(facts(same_source=[failed])) is expected

    @pytest.mark.parametrize(
        ("attempts", "expected"), [(ATTEMPTS - 1, Action.READ), (ATTEMPTS, Action.CRASHED)]
    )
    def test_a_file_that_ended_the_program_too_often_is_given_up(self, attempts, expected):
        held = known(status="", holder="1@host", attempts=attempts)
        decision = decide(job(), facts(same_source=[held]))
        assert (decision.action, decision.was_interrupted) == (expected, True)

    def test_a_file_that_was_claimed_when_the_program_ended_is_not_to_blame(self):
        held = known(status="", holder="1@host", attempts=0)
        assert not decide(job(), facts(same_source=[held])).was_interrupted


class TestReprocess:
    def test_all_is_read_again_but_only_once_a_run(self):
        assert action(facts(same_source=[known()]), reprocess="all") is Action.READ
        assert action(facts(same_source=[known()], claimed=[1]), reprocess="all") is Action.UNCHANGED

    def test_what_failed(self):
        failed = known(status="failed", error_code="damaged")
        assert action(facts(same_source=[failed]), reprocess="failed") is Action.READ
        assert action(facts(same_source=[known()]), reprocess="failed") is Action.UNCHANGED

    @pytest.mark.parametrize(
        ("reprocess", "wanted"),
        [
            ("", []),
            ("all", ["good", "bad", "other"]),
            ("failed", ["bad"]),
            ("changed", ["other"]),
        ],
    )
    def test_what_is_wanted_of_the_files_put_away(self, reprocess, wanted):
        files = [known("good"), known("bad", status="failed"), known("other", model="m@2")]
        assert [k.file for k in files if is_wanted_again(job(reprocess=reprocess), k)] == wanted


class TestPlan:
    def actions(self, *seen):
        return [decision.action for decision in plan(job(), seen, set())]

    def test_of_the_same_content_one_is_read_and_the_others_await_it(self):
        files = [facts("a.jpg"), facts("b.jpg"), facts("c.jpg", "2"), facts("d.jpg")]
        assert self.actions(*files) == [Action.READ, Action.AWAIT_TWIN, Action.READ, Action.AWAIT_TWIN]

    def test_a_twin_of_one_that_is_given_up_is_not_read_beside_others(self):
        crashed = facts(same_source=[known(status="", holder="1@host", attempts=ATTEMPTS)])
        assert self.actions(crashed, facts("b.jpg")) == [Action.CRASHED, Action.AWAIT_TWIN]

    def test_files_that_cannot_be_opened_are_not_each_others_twins(self):
        assert self.actions(facts("a", ""), facts("b", "")) == [Action.UNREADABLE, Action.UNREADABLE]

    def test_it_looks_at_a_file_no_sooner_than_it_must(self):
        looked = []
        seen = (looked.append(name) or facts(name) for name in "abc")
        next(plan(job(), seen, set()))
        assert looked == ["a"]

    def test_the_forecast_counts_what_need_not_be_read(self):
        summary = forecast([*Action, Action.READ])
        assert (summary.files, summary.failed, summary.duplicates, summary.unchanged) == (7, 2, 2, 1)
        assert summary.done == 0


OLD = {"mtime_ns": 1, "checked_ns": 2 + RACY_NS}


class TestKnownByTime:
    def test_a_file_that_had_been_still_when_it_was_hashed(self):
        assert known_by_time(found(), [known(**OLD)]) is not None

    @pytest.mark.parametrize("changed", [{"size": 11}, {"mtime_ns": 2}, {"sha256": ""}, {"checked_ns": 2}])
    def test_any_other_must_be_hashed(self, changed):
        assert known_by_time(found(), [known(**OLD | changed)]) is None


def decision(name, what=Action.READ, size=10, holder=""):
    return Decision(
        what, Facts(found(name, size), name), known(name, holder=holder, attempts=int(bool(holder)))
    )


class TestChunked:
    def names(self, decisions, size):
        return [[d.facts.found.source for d in chunk] for chunk in chunked(decisions, size)]

    def test_files_are_read_together_up_to_the_size(self):
        assert self.names([decision(name) for name in "abcde"], 2) == [["a", "b"], ["c", "d"], ["e"]]

    def test_a_large_file_ends_its_chunk(self):
        files = [decision("a"), decision("b", size=CHUNK_BYTES), decision("c")]
        assert self.names(files, 16) == [["a", "b"], ["c"]]

    def test_a_file_that_may_end_the_program_takes_no_other_with_it(self):
        files = [decision("a"), decision("b", holder="1@host"), decision("c")]
        assert self.names(files, 16) == [["b"], ["a", "c"]]

    @given(st.lists(st.tuples(st.sampled_from(Action), st.booleans())), st.integers(1, 5))
    def test_no_file_is_lost_and_what_is_not_read_comes_alone(self, kinds, size):
        decisions = [decision(str(i), what, holder="x" * held) for i, (what, held) in enumerate(kinds)]
        chunks = list(chunked(decisions, size))
        assert sorted(d.facts.sha256 for chunk in chunks for d in chunk) == sorted(
            map(str, range(len(kinds)))
        )
        for chunk in chunks:
            assert 1 <= len(chunk) <= size
            assert len(chunk) == 1 or all(d.action is Action.READ and not d.was_interrupted for d in chunk)


class TestUsefulWorkers:
    def test_few_small_files_are_read_sooner_than_a_process_starts(self):
        assert useful_workers([found(size=FEW_BYTES // FEW_FILES)] * FEW_FILES, 8, MAX_BYTES) == 1

    @pytest.mark.parametrize(
        ("count", "size", "expected"),
        [(FEW_FILES + 1, 10, 8), (2, FEW_BYTES, 2), (100, FEW_BYTES, 8), (1, 10 * FEW_BYTES, 1), (0, 0, 1)],
    )
    def test_others_get_what_is_allowed_and_no_more_than_there_are_files(self, count, size, expected):
        assert useful_workers([found(size=size)] * count, 8, MAX_BYTES) == expected

    def test_a_file_too_large_to_be_read_starts_none(self):
        assert useful_workers([found(), found(size=MAX_BYTES + 1)], 8, MAX_BYTES) == 1


@given(st.integers(0, 10_000), st.integers(1, 256), st.integers(1, 64))
def test_chunks_are_no_larger_than_asked_for_and_every_worker_gets_some(files, largest, workers):
    size = chunk_size(files, largest, workers)
    assert 1 <= size <= largest
    assert (size - 1) * workers < max(files, 1)


def test_an_entry_of_a_file_never_read_is_not_current():
    assert not is_current(job(), known(status=""), facts())
