"""What commands print: to whom, in which form, and into log files."""

import json
import logging
from pathlib import Path

import pytest
import typer
from terminal import Terminal

from digitocr.cli import console
from digitocr.cli.console import Console
from digitocr.errors import UsageError
from digitocr.inbox.run import Summary
from digitocr.settings import Settings


@pytest.fixture(autouse=True)
def _own_handlers():
    """Leave the package's logger as it was."""
    logger = logging.getLogger("digitocr")
    before = logger.handlers[:], logger.propagate, logger.level
    yield
    for handler in logger.handlers:
        if handler not in before[0]:
            handler.close()
    logger.handlers[:], logger.propagate, logger.level = before


class TestProgress:
    def test_a_terminal_shows_it(self, monkeypatch):
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        with console.progress(wanted=True) as advance:
            advance(0, 3)
            advance(1, 3)
            advance(1, 3)
        assert "2/3" in terminal.getvalue()
        assert "files/s" in terminal.getvalue()

    @pytest.mark.parametrize("out", [Console(), Console(quiet=True)])
    def test_a_file_does_not(self, capsys, out):
        with out.progress() as advance:
            advance(1, 3)
        assert capsys.readouterr().err == ""

    def test_quiet_shows_none_on_a_terminal(self, monkeypatch):
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        with Console(quiet=True).progress() as advance:
            advance(1, 3)
        assert terminal.getvalue() == ""


class TestConsole:
    def test_run_exits_with_the_status_of_the_command(self):
        with pytest.raises(typer.Exit) as ended:
            Console().run(lambda: 3)
        assert ended.value.exit_code == 3

    def test_result_is_json_or_lines(self, capsys):
        Console(as_json=True).result({"files": 1}, ["one file"])
        Console().result({"files": 1}, ["one file", "no number"])
        assert capsys.readouterr().out == '{"files": 1}\none file\nno number\n'

    def test_report_is_json_a_report_or_nothing(self, capsys, tmp_path):
        summary = Summary(files=3, done=2, failed=1, numbers=7)
        settings = Settings(results=Path("out"), state=tmp_path)
        Console(as_json=True).report(summary, settings)
        assert json.loads(capsys.readouterr().out) == summary.as_dict()
        Console().report(summary, settings)
        table = capsys.readouterr().out
        assert "3 (2 read, 1 failed)" in table
        assert "results in out/, for review in review/" in table
        Console(quiet=True).report(summary, settings)
        assert capsys.readouterr().out == ""

    def test_a_table_is_json_lines_with_tabs_or_a_table_on_a_terminal(self, capsys, monkeypatch):
        table = {"a": 1}, ("name", "value"), [("a", "1 [b]")]
        Console(as_json=True).table(*table)
        Console().table(*table)
        assert capsys.readouterr().out == '{"a": 1}\na\t1 [b]\n'
        monkeypatch.setattr("sys.stdout", terminal := Terminal())
        Console().table(*table)
        assert "name" in terminal.getvalue()
        assert "1 [b]" in terminal.getvalue()


class TestSetUp:
    @pytest.mark.parametrize(
        ("flags", "lines"),
        [
            ({"quiet": False, "verbose": False}, ["note", "wrong"]),
            ({"quiet": True, "verbose": False}, []),
            (
                {"quiet": False, "verbose": True},
                ["DEBUG: detail", "INFO: note", "ERROR: wrong", "INFO: a file"],
            ),
        ],
    )
    def test_flags_choose_what_is_printed(self, capsys, flags, lines):
        console.set_up(**flags)
        logger = logging.getLogger("digitocr.x")
        logger.debug("detail")
        logger.info("note")
        logger.error("wrong")
        logging.getLogger("digitocr.events").info("a file")
        assert capsys.readouterr().err.splitlines() == lines


class TestLogTo:
    def test_lines_are_json_with_what_the_event_adds(self, tmp_path):
        log = tmp_path / "deep" / "run.jsonl"
        console.log_to(log)
        console.log_to(log)  # once is enough
        logger = logging.getLogger("digitocr.events")
        logger.info("ä.jpg: %s", "done", extra={"event": {"run": 7, "status": "done"}})
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            logger.exception("a bug")
        first, second = map(json.loads, log.read_text(encoding="utf-8").splitlines())
        assert (first["level"], first["message"]) == ("info", "ä.jpg: done")
        assert (first["run"], first["status"]) == (7, "done")
        assert first["time"].endswith("+00:00")
        assert "ZeroDivisionError" in second["exception"]

    def test_a_log_that_cannot_be_written_is_named(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(UsageError, match=r"cannot write the log .*file/run\.jsonl"):
            console.log_to(tmp_path / "file" / "run.jsonl")


class TestSettings:
    def test_the_log_file_of_the_settings_is_started(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert console.settings({"log_file": "run.jsonl"}, None).log_file == Path("run.jsonl")
        assert Path("run.jsonl").exists()
