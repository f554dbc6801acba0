"""Which number is handed to whom: nobody gets one that another person has on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from digitocr.review.rules import Look, Order
from digitocr.review.tasks import Task, Tasks
from digitocr.store.database import Database
from digitocr.store.review import FreeNumbers, Leases, OpenLook, Place

LEASE_SECONDS = 180.0
"""After this long without a sign of life of its page, a number is given to someone else."""

_ITEMS_PER_NUMBER = 10
"""Items of the queue that are looked at for each number asked for: several may be of one number."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a person wants to look at: an order, one field only, further looks of one kind only."""

    order: Order = Order.FILE
    field: str | None = None
    look: Look | None = None


class Assignments:
    """Hands numbers out to pages, and takes them back.

    Parameters
    ----------
    database : Database
    job : int
    tasks : Tasks
    clock : callable
        Returns the time in seconds, for leases.
    """

    def __init__(self, database: Database, job: int, tasks: Tasks, clock: Callable[[], float]) -> None:
        self._database = database
        self._leases = Leases(database, job)
        self._free = FreeNumbers(database, job)
        self._tasks = tasks
        self._clock = clock

    def next(
        self, session: str, who: str, selection: Selection, count: int, have: Sequence[Place] = ()
    ) -> list[Task]:
        """Lease numbers to a page, none that another has, and return them.

        Parameters
        ----------
        session : str
            Names the page.
        who : str
            The person. Who looked at a number first does not get it for a second look.
        selection : Selection
        count : int
        have : sequence of Place
            What the page has already; its leases are renewed.
        """
        with self._database.writing():
            self._renew(session)
            taken = set(have)
            tasks: list[Task] = []
            for task in self._candidates(session, who, selection, count, taken):
                if len(tasks) == count:
                    break
                if task.place not in taken and self.take(task.place, session):
                    taken.add(task.place)
                    tasks.append(task)
            return tasks

    def of_digit(self, session: str, digit: int, count: int) -> list[Task]:
        """Lease numbers with an unsure digit read as `digit`, for the view that shows many of them at once."""
        with self._database.writing():
            self._renew(session)
            places = self._free.of_digit(session, digit, count)
            tasks = [self._tasks.task(place, Look.WALL) for place in places]
            return [t for t in tasks if t and t.number.waits and self.take(t.place, session)]

    def give_back(self, session: str, keep: Sequence[Place] = ()) -> None:
        """Give back what a page has, but for `keep`."""
        with self._database.writing():
            for place in set(self._leases.of(session)) - set(keep):
                self._leases.end(place)

    def skip(self, session: str, place: Place) -> None:
        """Put a number last for this page, and make it free for others."""
        self._leases.skip(session, place)

    def take(self, place: Place, session: str) -> bool:
        """Lease a number to a page; False where another has it."""
        at = self._clock()
        return self._leases.take(place, session, at, at + LEASE_SECONDS)

    def end(self, place: Place) -> None:
        """Make a number free, whoever had it."""
        self._leases.end(place)

    def _renew(self, session: str) -> None:
        at = self._clock()
        self._leases.renew(session, at, at + LEASE_SECONDS)

    def _candidates(
        self, session: str, who: str, selection: Selection, count: int, taken: set[Place]
    ) -> list[Task]:
        """Return more than is needed: disputes and second looks, then first looks with an audit among them."""
        limit = count + len(taken)

        def further(looks: Iterable[Look]) -> list[Task]:
            found = [(look, one) for look in looks for one in self._free.further(session, who, look, limit)]
            return self._further_tasks(found)

        if selection.look is not None:
            return further((selection.look,))
        urgent = further((Look.THIRD, Look.SECOND))
        first = [] if len(urgent) >= limit else self._first(session, selection, count, taken)
        audits = further((Look.AUDIT,))
        ahead = len(first) - (1 if audits else 0) if len(first) >= count else len(first)
        return [*urgent, *first[:ahead], *audits, *first[ahead:]]

    def _further_tasks(self, found: Iterable[tuple[Look, OpenLook]]) -> list[Task]:
        tasks = (self._tasks.task(one.place, look, one) for look, one in found)
        return [task for task in tasks if task is not None]

    def _first(self, session: str, selection: Selection, count: int, taken: set[Place]) -> list[Task]:
        limit = _ITEMS_PER_NUMBER * (count + len(taken))
        found = self._free.waiting(session, selection.order, selection.field, limit)
        places = [place for place in found if place not in taken]
        if not places and self._leases.forget_skips(session):
            return self._first(session, selection, count, taken)
        tasks = (self._tasks.task(place, Look.FIRST) for place in places[:count])
        return [task for task in tasks if task is not None and task.number.waits]
