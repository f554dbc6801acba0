import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitocr.errors import TemplateError
from digitocr.forms import template_file
from digitocr.forms.checksums import CHECKSUMS
from digitocr.forms.rules import parse
from digitocr.forms.template import DATE_FORMATS, Field, Kind, Marker, Template, Unit, divided
from digitocr.records import Box

GOOD = """\
template: tally
version: 3b
unit: mm
size: [210, 297]
features: tally.features.npz
markers:
  0: [10, 10, 10, 10]
fields:
  a: {box: [20, 20, 24, 10], cells: 3, blank: yes, label: Men over 15}
  code: {cells: [[20, 40, 8, 10], [30, 40, 8, 10]], kind: digits, checksum: luhn}
  total: {box: [20, 60, 30, 10], range: [0, 500], length: [1, 3]}
  day: {box: [20, 80, 80, 10], cells: 8, kind: date, format: DDMMYYYY}
  paid: {box: [20, 100, 60, 10], kind: amount, pattern: '\\d+'}
rules:
  sum of a: total == a * 2 + 1
"""


def load(folder: Path, text: str) -> Template:
    path = folder / "tally.yaml"
    path.write_text(text, encoding="utf-8")
    return template_file.load(path)


def test_a_template_in_millimetres_is_carried_over_to_pixels(tmp_path):
    template = load(tmp_path, GOOD)
    assert template.size == (1680, 2376)
    assert template.field("total").box == Box(160, 480, 240, 80)
    assert template.field("a").cells[2] == Box(288, 160, 64, 80)
    assert template.field("code").box == Box(160, 320, 144, 80)
    assert template.markers == (Marker(0, Box(80, 80, 80, 80)),)
    assert template.features == tmp_path / "tally.features.npz"
    assert template.version == "3b"
    assert [template.field(name).title for name in ("a", "total")] == ["Men over 15", "total"]
    assert template.rules[0].fields == ("total", "a")


def test_length_follows_from_kind_and_cells(tmp_path):
    template = load(tmp_path, GOOD)
    lengths = {field.name: field.length for field in template.fields}
    assert lengths == {"a": (1, 3), "code": (2, 2), "total": (1, 3), "day": (8, 8), "paid": (1, 20)}


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("box: [20, 60, 30, 10]", "bax: [20, 60, 30, 10]", 11, "'bax' is not a known key (did you mean 'box'?)"),
        ("box: [20, 60, 30, 10]", "box: [20, 60, 30]", 11, "field 'total': 4 numbers are needed here, not 3"),
        ("box: [20, 60, 30, 10]", "box: [20, 60, x, 10]", 11, "'x' is not a number"),
        ("box: [20, 60, 30, 10]", "box: [20, 60, 300, 10]", 11, "beyond the page"),
        ("box: [20, 60, 30, 10]", "box: [20, 60, 0, 10]", 11, "must have a width"),
        ("box: [20, 60, 30, 10]", "box: [21, 21, 20, 10]", 11, "field 'total': it lies on field 'a'"),
        ("box: [20, 60, 30, 10], ", "", 11, "'box' is missing"),
        ("range: [0, 500]", "range: [500, 0]", 11, "the range is empty"),
        ("length: [1, 3]", "length: [3, 1]", 11, "the smaller first"),
        ("cells: 3", "cells: 3, length: 4", 9, "4 digits do not fit into 3 cells"),
        ("cells: 8", "cells: 6", 12, "DDMMYYYY needs 8 cells, not 6"),
        (", format: DDMMYYYY", "", 12, "a date needs a 'format'"),
        ("checksum: luhn", "checksum: lunh", 10, "(did you mean 'luhn'?)"),
        ("kind: digits", "kind: number, decimals: 2", 10, "only an amount has 'decimals'"),
        (r"'\d+'", "'('", 13, "not a regular expression"),
        ("a * 2", "b * 2", 15, "rule 'sum of a': 'total == b * 2 + 1': there is no field 'b'"),
        ("total == a", "total + a", 15, "is not a comparison"),
        ("  total:", "  a:", 11, "'a' is given twice"),
        ("  total:", "  a_status:", 11, "two columns 'a_status'"),
        ("  total:", "  file:", 11, "two columns 'file'"),
        ("  total:", "  2nd:", 11, "this is not a valid name"),
        ("template: tally", "template: =cmd", 1, "not a valid name"),
        ("blank: yes", "blank: maybe", 9, "true or false"),
        ("size: [210, 297]", "size: [210, 0]", 4, "width and a height"),
        ("unit: mm", "unit: cm", 3, "'cm' is not one of px, mm"),
        ("features: tally", "features: ../tally", 5, "beside the template"),
        ("  0: [10", "  x: [10", 7, "the name of a marker is its number"),
        ("fields:", "fields: [", 10, "not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path, old, new, line, told):
    assert old in GOOD
    with pytest.raises(TemplateError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'tally.yaml'}:{line}: ")
    assert told in str(caught.value)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    "text", ["", "- a", "a: &x [*x]", "\x00", "[" * 1500, "template: t\nsize: [1, 1]\nfields: {}"]
)
def test_no_text_ends_in_a_traceback(tmp_path, text):
    with pytest.raises(TemplateError):
        load(tmp_path, text)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(TemplateError, match="cannot read"):
        template_file.load(tmp_path / "none.yaml")


