"""``digitocr watch`` and ``python -m flows.watch_inbox``: read files as they arrive in a folder."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

import typer

from digitocr import errors
from digitocr.cli import console
from digitocr.errors import BusyError, DigitocrError, FileAccessError, PrefectError
from digitocr.inbox.heartbeat import Heartbeat
from digitocr.inbox.job import Hooks, Job, Summary, make_job
from digitocr.inbox.metrics import write_metrics
from digitocr.inbox.names import is_litter
from digitocr.inbox.notices import notices
from digitocr.inbox.scan import FoundFile, scan
from digitocr.inbox.stability import Stability
from digitocr.settings import Settings
from digitocr.store.ledger import Ledger
from flows import options
from flows.interrupt import announced
from flows.process_folder import process

log = logging.getLogger("digitocr.flows")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_TICK_S = 0.5
"""Time between two scans of the folder while a file is being written."""

_DEBOUNCE_MS = 200
"""File system events within this time count as one."""


@options.command(app, options.ReadingOptions)
def main(given: options.ReadingOptions) -> int:
    """Read files as they arrive in a folder, until Ctrl-C.

    A chunk that is being read is finished first.
    """
    return watch(given, through_prefect=True)


def watch(given: options.ReadingOptions, *, through_prefect: bool) -> int:
    """Watch a folder as the options of the command say, and report at the end.

    Parameters
    ----------
    given : ReadingOptions
    through_prefect : bool
        Read through Prefect unless options or settings say otherwise.

    Returns
    -------
    int
        Exit status.
    """
    job = make_job(given.settings(prefect=through_prefect), given.folder)
    total = Summary()
    console.show_each_file()
    with _stopping() as (stop, signals), notices(job.settings.on_done) as settled:
        log.info("watching %s; Ctrl-C ends it", job.folder)
        for offer in offers(job, stop):
            hooks = Hooks(
                is_ready=offer.files.__contains__,
                patience=job.settings.patience,
                stop=stop,
                settled=settled,
            )
            try:
                total = _sum(total, process(job, hooks, verbose=given.verbose))
                offer.taken.set()
            except (BusyError, PrefectError) as error:
                log.warning("%s; trying again", error.message)
            except KeyboardInterrupt:
                if not stop.is_set():
                    raise
    given.console.report(total, job.settings)
    return errors.ExitStatus.INTERRUPTED if signal.SIGINT in signals else total.exit_status


@dataclass(frozen=True, slots=True)
class Offer:
    """Files that can be read; whoever has read them sets `taken`."""

    files: frozenset[FoundFile]
    taken: threading.Event = field(default_factory=threading.Event)


def offers(job: Job, stop: threading.Event) -> Iterator[Offer]:
    """Offer the files of a folder that can be read, those present at the start included, until `stop` is set.

    Events of the file system only shorten the wait. Network shares lose events or send none, so the folder is scanned
    in full every few seconds as well. A file that still lies in the inbox after it was read (it may be arriving, or
    could not be opened) is offered again after each full scan; in a folder that is not emptied, only a file that has
    changed is.

    Parameters
    ----------
    job : Job
    stop : Event

    Yields
    ------
    Offer
    """
    s = job.settings
    heartbeat = Heartbeat(s.state, job.folder)
    changed = threading.Event()
    threading.Thread(target=_follow, args=(job, stop, changed), daemon=True).start()
    stability = Stability(s.settle)
    last = Offer(frozenset())
    told = due = time.monotonic()
    while not stop.is_set():
        changed.clear()
        found = _scan(job)
        heartbeat.beat()
        if time.monotonic() >= told + s.rescan:
            told = time.monotonic()
            _write_metrics(s)
        ready = frozenset(stability.look(found, time.monotonic()))
        is_due = time.monotonic() >= due and (job.is_inbox or not last.taken.is_set())
        if ready - last.files or (ready and is_due):
            last = Offer(ready)
            yield last
            due = time.monotonic() + s.rescan
        is_waiting = len(ready) < len(found)
        _wait(stop, changed, _TICK_S if is_waiting else s.rescan)
    heartbeat.end()
    _write_metrics(s)


def _write_metrics(settings: Settings) -> None:
    if settings.metrics_file is None:
        return
    try:
        with Ledger(settings.ledger, read_only=True) as ledger:
            write_metrics(settings, ledger)
    except DigitocrError as error:
        log.warning("%s", error)


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
                debounce=_DEBOUNCE_MS,
                watch_filter=lambda _, path: not is_litter(Path(path).name),  # our own card among it
            ):
                changed.set()
        except (OSError, RuntimeError) as error:  # a share that went away, or the system's limit of watches
            log.debug("no events of %s: %s", job.folder, error)
            stop.wait(s.rescan)


def _scan(job: Job) -> list[FoundFile]:
    try:
        return scan(job.folder, own=job.settings.own_folders, is_inbox=job.is_inbox)[0]
    except FileAccessError as error:  # a share that is away for a while
        log.warning("%s", error)
        return []


def _wait(stop: threading.Event, changed: threading.Event, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not stop.is_set() and not changed.is_set() and time.monotonic() < deadline:
        stop.wait(min(0.2, seconds))


@contextmanager
def _stopping() -> Iterator[tuple[threading.Event, list[int]]]:
    """Turn SIGTERM and Ctrl-C into an event; yield it with the list of signals that came."""
    stop, came = threading.Event(), list[int]()

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)
        stop.set()

    before = signal.signal(signal.SIGTERM, note)
    try:
        with announced(lambda: note(signal.SIGINT, None)):
            yield stop, came
    finally:
        signal.signal(signal.SIGTERM, before)


def _sum(one: Summary, other: Summary) -> Summary:
    return Summary(**{name: value + asdict(other)[name] for name, value in asdict(one).items()})


if __name__ == "__main__":
    app()
