"""``python -m flows.watch_inbox``: read what comes into a folder, for as long as it runs."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from digitocr import errors
from digitocr.cli import console
from digitocr.errors import BusyError, FileAccessError
from digitocr.inbox import folder as inbox
from digitocr.inbox.folder import Entry
from digitocr.inbox.run import Hooks, Job, Summary, make_job
from digitocr.inbox.stability import Stability
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
    templates: options.Templates = None,
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
    flags = options.said(
        results=results,
        review=review,
        state=state,
        templates=templates,
        threshold=threshold,
        batch_size=batch_size,
        jobs=jobs,
        annotate=annotate,
        no_prefect=no_prefect,
    )
    console.set_up(quiet=quiet, verbose=verbose)
    command = partial(_run, folder, flags, config, as_json=as_json, quiet=quiet, verbose=verbose)
    raise typer.Exit(errors.guarded(command))


def _run(
    folder: Path | None,
    flags: dict[str, Any],
    config: Path | None,
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    settings = console.settings(flags, config)
    job = make_job(settings, folder)
    total = Summary()
    with _stopping() as (stop, signals):
        log.info("watching %s; Ctrl-C ends it", job.folder)
        for offer in offers(job, stop):
            hooks = Hooks(is_ready=offer.files.__contains__, patience=job.settings.patience, stop=stop)
            try:
                total = _sum(total, process(job, hooks, verbose=verbose))
                offer.taken.set()
            except BusyError as error:
                log.warning("%s; trying again", error.message)
            except KeyboardInterrupt:
                if not stop.is_set():
                    raise
    console.report(total, job.settings, as_json=as_json, quiet=quiet)
    return errors.ExitStatus.INTERRUPTED if signal.SIGINT in signals else total.exit_status


@dataclass(frozen=True, slots=True)
class Offer:
    """Files that can be read; who has read them sets `taken`."""

    files: frozenset[Entry]
    taken: threading.Event = field(default_factory=threading.Event)


def offers(job: Job, stop: threading.Event) -> Iterator[Offer]:
    """Yield the files that can be taken, those that are there at the start included, until `stop` is set.

    Events of the system only shorten the wait: the folder is looked at in full every few seconds, since
    network shares lose events and send none. What still lies in the inbox after it was read (it may be arriving,
    or could not be opened) is offered again at each of these looks; in a folder that is not emptied only what
    has changed.
    """
    s = job.settings
    changed = threading.Event()
    threading.Thread(target=_follow, args=(job, stop, changed), daemon=True).start()
    stability = Stability(s.settle)
    last = Offer(frozenset())
    due = time.monotonic()
    while not stop.is_set():
        changed.clear()
        entries = _scan(job)
        ready = frozenset(stability.look(entries, time.monotonic()))
        is_due = time.monotonic() >= due and (job.is_inbox or not last.taken.is_set())
        if ready - last.files or (ready and is_due):
            last = Offer(ready)
            yield last
            due = time.monotonic() + s.rescan
        waiting = len(ready) < len(entries)
        _wait(stop, changed, _TICK if waiting else s.rescan)


def _follow(job: Job, stop: threading.Event, changed: threading.Event) -> None:
    from watchfiles import watch

    s = job.settings
    while not stop.is_set():
        try:
            for _ in watch(
                job.folder,
                stop_event=stop,
                force_polling=s.polling or None,
                raise_interrupt=False,
                debounce=200,
            ):
                changed.set()
        except (OSError, RuntimeError) as error:  # a share that went away, too few watches left on the system
            log.debug("no events of %s: %s", job.folder, error)
            stop.wait(s.rescan)


def _scan(job: Job) -> list[Entry]:
    try:
        return inbox.scan(job.folder, own=job.settings.own_folders, is_inbox=job.is_inbox)[0]
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
