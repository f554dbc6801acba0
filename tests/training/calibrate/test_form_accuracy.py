import pytest

from digitocr.errors import UsageError
from digitocr.forms.template import Field, Kind, Template
from digitocr.records import Box, Digit, FileResult, Number, PageResult, Status
from digitocr.training.calibrate import form_accuracy

BOX = Box(0, 0, 30, 20)
FORM = Template("tally", (100, 100), (Field("a", BOX, blank=True), Field("code", BOX, Kind.DIGITS)))


def number(field, text, status=Status.ACCEPTED):
    return Number(tuple(Digit(int(c), 0.9, 0, 0.1, BOX) for c in text), 0.9, BOX, text, status, (), field)


def judged(folder, truth, *pages):
    path = folder / "truth.csv"
    path.write_text(truth, encoding="utf-8")
    result = FileResult("a.jpg", "0", pages)
    return list(form_accuracy.judge([result], form_accuracy.read_truth(path), [FORM]))


def page(*numbers, index=1):
    return PageResult(index, (100, 100), numbers, template="tally")


@pytest.mark.parametrize(
    ("field", "read", "stands", "right"),
    [
        ("a", "07", "7", True),
        ("a", "7", "1", False),
        ("a", "", "", True),
        ("a", "", "0", False),
        ("a", "0", "", False),
        ("code", "07", "7", False),
        ("code", "07", "0-7", True),
    ],
)
def test_a_field_is_right_where_it_means_the_same(tmp_path, field, read, stands, right):
    (one,) = judged(tmp_path, f"file,field,text\na.jpg,{field},{stands}\n", page(number(field, read)))
    assert (one.right, one.read, one.truth) == (right, read, stands)


def test_what_could_not_be_read_is_not_blank(tmp_path):
    (one,) = judged(tmp_path, "file,field,text\na.jpg,a,\n", page(number("a", "", Status.REVIEW)))
    assert not one.right


def test_pages_of_a_file_are_told_apart(tmp_path):
    found = judged(
        tmp_path,
        "file,page,field,text\na.jpg,1,a,1\na.jpg,2,a,2\n",
        *(page(number("a", str(i)), index=i) for i in (1, 2)),
    )
    assert [one.right for one in found] == [True, True]


def test_a_page_without_its_form_is_told(tmp_path):
    found = judged(tmp_path, "file,field,text\na.jpg,a,1\n", PageResult(1, (9, 9)))
    assert list(form_accuracy.report(found)) == ["no form: 1 pages with 1 fields"]


def test_the_report_counts_what_is_right_and_names_what_is_not(tmp_path):
    found = judged(
        tmp_path, "file,field,text\na.jpg,a,1\na.jpg,code,22\n", page(number("a", "1"), number("code", "27"))
    )
    head, wrong = form_accuracy.report(found)
    assert head.startswith("tally: 1 pages, 1 of 2 fields right, 50.0% (95 % interval ")
    assert head.endswith("; 2 accepted, 1 of them wrong")
    assert wrong == "a.jpg\t1\tcode\tread '27'\tstands '22'\taccepted"


@pytest.mark.parametrize(
    ("truth", "told"),
    [
        ("file,text\na.jpg,1\n", "no rows of file, field and text"),
        ("", "no rows"),
        ("file,page,field,text\na.jpg,x,a,1\n", ":2: 'x' is not a page number"),
        ("file,page,field,text\na.jpg,³,a,1\n", ":2: '³' is not a page number"),
        ("file,field,text\na.jpg,b,1\n", "which has no field 'b'"),
    ],
)
def test_a_truth_that_cannot_be_used_is_told(tmp_path, truth, told):
    with pytest.raises(UsageError) as caught:
        judged(tmp_path, truth, page(number("a", "1")))
    assert told in str(caught.value)


def test_a_truth_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match="cannot read"):
        form_accuracy.read_truth(tmp_path / "none.csv")
