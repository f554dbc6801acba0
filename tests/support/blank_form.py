"""A blank form of forty fields, among them a table and its sum, with the template that a person writes by hand."""

from dataclasses import replace

import cv2
import numpy as np

from digitocr.forms.features import save_features
from digitocr.forms.rules import parse
from digitocr.forms.sketch import print_of
from digitocr.forms.template import Field, Kind, Template, divided
from digitocr.forms.template_file import dump
from digitocr.records import Box

SIZE = (1414, 2000)
ROWS, COLUMNS = 8, 4
WORDS = (
    "Polling",
    "station",
    "count",
    "of",
    "votes",
    "ward",
    "booth",
    "box",
    "list",
    "paper",
    "seal",
    "clerk",
)


def cells(name, x, y, count, kind=Kind.NUMBER, **more):
    box = Box(x, y, 50 * count, 62)
    length = more.pop("length", (1, count))
    return Field(name, box, kind, divided(box, count), length=length, **more)


def handwritten(reference=None):
    table = [
        cells(f"r{r}_c{c}", 250 + 230 * (c - 1), 520 + 100 * (r - 1), 3, blank=True)
        for r in range(1, ROWS + 1)
        for c in range(1, COLUMNS + 1)
    ]
    fields = [
        cells("station", 420, 190, 6, Kind.DIGITS, length=(6, 6)),
        cells("day", 420, 300, 8, Kind.DATE, format="DDMMYYYY", length=(8, 8)),
        *table,
        cells("total", 250, 1380, 4),
        cells("women", 420, 1500, 3),
        cells("men", 980, 1500, 3),
        cells("spoilt", 420, 1620, 3, blank=True),
        cells("unused", 980, 1620, 3, blank=True),
        cells("officer", 420, 1740, 8, Kind.DIGITS, length=(8, 8)),
    ]
    parts = [f"r{r}_c1" for r in range(1, ROWS + 1)]
    rule = parse("total", f"total == {' + '.join(parts)}", [field.name for field in fields])
    return Template("by_hand", SIZE, tuple(fields), (rule,), reference=reference)


def drawn(template):
    """The picture of the empty form."""
    rng = np.random.default_rng(7)
    paper = np.full(SIZE[::-1], 250, np.uint8)
    cv2.putText(paper, "COUNT OF VOTES", (430, 110), cv2.FONT_HERSHEY_DUPLEX, 2, 30, 3, cv2.LINE_AA)
    for y in (420, 1440, 1900):
        words = " ".join(rng.choice(WORDS, 9))
        cv2.putText(paper, words, (90, y + 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 40, 2, cv2.LINE_AA)
    for field in template.fields:
        for cell in field.cells:
            cv2.rectangle(paper, (cell.x, cell.y), (cell.right, cell.bottom), 70, 2)
        words = " ".join(rng.choice(WORDS, 1 if "_c" in field.name else 2))
        if not field.name.startswith("r") or field.name.endswith("c1"):
            x = field.box.x - 190 if "_c" in field.name else field.box.x - 310
            at = (max(30, x), field.box.y + 40)
            cv2.putText(paper, words, at, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 40, 2, cv2.LINE_AA)
    return paper


def written(folder):
    """Write picture, features and template by hand into a folder; return the template and the picture."""
    folder.mkdir()
    template = handwritten()
    picture = drawn(template)
    cv2.imwrite(str(folder / "by_hand.png"), picture)
    template = replace(template, features=folder / "by_hand.features.npz")
    save_features(template.features, print_of(picture, template.fields))
    dump(template, folder / "by_hand.yaml")
    return template, picture
