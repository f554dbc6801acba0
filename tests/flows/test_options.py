"""Every option of a command reaches the settings, and nothing that was not given does."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from digitocr.errors import OutputError
from flows import apply_review, deploy, options, process_folder, train_model, watch_inbox
from flows.options import ReadingOptions


class TestFlags:
    def test_what_was_not_given_is_left_to_environment_and_file(self):
        assert ReadingOptions().flags() == {}

    def test_a_zero_was_given(self):
        assert ReadingOptions(threshold=0.0).flags() == {"threshold": 0.0}

    def test_what_is_no_setting_is_left_out(self):
        given = ReadingOptions(folder="x", quiet=True, config=Path("y"), workers="2", annotate=True)
        assert given.flags() == {"workers": "2", "annotate": True}

    def test_false_was_given(self):
        assert ReadingOptions(prefect=False).flags() == {"prefect": False}

    def test_they_outweigh_the_environment(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("DIGITOCR_WORKERS", "3")
        monkeypatch.setenv("DIGITOCR_CHUNK", "5")
        found = ReadingOptions(workers="2").settings(prefect=True)
        assert (found.workers, found.chunk) == (2, 5)


class TestPrefect:
    """What the command does by itself yields to the settings file, to variables and to flags."""

    @pytest.mark.parametrize("by_itself", [True, False])
    def test_the_command_decides_if_nobody_else_does(self, work, by_itself):
        assert ReadingOptions().settings(prefect=by_itself).prefect is by_itself

    def test_a_setting_outweighs_the_command(self, work, monkeypatch):
        monkeypatch.setenv("DIGITOCR_PREFECT", "false")
        assert ReadingOptions().settings(prefect=True).prefect is False

    def test_a_flag_outweighs_the_setting(self, work, monkeypatch):
        monkeypatch.setenv("DIGITOCR_PREFECT", "false")
        assert ReadingOptions(prefect=True).settings(prefect=False).prefect is True


@dataclass(frozen=True)
class Few(options.Options):
    folder: options.Folder = None
    threshold: options.Threshold = None
    quiet: options.Quiet = False


class TestCommand:
    @pytest.fixture
    def call(self):
        app, seen = typer.Typer(), []

        @options.command(app, Few)
        def main(given):
            """Do it."""
            seen.append(given)
            if given.threshold == 1:
                raise OutputError("no room", hint="make some")
            return 5

        def call(*args):
            done = CliRunner().invoke(app, list(args))
            return done, seen

        return call

    def test_fields_are_its_options_and_the_result_its_exit_status(self, call):
        done, seen = call("here", "--threshold", "0.5", "--quiet")
        assert done.exit_code == 5
        assert seen == [Few("here", 0.5, quiet=True)]

    def test_the_help_is_the_docstring(self, call):
        done, seen = call("--help")
        assert "Do it." in done.stdout
        assert "--threshold" in done.stdout
        assert seen == []

    def test_an_error_is_a_message_and_its_own_status(self, call):
        done, _ = call("--threshold", "1")
        assert (done.exit_code, done.stderr) == (3, "error: no room\nhint: make some\n")


CONTRACT = {
    process_folder: "results review state threshold batch-size workers jobs annotate no-prefect dry-run json quiet"
    " verbose config reprocess templates",
    watch_inbox: "results review state threshold batch-size workers jobs annotate no-prefect json quiet verbose"
    " config",
    apply_review: "results review state json config",
    deploy: "results review state every config",
    train_model: "results state fresh config",
}


@pytest.mark.parametrize("module", CONTRACT, ids=lambda module: module.__name__)
def test_the_commands_have_the_options_of_the_contract(module):
    command = typer.main.get_command(module.app)
    found = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    assert {f"--{name}" for name in CONTRACT[module].split()} <= found


def test_the_old_name_of_the_review_folder_still_works(work):
    work.put("a.jpg", "1?")
    work.run(review="elsewhere")
    for name in ("--review", "--queue"):
        assert CliRunner().invoke(apply_review.app, [name, "elsewhere"]).exit_code == 0
