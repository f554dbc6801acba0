from itertools import pairwise

import pytest
from form_spec import SPEC

from digitocr.errors import TemplateError
from digitocr.forms import layout
from digitocr.forms.template import PX_PER_MM


def load(folder, text=SPEC):
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return layout.load(path)


def test_fields_have_the_cells_that_follow_from_their_kind(tmp_path):
    template = load(tmp_path).template
    cells = {field.name: len(field.cells) for field in template.fields}
    assert cells == {"men": 2, "women": 2, "house": 6, "day": 8, "rent": 6, "phone": 0}
    assert [rule.name for rule in template.rules] == ["some"]


def test_cells_are_large_enough_for_a_hand_and_on_the_grid(tmp_path):
    for field in load(tmp_path).template.fields:
        for cell in field.cells:
            assert (cell.width, cell.height) == (8 * PX_PER_MM, 10 * PX_PER_MM)


def test_parts_of_a_date_stand_apart(tmp_path):
    cells = load(tmp_path).template.field("day").cells
    gaps = [b.x - a.right for a, b in pairwise(cells)]
    assert [i for i, gap in enumerate(gaps) if gap > 0] == [1, 3]


def test_the_cells_of_a_date_say_what_goes_where(tmp_path):
    form = load(tmp_path)
    day = form.template.field("day")
    hints = [c for c in form.captions if c.size == 6]
    assert "".join(hint.text for hint in hints) == "DDMMYYYY"
    for hint, cell in zip(hints, day.cells, strict=True):
        assert cell.x < hint.x * PX_PER_MM < cell.right
        assert hint.y * PX_PER_MM < cell.y


def test_two_columns_stand_side_by_side(tmp_path):
    template = load(tmp_path).template
    men, women = template.field("men").box, template.field("women").box
    assert men.y == women.y
    assert women.x > men.right


def test_markers_tell_form_and_corner(tmp_path):
    template = load(tmp_path, SPEC.replace("title: Head", "code: 7\ntitle: Head", 1)).template
    assert [marker.id for marker in template.markers] == [28, 29, 30, 31]
    upper_left, _, lower_right, _ = (marker.box for marker in template.markers)
    assert (upper_left.x, lower_right.right) == (8 * PX_PER_MM, 202 * PX_PER_MM)


def test_another_version_has_another_code(tmp_path):
    one = load(tmp_path).template.markers
    assert load(tmp_path, "version: 2\n" + SPEC).template.markers != one
    assert load(tmp_path).template.markers == one


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("men: {label: Men, ", "men: {label: 中, ", 8, "the font has no '中'"),
        ("men: {label: Men, ", "men: {lable: Men, ", 8, "did you mean 'label'?"),
        ("men: {label: Men, cells: 2", "men: {label: Men, cells: 20", 8, "do not fit into a column"),
        ("men: {label: Men, ", "men: {label: " + "Men and " * 20 + ", ", 8, "do not fit into a column"),
        ("women: {cells: 2}", "women: {}", 9, "say how many 'cells' it has"),
        ("length: 6, checksum", "length: 6, width: 2, checksum", 11, "at least 8 mm"),
        ("cells: 6, decimals: 2", "cells: 2, decimals: 2", 13, "no room for 2 decimals"),
        ("cells: 6, decimals: 2", "cells: 2, width: 20", 13, "either 'cells' or a 'width'"),
        (
            "  - fields:\n      house:",
            "  - fields:\n      men:",
            11,
            "another section has a field of this name",
        ),
        ("men + women", "men + boys", 16, "there is no field 'boys'"),
        ("columns: 2", "columns: 3", 6, "one or two columns"),
        ("form: head_count", "form: head count", 1, "not a valid name"),
        ("title: Head count\n", "title: " + "Head count " * 30 + "\n", 2, "too long"),
        ("note:", "page: A0\nnote:", 3, "'A0' is not one of A4, Letter"),
        ("note:", "code: 250\nnote:", 3, "0 to 249"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, old, new, line, told):
    assert old in SPEC
    with pytest.raises(TemplateError) as caught:
        load(tmp_path, SPEC.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'spec.yaml'}:{line}: ")
    assert told in str(caught.value)


def test_what_does_not_fit_on_the_page_is_told(tmp_path):
    many = "".join(f"      f{i}: {{cells: 3}}\n" for i in range(20))
    with pytest.raises(TemplateError, match="field 'f17': the page is full"):
        load(tmp_path, f"form: f\ntitle: F\nsections:\n  - fields:\n{many}")
