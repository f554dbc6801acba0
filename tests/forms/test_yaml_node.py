"""YAML files whose values know their lines."""

import pytest

from digitocr.errors import TemplateError
from digitocr.forms import yaml_node
from digitocr.forms.yaml_node import MAX_BYTES

TEXT = """\
name: 007
list: [1, 2.5]
flag: Yes
nested:
  inner: {a: 1, b: x}
"""


def read(folder, text=TEXT):
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return yaml_node.read(path)


def message(call):
    with pytest.raises(TemplateError) as caught:
        call()
    return str(caught.value)


class TestRead:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "is empty"),
            ("# nothing\n", "is empty"),
            ("a: 1\nb: [\n", ":3: this is not YAML"),
            ("\x00", "this is not YAML"),
            ("[" * 1500, "is nested too deeply"),
            ("a: " + "x" * MAX_BYTES, "is too long"),
        ],
    )
    def test_a_file_that_cannot_be_used_is_refused_with_the_reason(self, tmp_path, text, why):
        assert why in message(lambda: read(tmp_path, text))

    def test_a_file_in_another_encoding_is_refused(self, tmp_path):
        (tmp_path / "latin.yaml").write_bytes("größe: 1".encode("latin-1"))
        assert "is not text in UTF-8" in message(lambda: yaml_node.read(tmp_path / "latin.yaml"))

    def test_a_file_that_is_not_there_is_named(self, tmp_path):
        assert f"cannot read {tmp_path / 'none.yaml'}" in message(
            lambda: yaml_node.read(tmp_path / "none.yaml")
        )


class TestYamlNode:
    def test_values_are_returned_as_they_are_meant(self, tmp_path):
        keys = read(tmp_path).mapping()
        assert keys["name"].text() == "007"
        assert keys["name"].integer() == 7
        assert keys["list"].numbers(2) == [1.0, 2.5]
        assert keys["list"].is_list
        assert keys["flag"].boolean() is True
        assert keys["nested"].mapping()["inner"].mapping()["b"].one_of(("x", "y")) == "x"

    @pytest.mark.parametrize(
        ("key", "method", "arguments", "line", "why"),
        [
            ("list", "text", (), 2, "a text is needed here"),
            ("list", "number", (), 2, "a number is needed here"),
            ("flag", "number", (), 3, "'Yes' is not a number"),
            ("name", "boolean", (), 1, "true or false is needed here"),
            ("name", "items", (), 1, "a list is needed here"),
            ("list", "numbers", (3,), 2, "3 numbers are needed here, not 2"),
            ("name", "mapping", (), 1, "names with values are needed here"),
            ("flag", "one_of", (("Yea", "Nay"),), 3, "'Yes' is not one of Yea, Nay"),
        ],
    )
    def test_another_type_is_an_error_with_its_line(self, tmp_path, key, method, arguments, line, why):
        node = read(tmp_path).mapping()[key].about(f"key {key!r}")
        told = message(lambda: getattr(node, method)(*arguments))
        assert told.startswith(f"{tmp_path / 'file.yaml'}:{line}: key {key!r}: {why}")

    def test_numbers_are_finite_and_integers_whole(self, tmp_path):
        keys = read(tmp_path, "a: .5\nb: nan\nc: 1e999\n").mapping()
        assert keys["a"].number() == 0.5
        assert "0.5 is not a whole number" in message(keys["a"].integer)
        assert "'nan' is not a number" in message(keys["b"].number)
        assert "'1e999' is not a number" in message(keys["c"].number)

    def test_a_name_given_twice_is_an_error_at_the_second(self, tmp_path):
        assert ":3: 'a' is given twice" in message(read(tmp_path, "a: 1\nb: 2\na: 3\n").mapping)

    def test_an_unknown_key_is_an_error_with_a_suggestion(self, tmp_path):
        root = read(tmp_path)
        with pytest.raises(TemplateError) as caught:
            root.keys(("name", "lists", "flag", "nested"))
        assert caught.value.message.endswith(":2: 'list' is not a known key")
        assert caught.value.hint == "did you mean 'lists'?"

    def test_a_word_like_none_that_is_known_gets_all_that_are(self, tmp_path):
        node = read(tmp_path, "kind: zzz\n").mapping()["kind"]
        with pytest.raises(TemplateError) as caught:
            node.one_of(("number", "date"))
        assert caught.value.hint == "known here: date, number"

    def test_a_missing_required_key_is_an_error(self, tmp_path):
        root = read(tmp_path, "a: 1\n")
        assert "'b' is missing" in message(lambda: root.keys(("a", "b"), ("b",)))
