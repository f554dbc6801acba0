"""A real scheduler and real workers of Dask on loopback, each a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATHS = (str(ROOT), str(Path(__file__).parent))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DaskCluster:
    """Started and ended in a folder, in which the processes write their logs."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.processes = []
        self.scheduler = None
        self.has_ended = False

    def start_scheduler(self, *, paths=()):
        """Start it; `paths` come before ours."""
        env = {"PYTHONPATH": os.pathsep.join([*map(str, paths), *PATHS])}
        self.scheduler = self._start("scheduler", "--port", str(self.port), env=env)
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self.scheduler
            self._check(self.scheduler, deadline, "scheduler")
            time.sleep(0.1)

    def start_worker(self, name, *, paths=(), **env):
        """Start a worker and wait until the scheduler knows it; `paths` come before ours."""
        worker = self._start(
            "worker", self.address, "--nthreads", "1", "--name", name, "--local-directory", f"dask-{name}",
            log=name, env={"PYTHONPATH": os.pathsep.join([*map(str, paths), *PATHS]), **env},
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while "Registered to" not in self.log(name):
            self._check(worker, deadline, name)
            time.sleep(0.1)
        return worker

    def _check(self, process, deadline, name):
        assert process.poll() is None, self.log(name)
        assert time.monotonic() < deadline, self.log(name)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def end(self):
        self.has_ended = True
        for process in self.processes:
            self.kill(process)

    def kill(self, process):
        """End a process and those it started, such as the one that a worker's nanny watches over."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _start(self, command, *arguments, log=None, env=None):
        assert not self.has_ended, "a thread of a test that failed"
        with (self.folder / f"{log or command}.log").open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + command, *arguments, "--host", "127.0.0.1",
                 "--no-dashboard"],
                cwd=self.folder, env=os.environ | {"OMP_NUM_THREADS": "1"} | (env or {}), stdout=stream,
                stderr=stream, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process
