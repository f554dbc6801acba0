"""The value of a number: its decimal sign, where that is not in doubt."""

import pytest

from digitocr.forms.template import Field, Kind
from digitocr.records import Box, Digit, Number, Status
from digitocr.results.values import value

HERE = Box(0, 0, 9, 9)
AMOUNT = Field("paid", HERE, Kind.AMOUNT, decimals=2)
IN_CELLS = Field("paid", HERE, Kind.AMOUNT, cells=(HERE,) * 4, decimals=2)


def number(written, status=Status.ACCEPTED):
    digits = tuple(Digit(int(d), 1.0, 0, 0.0, HERE) for d in written if d.isdigit())
    return Number(digits, 1.0, HERE, written, status)


@pytest.mark.parametrize(
    ("written", "field", "status", "expected"),
    [
        ("007", None, Status.ACCEPTED, "007"),
        ("", None, Status.REVIEW, ""),
        ("3,50", None, Status.REVIEW, ""),  # one that looks decimal waits
        ("1.250", None, Status.ACCEPTED, ""),  # a thousand or one and a quarter
        ("1/2", None, Status.ACCEPTED, ""),
        ("3,50", None, Status.CORRECTED, "3.50"),
        ("3.5", None, Status.CONFIRMED, "3.5"),
        ("12-5", None, Status.CONFIRMED, ""),
        ("1.250,50", AMOUNT, Status.ACCEPTED, "1250.50"),
        ("450,5", AMOUNT, Status.ACCEPTED, "450.50"),
        ("45050", IN_CELLS, Status.ACCEPTED, "450.50"),
        ("1.250", Field("n", HERE), Status.ACCEPTED, "1250"),
        ("29.02.24", Field("d", HERE, Kind.DATE, format="DDMMYY"), Status.ACCEPTED, ""),
    ],
)
def test_the_value_of_a_number(written, field, status, expected):
    assert value(number(written, status), field) == expected
