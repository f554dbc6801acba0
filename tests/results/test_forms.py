import csv
import io
from dataclasses import replace

import pytest
from openpyxl import load_workbook

from digitocr.forms.rules import parse
from digitocr.forms.template import Field, Kind, Template
from digitocr.forms.template_file import dump
from digitocr.records import Box, Digit, Number, PageResult, Status
from digitocr.results import forms, publish
from digitocr.store.ledger import Ledger

BOX = Box(10, 20, 30, 20)


def number(field, text, status=Status.ACCEPTED, written=""):
    digits = tuple(Digit(int(c), 0.9, 0, 0.1, Box(10 + 9 * i, 20, 9, 20), status) for i, c in enumerate(text))
    return Number(digits, 0.97, BOX, written or text, status, (), field)


TALLY = Template(
    "tally",
    (100, 100),
    (
        Field("a", BOX, blank=True),
        Field("b", Box(10, 40, 30, 20), blank=True),
        Field("total", Box(10, 60, 30, 20)),
        Field("day", Box(50, 20, 30, 20), Kind.DATE, format="DDMMYY", length=(6, 6), blank=True),
    ),
    (parse("sum", "total == a + b", ["a", "b", "total"]),),
)


def page(*numbers):
    return PageResult(1, (60, 400), numbers, template="tally")


def row(*numbers, template=TALLY, file="scan.jpg"):
    return forms.row(file, page(*numbers), template)


def test_a_page_is_a_row_and_a_field_a_column():
    cells = row(number("a", "007"), number("b", ""), number("total", "7"), number("day", "290224")).cells
    assert list(cells)[:8] == [
        "file",
        "page",
        "template",
        "status",
        "reasons",
        "a",
        "a_confidence",
        "a_status",
    ]
    assert (cells["a"], cells["a_confidence"], cells["a_status"]) == ("007", "0.9700", "accepted")
    assert (cells["b"], cells["day"], cells["status"], cells["reasons"]) == ("", "2024-02-29", "accepted", "")


def test_a_broken_rule_and_a_wrong_field_are_told():
    cells = row(number("a", "3"), number("b", "1"), number("total", "5"), number("day", "310224")).cells
    assert cells["reasons"] == "field-date:day;rule-broken:sum"


def test_a_field_that_could_not_be_read_breaks_no_rule():
    unread = replace(number("a", ""), status=Status.REVIEW)
    cells = row(unread, number("b", "1"), number("total", "5"), number("day", "")).cells
    assert (cells["reasons"], cells["status"]) == ("", "review")


def test_a_blank_field_that_waits_for_a_broken_rule_is_blank():
    waits = replace(number("a", ""), status=Status.REVIEW, reasons=("rule-broken:sum",))
    assert (
        row(waits, number("b", "1"), number("total", "5"), number("day", "")).cells["reasons"]
        == "rule-broken:sum"
    )


def test_a_corrected_page_says_so():
    cells = row(
        number("a", "4", Status.CORRECTED), number("b", "1"), number("total", "5"), number("day", "")
    ).cells
    assert (cells["status"], cells["reasons"]) == ("corrected", "")


def test_without_a_template_fields_are_as_they_were_read():
    cells = row(number("a", "01"), number("day", "290224"), template=None).cells
    assert (cells["a"], cells["day"], cells["reasons"]) == ("01", "290224", "")


def test_rows_of_an_earlier_version_of_a_form_keep_their_columns():
    old = forms.Row("tally", {"file": "a.jpg", "gone": "1"})
    new = forms.Row("tally", {"file": "b.jpg", "here": "2"})
    assert forms.columns([old, new])[-2:] == ("here", "gone")
    assert forms.as_csv([old, new]).splitlines()[1:] == ["a.jpg,,,,,,1", "b.jpg,,,,,2,"]


def test_cells_that_a_spreadsheet_would_run_are_defused():
    text = forms.as_csv([row(number("a", "1"), file="=cmd|' /C calc'!A0.jpg")])
    assert next(csv.DictReader(io.StringIO(text)))["file"] == "'=cmd|' /C calc'!A0.jpg"


def test_rows_are_kept_and_come_back():
    rows = [row(number("a", "1")), row(number("a", "2"), template=None)]
    assert forms.loads(forms.dumps(rows)) == rows
    assert forms.dumps([]) == ""
    assert forms.loads("") == []


def test_a_workbook_has_text_cells_only():
    rows = [row(number("a", "007"), file="=1+1.jpg"), forms.Row("x" * 40, {"file": "b\x01.jpg"})]
    book = load_workbook(io.BytesIO(forms.as_workbook(rows)))
    assert book.sheetnames == ["tally", "x" * 27 + "_2"]
    sheet = book["tally"]
    line = {name.value: cell for name, cell in zip(sheet[1], sheet[2], strict=True)}
    assert (line["a"].value, line["a"].data_type, line["a"].number_format) == ("007", "s", "@")
    assert (line["file"].value, line["file"].data_type) == ("=1+1.jpg", "s")


