"""``digitocr read``, with a reader that reads file contents."""

import json
from concurrent.futures import Future

import pytest
from fake_reader import FakeReader
from typer.testing import CliRunner

from digitocr import pipeline
from digitocr.cli import app as command


@pytest.fixture(autouse=True)
def _fake_model(monkeypatch):
    future = Future()
    future.set_result(FakeReader())
    monkeypatch.setattr(pipeline, "reader_of", lambda settings: future)


def call(*args):
    return CliRunner().invoke(command.app, [str(a) for a in args])


class TestRead:
    def test_each_number_is_a_line_with_its_confidence(self, work):
        done = call("read", work.put("a.jpg", "107 3?"))
        assert done.exit_code == 0
        lines = [line.split("\t")[1:] for line in done.stdout.splitlines()]
        assert lines == [
            ["1", "107", "0.9800", "accepted", ""],
            ["1", "3", "0.4000", "review", "low-confidence"],
        ]

    def test_json_is_one_object_per_file(self, work):
        done = call("read", "--json", work.put("a.jpg", "107"), work.put("b.jpg", "BAD"))
        assert done.exit_code == 1
        good, bad = map(json.loads, done.stdout.splitlines())
        assert good["pages"][0]["numbers"][0]["confidence"] == 0.98
        assert (bad["status"], bad["error_code"]) == ("failed", "damaged")

    def test_a_bad_file_is_named_and_the_others_are_read(self, work):
        done = call("read", work.put("b.jpg", "BAD"), work.put("a.jpg", "7"))
        assert done.exit_code == 1
        assert "b.jpg: cannot be decoded" in done.stderr
        assert "\t7\t" in done.stdout

    def test_wrong_usage_gives_status_2(self, work):
        assert call("read").exit_code == 2
        assert call("read", work.put("a.jpg", "7"), "--threshold", "9").exit_code == 2
        assert call("bogus").exit_code == 2
