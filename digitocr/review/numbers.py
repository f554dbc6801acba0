"""A number as people see it, and what an answer about it changes: pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from digitocr.forms.checks import broken_rules, is_known, written
from digitocr.forms.checks import text as stored_text
from digitocr.forms.release import released
from digitocr.forms.template import Field, Template
from digitocr.records import BY_PERSON, Box, FileResult, Number, PageResult, Reason
from digitocr.results import overlay
from digitocr.results.items import items as items_of
from digitocr.results.items import review_id
from digitocr.review.rules import is_answer
from digitocr.store.records import Correction
from digitocr.store.review import Place

Key = tuple[str, str]
"""What a correction is about: a review id and ``digit`` or ``number``."""


@dataclass(frozen=True, slots=True)
class Change:
    """A correction of an item, and the one it replaces; '' stands for none."""

    review_id: str
    kind: str
    before: str
    new: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A number with all that is known of it.

    Attributes
    ----------
    page : PageResult
        As the program read it.
    machine : Number
        As the program read it.
    now : Number
        The same with its corrections.
    identity : str
        The id of the number as a whole in corrections.
    items : dict of int to str
        Review ids of what the program is not sure of, by position; position 0 is the number as a whole.
    words : dict
        The latest corrections.
    page_now : PageResult, optional
        The page with its corrections.
    form : Template or None
        The form that the page is.
    """

    page: PageResult
    machine: Number
    now: Number
    identity: str
    items: Mapping[int, str]
    words: Mapping[Key, str]
    page_now: PageResult | None = None
    form: Template | None = None

    @property
    def field(self) -> Field | None:
        """The field of the form in which it stands."""
        return (
            next((f for f in self.form.fields if f.name == self.machine.field), None) if self.form else None
        )

    @property
    def stored(self) -> str:
        """Its text in the table of its form, or of numbers."""
        return stored_text(self.field, written(self.now)) if self.field else self.now.text

    @property
    def rules(self) -> tuple[str, ...]:
        """What the rules compare that are broken and name its field."""
        if self.form is None or self.page_now is None:
            return ()
        known = {n.field: written(n) for n in self.page_now.numbers if n.field and is_known(n)}
        found = broken_rules(self.form, known)
        return tuple(told for rule, told in found if self.machine.field in rule.fields)

    @property
    def waits(self) -> bool:
        """Whether a person is still to look at it."""
        return self.now.waits

    @property
    def text(self) -> str:
        """Its text as an answer: with its marks, ``-`` where a person called it no number, ``?`` where illegible."""
        if Reason.ILLEGIBLE in self.now.reasons:
            return overlay.ILLEGIBLE
        if not self.now.digits and self.now.status in BY_PERSON:
            return overlay.NOT_A_DIGIT
        return written(self.now)

    @property
    def other(self) -> str:
        """The text of the other reader where two disagree, or that with its decimal mark; '' where there is none."""
        if Reason.DECIMAL_MARK in self.machine.reasons and is_answer(self.machine.written):
            return self.machine.written.replace(",", ".")
        codes = (reason.partition(":") for reason in self.machine.reasons)
        text = next((text for code, _, text in codes if code == Reason.READERS_DISAGREE), "")
        return text if is_answer(text) and text != self.machine.text else ""

    def waiting_items(self) -> Iterator[tuple[str, bool]]:
        """Yield the review ids of its items, and whether they still wait."""
        for position, identity in self.items.items():
            said = position > 0 and bool(self.words.get((identity, "digit")))
            yield identity, self.waits and not said


def seen(
    machine: FileResult,
    corrections: Sequence[Correction],
    place: Place,
    form_of: Callable[[str], Template | None] = lambda _: None,
) -> Seen | None:
    """Gather what is known of one number, or None where the file has no such number.

    Parameters
    ----------
    machine : FileResult
        The file as the program read it.
    corrections : sequence of Correction
        Of the file, oldest first.
    place : Place
    form_of : callable
        Returns the form of a name.

    Returns
    -------
    Seen or None
    """
    page = next((p for p in machine.pages if p.index == place.page), None)
    if page is None or not 0 <= place.number <= len(page.numbers):
        return None
    whole = Box(0, 0, page.shape[1], page.shape[0])
    blank = Number((), 0.0, whole)
    number = page.numbers[place.number - 1] if place.number else blank
    asked = [item.queued for item in items_of(machine, machine, "")]
    items = {i.position: i.review_id for i in asked if (i.page, i.number) == (place.page, place.number)}
    own = review_id(machine.sha256, place.page, number.box)
    identity = next(iter(items.values()), own)
    known = {identity, own, *items.values()}
    words: dict[Key, str] = {}
    for c in corrections:
        if c.review_id in known:  # one of the whole number may stand at any of its rows in the queue
            words[identity if c.kind == "number" else c.review_id, c.kind] = c.new
    new_page = next(p for p in overlay.corrected(machine, corrections).pages if p.index == place.page)
    form = form_of(page.template) if page.template else None
    if form is not None:
        new_page = released(new_page, form)
    now = new_page.numbers[place.number - 1] if place.number else next(iter(new_page.numbers), blank)
    return Seen(page, number, now, identity, items, words, new_page, form)


def digits_said(number: Seen, said: Mapping[int, str]) -> list[Change]:
    """Return what changes when unsure digits are answered one by one.

    Parameters
    ----------
    number : Seen
    said : mapping of int to str
        Digits by their position in what was read.

    Returns
    -------
    list of Change
    """
    return [
        Change(number.items[position], "digit", number.words.get((number.items[position], "digit"), ""), new)
        for position, new in sorted(said.items())
    ]


def number_said(number: Seen, text: str) -> list[Change]:
    """Return what changes when the whole text of a number is given.

    Parameters
    ----------
    number : Seen
    text : str
        Digits, with a dot or comma if there is one; ``-`` where it is no number, ``?`` where nobody can read it.

    Returns
    -------
    list of Change
    """
    return [Change(number.identity, "number", number.words.get((number.identity, "number"), ""), text)]


def taken_back(number: Seen) -> list[Change]:
    """Return what changes when all corrections of a number are taken back.

    Parameters
    ----------
    number : Seen

    Returns
    -------
    list of Change
    """
    return [
        Change(identity, kind, word, overlay.TAKEN_BACK)
        for (identity, kind), word in number.words.items()
        if word != overlay.TAKEN_BACK
    ]


def corrections_of(
    changes: Sequence[Change], number: Seen, place: Place, who: str, at: str
) -> list[Correction]:
    """Turn changes into corrections; their old value is the correction before, or what was read.

    Parameters
    ----------
    changes : sequence of Change
    number : Seen
    place : Place
    who : str
        Name of the person.
    at : str
        The time, as tables show it.

    Returns
    -------
    list of Correction
    """
    by_item = {identity: position for position, identity in number.items.items()}
    made = []
    for change in changes:
        position = by_item.get(change.review_id, 0)
        is_digit = change.kind == "digit" and position > 0
        read = number.machine.digits[position - 1].value if is_digit else number.machine.text
        made.append(
            Correction(
                place.file, change.review_id, change.kind, change.before or str(read), change.new, who, at
            )
        )
    return made
