"""When a file that is being written may be taken."""

from __future__ import annotations

import time
from collections.abc import Iterable

from digitocr.inbox.scan import FoundFile, look_again


class Stability:
    """Remembers since when each file has been as it is; uses neither clock nor disk itself.

    Parameters
    ----------
    seconds : float
        A file whose size and time have been the same for this long is whole.

    Examples
    --------
    >>> from pathlib import Path
    >>> stability = Stability(2.0)
    >>> growing, grown = FoundFile(Path("a"), "a", 10, 1), FoundFile(Path("a"), "a", 20, 2)
    >>> [stability.look([found], at) for found, at in ((growing, 0.0), (grown, 1.0), (grown, 2.0))]
    [[], [], []]
    >>> [found.size for found in stability.look([grown], 3.0)]
    [20]
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[FoundFile, float] = {}

    def look(self, files: Iterable[FoundFile], at: float) -> list[FoundFile]:
        """Return the files that have been still long enough.

        Parameters
        ----------
        files : iterable of FoundFile
            All files of the folder.
        at : float
            Seconds on a clock that never goes back.

        Returns
        -------
        list of FoundFile
        """
        self._since = {found: self._since.get(found, at) for found in files}
        return [found for found, since in self._since.items() if at - since >= self._seconds]


class Still:
    """Tells whether a file has been left alone for a while; waits, once, for those touched just now.

    Parameters
    ----------
    seconds : float
        As for :class:`Stability`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + seconds

    def __call__(self, found: FoundFile) -> bool:
        """Return whether the file may be taken."""
        if found.mtime_ns < 0 or isinstance(found.path, str) or age(found) >= self._seconds:
            return True  # an object appears as a whole
        time.sleep(max(0.0, self._until - time.monotonic()))
        return look_again(found) == found


def age(found: FoundFile) -> float:
    """Return for how long a file has been as it is, by its times.

    A copy may keep the modification time of its content, but not its own creation time. Times in the future, from a
    clock that is ahead of ours, say nothing.

    Parameters
    ----------
    found : FoundFile

    Returns
    -------
    float
        Seconds; 0 if the file cannot be looked at or all its times lie in the future.
    """
    at = time.time()
    if isinstance(found.path, str):
        return max(0.0, at - found.mtime_ns / 1e9)
    try:
        seen = found.path.stat()
    except OSError:
        return 0.0
    return at - max((stamp for stamp in (seen.st_mtime, seen.st_ctime) if stamp <= at), default=at)
