"""What a run does with each file it found: pure decisions, made from facts about the disk and the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from digitocr.errors import FileAccessError, InputError
from digitocr.inbox.job import Job, Summary
from digitocr.inbox.scan import FoundFile
from digitocr.records import READ, FileStatus
from digitocr.results import publish
from digitocr.store.ledger import Claim, Known

ATTEMPTS = 3
"""A file is given up after this many times: it ended the program, met a fault, or could not be opened or written."""

RACY_NS = 2_000_000_000
"""A file modified less than this before it was hashed may have changed again within one tick of the file system."""

CHUNK_BYTES = 50_000_000
"""A chunk of more bytes takes no further file: thick PDFs are read by themselves."""


FEW_FILES = 16
FEW_BYTES = 2_000_000
"""So few files of so few bytes in all are read sooner in this process than another one starts."""


class Action(StrEnum):
    """What a run does with a file."""

    READ = "read"
    """Read it."""
    UNCHANGED = "unchanged"
    """Nothing: its last reading stands."""
    DUPLICATE = "duplicate"
    """Record that the same content stands in the tables under another name."""
    AWAIT_TWIN = "await-twin"
    """Decide once the same content, which is read in this run under another name, has been read."""
    UNREADABLE = "unreadable"
    """Give it up unread: it cannot be opened, or is too large."""
    CRASHED = "crashed"
    """Give it up: reading it ended the program too often."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file, on the disk and in the ledger, when a run comes to it.

    Attributes
    ----------
    found : FoundFile
    sha256 : str
        Hash of the content, '' if it has none.
    trouble : InputError or None
        Why it has no hash.
    checked_ns : int
        When the content was hashed, in nanoseconds since 1970.
    same_source, same_content : tuple of Known
        Ledger entries of the same path, and of the same content.
    complete : frozenset of int
        Ids of those entries whose tables are on the disk.
    claimed : frozenset of int
        Ids of those entries that this run has claimed.
    """

    found: FoundFile
    sha256: str = ""
    trouble: InputError | None = None
    checked_ns: int = 0
    same_source: tuple[Known, ...] = ()
    same_content: tuple[Known, ...] = ()
    complete: frozenset[int] = frozenset()
    claimed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a run does with a file, and why.

    Attributes
    ----------
    action : Action
    facts : Facts
    known : Known or None
        Its own ledger entry.
    twin : str
        Name in the tables of the file with the same content, for a duplicate.
    """

    action: Action
    facts: Facts
    known: Known | None = None
    twin: str = ""

    @property
    def was_interrupted(self) -> bool:
        """Whether its last reading did not end; it may have ended the program."""
        return self.known is not None and bool(self.known.holder) and self.known.attempts > 0

    def claim(self, file: str) -> Claim:
        """Return the claim on the file, which has this name in the tables."""
        found = self.facts.found
        return Claim(
            id=self.known.id if self.known else None,
            source=found.source,
            file=file,
            sha256=self.facts.sha256,
            size=found.size,
            mtime_ns=found.mtime_ns,
            checked_ns=self.facts.checked_ns,
            etag=found.etag,
        )


class Contents(Protocol):
    """Hashes of contents; a set of str is one."""

    def __contains__(self, sha256: object, /) -> bool:
        """Tell whether a hash was added."""

    def add(self, sha256: str, /) -> None:
        """Add a hash."""


def plan(job: Job, seen: Iterable[Facts], reading: Contents) -> Iterator[Decision]:
    """Decide what to do with each file; lazily, so that facts are gathered as late as possible.

    Parameters
    ----------
    job : Job
    seen : iterable of Facts
        One per file, in the order in which the files are taken.
    reading : Contents
        Empty; what is read is added to it.

    Yields
    ------
    Decision
        One per file. Of several files with the same content the first is read, the others await it.
    """
    for facts in seen:
        decision = decide(job, facts)
        if decision.action in (Action.READ, Action.CRASHED):
            if facts.sha256 in reading:
                decision = replace(decision, action=Action.AWAIT_TWIN)
            reading.add(facts.sha256)
        yield decision


def decide(job: Job, facts: Facts) -> Decision:
    """Decide what to do with one file, regardless of the others.

    Parameters
    ----------
    job : Job
    facts : Facts

    Returns
    -------
    Decision
    """
    known = _own_entry(facts)
    if known is not None and is_current(job, known, facts):
        return Decision(Action.UNCHANGED, facts, known)
    if facts.trouble is not None:
        return Decision(Action.UNREADABLE, facts, known)
    twin = _current_twin(job, facts)
    if twin is not None:
        return Decision(Action.DUPLICATE, facts, known, twin.file)
    if known is not None and known.endings >= ATTEMPTS:
        return Decision(Action.CRASHED, facts, known)
    return Decision(Action.READ, facts, known)


def is_current(job: Job, known: Known, facts: Facts) -> bool:
    """Tell whether the last reading of a file stands.

    Parameters
    ----------
    job : Job
    known : Known
        One of the entries in `facts`.
    facts : Facts

    Returns
    -------
    bool
        True for a file that was read with this model and these settings and has its tables, for a duplicate of such
        a file, and for one that failed for good. What cannot be opened failed for good after all attempts, a folder
        after one: whatever can be read in it later has a path of its own.
    """
    reprocess = job.settings.reprocess
    if reprocess == "all" and known.id not in facts.claimed:
        return False
    if known.status == FileStatus.DUPLICATE:
        return any(k.status in READ and is_current(job, k, facts) for k in facts.same_content)
    if known.status == FileStatus.FAILED:
        return reprocess != "failed" and _is_same(known, facts) and _failed_for_good(known, facts)
    return known.status in READ and was_read_with(job, known) and known.id in facts.complete


