"""Layout of a form from its specification: a title, and sections of fields in one or two columns, on one page.

Everything lies on a grid of eighths of a millimetre, which are the pixels of the reference, so the template is exact.
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

from digitocr.forms import yaml_node
from digitocr.forms.field_keys import cell_count, check_names, contents_of, identifier, rules_of
from digitocr.forms.template import PX_PER_MM, Field, Kind, Marker, Template, Unit, divided
from digitocr.forms.yaml_node import YamlNode
from digitocr.records import Box, around

PAGES_MM = {"A4": (210.0, 297.0), "Letter": (216.0, 279.5)}
"""Width and height of paper, rounded to half a millimetre."""

CELL_MM = (8.0, 10.0)
"""Width and height of a cell: room for a digit written in a hurry."""

MARKER_MM = 14.0
"""Side of a corner marker: 40 pixels on a photo of 1000 by 700 pixels."""

INSET_MM = 8.0
"""From the edge of the paper to a marker: printers leave up to 6 mm white."""

CODES = 250
"""Forms that can be told apart by their markers, four each."""

REGULAR, BOLD = "Vera", "VeraBd"
"""Fonts that come with reportlab and are embedded in the PDF, so that it looks the same everywhere."""

FIELD_KEYS = (
    *("label", "cells", "width"),
    *("kind", "blank", "length", "range", "pattern", "checksum", "format", "decimals"),
)
"""Keys of a field of a specification."""

_MARGIN_MM = 16.0
_GUTTER_MM = 8.0
_ROW_MM = 14.0
_SECTION_MM = 10.5
_LABEL_GAP_MM = 3.0
_GROUP_GAP_MM = 3.0
_MM_PER_POINT = 25.4 / 72
_KEYS = ("form", "version", "page", "code", "title", "note", "sections", "rules")
_SECTION_KEYS = ("title", "columns", "fields")


@dataclass(frozen=True, slots=True)
class Caption:
    """A line of text; `x`, `y` is the left end of its baseline in millimetres, `size` is in points."""

    text: str
    x: float
    y: float
    size: float
    font: str = REGULAR


@dataclass(frozen=True, slots=True)
class FormSpec:
    """A form laid out, ready to be printed.

    Attributes
    ----------
    template : Template
        Its unit is millimetres.
    size : tuple of float
        Width and height of the paper in millimetres.
    captions : tuple of Caption
    rules : tuple of tuple of float
        Horizontal lines: left, right and y in millimetres.
    """

    template: Template
    size: tuple[float, float]
    captions: tuple[Caption, ...]
    rules: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A field with its label, not placed yet; `groups` are the numbers of cells that stand together, or none."""

    node: YamlNode
    field: Field
    label: str
    groups: tuple[int, ...]
    width: float


def load(path: Path) -> FormSpec:
    """Lay out the form of a specification.

    Parameters
    ----------
    path : Path

    Returns
    -------
    FormSpec

    Raises
    ------
    TemplateError
        The file cannot be read or used, or the form does not fit on its page; names the line and what is wrong there.
    """
    root = yaml_node.read(path)
    keys = root.keys(_KEYS, ("form", "title", "sections"))
    name = identifier(keys["form"])
    version = keys["version"].text() if "version" in keys else "1"
    page = keys["page"].one_of(tuple(PAGES_MM)) if "page" in keys else "A4"
    code = keys["code"].integer() if "code" in keys else zlib.crc32(f"{name} {version}".encode()) % CODES
    if not 0 <= code < CODES:
        raise keys["code"].error(f"a code is 0 to {CODES - 1}")
    width, height = PAGES_MM[page]
    paper = _Paper(width, height)
    paper.head(keys, f"{name} · {version} · {code}")
    sections = keys["sections"].items()
    if not sections:
        raise keys["sections"].error("there are no sections")
    fields = tuple(field for section in sections for field in _section(section, paper))
    _check_names(sections)
    return FormSpec(
        Template(
            name,
            (round(width * PX_PER_MM), round(height * PX_PER_MM)),
            fields,
            rules_of(keys["rules"], [field.name for field in fields]) if "rules" in keys else (),
            version,
            Unit.MILLIMETRES,
            markers=tuple(_markers(code, width, height)),
        ),
        (width, height),
        tuple(paper.captions),
        tuple(paper.rules),
    )


