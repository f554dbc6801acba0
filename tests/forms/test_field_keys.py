"""What templates and specifications say of a field."""

import pytest

from digitocr.errors import TemplateError
from digitocr.forms import yaml_node
from digitocr.forms.field_keys import (
    cell_count,
    check_names,
    contents_of,
    identifier,
    implied_length,
    rules_of,
)
from digitocr.forms.template import Kind


def read(folder, text):
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return yaml_node.read(path)


def contents(folder, text, cells=0):
    node = read(folder, text)
    return contents_of(node.mapping(), node, cells)


class TestIdentifier:
    @pytest.mark.parametrize("name", ["a", "größe", "row_1"])
    def test_a_name_of_letters_digits_and_underscores(self, tmp_path, name):
        assert identifier(read(tmp_path, name)) == name

    @pytest.mark.parametrize("name", ["2nd", "head count", "lambda", "a-b", "ﬁeld"])
    def test_what_rules_could_not_name_is_refused(self, tmp_path, name):
        with pytest.raises(TemplateError, match="is not a valid name"):
            identifier(read(tmp_path, name))


class TestCheckNames:
    def test_names_that_give_each_column_once(self, tmp_path):
        check_names(read(tmp_path, "a: 1\na_b: 1\nstatus_a: 1\n").mapping())

    @pytest.mark.parametrize("name", ["file", "status", "a_status", "a_confidence"])
    def test_a_second_column_of_a_name_is_refused(self, tmp_path, name):
        with pytest.raises(TemplateError, match=f":2: field '{name}': the table would have two columns"):
            check_names(read(tmp_path, f"a: 1\n{name}: 1\n").mapping())


class TestRulesOf:
    def test_each_is_parsed_under_its_name(self, tmp_path):
        (rule,) = rules_of(read(tmp_path, "sum of all: t == a + b\n"), ["a", "b", "t"])
        assert (rule.name, rule.fields) == ("sum of all", ("t", "a", "b"))

    def test_a_wrong_one_names_its_line_and_the_fields(self, tmp_path):
        with pytest.raises(TemplateError, match=r":2: rule 'two'.*no field 'c'") as caught:
            rules_of(read(tmp_path, "one: a == b\ntwo: a == c\n"), ["a", "b"])
        assert caught.value.hint == "fields: a, b"


class TestCellCount:
    @pytest.mark.parametrize("count", ["0", "21", "-1"])
    def test_a_field_has_1_to_20(self, tmp_path, count):
        assert cell_count(read(tmp_path, "20")) == 20
        with pytest.raises(TemplateError, match="1 to 20 cells"):
            cell_count(read(tmp_path, count))


class TestContentsOf:
    def test_without_keys_it_is_a_number(self, tmp_path):
        found = contents(tmp_path, "{}")
        assert found == {"kind": Kind.NUMBER, "format": "", "decimals": 0, "length": (1, 20)}

    def test_an_amount_has_two_decimals_where_none_are_given(self, tmp_path):
        assert contents(tmp_path, "kind: amount")["decimals"] == 2
        assert contents(tmp_path, "{kind: amount, decimals: 3}")["decimals"] == 3

    def test_a_date_is_as_long_as_its_format(self, tmp_path):
        assert contents(tmp_path, "{kind: date, format: DDMMYY}", cells=6)["length"] == (6, 6)

    def test_what_is_given_is_returned(self, tmp_path):
        text = "{kind: digits, length: [2, 4], blank: true, range: [1, 9], pattern: '[0-4]+', checksum: luhn}"
        found = contents(tmp_path, text)
        assert found["length"] == (2, 4)
        assert found["blank"] is True
        assert found["range"] == (1, 9)
        assert (found["pattern"], found["checksum"]) == ("[0-4]+", "luhn")

    @pytest.mark.parametrize(
        ("text", "cells", "why"),
        [
            ("kind: date", 0, "a date needs a 'format'"),
            ("format: DDMMYY", 0, "only a date has a 'format'"),
            ("decimals: 2", 0, "only an amount has 'decimals'"),
            ("{kind: amount, decimals: 7}", 0, "1 to 6 decimals"),
            ("kind: digits", 0, "digits need a 'length' or 'cells'"),
            ("{kind: date, format: DDMMYY, length: 6}", 0, "follows from its 'format'"),
            ("{kind: date, format: DDMMYY}", 5, "DDMMYY needs 6 cells, not 5"),
            ("length: [4, 2]", 0, "the smaller first"),
            ("length: 4", 3, "4 digits do not fit into 3 cells"),
            ("range: [2, 1]", 0, "the range is empty"),
            ("pattern: '['", 0, "is not a regular expression"),
            ("pattern: 'a{1000000000}'", 0, "repeats too much"),
            ("pattern: '((1{999}){,999}){999,}'", 0, "repeats too much"),
            (f"pattern: {'(' * 5000 + ')' * 5000}", 0, "is not a regular expression"),
        ],
    )
    def test_what_cannot_be_is_refused(self, tmp_path, text, cells, why):
        with pytest.raises(TemplateError, match=why.replace("[", r"\[")):
            contents(tmp_path, text, cells)


class TestImpliedLength:
    def test_it_follows_from_kind_format_and_cells(self):
        assert implied_length(Kind.NUMBER, "", 0) == (1, 20)
        assert implied_length(Kind.NUMBER, "", 4) == (1, 4)
        assert implied_length(Kind.DIGITS, "", 4) == (4, 4)
        assert implied_length(Kind.DATE, "DDMMYYYY", 8) == (8, 8)
