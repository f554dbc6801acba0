"""A run over a folder: claim, read, write, record, move; the same with Prefect or without.

Every step can be repeated after a kill at any point: tables are written whole, the ledger records them once they
are there, and a file is moved last.

The runner alone claims files, writes tables and the ledger, and moves files. Reading a chunk
(:func:`digitocr.inbox.reading.read_chunk`) needs none of these.
"""

from __future__ import annotations

import ctypes
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Protocol

from digitocr import atomic
from digitocr.errors import DigitocrError, FileAccessError, WorkerError
from digitocr.forms.template_file import load_folder
from digitocr.inbox import events, lock, names, scan
from digitocr.inbox.held import Chunk, Held
from digitocr.inbox.job import Hooks, Job, Summary, Tally
from digitocr.inbox.metrics import write_metrics
from digitocr.inbox.plan import (
    ATTEMPTS,
    Action,
    Decision,
    Facts,
    chunk_size,
    chunked,
    decide,
    plan,
    useful_workers,
)
from digitocr.inbox.publisher import Publisher
from digitocr.inbox.scan import FoundFile
from digitocr.inbox.settle import Claimed, Postponed, failure, postponed, put_in_place, write_results
from digitocr.inbox.survey import find_files, look
from digitocr.inbox.workers import Pool, Takes
from digitocr.records import FileStatus, Reading, Source
from digitocr.results import kept, picture_file, publish, tables
from digitocr.results.publish import Shelf
from digitocr.store.ledger import Claim, Known, Ledger, Outcome, now
from digitocr.store.spool import Spool

log = logging.getLogger(__name__)

_CRASHED = f"reading it ended the process {ATTEMPTS} times"

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""Bytes of a large block, and the most heaps, in glibc's malloc.h."""

_WRITERS = 8
"""Files of a chunk that are written at once: each waits for the disk, which takes them together."""


class Pending(Protocol):
    """A future."""

    def result(self) -> object:
        """Wait for the end; raises what went wrong."""


