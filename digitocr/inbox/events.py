"""What became of a file: a line for people, an entry of the log, a notice to another program."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass

from digitocr.records import FileStatus
from digitocr.store.records import Known, Outcome

log = logging.getLogger("digitocr.events")
"""One line for each settled file; terminals get those of failures, a watcher's and those with ``--verbose`` all."""


def counted(count: int, what: str) -> str:
    """Return a number of things in words.

    Parameters
    ----------
    count : int
    what : str
        Of one of them.

    Returns
    -------
    str

    Examples
    --------
    >>> counted(1, "file"), counted(0, "file")
    ('1 file', '0 files')
    """
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def found(numbers: int, review: int) -> str:
    """Say how many numbers were found, and how many of them wait for a person.

    Parameters
    ----------
    numbers, review : int

    Returns
    -------
    str
    """
    return f"{counted(numbers, 'number')}, {review} for review"


@dataclass(frozen=True, slots=True)
class Settled:
    """A file that was read, given up or found to be a duplicate; the keys of its entry in the log and of its notice.

    Attributes
    ----------
    run : int
        Number of the run in the ledger.
    file, sha256, status, code, error : str
        As in ``files.csv``; `code` is that of the error.
    pages, numbers, digits : int
    review : int
        Numbers that wait for a person.
    seconds : float
        Time that reading took.
    model : str
    """

    run: int
    file: str
    sha256: str
    status: str
    code: str
    error: str
    pages: int
    numbers: int
    digits: int
    review: int
    seconds: float
    model: str

    def __str__(self) -> str:
        """Return the line for people."""
        if self.status == FileStatus.FAILED:
            return f"{self.file}: {self.error}"
        if self.status == FileStatus.DUPLICATE:
            return f"{self.file}: {self.error.replace('of:', 'duplicate of ', 1)}"
        also = f"; {self.error}" if self.error else ""
        return f"{self.file}: {found(self.numbers, self.review)}{also}"

    @property
    def level(self) -> int:
        """How loud the line is."""
        levels = {FileStatus.FAILED.value: logging.ERROR, FileStatus.PARTIAL.value: logging.WARNING}
        return levels.get(self.status, logging.INFO)

    def tell(self) -> None:
        """Log it."""
        log.log(self.level, "%s", self, extra={"event": asdict(self)})


def settled(run: int, known: Known, outcome: Outcome) -> Settled:
    """Say what became of a file.

    Parameters
    ----------
    run : int
        Number of the run in the ledger.
    known : Known
        The file, as the ledger knew it before.
    outcome : Outcome

    Returns
    -------
    Settled
    """
    return Settled(
        run=run,
        file=known.file,
        sha256=known.sha256,
        status=outcome.status,
        code=outcome.error_code,
        error=outcome.error,
        pages=outcome.pages,
        numbers=outcome.numbers,
        digits=outcome.digits,
        review=outcome.review,
        seconds=round(outcome.seconds, 3),
        model=outcome.model,
    )
