"""What a run leaves for people to see: the numbers it has read, and the totals of the results folder."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from digitocr.records import FileStatus
from digitocr.results.tables import NUMBERS
from digitocr.settings import Settings
from digitocr.store.ledger import Ledger
from digitocr.store.statistics import Statistics


@dataclass(frozen=True, slots=True)
class Totals:
    """What a results folder holds.

    Attributes
    ----------
    files, numbers, digits : int
    review : int
        Numbers that wait for a person; a page without any counts as one.
    failed : int
        Files that could not be read.
    """

    files: int = 0
    numbers: int = 0
    digits: int = 0
    review: int = 0
    failed: int = 0


def totals(settings: Settings) -> Totals:
    """Count what the results folder holds.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    Totals
    """
    with Ledger(settings.ledger, read_only=True) as ledger:
        job = ledger.find_job(settings.results)
        if job is None:
            return Totals()
        counts = Statistics(ledger.database, job)
        by_status = counts.files()
        return Totals(
            files=sum(files for _, files, _, _ in by_status),
            numbers=sum(numbers for _, _, numbers, _ in by_status),
            digits=sum(digits for *_, digits in by_status),
            review=counts.waiting_numbers(),
            failed=sum(files for status, files, _, _ in by_status if status == FileStatus.FAILED),
        )


def numbers_of_last_run(settings: Settings) -> list[dict[str, str]]:
    """Return the rows of the table of numbers that the last run has made.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    list of dict of str to str
        By column.
    """
    with Ledger(settings.ledger, read_only=True) as ledger:
        job = ledger.find_job(settings.results)
        runs = ledger.runs(job, 1) if job else []
        if job is None or not runs:
            return []
        lines = ledger.published.number_lines_since(job, runs[0].started)
        return list(csv.DictReader(io.StringIO("".join(lines), newline=""), NUMBERS))
