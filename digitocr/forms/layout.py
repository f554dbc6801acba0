"""A form laid out from its specification: a title, and sections of fields in one or two columns, on one page.

Everything lies on a grid of eighths of a millimetre, the pixels of the reference, so that the template is exact.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from digitocr.forms import document
from digitocr.forms.document import Entry
from digitocr.forms.template import (
    LONGEST,
    PER_MM,
    Field,
    Kind,
    Marker,
    Template,
    Unit,
    check_names,
    contents,
    divided,
    identifier,
    rules,
)
from digitocr.records import Box, around

PAGES = {"A4": (210.0, 297.0), "Letter": (216.0, 279.5)}
"""Sizes of paper in millimetres, to the half."""

CELL = (8.0, 10.0)
"""Width and height of a cell in millimetres: a digit of a hand in a hurry fits."""

MARKER = 14.0
"""Side of a corner marker in millimetres: 40 pixels on a photo of 1000 by 700 pixels."""

INSET = 8.0
"""From the edge of the paper to a marker, in millimetres: printers leave up to six of them white."""

CODES = 250
"""How many forms can be told apart by their markers, four each."""

REGULAR, BOLD = "Vera", "VeraBd"
"""The fonts, which come with the library and are put into the PDF: it looks the same everywhere."""

_MARGIN = 16.0
_GUTTER = 8.0
_ROW = 14.0
_SECTION = 10.5
_LABEL_GAP = 3.0
_POINT_MM = 25.4 / 72
_GROUP_GAP = 3.0
_KEYS = ("form", "version", "page", "code", "title", "note", "sections", "rules")
_SECTION_KEYS = ("title", "columns", "fields")
FIELD_KEYS = (
    *("label", "cells", "width"),
    *("kind", "blank", "length", "range", "pattern", "checksum", "format", "decimals"),
)
"""What a field of a specification may say."""


@dataclass(frozen=True, slots=True)
class Caption:
    """A line of text; `x` and `y` are the left end of its base line, in millimetres from the upper left corner."""

    text: str
    x: float
    y: float
    size: float
    font: str = REGULAR


@dataclass(frozen=True, slots=True)
class Form:
    """A form ready to be printed.

    Attributes
    ----------
    template : Template
        In millimetres.
    size : tuple of float
        Of the paper, in millimetres.
    captions : tuple of Caption
    rules : tuple of tuple of float
        Horizontal lines: left, right and height, in millimetres.
    """

    template: Template
    size: tuple[float, float]
    captions: tuple[Caption, ...]
    rules: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A field with its label, not placed yet; `groups` are its cells as they stand together, or none."""

    entry: Entry
    field: Field
    label: str
    groups: tuple[int, ...]
    width: float


def load(path: Path) -> Form:
    """Lay out the form of a specification.

    Raises
    ------
    TemplateError
        With the line and what is wrong there, also where it does not fit on its page.
    """
    root = document.read(path)
    keys = root.keys(_KEYS, ("form", "title", "sections"))
    name = identifier(keys["form"])
    version = keys["version"].text() if "version" in keys else "1"
    page = keys["page"].one_of(tuple(PAGES)) if "page" in keys else "A4"
    code = keys["code"].integer() if "code" in keys else zlib.crc32(f"{name} {version}".encode()) % CODES
    if not 0 <= code < CODES:
        raise keys["code"].wrong(f"a code is 0 to {CODES - 1}")
    width, height = PAGES[page]
    paper = _Paper(width, height)
    paper.head(keys, f"{name} · {version} · {code}")
    sections = keys["sections"].entries()
    if not sections:
        raise keys["sections"].wrong("there are no sections")
    fields = tuple(field for section in sections for field in _section(section, paper))
    _check_names(sections)
    return Form(
        Template(
            name,
            (round(width * PER_MM), round(height * PER_MM)),
            fields,
            rules(keys["rules"], [field.name for field in fields]) if "rules" in keys else (),
            version,
            Unit.MILLIMETRES,
            markers=tuple(_markers(code, width, height)),
        ),
        (width, height),
        tuple(paper.captions),
        tuple(paper.rules),
    )


