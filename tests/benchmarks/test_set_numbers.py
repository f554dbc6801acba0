"""Set numbers found in a small source, in data files, and in both layouts of the project."""

import pytest

from benchmarks import set_numbers
from benchmarks.set_numbers import count, files_of, numbers_in, numbers_in_data, table

SOURCE = '''
"""A docstring with 77."""
import math
LEAST, MOST = 7, 0.5
REACHES: tuple[float, ...] = (14.0, 8.0, 1.0)
IS_ON = True
SURE = math.log(0.99)

@dataclass
class Rows:
    gap_px: int = 9
    limits: tuple = field(default=(0.25, 4.0), metadata={"unit": "heights"})

def widest(boxes, least=11, *, share=0.75, many=0):
    """Another, with 78."""
    found = boxes[:, 3] + boxes[2:-4] + boxes[5, 6][boxes > 12]
    found -= boxes[round(0.3 * least) :]
    limit = 40
    return found > -20 and found * 1.5 / 3 ** 2 - 1 + 0.0 * 2.0, f"{limit:.3f} {found[0] * 6}"
'''


def test_numbers_of_a_module_are_found_named_and_unnamed():
    found = [(one.value, one.name) for one in numbers_in(SOURCE)]
    assert [pair for pair in found if pair[1]] == [
        (7, "(LEAST, MOST)"),
        (0.5, "(LEAST, MOST)"),
        (14.0, "REACHES"),
        (8.0, "REACHES"),
        (0.99, "SURE"),
        (9, "gap_px"),
        (0.25, "limits"),
        (4.0, "limits"),
        (11, "least"),
        (0.75, "share"),
    ]
    assert sorted(value for value, name in found if not name) == [0.3, 1.5, 3, 6, 12, 20, 40]


def test_places_are_lines():
    assert [(one.value, one.line) for one in numbers_in("x = 3\n\ny = [4,\n 5]")] == [(3, 1), (4, 3), (5, 4)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"a": [3, 0.5, -1], "b": {"c": 4, "d": true, "e": "5"}}'),
        ("a.yaml", "a: [3, 0.5, -1]\nb: {c: 4, d: true, e: five}\n"),
        ("a.csv", "name,size\nx,3\n2,0.5\ny,4\n"),
    ],
)
def test_numbers_of_data_files_are_counted(name, text):
    assert [one.value for one in numbers_in_data(name, text)] == [3, 0.5, 4]


@pytest.mark.parametrize(
    "layout",
    [
        {"clean.py", "segment.py", "forms/registration.py", "forms/reading.py"},
        {"imaging/clean.py", "imaging/cuts.py", "imaging/data.json", "forms/matching.py", "forms/fields.py"},
    ],
)
def test_both_layouts_are_known_and_what_reads_no_page_is_left_out(tmp_path, layout):
    for name in {*layout, "decode.py", "forms/detect.py", "recognition/decode.py", "imaging/notes.txt"}:
        path = tmp_path / "digitocr" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[7]" if name.endswith(".json") else "x = 7 > y\n")
    assert set(count(tmp_path)) == layout
    last = table(count(tmp_path)).splitlines()[-1]
    assert [cell.strip() for cell in last.split("|")[1:-1]][-1] == str(len(layout))


def test_this_checkout_has_a_reading_path_and_another_folder_has_none(tmp_path, capsys):
    assert len(files_of(set_numbers.ROOT)) > 5
    with pytest.raises(SystemExit):
        set_numbers.main([str(tmp_path)])
    assert "is no checkout" in capsys.readouterr().err


def test_each_number_is_listed_with_its_place(tmp_path, capsys):
    path = tmp_path / "digitocr/imaging/rows.py"
    path.parent.mkdir(parents=True)
    path.write_text("GAP = 7\nwide = GAP\ndef f(x):\n    return 0.5 * x\n")
    assert set_numbers.main([str(tmp_path), "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed[:2] == ["imaging/rows.py:1: 7 GAP", "imaging/rows.py:4: 0.5 (unnamed)"]
