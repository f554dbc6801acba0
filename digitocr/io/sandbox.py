"""The sandbox: hostile files are decoded in child processes with bounded time and memory.

Threat model. Anyone may be able to put a file into the inbox: a mail gateway, a scanner in a corridor. An attacker
chooses the bytes, the name, the time and the kind of the file, and wants to crash or stop the program, to make it read
or write elsewhere, to take it over, or to have a wrong number accepted unseen. The defences:

- bytes: this module. Picture and PDF libraries are large and written in C. Whatever a file makes them do happens in a
  child process that can write no file, inherits no environment but a few harmless variables, and sends no Python
  objects: it answers with numbers and bytes, which the parent checks. A page that crashes the child costs that page.
- names and links: :mod:`digitocr.inbox.names` and :mod:`digitocr.inbox.scan`. No name reaches a terminal, a table or a
  path unchanged; links out of the folder are not followed; files are always written new, never through a link.
- cells: :func:`digitocr.results.tables.defuse`. No cell is a formula.
- time: content identifies a file; it is hashed before, while and after the file is read and moved.

Out of scope: other programs of the same user, and anyone who may write our folders; permissions are for that.
``docs/security.md`` says the same to those who run the program. The child's side is :mod:`digitocr.io._decoder`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from filelock import FileLock

from digitocr.errors import (
    DamagedImageError,
    FileAccessError,
    FileSizeError,
    ImageSizeError,
    InputError,
    MemoryLimitError,
    TooSlowError,
)
from digitocr.io import remote
from digitocr.io._deadline import Clock, Watchman
from digitocr.records import Grey, Limits, Page, PageResult

DECODER = "import sys; sys.path.insert(0, sys.argv[1]); from digitocr.io import _decoder; _decoder.serve()"
"""The child's program: :mod:`digitocr.io._decoder`, found in the folder given as its only argument."""

_PASSED_ON = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONHASHSEED", "PYTHONPATH", "SYSTEMROOT")
"""The only environment variables that a child gets: no tokens, no addresses."""

_MAX_FULL_PAGES = 10
"""Maximum pixels of a file, as a multiple of the maximum pixels of a page."""

_PIPE_BYTES = 1 << 19
"""Buffer of the pipes to a child; a large one saves task switches while a picture is sent."""

_HEADER_BYTES = 65536
"""Maximum length of a header from a child."""


