"""A real Prefect server, its work pool, a worker, and our deployments; and a process that serves them by itself."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = sorted((ROOT / "examples").glob("*.jpg"))[0]

pytestmark = [pytest.mark.flow, pytest.mark.soak, pytest.mark.timeout(900)]


def until(condition, seconds, why):
    """Wait for what another process does; it has no event to wait for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.5)
    pytest.fail(why())


class Site:
    """A server on loopback with a state folder of its own, and folders of our own."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.api = f"http://127.0.0.1:{self.port}/api"
        own = {
            f"DIGITOCR_{n.upper()}": str(folder / n)
            for n in ("inbox", "results", "review", "archive", "failed")
        }
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "DIGITOCR_"))}
        self.env |= own | {
            "DIGITOCR_STATE": str(folder / "state"),
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_PROFILES_PATH": str(folder / "prefect" / "profiles.toml"),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_CLI_PROMPT": "false",
            "PYTHONPATH": str(ROOT),
        }
        (folder / "inbox").mkdir()

    @contextmanager
    def running(self, name, *command, cwd=ROOT):
        """Run a process, and end it and what it started: they are a session of their own."""
        with (self.folder / f"{name}.log").open("w") as log:
            child = subprocess.Popen(
                command, cwd=cwd, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield child
        finally:
            try:
                os.killpg(child.pid, signal.SIGTERM)
                child.wait(30)
            except ProcessLookupError:
                child.wait(1)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait(10)

    def prefect(self, *args):
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *args],
            cwd=ROOT, env=self.env, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()[-3000:]

    def post(self, path, body):
        request = urllib.request.Request(
            self.api + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.api}/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def drop(self, name):
        partial = self.folder / "inbox" / f"{name}.part"
        partial.write_bytes(EXAMPLE.read_bytes() + name.encode())  # content of its own
        partial.rename(self.folder / "inbox" / name)

    def is_read(self, name):
        return (self.folder / "archive" / name).exists() and (self.folder / "results" / "files.csv").exists()

    def states(self, deployment):
        body = {"deployments": {"name": {"any_": [deployment]}}}
        return [run["state"]["name"] for run in self.post("/flow_runs/filter", body)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    command = [
        sys.executable,
        "-m",
        "prefect",
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(site.port),
    ]
    with site.running("server", *command, cwd=site.folder):
        until(site.answers, 240, lambda: f"the server does not answer: {site.log('server')}")
        yield site


def test_a_scheduled_run_of_a_worker_reads_a_dropped_file(site):
    site.prefect("work-pool", "create", "--type", "process", "digitocr")
    site.prefect("deploy", "--all")
    found = {d["name"]: d for d in site.post("/deployments/filter", {})}
    assert set(found) == {"inbox", "reviews", "housekeeping", "training"}
    for one in found.values():
        assert one["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
        assert one["global_concurrency_limit"]["limit"] == 1
    with site.running("worker", sys.executable, "-m", "prefect", "worker", "start", "--pool", "digitocr"):
        site.drop("scan.jpg")
        until(lambda: site.is_read("scan.jpg"), 400, lambda: f"no run reads it: {site.log('worker')}")
        until(lambda: "Completed" in site.states("inbox"), 120, lambda: site.log("worker"))
    assert "Failed" not in site.states("inbox")
    assert "Crashed" not in site.states("inbox")


def test_the_process_that_serves_them_by_itself_does_the_same_and_ends_cleanly(site):
    command = [sys.executable, "-m", "flows.deploy", "--every", "5"]
    with site.running("served", *command, cwd=site.folder) as served:
        site.drop("served.jpg")
        until(lambda: site.is_read("served.jpg"), 400, lambda: f"no run reads it: {site.log('served')}")
        served.send_signal(signal.SIGTERM)
        assert served.wait(120) == 0, site.log("served")
    assert "Traceback" not in site.log("served")


def test_a_server_that_dies_costs_one_line_and_no_file(tmp_path):
    (tmp_path / "inbox").mkdir()
    for i in range(40):
        (tmp_path / "inbox" / f"{i:02}.jpg").write_bytes(EXAMPLE.read_bytes() + str(i).encode())
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "DIGITOCR_"))}
    env |= {"PYTHONPATH": str(ROOT), "PREFECT_PROFILES_PATH": str(tmp_path / "profiles.toml")}
    command = [sys.executable, "-m", "flows.process_folder", "--workers", "1", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=env, **pipes) as run:
        until((tmp_path / "archive").exists, 300, lambda: "nothing is read")
        found = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(run.pid)], text=True, capture_output=True, check=True
        ).stdout
        (server,) = [int(line.split()[0]) for line in found.splitlines() if "flows.server" in line]
        os.kill(server, signal.SIGKILL)
        told, said = run.communicate(timeout=600)
    assert run.returncode == 0, said
    assert json.loads(told)["done"] == 40
    assert len(said.splitlines()) == 2, said
    assert "went on without it" in said
