"""What is read on the golden pictures against the committed table: at most one picture may get worse.

See :mod:`benchmarks.golden`; ``python -m benchmarks.golden --update`` writes the table after a change that is meant.
"""

import warnings
from dataclasses import replace

import pytest

from benchmarks.golden import DRAWINGS, KINDS, Golden, compare, read_now, read_table, write_table


@pytest.mark.soak
@pytest.mark.filterwarnings("default:golden pictures")
def test_no_more_than_one_golden_picture_is_read_worse():
    found = compare(read_table(), read_now())
    assert not found.is_fault, str(found)
    if str(found):
        warnings.warn(f"golden pictures: {found}", stacklevel=1)


def test_the_table_holds_every_kind_and_also_what_is_read_wrong():
    table = read_table()
    kinds = [row.name.partition("-")[0] for row in table if "-" in row.name]
    assert {kind: kinds.count(kind) for kind in KINDS} == dict.fromkeys(KINDS, DRAWINGS // len(KINDS))
    assert any(row.text != row.truth for row in table)


ONE, BLANK = Golden("one", "12", "12", ""), Golden("blank", "", "", "")
SEVERAL = Golden("several", "12|3|3", "12|3|7", "12")
TABLE = [ONE, BLANK, SEVERAL]


def changed(name, **fields):
    return [replace(row, **fields) if row.name == name else row for row in TABLE]


def test_the_same_is_no_fault_and_says_nothing():
    found = compare(TABLE, TABLE)
    assert not found.is_fault
    assert str(found) == ""


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("one", "13", "worse"),
        ("one", "12|3", "worse"),
        ("blank", "1", "worse"),
        ("several", "12|7", "worse"),
        ("several", "12|3|3", "better"),
        ("several", "12|3|9", "other"),
        ("several", "7|3|12", "other"),
    ],
)
def test_one_picture_may_get_worse_and_any_number_better(name, text, what):
    found = compare(TABLE, changed(name, text=text))
    assert getattr(found, what) == (name,)
    assert not found.is_fault
    assert f"{what}: {name}" in str(found)
    assert "--update" in str(found)


def test_two_pictures_that_get_worse_are_a_fault():
    assert compare(TABLE, [replace(ONE, text="13"), BLANK, replace(SEVERAL, text="12")]).is_fault


@pytest.mark.parametrize(
    ("name", "text", "accepted"),
    [("one", "13", "13"), ("one", "12|3", "3"), ("blank", "1", "1"), ("several", "12|3|7", "12|7")],
)
def test_one_wrong_number_that_is_newly_accepted_is_a_fault(name, text, accepted):
    found = compare(TABLE, changed(name, text=text, accepted=accepted))
    assert found.wrong_accepted == (name,)
    assert found.is_fault


def test_a_wrong_number_that_was_accepted_before_is_none():
    before = changed("several", accepted="12|7")
    assert not compare(before, changed("several", accepted="7")).wrong_accepted
    assert compare(before, changed("several", accepted="7|7")).wrong_accepted == ("several",)


def test_pictures_that_come_go_or_are_drawn_otherwise_need_a_new_table():
    assert compare(TABLE, TABLE[1:]).redrawn == ("one",)
    assert compare(TABLE[1:], TABLE).redrawn == ("one",)
    found = compare(TABLE, changed("one", truth="13"))
    assert found.redrawn == ("one",)
    assert found.is_fault


def test_a_table_is_read_as_it_was_written(tmp_path):
    write_table(TABLE, tmp_path / "golden.csv")
    assert read_table(tmp_path / "golden.csv") == TABLE
