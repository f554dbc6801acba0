"""Release of fields from review."""

from dataclasses import replace

import pytest

from digitocr.forms.release import released
from digitocr.forms.rules import parse
from digitocr.forms.template import Field, Template
from digitocr.records import Box, Digit, Number, PageResult, Reason, Status

BOX = Box(0, 0, 30, 20)
NAMES = ["a", "b", "total"]
TALLY = Template(
    "tally",
    (100, 100),
    tuple(Field(name, BOX, blank=True) for name in NAMES),
    (parse("sum", "total == a + b", NAMES), parse("order", "b >= a", NAMES)),
)
BROKEN = f"{Reason.RULE_BROKEN}:sum"


def number(field, text, status=Status.REVIEW, reasons=(BROKEN,)):
    digits = tuple(Digit(int(c), 0.9, 0, 0.1, BOX, status) for c in text)
    return Number(digits, 0.9, BOX, text, status, reasons, field)


def page(a, b, total):
    return PageResult(1, (100, 100), (a, b, total), template="tally")


WAITING = page(number("a", "1"), number("b", "3"), number("total", "4"))
CORRECTED = number("b", "3", Status.CORRECTED, ())


def test_fields_that_waited_for_a_rule_are_accepted_once_a_correction_settles_it():
    found = released(page(number("a", "1"), CORRECTED, number("total", "4")), TALLY)
    assert [n.status for n in found.numbers] == [Status.ACCEPTED, Status.CORRECTED, Status.ACCEPTED]
    assert all(not n.reasons for n in found.numbers)
    assert all(d.status is Status.ACCEPTED for n in found.numbers[::2] for d in n.digits)


def test_without_a_correction_nothing_is_released():
    assert released(WAITING, TALLY) is WAITING


def test_a_rule_that_is_still_broken_releases_nothing():
    still = page(number("a", "1"), CORRECTED, number("total", "5"))
    assert released(still, TALLY) == still


@pytest.mark.parametrize(
    "other", [Reason.LOW_CONFIDENCE, f"{Reason.RULE_BROKEN}:order", f"{Reason.RULE_BROKEN}:gone"]
)
def test_a_field_that_waits_for_something_else_as_well_goes_on_waiting(other):
    held = number("a", "9", reasons=(BROKEN, other))
    found = released(page(held, CORRECTED, number("total", "12")), TALLY)
    assert found.numbers[0] == held
    assert found.numbers[2].status is Status.ACCEPTED


def test_a_rule_with_an_unread_field_is_not_settled():
    unread = replace(number("a", "", reasons=(Reason.FIELD_BLANK,)), digits=())
    waiting = page(unread, CORRECTED, number("total", "4"))
    assert released(waiting, TALLY) == waiting
