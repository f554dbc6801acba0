"""Locks: one runner per state folder and per inbox.

All locks of the program, in the order in which they are taken; whoever holds one takes only those below it:

1. ``run.lock`` in the state folder, a file lock: one runner (a run, retry, forget, retention) per ledger.
2. ``flock`` on the inbox folder itself, and a card in it (:mod:`digitocr.inbox.card`), since on a network share the
   former may hold on one machine only: one runner per inbox, whatever the state folder.
3. The lock of the threads of this process before ``tables.lock``, in :func:`digitocr.results.publish.writing`.
4. ``tables.lock`` in the state folder, a file lock in the same place: one writer of tables, be it a runner, corrections
   or the review page.
5. The lock of the threads of this process in :class:`digitocr.store.database.Database`, then SQLite's own.

The first two are refused at once if another holds them (`BusyError`); the others are waited for. Locks within
:mod:`digitocr.inbox` that are not listed guard memory only, and no other lock is taken under them.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from digitocr import atomic
from digitocr.errors import BusyError, OutputError
from digitocr.inbox import card
from digitocr.store.ledger import now

_HINT = "wait for it to end, or give another folder its own --state"

_HOLDER = "run.holder.json"
"""Names the holder of ``run.lock``; it may outlive its writer."""


@contextmanager
def only_runner(state: Path, inbox: Path | None, purpose: str) -> Iterator[None]:
    """Be the only runner of a state folder and, if given, of an inbox.

    Parameters
    ----------
    state : Path
    inbox : Path or None
        One that is missing is not held.
    purpose : str
        What the runner does, for others that find the lock held.

    Raises
    ------
    BusyError
        If another process is the runner; it names that process.
    OutputError
        If the lock cannot be made.
    """
    atomic.make_folder(state, atomic.PRIVATE)
    me = {"pid": os.getpid(), "host": socket.gethostname(), "purpose": purpose, "since": now()}
    with ExitStack() as locks:
        locks.enter_context(_hold(state / "run.lock", lambda: _busy(state)))
        if inbox is not None and inbox.is_dir():
            locks.enter_context(_hold_folder(inbox))
            locks.enter_context(card.held(inbox, me, _HINT))
        atomic.write(state / _HOLDER, (json.dumps(me) + "\n").encode(), durable=False)
        try:
            yield
        finally:
            with suppress(OSError):
                (state / _HOLDER).unlink(missing_ok=True)


def holder(state: Path) -> dict[str, Any]:
    """Tell who runs in a state folder.

    Parameters
    ----------
    state : Path

    Returns
    -------
    dict
        With the keys pid, host, purpose and since; empty if no one is known to run.
    """
    return living(state / _HOLDER)


def living(path: Path) -> dict[str, Any]:
    """Return what a process wrote of itself into a file.

    Parameters
    ----------
    path : Path
        One JSON object, with the keys pid and host at least.

    Returns
    -------
    dict
        Empty if there is no such file, or the process was one of this machine and has ended.
    """
    try:
        found = _read(path)
        is_alive = found["host"] != socket.gethostname() or card.runs(found["pid"])
    except (OSError, ValueError, KeyError):
        return {}
    return found if is_alive else {}


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


@contextmanager
def _hold(path: Path, busy: Callable[[], BusyError]) -> Iterator[None]:
    try:
        lock = FileLock(path, timeout=0)
        lock.acquire()
    except Timeout:
        raise busy() from None
    except OSError as error:
        raise OutputError(f"cannot lock {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _hold_folder(folder: Path) -> Iterator[None]:
    """Lock a folder itself; Windows cannot.

    Raises
    ------
    BusyError
        If another process holds it.
    """
    if os.name == "nt":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"another process holds the inbox {folder}", hint=_HINT) from None
        yield
    finally:
        os.close(descriptor)


def _busy(state: Path) -> BusyError:
    try:
        who = card.WHO.format_map(_read(state / _HOLDER))
    except (OSError, ValueError, KeyError):
        who = "another process"
    return BusyError(f"{who} holds the state folder {state}", hint=_HINT)
