"""When a file that is being written may be taken."""

from __future__ import annotations

import time
from collections.abc import Iterable

from digitocr.inbox.folder import Entry, look_again


class Stability:
    """Remembers since when files have been as they are; looks at neither clock nor disk itself.

    Parameters
    ----------
    seconds : float
        A file whose size and time have been still for this long is whole.

    Examples
    --------
    >>> from pathlib import Path
    >>> stability = Stability(2.0)
    >>> growing, grown = Entry(Path("a"), "a", 10, 1), Entry(Path("a"), "a", 20, 2)
    >>> [stability.look([entry], at) for entry, at in ((growing, 0.0), (grown, 1.0), (grown, 2.0))]
    [[], [], []]
    >>> [entry.size for entry in stability.look([grown], 3.0)]
    [20]
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[Entry, float] = {}

    def look(self, entries: Iterable[Entry], at: float) -> list[Entry]:
        """Return the entries that have been still long enough at this time.

        Parameters
        ----------
        entries : iterable of Entry
            All files of the folder.
        at : float
            Seconds on a clock that never goes back.
        """
        self._since = {entry: self._since.get(entry, at) for entry in entries}
        return [entry for entry, since in self._since.items() if at - since >= self._seconds]

    @property
    def is_waiting(self) -> bool:
        """Whether any file was there at the last look."""
        return bool(self._since)


class Still:
    """Tells whether a file has been left alone for a while; waits, once, where it was touched just now.

    Parameters
    ----------
    seconds : float
        As for :class:`Stability`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + seconds

    def __call__(self, entry: Entry) -> bool:
        """Return whether the file may be taken."""
        if entry.mtime_ns < 0 or age(entry) >= self._seconds:
            return True
        time.sleep(max(0.0, self._until - time.monotonic()))
        return look_again(entry) == entry


def age(entry: Entry) -> float:
    """Return for how many seconds a file has been as it is, by its times; 0 where it cannot be looked at.

    A copy may bring an old time of its content along, but not of its making.
    """
    try:
        seen = entry.path.stat()
    except OSError:
        return 0.0
    return time.time() - max(seen.st_mtime, seen.st_ctime)
