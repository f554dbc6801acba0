import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from flows import engine

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "profiles.toml"))


class TestApiIsNamed:
    def test_by_no_one(self):
        assert not engine.api_is_named()

    def test_in_the_environment(self, monkeypatch):
        monkeypatch.setenv("PREFECT_API_URL", "http://somewhere/api")
        assert engine.api_is_named()

    def test_by_the_active_profile_only(self):
        profiles = (
            "active = '{}'\n[profiles.local]\n[profiles.far]\nPREFECT_API_URL = 'http://somewhere/api'\n"
        )
        for active, named in (("local", False), ("far", True)):
            Path("profiles.toml").write_text(profiles.format(active))
            assert engine.api_is_named() is named

    def test_by_a_profile_named_in_the_environment(self, monkeypatch):
        Path("profiles.toml").write_text("[profiles.far]\nPREFECT_API_URL = 'http://somewhere/api'\n")
        monkeypatch.setenv("PREFECT_PROFILE", "far")
        assert engine.api_is_named()

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("prefect.toml", "api.url = 'http://x/api'"),
            ("pyproject.toml", "[tool.prefect]\napi.url = 'http://x/api'"),
        ],
    )
    def test_in_a_settings_file(self, file, text):
        Path(file).write_text(text)
        assert engine.api_is_named()

    def test_a_broken_file_names_none(self):
        Path("prefect.toml").write_text("= = =")
        assert not engine.api_is_named()


def test_where_an_api_is_named_no_server_is_started_and_its_state_stays_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("PREFECT_API_URL", "http://somewhere/api")
    before = dict(os.environ)
    try:
        assert engine.prepare(tmp_path / "state", verbose=False) is None
        assert "PREFECT_HOME" not in os.environ
        assert os.environ["DO_NOT_TRACK"] == "1"
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.mark.flow
def test_a_killed_command_leaves_no_server(tmp_path):
    script = """
        import os, sys
        from pathlib import Path
        from flows import engine
        server = engine.prepare(Path("state"), verbose=False)
        print(server.pid, flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, **pipes
    ) as child:
        server = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and Path(f"/proc/{server}").exists():
        time.sleep(0.1)
    assert not is_running(server)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]
