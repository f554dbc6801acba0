"""Counts for the front page of the review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from digitocr.records import Status
from digitocr.store.database import Database
from digitocr.store.review import UNSURE_ALONE

_OF_THIS_READING = "JOIN file AS f ON f.id = l.file AND f.processed_at = l.read_at"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that was read, as a list of files shows it.

    Attributes
    ----------
    id : int
    file : str
        Name in the tables.
    status : str
    pages, numbers : int
    waiting : int
        Numbers that wait for a person.
    error_code, error : str
    processed_at : str
    """

    id: int
    file: str
    status: str
    pages: int
    numbers: int
    waiting: int
    error_code: str
    error: str
    processed_at: str


class Statistics:
    """Counts of one job.

    Parameters
    ----------
    database : Database
    job : int
    """

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job

    def files(self) -> list[tuple[str, int, int, int]]:
        """Return status, files, numbers and digits, the most frequent status first."""
        return self._rows(
            "SELECT status, count(*), sum(numbers), sum(digits) FROM file WHERE job = :job AND status <> ''"
            " GROUP BY status ORDER BY count(*) DESC"
        )

    def failed(self, limit: int) -> list[tuple[str, str]]:
        """Return name and message of files that failed or were read in part, the latest first."""
        return self._rows(
            "SELECT file, error FROM file WHERE job = :job AND status IN ('failed', 'partial')"
            " ORDER BY processed_at DESC LIMIT :limit",
            limit=limit,
        )

    def waiting_numbers(self) -> int:
        """Return how many numbers have items that wait."""
        return self._count(
            "SELECT count(*) FROM (SELECT DISTINCT file, page, number FROM item WHERE job = :job AND waits = 1)"
        )

    def illegible_numbers(self) -> int:
        """Return how many numbers nobody can read, as the tables show it."""
        return self._count(
            "SELECT count(*) FROM (SELECT DISTINCT file, page, number FROM item WHERE job = :job AND waits = 0"
            " AND reasons LIKE '%illegible%')"
        )

    def settled_numbers(self) -> tuple[int, int]:
        """Return how many numbers people confirmed, and how many they corrected, as the tables show it."""
        found = (
            f"sum((length(number_lines) - length(replace(number_lines, ',{status},', ''))) / {len(status) + 2})"
            for status in (Status.CONFIRMED, Status.CORRECTED)
        )
        confirmed, corrected = self._rows(f"SELECT {', '.join(found)} FROM file WHERE job = :job")[0]
        return int(confirmed or 0), int(corrected or 0)

    def doubted_numbers(self) -> int:
        """Return how many numbers have items, settled ones included."""
        return self._count(
            "SELECT count(*) FROM (SELECT DISTINCT file, page, number FROM item WHERE job = :job AND number > 0)"
        )

    def reasons(self) -> list[tuple[str, int]]:
        """Return the reasons of numbers that wait, joined by ``;``, and how many have them."""
        return self._rows(
            "SELECT reasons, count(*) FROM"
            " (SELECT DISTINCT file, page, number, reasons FROM item WHERE job = :job AND waits = 1) GROUP BY reasons"
        )

    def waiting_files(self, limit: int) -> list[tuple[int, str, int]]:
        """Return id and name of files with numbers that wait, by name, and how many these are."""
        return self._rows(
            "SELECT f.id, f.file, count(*) FROM"
            " (SELECT DISTINCT file, page, number FROM item WHERE job = :job AND waits = 1) AS i"
            " JOIN file AS f ON f.id = i.file GROUP BY f.id ORDER BY f.file LIMIT :limit",
            limit=limit,
        )

    def list_files(self, status: str, text: str, limit: int, offset: int) -> list[ListedFile]:
        """Return files by name: those of a status and with a text in their name, each where that is not ''."""
        rows = self._rows(
            "SELECT id, file, status, pages, numbers, (SELECT count(*) FROM (SELECT DISTINCT page, number FROM item"
            " WHERE item.file = file.id AND waits = 1)), error_code, error, processed_at FROM file"
            " WHERE job = :job AND status <> '' AND (:status = '' OR status = :status) AND instr(file, :text)"
            " ORDER BY file LIMIT :limit OFFSET :offset",
            status=status,
            text=text,
            limit=limit,
            offset=offset,
        )
        return [ListedFile(*row) for row in rows]

    def file_name(self, file: int) -> str:
        """Return the name of a file in the tables, '' where the job has no such file."""
        rows = self._rows("SELECT file FROM file WHERE job = :job AND id = :file", file=file)
        return str(rows[0][0]) if rows else ""

    def fields(self) -> list[str]:
        """Return the fields of which anything waits."""
        rows = self._rows(
            "SELECT DISTINCT field FROM item WHERE job = :job AND waits = 1 AND field <> '' ORDER BY field"
        )
        return [name for (name,) in rows]

    def digits(self) -> list[tuple[int, int]]:
        """Return the digits of which nothing else is odd, as they were read, and how many of each wait."""
        reasons = ", ".join(f"'{reasons}'" for reasons in UNSURE_ALONE)
        return self._rows(
            "SELECT digit, count(*) FROM item WHERE job = :job AND waits = 1 AND digit IS NOT NULL"
            f" AND reasons IN ({reasons}) GROUP BY digit ORDER BY digit"
        )

    def open_looks(self) -> dict[str, int]:
        """Return how many further looks of each kind are open."""
        return dict(
            self._rows(
                f"SELECT l.look, count(*) FROM further_look AS l {_OF_THIS_READING}"
                " WHERE l.job = :job AND closed_by IS NULL GROUP BY l.look"
            )
        )

    def audited(self) -> tuple[int, int]:
        """Return how many audited numbers are settled, and how many of them were read wrongly."""
        looked, wrong = self._rows(
            "SELECT count(*), coalesce(sum(l.answer <> json_extract(l.texts, '$[0]')), 0)"
            f" FROM further_look AS l {_OF_THIS_READING}"
            " WHERE l.job = :job AND l.look = 'audit' AND l.answer IS NOT NULL"
        )[0]
        return int(looked), int(wrong)

    def decisions(self) -> int:
        """Return how many decisions were made; undoing one is none."""
        return self._count("SELECT count(*) FROM decision WHERE job = :job AND look <> 'undo'")

    def decisions_by_day(self, since: str) -> dict[str, int]:
        """Return the number of decisions of each day from a day on; days as ``2026-11-27``."""
        return dict(
            self._rows(
                "SELECT substr(at, 1, 10), count(*) FROM decision WHERE job = :job AND look <> 'undo'"
                " AND at >= :since GROUP BY substr(at, 1, 10)",
                since=since,
            )
        )

    def decisions_by_person(self, limit: int) -> list[tuple[str, int]]:
        """Return who made how many decisions, the busiest first."""
        return self._rows(
            "SELECT who, count(*) FROM decision WHERE job = :job AND look <> 'undo' GROUP BY who"
            " ORDER BY count(*) DESC LIMIT :limit",
            limit=limit,
        )

    def decision_times(self, limit: int) -> list[tuple[str, int]]:
        """Return who decided on a single number and when, in seconds since 1970, the latest first."""
        return self._rows(
            "SELECT who, CAST(strftime('%s', at) AS INTEGER) FROM decision WHERE job = :job"
            " AND look NOT IN ('undo', 'wall') ORDER BY id DESC LIMIT :limit",
            limit=limit,
        )

    def _rows(self, sql: str, **named: object) -> list[Any]:
        return self._database.rows(sql, job=self._job, **named)

    def _count(self, sql: str) -> int:
        return int(self._rows(sql)[0][0])
