"""``digitocr status``, ``ledger`` and ``housekeeping``: what they print, for people and as JSON."""

import json

from terminal import Terminal
from typer.main import get_command
from typer.testing import CliRunner

from digitocr.cli.app import app


def call(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


class TestStatus:
    def test_lines_for_people(self, work):
        work.put("a.jpg", "107 3?")
        work.run()
        work.put("b.jpg", "7")
        lines = dict(line.split(maxsplit=1) for line in call("status").stdout.splitlines()[:4])
        assert lines["inbox"].startswith("1 file, the oldest ")
        assert lines["failed"] == "0 files"
        assert lines["ledger"] == "1 done"
        rest = call("status").stdout.splitlines()[4:]
        assert rest[0].startswith("last run    20")
        assert rest[1] == "running     no one"
        assert rest[2] == "watching    no one"
        assert rest[3].startswith("free        ")

    def test_json_has_the_same_figures(self, work):
        work.put("a.jpg", "107")
        seen = json.loads(call("status", "--json").stdout)
        assert (seen["inbox"], seen["files"], seen["last_run"]) == (1, {}, {})

    def test_before_the_first_run(self, work):
        out = call("status").stdout
        assert "ledger      nothing read yet" in out
        assert "last run    none" in out


class TestList:
    def test_a_line_has_figures_and_the_error(self, work):
        work.put("a.jpg", "107 3?")
        work.put("b.jpg", "BAD")
        work.run()
        good, bad = (line.split("\t") for line in call("ledger", "list").stdout.splitlines())
        assert (good[0], good[1], *good[3:]) == ("a.jpg", "done", "2", "1", "")
        assert (bad[0], bad[1], bad[5]) == ("b.jpg", "failed", "damaged: cannot be decoded")
        assert json.loads(call("ledger", "list", "--status", "done", "--json").stdout)["state"] == "done"

    def test_a_terminal_gets_a_table_without_codes(self, work, monkeypatch):
        work.put("b.jpg", "BAD")
        work.run()
        monkeypatch.setenv("TERM", "dumb")  # without colours
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdout", terminal := Terminal())
            get_command(app).main(["ledger", "list", "--status", "failed"], standalone_mode=False)
        header, _, row = (line.split() for line in terminal.getvalue().strip().splitlines())
        assert header == ["file", "status", "numbers", "review", "what", "happened"]
        assert row == ["b.jpg", "failed", "0", "0", "cannot", "be", "decoded"]


class TestVerify:
    def test_agreement_is_said_and_a_difference_gives_status_1(self, work):
        work.put("a.jpg", "107")
        work.run()
        done = call("ledger", "verify")
        assert (done.exit_code, done.stdout) == (0, "the ledger and the disk agree\n")
        assert call("ledger", "verify", "--json").stdout == "[]\n"
        (work.folder / "results" / "a.jpg.numbers.csv").unlink()
        done = call("ledger", "verify", "--json")
        assert done.exit_code == 1
        assert len(json.loads(done.stdout)) >= 1


class TestHousekeeping:
    def test_counts_are_printed(self, work):
        line = "removed 0 originals, 0 crops, 0 readings, 0 leftovers\n"
        assert call("housekeeping").stdout == line
