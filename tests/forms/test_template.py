"""The nouns of a template."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitocr.forms.template import DATE_FORMATS, MAX_DIGITS, Field, Template, divided
from digitocr.records import Box


class TestDivided:
    @given(st.integers(1, MAX_DIGITS), st.integers(MAX_DIGITS, 3000))
    def test_cells_fill_the_box_without_gaps_and_are_nearly_equal(self, count, width):
        cells = divided(Box(7, 5, width, 30), count)
        assert (cells[0].x, cells[-1].right, len(cells)) == (7, 7 + width, count)
        assert all(left.right == right.x for left, right in pairwise(cells))
        assert max(cell.width for cell in cells) - min(cell.width for cell in cells) <= 1
        assert {(cell.y, cell.height) for cell in cells} == {(5, 30)}


class TestTemplate:
    def test_a_field_is_found_by_its_name(self):
        one, two = Field("a", Box(0, 0, 9, 9)), Field("b", Box(20, 0, 9, 9))
        template = Template("t", (100, 100), (one, two))
        assert template.field("b") is two
        with pytest.raises(StopIteration):
            template.field("c")


def test_every_date_format_has_day_month_and_year():
    for order in DATE_FORMATS:
        assert (order.count("D"), order.count("M")) == (2, 2)
        assert order.count("Y") in (2, 4)
        assert len(order) == 4 + order.count("Y")
