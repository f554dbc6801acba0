"""A folder's way through the program: claim, read, write, remember, move; the same with Prefect or without.

Every step can be repeated after a kill at any point: tables are written whole, the ledger is told after they
are there, and a file is moved last.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from digitocr import atomic
from digitocr.errors import DigitocrError, FileAccessError, InputError, NameRefusedError, UsageError
from digitocr.forms.template import dumps, load_folder
from digitocr.inbox import folder as inbox
from digitocr.inbox import maintenance
from digitocr.inbox.folder import Entry
from digitocr.inbox.stability import Still, age
from digitocr.networks.card import read_card, shipped_model
from digitocr.networks.registry import model_in_use
from digitocr.records import READ, FileResult, FileStatus, Page, PageResult, Reading, Shown, Source
from digitocr.results import publish, tables
from digitocr.settings import Settings
from digitocr.store.ledger import Claim, Known, Ledger, Outcome, now

log = logging.getLogger(__name__)
events = logging.getLogger("digitocr.events")
"""One line for each file that is settled; terminals are spared it."""

ATTEMPTS = 3
"""A file is given up when it ended the program, met a fault of it or could not be opened this many times."""

RACY_NS = 2_000_000_000
"""A file changed this shortly before it was hashed may have changed again in the same tick of its clock."""

CHUNK_BYTES = 50_000_000
"""A chunk with more bytes gets no further file: thick PDFs are read by themselves."""

Chunk = tuple[int, ...]
"""Ids of claimed files that are read together."""


class Reads(Protocol):
    """What reads files; :class:`digitocr.pipeline.Reader` does."""

    def read(
        self, sources: Sequence[Source], show: Callable[[Page, PageResult], Shown] | None = None
    ) -> list[Reading]:
        """Read files, their candidates in one batch; a file that fails is a result, never an exception."""


class Pending(Protocol):
    """A future."""

    def result(self) -> object:
        """Wait for the end; raises what went wrong."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is read, with what, and where it goes.

    Attributes
    ----------
    folder : Path
    is_inbox : bool
        The inbox is emptied; any other folder is left as it was.
    model : str
        Name and hash of the model.
    reading : str
        The settings that change results.
    """

    settings: Settings
    folder: Path
    is_inbox: bool
    model: str
    reading: str


def make_job(settings: Settings, folder: Path | None = None) -> Job:
    """Check what a run is asked to do.

    Raises
    ------
    UsageError
        Where the folder is not there or is one that the program writes.
    ModelError
        Where the model cannot be used.
    TemplateError
        Where a template cannot be used.
    """
    folder = folder or settings.inbox
    if not folder.is_dir():
        kind = "is not a folder" if folder.exists() else "is not there"
        hint = (
            "to read single files use python -m digitocr read"
            if folder.exists()
            else "make it and put scans in it"
        )
        raise UsageError(f"{folder} {kind}", hint=hint)
    for name in ("results", "review", "state"):
        if getattr(settings, name).resolve() == folder.resolve():
            raise UsageError(f"{folder} is both what is read and the folder for --{name}")
    card = read_card(model_in_use(settings) or shipped_model())
    threshold = card.threshold if settings.threshold is None else settings.threshold
    return Job(
        settings=settings,
        folder=folder,
        is_inbox=settings.inbox.is_dir() and folder.samefile(settings.inbox),
        model=f"{card.name}@{card.sha256[:12]}",
        reading=f"threshold={threshold:g}{_forms(settings)}",
    )


def _forms(settings: Settings) -> str:
    """Tell the forms that are known from others: a changed template reads otherwise."""
    if settings.templates is None:
        return ""
    digest = hashlib.sha256()
    for template in load_folder(settings.templates):
        digest.update(dumps(template).encode())
        for path in (template.reference, template.features):
            digest.update(path.read_bytes() if path else b"")
    return f";templates={digest.hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended; the keys of ``--json``. Numbers, digits and review are those of the files it read."""

    files: int = 0
    done: int = 0
    empty: int = 0
    partial: int = 0
    failed: int = 0
    duplicates: int = 0
    unchanged: int = 0
    numbers: int = 0
    digits: int = 0
    review: int = 0
    seconds: float = 0.0

    @property
    def exit_status(self) -> int:
        """0 everything read, 1 some files failed or only in part read."""
        return 1 if self.failed or self.partial else 0

    def as_dict(self) -> dict[str, int | float]:
        """Return the keys of ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Hooks:
    """How the one who started a run takes part in it.

    Attributes
    ----------
    progress : callable
        Told how many more files were settled, and of how many, from any thread.
    is_ready : callable or None
        Whether a file may be taken now; None asks whether it has been still for a while.
    patience : float
        A file that cannot be decoded and is not that many seconds old is left for the next run: it may not have
        arrived whole.
    stop : Event
        Once set, no further chunk is begun.
    """

    progress: Callable[[int, int], None] = lambda count, total: None
    is_ready: Callable[[Entry], bool] | None = None
    patience: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class _Decision:
    """What is to be done with a file of the folder.

    Attributes
    ----------
    what : str
        ``unchanged``, ``read``, ``duplicate`` or ``unreadable``.
    twin : Known or None
        The file with the same content, for a duplicate.
    """

    what: str
    claim: Claim
    known: Known | None = None
    twin: Known | None = None
    why: str = ""


class Batch:
    """One run over a folder.

    Parameters
    ----------
    job : Job
    ledger : Ledger
    reader : callable
        Returns what reads; called when the first chunk is to be read.
    hooks : Hooks, optional
    dry : bool
        Only :meth:`plan` will be asked for; nothing is written.
    """

    def __init__(
        self,
        job: Job,
        ledger: Ledger,
        reader: Callable[[], Reads],
        hooks: Hooks | None = None,
        *,
        dry: bool = False,
    ) -> None:
        hooks = hooks or Hooks()
        s = job.settings
        number = (ledger.find_job(s.results) or 0) if dry else ledger.job(s.results)
        self._job = job
        self._ledger = ledger
        self._reader = reader
        self._told = hooks.progress
        self._shelf = publish.Shelf(number, s.results, s.review, s.state)
        self._holder = f"{os.getpid()}@{socket.gethostname()}"
        self._claims: dict[int, tuple[Entry, Known]] = {}
        self._counts: Counter[str] = Counter()
        self._guard = threading.RLock()
        self._stop = hooks.stop
        self._started_at = now()
        self._started = time.perf_counter()
        self._published = time.monotonic()
        self._publishing_cost = 0.0
        self._patience = hooks.patience
        self._run = 0
        found, left = inbox.scan(job.folder, own=s.own_folders, is_inbox=job.is_inbox)
        is_ready = hooks.is_ready or Still(0 if dry else s.settle)
        self._entries = [entry for entry in found if is_ready(entry)]
        if len(self._entries) < len(found) and hooks.is_ready is None:
            log.info(
                "%d files are still being written; left for the next run", len(found) - len(self._entries)
            )
        for path in left:
            log.warning("%s: a link that leads out of the folder is not followed", inbox.printable(str(path)))
        self._entries += self._put_away_before()
        self._read_again: set[int] = set()
        self._deferred: list[Entry] = []

    def needs_reading(self) -> bool:
        """Tell whether any file must be read, which takes the networks; nothing is written."""
        return any(decision.what == "read" for _, decision in self._decided())

    def plan(self) -> Iterator[tuple[str, str]]:
        """Yield what would be done with each file, and its name."""
        reading: set[str] = set()
        for entry, decision in self._decided():
            is_twin = decision.what == "read" and decision.claim.sha256 in reading
            what = "duplicate" if is_twin else decision.what
            reading.add(decision.claim.sha256)
            self._counts["files"] += 1
            if what != "read":
                self._counts[{"duplicate": "duplicates", "unreadable": "failed"}.get(what, what)] += 1
            yield what, entry.source

    def chunks(self) -> Iterator[Chunk]:
        """Claim what is to be read, chunk by chunk, and settle on the way what need not be read."""
        self._progress(0)
        size = self._chunk_size()
        waiting: list[tuple[Entry, _Decision]] = []
        reading: set[str] = set()
        for entry, decision in self._decided():
            if self._stop.is_set():
                return
            if decision.what == "read" and decision.claim.sha256 in reading:
                self._deferred.append(entry)
            elif decision.what == "read":
                reading.add(decision.claim.sha256)
                crashed = decision.known is not None and bool(decision.known.holder)
                if crashed and decision.known is not None and decision.known.attempts >= ATTEMPTS:
                    self._give_up(
                        entry, decision, "crashed", f"reading it ended the program {ATTEMPTS} times"
                    )
                elif crashed:  # alone, so that it takes no other file with it
                    yield self._claim([(entry, decision)])
                else:
                    waiting.append((entry, decision))
                    if len(waiting) == size or sum(e.size for e, _ in waiting) > CHUNK_BYTES:
                        yield self._claim(waiting)
                        waiting = []
            else:
                self._settle(entry, decision)
        if waiting:
            yield self._claim(waiting)

    def twins(self) -> Iterator[Chunk]:
        """Settle files whose content was being read under another name; for when all chunks are done."""
        for entry in self._deferred:
            decision = self._decide(entry)
            if decision.what == "read":  # the twin failed, and so will this one, under its own name
                yield self._claim([(entry, decision)])
            else:
                self._settle(entry, decision)

    def work(self, chunk: Chunk) -> None:
        """Read the files of a chunk, write their tables, tell the ledger, move them; from any thread."""
        if self._stop.is_set():
            self._ledger.release(chunk)
            return
        with self._guard:
            claims = [self._claims[identity] for identity in chunk]
        try:
            readings = self._read([Source(entry.path, known.file) for entry, known in claims])
            settled = self._write(claims, readings)
        except DigitocrError:
            self._stop.set()
            raise
        for entry, known, outcome in settled:
            self._move(entry, known, outcome)
            self._count(known, outcome)
        self._progress(len(chunk))
        self._publish_sometimes()

    def stop(self) -> None:
        """Begin no further chunk."""
        self._stop.set()

    def finish(self) -> Summary:
        """Bring the tables over all files up to date and sum the run up."""
        with publish.writing(self._shelf):
            stale = publish.refresh(self._shelf, self._ledger)
            if stale or not self._ledger.is_published(self._shelf.job) or not self._has_tables():
                publish.publish(self._shelf, self._ledger)
        summary = self.summary()
        if self._run:
            self._ledger.end_run(self._run, summary.as_dict())
        self._tell_metrics()
        return summary

    def _tell_metrics(self) -> None:
        settings = self._job.settings
        if settings.metrics_file is None:
            return
        try:
            maintenance.write_metrics(settings.metrics_file, settings, self._ledger)
        except DigitocrError as error:
            log.warning("%s", error)

    def _progress(self, count: int) -> None:
        self._told(count, len(self._entries))

    def summary(self) -> Summary:
        """Sum up what was done so far."""
        return Summary(**self._counts, seconds=round(time.perf_counter() - self._started, 3))

    def worst(self, count: int = 50) -> list[Known]:
        """Return the files of this run that most need a person: failed, then with most for review."""
        return self._ledger.worst(self._shelf.job, self._started_at, count)

    # what is to be done

    def _put_away_before(self) -> list[Entry]:
        """Return files that were taken out of the inbox and are to be read again; they are read where they lie."""
        job, s = self._job, self._job.settings
        if not (job.is_inbox and s.reprocess):
            return []
        entries = []
        for known in self._ledger.known(self._shelf.job):
            failed = known.status == FileStatus.FAILED
            changed = known.status in READ and not self._was_read_so(known)
            if s.reprocess == "all" or (failed if s.reprocess == "failed" else changed):
                path = (s.failed if failed else s.archive) / known.file
                if path.is_file():
                    entries.append(inbox.look_again(Entry(path, known.source, 0, 0)))
                elif not any(entry.source == known.source for entry in self._entries):
                    log.warning("%s: not in %s any more; kept as it was read", known.file, path.parent)
        return entries

    def _was_read_so(self, known: Known) -> bool:
        return (known.model, known.settings) == (self._job.model, self._job.reading)

    def _decided(self) -> Iterator[tuple[Entry, _Decision]]:
        for entry in self._entries:
            yield entry, self._decide(entry)

    def _decide(self, entry: Entry) -> _Decision:
        with self._guard:
            # what is moved away must be what the ledger knows: size and time are no proof
            trusted = None if self._job.is_inbox else self._known_by_time(entry)
        checked_ns = trusted.checked_ns if trusted else time.time_ns()
        sha256, why = "", "cannot be looked at: a link that leads nowhere, or no permission"
        try:
            if entry.mtime_ns >= 0:
                sha256 = trusted.sha256 if trusted else inbox.digest(entry.path)
        except FileAccessError as error:
            why = str(error)
        with self._guard:
            known = self._known_by_content(entry, sha256)
            identity, file = (known.id, known.file) if known else (None, "")
            claim = Claim(identity, entry.source, file, sha256, entry.size, entry.mtime_ns, checked_ns)
            if not sha256:
                return _Decision("unreadable", claim, known, why=why)
            if known is not None and self._is_current(known):
                return _Decision("unchanged", claim, known)
            twin = self._twin(entry, sha256)
            if twin is not None:
                return _Decision("duplicate", claim, known, twin)
            return _Decision("read", claim, known)

    def _known_by_time(self, entry: Entry) -> Known | None:
        """Find the file by path, size and time alone, where these can be trusted."""
        for known in self._ledger.of_source(self._shelf.job, entry.source):
            same = (known.size, known.mtime_ns) == (entry.size, entry.mtime_ns)
            if same and known.sha256 and known.mtime_ns + RACY_NS < known.checked_ns:
                return known
        return None

    def _known_by_content(self, entry: Entry, sha256: str) -> Known | None:
        """Find the file by path and content; one that could never be opened is known by its path."""
        there = self._ledger.of_source(self._shelf.job, entry.source)
        return next((k for wanted in (sha256, "") for k in there if k.sha256 == wanted), None)

    def _twin(self, entry: Entry, sha256: str) -> Known | None:
        """Find a file with the same content under another name whose reading stands."""
        same = (k for k in self._ledger.of_content(self._shelf.job, sha256) if k.source != entry.source)
        return next((k for k in same if k.status in READ and self._is_current(k)), None)

    def _is_current(self, known: Known) -> bool:
        """Tell whether a file was read with this model and these settings, and its tables are there."""
        if self._job.settings.reprocess == "all" and known.id not in self._read_again:
            return False
        if known.status == FileStatus.DUPLICATE:
            twins = self._ledger.of_content(self._shelf.job, known.sha256)
            return any(k.status in READ and self._is_current(k) for k in twins)
        if known.status == FileStatus.FAILED:
            lasts = known.error_code not in publish.MAY_PASS
            gave_up = known.error_code == publish.FAULT and known.attempts >= ATTEMPTS
            return (lasts or gave_up) and self._job.settings.reprocess != "failed"
        if known.status not in READ or not self._was_read_so(known):
            return False
        return all(path.is_file() for path in tables.table_paths(self._shelf.results, known.file))

    def _chunk_size(self) -> int:
        """No more than asked for, and few enough that every worker gets some."""
        s = self._job.settings
        return max(1, min(s.chunk, -(-len(self._entries) // s.jobs)))

    # doing it

    def _claim(self, wanted: Sequence[tuple[Entry, _Decision]]) -> Chunk:
        with self._guard:
            if not self._run:
                self._run = self._ledger.begin_run(self._shelf.job, self._job.folder.resolve())
                if self._job.settings.templates is not None:
                    publish.keep_templates(self._shelf, load_folder(self._job.settings.templates))
            taken: set[str] = set()
            claims = []
            for _, decision in wanted:
                claim = decision.claim
                if claim.id is None:
                    content = claim.sha256 or "0" * 64
                    name = inbox.storable(claim.source, content)
                    file = inbox.free_name(name, content, partial(self._is_free, taken))
                    taken.add(file)
                    claim = replace(claim, file=file)
                claims.append(claim)
            ids = self._ledger.claim(self._shelf.job, claims, self._holder)
            for identity, (entry, _) in zip(ids, wanted, strict=True):
                self._claims[identity] = (entry, self._ledger.file(identity))
                self._read_again.add(identity)
            return tuple(ids)

    def _is_free(self, taken: set[str], file: str) -> bool:
        return file not in taken and self._ledger.is_free(self._shelf.job, file)

    def _settle(self, entry: Entry, decision: _Decision) -> None:
        """Finish a file that is not read."""
        known = decision.known
        if decision.what == "unreadable":
            self._give_up(entry, decision, FileAccessError.code, decision.why)
        elif decision.what == "duplicate" and decision.twin is not None:
            outcome = Outcome(FileStatus.DUPLICATE.value, error=f"of:{decision.twin.file}")
            self._finish_unread(entry, decision, outcome)
        elif known is not None:
            if (known.size, known.mtime_ns) != (entry.size, entry.mtime_ns):
                c = decision.claim
                self._ledger.seen_again(known.id, size=c.size, mtime_ns=c.mtime_ns, checked_ns=c.checked_ns)
            outcome = Outcome(known.status, error_code=known.error_code, error=known.error)
            self._move(entry, known, outcome)  # a kill may have come before the move
            with self._guard:
                self._counts.update(files=1, unchanged=1)
            self._progress(1)

    def _give_up(self, entry: Entry, decision: _Decision, code: str, why: str) -> None:
        log.error("%s: %s", entry.source, why)
        outcome = Outcome(
            FileStatus.FAILED.value, error_code=code, error=why, may_pass=code in publish.MAY_PASS
        )
        self._finish_unread(entry, decision, outcome)

    def _finish_unread(self, entry: Entry, decision: _Decision, outcome: Outcome) -> None:
        (identity,) = self._claim([(entry, decision)])
        known = self._claims.pop(identity)[1]
        self._ledger.finish(self._shelf.job, [(identity, outcome)])
        self._move(entry, known, outcome)
        self._count(known, outcome)
        self._progress(1)

    def _read(self, sources: list[Source]) -> list[Reading]:
        """Read files; where reading them together raises, each alone, so that one bad file is one failure."""
        from digitocr.results import pictures  # OpenCV is not needed where nothing is read

        reader = self._reader()
        try:
            return reader.read(sources, partial(pictures.show, annotated=self._job.settings.annotate))
        except DigitocrError:
            raise
        except Exception as error:  # a fault of ours or of a library, met by one file among many
            if len(sources) > 1:
                return [reading for source in sources for reading in self._read([source])]
            log.debug("%s", sources[0].file, exc_info=True)
            why = f"the program failed on it: {type(error).__name__}: {error}"
            failed = FileResult(
                sources[0].file, "", status=FileStatus.FAILED, error=why, error_code=publish.FAULT
            )
            return [Reading(failed)]

    def _write(
        self, claims: list[tuple[Entry, Known]], readings: list[Reading]
    ) -> list[tuple[Entry, Known, Outcome]]:
        settled = []
        with publish.writing(self._shelf):
            for (entry, known), reading in zip(claims, readings, strict=True):
                if self._changed(entry, known, reading):
                    log.warning("%s: changed while it was read; left for the next run", entry.source)
                    self._ledger.release([known.id])
                elif self._may_be_arriving(entry, reading):
                    log.info("%s: cannot be decoded yet; left for the next run", entry.source)
                    self._ledger.release([known.id])
                else:
                    settled.append((entry, known, self._write_one(known, reading)))
            self._ledger.finish(self._shelf.job, [(known.id, outcome) for _, known, outcome in settled])
        with self._guard:
            for _, known in claims:
                self._claims.pop(known.id)
        return settled

    def _changed(self, entry: Entry, known: Known, reading: Reading) -> bool:
        if reading.result.sha256 not in ("", known.sha256):
            return True
        seen = inbox.look_again(entry)
        return seen.mtime_ns >= 0 and (seen.size, seen.mtime_ns) != (entry.size, entry.mtime_ns)

    def _may_be_arriving(self, entry: Entry, reading: Reading) -> bool:
        """Tell whether a file that cannot be decoded is so new that its rest may still come."""
        failed = reading.result.status in (FileStatus.FAILED, FileStatus.PARTIAL)
        return failed and self._job.is_inbox and age(entry) < self._patience

    def _write_one(self, known: Known, reading: Reading) -> Outcome:
        job, ledger, shelf = self._job, self._ledger, self._shelf
        result = replace(reading.result, sha256=known.sha256)
        if result.status is FileStatus.FAILED:
            log.error("%s: %s", known.source, result.error)
        if known.status in READ and (known.model, known.settings) != (job.model, job.reading):
            tables.keep_old_tables(shelf.results, known.file, known.processed_at.replace(":", ""))
        try:
            outcome, items = publish.write_reading(shelf, ledger, known, result)
        except NameRefusedError as error:
            log.error("%s: %s", known.source, error)
            return Outcome(FileStatus.FAILED.value, error_code=error.code, error=str(error))
        if result.status in READ:
            from digitocr.results import pictures

            pictures.write_crops(shelf.review, reading.shown, items)
            if job.settings.annotate:
                pictures.write_annotated(shelf.results, known.file, reading.shown)
        return replace(outcome, model=job.model, settings=job.reading)

    def _move(self, entry: Entry, known: Known, outcome: Outcome) -> None:
        """Take a settled file out of the inbox."""
        if not self._job.is_inbox:
            return
        s = self._job.settings
        if inbox.look_again(entry) != entry or not os.path.lexists(entry.path):
            return  # gone, or other content by now: the next run sees to it
        try:
            if outcome.status != FileStatus.FAILED:
                there = inbox.put_away(entry.path, s.archive, known.file, known.sha256)
                if s.failed in entry.path.parents:  # it was read again, and lies there no more
                    inbox.reason_of(entry.path).unlink(missing_ok=True)
            elif outcome.error_code not in publish.MAY_PASS or known.attempts >= ATTEMPTS:
                there = inbox.quarantine(
                    *(entry.path, s.failed, known.file, known.sha256),
                    code=outcome.error_code,
                    message=outcome.error,
                    attempts=max(1, known.attempts),
                )
            else:
                return
            moved = inbox.look_again(Entry(there, entry.source, 0, 0))
            if (moved.size, moved.mtime_ns) != (entry.size, entry.mtime_ns) and inbox.digest(
                there
            ) != known.sha256:
                # replaced in the moment between: what came was not read yet
                inbox.put_back(there, entry.path)
        except InputError as error:
            log.warning("%s: left where it is: %s", entry.source, error)

    def _count(self, known: Known, outcome: Outcome) -> None:
        what = {"run": self._run, "file": known.file, "sha256": known.sha256, "status": outcome.status}
        events.info(
            "%s: %s", known.file, outcome.status, extra={"event": what | {"code": outcome.error_code}}
        )
        status = "duplicates" if outcome.status == FileStatus.DUPLICATE else outcome.status
        with self._guard:
            self._counts.update({"files": 1, status: 1})
            self._counts.update(numbers=outcome.numbers, digits=outcome.digits, review=outcome.review)

    def _has_tables(self) -> bool:
        s = self._shelf
        return (s.results / "files.csv").is_file() and (s.review / "queue.csv").is_file()

    def _publish_sometimes(self) -> None:
        """Bring the tables over all files up to date during a long run, for no more than 5 % of its time."""
        with self._guard:
            if time.monotonic() - self._published < max(10.0, 20 * self._publishing_cost):
                return
            self._published = time.monotonic()
        with publish.writing(self._shelf):
            publish.publish(self._shelf, self._ledger)
        with self._guard:
            ended = time.monotonic()
            self._publishing_cost, self._published = ended - self._published, ended


@contextmanager
def open_batch(job: Job, reader: Callable[[], Reads], hooks: Hooks | None = None) -> Iterator[Batch]:
    """Be the only runner of the job's state and inbox, and open a run over its folder.

    Raises
    ------
    BusyError
        Where another process is.
    """
    s = job.settings
    with ExitStack() as stack:
        purpose = f"reading {job.folder}"
        stack.enter_context(inbox.only_runner(s.state, job.folder if job.is_inbox else None, purpose))
        for folder in (s.results, s.review):
            atomic.make_folder(folder)
        ledger = stack.enter_context(Ledger(s.ledger))
        yield Batch(job, ledger, reader, hooks)


def dry_batch(job: Job) -> Batch:
    """Look at a folder without touching anything; for :meth:`Batch.plan`."""
    ledger = Ledger(job.settings.ledger, read_only=True)
    return Batch(job, ledger, _no_reader, dry=True)


def drain(batch: Batch, submit: Callable[[Chunk], Pending], jobs: int) -> Summary:
    """Put all that is ready through `submit`, a few chunks at a time, and publish the tables.

    Parameters
    ----------
    batch : Batch
    submit : callable
        Has :meth:`Batch.work` done on a chunk, side by side with others.
    jobs : int
        How many chunks are worked on at once.
    """
    pending: deque[Pending] = deque()
    try:
        for chunks in (batch.chunks, batch.twins):
            for chunk in chunks():
                pending.append(submit(chunk))
                if len(pending) >= 2 * jobs:
                    pending.popleft().result()
            while pending:
                pending.popleft().result()
    except BaseException as error:
        batch.stop()
        _wait_for(pending)
        if not isinstance(error, DigitocrError):  # Ctrl-C: the tables tell of what was read until then
            batch.finish()
        raise
    return batch.finish()


def _wait_for(pending: deque[Pending]) -> None:
    for future in pending:
        try:
            future.result()
        except Exception as error:
            log.debug("%s", error)


def _no_reader() -> Reads:
    raise InputError("nothing is read in a dry run")
