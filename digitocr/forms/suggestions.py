"""Which single digit would put a page right: the one a person is asked about first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from digitocr.forms.checks import Complaint, complaints, fault, written
from digitocr.forms.template import Field, Template
from digitocr.records import Number, Reason

PLAUSIBLE = 0.001
"""A runner-up with less probability is not offered."""


@dataclass(frozen=True, slots=True)
class Mend:
    """A digit that, read as its runner-up, answers one or more complaints.

    Attributes
    ----------
    field : str
    position : int
        Counts from 1 in the field.
    digit : int
        What it would be.
    complaints : tuple of Complaint
        Those it answers.
    """

    field: str
    position: int
    digit: int
    complaints: tuple[Complaint, ...]


def mends(template: Template, numbers: Mapping[str, Number]) -> list[Mend]:
    """Return the changes of one digit each that answer a complaint and raise no other.

    A complaint that could be answered by several changes has none, for nothing tells them apart; a change that
    answers more complaints goes before one that answers fewer.

    Parameters
    ----------
    template : Template
    numbers : mapping of str to Number
        What was read in each field, as far as it could be; without digits where it is blank.
    """
    now = {name: written(number) for name, number in numbers.items()}
    before = complaints(template, now)
    if not before:
        return []
    suspects = {name for complaint in before for name in complaint.fields}
    possible = []
    for name, position, digit, text in _changes(numbers, suspects):
        after = complaints(template, now | {name: text})
        answered = tuple(complaint for complaint in before if complaint not in after)
        if answered and all(complaint in before for complaint in after):
            possible.append(Mend(name, position, digit, answered))
    found: list[Mend] = []
    for complaint in before:
        answers = [mend for mend in possible if complaint in mend.complaints]
        most = max((len(mend.complaints) for mend in answers), default=0)
        best = [mend for mend in answers if len(mend.complaints) == most]
        if len(best) == 1 and best[0] not in found:
            found.append(best[0])
    return found


def dated(field: Field, number: Number) -> Number:
    """Read a date as the likeliest day there is, where one digit's runner-up makes it one: no month is the 17th.

    Parameters
    ----------
    field : Field
    number : Number
        What was read in it.

    Returns
    -------
    Number
        No surer than the runner-up was; the number as it is where it is no date, is one, or cannot be made one so.
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
    """Yield field, position and digit of each plausible change, with what the field would say."""
    for name in sorted(fields & numbers.keys()):
        number = numbers[name]
        text = written(number)
        places = [i for i, sign in enumerate(text) if sign.isdigit()]
        for position, (place, digit) in enumerate(zip(places, number.digits, strict=True), 1):
            if digit.runner_up_confidence >= PLAUSIBLE and digit.runner_up != digit.value:
                yield name, position, digit.runner_up, f"{text[:place]}{digit.runner_up}{text[place + 1 :]}"
