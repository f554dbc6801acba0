"""What the review keeps in the ledger: who holds which number, what was decided, which further looks are asked for.

A *further look* is at a number that a first look, or the program alone, has settled. It counts only for the reading
it was asked of: once a file is read again, its further looks are no longer open.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from digitocr.errors import UsageError
from digitocr.store.database import Database

_AT = "file = ? AND page = ? AND number = ?"
_SAME = "(file, page, number) = (i.file, i.page, i.number)"
_FREE = f"NOT EXISTS (SELECT 1 FROM lease WHERE {_SAME} AND session <> :session)"
_NOT_SKIPPED = f"NOT EXISTS (SELECT 1 FROM skip WHERE session = :session AND {_SAME})"
_NOT_IN_DISPUTE = (
    "NOT EXISTS (SELECT 1 FROM further_look AS t JOIN file AS g ON g.id = t.file AND g.processed_at = t.read_at"
    " WHERE (t.file, t.page, t.number) = (i.file, i.page, i.number) AND t.look = 'third' AND t.closed_by IS NULL)"
)
_FREE_ITEMS = (
    f"FROM item AS i WHERE i.job = :job AND i.waits = 1 AND {_FREE} AND {_NOT_IN_DISPUTE} AND {_NOT_SKIPPED}"
)

_ORDERS = {
    "field": "i.field, i.file, i.rank",
    "file": "i.file, i.rank",
    "unsure": "i.confidence, i.file, i.rank",
}
UNSURE_ALONE = ("low-confidence", "close-alternative", "low-confidence;close-alternative")
"""With these reasons alone a digit may be judged apart from its number: nothing else is odd about that."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A number of a file.

    Attributes
    ----------
    file : int
        The id of the file in the ledger.
    page : int
        Counted from 1.
    number : int
        Counted from 1 on the page; 0 stands for the page as a whole.
    """

    file: int
    page: int
    number: int

    def __str__(self) -> str:
        return f"{self.file}-{self.page}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read a place as it is written in addresses.

        Parameters
        ----------
        text : str

        Returns
        -------
        Place

        Raises
        ------
        UsageError
            It is none.
        """
        parts = text.split("-")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts):
            raise UsageError(f"{text[:60]!r} names no number")
        return cls(*(int(part) for part in parts))

    @property
    def columns(self) -> tuple[int, int, int]:
        """The place as the tables hold it."""
        return self.file, self.page, self.number


