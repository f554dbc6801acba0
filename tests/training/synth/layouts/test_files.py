"""Layout files: every one loads, and a fault in one is told with its file and line."""

import pytest

from digitocr.errors import TemplateError
from digitocr.training.synth.layouts.files import FOLDER, layouts, read_layout
from digitocr.training.synth.layouts.language import NUMBERS, Choice, Field, Range, Rows, Side, Stack, Table


def written(tmp_path, text):
    path = tmp_path / "slip.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def held(blocks):
    """What fields, columns and rows hold, those within other blocks included."""
    for block in blocks:
        if isinstance(block, Side | Stack):
            yield from held(block.of)
        elif isinstance(block, Field):
            yield from block.holds.words
        elif isinstance(block, Table):
            yield from (word for column in block.columns for word in column.holds.words)
        elif isinstance(block, Rows):
            yield from (word for choice in block.of for word in choice.words)


class TestLayouts:
    def test_every_file_is_of_one_kind_and_five_are_held_out(self):
        learned, aside = layouts(), layouts(held_out=True)
        names = {one.name for one in (*learned, *aside)}
        assert names == {path.stem for path in FOLDER.glob("*.yaml")}
        assert len(aside) == 5
        assert len(learned) >= 15
        assert not any(one.held_out for one in learned)

    def test_a_name_is_a_family_of_the_measuring_sets(self):
        assert all("_" not in one.name and not any(c.isdigit() for c in one.name) for one in layouts())

    @pytest.mark.parametrize("layout", [*layouts(), *layouts(held_out=True)], ids=lambda one: one.name)
    def test_every_layout_may_hold_a_number(self, layout):
        assert set(NUMBERS) & set(held(layout.blocks))


class TestReadLayout:
    def test_ranges_and_choices(self, tmp_path):
        layout = read_layout(
            written(
                tmp_path,
                "corrected: 0.5\npaper: {em: [0.01, 0.02], stock: {white: 3, pink: 1}}\n"
                "blocks:\n  - field: {holds: date, height: 3}\n",
            )
        )
        assert (layout.name, layout.corrected, layout.held_out) == ("slip", 0.5, False)
        assert layout.paper.em == Range(0.01, 0.02)
        assert layout.paper.stock == Choice(("white", "pink"), (3.0, 1.0))
        assert layout.blocks == (Field(holds=Choice(("date",)), height=Range(3, 3)),)

    @pytest.mark.parametrize(
        ("text", "line", "why"),
        [
            ("blocks: []\nheld_out: maybe\n", 2, "true or false"),
            ("blocks:\n  - field: {}\n  - box: {}\n", 3, "'box' is not a known key"),
            ("blocks:\n  - {field: {}, gap: {}}\n", 2, "one block is needed"),
            ("blocks:\n  - field: {height: [3, 1]}\n", 2, "3 to 1 is no range"),
            ("blocks:\n  - field:\n      height: [1, 2, 3]\n", 3, "2 numbers are needed"),
            ("blocks:\n  - field: {chance: 2}\n", 2, "not between 0 and 1"),
            ("blocks:\n  - field: {holds: digits}\n", 2, "'digits' is not one of"),
            ("blocks:\n  - field: {holds: {number: -1}}\n", 2, "weights from 0 upwards"),
            ("blocks:\n  - table: {rows: 3}\n", 2, "'columns' is missing"),
            ("paper: {em: 0.01}\n", 1, "'blocks' is missing"),
            ("blocks:\n  - side: {of: [{field: {}}, {gap: {}}], widths: [1]}\n", 2, "1 widths for 2 blocks"),
        ],
    )
    def test_a_fault_names_file_and_line(self, tmp_path, text, line, why):
        path = written(tmp_path, text)
        with pytest.raises(TemplateError, match=why) as caught:
            read_layout(path)
        assert f"{path}:{line}: " in str(caught.value)
