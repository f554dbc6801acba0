"""Release of fields from review, once a correction has settled the rules they waited for."""

from __future__ import annotations

from dataclasses import replace

from digitocr.forms.checks import is_known, value, written
from digitocr.forms.template import Template
from digitocr.records import BY_PERSON, Number, PageResult, Reason, Status


def released(page: PageResult, template: Template) -> PageResult:
    """Accept fields that wait only for rules which hold by now.

    Parameters
    ----------
    page : PageResult
        Of the form, corrections included.
    template : Template

    Returns
    -------
    PageResult
        The same where nothing was corrected.
    """
    if not any(number.status in BY_PERSON for number in page.numbers):
        return page
    texts = {number.field: written(number) for number in page.numbers if is_known(number)}
    values = {field.name: value(field, texts[field.name]) for field in template.fields if field.name in texts}
    held = {f"{Reason.RULE_BROKEN}:{rule.name}" for rule in template.rules if rule.holds(values)}
    return replace(page, numbers=tuple(_released(number, held) for number in page.numbers))


def _released(number: Number, held: set[str]) -> Number:
    if number.status is not Status.REVIEW or not number.reasons or not held.issuperset(number.reasons):
        return number
    digits = tuple(replace(digit, status=Status.ACCEPTED) for digit in number.digits)
    return replace(number, digits=digits, status=Status.ACCEPTED, reasons=())