def as_tally(page):
    """Name the numbers of a page, and have them wait where their sum is broken."""
    named = [replace(n, field=f) for n, f in zip(page.numbers, ("a", "b", "total"), strict=False)]
    if int(named[0].text) + int(named[1].text) != int(named[2].text):
        named = [waiting(n, *n.reasons, "rule-broken:sum") for n in named]
    return replace(page, template="tally", numbers=tuple(named))


def waiting(number, *reasons):
    digits = tuple(replace(d, status=Status.REVIEW) for d in number.digits)
    return replace(number, digits=digits, status=Status.REVIEW, reasons=reasons)


@pytest.fixture
def tallies(work):
    """A working folder whose files are pages of the tally, of three numbers each."""
    read = work.reader._read

    def as_form(source):
        result = read(source)
        return replace(result, pages=tuple(as_tally(page) for page in result.pages))

    work.reader._read = as_form
    (work.folder / "templates").mkdir()
    dump(TALLY, work.folder / "templates" / "tally.yaml")
    return work


def rows_of(work):
    return {
        r["file"]: (r["a"], r["b"], r["total"], r["status"], r["reasons"])
        for r in work.table("results/forms/tally.csv")
    }


def test_a_run_writes_the_table_of_each_form(tallies):
    tallies.put("a.jpg", "003 4 7")
    tallies.put("b.jpg", "3? 4 8")
    tallies.run(templates=tallies.folder / "templates")
    assert rows_of(tallies) == {
        "a.jpg": ("003", "4", "7", "accepted", ""),
        "b.jpg": ("3", "4", "8", "review", "rule-broken:sum"),
    }


def test_corrections_flow_into_the_table_and_mend_its_rules(tallies):
    from flows.apply_review import apply_review

    tallies.put("b.jpg", "3? 4 8")
    tallies.run(templates=tallies.folder / "templates")
    first, *others = tallies.table("review/queue.csv")
    assert (first["field"], len(others)) == ("a", 2)
    queue = tallies.folder / "review" / "queue.csv"
    queue.write_text(f"review_id,correction,number_correction\n{first['review_id']},4,\n")
    apply_review(tallies.settings(), "a clerk")  # knows nothing of the folder of templates
    assert rows_of(tallies) == {"b.jpg": ("4", "4", "8", "corrected", "")}
    assert tallies.table("review/queue.csv") == []  # the others waited for the rule alone
    assert [r["status"] for r in tallies.table("results/b.jpg.numbers.csv")] == [
        "corrected",
        "accepted",
        "accepted",
    ]


def test_a_correction_that_mends_no_rule_releases_nothing(tallies):
    from flows.apply_review import apply_review

    tallies.put("b.jpg", "3? 4 8")
    tallies.run(templates=tallies.folder / "templates")
    first, *_ = tallies.table("review/queue.csv")
    queue = tallies.folder / "review" / "queue.csv"
    queue.write_text(f"review_id,correction,number_correction\n{first['review_id']},3,\n")
    apply_review(tallies.settings(), "a clerk")
    assert rows_of(tallies) == {"b.jpg": ("3", "4", "8", "review", "rule-broken:sum")}
    assert [r["field"] for r in tallies.table("review/queue.csv")] == ["b", "total"]


def test_tables_follow_what_is_read_again_or_forgotten(tallies):
    from digitocr.inbox.retry import forget
    from digitocr.inbox.verify import verify

    tallies.put("b.jpg", "3 4 7")
    tallies.run(templates=tallies.folder / "templates")
    with Ledger(tallies.folder / ".digitocr" / "ledger.sqlite") as ledger:
        assert verify(tallies.settings(), ledger) == []
        forget(tallies.settings(), ledger, ["b.jpg"])
    assert rows_of(tallies) == {}


def test_templates_are_kept_with_what_was_read(tallies):
    tallies.put("b.jpg", "3 4 7")
    tallies.run(templates=tallies.folder / "templates")
    assert (tallies.folder / ".digitocr" / publish.TEMPLATES / "tally.yaml").is_file()


def test_without_forms_there_is_no_table_of_forms(work):
    work.put("a.jpg", "107")
    work.run()
    assert not (work.folder / "results" / "forms").exists()


def test_the_workbook_is_written_on_request(tallies):
    from typer.testing import CliRunner

    from digitocr.cli.app import app

    done = CliRunner().invoke(app, ["form", "export", "forms.xlsx"])
    assert done.exit_code == 2
    assert "nothing was read yet" in done.stderr
    tallies.put("b.jpg", "003 4 7")
    tallies.run(templates=tallies.folder / "templates")
    done = CliRunner().invoke(app, ["form", "export", "forms.xlsx"])
    assert (done.exit_code, done.stdout) == (0, "forms.xlsx: 1 pages\n")
    assert load_workbook("forms.xlsx")["tally"]["F2"].value == "003"
    done = CliRunner().invoke(app, ["form", "export", "forms.csv"])
    assert "does not end in .xlsx" in done.stderr
