from dataclasses import replace

import pytest

from digitocr.forms.checks import fault
from digitocr.forms.rules import parse
from digitocr.forms.suggestions import dated, suggest
from digitocr.forms.template import Field, Kind, Template
from digitocr.records import Box, Digit, Number, Reason

BOX = Box(0, 0, 90, 30)
NAMES = ["a", "b", "c", "total"]


def template(*texts: str, **said) -> Template:
    fields = tuple(Field(name, BOX, blank=True, **said) for name in NAMES)
    return Template("t", (100, 100), fields, tuple(parse(text, text, NAMES) for text in texts))


def number(text: str, **runner_ups: tuple[int, float]) -> Number:
    """A number whose digits are sure, but for those named by position: ``p2=(7, 0.3)``."""
    digits = []
    for position, sign in enumerate(text, 1):
        other, share = runner_ups.get(f"p{position}", ((int(sign) + 1) % 10, 0.0))
        digits.append(Digit(int(sign), 1 - share, other, share, BOX))
    return Number(tuple(digits), 0.9, BOX, text)


def found(form: Template, **numbers: Number) -> list[tuple[str, int, int]]:
    return [(one.field, one.position, one.digit) for one in suggest(form, numbers)]


SUM = "total == a + b"


def test_the_one_digit_that_mends_a_sum_is_found():
    assert found(template(SUM), a=number("12"), b=number("31", p1=(7, 0.2)), total=number("83")) == [
        ("b", 1, 7)
    ]


def test_nothing_is_mended_where_all_holds():
    assert found(template(SUM), a=number("12"), b=number("71", p1=(1, 0.4)), total=number("83")) == []


def test_two_digits_that_would_do_are_none():
    read = {"a": number("12", p2=(3, 0.1)), "b": number("71", p2=(2, 0.1)), "total": number("84")}
    assert found(template(SUM), **read) == []


def test_a_digit_in_two_broken_sums_goes_before_one_in_a_single_sum():
    form = template(SUM, "c == b * 2")
    read = {"a": number("12", p2=(3, 0.1)), "b": number("71", p2=(2, 0.1)), "c": number("144")}
    assert found(form, **read, total=number("84")) == [("b", 2, 2)]


def test_a_change_that_breaks_another_rule_does_not_mend():
    form = template(SUM, "c == b * 2")
    read = {"a": number("12"), "b": number("71", p2=(2, 0.1)), "c": number("142"), "total": number("84")}
    assert found(form, **read) == []


def test_two_sums_broken_apart_are_mended_apart():
    form = template("a == 12", "b == 71")
    read = {"a": number("13", p2=(2, 0.1)), "b": number("77", p2=(1, 0.1))}
    assert found(form, **read) == [("a", 2, 2), ("b", 2, 1)]


def test_a_check_digit_is_mended_as_a_sum_is():
    read = number("79927398113", p9=(7, 0.01))
    assert found(template(checksum="luhn"), a=read) == [("a", 9, 7)]


def test_an_alternative_no_one_believes_is_not_offered():
    assert found(template(SUM), a=number("12"), b=number("31", p1=(7, 0.0001)), total=number("83")) == []


def test_marks_between_digits_are_kept():
    read = number("131", p1=(7, 0.2))
    amount = Number(read.digits, 0.9, BOX, "1.31")
    assert found(template("a == 731"), a=amount) == [("a", 1, 7)]


DAY = Field("day", BOX, Kind.DATE, format="DDMMYYYY")


def test_a_date_is_read_as_a_day_there_is():
    read = number("47012024", p1=(1, 0.1), p2=(2, 0.02), p4=(7, 0.3))
    day = dated(DAY, read)
    assert day.text == "17012024"
    assert (day.confidence, day.digits[0].runner_up) == (0.1, 4)
    assert day.digits[1:] == read.digits[1:]


def test_marks_of_a_date_stay():
    read = replace(number("31042024", p4=(5, 0.2)), written="31.04.2024")
    assert dated(DAY, read).written == "31.05.2024"


@pytest.mark.parametrize("text", ["17012024", "4701", "47132024"])
def test_what_is_a_day_or_cannot_be_one_stays_as_read(text):
    read = number(text, p1=(1, 0.1))
    assert dated(DAY, read) is read


def test_no_form_is_of_the_year_1470():
    assert fault(DAY, "17011470") is Reason.FIELD_DATE
