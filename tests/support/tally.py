"""A form for the fake reader: the numbers of a page are its fields, in order."""

from dataclasses import replace

from digitocr.forms.checks import complaints, written
from digitocr.forms.rules import parse
from digitocr.forms.template import Field, Kind, Template, divided
from digitocr.forms.template_file import dump
from digitocr.records import Box, Reason, Status

PAID = Box(280, 20, 60, 20)
TALLY = Template(
    "tally",
    (400, 60),
    (
        Field("men", Box(10, 20, 20, 20), label="Men over 15", length=(1, 3)),
        Field("women", Box(50, 20, 20, 20), label="Women over 15", length=(1, 3), range=(0, 99)),
        Field("people", Box(90, 20, 20, 20), label="People in all", length=(1, 3)),
        Field(
            "day", Box(130, 20, 60, 20), Kind.DATE, format="DDMMYY", label="Day of the visit", length=(6, 6)
        ),
        Field("paid", PAID, Kind.AMOUNT, divided(PAID, 6), decimals=2, length=(1, 6)),
    ),
    (parse("sum", "people == men + women", ("men", "women", "people")),),
)


def reads_tallies(work):
    """Have the fake reader of a working folder read each page as a tally; return the flags for its runs."""
    read = work.reader._read

    def as_forms(source):
        result = read(source)
        return replace(result, pages=tuple(_as_tally(page) for page in result.pages))

    work.reader._read = as_forms
    folder = work.folder / "templates"
    folder.mkdir()
    dump(TALLY, folder / "tally.yaml")
    return {"templates": folder}


def _as_tally(page):
    fields = [field.name for field in TALLY.fields]
    numbers = {n.field: n for n in (replace(n, field=f) for n, f in zip(page.numbers, fields, strict=False))}
    for complaint in complaints(TALLY, {name: written(number) for name, number in numbers.items()}):
        is_rule = complaint.reason is Reason.RULE_BROKEN
        reason = f"{complaint.reason}:{complaint.name}" if is_rule else complaint.reason.value
        numbers |= {name: _waiting(numbers[name], reason) for name in complaint.fields}
    return replace(page, template="tally", numbers=tuple(numbers.values()))


def _waiting(number, reason):
    least = min(number.digits, key=lambda digit: digit.confidence)
    digits = tuple(replace(d, status=Status.REVIEW) if d is least else d for d in number.digits)
    return replace(number, digits=digits, status=Status.REVIEW, reasons=(*number.reasons, reason))
