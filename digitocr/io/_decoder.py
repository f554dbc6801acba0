"""The decoder: what runs in the sandbox's child process. :mod:`digitocr.io.sandbox` is its parent.

The protocol: the parent sends one JSON line (byte count, first and last page, limits) and the bytes of the file.
The child answers with JSON lines: ``count`` and ``note`` of the file; then for each page ``shape`` followed by its
grey pixels, or ``code``, ``error`` and ``hint``; at last ``end``. Before a large page it says what it ``needs``, and
waits for a line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from digitocr.errors import InputError, MemoryLimitError
from digitocr.io import pages
from digitocr.records import Limits

_OPENING_BYTES = 150_000_000
"""Maximum memory for opening a file and its page, beside what the pixels of the page take."""

_COPIES = 3
"""Of the bytes of a file."""

_LARGE_BYTES = 600_000_000
"""Pages that may take more memory are decoded one at a time, by whichever process."""

_UNKNOWN_BYTES = 1 << 30
"""Address space of an idle child where the system does not tell it."""

_MAX_TEXT_CHARS = 2000
"""Longer texts of errors and notes are cut."""


def serve() -> None:
    """Decode the files that come on standard input, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source = sys.stdin.buffer
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(
        os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
    )  # what libraries print must not mix with answers
    Image.MAX_IMAGE_PIXELS = None  # our own limit comes first
    while line := source.readline():
        request = json.loads(line)
        limits = Limits(**request["limits"])
        idle = _address_space() + _COPIES * request["bytes"]

        def reserve(need: int, idle: int = idle, limits: Limits = limits) -> None:
            need += _OPENING_BYTES
            if need > limits.memory:
                raise MemoryLimitError(
                    f"decoding may take {need // 10**6:,} MB, the limit is {limits.memory // 10**6:,} MB"
                )
            if need > _LARGE_BYTES:
                _say(sink, needs=need)
                source.readline()
            _restrict(idle + need)

        _restrict(idle + _OPENING_BYTES)
        _answer(sink, source.read(request["bytes"]), limits, request["first"], request["last"], reserve)
        sink.write(b'{"end": true}\n')
        sink.flush()


def _answer(
    sink: BinaryIO,
    data: bytes,
    limits: Limits,
    first: int,
    last: int | None,
    reserve: Callable[[int], None],
) -> None:
    try:
        with pages.opened(data, limits, reserve) as document:
            _say(sink, count=document.count, note=document.note)
            for index in range(first, min(last or document.count, document.count) + 1):
                try:
                    grey = np.ascontiguousarray(document.page(index))
                except InputError as error:
                    _say(sink, code=error.code, error=error.message, hint=error.hint)
                else:
                    _say(sink, shape=grey.shape)
                    sink.write(grey.data)
                    sink.flush()  # the next page may crash this process
    except InputError as error:
        _say(sink, code=error.code, error=error.message, hint=error.hint)


def _say(sink: BinaryIO, **answer: object) -> None:
    text = {
        name: value[:_MAX_TEXT_CHARS] if isinstance(value, str) else value for name, value in answer.items()
    }
    sink.write(json.dumps(text).encode() + b"\n")
    sink.flush()


def _address_space() -> int:
    """Return how many bytes of addresses this process has now."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return _UNKNOWN_BYTES


def _restrict(memory: int) -> None:
    """Bound the address space of this process, and forbid it to write files."""
    if os.name == "nt":
        return
    import resource

    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, hard))
