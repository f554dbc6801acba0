"""Fields that waited for a broken rule only, let go once a correction has mended it."""

from __future__ import annotations

from dataclasses import replace

from digitocr.forms.checks import is_told, value, written
from digitocr.forms.template import Template
from digitocr.records import Number, PageResult, Reason, Status


def released(page: PageResult, template: Template) -> PageResult:
    """Accept fields that wait for nothing but rules which hold as the page stands now.

    Parameters
    ----------
    page : PageResult
        Of the form, corrections included.
    template : Template
    """
    if not any(number.status is Status.CORRECTED for number in page.numbers):
        return page
    said = {number.field: written(number) for number in page.numbers if is_told(number)}
    values = {field.name: value(field, said[field.name]) for field in template.fields if field.name in said}
    held = {f"{Reason.RULE_BROKEN}:{rule.name}" for rule in template.rules if rule.holds(values)}
    return replace(page, numbers=tuple(_released(number, held) for number in page.numbers))


def _released(number: Number, held: set[str]) -> Number:
    if number.status is not Status.REVIEW or not number.reasons or not held.issuperset(number.reasons):
        return number
    digits = tuple(replace(digit, status=Status.ACCEPTED) for digit in number.digits)
    return replace(number, digits=digits, status=Status.ACCEPTED, reasons=())
