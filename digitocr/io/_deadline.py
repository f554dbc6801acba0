"""Deadlines of decoding: a clock counts the time spent waiting for a child; a watchman looks at all clocks."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from typing import Protocol

_TICK_S = 0.05
"""Minimum time between two looks at a clock."""


class Killable(Protocol):
    """A process that can be ended from another thread."""

    def kill(self) -> None:
        """End it at once."""


class Watchman:
    """One thread for all clocks; it looks at each clock when its time may be over."""

    def __init__(self) -> None:
        self._due: dict[Clock, float] = {}
        self._wakes = math.inf
        self._ended = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, clock: Clock, seconds: float) -> None:
        """Look at a clock after `seconds`, and again while it has time left."""
        with self._changed:
            self._ended = False
            self._due[clock] = due = time.monotonic() + max(seconds, _TICK_S)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="decoding clocks", daemon=True)
                self._thread.start()
            elif due < self._wakes:
                self._changed.notify()

    def forget(self, clock: Clock) -> None:
        """Stop looking at a clock; the thread is not notified, since one wake-up for nothing costs less."""
        with self._changed:
            self._due.pop(clock, None)

    def end(self) -> None:
        """End the thread; the next :meth:`watch` starts a new one."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _look(self) -> None:
        while due := self._waited():
            for clock in due:
                left = clock.look()
                with self._changed:
                    if clock in self._due:
                        self._due[clock] = time.monotonic() + max(left, _TICK_S)

    def _waited(self) -> list[Clock]:
        """Wait until clocks are due and return them; return none at the end."""
        with self._changed:
            while not self._ended:
                now = time.monotonic()
                if due := [clock for clock, at in self._due.items() if at <= now]:
                    return due
                self._wakes = min(self._due.values(), default=math.inf)
                self._changed.wait(None if math.isinf(self._wakes) else self._wakes - now)
            self._thread = None
            return []


class Clock:
    """Kills a child once the waits for it add up to the limit, which ends the current wait.

    Parameters
    ----------
    seconds : float
        Limit of all waits together; time between waits does not count.
    watchman : Watchman

    Attributes
    ----------
    has_struck : bool
        Whether a child was killed.
    """

    def __init__(self, seconds: float, watchman: Watchman) -> None:
        self.has_struck = False
        self._seconds = seconds
        self._spent = 0.0
        self._since = 0.0
        self._child: Killable | None = None  # while it is waited for
        self._lock = threading.Lock()
        self._watchman = watchman
        watchman.watch(self, seconds)

    @contextlib.contextmanager
    def watching(self, child: Killable) -> Iterator[None]:
        """Count the time of a wait for `child`."""
        with self._lock:
            self._child, self._since = child, time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._child = None
                self._spent += time.monotonic() - self._since

    def stop(self) -> None:
        """Stop counting."""
        self._watchman.forget(self)

    def look(self) -> float:
        """Kill the child if its time is over; return the seconds that are left."""
        with self._lock:
            waited = time.monotonic() - self._since if self._child else 0.0
            left = self._seconds - self._spent - waited
            if self._child and left <= 0:
                self.has_struck = True
                self._child.kill()
            return left