def _check_names(sections: Sequence[YamlNode]) -> None:
    """Refuse a name that two sections have, or that would give the form's table two equal columns."""
    seen: dict[str, YamlNode] = {}
    for section in sections:
        for name, value in section.mapping()["fields"].mapping().items():
            if name in seen:
                raise value.about(f"field {name!r}").error("another section has a field of this name")
            seen[name] = value
    check_names(seen)


class _Paper:
    """The page while it is filled from the top, in millimetres."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.y = INSET_MM
        self.captions: list[Caption] = []
        self.rules: list[tuple[float, float, float]] = []

    @property
    def bottom(self) -> float:
        """Lowest place for a field."""
        return self.height - INSET_MM - MARKER_MM - 2

    def head(self, keys: dict[str, YamlNode], code: str) -> None:
        """Print the title between the upper markers, the note under it, and the code between the lower ones."""
        left = INSET_MM + MARKER_MM + 4
        room = self.width - 2 * left
        for line in _lines(keys["title"], room, 15, BOLD, 2):
            self.y += 6
            self.captions.append(Caption(line, left, self.y, 15, BOLD))
        for line in _lines(keys["note"], room, 9, REGULAR, 3) if "note" in keys else ():
            self.y += 4.5
            self.captions.append(Caption(line, left, self.y, 9))
        self.y = max(self.y + 4, INSET_MM + MARKER_MM + 4)
        at = (self.width - _width(code, 8, REGULAR)) / 2
        self.captions.append(Caption(code, at, self.height - INSET_MM - 2, 8))


def _section(section: YamlNode, paper: _Paper) -> Iterator[Field]:
    """Place the fields of a section, row by row."""
    keys = section.keys(_SECTION_KEYS, ("fields",))
    columns = keys["columns"].integer() if "columns" in keys else 1
    if columns not in (1, 2):
        raise keys["columns"].error("there are one or two columns")
    if "title" in keys:
        for line in _lines(keys["title"], paper.width - 2 * _MARGIN_MM, 11, BOLD, 1):
            paper.captions.append(Caption(line, _MARGIN_MM, paper.y + 5, 11, BOLD))
        paper.rules.append((_MARGIN_MM, paper.width - _MARGIN_MM, paper.y + 6.5))
        paper.y += _SECTION_MM
    rows = [_row(name, value.about(f"field {name!r}")) for name, value in keys["fields"].mapping().items()]
    if not rows:
        raise keys["fields"].error("there are no fields")
    room = (paper.width - 2 * _MARGIN_MM - _GUTTER_MM * (columns - 1)) / columns
    high = -(-len(rows) // columns)
    for i, row in enumerate(rows):
        left = _MARGIN_MM + (i // high) * (room + _GUTTER_MM)
        top = paper.y + (i % high) * _ROW_MM
        if top + CELL_MM[1] > paper.bottom:
            raise row.node.error("the page is full", hint="use two columns, or make two forms of it")
        yield _placed(row, left, top, room, paper)
    paper.y += high * _ROW_MM + 1


def _row(name: str, node: YamlNode) -> _Row:
    keys = node.keys(FIELD_KEYS)
    label = keys["label"].text() if "label" in keys else name.replace("_", " ")
    contents = contents_of(keys, node, _cells(keys))
    field = Field(name, Box(0, 0, 1, 1), **contents)
    if "width" in keys:
        if "cells" in keys:
            raise keys["width"].error("a field has either 'cells' or a 'width'")
        width = round(keys["width"].number() * PX_PER_MM) / PX_PER_MM
        if width < CELL_MM[0]:
            raise keys["width"].error(f"a field is at least {CELL_MM[0]:g} mm wide")
        return _Row(node, field, label, (), width)
    groups = _groups(field, _cells(keys), node)
    return _Row(node, field, label, groups, sum(groups) * CELL_MM[0] + (len(groups) - 1) * _GROUP_GAP_MM)


def _cells(keys: dict[str, YamlNode]) -> int:
    """Return the number of cells of a field: as given, or as its format or greatest length implies."""
    if "width" in keys:
        return 0
    if "cells" in keys:
        return cell_count(keys["cells"])
    if "format" in keys:
        return len(keys["format"].text())
    if "length" in keys:
        length = keys["length"]
        return (length.items()[-1] if length.is_list and length.items() else length).integer()
    return 0


def _groups(field: Field, cells: int, node: YamlNode) -> tuple[int, ...]:
    """Group cells where there are gaps between them: the parts of a date, the decimals of an amount."""
    if not cells:
        raise node.error("say how many 'cells' it has, or its 'width' in millimetres without cells")
    if field.kind is Kind.DATE:
        return tuple(field.format.count(letter) for letter in dict.fromkeys(field.format))
    if field.kind is Kind.AMOUNT:
        if cells <= field.decimals:
            raise node.error(
                f"{cells} cells have no room for {field.decimals} decimals and a digit before them"
            )
        return cells - field.decimals, field.decimals
    return (cells,)


def _placed(row: _Row, left: float, top: float, room: float, paper: _Paper) -> Field:
    """Place a row: its label at the left end of the column, its cells at the right end."""
    x = left + room - row.width
    lines = simpleSplit(row.label, REGULAR, 10, max(1.0, room - row.width - _LABEL_GAP_MM) / _MM_PER_POINT)
    _check_glyphs(row.node, row.label)
    widest = max((_width(line, 10, REGULAR) for line in lines), default=0.0)
    if x < left or len(lines) > 2 or widest > room - row.width - _LABEL_GAP_MM:
        raise row.node.error(
            f"the label and {row.width:g} mm to write in do not fit into a column of {room:g} mm",
            hint="use one column, or a shorter label",
        )
    base = top + CELL_MM[1] / 2 + 1.3 - (len(lines) - 1) * 2.2
    paper.captions += [Caption(line, left, base + 4.4 * i, 10) for i, line in enumerate(lines)]
    if not row.groups:
        return replace(row.field, box=_pixels(x, top, row.width))
    cells: list[Box] = []
    for i, count in enumerate(row.groups):
        if i and row.field.kind is Kind.AMOUNT:
            at = x + (_GROUP_GAP_MM - _width(".", 12, BOLD)) / 2
            paper.captions.append(Caption(".", at, top + CELL_MM[1], 12, BOLD))
        x += _GROUP_GAP_MM if i else 0
        cells += divided(_pixels(x, top, count * CELL_MM[0]), count)
        x += count * CELL_MM[0]
    for letter, cell in zip(row.field.format, cells, strict=False):  # D, M or Y above each cell of a date
        at = cell.centre[0] / PX_PER_MM - _width(letter, 6, REGULAR) / 2
        paper.captions.append(Caption(letter, at, top - 1, 6))
    return replace(row.field, box=around(cells), cells=tuple(cells))


def _pixels(x: float, y: float, width: float) -> Box:
    left = round(x * PX_PER_MM)
    return Box(
        left, round(y * PX_PER_MM), round((x + width) * PX_PER_MM) - left, round(CELL_MM[1] * PX_PER_MM)
    )


def _markers(code: int, width: float, height: float) -> Iterator[Marker]:
    """Yield the corner markers of a form, clockwise from the upper left."""
    right, low = width - INSET_MM - MARKER_MM, height - INSET_MM - MARKER_MM
    for i, (x, y) in enumerate(((INSET_MM, INSET_MM), (right, INSET_MM), (right, low), (INSET_MM, low))):
        side = round(MARKER_MM * PX_PER_MM)
        yield Marker(4 * code + i, Box(round(x * PX_PER_MM), round(y * PX_PER_MM), side, side))


@cache
def glyphs() -> frozenset[int]:
    """Load the fonts.

    Returns
    -------
    frozenset of int
        Code points of the characters they have.
    """
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    return frozenset(pdfmetrics.getFont(REGULAR).face.charToGlyph)


def _width(text: str, size: float, font: str) -> float:
    glyphs()
    return float(pdfmetrics.stringWidth(text, font, size)) * _MM_PER_POINT


def _lines(node: YamlNode, room: float, size: float, font: str, most: int) -> Sequence[str]:
    """Break a text into lines that fit."""
    text = node.text()
    _check_glyphs(node, text)
    lines: list[str] = simpleSplit(text, font, size, room / _MM_PER_POINT)
    if len(lines) > most or any(_width(line, size, font) > room for line in lines):
        raise node.error(f"the text is too long: {most} lines of {room:g} mm are free for it")
    return lines


def _check_glyphs(node: YamlNode, text: str) -> None:
    strange = [sign for sign in text if ord(sign) not in glyphs()]
    if strange:
        raise node.error(
            f"the font has no {strange[0]!r}", hint="it has the letters of Western European languages"
        )