def read_bytes(path: Path | str, limits: Limits) -> bytes:
    """Return the content of a regular file, or of an object in a store.

    Parameters
    ----------
    path : Path or str
        Path or URL.
    limits : Limits

    Returns
    -------
    bytes

    Raises
    ------
    FileAccessError
        If it cannot be opened or is not a regular file.
    FileSizeError
        If it has more bytes than the limit.
    """
    if isinstance(path, str):
        if (size := remote.look(path).size) > limits.bytes:
            raise FileSizeError(f"its {size:,} bytes are more than the limit of {limits.bytes:,}")
        with remote.opened(path) as stream:
            return stream.read(limits.bytes + 1)
    try:
        # the file may have been replaced by a pipe, on which a normal open would wait
        with open(path, "rb", opener=_without_waiting) as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise FileAccessError("not a regular file")
            if found.st_size > limits.bytes:
                raise FileSizeError(
                    f"its {found.st_size:,} bytes are more than the limit of {limits.bytes:,}"
                )
            data = stream.read(found.st_size + 1)  # to ask for more would reserve it
            return data if len(data) <= found.st_size else data + stream.read(limits.bytes)  # it grows
    except OSError as error:
        raise FileAccessError(f"cannot be opened: {error.strerror or error}") from None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class Sandbox:
    """A pool of child processes that decode files. Threads may share it: each decoding has a child of its own.

    The children end when the pool is closed or collected, and when this process ends, however it ends.
    """

    def __init__(self) -> None:
        self._idle: list[_Child] = []
        self._lock = threading.Lock()
        self._watchman = Watchman()
        self._finalizer = weakref.finalize(self, _end_all, self._idle, self._watchman)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all children."""
        self._finalizer()

    @property
    def idle_pids(self) -> tuple[int, ...]:
        """Process ids of the children that wait for a file."""
        with self._lock:
            return tuple(child.pid for child in self._idle)

    def decode(self, data: bytes, limits: Limits, only: int | None = None) -> Decoding:
        """Decode a file page by page, as the caller iterates.

        Parameters
        ----------
        data : bytes
            The whole file.
        limits : Limits
        only : int, optional
            Decode only this page, counted from 1.

        Returns
        -------
        Decoding
        """
        return Decoding(self, data, limits, only)

    def clock(self, seconds: float) -> Clock:
        """Return a clock that kills a child when the waits add up to `seconds`."""
        return Clock(seconds, self._watchman)

    def take(self) -> _Child:
        """Return an idle child, or start one."""
        with self._lock:
            return self._idle.pop() if self._idle else _Child()

    def give_back(self, child: _Child) -> None:
        """Return a child to the pool."""
        with self._lock:
            self._idle.append(child)


class Decoding:
    """The pages of a file, to be iterated over once; the attributes are complete after that.

    Attributes
    ----------
    note : str
        What was left out by design; empty if nothing was.
    failed : list of PageResult
        Pages that could not be decoded, each with its error.
    code : str
        Code of the first of these errors; empty if there is none.
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

        A page that fails, crashes the decoder or takes too long does not affect the others.

        Raises
        ------
        InputError
            A subclass, if no page can be decoded.
        """
        clock = self._box.clock(self._limits.seconds)
        try:
            yield from self._pages(clock)
        finally:
            clock.stop()
        self._data = b""
        if not self._decoded:
            raise _known_error(self.code)(self.failed[0].error)

    def leave_out_rest(self, why: InputError) -> None:
        """Record the pages that were not yielded yet as failed; for when no further one is asked for."""
        self._fail_rest(why)

    def _pages(self, clock: Clock) -> Iterator[Page]:
        while not self._is_complete:
            child = self._box.take()
            try:
                with contextlib.ExitStack() as turn:
                    for grey in self._asked(child, clock, turn):
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

    def _asked(self, child: _Child, clock: Clock, turn: contextlib.ExitStack) -> Iterator[Grey]:
        """Decode from the due page on; `turn` holds the turn for a large page until that has come.

        Raises
        ------
        OSError
            If the child ends or leaves pages out; `ValueError`, `KeyError` or `TypeError` if its answers make no sense.
        """
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
            elif "needs" in answer:
                with contextlib.suppress(OSError):  # of somebody else; better without a turn than not at all
                    turn.enter_context(turn_for_large_page())
                child.go_on()
            elif "shape" in answer:
                height, width = answer["shape"]
                width = _within(width, limits.pixels // _within(height, limits.pixels))
                self._pixels += height * width
                if self._pixels > _MAX_FULL_PAGES * limits.pixels:
                    self._fail_rest(
                        ImageSizeError(
                            f"more than {_MAX_FULL_PAGES * limits.pixels:,} pixels on all its pages"
                        )
                    )
                    raise OSError("enough")
                with clock.watching(child):
                    grey = child.picture(height, width)
                turn.close()
                yield grey
            else:
                turn.close()
                error = _known_error(str(answer["code"]))(str(answer["error"]), hint=str(answer["hint"]))
                if self._count:
                    self._fail(error)
                else:
                    self._refused = error

    def _ended(self, child: _Child, clock: Clock) -> None:
        """Record what the end of a child costs: one page, or all that remain."""
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
        """Record the due page as failed."""
        self.code = self.code or error.code
        self.failed.append(PageResult(self._due, (0, 0), (), error.message))
        self._due += 1

    def _fail_rest(self, error: InputError) -> None:
        while not self._is_complete:
            self._fail(error)


def _why(status: int | None, clock: Clock, limits: Limits) -> InputError:
    if clock.has_struck:
        return TooSlowError(f"decoding took more than {limits.seconds:g} seconds")
    if status == -signal.SIGABRT:  # how libraries end that get no more memory
        return MemoryLimitError("decoding takes more memory than a page of its size may take")
    return DamagedImageError(
        f"the decoder crashed on it ({'signal' if status and status < 0 else 'status'} {abs(status or 0)})"
    )


def _known_error(code: str) -> type[InputError]:
    return next((kind for kind in InputError.__subclasses__() if kind.code == code), DamagedImageError)


class _Child:
    """A child process, which decodes one file at a time."""

    def __init__(self) -> None:
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", DECODER, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            start_new_session=True,  # Ctrl-C goes to the parent only
            pipesize=_PIPE_BYTES,
        )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Exit status, negative for a signal."""
        return self._process.returncode

    def ask(self, data: bytes, limits: Limits, first: int, last: int | None) -> None:
        """Send a file, of which the pages `first` to `last` (None: to the end) are to be decoded."""
        sink = _pipe(self._process.stdin)
        request = {"bytes": len(data), "first": first, "last": last, "limits": asdict(limits)}
        sink.write(json.dumps(request).encode() + b"\n")
        sink.write(data)
        sink.flush()

    def go_on(self) -> None:
        """Let it decode a large page."""
        sink = _pipe(self._process.stdin)
        sink.write(b"\n")
        sink.flush()

    def answer(self) -> dict[str, Any]:
        """Return the next answer."""
        return _header(_pipe(self._process.stdout))

    def picture(self, height: int, width: int) -> Grey:
        """Return the announced page, (height, width), uint8."""
        grey = np.empty((height, width), np.uint8)
        _read_into(_pipe(self._process.stdout), grey)
        return grey

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self) -> None:
        """End it and wait until it has ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def turn_for_large_page() -> FileLock:
    """Return the lock of those who decode a large page, in any process of this user on this machine.

    Returns
    -------
    FileLock
    """
    owner = os.getuid() if hasattr(os, "getuid") else ""
    return FileLock(Path(tempfile.gettempdir(), f"digitocr-{owner}-large-page.lock"))


def _end_all(children: list[_Child], watchman: Watchman) -> None:
    watchman.end()
    while children:
        children.pop().end()


def _pipe(stream: Any) -> BinaryIO:  # noqa: ANN401 - typed as optional by subprocess
    assert stream is not None
    return stream  # type: ignore[no-any-return]


def _header(source: BinaryIO) -> dict[str, Any]:
    line = source.readline(_HEADER_BYTES)
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
