"""``digitocr serve``: people upload files in the browser, see what was read, and settle what is uncertain."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from digitocr import atomic
from digitocr.cli import console
from digitocr.cli import options as shared
from digitocr.results import kept
from digitocr.settings import Settings
from digitocr.store.ledger import Ledger
from flows import options, watch_inbox
from flows.interrupt import finishing, sigterm_as_ctrl_c

log = logging.getLogger("digitocr.flows")

_RESTART_S = 5.0
"""After which a reader that ended by itself is started again."""

_LOOK_S = 1.0
"""How often the folder of templates is looked at."""

_FORMS = Path("forms")
"""The folder of templates, where none is named: forms that are made in the browser lie there."""

_PATIENCE_S = 60.0
"""Time that the reader has to finish its files at the end."""


@dataclass(frozen=True)
class Options(options.Options):
    """Options of the command."""

    results: shared.Results = None
    review: shared.Review = None
    state: shared.State = None
    templates: shared.Templates = None
    threshold: shared.Threshold = None
    workers: options.Workers = None
    on_done: options.OnDone = None
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1"
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; 0 takes the one of the last time, or any free one.")
    ] = 0
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False
    config: shared.Config = None


def serve(given: Options) -> int:
    """Upload scans in the browser, and see what was read.

    Also settle what is uncertain, and take the tables home. Reads the inbox as `digitocr watch` does.
    """
    from digitocr.review.rules import Rules
    from digitocr.web import guard, server

    settings = console.settings(given.flags(), given.config)
    settings = settings.model_copy(update={"templates": settings.templates or _FORMS})
    prepare(settings)
    token = os.environ.get(guard.TOKEN_VARIABLE, "")
    opens = (lambda _: None) if given.no_browser else server.open_browser
    with sigterm_as_ctrl_c(), _reading(given, settings):
        return server.serve(settings, Rules(), given.host, given.port, token, opens, takes_files=True)


def prepare(settings: Settings) -> None:
    """Make the folders and the ledger, so that there is something to show before the first file.

    Parameters
    ----------
    settings : Settings
    """
    for folder in (settings.inbox, settings.results, settings.review):
        atomic.make_folder(folder)
    atomic.make_folder(settings.state, atomic.PRIVATE)
    with Ledger(settings.ledger) as ledger:
        kept.take_job(ledger, settings.results)


def templates_in(settings: Settings) -> dict[str, int]:
    """Return the templates that there are, each with the time of its last change.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    dict of str to int
        By path, in nanoseconds.
    """
    found = {}
    for path in settings.templates.glob("*.yaml") if settings.templates else ():
        with suppress(OSError):  # it is being replaced
            found[str(path)] = path.stat().st_mtime_ns
    return found


@contextmanager
def _reading(given: Options, settings: Settings) -> Iterator[None]:
    """Read the inbox in a process of its own, which is started again if it ends or if templates have changed."""
    command = [sys.executable, "-m", "flows.serve", "--no-prefect"]
    if given.config:
        command += ["--config", str(given.config)]
    # a variable has the weight of a flag here: the child has no flags
    flags = {
        f"DIGITOCR_{name.upper()}": str(value)
        for name, value in given.flags().items()
        if name != "templates"  # none may be there yet
    }
    ended = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def keep_reading() -> None:
        while not ended.is_set():
            found = templates_in(settings)
            named = {"DIGITOCR_TEMPLATES": str(settings.templates)} if found else {}
            child = subprocess.Popen(
                command, env=os.environ | flags | named, stdin=subprocess.PIPE, start_new_session=True
            )
            running[:] = [child]
            is_current = True
            while child.poll() is None and not ended.wait(_LOOK_S):
                if is_current and child.stdin and templates_in(settings) != found:
                    is_current = False
                    child.stdin.close()  # it finishes what it is reading
            child.wait()
            if is_current and not ended.wait(_RESTART_S):
                log.warning("the reader ended with %d; starting it again", child.returncode)

    thread = threading.Thread(target=keep_reading, name="reading")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        for child in running:
            if child.stdin:
                child.stdin.close()  # it finishes what it is reading, as it does if this process is killed
        with finishing():
            thread.join(_PATIENCE_S)
            for child in running:
                child.kill()
            thread.join()


def main() -> None:
    """Watch the inbox for as long as standard input is open: the process that reads."""

    def follow() -> None:
        sys.stdin.buffer.read()
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=follow, daemon=True).start()
    watch_inbox.app()


if __name__ == "__main__":
    main()
