"""Who looks at what, and what they said: the review's side of the ledger.

What waits is what the queue says (`item`); further looks are asked for beside it (`further_look`). A number that
was handed to someone is leased to the page he works on, so that no one else gets it. A decision is kept with
what was shown, and takes effect through corrections, which are all that the tables know of; to undo one, the words
before it are said again. Nothing is ever deleted or overwritten.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from digitocr.errors import DigitocrError, UsageError
from digitocr.records import FileResult, Status
from digitocr.results import publish, tables
from digitocr.results.overlay import NOT_A_DIGIT
from digitocr.review.numbers import (
    Change,
    Place,
    Seen,
    corrections_of,
    digits_said,
    number_said,
    seen,
    taken_back,
)
from digitocr.review.rules import Look, Order, Rules, is_answer
from digitocr.review.sampling import drawn
from digitocr.store.ledger import Correction, Known, Ledger, now

LEASE_SECONDS = 180.0
"""After this long without a sign of life of its page, a number is given to someone else."""

_ORDERS = {
    Order.FIELD: "i.field, i.file, i.rank",
    Order.FILE: "i.file, i.rank",
    Order.UNSURE: "i.confidence, i.file, i.rank",
}
_PLACE = "file, page, number"
_SINGLE = ("low-confidence", "close-alternative", "low-confidence;close-alternative")
"""With these reasons alone a digit may be judged apart from its number: nothing else is odd about that."""


class ConflictError(DigitocrError):
    """Someone else was faster, or the file was read again in between."""

    code = "conflict"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants to look at: an order, one field only, further looks of one kind only."""

    order: Order = Order.FILE
    field: str | None = None
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A number handed to a person, with all that its page needs.

    Attributes
    ----------
    last_word : int
        The newest correction of the number; a decision is refused once there is a newer one.
    read_at : str
        When the file was read.
    texts : tuple of str
        The answers that differ, for a third look.
    further : int
        The further look it is, 0 for none.
    """

    place: Place
    look: Look
    file: str
    read_at: str
    last_word: int
    number: Seen
    texts: tuple[str, ...] = ()
    further: int = 0

    @property
    def is_blind(self) -> bool:
        """Whether what was read is not shown."""
        return self.look in (Look.SECOND, Look.AUDIT)

    @property
    def waiting(self) -> tuple[int, ...]:
        """Positions of the digits that are to be settled; none where the whole number is."""
        if self.look not in (Look.FIRST, Look.WALL):
            return ()
        return tuple(p for p, i in self.number.items.items() if p and not self.number.words.get((i, "digit")))

    def shown(self) -> dict[str, Any]:
        """Return what its page shows, as it is kept with the decision."""
        number = self.number
        common = {
            "place": str(self.place),
            "look": self.look.value,
            "file": self.file,
            "page": self.place.page,
            "number": self.place.number,
            "field": number.machine.field,
            "read_at": self.read_at,
            "last_word": self.last_word,
            "texts": list(self.texts),
            "digits": [],
            "reasons": [],
            "marks": "",
            "confidence": None,
        }
        if self.is_blind or self.look is Look.THIRD:
            return common
        return common | {
            "digits": [
                {
                    "value": str(d.value),
                    "said": number.words.get((number.items.get(position, ""), "digit"), ""),
                    "confidence": round(d.confidence, 4),
                    "runner_up": str(d.runner_up),
                    "runner_up_confidence": round(d.runner_up_confidence, 4),
                    "waits": position in self.waiting,
                }
                for position, d in enumerate(number.machine.digits, 1)
            ],
            "reasons": list(number.machine.reasons) or ([] if self.place.number else ["nothing-found"]),
            "marks": number.machine.marks,
            "confidence": round(number.machine.confidence, 4),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said: the whole text, or digits by their position in what was read."""

    text: str = ""
    digits: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """An answer on its way into the ledger.

    Attributes
    ----------
    token : str
        Made by the page; the same token twice is the same decision.
    last_word, read_at
        As they were shown.
    """

    place: Place
    look: Look
    answer: Answer
    token: str
    last_word: int
    read_at: str
    session: str
    who: str


