"""Numbers as they stand, and as they are handed to people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from digitocr.errors import UsageError
from digitocr.forms.release import released
from digitocr.forms.suggestions import suggest
from digitocr.forms.template import Template
from digitocr.records import READ, FileResult
from digitocr.results import overlay, publish
from digitocr.results.items import items
from digitocr.review.numbers import Seen, seen
from digitocr.review.rules import Look
from digitocr.store.ledger import Ledger
from digitocr.store.records import Known
from digitocr.store.review import OpenLook, Place

_READINGS_KEPT = 64
"""Readings of files that are kept in memory."""


@dataclass(frozen=True, slots=True)
class NumberState:
    """A number as it stands.

    Attributes
    ----------
    place : Place
    known : Known
        Its file.
    number : Seen
    last_word : int
        The newest correction of the number, 0 without any.
    """

    place: Place
    known: Known
    number: Seen
    last_word: int


@dataclass(frozen=True, slots=True)
class Task:
    """A number handed to a person, with all that its page needs.

    Attributes
    ----------
    place : Place
    look : Look
    file : str
        Name in the tables.
    read_at : str
        When the file was read.
    last_word : int
        The newest correction of the number; a decision is refused once there is a newer one.
    number : Seen
    texts : tuple of str
        The answers that differ, for a third look.
    further : int
        The id of the further look, 0 for none.
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
            "label": number.field.title if number.field else number.machine.field,
            "kind": number.field.kind.value if number.field else "",
            "read_at": self.read_at,
            "last_word": self.last_word,
            "texts": list(self.texts),
            "digits": [],
            "reasons": [],
            "other": "",
            "marks": "",
            "confidence": None,
            "stored": "",
            "rules": [],
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
            "other": number.other,
            "marks": number.machine.marks,
            "confidence": round(number.machine.confidence, 4),
            "stored": number.stored,
            "rules": list(number.rules),
        }


class Tasks:
    """Looks numbers up, with what the program read and what people said.

    Parameters
    ----------
    ledger : Ledger
    shelf : Shelf
    """

    def __init__(self, ledger: Ledger, shelf: publish.Shelf) -> None:
        self._ledger = ledger
        self._job = shelf.job
        self._shelf = shelf
        self._readings = lru_cache(maxsize=_READINGS_KEPT)(self._read)
        self._mending = lru_cache(maxsize=_READINGS_KEPT)(self._offers)

    def state(self, place: Place) -> NumberState | None:
        """Return a number as it stands; None where it is not, or nothing but its tables is left of its reading."""
        if not self._ledger.published.has_reading(self._job, place.file):
            return None
        known = self._ledger.file(place.file)
        if known.status not in READ:
            return None
        reading, corrections = (
            self.reading(known.id, known.processed_at),
            self._ledger.corrections.of(place.file),
        )
        number = seen(reading, corrections, place, self.form)
        if number is None:
            return None
        names = {number.identity, *number.items.values()}
        return NumberState(place, known, number, self._ledger.corrections.newest(place.file, names))

    def task(self, place: Place, look: Look, further: OpenLook | None = None) -> Task | None:
        """Return a number as a task, None where it is not there."""
        found = self.state(place)
        return task_of(found, look, further) if found else None

    def shown(self, place: Place) -> Task:
        """Return a number as it stands, for its pictures.

        Raises
        ------
        UsageError
            There is no such number.
        """
        task = self.task(place, Look.FIRST)
        if task is None:
            raise UsageError(f"there is no number {place}")
        return task

    def form(self, name: str) -> Template | None:
        """Return a form by its name, None where it is not known."""
        return publish.template_of(self._shelf, name)

    def page_items(self, place: Place) -> list[tuple[str, bool]]:
        """Return the review ids of all items of a page, and whether they still wait, by what is said of it now."""
        known = self._ledger.file(place.file)
        machine = self.reading(known.id, known.processed_at)
        current = overlay.corrected(machine, self._ledger.corrections.of(place.file))
        forms = {page.template: self.form(page.template) for page in current.pages if page.template}
        pages = [
            released(page, form) if (form := forms.get(page.template)) else page for page in current.pages
        ]
        found = items(machine, replace(current, pages=tuple(pages)), known.file)
        return [(i.queued.review_id, i.queued.waits) for i in found if i.queued.page == place.page]

    def mending(self, file: int, page: int) -> frozenset[int]:
        """Return which numbers of a page would settle what is wrong on its form, if a digit were read otherwise."""
        return self._mending(file, self._ledger.file(file).processed_at, page)

    def _offers(self, file: int, read_at: str, index: int) -> frozenset[int]:
        page = next(page for page in self.reading(file, read_at).pages if page.index == index)
        form = self.form(page.template) if page.template else None
        offers = suggest(form, {n.field: n for n in page.numbers if n.field}) if form else []
        fields = {offer.field for offer in offers}
        return frozenset(i for i, number in enumerate(page.numbers, 1) if number.field in fields)

    def reading(self, file: int, read_at: str) -> FileResult:
        """Return what the program read in a file at a time."""
        return self._readings(file, read_at)

    def _read(self, file: int, _read_at: str) -> FileResult:
        return publish.stored_result(self._ledger, self._ledger.file(file))


def task_of(state: NumberState, look: Look, further: OpenLook | None = None) -> Task:
    """Make a task of a number as it stands.

    Parameters
    ----------
    state : NumberState
    look : Look
    further : OpenLook, optional
        The further look that the task is.

    Returns
    -------
    Task
    """
    known = state.known
    more = (further.texts, further.id) if further else ((), 0)
    return Task(state.place, look, known.file, known.processed_at, state.last_word, state.number, *more)