def _check_names(sections: Sequence[Entry]) -> None:
    """Refuse a name that stands in two sections, or doubles a column of the table."""
    seen: dict[str, Entry] = {}
    for section in sections:
        for name, value in section.mapping()["fields"].mapping().items():
            if name in seen:
                raise value.about(f"field {name!r}").wrong("another section has a field of this name")
            seen[name] = value
    check_names(seen)


class _Paper:
    """The page as it fills, from the top; millimetres."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.y = INSET
        self.captions: list[Caption] = []
        self.rules: list[tuple[float, float, float]] = []

    @property
    def bottom(self) -> float:
        """Where fields must end."""
        return self.height - INSET - MARKER - 2

    def head(self, keys: dict[str, Entry], code: str) -> None:
        """Print the title between the upper markers, the note under it, and the code between the lower ones."""
        left = INSET + MARKER + 4
        room = self.width - 2 * left
        for line in _lines(keys["title"], room, 15, BOLD, 2):
            self.y += 6
            self.captions.append(Caption(line, left, self.y, 15, BOLD))
        for line in _lines(keys["note"], room, 9, REGULAR, 3) if "note" in keys else ():
            self.y += 4.5
            self.captions.append(Caption(line, left, self.y, 9))
        self.y = max(self.y + 4, INSET + MARKER + 4)
        at = (self.width - _width(code, 8, REGULAR)) / 2
        self.captions.append(Caption(code, at, self.height - INSET - 2, 8))


def _section(section: Entry, paper: _Paper) -> Iterator[Field]:
    """Place the fields of a section, row by row."""
    keys = section.keys(_SECTION_KEYS, ("fields",))
    columns = keys["columns"].integer() if "columns" in keys else 1
    if columns not in (1, 2):
        raise keys["columns"].wrong("there are one or two columns")
    if "title" in keys:
        for line in _lines(keys["title"], paper.width - 2 * _MARGIN, 11, BOLD, 1):
            paper.captions.append(Caption(line, _MARGIN, paper.y + 5, 11, BOLD))
        paper.rules.append((_MARGIN, paper.width - _MARGIN, paper.y + 6.5))
        paper.y += _SECTION
    rows = [_row(name, value.about(f"field {name!r}")) for name, value in keys["fields"].mapping().items()]
    if not rows:
        raise keys["fields"].wrong("there are no fields")
    room = (paper.width - 2 * _MARGIN - _GUTTER * (columns - 1)) / columns
    high = -(-len(rows) // columns)
    for i, row in enumerate(rows):
        left = _MARGIN + (i // high) * (room + _GUTTER)
        top = paper.y + (i % high) * _ROW
        if top + CELL[1] > paper.bottom:
            raise row.entry.wrong("the page is full", hint="use two columns, or make two forms of it")
        yield _placed(row, left, top, room, paper)
    paper.y += high * _ROW + 1


def _row(name: str, entry: Entry) -> _Row:
    keys = entry.keys(FIELD_KEYS)
    label = keys["label"].text() if "label" in keys else name.replace("_", " ")
    said = contents(keys, entry, _cells(keys))
    field = Field(name, Box(0, 0, 1, 1), **said)
    if "width" in keys:
        if "cells" in keys:
            raise keys["width"].wrong("a field has either 'cells' or a 'width'")
        width = round(keys["width"].number() * PER_MM) / PER_MM
        if width < CELL[0]:
            raise keys["width"].wrong(f"a field is at least {CELL[0]:g} mm wide")
        return _Row(entry, field, label, (), width)
    groups = _groups(field, _cells(keys), entry)
    return _Row(entry, field, label, groups, sum(groups) * CELL[0] + (len(groups) - 1) * _GROUP_GAP)


def _cells(keys: dict[str, Entry]) -> int:
    """Return how many cells a field has: as it says, or as follows from its format or greatest length."""
    if "width" in keys:
        return 0
    if "cells" in keys:
        count = keys["cells"].integer()
        if not 1 <= count <= LONGEST:
            raise keys["cells"].wrong(f"a field has 1 to {LONGEST} cells")
        return count
    if "format" in keys:
        return len(keys["format"].text())
    if "length" in keys:
        length = keys["length"]
        return (length.entries()[-1] if length.is_list and length.entries() else length).integer()
    return 0


def _groups(field: Field, cells: int, entry: Entry) -> tuple[int, ...]:
    """Part cells where there is a gap between them: the parts of a date, the decimals of an amount."""
    if not cells:
        raise entry.wrong("say how many 'cells' it has, or its 'width' in millimetres without cells")
    if field.kind is Kind.DATE:
        return tuple(field.format.count(letter) for letter in dict.fromkeys(field.format))
    if field.kind is Kind.AMOUNT:
        if cells <= field.decimals:
            raise entry.wrong(
                f"{cells} cells have no room for {field.decimals} decimals and a digit before them"
            )
        return cells - field.decimals, field.decimals
    return (cells,)


def _placed(row: _Row, left: float, top: float, room: float, paper: _Paper) -> Field:
    """Put a row on the paper: its label left, its cells at the right end of the column."""
    x = left + room - row.width
    lines = simpleSplit(row.label, REGULAR, 10, max(1.0, room - row.width - _LABEL_GAP) / _POINT_MM)
    _check_glyphs(row.entry, row.label)
    widest = max((_width(line, 10, REGULAR) for line in lines), default=0.0)
    if x < left or len(lines) > 2 or widest > room - row.width - _LABEL_GAP:
        raise row.entry.wrong(
            f"the label and {row.width:g} mm to write in do not fit into a column of {room:g} mm",
            hint="use one column, or a shorter label",
        )
    base = top + CELL[1] / 2 + 1.3 - (len(lines) - 1) * 2.2
    paper.captions += [Caption(line, left, base + 4.4 * i, 10) for i, line in enumerate(lines)]
    if not row.groups:
        return replace(row.field, box=_pixels(x, top, row.width))
    cells: list[Box] = []
    for i, count in enumerate(row.groups):
        if i and row.field.kind is Kind.AMOUNT:
            at = x + (_GROUP_GAP - _width(".", 12, BOLD)) / 2
            paper.captions.append(Caption(".", at, top + CELL[1], 12, BOLD))
        x += _GROUP_GAP if i else 0
        cells += divided(_pixels(x, top, count * CELL[0]), count)
        x += count * CELL[0]
    for letter, cell in zip(
        row.field.format, cells, strict=False
    ):  # above the cells of a date, what goes where
        at = cell.centre[0] / PER_MM - _width(letter, 6, REGULAR) / 2
        paper.captions.append(Caption(letter, at, top - 1, 6))
    return replace(row.field, box=around(cells), cells=tuple(cells))


def _pixels(x: float, y: float, width: float) -> Box:
    left = round(x * PER_MM)
    return Box(left, round(y * PER_MM), round((x + width) * PER_MM) - left, round(CELL[1] * PER_MM))


def _markers(code: int, width: float, height: float) -> Iterator[Marker]:
    """Yield the corner markers of a form, clockwise from the upper left."""
    right, low = width - INSET - MARKER, height - INSET - MARKER
    for i, (x, y) in enumerate(((INSET, INSET), (right, INSET), (right, low), (INSET, low))):
        side = round(MARKER * PER_MM)
        yield Marker(4 * code + i, Box(round(x * PER_MM), round(y * PER_MM), side, side))


@cache
def glyphs() -> frozenset[int]:
    """Load the fonts, and return the characters they have."""
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    return frozenset(pdfmetrics.getFont(REGULAR).face.charToGlyph)


def _width(text: str, size: float, font: str) -> float:
    glyphs()
    return float(pdfmetrics.stringWidth(text, font, size)) * _POINT_MM


def _lines(entry: Entry, room: float, size: float, font: str, most: int) -> Sequence[str]:
    """Part a text into lines that fit."""
    text = entry.text()
    _check_glyphs(entry, text)
    lines: list[str] = simpleSplit(text, font, size, room / _POINT_MM)
    if len(lines) > most or any(_width(line, size, font) > room for line in lines):
        raise entry.wrong(f"the text is too long: {most} lines of {room:g} mm are free for it")
    return lines


def _check_glyphs(entry: Entry, text: str) -> None:
    strange = [sign for sign in text if ord(sign) not in glyphs()]
    if strange:
        raise entry.wrong(
            f"the font has no {strange[0]!r}", hint="it has the letters of Western European languages"
        )
