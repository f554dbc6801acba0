"""Answers looked at before they are given: how they would be stored, and what speaks against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from digitocr.errors import UsageError
from digitocr.forms.checks import advice, as_stored, broken_rules, fault, is_known, text, written
from digitocr.forms.template import Field, Kind
from digitocr.records import Number
from digitocr.results.overlay import ILLEGIBLE, NOT_A_DIGIT, said_number
from digitocr.review.rules import is_answer
from digitocr.review.tasks import Tasks
from digitocr.store.review import Place


@dataclass(frozen=True, slots=True)
class Preview:
    """An answer as it would be stored.

    Attributes
    ----------
    stored : str
        Its text in the tables.
    doubt : str
        What speaks against it, '' where nothing does.
    """

    stored: str
    doubt: str = ""


def preview(tasks: Tasks, answers: Mapping[Place, str]) -> tuple[dict[Place, Preview], tuple[str, ...]]:
    """Look at answers about numbers of one page.

    Parameters
    ----------
    tasks : Tasks
    answers : mapping of Place to str
        Whole texts.

    Returns
    -------
    previews : dict of Place to Preview
    rules : tuple of str
        What the rules compare that name one of these fields and would be broken, unless another of their fields waits.

    Raises
    ------
    UsageError
        The numbers are not of one page.
    """
    if len({(place.file, place.page) for place in answers}) != 1:
        raise UsageError("these numbers are not of one page")
    state = tasks.state(next(iter(answers)))
    if state is None or state.number.form is None or state.number.page_now is None:
        return {place: Preview(said) for place, said in answers.items()}, ()
    form, numbers = state.number.form, list(state.number.page_now.numbers)
    read = state.number.page.numbers
    fields = {field.name: field for field in form.fields}
    previews = {}
    for place, said in answers.items():
        if not 0 < place.number <= len(read):
            raise UsageError(f"there is no number {place}")
        machine = read[place.number - 1]
        previews[place], numbers[place.number - 1] = _previewed(fields[machine.field], machine, said)
    named = {read[place.number - 1].field for place in answers}
    known = {n.field: written(n) for n in numbers if n.field and is_known(n) and not n.waits}
    broken = [told for rule, told in broken_rules(form, known) if named & set(rule.fields)]
    return previews, tuple(broken)


def _previewed(field: Field, machine: Number, said: str) -> tuple[Preview, Number]:
    """Return how an answer about a field would be stored, and the number with it."""
    answer = as_stored(field, said)
    if answer == ILLEGIBLE:
        return Preview(""), said_number(machine, ILLEGIBLE)
    if not is_answer(answer):
        return Preview("", "this is no number"), machine
    number = said_number(machine, answer)
    stored = text(field, written(number))
    reason = fault(field, "" if answer == NOT_A_DIGIT else written(number))
    if reason is not None:
        return Preview(stored, advice(field, reason)), number
    lacks_mark = field.kind is Kind.AMOUNT and answer.isdigit() and answer == said
    if lacks_mark and len(answer) != len(machine.digits):
        doubt = (
            f"no decimals were typed, so this is {stored}; for {answer}.{'0' * field.decimals} type {answer}."
        )
        return Preview(stored, doubt), number
    return Preview(stored), number