def test_two_templates_that_cannot_be_told_apart_are_refused(tmp_path):
    (tmp_path / "one.yaml").write_text(GOOD)
    assert len(template_file.load_folder(tmp_path)) == 1
    (tmp_path / "two.yaml").write_text(GOOD.replace("tally", "other"))
    with pytest.raises(TemplateError, match="both have the marker 0"):
        template_file.load_folder(tmp_path)
    (tmp_path / "two.yaml").write_text(GOOD)
    with pytest.raises(TemplateError, match="both called 'tally'"):
        template_file.load_folder(tmp_path)


def test_a_folder_without_templates_is_told(tmp_path):
    with pytest.raises(TemplateError, match="no template"):
        template_file.load_folder(tmp_path)
    with pytest.raises(TemplateError, match="is not a folder"):
        template_file.load_folder(tmp_path / "none")


@st.composite
def fields(draw, name: str, row: int) -> Field:
    kind = draw(st.sampled_from(Kind))
    date = draw(st.sampled_from(DATE_FORMATS)) if kind is Kind.DATE else ""
    count = draw(st.integers(len(date), 12) if date else st.integers(0, 12))
    box = Box(draw(st.integers(0, 99)), 100 * row, draw(st.integers(50, 800)), draw(st.integers(10, 99)))
    cells = divided(box, count) if count else ()
    if count > 1 and draw(st.booleans()):
        cells = tuple(Box(c.x, c.y, c.width - 1, c.height) for c in cells)
        box = Box(box.x, box.y, box.width - 1, box.height)
    most = draw(st.integers(1, count or 20))
    length = (len(date), len(date)) if date else (draw(st.integers(1, most)), most)
    numbers = st.floats(-1e9, 1e9)
    bounds = draw(st.none() | st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair))))
    return Field(
        *(name, box, kind, cells, draw(st.booleans()), length, bounds),
        pattern=draw(st.sampled_from(["", r"\d+", "[1-9]: #no"])),
        checksum=draw(st.sampled_from(["", *CHECKSUMS])),
        format=date,
        decimals=draw(st.integers(1, 6)) if kind is Kind.AMOUNT else 0,
    )


@st.composite
def written(draw) -> Template:
    names = draw(st.lists(st.sampled_from(["a", "no", "größe", "on", "x1", "null"]), min_size=1, unique=True))
    every = tuple(draw(fields(name, row)) for row, name in enumerate(names))
    rules = ()
    if draw(st.booleans()):
        rules = (parse(draw(st.sampled_from(["a", "a: #'", "-", "null"])), f"{names[0]} >= 1", names),)
    unit = draw(st.sampled_from(Unit))
    return Template("t", (1000, 1000), every, rules, draw(st.sampled_from(["1", "2.0", "no", "3: #"])), unit)


@settings(deadline=None, max_examples=50)
@given(written())
def test_a_template_written_is_the_same_when_loaded(tmp_path_factory, template):
    path = tmp_path_factory.mktemp("dump") / "t.yaml"
    template_file.dump(template, path)
    assert template_file.load(path) == template


@pytest.mark.soak
def test_thousands_of_fields_take_seconds(tmp_path):
    """Each was compared with each: 8,000 took 84 seconds."""
    fields = "".join(
        f"  f{i}: {{box: [{10 + i % 100 * 20}, {10 + i // 100 * 20}, 15, 15]}}\n" for i in range(8000)
    )
    started = time.process_time()
    template = load(tmp_path, f"template: many\nunit: px\nsize: [2100, 2970]\nfields:\n{fields}")
    assert time.process_time() - started < 30
    assert len(template.fields) == 8000
