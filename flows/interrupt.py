"""Ctrl-C: the first is answered at once, the second ends the process."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from digitocr.errors import ExitStatus

log = logging.getLogger("digitocr.flows")

FINISHING = "finishing the files that are being read; Ctrl-C again ends at once"

_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def announced(then: Callable[[], None]) -> Iterator[None]:
    """At Ctrl-C say that what is being read is finished first, which takes seconds; at the second one end at once.

    Ending at once loses nothing: a run can be killed at any moment.

    Parameters
    ----------
    then : callable
        Called at the first Ctrl-C.

    Yields
    ------
    None
    """

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, _end)
        log.warning(FINISHING)
        then()

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def finishing() -> Iterator[None]:
    """Say that what is being read is finished, and end at once at a Ctrl-C meanwhile.

    Yields
    ------
    None
    """
    log.warning(FINISHING)
    before = signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Have SIGTERM end the run as Ctrl-C does by default: what is being read is finished and recorded first.

    Yields
    ------
    None
    """
    before = signal.signal(signal.SIGTERM, lambda number, frame: interrupt())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def interrupt() -> None:
    """Do what Ctrl-C does by default.

    Raises
    ------
    KeyboardInterrupt
        Always.
    """
    raise KeyboardInterrupt


def _end(number: int, frame: FrameType | None) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(_SHOW_CURSOR)  # the progress bar hides it
        sys.stderr.flush()
    os._exit(ExitStatus.INTERRUPTED)
