"""Hostile files decoded in a process of its own, which may take so much time and memory and no more.

Who can put a file into the inbox may be anyone: a mail gateway, a scanner in a corridor. Such a person chooses
the bytes, the name, the time and what kind of thing it is, and wants to crash or stop the program, to have it read
or write elsewhere, to take it over, or to have a wrong number accepted unseen. Against this stand:

- bytes: here. Picture and PDF libraries are large and written in C. Whatever a file makes one of them do happens
  in a child that has no results to write, no file it may grow, none of our environment, and no Python objects to
  send back: it answers in plain numbers and bytes, which are checked. A page that crashes it costs that page.
- names and links: :mod:`digitocr.inbox.names` and :mod:`digitocr.inbox.scan`. No name reaches a terminal, a table or a
  path as it came; links out of the folder are not followed; what is written is new, never written through a link.
- cells: :func:`digitocr.results.tables.defuse`. No cell is a formula.
- time: a file is what it is by its content, looked at before, while and after it is read and moved.

Not stood against: another program of the same user, or who may write our folders; that is what permissions are for.
``docs/security.md`` says the same to who runs it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from PIL import Image

from digitocr.errors import (
    DamagedImageError,
    FileAccessError,
    FileSizeError,
    ImageSizeError,
    InputError,
    TooSlowError,
)
from digitocr.io import pages
from digitocr.records import Grey, Limits, Page, PageResult

_START = "import sys; sys.path.insert(0, sys.argv[1]); from digitocr.io import sandbox; sandbox.serve()"

_PASSED_ON = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONHASHSEED", "PYTHONPATH", "SYSTEMROOT")
"""All that a child sees of our environment: no tokens, no addresses."""

_BYTES_PER_PIXEL = 20
"""What decoding, turning and greying take at the most, all copies counted."""
_BASE = 1 << 30
"""Address space of an idle child, with room to spare."""

_PAGES_FULL = 10
"""So many times the pixels of the largest page may be on all pages of a file together."""

_PIPE = 1 << 19
"""A picture goes through pipes of this many bytes, so that sender and receiver take turns less often."""

_TICK = 0.05
"""Least seconds between two looks at a clock."""

_HEADER = 65536
"""Longest header a child may send, in bytes."""


def read_bytes(path: Path, limits: Limits) -> bytes:
    """Return the content of a regular file.

    Raises
    ------
    FileAccessError
        Where it may not be opened or is no regular file.
    FileSizeError
        Where it is too big.
    """
    try:
        # what was a file may have become a pipe, on which opening would wait
        with open(path, "rb", opener=_without_waiting) as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise FileAccessError("no regular file")
            if found.st_size > limits.bytes:
                raise FileSizeError(
                    f"{found.st_size:,} bytes are more than the {limits.bytes:,} that are read"
                )
            return stream.read(limits.bytes + 1)
    except OSError as error:
        raise FileAccessError(f"cannot be opened: {error.strerror or error}") from None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class Sandbox:
    """Children that decode; safe to share between threads, each of which gets a child of its own.

    They end with this object, when it is closed, or with this process, however that ends.
    """

    def __init__(self) -> None:
        self._idle: list[_Child] = []
        self._lock = threading.Lock()
        self._watchman = _Watchman()
        self._finalizer = weakref.finalize(self, _end_all, self._idle, self._watchman)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all children."""
        self._finalizer()

    def decode(self, data: bytes, limits: Limits, only: int | None = None) -> Decoding:
        """Decode a file, page by page as these are asked for.

        Parameters
        ----------
        data : bytes
            The whole file.
        limits : Limits
        only : int, optional
            The one page that is wanted, counted from 1.
        """
        return Decoding(self, data, limits, only)

    def clock(self, seconds: float) -> _Clock:
        """Return a clock that strikes when children have been waited for so long."""
        return _Clock(seconds, self._watchman)

    def take(self) -> _Child:
        """Return a child that has nothing to do."""
        with self._lock:
            return self._idle.pop() if self._idle else _Child()

    def give_back(self, child: _Child) -> None:
        """Let a child wait for the next file."""
        with self._lock:
            self._idle.append(child)


