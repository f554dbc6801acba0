"""Which number is handed to whom: nobody gets one that another person has on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from digitocr.review.rules import Look, Order
from digitocr.review.tasks import Task, Tasks
from digitocr.store.database import Database
from digitocr.store.review import FreeNumbers, Leases, OpenLook, Place

LEASE_SECONDS = 180.0
"""After this long without a sign of life of its page, a number is given to someone else."""

_ITEMS_PER_NUMBER = 10
"""Items of the queue that are looked at for each number asked for: several may be of one number."""


MOST_ON_PAGE = 60
"""Numbers of a page that are handed out at once; if more wait, the page comes again."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a person wants to look at: an order, one field or file only, further looks of one kind only."""

    order: Order = Order.FILE
    field: str | None = None
    look: Look | None = None
    file: int | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A person who has numbers open on another page, and until when at the latest they are held."""

    who: str
    count: int
    seconds: float


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
                if task.place not in taken and self.take(task.place, session, who):
                    taken.add(task.place)
                    tasks.append(task)
            return tasks

    def page(self, session: str, who: str, selection: Selection, have: Sequence[Place] = ()) -> list[Task]:
        """Lease all numbers of the next page on which any waits, and return them; what mends a form comes first."""
        with self._database.writing():
            self._renew(session)
            pages = {(place.file, place.page) for place in have}
            limit = _ITEMS_PER_NUMBER * (1 + len(have))
            for place in self._waiting(session, selection, limit):
                if (place.file, place.page) in pages:
                    continue
                pages.add((place.file, place.page))
                if tasks := self.page_of(session, who, place):
                    return tasks
            return self.page(session, who, selection, have) if self._leases.forget_skips(session) else []

    def page_of(self, session: str, who: str, place: Place) -> list[Task]:
        """Lease all numbers that wait on the page of one of them, and return them; what mends a form comes first."""
        with self._database.writing():
            places = self._mending_first(self._free.on_page(session, place.file, place.page))
            found = [self._tasks.task(one, Look.FIRST) for one in places[:MOST_ON_PAGE]]
            return [t for t in found if t and t.number.waits and self.take(t.place, session, who)]

    def others(self, session: str) -> list[Holder]:
        """Return who has numbers open on other pages."""
        at = self._clock()
        return [Holder(who, count, until - at) for who, count, until in self._leases.others(session, at)]

    def take_over(self, session: str) -> None:
        """Make free what other pages hold; who of both decides first is heard."""
        self._leases.end_others(session)

    def settled(self, have: Iterable[Place]) -> list[Place]:
        """Return those of the numbers of a page that wait no more, as a correction beside them settled them."""
        places = list(have)
        waiting = self._free.still_wait(places)
        return [place for place in places if place not in waiting]

    def of_digit(self, session: str, who: str, digit: int, count: int) -> list[Task]:
        """Lease numbers with an unsure digit read as `digit`, for the view that shows many of them at once."""
        with self._database.writing():
            self._renew(session)
            places = self._free.of_digit(session, digit, count)
            tasks = [self._tasks.task(place, Look.WALL) for place in places]
            return [t for t in tasks if t and t.number.waits and self.take(t.place, session, who)]

    def give_back(self, session: str, keep: Sequence[Place] = ()) -> None:
        """Give back what a page has, but for `keep`."""
        with self._database.writing():
            for place in set(self._leases.of(session)) - set(keep):
                self._leases.end(place)

    def skip(self, session: str, place: Place) -> None:
        """Put a number last for this page, and make it free for others."""
        self._leases.skip(session, place)

    def take(self, place: Place, session: str, who: str) -> bool:
        """Lease a number to a page; False where another has it."""
        at = self._clock()
        return self._leases.take(place, session, who, at, at + LEASE_SECONDS)

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
        places = [place for place in self._waiting(session, selection, limit) if place not in taken]
        if not places and self._leases.forget_skips(session):
            return self._first(session, selection, count, taken)
        if selection.order is Order.FILE:
            places = self._mending_first(places)
        found = [self._tasks.task(place, Look.FIRST) for place in places[:count]]
        return [task for task in found if task is not None and task.number.waits]

    def _waiting(self, session: str, selection: Selection, limit: int) -> list[Place]:
        return self._free.waiting(session, selection.order, selection.field, limit, selection.file)

    def _mending_first(self, places: Sequence[Place]) -> list[Place]:
        """Put what mends a form before the other numbers of its page."""
        found: list[Place] = []
        for (file, page), own in groupby(places, key=lambda place: (place.file, place.page)):
            mending = self._tasks.mending(file, page)
            found += sorted(own, key=lambda place: place.number not in mending)
        return found
