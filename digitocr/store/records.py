"""Records that go into the ledger and come out of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a file, without its reading.

    Attributes
    ----------
    id : int
    source : str
        Path relative to the input folder, with ``/``.
    file : str
        Name in the tables: the source, or ``scan~1a2b3c4d.jpg`` where other content had the name first.
    sha256 : str
    size : int
        In bytes.
    mtime_ns : int
        When the file was last changed, in nanoseconds since 1970.
    checked_ns : int
        When its content was last hashed, in nanoseconds since 1970.
    status : str
        Outcome of the last reading, '' before the first.
    model, settings : str
        What it was read with.
    error_code, error : str
    pages, numbers, digits : int
    review : int
        Numbers that wait for a person; a page without any counts as one.
    seconds : float
    processed_at : str
        When the last reading ended.
    attempts : int
        Readings begun since the last outcome; one counts when it begins, not when its file is claimed.
    holder : str
        Who is reading it, '' if no one is.
    lease : float
        Until when, in seconds since 1970.
    stuck : str
        Why it could not be moved out of the inbox; '' if it was, or did not have to be.
    is_apart : int
        1 while another process than the holder reads it: if the holder ends meanwhile, that attempt does not count.
    etag : str
        What its store said of the content when it was last hashed; '' for files.
    """

    id: int
    source: str
    file: str
    sha256: str
    size: int
    mtime_ns: int
    checked_ns: int
    status: str
    model: str
    settings: str
    error_code: str
    error: str
    pages: int
    numbers: int
    digits: int
    review: int
    seconds: float
    processed_at: str
    attempts: int
    holder: str
    lease: float
    stuck: str
    is_apart: int = 0
    etag: str = ""

    @property
    def endings(self) -> int:
        """How often reading it ended the process, if its holder is gone."""
        return self.attempts - self.is_apart if self.holder else 0

    @property
    def state(self) -> str:
        """What is known of it in a word: its status, or ``seen``, ``claimed``, ``abandoned``."""
        if self.holder:
            return "claimed" if time.time() < self.lease else "abandoned"
        return self.status or "seen"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that claimed files; without an end it was killed, or still runs."""

    id: int
    folder: str
    started: str
    ended: str
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """A file a runner is about to read; `id` is None for one the ledger has not seen."""

    id: int | None
    source: str
    file: str
    sha256: str
    size: int
    mtime_ns: int
    checked_ns: int
    etag: str = ""


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A digit or a number that a person is to look at, or was.

    Attributes
    ----------
    review_id : str
        Made from the content of the file, the page and the box: the same from run to run.
    file : str
        Name in the tables.
    page : int
        Counted from 1.
    field : str
        Of a form, '' without one.
    number : int
        Counted from 1 on the page; 0 stands for the page as a whole.
    position : int
        Counted from 1 in the number; 0 stands for the number as a whole.
    digit : int or None
        What was read; None where the item is no single digit.
    confidence : float or None
        Of the digit or the number, in [0, 1].
    runner_up : int or None
    runner_up_confidence : float or None
        In [0, 1].
    number_text : str
        The whole number as it stands now.
    reasons : str
        Codes joined by ``;``.
    waits : bool
        Whether a person is still to look at it.
    """

    review_id: str
    file: str
    page: int
    field: str = ""
    number: int = 0
    position: int = 0
    digit: int | None = None
    confidence: float | None = None
    runner_up: int | None = None
    runner_up_confidence: float | None = None
    number_text: str = ""
    reasons: str = ""
    waits: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reading ended, and what the tables are made from.

    Attributes
    ----------
    status : str
    model, settings : str
        What the file was read with.
    error_code, error : str
    may_pass : bool
        The error may pass, so the attempts so far go on counting.
    pages, numbers, digits : int
    review : int
        Numbers that wait for a person; a page without any counts as one.
    blank : int
        Pages without ink.
    seconds : float
    reading : bytes or None
        What the program read, before any correction.
    number_lines : str
        Lines of the table of numbers.
    form_rows : str
        Rows of the tables of forms.
    items : tuple of QueueItem
        In the order of the queue.
    """

    status: str
    model: str = ""
    settings: str = ""
    error_code: str = ""
    error: str = ""
    may_pass: bool = False
    pages: int = 0
    numbers: int = 0
    digits: int = 0
    review: int = 0
    blank: int = 0
    seconds: float = 0.0
    reading: bytes | None = None
    number_lines: str = ""
    form_rows: str = ""
    items: tuple[QueueItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person said about an item.

    Attributes
    ----------
    file : int
        The id of the file.
    review_id : str
    kind : str
        ``digit`` or ``number``.
    old, new : str
    who : str
    at : str
        As :func:`now` writes it.
    """

    file: int
    review_id: str
    kind: str
    old: str
    new: str
    who: str
    at: str


def now() -> str:
    """Return the time as tables show it.

    Returns
    -------
    str
        UTC, ISO 8601, whole seconds.
    """
    return shown(datetime.now(UTC))


def shown(at: datetime) -> str:
    """Return a time as tables show it.

    Parameters
    ----------
    at : datetime
        UTC.

    Returns
    -------
    str
        ISO 8601, whole seconds.
    """
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
