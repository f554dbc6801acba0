"""Workers read chunks: several processes at once, or this process alone.

Each worker is an executor with one process of its own, so that the end of a process costs the chunk that it was
reading, and no other. Workers know nothing of ledger and tables.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from logging.handlers import QueueHandler
from pathlib import Path
from typing import Protocol, Self

from digitocr.errors import WorkerError
from digitocr.inbox.reading import Read
from digitocr.records import Reading, Source

RENEWED_AFTER_PAGES = 10_000
"""A process is replaced after this many pages or crops, so that what libraries leak does not add up. Of crops, which
take some 20 ms each, fewer would cost a noticeable share of the time."""

_STARTS = 3
"""Starts of a process that ends before it has read anything, after which the run ends."""

_Notes = list[logging.LogRecord]
_NotingRead = Callable[[Sequence[Source]], tuple[list[Reading], _Notes]]
"""Reads like `Read`; what it logs on the way comes back with the readings."""


class Worker:
    """Reads one chunk at a time; a worker whose process ended gets a new one with the next chunk.

    Parameters
    ----------
    read : callable
    start : callable
        Returns an executor of one process or thread.
    told : set of str
        Messages of workers that were logged; shared with the other workers.
    is_apart : bool
        It is another process, whose end is not that of this one.
    """

    def __init__(
        self, read: _NotingRead, start: Callable[[], Executor], told: set[str], *, is_apart: bool
    ) -> None:
        self.is_apart = is_apart
        self._read = read
        self._start = start
        self._told = told
        self._executor: Executor | None = None
        self._pages = 0

    def prepare(self) -> None:
        """Start it and load the model, unless that is done.

        Raises
        ------
        WorkerError
            If its process ends meanwhile, several times in turn.
        DigitocrError
            If the model cannot be used.
        """
        if self._executor is not None:
            return
        for _ in range(_STARTS):
            self._executor, self._pages = self._start(), 0
            try:
                if self.read(()) is not None:
                    return
            except BaseException:
                self.end()
                raise
        raise WorkerError("processes that are to read files end before they have read any")

    def read(self, sources: Sequence[Source]) -> list[Reading] | None:
        """Read files; it must be prepared.

        Parameters
        ----------
        sources : sequence of Source

        Returns
        -------
        list of Reading or None
            One per source, in order; None if the process ended meanwhile.

        Raises
        ------
        DigitocrError
            If reading cannot go on at all.
        """
        try:
            readings = self._readings(sources)
        except BrokenExecutor:
            self.end()
            return None
        self._pages += sum(max(1, len(reading.result.pages)) for reading in readings)
        if self._pages >= RENEWED_AFTER_PAGES:
            self.end()
        return readings

    def end(self) -> None:
        """End its process or thread; it starts again when it is prepared."""
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = None

    def _readings(self, sources: Sequence[Source]) -> list[Reading]:
        assert self._executor is not None
        with _signals_held_back():  # a process starts with the first task
            future: Future[tuple[list[Reading], _Notes]] = self._executor.submit(self._read, sources)
        readings, notes = future.result()
        tell(notes, self._told)
        return readings


def tell(notes: Iterable[logging.LogRecord], told: set[str]) -> None:
    """Log what processes logged, but each text once: all of them say the same of the model that each loads.

    Parameters
    ----------
    notes : iterable of LogRecord
    told : set of str
        The texts that were logged before; these are added.
    """
    for note in notes:
        logger, text = logging.getLogger(note.name), note.getMessage()
        if text not in told and logger.isEnabledFor(note.levelno):
            told.add(text)
            logger.handle(note)


class Pool(Protocol):
    """What a run reads with: the processes of this machine, or a cluster."""

    @property
    def window(self) -> int:
        """Most chunks at once, those that are recorded or claimed meanwhile included."""

    def prepare(self) -> None:
        """Have one worker prepared, if that takes a while."""

    def taken(self) -> AbstractContextManager[Takes]:
        """Wait until a chunk can be read; what reads it is the caller's until the end of the `with` block."""


class Takes(Protocol):
    """Reads one chunk at a time."""

    @property
    def is_apart(self) -> bool:
        """Whether another process reads, whose end is not that of this one."""

    def prepare(self) -> None:
        """Have it ready to read."""

    def read(self, sources: Sequence[Source]) -> list[Reading] | None:
        """Return one reading per source, in order; None if the process that read them ended meanwhile."""


class Workers:
    """What a run reads with; processes start as they are needed and end with the `with` block.

    Parameters
    ----------
    read : callable
        If there are several workers, it can be pickled.
    count : int
        How many chunks are read at once; 1 reads in a thread of this process.
    """

    def __init__(self, read: Read, count: int) -> None:
        told: set[str] = set()
        if count == 1:
            self._all = [Worker(partial(_read_here, read), _thread, told, is_apart=False)]
        else:
            start = partial(Worker, partial(read_and_note, read), _process, told, is_apart=True)
            self._all = [start() for _ in range(count)]
        # the last to come back is the first to go: a short run starts few processes
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        for worker in self._all:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._all:
            worker.end()

    @property
    def window(self) -> int:
        """Most chunks at once: for each worker one that it reads, and one that is recorded or claimed meanwhile."""
        return 2 * len(self._all)

    @contextmanager
    def taken(self) -> Iterator[Worker]:
        """Wait for an idle worker; it is the caller's until the end of the `with` block.

        Yields
        ------
        Worker
        """
        worker = self._idle.get()
        try:
            yield worker
        finally:
            self._idle.put(worker)

    def prepare(self) -> None:
        """Have one worker prepared, which takes a while.

        Raises
        ------
        WorkerError
            If its process ends meanwhile.
        DigitocrError
            If the model cannot be used.
        """
        with self.taken() as worker:
            worker.prepare()


def _thread() -> Executor:
    return ThreadPoolExecutor(1, "reading")


def _process() -> Executor:
    # started anew, not forked: this process has threads
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (Path.cwd(),))


def _begin(folder: Path) -> None:
    """Begin a process that reads, in the folder at which relative paths start."""
    os.chdir(folder)
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the runner ends, however that ends: no one would take its readings."""
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Have processes that start meanwhile never receive Ctrl-C or SIGTERM: the runner ends them after their chunk."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _read_here(read: Read, sources: Sequence[Source]) -> tuple[list[Reading], _Notes]:
    return read(sources), []


def read_and_note(read: Read, sources: Sequence[Source]) -> tuple[list[Reading], _Notes]:
    """Read in a process of its own, where no one sees what is logged.

    Parameters
    ----------
    read : callable
    sources : sequence of Source

    Returns
    -------
    readings : list of Reading
    notes : list of LogRecord
        What was logged, to be told by the runner.
    """
    notes: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler, logger = QueueHandler(notes), logging.getLogger("digitocr")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        readings = read(sources)
    finally:
        logger.removeHandler(handler)
    return readings, [notes.get() for _ in range(notes.qsize())]