@dataclass(frozen=True, slots=True)
class OpenLook:
    """A further look that nobody has taken yet.

    Attributes
    ----------
    id : int
    place : Place
    texts : tuple of str
        The answers that differ, for a third look; what was read, for an audit.
    not_who : str
        Who must not take it, '' if anyone may.
    """

    id: int
    place: Place
    texts: tuple[str, ...]
    not_who: str


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer as it is kept; `effect` holds what it changed, as JSON, and `shown` what the page showed.

    Attributes
    ----------
    id : int
        0 before it is kept.
    token : str
        Made by the page; the same token twice is the same decision.
    place : Place
    read_at : str
        When the file was read.
    look : str
    answer, shown, effect : str
        JSON.
    who, at : str
    undoes : int or None
        The decision that this one takes back.
    """

    token: str
    place: Place
    read_at: str
    look: str
    answer: str
    shown: str
    effect: str
    who: str
    at: str
    undoes: int | None = None
    id: int = 0


class Leases:
    """Which numbers are open on which page of which browser, so that no two people get the same one.

    Parameters
    ----------
    database : Database
    job : int
    """

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job

    def renew(self, session: str, at: float, until: float) -> None:
        """Prolong what a page holds, and end leases that have run out at time `at`."""
        with self._database.writing() as db:
            db.execute("UPDATE lease SET until = ? WHERE session = ?", (until, session))
            db.execute("DELETE FROM lease WHERE until < ?", (at,))

    def take(self, place: Place, session: str, who: str, at: float, until: float) -> bool:
        """Lease a number to a page; False where another page holds it."""
        with self._database.writing() as db:
            done = db.execute(
                "INSERT INTO lease (job, file, page, number, session, who, until) VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET session = excluded.session, who = excluded.who, until = excluded.until"
                " WHERE session = excluded.session OR until < ?",
                (self._job, *place.columns, session, who, until, at),
            )
            return done.rowcount > 0

    def others(self, session: str, at: float) -> list[tuple[str, int, float]]:
        """Return who has how many numbers open on other pages, and until when at the latest."""
        return self._database.rows(
            "SELECT who, count(*), max(until) FROM lease WHERE job = ? AND session <> ? AND until >= ?"
            " GROUP BY who ORDER BY who",
            *(self._job, session, at),
        )

    def end_others(self, session: str) -> None:
        """Make free what other pages hold."""
        with self._database.writing() as db:
            db.execute("DELETE FROM lease WHERE job = ? AND session <> ?", (self._job, session))

    def of(self, session: str) -> list[Place]:
        """Return what a page holds."""
        rows = self._database.rows("SELECT file, page, number FROM lease WHERE session = ?", session)
        return [Place(*row) for row in rows]

    def end(self, place: Place) -> None:
        """Make a number free."""
        with self._database.writing() as db:
            db.execute(f"DELETE FROM lease WHERE {_AT}", place.columns)

    def skip(self, session: str, place: Place) -> None:
        """Put a number last for a page, and make it free for others."""
        with self._database.writing() as db:
            db.execute("INSERT OR IGNORE INTO skip VALUES (?, ?, ?, ?)", (session, *place.columns))
            db.execute(f"DELETE FROM lease WHERE session = ? AND {_AT}", (session, *place.columns))

    def forget_skips(self, session: str) -> bool:
        """Hand skipped numbers out again; False where there were none."""
        with self._database.writing() as db:
            return db.execute("DELETE FROM skip WHERE session = ?", (session,)).rowcount > 0


class FreeNumbers:
    """The numbers that a page can be given: they wait, no other page holds them, and it has not skipped them.

    Parameters
    ----------
    database : Database
    job : int
    """

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job

    def waiting(
        self, session: str, order: str, field: str | None, limit: int, file: int | None = None
    ) -> list[Place]:
        """Return numbers with items that wait, at most `limit` items; `order` is field, file or unsure."""
        named = {name: value for name, value in (("field", field), ("file", file)) if value is not None}
        only = "".join(f" AND i.{name} = :{name}" for name in named)
        sql = f"SELECT i.file, i.page, i.number {_FREE_ITEMS} {only} ORDER BY {_ORDERS[order]} LIMIT :limit"
        rows = self._database.rows(sql, job=self._job, session=session, limit=limit, **named)
        return list(dict.fromkeys(Place(*row) for row in rows))

    def on_page(self, session: str, file: int, page: int) -> list[Place]:
        """Return all numbers of a page with items that wait, in reading order."""
        sql = f"SELECT i.file, i.page, i.number {_FREE_ITEMS} AND i.file = :file AND i.page = :page ORDER BY i.rank"
        rows = self._database.rows(sql, job=self._job, session=session, file=file, page=page)
        return list(dict.fromkeys(Place(*row) for row in rows))

    def still_wait(self, places: Iterable[Place]) -> set[Place]:
        """Return those of some numbers that have items that wait."""
        sql = f"SELECT 1 FROM item WHERE {_AT} AND waits = 1 LIMIT 1"
        return {place for place in places if self._database.rows(sql, *place.columns)}

    def of_digit(self, session: str, digit: int, limit: int) -> list[Place]:
        """Return numbers with an unsure digit that was read as `digit`, where only that is unsure of them."""
        reasons = ", ".join(f"'{reasons}'" for reasons in UNSURE_ALONE)
        sql = (
            f"SELECT DISTINCT file, page, number {_FREE_ITEMS} AND reasons IN ({reasons}) AND digit = :digit"
            " ORDER BY confidence, file, rank LIMIT :limit"
        )
        rows = self._database.rows(sql, job=self._job, session=session, digit=digit, limit=limit)
        return [Place(*row) for row in rows]

    def further(self, session: str, who: str, look: str, limit: int) -> list[OpenLook]:
        """Return open further looks of one kind that a person may take."""
        sql = (
            "SELECT i.id, i.file, i.page, i.number, i.texts, i.not_who FROM further_look AS i"
            " JOIN file AS f ON f.id = i.file AND f.processed_at = i.read_at"
            " WHERE i.job = :job AND i.closed_by IS NULL AND i.look = :look AND i.not_who <> :who"
            f" AND {_FREE} AND {_NOT_SKIPPED} ORDER BY i.id LIMIT :limit"
        )
        rows = self._database.rows(sql, job=self._job, session=session, who=who, look=look, limit=limit)
        return [_open_look(row) for row in rows]


class Decisions:
    """What people decided on the page: appended, never changed, never deleted.

    Parameters
    ----------
    database : Database
    job : int
    """

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job

    def add(self, decision: Decision) -> int:
        """Append a decision, and return its id."""
        d = decision
        with self._database.writing() as db:
            cursor = db.execute(
                "INSERT INTO decision (token, job, file, page, number, read_at, look, answer, shown, effect, undoes,"
                " who, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(d.token, self._job, *d.place.columns, d.read_at, d.look, d.answer, d.shown, d.effect),
                    *(d.undoes, d.who, d.at),
                ),
            )
            return int(cursor.lastrowid or 0)

    def is_known(self, token: str, place: Place) -> bool:
        """Tell whether a decision has arrived before: a page sends it again when it hears nothing."""
        return bool(
            self._database.rows(f"SELECT 1 FROM decision WHERE token = ? AND {_AT}", token, *place.columns)
        )

    def of_token(self, token: str) -> list[Decision]:
        """Return what was decided at once."""
        rows = self._database.rows(
            "SELECT token, file, page, number, read_at, look, answer, shown, effect, who, at, undoes, id"
            " FROM decision WHERE token = ? ORDER BY id",
            token,
        )
        return [Decision(row[0], Place(*row[1:4]), *row[4:]) for row in rows]

    def is_undone(self, decision: int) -> bool:
        """Tell whether a decision was taken back."""
        return bool(self._database.rows("SELECT 1 FROM decision WHERE undoes = ?", decision))

    def is_built_upon(self, place: Place, decision: int) -> bool:
        """Tell whether a later decision on the same number stands."""
        sql = (
            f"SELECT 1 FROM decision AS d WHERE {_AT} AND id > ? AND look <> 'undo'"
            " AND NOT EXISTS (SELECT 1 FROM decision AS u WHERE u.undoes = d.id)"
        )
        return bool(self._database.rows(sql, *place.columns, decision))

    def status(self) -> tuple[int, int]:
        """Return how many numbers wait, and the id of the newest decision that is counted in (0 without any)."""
        waiting, newest = self._database.rows(
            "SELECT count(*), (SELECT coalesce(max(id), 0) FROM decision)"
            " FROM (SELECT DISTINCT file, page, number FROM item WHERE job = ? AND waits = 1)",
            self._job,
        )[0]
        return int(waiting), int(newest)


class FurtherLooks:
    """Further looks at numbers, and the audits among them.

    Parameters
    ----------
    database : Database
    job : int
    """

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job

    def find_open(self, place: Place, look: str, read_at: str) -> OpenLook | None:
        """Return the open look of one kind at a number, if there is one."""
        sql = (
            f"SELECT id, file, page, number, texts, not_who FROM further_look WHERE {_AT}"
            " AND look = ? AND read_at = ? AND closed_by IS NULL"
        )
        rows = self._database.rows(sql, *place.columns, look, read_at)
        return _open_look(rows[0]) if rows else None

    def ask(
        self,
        place: Place,
        look: str,
        read_at: str,
        texts: Sequence[str],
        *,
        not_who: str = "",
        origin: int | None = None,
        opened_by: int | None = None,
    ) -> None:
        """Ask for a look, because of another one (`origin`) and a decision, or of itself."""
        with self._database.writing() as db:
            db.execute(
                "INSERT INTO further_look (job, file, page, number, read_at, look, texts, not_who, origin, opened_by)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(self._job, *place.columns, read_at, look, json.dumps(list(texts)), not_who),
                    *(origin, opened_by),
                ),
            )

    def close(self, look: int, decision: int, answer: str | None) -> None:
        """Close a look; where it settles an audit, that has its answer as well."""
        with self._database.writing() as db:
            db.execute(
                "UPDATE further_look SET closed_by = ?, answer = ? WHERE id = ?", (decision, answer, look)
            )
            db.execute(
                "UPDATE further_look SET answer = ? WHERE look = 'audit'"
                " AND id = (SELECT origin FROM further_look WHERE id = ?)",
                (answer, look),
            )

    def undo(self, decision: int) -> None:
        """Reopen what a decision closed, and drop what it asked for, which nobody has looked at yet."""
        with self._database.writing() as db:
            db.execute(
                "UPDATE further_look SET answer = NULL WHERE id IN"
                " (SELECT origin FROM further_look WHERE closed_by = ?)",
                (decision,),
            )
            db.execute("DELETE FROM further_look WHERE opened_by = ?", (decision,))
            db.execute(
                "UPDATE further_look SET closed_by = NULL, answer = NULL WHERE closed_by = ?", (decision,)
            )

    def not_drawn(self, share: float) -> Iterator[tuple[int, str]]:
        """Yield files from which no audit, or a smaller share, was drawn since they were read, and when that was.

        A file must be marked by :meth:`drawn` before the next one is asked for.
        """
        sql = (
            "SELECT f.id, f.processed_at FROM file AS f LEFT JOIN sampled AS s ON s.file = f.id"
            " WHERE f.job = ? AND f.status IN ('done', 'partial') AND f.reading IS NOT NULL"
            " AND (s.file IS NULL OR s.read_at <> f.processed_at OR s.share < ?) LIMIT 100"
        )
        while rows := self._database.rows(sql, self._job, share):
            yield from rows

    def drawn(self, file: int, read_at: str, share: float) -> None:
        """Note that a share of the accepted numbers of a file is among the audits."""
        with self._database.writing() as db:
            db.execute("INSERT OR REPLACE INTO sampled VALUES (?, ?, ?)", (file, read_at, share))

    def has_audit(self, place: Place, read_at: str) -> bool:
        """Tell whether a number is among the audits, open or closed."""
        sql = f"SELECT 1 FROM further_look WHERE {_AT} AND look = 'audit' AND read_at = ?"
        return bool(self._database.rows(sql, *place.columns, read_at))


def _open_look(row: Sequence[Any]) -> OpenLook:
    identity, file, page, number, texts, not_who = row
    return OpenLook(int(identity), Place(file, page, number), tuple(json.loads(texts)), str(not_who))
