"""The command line as a whole: its version, its commands, its exit statuses."""

import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import digitocr
from digitocr.cli import overview
from digitocr.cli.app import app
from digitocr.errors import ExitStatus


def test_version_prints_the_version_of_the_package():
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"digitocr {digitocr.__version__}\n")


@pytest.mark.parametrize(
    "command",
    [
        *("run", "watch", "apply", "deploy", "settings", "help"),
        *("read", "review", "status", "housekeeping", "threshold", "models"),
        *("train", "evaluate", "predict", "rotations", "compare", "export"),
        *("ledger list", "ledger verify", "ledger retry", "ledger forget"),
        *("form make", "form export", "template detect", "template show", "template test"),
        *("corrections export", "corrections put-back"),
    ],
)
def test_every_command_of_the_contract_explains_itself(command):
    done = CliRunner().invoke(app, [*command.split(), "--help"])
    assert done.exit_code == 0
    assert "Usage: " in done.stdout


class TestOverview:
    def test_everyday_commands_and_two_examples_fit_a_small_terminal(self):
        done = CliRunner().invoke(app, ["--help"], terminal_width=80)
        lines = done.stdout.splitlines()
        assert len(lines) <= 24 - 1, "the prompt takes a line"
        assert max(map(len, lines)) <= 80
        assert sum(line.startswith("digitocr ") and not line.startswith(("digitocr COMMAND", "digitocr help"))
                   for line in lines) == 2  # fmt: skip

    def test_every_group_begins_a_line(self):
        lines = CliRunner().invoke(app, ["--help"]).stdout.splitlines()
        found = [line.split()[0] for line in lines if line.startswith(overview.GROUPS)]
        assert tuple(found) == overview.GROUPS

    def test_all_commands_are_shown_when_asked_for(self):
        done = CliRunner().invoke(app, ["help", "--all"])
        shown = done.stdout
        assert shown.endswith("--show-completion\n"), "the prompt begins a line"
        commands = get_command(app).commands
        assert [name for name in commands if name != "help" and f" {name} " not in shown] == []

    def test_every_command_has_a_group(self):
        commands = get_command(app).commands
        assert {c.rich_help_panel for c in commands.values() if not c.hidden} == set(overview.GROUPS)

    def test_everyday_commands_exist(self):
        assert set(overview.EVERYDAY) <= set(get_command(app).commands)


def test_a_misspelt_command_gets_a_suggestion():
    done = CliRunner().invoke(app, ["reveiw"])
    assert done.exit_code == 2
    assert "Did you mean 'review'?" in done.stderr


def test_completion_can_be_installed():
    flags = {flag for parameter in get_command(app).params for flag in parameter.opts}
    assert {"--install-completion", "--show-completion"} <= flags


def test_an_exit_status_reaches_the_shell(tmp_path):
    command = [sys.executable, "-m", "digitocr", "form", "export", "table.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == ExitStatus.USAGE
    assert done.stderr.startswith("error: table.csv does not end in .xlsx\nhint: ")
