"""A page with all that waits on it, as it is shown to a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digitocr.forms.checks import broken_rules, is_known, text, written
from digitocr.forms.template import Template
from digitocr.records import Box, Number, PageResult
from digitocr.review.tasks import Task


def shown(tasks: Sequence[Task]) -> dict[str, Any]:
    """Return what a page of the review shows of the numbers of one page.

    Parameters
    ----------
    tasks : sequence of Task
        All that wait there for this person; at least one.

    Returns
    -------
    dict
        Boxes are shares of the width and the height of the page as it was read.
    """
    first = tasks[0]
    seen = first.number
    page, now = seen.page, seen.page_now or seen.page
    titles = {field.name: field.title for field in seen.form.fields} if seen.form else {}
    asked = {task.place.number for task in tasks}
    known = {n.field: written(n) for n in now.numbers if n.field and is_known(n)}
    height, width = page.shape[::-1] if page.turn % 2 else page.shape
    return {
        "place": str(first.place),
        "file": first.file,
        "page": first.place.page,
        "form": page.template,
        "read_at": first.read_at,
        "size": [width, height],
        "rules": [told for _, told in broken_rules(seen.form, known)] if seen.form else [],
        "tasks": [task.shown() | {"box": _place(task.number.machine.box, page)} for task in tasks],
        "others": [
            {
                "box": _place(number.box, page),
                "label": titles.get(number.field, number.field),
                "text": _text(seen.form, number),
                "status": number.status.value,
            }
            for ordinal, number in enumerate(now.numbers, 1)
            if ordinal not in asked
        ],
    }


def _place(box: Box, page: PageResult) -> list[float]:
    """Return left, top, width and height as shares of the page as it was read."""
    height, width = page.shape[::-1] if page.turn % 2 else page.shape
    at = box.turned(page.turn, page.shape)
    return [round(v, 5) for v in (at.x / width, at.y / height, at.width / width, at.height / height)]


def _text(form: Template | None, number: Number) -> str:
    field = next((f for f in form.fields if f.name == number.field), None) if form else None
    return text(field, written(number)) if field else number.text
