"""The files that a run holds: claimed, and not settled yet."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from digitocr.inbox.settle import Claimed

Chunk = tuple[int, ...]
"""Ids of claimed files that are read together."""


class Held:
    """Claimed files by id, for any thread; some of them are put off to the end of the run."""

    def __init__(self) -> None:
        self._files: dict[int, Claimed] = {}
        self._put_off: deque[int] = deque()
        self._lock = threading.Lock()  # never held while another lock is taken

    def add(self, claimed: Claimed) -> None:
        """Hold a file."""
        with self._lock:
            self._files[claimed.known.id] = claimed

    def of(self, chunk: Chunk) -> list[Claimed]:
        """Return the files of a chunk."""
        with self._lock:
            return [self._files[identity] for identity in chunk]

    def count_attempt(self, chunk: Chunk) -> None:
        """Count an attempt for each file of a chunk."""
        with self._lock:
            for identity in chunk:
                claimed = self._files[identity]
                known = replace(claimed.known, attempts=claimed.known.attempts + 1)
                self._files[identity] = replace(claimed, known=known)

    def drop(self, chunk: Chunk) -> None:
        """Hold the files of a chunk no longer."""
        with self._lock:
            for identity in chunk:
                del self._files[identity]

    def put_off(self, ids: Sequence[int]) -> None:
        """Have files taken up by themselves when all others are settled."""
        with self._lock:
            self._put_off.extend(ids)

    def take_up(self) -> int | None:
        """Return the next file that was put off; None if there is none."""
        with self._lock:
            return self._put_off.popleft() if self._put_off else None

    def first(self) -> str | None:
        """Return the first in the tables of these files, those that are put off left out."""
        with self._lock:
            of_now = self._files.keys() - self._put_off
            return min((self._files[identity].known.file for identity in of_now), default=None)