class Decoding:
    """The pages of a file, to be gone through once; all is known of it after that.

    Attributes
    ----------
    note : str
        What was left out by design, '' if nothing was.
    failed : list of PageResult
        Pages that could not be decoded, each with its error.
    code : str
        Code of the first of these errors, '' without any.
    """

    def __init__(self, box: Sandbox, data: bytes, limits: Limits, only: int | None) -> None:
        self.note = ""
        self.failed: list[PageResult] = []
        self.code = ""
        self._box = box
        self._data = data
        self._limits = limits
        self._due, self._last = only or 1, only
        self._count = self._decoded = self._pixels = 0
        self._refused: InputError | None = None

    def __iter__(self) -> Iterator[Page]:
        """Yield the pages that can be decoded, one in memory at a time.

        One that cannot, crashes its decoder or takes too long does not take the others with it.

        Raises
        ------
        InputError
            One of its kinds, where no page can be decoded.
        """
        clock = self._box.clock(self._limits.seconds)
        try:
            yield from self._pages(clock)
        finally:
            clock.stop()
        self._data = b""
        if not self._decoded:
            raise _known_error(self.code)(self.failed[0].error)

    def _pages(self, clock: _Clock) -> Iterator[Page]:
        while not self._is_complete:
            child = self._box.take()
            try:
                for grey in self._asked(child, clock):
                    self._due, self._decoded = self._due + 1, self._decoded + 1
                    yield Page(self._due - 1, grey)
            except BaseException as error:
                child.end()
                if not isinstance(error, (OSError, ValueError, KeyError, TypeError)):
                    raise
                self._ended(child, clock)
            else:
                self._box.give_back(child)
            if self._refused:
                raise self._refused

    @property
    def _is_complete(self) -> bool:
        return self._count > 0 and self._due > (self._last or self._count)

    def _asked(self, child: _Child, clock: _Clock) -> Iterator[Grey]:
        """Have the pages from the one that is due on decoded; raises where the child ends or talks nonsense."""
        limits = self._limits
        with clock.watching(child):
            child.ask(self._data, limits, self._due, self._last)
        while True:
            with clock.watching(child):
                answer = child.answer()
            if "end" in answer:
                if not (self._refused or self._is_complete):
                    raise OSError("the decoder forgot pages")
                return
            if "count" in answer:
                self._count, self.note = _within(answer["count"], limits.pages), str(answer["note"])
                if self._last and self._last > self._count:
                    self._refused = DamagedImageError(f"it has no page {self._last}")
            elif "shape" in answer:
                height, width = answer["shape"]
                width = _within(width, limits.pixels // _within(height, limits.pixels))
                self._pixels += height * width
                if self._pixels > _PAGES_FULL * limits.pixels:
                    self._fail_rest(
                        ImageSizeError(f"more than {_PAGES_FULL * limits.pixels:,} pixels on all its pages")
                    )
                    raise OSError("enough")
                with clock.watching(child):
                    grey = child.picture(height, width)
                yield grey
            else:
                error = _known_error(str(answer["code"]))(str(answer["error"]), hint=str(answer["hint"]))
                if self._count:
                    self._fail(error)
                else:
                    self._refused = error

    def _ended(self, child: _Child, clock: _Clock) -> None:
        """Give up what the end of a child costs: a page, or all that are due."""
        if self._is_complete:
            return
        error = _why(child.status, clock, self._limits)
        if self._count and not clock.has_struck:
            self._fail(error)
        elif self._decoded:
            self._fail_rest(error)
        else:
            raise error from None

    def _fail(self, error: InputError) -> None:
        """Give the next page up."""
        self.code = self.code or error.code
        self.failed.append(PageResult(self._due, (0, 0), (), error.message))
        self._due += 1

    def _fail_rest(self, error: InputError) -> None:
        while not self._is_complete:
            self._fail(error)


def _why(status: int | None, clock: _Clock, limits: Limits) -> InputError:
    if clock.has_struck:
        return TooSlowError(f"decoding took more than {limits.seconds:g} seconds")
    return DamagedImageError(
        f"its decoder ended on it ({'signal' if status and status < 0 else 'status'} {abs(status or 0)})"
    )


def _known_error(code: str) -> type[InputError]:
    return next((kind for kind in InputError.__subclasses__() if kind.code == code), DamagedImageError)


class _Clock:
    """Kills a child when it has been waited for too long in all, which ends the wait."""

    def __init__(self, seconds: float, watchman: _Watchman) -> None:
        self.has_struck = False
        self._seconds = seconds
        self._spent = 0.0
        self._since = 0.0
        self._child: _Child | None = None  # while it is waited for
        self._lock = threading.Lock()
        self._watchman = watchman
        watchman.watch(self, seconds)

    @contextlib.contextmanager
    def watching(self, child: _Child) -> Iterator[None]:
        """Count the time of a wait."""
        with self._lock:
            self._child, self._since = child, time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._child = None
                self._spent += time.monotonic() - self._since

    def stop(self) -> None:
        """Count no more."""
        self._watchman.forget(self)

    def look(self) -> float:
        """Strike if the time is up; return the seconds that are left, as what is done between waits does not count."""
        with self._lock:
            waited = time.monotonic() - self._since if self._child else 0.0
            left = self._seconds - self._spent - waited
            if self._child and left <= 0:
                self.has_struck = True
                self._child.kill()
            return left


class _Watchman:
    """A thread that looks at clocks when their time may be up: one for all files, which are many and quick."""

    def __init__(self) -> None:
        self._due: dict[_Clock, float] = {}
        self._wakes = math.inf
        self._ended = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, clock: _Clock, seconds: float) -> None:
        """Look at a clock after so many seconds, and again while it has time left."""
        with self._changed:
            self._ended = False
            self._due[clock] = due = time.monotonic() + max(seconds, _TICK)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="decoding clocks", daemon=True)
                self._thread.start()
            elif due < self._wakes:
                self._changed.notify()

    def forget(self, clock: _Clock) -> None:
        """Look at it no more; that it may wake for nothing costs less than telling."""
        with self._changed:
            self._due.pop(clock, None)

    def end(self) -> None:
        """Go home."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _look(self) -> None:
        while due := self._waited():
            for clock in due:
                left = clock.look()
                with self._changed:
                    if clock in self._due:
                        self._due[clock] = time.monotonic() + max(left, _TICK)

    def _waited(self) -> list[_Clock]:
        """Return clocks to look at as soon as there are some; none at the end."""
        with self._changed:
            while not self._ended:
                now = time.monotonic()
                if due := [clock for clock, at in self._due.items() if at <= now]:
                    return due
                self._wakes = min(self._due.values(), default=math.inf)
                self._changed.wait(None if math.isinf(self._wakes) else self._wakes - now)
            self._thread = None
            return []


class _Child:
    """A process that decodes one file after the other."""

    def __init__(self) -> None:
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            start_new_session=True,  # Ctrl-C is for us
            pipesize=_PIPE,
        )

    @property
    def status(self) -> int | None:
        """Exit status, negative for a signal."""
        return self._process.returncode

    def ask(self, data: bytes, limits: Limits, first: int, last: int | None) -> None:
        """Have the pages of a file decoded, from one on, to one or to the end."""
        sink = _pipe(self._process.stdin)
        request = {"bytes": len(data), "first": first, "last": last, "limits": asdict(limits)}
        sink.write(json.dumps(request).encode() + b"\n")
        sink.write(data)
        sink.flush()

    def answer(self) -> dict[str, Any]:
        """Return what it says next."""
        return _header(_pipe(self._process.stdout))

    def picture(self, height: int, width: int) -> Grey:
        """Return the page that it has announced."""
        grey = np.empty((height, width), np.uint8)
        _read_into(_pipe(self._process.stdout), grey)
        return grey

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def end(self) -> None:
        """End it and wait for its end."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _end_all(children: list[_Child], watchman: _Watchman) -> None:
    watchman.end()
    while children:
        children.pop().end()


