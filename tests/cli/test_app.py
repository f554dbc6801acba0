"""The command line as a whole: its version, its commands, its exit statuses."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

import digitocr
from digitocr.cli.app import app
from digitocr.errors import ExitStatus


def test_version_prints_the_version_of_the_package():
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"digitocr {digitocr.__version__}\n")


@pytest.mark.parametrize(
    "command",
    [
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


def test_an_exit_status_reaches_the_shell(tmp_path):
    command = [sys.executable, "-m", "digitocr", "form", "export", "table.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == ExitStatus.USAGE
    assert done.stderr.startswith("error: table.csv does not end in .xlsx\nhint: ")
