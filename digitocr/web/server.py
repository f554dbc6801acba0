"""``python -m digitocr review``: the page on this machine, in the browser."""

from __future__ import annotations

import getpass
import logging
import os
import secrets
import socket
import stat
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import uvicorn

from digitocr import atomic
from digitocr.errors import UsageError
from digitocr.review.rules import Rules
from digitocr.review.service import open_review
from digitocr.settings import Settings, load_settings
from digitocr.web.app import make_app
from digitocr.web.guard import TOKEN_VARIABLE, Guard, is_loopback
from digitocr.web.protocol import TimedProtocol

log = logging.getLogger(__name__)

_PORT_FILE = "review.port"
_TOKEN_FILE = "review.token"

_LEAST_TOKEN = 24
"""Characters."""

_PATIENCE_S = 5
"""Time that requests have at the end."""


def application() -> Guard:
    """Make the page for another server: ``uvicorn --factory digitocr.web.server:application``.

    Its settings come from the environment and ``digitocr.toml``. ``DIGITOCR_REVIEW_TOKEN`` is what browsers must show;
    without it only this machine is served.

    Returns
    -------
    Guard
    """
    settings = load_settings()
    return make_app(open_review(settings, Rules()), settings, token=os.environ.get(TOKEN_VARIABLE, ""))


def serve(
    settings: Settings,
    rules: Rules,
    host: str,
    port: int,
    token: str,
    opens: Callable[[str], object],
    *,
    takes_files: bool = False,
) -> int:
    """Serve the page until interrupted.

    Parameters
    ----------
    settings : Settings
    rules : Rules
    host : str
        The address to serve at.
    port : int
        0 takes the one of the last time, or any that is free.
    token : str
        What browsers must show; '' for one that is made. It is kept as long as only this machine is served, so that a
        page that is still open finds the program again.
    opens : callable
        Called with the address of the page once it is served.
    takes_files : bool
        Whether people may upload.

    Returns
    -------
    int
        Exit status.
    """
    review = open_review(settings, rules)
    token = token or (_kept_token(settings.state) if is_loopback(host) else secrets.token_urlsafe(24))
    try:
        listening = _listen(host, port, settings.state / _PORT_FILE)
    except BaseException:
        review.close()
        raise
    person = _host_person(host)
    app = make_app(review, settings, token=token, host_person=person, takes_files=takes_files)
    shown = f"[{host}]" if ":" in host else socket.gethostname() if host == "0.0.0.0" else host
    address = f"http://{shown}:{listening.getsockname()[1]}/?token={token}"
    server = _Server(app, lambda: _announce(address, opens))
    with suppress(KeyboardInterrupt):  # uvicorn raises it again once all is closed
        server.run(sockets=[listening])
    return 0


class _Server(uvicorn.Server):
    """A server that reports when it is ready."""

    def __init__(self, app: Guard, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=TimedProtocol,
                ws="none",
                log_level="error",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_PATIENCE_S,
            )
        )
        self._ready = ready

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            log.warning("ending; requests that are being answered have %d seconds", _PATIENCE_S)
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _announce(address: str, opens: Callable[[str], object]) -> None:
    sys.stdout.write(f"review page: {address}  (end with Ctrl-C)\n")
    sys.stdout.flush()
    threading.Thread(target=opens, args=(address,), daemon=True).start()


def open_browser(address: str) -> None:
    """Show an address to the person, where there is a browser.

    Parameters
    ----------
    address : str
    """
    with suppress(webbrowser.Error, OSError):
        webbrowser.open(address)


def _host_person(host: str) -> str:
    """Return who started the program, or '' where other people can reach the page."""
    if not is_loopback(host):
        return ""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _kept_token(state: Path) -> str:
    """Return the token of this project, which only its owner can read; a new one if there is none yet.

    Raises
    ------
    OutputError
        The state folder cannot be written.
    """
    path = state / _TOKEN_FILE
    with suppress(OSError, UnicodeDecodeError):
        token = path.read_text(encoding="ascii").strip()
        if len(token) >= _LEAST_TOKEN and stat.S_IMODE(path.stat().st_mode) & 0o077 == 0:
            return token
    token = secrets.token_urlsafe(24)
    try:
        path.unlink(missing_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(token, encoding="ascii")
    except OSError as error:
        refusal = atomic.cannot_write(path, error)
        raise refusal from error
    return token


def _listen(host: str, port: int, kept: Path) -> socket.socket:
    """Take a port: the last one if it is free, so that a page that is still open finds the program again.

    Raises
    ------
    UsageError
        The address or the port cannot be used.
    """
    wanted = [port] if port else [_last_port(kept), 0]
    for number in wanted:
        try:
            listening = _bound(host, number)
        except (OSError, OverflowError) as error:
            if number == wanted[-1]:
                raise UsageError(
                    f"cannot serve at {host}:{port}: {error}", hint="try another --port"
                ) from None
            continue
        with suppress(OSError):
            kept.write_text(str(listening.getsockname()[1]), encoding="utf-8")
        return listening
    raise UsageError(f"cannot serve at {host}")


def _bound(host: str, port: int) -> socket.socket:
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError:
        listening.close()
        raise
    return listening


def _last_port(kept: Path) -> int:
    try:
        port = int(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    return port if 1024 <= port < 65536 else 0