class Desk(Ledger):
    """The ledger of one job, as the review page uses it.

    Parameters
    ----------
    shelf : Shelf
    path : Path
        The ledger.
    rules : Rules
    clock : callable
        Seconds, for leases.
    """

    def __init__(
        self, shelf: publish.Shelf, path: Path, rules: Rules, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(path)
        self.shelf = shelf
        self.rules = rules
        self._clock = clock
        self._machine = lru_cache(maxsize=64)(self._read_machine)

    # handing out

    def next(
        self, session: str, who: str, wanted: Wanted, count: int, have: Sequence[Place] = ()
    ) -> list[Task]:
        """Lease numbers to a page, none that another has, and return them.

        Parameters
        ----------
        session : str
            Names the page.
        who : str
            Whoever looked at a number first does not get it for a second look.
        wanted : Wanted
        count : int
        have : sequence of Place
            What the page has already; its leases are renewed.
        """
        with self._writing() as db:
            self._renew(db, session)
            taken = set(have)
            tasks: list[Task] = []
            for task in self._candidates(db, session, who, wanted, count, taken):
                if len(tasks) == count:
                    break
                if task.place not in taken and self._lease(db, task.place, session):
                    taken.add(task.place)
                    tasks.append(task)
            return tasks

    def wall(self, session: str, digit: str, count: int) -> list[Task]:
        """Lease numbers with an unsure digit read as `digit`, where nothing but that is unsure of them."""
        with self._writing() as db:
            self._renew(db, session)
            rows = db.execute(
                f"SELECT DISTINCT {_PLACE} FROM item AS i WHERE job = ? AND waits = 1 AND reasons IN (?, ?, ?)"
                f" AND digit = ? AND {_FREE} AND {_NOT_IN_DISPUTE} AND {_NOT_SKIPPED}"
                " ORDER BY confidence, file, rank LIMIT ?",
                (self.shelf.job, *_SINGLE, digit, session, session, count),
            ).fetchall()
            tasks = [self._task(db, Place(*row), Look.WALL) for row in rows]
            return [t for t in tasks if t and t.number.waits and self._lease(db, t.place, session)]

    def standing(self) -> dict[str, int]:
        """Return how many items wait in the queue, and the newest decision that is counted in."""
        waiting, newest = self._rows(
            "SELECT count(*), (SELECT coalesce(max(id), 0) FROM decision) FROM item WHERE job = ? AND waits = 1",
            self.shelf.job,
        )[0]
        return {"waiting": int(waiting), "newest": int(newest)}

    def give_back(self, session: str, keep: Sequence[Place] = ()) -> None:
        """Give back what a page has, but for `keep`."""
        kept = set(keep)
        with self._writing() as db:
            rows = db.execute(f"SELECT {_PLACE} FROM lease WHERE session = ?", (session,)).fetchall()
            for row in rows:
                if Place(*row) not in kept:
                    db.execute("DELETE FROM lease WHERE file = ? AND page = ? AND number = ?", row)

    def skip(self, session: str, place: Place) -> None:
        """Put a number last for this page, and let others have it."""
        spot = (place.file, place.page, place.number)
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO skip VALUES (?, ?, ?, ?)", (session, *spot))
            db.execute(
                "DELETE FROM lease WHERE session = ? AND file = ? AND page = ? AND number = ?",
                (session, *spot),
            )

    def task(self, place: Place) -> Task:
        """Return a number as it stands, for its pictures.

        Raises
        ------
        UsageError
            There is no such number.
        """
        with self._lock:
            task = self._task(self._db, place, Look.FIRST)
        if task is None:
            raise UsageError(f"there is no number {place}")
        return task

    # deciding

    def decide(self, said: Sequence[Said]) -> dict[Place, str]:
        """Take answers over, in one transaction; those taken before are passed over.

        Returns
        -------
        dict
            What could not be taken over, and why: someone else was faster, the file was read again in between, or
            the answer cannot be of that number.
        """
        refused: dict[Place, str] = {}
        with self._writing() as db:
            for one in said:
                try:
                    self._decide(db, one)
                except (ConflictError, UsageError) as error:  # raised before anything is written
                    refused[one.place] = error.message
        return refused

    def undo(self, token: str, undoing: str, session: str, who: str) -> tuple[list[Task], list[str]]:
        """Take a decision back, and lease its numbers to the page that does so.

        Parameters
        ----------
        token : str
            Of the decision.
        undoing : str
            Token of the undoing.

        Returns
        -------
        tasks : list of Task
            What is to be decided again.
        refused : list of str
            Why some of it stays: it has been built upon, or was not this person's.
        """
        tasks: list[Task] = []
        refused: list[str] = []
        with self._writing() as db:
            rows = db.execute(
                f"SELECT id, {_PLACE}, read_at, look, effect, who FROM decision WHERE token = ? ORDER BY id",
                (token,),
            ).fetchall()
            for row in rows:
                try:
                    place, look = self._undo(db, row, undoing, who)
                except ConflictError as error:  # raised before anything is written
                    refused.append(error.message)
                    continue
                task = self._reopened(db, place, look)
                if task and self._lease(db, place, session):
                    tasks.append(task)
        return tasks, refused or ([] if rows else ["that decision is not known here"])

    # audits

    def draw_audits(self) -> None:
        """Draw a share of the accepted numbers of all files not yet drawn from."""
        share = self.rules.audit_share
        if not share:
            return
        sql = (
            "SELECT f.id, f.processed_at FROM file AS f LEFT JOIN sampled AS s ON s.file = f.id"
            " WHERE f.job = ? AND f.status IN ('done', 'partial') AND f.reading IS NOT NULL"
            " AND (s.file IS NULL OR s.read_at <> f.processed_at OR s.share < ?) LIMIT 100"
        )
        while files := self._rows(sql, self.shelf.job, share):
            with self._writing() as db:
                for identity, read_at in files:
                    self._draw(db, identity, read_at)

    def figures(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Look something up; for counting only."""
        return self._rows(sql, *values)

    # inside a transaction

    def _candidates(
        self, db: sqlite3.Connection, session: str, who: str, wanted: Wanted, count: int, taken: set[Place]
    ) -> list[Task]:
        if wanted.look is not None:
            return self._further(db, session, who, (wanted.look,), count + len(taken))
        urgent = self._further(db, session, who, (Look.THIRD, Look.SECOND), count + len(taken))
        first = [] if len(urgent) >= count + len(taken) else self._first(db, session, wanted, count, taken)
        audits = self._further(db, session, who, (Look.AUDIT,), count + len(taken))
        ahead = len(first) - (1 if audits else 0) if len(first) >= count else len(first)
        return [*urgent, *first[:ahead], *audits, *first[ahead:]]

    def _first(
        self, db: sqlite3.Connection, session: str, wanted: Wanted, count: int, taken: set[Place]
    ) -> list[Task]:
        limit = 10 * (count + len(taken))
        only = "" if wanted.field is None else "AND i.field = ?"
        sql = (
            f"SELECT i.file, i.page, i.number FROM item AS i WHERE i.job = ? AND i.waits = 1 {only} AND {_FREE}"
            f" AND {_NOT_IN_DISPUTE}"
            f" AND {_NOT_SKIPPED}"
            f" ORDER BY {_ORDERS[wanted.order]} LIMIT {limit}"
        )
        field = () if wanted.field is None else (wanted.field,)
        found = db.execute(sql, (self.shelf.job, *field, session, session)).fetchall()
        places = [place for place in dict.fromkeys(Place(*row) for row in found) if place not in taken]
        if not places and db.execute("DELETE FROM skip WHERE session = ?", (session,)).rowcount:
            return self._first(db, session, wanted, count, taken)
        tasks = (self._task(db, place, Look.FIRST) for place in places[:count])
        return [task for task in tasks if task is not None and task.number.waits]

    def _further(
        self, db: sqlite3.Connection, session: str, who: str, looks: tuple[Look, ...], count: int
    ) -> list[Task]:
        found: list[Task] = []
        for look in looks:
            rows = db.execute(
                "SELECT i.id, i.file, i.page, i.number, i.texts FROM further_look AS i"
                " JOIN file AS f ON f.id = i.file AND f.processed_at = i.read_at"
                f" WHERE i.job = ? AND i.closed_by IS NULL AND i.look = ? AND i.not_who <> ? AND {_FREE}"
                f" AND {_NOT_SKIPPED} ORDER BY i.id LIMIT ?",
                (self.shelf.job, look, who, session, session, count),
            ).fetchall()
            for identity, *spot, texts in rows:
                task = self._task(db, Place(*spot), look, tuple(json.loads(texts)), identity)
                if task is not None:
                    found.append(task)
        return found

    def _task(
        self, db: sqlite3.Connection, place: Place, look: Look, texts: tuple[str, ...] = (), further: int = 0
    ) -> Task | None:
        known, number, last = self._seen(db, place)
        if known is None or number is None:
            return None
        return Task(place, look, known.file, known.processed_at, last, number, texts, further)

    def _seen(self, db: sqlite3.Connection, place: Place) -> tuple[Known | None, Seen | None, int]:
        own = db.execute(
            "SELECT 1 FROM file WHERE id = ? AND job = ? AND reading IS NOT NULL",
            (place.file, self.shelf.job),
        ).fetchone()
        known = self.file(place.file) if own else None
        if known is None or known.status not in ("done", "empty", "partial"):
            return None, None, 0
        corrections = self.corrections(place.file)
        number = seen(self._machine(known.id, known.processed_at), corrections, place)
        return known, number, self._last_word(db, place, number)

    def _last_word(self, db: sqlite3.Connection, place: Place, number: Seen | None) -> int:
        if number is None:
            return 0
        names = {number.identity, *number.items.values()}
        marks = ", ".join("?" * len(names))
        sql = f"SELECT coalesce(max(id), 0) FROM correction WHERE file = ? AND review_id IN ({marks})"
        return int(db.execute(sql, (place.file, *names)).fetchone()[0])

    def _read_machine(self, identity: int, _read_at: str) -> FileResult:
        return publish.stored_result(self, self.file(identity))

    def _renew(self, db: sqlite3.Connection, session: str) -> None:
        at = self._clock()
        db.execute("UPDATE lease SET until = ? WHERE session = ?", (at + LEASE_SECONDS, session))
        db.execute("DELETE FROM lease WHERE until < ?", (at,))

    def _lease(self, db: sqlite3.Connection, place: Place, session: str) -> bool:
        """Take a number for a page; False where another has it."""
        at = self._clock()
        done = db.execute(
            "INSERT INTO lease VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET session = excluded.session,"
            " until = excluded.until WHERE session = excluded.session OR until < ?",
            (self.shelf.job, place.file, place.page, place.number, session, at + LEASE_SECONDS, at),
        )
        return done.rowcount > 0

    def _decide(self, db: sqlite3.Connection, said: Said) -> None:
        spot = (said.place.file, said.place.page, said.place.number)
        again = "SELECT 1 FROM decision WHERE token = ? AND file = ? AND page = ? AND number = ?"
        if db.execute(again, (said.token, *spot)).fetchone():
            return  # sent again, since the page did not hear that it had arrived
        known, number, last = self._seen(db, said.place)
        if known is None or number is None or known.processed_at != said.read_at:
            raise ConflictError("the file was read again in the meantime; look once more")
        if last != said.last_word:
            raise ConflictError(f"settled in the meantime by {self._who_spoke(last)}; that was kept")
        task = self._open_task(db, said, known, last, number)
        _check(task, said.answer)
        at = now()
        changes, verdict = _effect(task, said.answer)
        decision = self._keep(db, said, task, changes, at)
        self._correct(db, said.place, corrections_of(changes, number, said.place, said.who, at))
        self._ask_further(db, task, said, decision, verdict)
        db.execute(f"DELETE FROM lease WHERE {_AT}", spot)

    def _open_task(self, db: sqlite3.Connection, said: Said, known: Known, last: int, number: Seen) -> Task:
        """Return what is decided on; it must still be open."""
        place, look = said.place, said.look
        if look in (Look.FIRST, Look.WALL):
            open_third = self._open_look(db, place, Look.THIRD, known.processed_at)
            if not number.waits or open_third:
                raise ConflictError("settled in the meantime; that was kept")
            return Task(place, look, known.file, known.processed_at, last, number)
        row = self._open_look(db, place, look, known.processed_at)
        if row is None:
            raise ConflictError("someone else has looked at it in the meantime; that was kept")
        if row[2] == said.who:
            raise ConflictError("the second look must be another person's")
        texts = tuple(json.loads(row[1]))
        return Task(place, look, known.file, known.processed_at, last, number, texts, int(row[0]))

    def _open_look(
        self, db: sqlite3.Connection, place: Place, look: Look, read_at: str
    ) -> tuple[int, str, str] | None:
        row = db.execute(
            f"SELECT id, texts, not_who FROM further_look WHERE {_AT} AND look = ? AND read_at = ?"
            " AND closed_by IS NULL",
            (place.file, place.page, place.number, look, read_at),
        ).fetchone()
        return None if row is None else (int(row[0]), str(row[1]), str(row[2]))

    def _keep(
        self, db: sqlite3.Connection, said: Said, task: Task, changes: Sequence[Change], at: str
    ) -> int:
        cursor = db.execute(
            f"INSERT INTO decision (token, job, {_PLACE}, read_at, look, answer, shown, effect, who, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(said.token, self.shelf.job, said.place.file, said.place.page, said.place.number),
                *(said.read_at, said.look, json.dumps(asdict(said.answer)), json.dumps(task.shown())),
                *(json.dumps([asdict(change) for change in changes]), said.who, at),
            ),
        )
        return int(cursor.lastrowid or 0)

    def _correct(self, db: sqlite3.Connection, place: Place, corrections: Sequence[Correction]) -> None:
        if not corrections:
            return
        for c in corrections:
            db.execute(
                "INSERT INTO correction (job, file, review_id, kind, old, new, who, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (self.shelf.job, c.file, c.review_id, c.kind, c.old, c.new, c.who, c.at),
            )
        db.execute("UPDATE file SET stale = 1 WHERE id = ?", (place.file,))
        db.execute("UPDATE job SET published = 0 WHERE id = ?", (self.shelf.job,))
        known, number, _ = self._seen(db, place)
        # the cells of the queue follow with the tables; that nobody gets it again cannot wait for them
        for identity, waits in number.waiting_items() if known and number else ():
            db.execute(
                "UPDATE item SET waits = ? WHERE job = ? AND review_id = ?", (waits, self.shelf.job, identity)
            )

    def _ask_further(
        self, db: sqlite3.Connection, task: Task, said: Said, decision: int, verdict: _Verdict
    ) -> None:
        """Close the look that was decided on, and ask for the next one where there is to be one."""
        if task.further:
            db.execute(
                "UPDATE further_look SET closed_by = ?, answer = ? WHERE id = ?",
                (decision, verdict.answer, task.further),
            )
            db.execute(
                "UPDATE further_look SET answer = ? WHERE look = 'audit'"
                " AND id = (SELECT origin FROM further_look WHERE id = ?)",
                (verdict.answer, task.further),
            )
        asked, not_who = verdict.asks, ""
        if task.look in (Look.FIRST, Look.WALL):
            _, number, _ = self._seen(db, said.place)
            settled = number is not None and not number.waits
            if settled and self.rules.wants_second(task.number.identity, task.number.machine.field):
                asked, not_who = Look.SECOND, said.who
        if asked is not None:
            db.execute(
                f"INSERT INTO further_look (job, {_PLACE}, read_at, look, texts, not_who, origin, opened_by)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(self.shelf.job, said.place.file, said.place.page, said.place.number, task.read_at),
                    *(asked, json.dumps(verdict.texts), not_who, task.further or None, decision),
                ),
            )

    def _undo(
        self, db: sqlite3.Connection, row: tuple[Any, ...], undoing: str, who: str
    ) -> tuple[Place, Look]:
        identity, *spot, read_at, look, effect, by = row
        place = Place(*spot)
        if db.execute("SELECT 1 FROM decision WHERE undoes = ?", (identity,)).fetchone():
            return place, Look(look)
        if by != who:
            raise ConflictError("only whoever decided can undo it here; correct it instead")
        known, number, _ = self._seen(db, place)
        if known is None or number is None or known.processed_at != read_at:
            raise ConflictError("the file was read again in the meantime")
        changes = [Change(**change) for change in json.loads(effect)]
        newer = f"SELECT 1 FROM decision AS d WHERE {_AT} AND id > ? AND look <> 'undo' AND NOT EXISTS"
        newer += " (SELECT 1 FROM decision AS u WHERE u.undoes = d.id)"
        built_upon = db.execute(newer, (*spot, identity)).fetchone()
        changed = any(number.words.get((c.review_id, c.kind), "") != c.new for c in changes)
        if built_upon or changed:
            raise ConflictError("something newer was said of it; that was kept")
        at = now()
        back = [Change(c.review_id, c.kind, c.new, c.before) for c in changes]
        db.execute(
            f"INSERT INTO decision (token, job, {_PLACE}, read_at, look, answer, shown, effect, undoes, who, at)"
            " VALUES (?, ?, ?, ?, ?, ?, 'undo', '{}', '{}', ?, ?, ?, ?)",
            (
                undoing,
                self.shelf.job,
                *spot,
                read_at,
                json.dumps([asdict(c) for c in back]),
                identity,
                who,
                at,
            ),
        )
        self._correct(db, place, corrections_of(back, number, place, who, at))
        # what it asked for has not been looked at, or the decision would have been built upon
        db.execute(
            "UPDATE further_look SET answer = NULL WHERE id IN"
            " (SELECT origin FROM further_look WHERE closed_by = ?)",
            (identity,),
        )
        db.execute("DELETE FROM further_look WHERE opened_by = ?", (identity,))
        db.execute("UPDATE further_look SET closed_by = NULL, answer = NULL WHERE closed_by = ?", (identity,))
        return place, Look(look)

    def _reopened(self, db: sqlite3.Connection, place: Place, look: Look) -> Task | None:
        if look in (Look.FIRST, Look.WALL):
            return self._task(db, place, Look.FIRST)
        known = self.file(place.file)
        row = self._open_look(db, place, look, known.processed_at)
        return row and self._task(db, place, look, tuple(json.loads(row[1])), row[0])

    def _draw(self, db: sqlite3.Connection, identity: int, read_at: str) -> None:
        machine = self._read_machine(identity, read_at)
        for page in machine.pages:
            for ordinal, number in enumerate(page.numbers, 1):
                name = tables.review_id(machine.sha256, page.index, number.box)
                accepted = number.status is Status.ACCEPTED
                if accepted and drawn(name, "audit", self.rules.audit_share):
                    there = db.execute(
                        f"SELECT 1 FROM further_look WHERE {_AT} AND look = 'audit' AND read_at = ?",
                        (identity, page.index, ordinal, read_at),
                    ).fetchone()
                    if not there:
                        db.execute(
                            f"INSERT INTO further_look (job, {_PLACE}, read_at, look, texts)"
                            " VALUES (?, ?, ?, ?, ?, 'audit', ?)",
                            (
                                self.shelf.job,
                                identity,
                                page.index,
                                ordinal,
                                read_at,
                                json.dumps([number.text]),
                            ),
                        )
        db.execute(
            "INSERT OR REPLACE INTO sampled VALUES (?, ?, ?)", (identity, read_at, self.rules.audit_share)
        )

    def _who_spoke(self, correction: int) -> str:
        rows = self._rows("SELECT who FROM correction WHERE id = ?", correction)
        return str(rows[0][0]) if rows else "someone"


_AT = "file = ? AND page = ? AND number = ?"
_NOT_IN_DISPUTE = (
    "NOT EXISTS (SELECT 1 FROM further_look AS t JOIN file AS g ON g.id = t.file AND g.processed_at = t.read_at"
    " WHERE (t.file, t.page, t.number) = (i.file, i.page, i.number) AND t.look = 'third' AND t.closed_by IS NULL)"
)
_NOT_SKIPPED = (
    "NOT EXISTS (SELECT 1 FROM skip AS s WHERE s.session = ?"
    " AND (s.file, s.page, s.number) = (i.file, i.page, i.number))"
)
_FREE = (
    "NOT EXISTS (SELECT 1 FROM lease AS l WHERE (l.file, l.page, l.number) = (i.file, i.page, i.number)"
    " AND l.session <> ?)"
)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a decision means for further looks: the settled answer, if any, and the next look with what it shows."""

    answer: str | None = None
    asks: Look | None = None
    texts: tuple[str, ...] = ()


def _check(task: Task, answer: Answer) -> None:
    """Refuse answers that cannot be of this number."""
    said: Mapping[int, str] = dict(answer.digits)
    if bool(said) == bool(answer.text):
        raise UsageError("say either the number or its digits")
    if not all(is_answer(text) for text in said.values() or (answer.text,)):
        raise UsageError(f"{answer.text or said!r} are neither digits nor {NOT_A_DIGIT!r}")
    if not set(said) <= set(task.waiting):
        raise UsageError("that digit does not wait")
    if said and task.look is Look.FIRST and set(said) != set(task.waiting):
        raise UsageError("say something of each digit that waits")


def _effect(task: Task, answer: Answer) -> tuple[list[Change], _Verdict]:
    number = task.number
    if task.look in (Look.FIRST, Look.WALL):
        if answer.digits:
            return digits_said(number, dict(answer.digits)), _Verdict()
        return number_said(number, answer.text), _Verdict()
    if task.look is Look.THIRD:
        settled = answer.text == number.text and not number.waits
        return [] if settled else number_said(number, answer.text), _Verdict(answer.text)
    if answer.text == number.text:
        return [], _Verdict(answer.text)
    differing = _Verdict(None, Look.THIRD, tuple(sorted({number.text, answer.text})))
    return (taken_back(number) if task.look is Look.SECOND else []), differing