class Runner:
    """One run over a folder.

    Parameters
    ----------
    job : Job
    shelf : Shelf
    ledger : Ledger
    files : Spool of FoundFile
        The files to settle.
    hooks : Hooks
    writers : Executor
        Threads that write and move the files of a chunk side by side.

    Attributes
    ----------
    workers : int
        How many workers of this machine shorten the run.
    """

    def __init__(
        self,
        job: Job,
        shelf: Shelf,
        ledger: Ledger,
        files: Spool[FoundFile],
        hooks: Hooks,
        writers: Executor,
    ) -> None:
        self._job = job
        self._shelf = shelf
        self._ledger = ledger
        self._files = files
        self._hooks = hooks
        self._is_away = partial(scan.is_away, job.folder, scan.identity(job.folder))
        self._writers = writers
        asked, max_bytes = job.settings.workers, job.settings.max_bytes
        useful = useful_workers(files, asked, max_bytes) if isinstance(asked, int) else 1
        fitting = job.settings.fitting_workers
        if fitting < useful:
            log.warning("%d workers do not fit into max_memory; reading with %d", useful, fitting)
        self.workers = min(useful, fitting)
        self._run = 0
        self._started_at = now()
        self._held = Held()
        self._claimed, self._awaiting, self._contents = Spool[None](), Spool[FoundFile](), Spool[None]()
        self._tally = Tally()
        self._publisher = Publisher(shelf, ledger)

    def needs_reading(self) -> bool:
        """Tell whether any file must be read, which takes the networks; nothing is written."""
        return any(
            d.action in (Action.READ, Action.AWAIT_TWIN) for d in plan(self._job, self._facts(), set())
        )

    def chunks(self, window: int = 1) -> Iterator[Chunk]:
        """Claim what is to be read in so many chunks at once; settle on the way what need not be read."""
        self._progress(0)
        size = chunk_size(len(self._files), self._job.settings.chunk, max(1, window // 2))
        for decisions in chunked(plan(self._job, self._facts(), self._contents), size):
            if self._hooks.stop.is_set():
                return
            yield from self._begin(decisions)

    def twins(self) -> Iterator[Chunk]:
        """Take up files whose content was being read under another name; for when all chunks are done."""
        for found in self._awaiting:
            # if its twin failed, it is read after all, and fails under its own name
            yield from self._begin([decide(self._job, self._look(found))])

    def suspects(self) -> Iterator[Chunk]:
        """Yield, each by itself, files that may end the program; for when no other is being read."""
        # those that are left when the run is stopped stay claimed, so that the next run knows them
        while not self._hooks.stop.is_set() and (identity := self._held.take_up()) is not None:
            yield (identity,)

    def work(self, chunk: Chunk, workers: Pool) -> None:
        """Read the files of a chunk and record what was read; from any thread.

        Parameters
        ----------
        chunk : Chunk
        workers : Pool

        Raises
        ------
        DigitocrError
            If the run cannot go on; no further chunk is begun then.
        """
        try:
            with workers.taken() as worker:
                if self._hooks.stop.is_set():
                    self._ledger.claims.release(chunk)
                    return
                worker.prepare()
                readings = self._read(chunk, worker)
            if readings is None:
                self._suspect(chunk)
            else:
                self._record(chunk, readings)
        except DigitocrError:
            self._hooks.stop.set()
            raise

    def _begin_attempt(self, chunk: Chunk, *, is_apart: bool) -> None:
        self._ledger.claims.begin(chunk, is_apart=is_apart)
        self._held.count_attempt(chunk)

    def _read(self, chunk: Chunk, worker: Takes) -> list[Reading] | None:
        self._begin_attempt(chunk, is_apart=worker.is_apart)
        files = self._held.of(chunk)
        try:
            return worker.read([Source(one.found.path, one.known.file, one.known.sha256) for one in files])
        except WorkerError:  # to try files on a cluster that went away was no attempt
            self._ledger.claims.withdraw(chunk)
            raise

    def _suspect(self, chunk: Chunk) -> None:
        """Have the files of a chunk that ended its worker read one by one; give up the one that did so too often."""
        self._ledger.claims.note_ended(chunk)
        if len(chunk) == 1 and self._held.of(chunk)[0].known.attempts >= ATTEMPTS:
            self._give_up(chunk, "crashed", _CRASHED)
            return
        log.warning("a process ended while it read %d files; each is read again by itself", len(chunk))
        self._held.put_off(chunk)

    def _record(self, chunk: Chunk, readings: Sequence[Reading]) -> None:
        """Write tables, tell the ledger and move the files of a chunk that was read; from any thread."""
        standing: list[tuple[Claimed, Reading]] = []
        with publish.writing(self._shelf):
            for claimed, reading in zip(self._held.of(chunk), readings, strict=True):
                why = self._postponed(claimed, reading)
                if why is None:
                    standing.append((claimed, reading))
                else:
                    self._postpone(claimed, why)
            write = partial(write_results, self._job, self._shelf, self._ledger)
            known = [claimed.known for claimed, _ in standing]
            outcomes = list(self._writers.map(write, known, [reading for _, reading in standing]))
            self._ledger.finish(self._shelf.job, [(k.id, o) for k, o in zip(known, outcomes, strict=True)])
        picture_file.discard(readings)
        self._held.drop(chunk)
        for _ in self._writers.map(self._settled, [claimed for claimed, _ in standing], outcomes):
            pass
        self._progress(len(chunk))
        self._publisher.publish_sometimes(self._held.first)

    def stop(self) -> None:
        """Begin no further chunk."""
        self._hooks.stop.set()

    def finish(self) -> Summary:
        """Bring the tables over all files up to date and sum the run up."""
        self._publisher.publish_changes()
        summary = self._tally.summary()
        if self._run:
            self._ledger.end_run(self._run, summary.as_dict())
        write_metrics(self._job.settings, self._ledger)
        return summary

    def worst(self, count: int = 50) -> list[Known]:
        """Return the files of this run that most need a person: failed, then with most for review."""
        return self._ledger.worst(self._shelf.job, self._started_at, count)

    def _progress(self, count: int) -> None:
        self._hooks.progress(count, len(self._files))

    def _facts(self) -> Iterator[Facts]:
        for found in self._files:
            if self._hooks.stop.is_set():
                return
            yield self._look(found)

    def _look(self, found: FoundFile) -> Facts:
        return look(self._job, self._shelf, self._ledger, found, self._claimed)

    def _begin(self, decisions: Sequence[Decision]) -> Iterator[Chunk]:
        """Claim files that are read together, or settle one that is not read."""
        decision = decisions[0]
        facts, known = decision.facts, decision.known
        match decision.action:
            case Action.READ if decision.was_interrupted:
                self._held.put_off(self._claim(decisions))
            case Action.READ:
                yield self._claim(decisions)
            case Action.AWAIT_TWIN:
                self._awaiting.add(scan.turn(facts.found, is_inbox=self._job.is_inbox), facts.found)
            case Action.UNREADABLE if self._is_away():
                log.warning("%s: %s; left for the next run", facts.found.source, Postponed.AWAY)
            case Action.UNREADABLE if facts.trouble is not None:
                chunk = self._claim(decisions)
                # it may be there for the next run: to try was an attempt
                self._begin_attempt(chunk, is_apart=False)
                self._give_up(chunk, facts.trouble.code, str(facts.trouble))
            case Action.CRASHED:
                self._give_up(self._claim(decisions), "crashed", _CRASHED)
            case Action.DUPLICATE:
                outcome = Outcome(FileStatus.DUPLICATE.value, error=f"{tables.DUPLICATE}{decision.twin}")
                self._settle_unread(self._claim(decisions), outcome)
            case Action.UNCHANGED if known is not None:
                self._pass_over(facts, known)

    def _claim(self, decisions: Sequence[Decision]) -> Chunk:
        if not self._run:
            self._run = self._ledger.begin_run(self._shelf.job, self._job.folder)
            if self._job.settings.templates is not None:
                publish.keep_templates(self._shelf, load_folder(self._job.settings.templates))
        claims: list[Claim] = []
        for decision in decisions:
            file = _name_in_tables(decision, self._ledger, self._shelf.job, {claim.file for claim in claims})
            claims.append(decision.claim(file))
        ids = self._ledger.claims.take(self._shelf.job, claims, f"{os.getpid()}@{socket.gethostname()}")
        for identity, decision in zip(ids, decisions, strict=True):
            self._held.add(Claimed(decision.facts.found, self._ledger.file(identity)))
            self._claimed.add(identity)
        return tuple(ids)

    def _pass_over(self, facts: Facts, known: Known) -> None:
        """Settle a file whose last reading stands."""
        found = facts.found
        if (known.size, known.mtime_ns, known.etag) != (found.size, found.mtime_ns, found.etag):
            at = facts.checked_ns
            self._ledger.seen_again(
                known.id, size=found.size, mtime_ns=found.mtime_ns, etag=found.etag, checked_ns=at
            )
        outcome = Outcome(known.status, error_code=known.error_code, error=known.error)
        # a kill may have come before the move, or it could not be moved then
        self._tally.add_unchanged(is_newly_stuck=self._put_in_place(Claimed(found, known), outcome))
        self._progress(1)

    def _give_up(self, chunk: Chunk, code: str, message: str) -> None:
        self._settle_unread(chunk, failure(code, message))

    def _settle_unread(self, chunk: Chunk, outcome: Outcome) -> None:
        (claimed,) = self._held.of(chunk)
        self._held.drop(chunk)
        self._ledger.finish(self._shelf.job, [(claimed.known.id, outcome)])
        self._settled(claimed, outcome)
        self._progress(1)

    def _postponed(self, claimed: Claimed, reading: Reading) -> Postponed | None:
        if reading.result.error_code == FileAccessError.code and self._is_away():
            return Postponed.AWAY
        return postponed(self._job, self._ledger, claimed, reading, self._hooks.patience)

    def _postpone(self, claimed: Claimed, why: Postponed) -> None:
        level = logging.INFO if why is Postponed.ARRIVING else logging.WARNING
        log.log(level, "%s: %s; left for the next run", claimed.found.source, why)
        self._ledger.claims.withdraw([claimed.known.id])

    def _settled(self, claimed: Claimed, outcome: Outcome) -> None:
        is_newly_stuck = self._put_in_place(claimed, outcome)
        settled = events.settled(self._run, claimed.known, outcome)
        settled.tell()
        self._hooks.settled(settled)
        self._tally.add(outcome, is_newly_stuck=is_newly_stuck)

    def _put_in_place(self, claimed: Claimed, outcome: Outcome) -> bool:
        """Move a settled file to its place; if it has to stay, note why, and return whether that is new."""
        why, before = put_in_place(self._job, claimed, outcome), claimed.known.stuck
        if why != before:
            self._ledger.note_stuck(claimed.known.id, why)
        if why and not before:
            log.error("%s: left where it is: %s", claimed.found.source, why)
        return bool(why and not before)


@contextmanager
def open_runner(job: Job, hooks: Hooks | None = None) -> Iterator[Runner]:
    """Become the only runner of the job's state and inbox, and open a run over its folder.

    Parameters
    ----------
    job : Job
    hooks : Hooks, optional

    Yields
    ------
    Runner

    Raises
    ------
    BusyError
        If another process is the runner.
    FileAccessError
        If the folder cannot be listed.
    OutputError
        If a folder cannot be made or the ledger cannot be used; `LedgerError` if it does not know the results.
    """
    s, hooks = job.settings, hooks or Hooks()
    with ExitStack() as stack:
        purpose = f"reading {job.folder}"
        stack.enter_context(lock.only_runner(s.state, s.inbox if job.is_inbox else None, purpose))
        for folder in (s.results, s.review):
            atomic.make_folder(folder)
        stack.enter_context(picture_file.emptied(s.pictures))
        ledger = stack.enter_context(Ledger(s.ledger))
        shelf = Shelf(kept.take_job(ledger, s.results), s.results, s.review, s.state)
        files = find_files(job, shelf, ledger, hooks)
        writers = stack.enter_context(ThreadPoolExecutor(_WRITERS, "writing"))
        runner = Runner(job, shelf, ledger, files, hooks, writers)
        if runner.workers > 1:
            _give_memory_back()
        yield runner


def _give_memory_back() -> None:
    """Have large blocks go back to the system when they are freed, and threads share a heap.

    By default each thread keeps what it held once, so that memory grows with the files. Where this process reads
    itself, large blocks are needed again at once.
    """
    with suppress(OSError, AttributeError, TypeError):  # another library, or another system
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, 1 << 20)
        library.mallopt(_M_ARENA_MAX, 1)


def drain(runner: Runner, submit: Callable[[Chunk], Pending], window: int) -> Summary:
    """Put all that is ready through `submit`, a few chunks at a time, and publish the tables.

    Parameters
    ----------
    runner : Runner
    submit : callable
        Has :meth:`Runner.work` done on a chunk, side by side with others.
    window : int
        Most chunks at once, see :class:`digitocr.inbox.workers.Pool`.

    Returns
    -------
    Summary

    Raises
    ------
    DigitocrError
        If the run cannot go on.
    """
    pending: deque[Pending] = deque()
    try:
        for chunks, most in (
            (partial(runner.chunks, window), window),
            (runner.suspects, 1),
            (runner.twins, window),
            (runner.suspects, 1),
        ):
            for chunk in chunks():
                pending.append(submit(chunk))
                if len(pending) >= most:
                    pending.popleft().result()
            while pending:
                pending.popleft().result()
    except BaseException as error:
        runner.stop()
        _wait_for(pending)
        if not isinstance(error, DigitocrError):  # Ctrl-C: the tables show what was read until then
            runner.finish()
        raise
    return runner.finish()


def _wait_for(pending: Iterable[Pending]) -> None:
    for future in pending:
        try:
            future.result()
        except Exception as error:
            log.debug("%s", error)


def _name_in_tables(decision: Decision, ledger: Ledger, job: int, taken: Set[str]) -> str:
    if decision.known is not None:
        return decision.known.file
    found = decision.facts.found
    content = decision.facts.sha256 or names.stand_in(found.source, found.size, found.mtime_ns)
    name = names.storable(found.source, content)
    return names.free_name(name, content, lambda file: file not in taken and ledger.is_free(job, file))
