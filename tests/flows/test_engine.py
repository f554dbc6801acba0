import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path

import httpx
import pytest

from digitocr.errors import PrefectError
from flows import engine

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "profiles.toml"))
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


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


class TestCheckReach:
    def test_workers_elsewhere_cannot_reach_a_server_that_lives_with_the_command(self):
        with pytest.raises(PrefectError, match=r"workers at tcp://192\.0\.2\.1:8786") as caught:
            engine.check_reach("tcp://192.0.2.1:8786")
        assert caught.value.exit_status == 3

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
    def test_those_of_this_machine_can(self, host):
        engine.check_reach(f"tcp://{host}:8786")

    def test_a_server_that_is_named_is_for_the_user_to_know(self, monkeypatch):
        monkeypatch.setenv("PREFECT_API_URL", "http://192.0.2.2:4200/api")
        engine.check_reach("tcp://192.0.2.1:8786")


def test_where_an_api_is_named_no_server_is_started_and_its_state_stays_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("PREFECT_API_URL", "http://somewhere/api")
    assert engine.prepare(tmp_path / "state", verbose=False) is None
    assert "PREFECT_HOME" not in os.environ
    assert os.environ["DO_NOT_TRACK"] == "1"


def test_requests_to_this_machine_go_through_no_proxy(monkeypatch, tmp_path):
    monkeypatch.setenv("PREFECT_API_URL", "http://somewhere/api")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "intranet")
    monkeypatch.setenv("no_proxy", "intranet")
    engine.prepare(tmp_path, verbose=True)
    assert urllib.request.proxy_bypass("127.0.0.1:4200")
    assert urllib.request.proxy_bypass("intranet")
    assert not urllib.request.proxy_bypass("somewhere")


class TestReaching:
    @pytest.mark.parametrize(
        "error", [RuntimeError("Failed to reach API at http://x/api/"), httpx.ConnectError("refused")]
    )
    def test_a_server_that_is_away_is_one_error_that_names_no_password(self, monkeypatch, error):
        monkeypatch.setenv("PREFECT_API_URL", "http://me:secret@somewhere/api")
        with pytest.raises(PrefectError, match="http://somewhere/api cannot") as caught, engine.reaching():
            raise error
        assert caught.value.exit_status == 3
        assert "--no-prefect" in caught.value.hint

    def test_other_faults_stay_what_they_are(self):
        with pytest.raises(RuntimeError, match="a bug"), engine.reaching():
            raise RuntimeError("a bug")


@pytest.mark.soak
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
