import csv
import io
from dataclasses import replace

import pytest
from fake_reader import SHAPE, numbers
from hypothesis import given
from hypothesis import strategies as st

from digitocr.errors import OutputError
from digitocr.records import FileResult, FileStatus, PageResult, Status
from digitocr.results import tables

SHA = "ab" * 32


def read(text, **changes):
    page = PageResult(1, SHAPE, numbers(text))
    status = FileStatus.DONE if page.numbers else FileStatus.EMPTY
    return replace(FileResult("scan.jpg", SHA, (page,), status), **changes)


def parsed(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_columns_are_those_of_the_contract():
    assert ",".join(tables.DIGITS) == (
        "file,page,field,number,position,x,y,width,height,digit,confidence,runner_up,runner_up_confidence,status"
    )
    assert ",".join(tables.NUMBERS) == (
        "file,page,field,number,text,confidence,x,y,width,height,marks,status,reasons,value"
    )
    assert ",".join(tables.FILES) == (
        "file,sha256,pages,numbers,digits,review,status,error,seconds,model,processed_at"
    )
    assert ",".join(tables.QUEUE) == (
        "review_id,file,page,field,number,position,digit,confidence,runner_up,runner_up_confidence,number_text,"
        "reasons,crop,correction,number_correction"
    )


def test_a_file_has_a_row_for_each_digit_and_each_number(tmp_path):
    lines = tables.write_tables(tmp_path, read("007 1?"), "scan.jpg")
    digits, found = tables.table_paths(tmp_path, "scan.jpg")
    assert digits.read_text() == (
        ",".join(tables.DIGITS) + "\n"
        "scan.jpg,1,,1,1,10,20,9,20,0,0.9900,7,0.3000,accepted\n"
        "scan.jpg,1,,1,2,20,20,9,20,0,0.9900,7,0.3000,accepted\n"
        "scan.jpg,1,,1,3,30,20,9,20,7,0.9900,7,0.3000,accepted\n"
        "scan.jpg,1,,2,1,60,20,9,20,1,0.5000,7,0.3000,review\n"
    )
    assert found.read_text() == ",".join(tables.NUMBERS) + "\n" + lines
    assert lines == (
        "scan.jpg,1,,1,007,0.9800,10,20,30,20,,accepted,,007\n"
        "scan.jpg,1,,2,1,0.4000,60,20,10,20,,review,low-confidence,1\n"
    )


def test_a_row_that_does_not_fit_its_table_is_not_written():
    with pytest.raises(OutputError, match="2 cells"):
        tables.encode(tables.FILES, [("a", "b")])


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_name_comes_back_and_none_is_a_formula(name):
    text = tables.encode(tables.AUDIT, [("at", "who", "id", name, "digit", "1", "7")])
    (row,) = parsed(text)
    assert not row["file"].startswith(tables.FORMULA_STARTS)
    assert row["file"].removeprefix("'") == name.replace("\r", "\\r").removeprefix("'")
    assert text.count("\n") >= 2


def test_ink_that_is_no_number_is_left_out_and_keeps_its_place():
    result = read("5 6")
    first, second = result.pages[0].numbers
    gone = replace(first, digits=(), status=Status.CORRECTED)
    result = replace(result, pages=(replace(result.pages[0], numbers=(gone, second)),))
    (row,) = tables.number_rows(result, "scan.jpg")
    assert row[3] == "2"


def test_old_tables_are_kept_beside(tmp_path):
    tables.write_tables(tmp_path, read("1"), "sub/scan.jpg")
    tables.keep_old_tables(tmp_path, "sub/scan.jpg", "20260101")
    old = tmp_path / ".old" / "20260101" / "sub" / "scan.jpg.numbers.csv"
    assert old.read_text() == (tmp_path / "sub" / "scan.jpg.numbers.csv").read_text()
