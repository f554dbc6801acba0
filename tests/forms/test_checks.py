from decimal import Decimal

import pytest

from digitocr.forms import checks
from digitocr.forms.checks import Complaint, complaints, fault, text, value
from digitocr.forms.rules import parse
from digitocr.forms.template import Field, Kind, Template
from digitocr.records import Box, Number, Reason

BOX = Box(0, 0, 90, 30)
CELLS = tuple(Box(30 * i, 0, 30, 30) for i in range(3))


@pytest.mark.parametrize(
    ("field", "written", "worth", "shown"),
    [
        (Field("n", BOX), "007", "7", "007"),
        (Field("n", BOX), "", None, ""),
        (Field("n", BOX, blank=True), "", "0", ""),
        (Field("n", BOX, Kind.DIGITS, blank=True), "", None, ""),
        (Field("n", BOX), "1.250", "1250", "1250"),
        (Field("n", BOX, Kind.AMOUNT, decimals=2), "1.250", "1250", "1250.00"),
        (Field("n", BOX, Kind.AMOUNT, decimals=2), "1.250,5", "1250.5", "1250.50"),
        (Field("n", BOX, Kind.AMOUNT, decimals=2), "1,250.50", "1250.5", "1250.50"),
        (Field("n", BOX, Kind.AMOUNT, decimals=2), "12,", "12", "12.00"),
        (Field("n", BOX, Kind.AMOUNT, decimals=3), "1,250", "1.25", "1.250"),
        (Field("n", BOX, Kind.AMOUNT, cells=CELLS, decimals=2), "125", "1.25", "1.25"),
        (Field("n", BOX, Kind.DATE, format="DDMMYYYY"), "29.02.2024", "738945", "2024-02-29"),
        (Field("n", BOX, Kind.DATE, format="MMDDYY"), "02/29/24", "738945", "2024-02-29"),
        (Field("n", BOX, Kind.DATE, format="YYMMDD"), "690101", "718798", "1969-01-01"),
        (Field("n", BOX, Kind.DATE, format="DDMMYYYY"), "29022023", None, "29022023"),
        (Field("n", BOX, Kind.DATE, format="DDMMYYYY"), "00000000", None, "00000000"),
    ],
)
def test_value_and_text_of_a_field(field, written, worth, shown):
    assert value(field, written) == (None if worth is None else Decimal(worth))
    assert text(field, written) == shown


@pytest.mark.parametrize(
    ("field", "written", "reason"),
    [
        (Field("n", BOX), "", Reason.FIELD_BLANK),
        (Field("n", BOX, blank=True), "", None),
        (Field("n", BOX, length=(2, 3)), "1", Reason.FIELD_LENGTH),
        (Field("n", BOX, length=(2, 3)), "1234", Reason.FIELD_LENGTH),
        (Field("n", BOX, range=(0, 10)), "11", Reason.FIELD_RANGE),
        (Field("n", BOX, range=(0, 10)), "10", None),
        (Field("n", BOX, pattern="[1-9].*"), "01", Reason.FIELD_PATTERN),
        (Field("n", BOX, pattern="1"), "11", Reason.FIELD_PATTERN),
        (Field("n", BOX, checksum="luhn"), "79927398710", Reason.FIELD_CHECKSUM),
        (Field("n", BOX, checksum="luhn"), "79927398713", None),
        (Field("n", BOX, Kind.DATE, format="DDMMYY", length=(6, 6)), "310224", Reason.FIELD_DATE),
        (Field("n", BOX, Kind.DATE, format="DDMMYY", length=(6, 6), pattern="2024-.*"), "290224", None),
        # which Python's own library would work on for years
        (
            Field("n", BOX, length=(1, 40), pattern=r"((\d*)*)*(\d|\d|\d)*x"),
            "1234567890" * 4,
            Reason.FIELD_PATTERN,
        ),
    ],
)
def test_a_field_is_held_against_its_template(field, written, reason):
    assert fault(field, written) is reason


def test_fields_and_rules_are_judged_together():
    fields = (Field("a", BOX, blank=True), Field("b", BOX, range=(0, 5)), Field("total", BOX))
    rules = (parse("sum", "total == a + b", ["a", "b", "total"]),)
    template = Template("t", (100, 100), fields, rules)
    assert complaints(template, {"a": "", "b": "3", "total": "3"}) == []
    assert complaints(template, {"a": "1", "b": "6", "total": "3"}) == [
        Complaint(Reason.FIELD_RANGE, "b", ("b",)),
        Complaint(Reason.RULE_BROKEN, "sum", ("total", "a", "b")),
    ]


def test_a_rule_with_a_field_that_could_not_be_read_is_not_judged():
    rules = (parse("sum", "total == a", ["a", "total"]),)
    template = Template("t", (100, 100), (Field("a", BOX), Field("total", BOX)), rules)
    assert complaints(template, {"total": "3"}) == []


def test_marks_that_do_not_fit_the_digits_are_left_out():
    assert checks.written(Number((), 0.0, BOX, "1.5")) == ""
