import os
import time

import pytest

from digitocr.inbox.scan import FoundFile, look_at
from digitocr.inbox.stability import Stability, Still, age


class TestStability:
    def found(self, size=1, name="a"):
        return FoundFile(name, name, size, size)

    def test_a_file_is_whole_once_it_has_been_still(self):
        stability = Stability(2)
        seen = [stability.look([self.found()], at) for at in (0, 1, 2)]
        assert [len(ready) for ready in seen] == [0, 0, 1]

    def test_growing_restarts_the_wait(self):
        stability = Stability(2)
        assert [len(stability.look([self.found(size)], at)) for at, size in enumerate((1, 1, 2, 2, 2))] == [
            0,
            0,
            0,
            0,
            1,
        ]

    def test_what_has_gone_and_come_back_is_new(self):
        stability = Stability(1)
        stability.look([self.found()], 0)
        stability.look([], 1)
        assert stability.look([self.found()], 2) == []


def at(path, seconds_ago):
    path.write_text("content")
    then = time.time() - seconds_ago
    os.utime(path, (then, then))
    return look_at(path, path.name)


class TestStill:
    def test_a_file_that_cannot_be_looked_at_is_not_waited_for(self, tmp_path):
        assert Still(100)(look_at(tmp_path / "gone", "gone"))

    def test_one_that_is_touched_during_the_wait_is_left(self, tmp_path):
        still = Still(0.2)
        found = at(tmp_path / "a", 0)
        assert still(found)
        (tmp_path / "a").write_text("more content")
        assert not Still(0.2)(found)

    def test_one_wait_serves_all_files(self, tmp_path):
        still = Still(0.3)
        files = [at(tmp_path / name, 0) for name in "abcdef"]
        started = time.monotonic()
        assert all(still(found) for found in files)
        assert time.monotonic() - started < 1.5


class TestAge:
    def test_an_old_time_that_a_copy_brings_along_does_not_count(self, tmp_path):
        assert age(at(tmp_path / "a", 1000)) < 100

    def test_a_file_that_is_gone_has_none(self, tmp_path):
        assert age(look_at(tmp_path / "gone", "gone")) == 0


def test_a_time_in_the_future_says_nothing(tmp_path):
    assert age(at(tmp_path / "a", -1000)) == pytest.approx(0, abs=100)