def _pipe(stream: Any) -> BinaryIO:  # noqa: ANN401 - typed as optional by subprocess
    assert stream is not None
    return stream  # type: ignore[no-any-return]


def _header(source: BinaryIO) -> dict[str, Any]:
    line = source.readline(_HEADER)
    if not line.endswith(b"\n"):
        raise OSError("the decoder ended")
    found = json.loads(line)
    if not isinstance(found, dict):
        raise TypeError("no header")
    return found


def _within(number: object, most: int) -> int:
    if not isinstance(number, int) or not 1 <= number <= most:
        raise ValueError(f"{number} is not within 1 to {most}")
    return number


def _read_into(source: BinaryIO, grey: Grey) -> None:
    left = memoryview(grey.data).cast("B")
    while left:
        count = source.readinto(left)  # type: ignore[attr-defined]
        if not count:
            raise OSError("the decoder ended")
        left = left[count:]


# in the child


def serve() -> None:
    """Decode what comes on standard input, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source = sys.stdin.buffer
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # libraries that talk must not be heard
    Image.MAX_IMAGE_PIXELS = None  # our own limit counts, and comes first
    while line := source.readline():
        request = json.loads(line)
        limits = Limits(**request["limits"])
        _restrict(limits)
        _answer(sink, source.read(request["bytes"]), limits, request["first"], request["last"])
        sink.write(b'{"end": true}\n')
        sink.flush()


def _answer(sink: BinaryIO, data: bytes, limits: Limits, first: int, last: int | None) -> None:
    try:
        with pages.opened(data, limits) as document:
            _say(sink, count=document.count, note=document.note)
            for index in range(first, min(last or document.count, document.count) + 1):
                try:
                    grey = np.ascontiguousarray(document.page(index))
                except InputError as error:
                    _say(sink, code=error.code, error=error.message, hint=error.hint)
                else:
                    _say(sink, shape=grey.shape)
                    sink.write(grey.data)
                    sink.flush()  # the next page may be the end of this process
    except InputError as error:
        _say(sink, code=error.code, error=error.message, hint=error.hint)


def _say(sink: BinaryIO, **answer: object) -> None:
    text = {name: value[:2000] if isinstance(value, str) else value for name, value in answer.items()}
    sink.write(json.dumps(text).encode() + b"\n")
    sink.flush()


def _restrict(limits: Limits) -> None:
    """Bound what this process may take; files it may not write at all."""
    if os.name == "nt":
        return
    import resource

    for kind, most in (
        (resource.RLIMIT_AS, _BASE + _BYTES_PER_PIXEL * limits.pixels),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, hard))
