"""Stroke archives from originals in the UNIPEN format."""

import numpy as np
import pytest

from digitocr.errors import UsageError
from digitocr.training.archives import MAX_SPECIMENS, Specimen, main, others, read_pendigits, read_unipen
from digitocr.training.synth.stroke_archives import load_archive

TWO_DIGITS = """
.INCLUDE some.doc
.LEXICON "0" "1"
.SEGMENT DIGIT 0-1 ? "4"
.COMMENT 4 {writer} 224
.DT 100
.PEN_DOWN
 100  300
 100  200
 180  200
 200  210
.PEN_UP
.DT 130
.PEN_DOWN
 150  280
 150  180
.PEN_UP
.DT 100
.SEGMENT DIGIT 2 ? "7"
.COMMENT 7 {writer} 225
.PEN_DOWN
 10 90
 60 90
 40 40
 30 10
.PEN_UP
"""

DATA = """.VERSION 1.0
.INCLUDE one/about.doc
.INCLUDE one/data/ink.dat
.SEGMENT CHARACTER 0-1 ? "4"
.SEGMENT CHARACTER 2 OK "\\""
.SEGMENT CHARACTER 3:1-3:3 ? "7"
.SEGMENT CHARACTER 9 ? "5"
.SEGMENT WORD 0-3 ? "4"
"""
ABOUT = ".COMMENT\n   some words.\n   more\n.COORD X T Y\n.X_POINTS_PER_INCH\t200\n"
INK = """
.WRITER_ID somebody
.PEN_DOWN
\t30\t1\t90
\t30\t2\t50
.PEN_UP
.PEN_DOWN
\t50 3 80
\t50 4 40
.PEN_UP
.PEN_DOWN
1 5 2  3 6 4
.PEN_UP
.PEN_DOWN
0 0 0 10 0 9 12 0 9 11 0 1
.PEN_UP
"""


def test_pen_digits():
    four, seven = read_pendigits(TWO_DIGITS.format(writer=12))
    assert (four.label, four.writer, [len(s) for s in four.strokes]) == ("4", "12", [4, 2])
    assert (seven.label, seven.strokes[0].tolist()[-1]) == ("7", [30, 10])


def test_what_is_no_original_is_told():
    with pytest.raises(UsageError, match="not a file of UCI's"):
        read_pendigits("1,2,3\n")


def test_an_archive_of_pen_digits_can_be_drawn_from(tmp_path, capsys):
    for part, writer in (("tra", 12), ("tes", 3)):
        (tmp_path / f"pendigits-orig.{part}").write_text(TWO_DIGITS.format(writer=writer))
    assert main(["pendigits", str(tmp_path), "--output", str(tmp_path)]) == 0
    assert "4 characters, 2 of them held out" in capsys.readouterr().out
    archive = load_archive(tmp_path / "pendigits.npz", distrust=False)
    assert {writer for writer, _ in archive.by_writer} == {12}
    assert {writer for writer, _ in load_archive(tmp_path / "pendigits.npz", held_out=True).by_writer} == {3}


def unipen(folder):
    for name, text in (
        ("data/1a/one/a.dat", DATA),
        ("include/one/about.doc", ABOUT),
        ("include/one/data/ink.dat", INK),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_unipen(tmp_path):
    four, quote, seven = read_unipen(unipen(tmp_path))
    assert (four.label, four.writer, four.source, four.units_per_inch) == ("4", "somebody", "one", 200.0)
    assert [s.tolist() for s in four.strokes] == [[[0, 50], [0, 10]], [[20, 40], [20, 0]]]
    assert quote.label == '"'
    assert seven.strokes[0].tolist() == [[0, 8], [2, 8], [1, 0]]


def test_a_folder_without_unipen_and_missing_files_are_told(tmp_path, capsys):
    assert main(["unipen", str(tmp_path)]) == 2
    assert "holds no UNIPEN data" in capsys.readouterr().err
    assert main(["pendigits", str(tmp_path)]) == 2
    assert "pendigits-orig.tra" in capsys.readouterr().err


def test_both_archives_of_unipen_are_written(tmp_path):
    assert main(["unipen", str(unipen(tmp_path)), "--output", str(tmp_path / "made")]) == 0
    with np.load(tmp_path / "made" / "unipen_digits.npz") as made:
        assert made["labels"].tolist() == ["4", "7"]
        assert made["source"].tolist() == ["one", "one"]
    with np.load(tmp_path / "made" / "unipen_other.npz") as made:
        assert made["labels"].tolist() == ['"']


def test_letters_are_thinned_out_evenly():
    many = [Specimen("a", (), str(k)) for k in range(2 * MAX_SPECIMENS)] + [Specimen("5", (), "x")]
    kept = others(many)
    assert [int(one.writer) for one in kept] == list(range(0, 2 * MAX_SPECIMENS, 2))
