"""Hostile files decoded in a process of its own, which may take so much time and memory and no more.

Who can put a file into the inbox may be anyone: a mail gateway, a scanner in a corridor. Such a person chooses
the bytes, the name, the time and what kind of thing it is, and wants to crash or stop the program, to have it read
or write elsewhere, to take it over, or to have a wrong number accepted unseen. Against this stand:

- bytes: here. Picture and PDF libraries are large and written in C. Whatever a file makes one of them do happens
  in a child that has no results to write, no file it may grow, none of our environment, and no Python objects to
  send back: it answers in plain numbers and bytes, which are checked. A page that crashes it costs that page.
- names and links: :mod:`digitocr.inbox`. No name reaches a terminal, a table or a path as it came; links out of the
  folder are not followed; what is written is new, never written through a link.
- cells: :func:`digitocr.results.defuse`. No cell is a formula.
- time: a file is what it is by its content, looked at before, while and after it is read and moved.

Not stood against: another program of the same user, or who may write our folders; that is what permissions are for.
``docs/security.md`` says the same to who runs it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import weakref
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from PIL import Image

from digitocr import pages
from digitocr.errors import (
    DamagedImageError,
    FileAccessError,
    FileSizeError,
    ImageSizeError,
    InputError,
    TooSlowError,
)
from digitocr.records import Decoded, Grey, Limits, Page, PageResult

_START = "import sys; sys.path.insert(0, sys.argv[1]); from digitocr import sandbox; sandbox.serve()"

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


@dataclass
class _Progress:
    """What came from children so far."""

    count: int = 0
    note: str = ""
    pixels: int = 0
    pages: list[Page] = field(default_factory=list)
    failed: list[PageResult] = field(default_factory=list)
    code: str = ""

    @property
    def next(self) -> int:
        return len(self.pages) + len(self.failed) + 1

    @property
    def is_complete(self) -> bool:
        return 0 < self.count < self.next

    def fail(self, error: InputError) -> None:
        """Give the next page up."""
        self.code = self.code or error.code
        self.failed.append(PageResult(self.next, (0, 0), (), error.message))

    def fail_rest(self, error: InputError) -> None:
        """Give all pages up that are due."""
        while not self.is_complete:
            self.fail(error)

    def decoded(self) -> Decoded:
        return Decoded(tuple(self.pages), tuple(self.failed), self.code, self.note)


class Sandbox:
    """Children that decode; safe to share between threads, each of which gets a child of its own.

    They end with this object, when it is closed, or with this process, however that ends.
    """

    def __init__(self) -> None:
        self._idle: list[_Child] = []
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(self, _end_all, self._idle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all children."""
        self._finalizer()

    def decode(self, data: bytes, limits: Limits) -> Decoded:
        """Decode a file.

        Parameters
        ----------
        data : bytes
            The whole file.
        limits : Limits

        Returns
        -------
        Decoded
            A page that cannot be decoded, crashes its decoder or takes too long does not take the others with it.

        Raises
        ------
        InputError
            One of its kinds, where no page can be decoded.
        """
        got = _Progress()
        with _Clock(limits.seconds) as clock:
            while not got.is_complete:
                try:
                    self._ask(data, limits, got, clock)
                except _EndedError as ended:
                    if not got.count or clock.has_struck:
                        error = _why(ended, clock, limits)
                        if not got.pages:
                            raise error from None
                        got.fail_rest(error)
                        break
                    got.fail(_why(ended, clock, limits))
        if not got.pages:
            raise _known_error(got.code)(got.failed[0].error)
        return got.decoded()

    def _ask(self, data: bytes, limits: Limits, got: _Progress, clock: _Clock) -> None:
        with self._lock:
            child = self._idle.pop() if self._idle else None
        child = child or _Child()
        try:
            clock.watch(child)
            child.ask(data, limits, got)
        except BaseException as error:
            clock.forget()
            child.end()
            if isinstance(error, (OSError, ValueError, KeyError, TypeError)):
                raise _EndedError(child.status) from error
            raise
        finally:
            clock.forget()
        with self._lock:
            self._idle.append(child)


class _EndedError(Exception):
    """A child ended, or said what it may not say."""

    def __init__(self, status: int | None) -> None:
        self.status = status


def _why(ended: _EndedError, clock: _Clock, limits: Limits) -> InputError:
    if clock.has_struck:
        return TooSlowError(f"decoding took more than {limits.seconds:g} seconds")
    status = ended.status
    return DamagedImageError(
        f"its decoder ended on it ({'signal' if status and status < 0 else 'status'} {abs(status or 0)})"
    )


def _known_error(code: str) -> type[InputError]:
    return next((kind for kind in InputError.__subclasses__() if kind.code == code), DamagedImageError)


class _Clock:
    """Kills the child that is being watched when the time is up, which ends any wait for it."""

    def __init__(self, seconds: float) -> None:
        self._struck = threading.Event()
        self._child: _Child | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._strike)
        self._timer.daemon = True

    def __enter__(self) -> _Clock:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    @property
    def has_struck(self) -> bool:
        """Whether the time is up."""
        return self._struck.is_set()

    def watch(self, child: _Child) -> None:
        """Have a child killed when the time is up, or now if it is."""
        with self._lock:
            self._child = child
            if self.has_struck:
                child.kill()

    def forget(self) -> None:
        """Let the child live."""
        with self._lock:
            self._child = None

    def _strike(self) -> None:
        with self._lock:
            self._struck.set()
            if self._child:
                self._child.kill()


class _Child:
    """A process that decodes one file after the other."""

    def __init__(self) -> None:
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, str(Path(__file__).parent.parent)],
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

    def ask(self, data: bytes, limits: Limits, got: _Progress) -> None:
        """Have a file decoded from the page on that is due; raises where the child ends or talks nonsense."""
        sink, source = _pipe(self._process.stdin), _pipe(self._process.stdout)
        request = {"bytes": len(data), "first": got.next, "limits": asdict(limits)}
        sink.write(json.dumps(request).encode() + b"\n")
        sink.write(data)
        sink.flush()
        while True:
            answer = _header(source)
            if "end" in answer:
                return
            if "count" in answer:
                got.count, got.note = _within(answer["count"], limits.pages), str(answer["note"])
            elif "shape" in answer:
                height, width = answer["shape"]
                width = _within(width, limits.pixels // _within(height, limits.pixels))
                got.pixels += height * width
                if got.pixels > _PAGES_FULL * limits.pixels:
                    raise ImageSizeError(
                        f"more than {_PAGES_FULL * limits.pixels:,} pixels on all its pages",
                        hint="split it, or scan with a lower resolution",
                    )
                grey = np.empty((height, width), np.uint8)
                _read_into(source, grey)
                got.pages.append(Page(got.next, grey))
            else:
                error = _known_error(str(answer["code"]))(str(answer["error"]), hint=str(answer["hint"]))
                if not got.count:
                    raise error
                got.fail(error)

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


def _end_all(children: list[_Child]) -> None:
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
        _answer(sink, source.read(request["bytes"]), limits, request["first"])
        sink.write(b'{"end": true}\n')
        sink.flush()


def _answer(sink: BinaryIO, data: bytes, limits: Limits, first: int) -> None:
    try:
        with pages.opened(data, limits) as document:
            _say(sink, count=document.count, note=document.note)
            for index in range(first, document.count + 1):
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
