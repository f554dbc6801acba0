"""Dockerfile, compose file and systemd unit: what they name exists, and they give no more rights than said."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from digitocr.cli.app import app

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
UNIT = (ROOT / "deploy" / "digitocr.service").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def check_command(words):
    """Fail if the program has no such command or no such option."""
    command = get_command(app).commands[words[1]]
    options = {flag for parameter in command.params for flag in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def settings_of_unit():
    return dict(re.findall(r"^(\w+)=(.*)$", UNIT, re.MULTILINE))


class TestDockerfile:
    def test_its_commands_are_those_of_the_program(self):
        check_command(yaml.safe_load(DOCKERFILE.rpartition("\nCMD ")[2]))
        check_command(re.search(r"CMD (digitocr[^|]*)", DOCKERFILE)[1].split())

    def test_it_runs_as_a_user_without_rights_and_tells_its_health(self):
        last = DOCKERFILE.rpartition("\nFROM ")[2]
        assert last.index("USER digitocr") < last.index("HEALTHCHECK") < last.index("\nCMD ")

    def test_what_is_copied_and_installed_is_let_through(self):
        let_through = set(re.findall(r"^!([\w./-]+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
        named = set(re.findall(r"-[rc] ([\w./-]+\.txt)", DOCKERFILE))
        assert named
        assert (
            named | {"digitocr", "flows", "models", "pyproject.toml", "README.md", "LICENSE"} <= let_through
        )
        assert all((ROOT / name).exists() for name in let_through)


class TestCompose:
    def test_the_page_is_reached_from_this_machine_only_and_asks_for_a_token(self):
        service = COMPOSE["services"]["digitocr"]
        assert service["ports"] == ["127.0.0.1:8080:8080"]
        assert "DIGITOCR_REVIEW_TOKEN" in service["environment"]
        assert '"--port", "8080"' in DOCKERFILE

    def test_what_is_written_lies_on_the_volume(self):
        service = COMPOSE["services"]["digitocr"]
        assert service["read_only"]
        assert service["volumes"] == ["./data:/data"]
        assert "WORKDIR /data\n" in DOCKERFILE


class TestUnit:
    def test_its_command_is_one_of_the_program(self):
        check_command(shlex.split(settings_of_unit()["ExecStart"]))

    def test_it_writes_where_it_works_and_nowhere_else(self):
        said = settings_of_unit()
        assert said["ProtectSystem"] == "strict"
        assert said["ReadWritePaths"] == said["WorkingDirectory"] == "/srv/scans"

    @pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd")
    def test_systemd_finds_no_fault(self, tmp_path):
        unit = tmp_path / "digitocr.service"
        unit.write_text(UNIT.replace("/opt/digitocr/bin/digitocr", "/bin/true"))
        done = subprocess.run(
            ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
