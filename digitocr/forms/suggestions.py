"""Suggestions: which single digit, read as its runner-up, would settle what is wrong on a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from digitocr.forms.checks import Complaint, complaints, fault, written
from digitocr.forms.template import Field, Template
from digitocr.records import Number, Reason

MIN_PROBABILITY = 0.001
"""Of a runner-up that is suggested."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A digit that, read as its runner-up, settles one or more complaints.

    Attributes
    ----------
    field : str
    position : int
        Counts from 1 in the field.
    digit : int
        The runner-up.
    complaints : tuple of Complaint
        Those it settles.
    """

    field: str
    position: int
    digit: int
    complaints: tuple[Complaint, ...]


def suggest(template: Template, numbers: Mapping[str, Number]) -> list[Suggestion]:
    """Suggest changes of one digit each that settle a complaint and raise no other.

    Of the changes that settle a complaint, one that settles more complaints at once goes first. Where several remain,
    none is suggested, as nothing tells them apart.

    Parameters
    ----------
    template : Template
    numbers : mapping of str to Number
        What was read in each field that could be read; without digits where it is blank.

    Returns
    -------
    list of Suggestion
    """
    now = {name: written(number) for name, number in numbers.items()}
    before = complaints(template, now)
    if not before:
        return []
    suspects = {name for complaint in before for name in complaint.fields}
    possible = []
    for name, position, digit, text in _changes(numbers, suspects):
        after = complaints(template, now | {name: text})
        settled = tuple(complaint for complaint in before if complaint not in after)
        if settled and all(complaint in before for complaint in after):
            possible.append(Suggestion(name, position, digit, settled))
    found: list[Suggestion] = []
    for complaint in before:
        settling = [one for one in possible if complaint in one.complaints]
        most = max((len(one.complaints) for one in settling), default=0)
        best = [one for one in settling if len(one.complaints) == most]
        if len(best) == 1 and best[0] not in found:
            found.append(best[0])
    return found


def dated(field: Field, number: Number) -> Number:
    """Read a date that does not exist as the most probable one that does, by the runner-up of one digit.

    Parameters
    ----------
    field : Field
    number : Number
        What was read in it.

    Returns
    -------
    Number
        Its confidence is at most the runner-up's. The same number where the date exists, or no such runner-up makes
        it one, or it is not a date at all.
    """
    if fault(field, written(number)) is not Reason.FIELD_DATE:
        return number
    days = [
        (number.digits[position - 1].runner_up_confidence, position, text)
        for _, position, _, text in _changes({field.name: number}, {field.name})
        if fault(field, text) is None
    ]
    if not days:
        return number
    sure, position, text = max(days)
    old = number.digits[position - 1]
    new = replace(
        old,
        value=old.runner_up,
        confidence=sure,
        runner_up=old.value,
        runner_up_confidence=old.confidence,
    )
    digits = (*number.digits[: position - 1], new, *number.digits[position:])
    return replace(number, digits=digits, confidence=min(number.confidence, sure), written=text)


def _changes(numbers: Mapping[str, Number], fields: set[str]) -> Iterator[tuple[str, int, int, str]]:
    """Yield field, position and digit of each plausible change, with the text that the field would have."""
    for name in sorted(fields & numbers.keys()):
        number = numbers[name]
        text = written(number)
        places = [i for i, sign in enumerate(text) if sign.isdigit()]
        for position, (place, digit) in enumerate(zip(places, number.digits, strict=True), 1):
            if digit.runner_up_confidence >= MIN_PROBABILITY and digit.runner_up != digit.value:
                yield name, position, digit.runner_up, f"{text[:place]}{digit.runner_up}{text[place + 1 :]}"
