"""Preparing Prefect before it is imported: where its state goes, what it prints, and a server if none is named.

If the user names no API, a server of our own runs for as long as the command does. Prefect would start one, too, but
only after it has imported the whole server into this process; ours boots while this process imports Prefect. It ends
when its standard input does, so that none is left behind however this process ends.
"""

from __future__ import annotations

import atexit
import http.client
import ipaddress
import logging
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from digitocr.errors import OutputError, PrefectError

_START_S = 180.0
"""Longest start of a server; the first one on a new state folder makes Prefect's database."""

_QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": f"{_START_S:g}",
    "PREFECT_CLI_COLORS": "false",
}

_SERVER_ONLY = {
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_UI_ENABLED": "0",
    # what a server that lives for seconds need not do
    "PREFECT_SERVER_API_BLOCKS_REGISTER_ON_START": "false",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}


def api_is_named() -> bool:
    """Tell whether the user names a Prefect API: in the environment, a settings file or the profile.

    Returns
    -------
    bool
    """
    if os.environ.get("PREFECT_API_URL"):
        return True
    here = (_toml(Path("prefect.toml")), _toml(Path("pyproject.toml")).get("tool", {}).get("prefect", {}))
    if any(settings.get("api", {}).get("url") for settings in here):
        return True
    profiles = _toml(_profiles())
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active", "")
    return bool(profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL"))


def check_reach(scheduler: str) -> None:
    """Check that the workers of a Dask cluster can reach Prefect's server, to which they tell how their tasks go.

    Parameters
    ----------
    scheduler : str
        Address of their scheduler.

    Raises
    ------
    PrefectError
        If it is the server of this command, and they may be on another machine.
    """
    if not api_is_named() and not _is_here(urlsplit(scheduler).hostname or ""):
        raise PrefectError(
            f"workers at {scheduler} cannot reach the Prefect server that this command would start on 127.0.0.1",
            hint="name one that they reach with PREFECT_API_URL, or read without Prefect: --no-prefect",
        )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(socket.gethostbyname(host)).is_loopback
    except (OSError, ValueError):  # IPv6, or no such host
        return host == "::1"


def prepare(state: Path, *, verbose: bool) -> TemporaryServer | None:
    """Set Prefect's environment before it is imported, and start a server if the user names no API.

    Parameters
    ----------
    state : Path
        State folder; Prefect's state goes below it if a server is started.
    verbose : bool
        Let Prefect print what it does.

    Returns
    -------
    TemporaryServer or None
        A server that is starting; None if the user's is used.

    Raises
    ------
    OutputError
        If the server cannot be started.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    _except_loopback_from_proxies()
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO" if verbose else "CRITICAL")
    if not verbose:  # what becomes of its messages when its server has gone
        os.environ.setdefault("PREFECT_LOGGING_INTERNAL_LEVEL", "CRITICAL")
        logging.raiseExceptions = False
    if api_is_named():
        return None
    # the user's profiles still apply to everything else
    os.environ.setdefault("PREFECT_PROFILES_PATH", str(_profiles()))
    os.environ.setdefault("PREFECT_HOME", str(state.resolve() / "prefect"))
    return TemporaryServer(Path(os.environ["PREFECT_HOME"]))


def _except_loopback_from_proxies() -> None:
    """Have requests to this machine never go through a proxy, such as that of an office."""
    found = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host for host in found.split(",") if host.strip()]
    hosts += [host for host in ("127.0.0.1", "localhost", "::1") if host not in hosts]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(hosts)


@contextmanager
def reaching() -> Iterator[None]:
    """Turn the many ways in which Prefect says that its server cannot be reached into one error.

    Yields
    ------
    None

    Raises
    ------
    PrefectError
    """
    import httpx

    try:
        yield
    except (RuntimeError, httpx.HTTPError) as error:
        if isinstance(error, RuntimeError) and "reach API" not in str(error):
            raise
        url = re.sub("//[^/@]*@", "//", os.environ.get("PREFECT_API_URL", ""))  # without a password
        raise PrefectError(f"Prefect's server {url} cannot be reached") from error


class TemporaryServer:
    """A Prefect server on loopback that lives no longer than this process.

    Parameters
    ----------
    home : Path
        Folder for its log.

    Raises
    ------
    OutputError
        If it cannot be started.
    """

    def __init__(self, home: Path) -> None:
        self._log = home / "server.log"
        self._port = _free_port()
        os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{self._port}/api"
        try:
            home.mkdir(parents=True, exist_ok=True)
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "flows.server", str(self._port)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=os.environ | _SERVER_ONLY,
                    start_new_session=True,  # Ctrl-C must not reach it: it has to outlive our last request
                )
        except OSError as error:
            raise OutputError(f"cannot start Prefect's server in {home}: {error}") from None
        # registered before Prefect's own handlers, it runs after them
        atexit.register(self.stop)

    @property
    def pid(self) -> int:
        """Number of the server's process."""
        return self._process.pid

    def wait(self) -> None:
        """Wait until the server answers.

        Raises
        ------
        OutputError
            If it ends or does not answer in time.
        """
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise self._trouble("ended at once")
            if _answers(self._port):
                return
            time.sleep(0.05)
        raise self._trouble(f"did not answer within {_START_S:g} seconds")

    def stop(self) -> None:
        """End the server and wait for its end."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _trouble(self, what: str) -> OutputError:
        return OutputError(
            f"Prefect's server {what}; its log is {self._log}",
            hint="to read without Prefect, add --no-prefect",
        )


def _profiles() -> Path:
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    return Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser()


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
