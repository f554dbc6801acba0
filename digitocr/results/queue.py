"""The table of what waits for a person, who may be filling it in meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from digitocr import atomic
from digitocr.errors import UsageError
from digitocr.results import queue_file, tables
from digitocr.results.items import queue_row
from digitocr.store.ledger import Ledger
from digitocr.store.records import now

_TYPED = len(tables.QUEUE) - 2
"""From this column on, people fill it in."""

_Kept = Mapping[str, queue_file.Typed]
"""Rows by their review id."""


def path(review: Path) -> Path:
    """Return where the queue lies in a review folder.

    Parameters
    ----------
    review : Path

    Returns
    -------
    Path
    """
    return review / "queue.csv"


def write(review: Path, ledger: Ledger, job: int, settled: frozenset[str], before: str | None) -> bool:
    """Write the queue; start over if somebody saved it in the meantime.

    Parameters
    ----------
    review : Path
        The review folder.
    ledger : Ledger
    job : int
    settled : frozenset of str
        Rows whose corrections are in the ledger; other rows that were filled in are kept.
    before : str or None
        Only what waits of files before this one.

    Returns
    -------
    bool
        Whether all that it holds is from the ledger, so that :func:`add` can add to it.
    """
    while True:
        stamp = atomic.stamp(path(review))
        kept = _kept(review, ledger, job, settled)
        rows = _rows(ledger, job, kept, before)
        if tables.write_queue(review, rows, only_if=partial(_is_as, path(review), stamp)):
            return not kept


def add(
    review: Path, stamp: tuple[int, ...], ledger: Ledger, job: int, after: str, before: str | None
) -> bool:
    """Write the queue again, with what waits of further files at its end.

    Parameters
    ----------
    review : Path
        The review folder.
    stamp : tuple of int
        Of the queue as it was written.
    ledger : Ledger
    job : int
    after : str
        The last file of which it shows what waits.
    before : str or None
        Only what waits of files before this one.

    Returns
    -------
    bool
        False if somebody has saved it since, or it must also hold what waits in another job; then it is as it was.
    """
    if ledger.items.others_wait(job):
        return False
    rows = ((*queue_row(item), "", "") for item in ledger.items.waiting(job, after, before))
    further = tables.lines(tables.QUEUE, rows, header=False)
    return tables.add(path(review), further, only_if=partial(_is_as, path(review), stamp))


def _kept(review: Path, ledger: Ledger, job: int, settled: frozenset[str]) -> _Kept:
    """Return the rows of which something is kept: people filled them in, or another job may need them."""
    others = ledger.items.others_wait(job)
    return {
        row.review_id: row
        for row in _typed(path(review))
        if row.review_id not in settled and (row.is_filled or others)
    }


def _rows(ledger: Ledger, job: int, kept: _Kept, before: str | None) -> Iterator[tables.Row]:
    """Yield what waits, with what people filled in so far; then rows of other jobs and rows not yet applied."""
    left = dict(kept)
    for item in ledger.items.waiting(job, before=before):
        row = left.pop(item.review_id, None)
        own = tuple(row.cells[column] for column in tables.QUEUE[_TYPED:]) if row else ("", "")
        yield (*queue_row(item), *own)
    for row in left.values():
        if row.is_filled or ledger.items.waits_elsewhere(job, row.review_id):
            yield tuple(row.cells[column] for column in tables.QUEUE)


def _is_as(table: Path, stamp: tuple[int, ...]) -> bool:
    return atomic.stamp(table) == stamp


def _typed(table: Path) -> Iterator[queue_file.Typed]:
    try:
        yield from queue_file.read_queue(table)
    except UsageError:
        # somebody may have typed into it
        atomic.copy(table, table.with_name(f"queue.unreadable-{now().replace(':', '')}.csv"))
