"""The command ``template test``: fields as they are read, compared with what is written on the pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from digitocr.errors import UsageError
from digitocr.forms.checks import is_known
from digitocr.forms.template import Field, Kind, Template
from digitocr.records import FileResult, PageResult, Status
from digitocr.training.calibrate.labelled_tables import labelled_rows
from digitocr.training.calibrate.scoring import Share

NOT_FOUND = "no-form"
"""Status of a field on a page whose form was not found."""

_HINT = "give the columns file,field,text, and page where a file has several; text is empty for a blank field"

Truth = Mapping[tuple[str, int], Mapping[str, str]]
"""By file and page, the text of each field."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A field as it was read, beside its true text.

    Attributes
    ----------
    form : str
        '' where none was found.
    file : str
    page : int
    field : str
    read, truth : str
    status : str
    right : bool
    """

    form: str
    file: str
    page: int
    field: str
    read: str
    truth: str
    status: str
    right: bool


def read_truth(path: Path) -> Truth:
    """Read the table of true texts.

    Parameters
    ----------
    path : Path
        CSV with the columns ``file``, ``field``, ``text`` and perhaps ``page``.

    Returns
    -------
    Truth

    Raises
    ------
    UsageError
        The table cannot be read, lacks a column, or has a page that is not a number.
    """
    found: dict[tuple[str, int], dict[str, str]] = {}
    for line, row in enumerate(labelled_rows(path, ("file", "field", "text"), _HINT), 2):
        page = row.get("page") or "1"
        if not (page.isascii() and page.isdigit()):
            raise UsageError(f"{path}:{line}: {page!r} is not a page number", hint=_HINT)
        found.setdefault((row["file"], int(page)), {})[row["field"]] = row["text"]
    return found


def judge(results: Iterable[FileResult], truth: Truth, templates: Sequence[Template]) -> Iterator[Judged]:
    """Compare what was read with the truth.

    Parameters
    ----------
    results : iterable of FileResult
    truth : Truth
    templates : sequence of Template

    Yields
    ------
    Judged
        A field of `truth`.

    Raises
    ------
    UsageError
        The truth names a field that the form of its page does not have.
    """
    forms = {template.name: template for template in templates}
    pages = {(result.file, page.index): page for result in results for page in result.pages}
    for (file, index), texts in truth.items():
        page = pages.get((file, index))
        form = forms.get(page.template) if page else None
        if page is None or form is None:
            for name, text in texts.items():
                yield Judged("", file, index, name, "", text, NOT_FOUND, right=False)
            continue
        fields = {field.name: field for field in form.fields}
        unknown = texts.keys() - fields.keys()
        if unknown:
            raise UsageError(
                f"{file} is of the form {form.name}, which has no field {min(unknown)!r}",
                hint=f"fields: {', '.join(fields)}",
            )
        yield from _judged(file, page, fields, texts)


def _judged(
    file: str, page: PageResult, fields: Mapping[str, Field], texts: Mapping[str, str]
) -> Iterator[Judged]:
    numbers = {number.field: number for number in page.numbers}
    for name, text in texts.items():
        number = numbers.get(name)
        read = number.text if number else ""
        right = number is not None and is_known(number) and same(fields[name], read, text)
        yield Judged(
            page.template, file, page.index, name, read, text, number.status if number else "", right
        )


def same(field: Field, read: str, truth: str) -> bool:
    """Tell whether two texts of a field mean the same: marks do not count, nor do leading zeros of a number.

    Parameters
    ----------
    field : Field
    read, truth : str

    Returns
    -------
    bool
    """
    one, other = ("".join(sign for sign in text if sign.isdigit()) for text in (read, truth))
    if field.kind in (Kind.NUMBER, Kind.AMOUNT) and one and other:
        return one.lstrip("0") == other.lstrip("0")
    return one == other


def report(found: Sequence[Judged]) -> Iterator[str]:
    """Report how well the fields of each form are read, and which were read wrong.

    Parameters
    ----------
    found : sequence of Judged

    Yields
    ------
    str
        A line.
    """
    for form in sorted({one.form for one in found}):
        own = [one for one in found if one.form == form]
        pages = len({(one.file, one.page) for one in own})
        if not form:
            yield f"no form: {pages} pages with {len(own)} fields"
            continue
        right = Share(sum(one.right for one in own), len(own))
        accepted = [one for one in own if one.status == Status.ACCEPTED]
        low, high = right.interval
        yield (
            f"{form}: {pages} pages, {right.hits} of {right.count} fields right, {right.value:.1%}"
            f" (95 % interval {low:.1%} to {high:.1%}); {len(accepted)} accepted,"
            f" {sum(not one.right for one in accepted)} of them wrong"
        )
    for one in found:
        if not one.right and one.form:
            yield f"{one.file}\t{one.page}\t{one.field}\tread {one.read!r}\tstands {one.truth!r}\t{one.status}"
