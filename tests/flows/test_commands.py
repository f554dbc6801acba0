"""The commands that this package adds to ``digitocr``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digitocr.cli.app import app
from flows import apply_review, deploy, engine, process_folder, watch_inbox

ROOT = Path(__file__).parent.parent.parent


def call(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


@pytest.fixture
def named(monkeypatch):
    """Say whether the user names a Prefect API."""

    def say(answer):
        monkeypatch.setattr(engine, "api_is_named", lambda: answer)

    return say


class TestRun:
    @pytest.fixture
    def asked(self, work, monkeypatch):
        """Whether each run was to go through Prefect."""
        seen = []
        real = process_folder.process

        def process(job, hooks, *, verbose):
            seen.append(job.settings.prefect)
            return real(job, hooks, verbose=verbose)

        monkeypatch.setattr(process_folder, "process", process)
        return seen

    @pytest.mark.parametrize(
        ("answer", "flags", "wanted"),
        [
            (False, (), False),
            (False, ("--prefect",), True),
            (True, (), True),
            (True, ("--no-prefect",), False),
        ],
    )
    def test_prefect_is_used_if_an_api_is_named_or_if_asked_for(self, asked, named, answer, flags, wanted):
        named(answer)
        assert call("run", *flags).exit_code == 0
        assert asked == [wanted]

    def test_the_main_job_needs_neither_a_server_nor_prefect(self, work):
        """A real run in a process of its own: it neither starts Prefect's server nor imports Prefect."""
        example = ROOT / "examples" / "cheque.png"
        work.put(example.name, example.read_bytes())
        check = (
            "import sys\n"
            "from digitocr.cli.app import app\n"
            "status = app(['run', '--json'], standalone_mode=False)\n"
            "sys.exit(status or 10 * ('prefect' in sys.modules))"
        )
        env = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
        env |= {"PYTHONPATH": str(ROOT), "PREFECT_PROFILES_PATH": str(work.folder / "none.toml")}
        done = subprocess.run(
            [sys.executable, "-c", check],
            cwd=work.folder, env=env, text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert '"done": 1' in done.stdout
        assert not (work.folder / ".digitocr" / "prefect").exists()


class TestOthers:
    def test_watch_asks_as_run_does(self, named, monkeypatch):
        seen = []
        monkeypatch.setattr(watch_inbox, "watch", lambda given, **how: seen.append(how) or 0)
        for answer in (True, False):
            named(answer)
            assert call("watch").exit_code == 0
        assert seen == [{"through_prefect": True}, {"through_prefect": False}]

    def test_apply_is_the_command_of_the_module(self, work):
        module = CliRunner().invoke(apply_review.app, [])
        assert call("apply").stderr == module.stderr

    def test_deploy_is_the_command_of_the_module(self, work, named):
        named(False)
        module = CliRunner().invoke(deploy.app, [])
        assert (call("deploy").exit_code, call("deploy").stderr) == (2, module.stderr)
