"""The queue as a workbook: written with pictures, filled in, taken back."""

import csv

import openpyxl
import pytest
from openpyxl.utils.units import pixels_to_EMU
from typer.testing import CliRunner

from digitocr.cli.app import app
from digitocr.results import queue_file, queue_workbook
from digitocr.results.workbook import workbook


def call(*args):
    return CliRunner().invoke(app, list(args))


@pytest.fixture
def queue(work):
    work.put("=a.jpg", "1? 02?")
    work.run()
    assert call("queue", "queue.xlsx").exit_code == 0
    return work.folder / "queue.xlsx"


def fill(path, cells):
    book = openpyxl.load_workbook(path)
    for row, (name, value) in cells.items():
        book.active.cell(row, queue_workbook.HEADER.index(name) + 1).value = value
    book.save(path)


def test_every_row_of_the_queue_is_there_with_its_picture(work, queue):
    sheet = openpyxl.load_workbook(queue).active
    header, *rows = sheet.iter_rows(values_only=True)
    assert header == queue_workbook.HEADER
    assert [row[0] for row in rows] == [
        row.review_id for row in queue_file.read_queue(work.folder / "review/queue.csv")
    ]
    assert rows[0][1] == "=a.jpg"
    assert sheet.cell(2, 2).data_type == "s"
    assert {image.anchor._from.row for image in sheet._images} == {1, 2}
    assert {image.anchor.ext.height for image in sheet._images} == {pixels_to_EMU(56)}


def test_what_is_filled_in_is_applied(work, queue):
    fill(queue, {2: ("correction", "7"), 3: ("number_correction", "03")})
    done = call("apply", str(queue))
    assert (done.exit_code, done.stdout) == (0, "2 corrections applied, 0 refused\n")
    assert [row["text"] for row in work.table("results/numbers.csv")] == ["7", "03"]
    assert call("apply", str(queue)).stdout == "0 corrections applied, 0 refused\n"


def test_a_number_typed_as_one_is_taken_as_excel_shows_it(work, queue):
    fill(queue, {2: ("correction", 7.0), 3: ("number_correction", 3)})
    done = call("apply", str(queue))
    assert done.exit_code == 1
    assert "line 3" in done.stderr, "02 has a zero at its start that a number cannot keep"
    assert work.table("results/numbers.csv")[0]["text"] == "7"


def test_a_crop_that_is_gone_leaves_its_cell_empty(work):
    work.put("a.jpg", "1?")
    work.run()
    for crop in (work.folder / "review" / "crops").iterdir():
        crop.unlink()
    content, rows = queue_workbook.workbook(work.folder / "review")
    assert rows == 1
    assert b"media" not in content


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("queue", "queue.csv"), "does not end in .xlsx"),
        (("queue", "queue.xlsx"), "there is no queue"),
        (("apply", "gone.xlsx"), "there is no file gone.xlsx"),
        (("apply", "bad.xlsx"), "cannot read bad.xlsx as a workbook"),
        (("apply", "other.xlsx"), "has no column"),
    ],
)
def test_mistakes_are_said_in_a_line(work, arguments, says):
    (work.folder / "bad.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    (work.folder / "other.xlsx").write_bytes(workbook([("numbers", [["file", "text"]])]))
    if arguments[0] == "apply":
        work.put("a.jpg", "1?")
        work.run()
    done = call(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert says in done.stderr
    assert "\nhint: " in done.stderr


def test_any_order_of_columns_and_any_other_columns(tmp_path):
    path = tmp_path / "q.xlsx"
    path.write_bytes(
        workbook([("q", [["Correction", "note", "review_id", "number_correction"], ["7", "x", "r1"]])])
    )
    (row,) = queue_file.read_queue(path)
    assert (row.line, row.review_id, row.cells["correction"], row.cells["file"]) == (2, "r1", "7", "")
    with (tmp_path / "q.csv").open("w", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows(
            [["number_correction", "review_id", "correction"], ["", "r1"]]
        )
    assert list(queue_file.read_queue(tmp_path / "q.csv")) == [
        queue_file.Typed(2, dict(row.cells, correction=""))
    ]
