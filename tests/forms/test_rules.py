from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitocr.forms.rules import RuleError, broken, parse, told

NAMES = ["a", "b", "c", "total"]


def values(**said):
    return {name: None if value is None else Decimal(value) for name, value in said.items()}


@pytest.mark.parametrize(
    ("text", "said", "holds"),
    [
        ("total == a + b + c", {"a": 1, "b": 2, "c": 3, "total": 6}, True),
        ("total == a + b + c", {"a": 1, "b": 2, "c": 3, "total": 7}, False),
        ("total == a + b + c", {"a": 1, "b": None, "c": 3, "total": 7}, None),
        ("a <= b < c", {"a": 1, "b": 1, "c": 2}, True),
        ("a <= b < c", {"a": 1, "b": 2, "c": 2}, False),
        ("2 * (a - b) != -c", {"a": 1, "b": 2, "c": 2}, False),
        ("total == a * 0.1", {"a": "0.3", "total": "0.03"}, True),
    ],
)
def test_a_rule_holds_or_not_or_is_not_judged(text, said, holds):
    assert parse("rule", text, NAMES).holds(values(**said)) is holds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("total", "is not a comparison"),
        ("total = a", "not an expression"),
        ("total == x", "there is no field 'x'"),
        ("1 == 1", "names no field"),
        ("a in b", "is not a comparison"),
        ("a == b / c", "only fields, numbers"),
        ("a == b ** 99", "only fields, numbers"),
        ("a == max(b, c)", "only fields, numbers"),
        ("a == __import__('os')", "only fields, numbers"),
        ("a == b.c", "only fields, numbers"),
        ("a == 'b'", "only fields, numbers"),
        ("a == True", "only fields, numbers"),
        ("a == b if c else total", "is not a comparison"),
        ("a == " + "(" * 500 + "b" + ")" * 500, "not an expression"),
        ("a == " + "b + " * 5000 + "c", "at most 4000 characters"),
        ("a == " + "b + " * 300 + "c", "at most 200 operations"),
        ("a == " + "-" * 900 + "c", "at most 200 operations"),
        ("a == 1e999 - 1e999", "only fields, numbers"),
        ("a == \x00", "not an expression"),
    ],
)
def test_what_is_no_rule_is_told(text, told):
    with pytest.raises(RuleError) as caught:
        parse("rule", text, NAMES)
    assert told in str(caught.value)


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=6), st.integers(-5, 5))
def test_a_sum_is_broken_exactly_when_it_is_wrong(parts, off):
    names = [f"p{i}" for i in range(len(parts))]
    rule = parse("sum", "total == " + " + ".join(names), [*names, "total"])
    said = values(**dict(zip(names, parts, strict=True)), total=sum(parts) + off)
    assert broken([rule], said) == ([rule] if off else [])


def test_a_number_larger_than_any_field_is_refused():
    with pytest.raises(RuleError):
        parse("large", f"a == 0x{'f' * 3900}", ["a"])


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("total == a + b", "A 3 + B 4 = 7, In all says 9"),
        ("a + b == total", "A 3 + B 4 = 7, In all says 9"),
        ("total - a <= 5", "In all 9 − A 3 = 6, must be at most 5"),
        ("total < a * (b - 2)", "In all 9, must be less than A 3 × (B 4 − 2) = 6"),
        ("a == b", "B 4, A says 3"),
        ("-a > b - (a + 1)", "−A 3 = -3, must be more than B 4 − (A 3 + 1) = 0"),
        ("a == b == total", "B 4, A says 3; In all 9, B says 4"),
    ],
)
def test_what_a_rule_compares_is_told_with_its_numbers(rule, wanted):
    values = {"a": Decimal(3), "b": Decimal(4), "total": Decimal(9)}
    shown = {"a": ("A", "3"), "b": ("B", "4"), "total": ("In all", "9")}
    assert told(parse("r", rule, list(values)), values, shown) == wanted
