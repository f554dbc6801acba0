"""A file that is being read: its pages one after the other, what became of them, and what they have cost so far.

Decoding has limits of its own (:mod:`digitocr.io.sandbox`). Those of reading are kept here, since a few kilobytes can
hold as many pages of as many rings as one likes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from digitocr.errors import CrowdedError, InputError, RegistrationError, TooSlowError
from digitocr.io.sandbox import Decoding, read_bytes
from digitocr.records import FileResult, FileStatus, Limits, Page, PageResult, Reading, Shown, Source

FIRST_PICTURE = "first-picture"
"""Code of a file of several pictures, of which only the first is read by design."""

_TOLD = 5
"""Pages named in the error of a file."""


@dataclass(slots=True, eq=False)
class OpenFile:
    """A file on its way to a reading.

    Attributes
    ----------
    source : Source
    limits : Limits
    decoder : callable
        Decodes the bytes of a file within limits, page by page.
    seconds : float
        Time spent on it, decoding included.
    """

    source: Source
    limits: Limits
    decoder: Callable[[bytes, Limits], Decoding]
    seconds: float = 0.0
    _sha256: str = ""
    _decoding: Decoding | None = None
    _error: InputError | None = None
    _pages: list[PageResult] = field(default_factory=list)
    _refused: list[PageResult] = field(default_factory=list)
    _code: str = ""
    _shown: list[Shown] = field(default_factory=list)
    _reading_seconds: float = 0.0
    _rows: int = 0
    _crop_bytes: int = 0

    def pages(self) -> Iterator[Page]:
        """Yield the pages that can be decoded, one in memory at a time, until the file has cost too much.

        What is wrong with the file or its pages is noted.
        """
        started = time.perf_counter()
        try:
            sent = self.source.content
            data = read_bytes(self.source.path, self.limits) if sent is None else sent
            self._sha256 = hashlib.sha256(data).hexdigest()
            self._decoding = self.decoder(data, self.limits)
            for page in self._decoding:
                self.seconds += time.perf_counter() - started
                yield page
                started = time.perf_counter()
                if too_much := self._too_much():
                    self._decoding.leave_out_rest(too_much)
                    break
        except InputError as error:
            self._error = error
        self.seconds += time.perf_counter() - started

    def spend(self, seconds: float) -> None:
        """Note time spent on reading pages."""
        self.seconds += seconds
        self._reading_seconds += seconds

    def refuse(self, page: Page, error: InputError) -> None:
        """Note that a page is not read, and why."""
        self._refused.append(PageResult(page.index, page.grey.shape, (), error.message))
        self._code = self._code or error.code

    def add(self, result: PageResult, shown: Shown | None) -> None:
        """Note what was read on a page, with its pictures."""
        self._pages.append(result)
        self._rows += sum(max(1, len(number.digits)) for number in result.numbers)
        if shown is not None:
            self._shown.append(shown)
            self._crop_bytes += shown.crop_bytes

    def _too_much(self) -> InputError | None:
        most = self.limits
        if self._reading_seconds > most.reading_seconds:
            return TooSlowError(f"reading took more than {most.reading_seconds:g} seconds")
        if self._rows > most.digits:
            return CrowdedError(f"the pages before it hold more than {most.digits:,} digits")
        if self._crop_bytes > most.crops:
            return CrowdedError(f"the pictures for review of the pages before it exceed {most.crops:,} bytes")
        return None

    def reading(self) -> Reading:
        """Return the result of the file."""
        result = FileResult(self.source.file, self._sha256, seconds=self.seconds)
        if self._error is not None or self._decoding is None:
            told, code = str(self._error), self._error.code if self._error else ""
            return Reading(replace(result, status=FileStatus.FAILED, error=told, error_code=code))
        failed = sorted([*self._decoding.failed, *self._refused], key=lambda page: page.index)
        told, code = _told(failed), self._decoding.code or self._code
        if not self._pages:
            return Reading(replace(result, status=FileStatus.FAILED, error=told, error_code=code))
        every = sorted([*self._pages, *failed], key=lambda page: page.index)
        found = any(page.numbers for page in every)
        status = FileStatus.PARTIAL if failed else FileStatus.DONE if found else FileStatus.EMPTY
        if not told and self._decoding.note:
            told, code = self._decoding.note, FIRST_PICTURE
        if not told and (unknown := [page for page in self._pages if page.error]):
            told, code = _told(unknown), RegistrationError.code
        result = replace(result, pages=tuple(every), status=status, error=told, error_code=code)
        return Reading(result, tuple(self._shown))


def _told(pages: Sequence[PageResult]) -> str:
    """Return the errors of pages as one message."""
    said = [f"page {page.index}: {page.error}" for page in pages[:_TOLD]]
    more = len(pages) - len(said)
    return "; ".join([*said, f"and {more} more"] if more else said)
