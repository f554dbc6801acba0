"""Tables of truth, and what is wrong with them."""

import pytest

from digitocr.errors import UsageError
from digitocr.training.calibrate.labelled_tables import labelled_rows

COLUMNS = ("file", "text")


def test_rows_are_read_as_spreadsheets_save_them(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text("\ufefffile,text,note\na.png,12,\nb.png\n", encoding="utf-8")
    assert labelled_rows(path, COLUMNS, "hint") == [
        {"file": "a.png", "text": "12", "note": ""},
        {"file": "b.png", "text": "", "note": ""},
    ]


@pytest.mark.parametrize("content", ["", "file,text\n", "file,digits\na.png,1\n", b"file,text\n\xff\xfe,1\n"])
def test_a_table_that_cannot_be_used_is_named(tmp_path, content):
    path = tmp_path / "truth.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=r"truth\.csv"):
        labelled_rows(path, COLUMNS, "hint")


def test_a_table_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot read"):
        labelled_rows(tmp_path / "truth.csv", COLUMNS, "hint")
