"""A card in the inbox that says who reads it, for machines whose locks do not reach each other.

``flock`` on a network share may hold on one machine only: over SMB or FUSE, or NFS mounted without its lock service.
A file that must not exist is created by one machine only, on any of them. Its holder touches it every few seconds; one
that is no longer touched was left behind by a kill. No clocks are compared, since those of the machines may differ.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from digitocr.errors import BusyError

NAME = ".digitocr-runner.json"

WHO = "{purpose} (process {pid} on {host}, since {since})"
"""How people are told of the holder of a lock."""

BEAT_S = 2.0
"""Time between two touches."""

SILENT_S = 10.0
"""A card that was not touched for this long has no holder any more."""

_DOUBT_S = 0.2
"""Of two that take over at once, the later one renames the card of the earlier within this time."""


@contextmanager
def held(inbox: Path, who: Mapping[str, Any], hint: str) -> Iterator[None]:
    """Hold the card of an inbox; where none can be written, nothing is held.

    Parameters
    ----------
    inbox : Path
    who : mapping of str to object
        With the keys pid, host, purpose and since.
    hint : str
        For those who find it held.

    Yields
    ------
    None

    Raises
    ------
    BusyError
        If another machine, or a process here, holds it.
    """
    path, token = inbox / NAME, secrets.token_hex(8)
    content = json.dumps({**who, "token": token}).encode() + b"\n"
    with suppress(OSError):  # a folder that cannot be written
        if not (_create(path, content) or _took_over(path, content, token, who)):
            raise BusyError(f"{_holder(path)} holds the inbox {inbox}", hint=hint)
    ended = threading.Event()
    beats = threading.Thread(target=_beat, args=(path, ended), name="card of the inbox", daemon=True)
    beats.start()
    try:
        yield
    finally:
        ended.set()
        beats.join()
        with suppress(OSError):
            if _read(path).get("token") == token:
                path.unlink()


def _holder(path: Path) -> str:
    card = _read(path)
    return WHO.format_map(card) if card else "another run"


def _create(path: Path, content: bytes) -> bool:
    """Create a card, unless there is one.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    try:
        with path.open("xb") as stream:
            stream.write(content)
    except FileExistsError:
        return False
    return True


def _took_over(path: Path, content: bytes, token: str, who: Mapping[str, Any]) -> bool:
    """Replace a card that was left behind; False if it has a holder.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if _is_alive(path, who):
        return False
    aside = path.with_name(f"{NAME}.{token}")  # only one of several machines can rename it
    with suppress(FileNotFoundError):
        path.rename(aside)
        aside.unlink()
    if not _create(path, content):
        return False
    time.sleep(_DOUBT_S)
    return bool(_read(path).get("token") == token)


def _is_alive(path: Path, who: Mapping[str, Any]) -> bool:
    card = _read(path)
    if card.get("host") == who["host"] and not runs(card.get("pid")):
        return False
    seen, until = _touched(path), time.monotonic() + SILENT_S
    while seen is not None and time.monotonic() < until:
        time.sleep(min(0.2, BEAT_S))
        now = _touched(path)
        if now is not None and now != seen:
            return True
        seen = now
    return False


def runs(pid: object) -> bool:
    """Tell whether a process of this machine runs.

    Parameters
    ----------
    pid : object
        Its number, as some file says.

    Returns
    -------
    bool
    """
    try:
        os.kill(int(str(pid)), 0)
    except PermissionError:  # another user's
        return True
    except (OSError, ValueError):
        return False
    return True


def _touched(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT_S):
        with suppress(OSError):
            os.utime(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and {"pid", "host", "purpose", "since"} <= found.keys() else {}
