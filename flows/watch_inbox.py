"""``python -m flows.watch_inbox``: read what comes into a folder, for as long as it runs."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from digitocr import console, inbox
from digitocr.batch import Hooks, Job, Summary, make_job
from digitocr.errors import BusyError, FileAccessError
from digitocr.inbox import Entry
from digitocr.settings import load_settings
from digitocr.watching import Stability
from flows import options
from flows.process_folder import process

log = logging.getLogger("digitocr.flows")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_TICK = 0.5
"""Seconds between two looks while a file is being written."""


@app.command()
def main(
    folder: options.Folder = None,
    results: options.Results = None,
    review: options.Review = None,
    state: options.State = None,
    threshold: options.Threshold = None,
    batch_size: options.BatchSize = None,
    jobs: options.Jobs = None,
    annotate: options.Annotate = False,  # noqa: FBT002
    no_prefect: options.NoPrefect = False,  # noqa: FBT002
    as_json: options.AsJson = False,  # noqa: FBT002
    quiet: options.Quiet = False,  # noqa: FBT002
    verbose: options.Verbose = False,  # noqa: FBT002
    config: options.Config = None,
) -> None:
    """Watch a folder and read what comes in, until Ctrl-C or SIGTERM; the chunk that is being read is finished."""
    flags = {"results": results, "review": review, "state": state, "threshold": threshold, "jobs": jobs}
    flags |= {
        "batch_size": batch_size,
        "annotate": annotate or None,
        "prefect": False if no_prefect else None,
    }
    console.set_up(quiet=quiet, verbose=verbose)
    command = partial(_run, folder, flags, config, as_json=as_json, quiet=quiet, verbose=verbose)
    raise typer.Exit(console.guarded(command))


def _run(
    folder: Path | None,
    flags: dict[str, Any],
    config: Path | None,
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    job = make_job(load_settings(flags, config), folder)
    total = Summary()
    with _stopping() as (stop, signals):
        log.info("watching %s; Ctrl-C ends it", job.folder)
        for ready in ready_files(job, stop):
            hooks = Hooks(is_ready=ready.__contains__, stop=stop)
            try:
                total = _sum(total, process(job, hooks, verbose=verbose))
            except BusyError as error:
                log.warning("%s; trying again", error.message)
            except KeyboardInterrupt:
                if not stop.is_set():
                    raise
    console.report(total, job.settings, as_json=as_json, quiet=quiet)
    return console.INTERRUPTED if signal.SIGINT in signals else total.exit_status


def ready_files(job: Job, stop: threading.Event) -> Iterator[frozenset[Entry]]:
    """Yield the files that can be taken, those that are there at the start included, until `stop` is set.

    Events of the system only shorten the wait: the folder is looked at in full every few seconds, since
    network shares lose events and send none.
    """
    s = job.settings
    changed = threading.Event()
    threading.Thread(target=_follow, args=(job, stop, changed), daemon=True).start()
    stability = Stability(s.settle)
    taken: frozenset[Entry] = frozenset()
    while not stop.is_set():
        changed.clear()
        entries = _scan(job)
        ready = frozenset(stability.look(entries, time.monotonic()))
        if ready - taken:
            yield ready
            # a file that stays (another folder than the inbox, a busy one) is not offered again until it changes
            taken = ready
        waiting = len(ready) < len(entries)
        _wait(stop, changed, _TICK if waiting else s.rescan)


def _follow(job: Job, stop: threading.Event, changed: threading.Event) -> None:
    from watchfiles import watch

    polling = job.settings.polling or None
    for _ in watch(job.folder, stop_event=stop, force_polling=polling, raise_interrupt=False, debounce=200):
        changed.set()


def _scan(job: Job) -> list[Entry]:
    try:
        return inbox.scan(job.folder, own=job.own_folders, is_inbox=job.is_inbox)[0]
    except FileAccessError as error:  # a share that is away for a while
        log.warning("%s", error)
        return []


def _wait(stop: threading.Event, changed: threading.Event, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not stop.is_set() and not changed.is_set() and time.monotonic() < deadline:
        stop.wait(min(0.2, seconds))


@contextmanager
def _stopping() -> Iterator[tuple[threading.Event, list[int]]]:
    """Turn SIGTERM and Ctrl-C into an event; with it, the signals that came."""
    stop, came = threading.Event(), list[int]()

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)
        stop.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop, came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _sum(one: Summary, other: Summary) -> Summary:
    return Summary(**{name: value + asdict(other)[name] for name, value in asdict(one).items()})


if __name__ == "__main__":
    app()