def _is_same(known: Known, facts: Facts) -> bool:
    """Tell whether an entry is of the content at hand; what has no hash goes by size and time."""
    if known.sha256 or facts.sha256:
        return known.sha256 == facts.sha256
    return (known.size, known.mtime_ns) == (facts.found.size, facts.found.mtime_ns)


def _failed_for_good(known: Known, facts: Facts) -> bool:
    if known.error_code not in publish.MAY_PASS:
        return True
    if known.error_code == FileAccessError.code and facts.trouble is None:
        return False  # it can be opened now
    return known.attempts >= (1 if facts.found.is_folder else ATTEMPTS)


def was_read_with(job: Job, known: Known) -> bool:
    """Tell whether a file was last read with the model and the settings of a job.

    Parameters
    ----------
    job : Job
    known : Known

    Returns
    -------
    bool
    """
    return (known.model, known.settings) == (job.model, job.reading)


def is_wanted_again(job: Job, known: Known) -> bool:
    """Tell whether ``--reprocess`` asks for a file that was taken out of the inbox.

    Parameters
    ----------
    job : Job
    known : Known

    Returns
    -------
    bool
    """
    match job.settings.reprocess:
        case "all":
            return True
        case "failed":
            return known.status == FileStatus.FAILED
        case "changed":
            return known.status in READ and not was_read_with(job, known)
    return False


def known_by_time(found: FoundFile, same_source: Iterable[Known]) -> Known | None:
    """Find the ledger entry of a file by its path, size, time and etag alone, if these can be trusted.

    Parameters
    ----------
    found : FoundFile
    same_source : iterable of Known
        Ledger entries of the same path.

    Returns
    -------
    Known or None
        None if the file must be hashed.
    """
    for known in same_source:
        same = (known.size, known.mtime_ns, known.etag) == (found.size, found.mtime_ns, found.etag)
        is_sure = bool(found.etag) or known.mtime_ns + RACY_NS < known.checked_ns
        if same and known.sha256 and is_sure:
            return known
    return None


def chunked(decisions: Iterable[Decision], size: int) -> Iterator[list[Decision]]:
    """Group files that are read together.

    Parameters
    ----------
    decisions : iterable of Decision
    size : int
        Most files in a group.

    Yields
    ------
    list of Decision
        Files to read, at most `size` of them and about `CHUNK_BYTES`. A file whose last reading was interrupted comes
        by itself, so that it takes no other with it, and so does each file that is not read.
    """
    waiting: list[Decision] = []
    for decision in decisions:
        if decision.action is not Action.READ or decision.was_interrupted:
            yield [decision]
            continue
        waiting.append(decision)
        if len(waiting) == size or sum(d.facts.found.size for d in waiting) > CHUNK_BYTES:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def useful_workers(files: Collection[FoundFile], workers: int, max_bytes: int) -> int:
    """Return how many workers shorten a run.

    Parameters
    ----------
    files : collection of FoundFile
        The files of the run.
    workers : int
        Most workers.
    max_bytes : int
        Files larger than this are not read.

    Returns
    -------
    int
        1 for a few small files: then starting processes takes longer than reading.
    """
    sizes = (found.size for found in files)
    if len(files) <= FEW_FILES and sum(size for size in sizes if size <= max_bytes) <= FEW_BYTES:
        return 1
    return max(1, min(workers, len(files)))


def chunk_size(files: int, largest: int, workers: int) -> int:
    """Return how many files are read together.

    Parameters
    ----------
    files : int
        Files of the run.
    largest : int
        Most files in a chunk.
    workers : int
        Chunks read side by side; each should get some.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> chunk_size(1000, largest=16, workers=4), chunk_size(10, largest=16, workers=4), chunk_size(0, 16, 4)
    (16, 3, 1)
    """
    return max(1, min(largest, -(-files // workers)))


def forecast(actions: Iterable[Action]) -> Summary:
    """Sum up what a run would do, as far as that is known without reading.

    Parameters
    ----------
    actions : iterable of Action
        One per file.

    Returns
    -------
    Summary
        Files that would be read are counted among `files` only.
    """
    count = Counter(actions)
    return Summary(
        files=count.total(),
        failed=count[Action.UNREADABLE] + count[Action.CRASHED],
        duplicates=count[Action.DUPLICATE] + count[Action.AWAIT_TWIN],
        unchanged=count[Action.UNCHANGED],
    )


def _own_entry(facts: Facts) -> Known | None:
    """Find the entry of the same path and content; a file that could never be opened is known by its path."""
    return next((k for wanted in (facts.sha256, "") for k in facts.same_source if k.sha256 == wanted), None)


def _current_twin(job: Job, facts: Facts) -> Known | None:
    """Find an entry with the same content under another path whose reading stands."""
    others = (k for k in facts.same_content if k.source != facts.found.source)
    return next((k for k in others if k.status in READ and is_current(job, k, facts)), None)
