"""Templates: what stands where on a form, and what must hold there. A YAML file, checked line by line.

All boxes are pixels of the *reference*, the form laid flat in its canonical size; a template in millimetres is
carried over at `PER_MM` pixels each when it is loaded.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from digitocr import atomic
from digitocr.errors import TemplateError
from digitocr.forms import document
from digitocr.forms.checksums import CHECKSUMS
from digitocr.forms.document import Entry
from digitocr.forms.rules import Rule, RuleError, parse
from digitocr.records import Box, around

PER_MM = 8
"""Pixels of the reference for a millimetre, where a template is written in millimetres."""

LONGEST = 20
"""Digits that a field may have where nothing is said."""

COLUMNS = ("file", "page", "template", "status", "reasons")
"""Columns of the table of a form that are no fields."""

SUFFIXES = ("_confidence", "_status")
"""Columns of the table of a form that every field has beside its own."""

DATES = ("DDMMYYYY", "DDMMYY", "MMDDYYYY", "MMDDYY", "YYYYMMDD", "YYMMDD")
"""How the digits of a date may be ordered."""

_KEYS = ("template", "version", "unit", "size", "reference", "features", "markers", "fields", "rules")
FIELD_KEYS = (
    *("box", "kind", "cells", "blank", "length", "range", "pattern", "checksum", "format", "decimals"),
)
"""What a field of a template may say."""
_LARGEST = 20_000
"""Pixels of the longer side of a reference."""


class Kind(StrEnum):
    """What is written into a field."""

    NUMBER = "number"
    """A count or quantity: leading zeros and leading empty cells mean nothing."""
    DIGITS = "digits"
    """A code: every digit counts."""
    DATE = "date"
    """Day, month and year as digits, with whatever stands between them."""
    AMOUNT = "amount"
    """A number with decimals."""


class Unit(StrEnum):
    """What the numbers of a template file are."""

    PIXELS = "px"
    MILLIMETRES = "mm"


@dataclass(frozen=True, slots=True)
class Field:
    """A place on a form and what may be written there.

    Attributes
    ----------
    name : str
    box : Box
        In reference pixels, inside the printed frame or along the line to write on.
    kind : Kind
    cells : tuple of Box
        A box for each digit, from left to right; empty where the digits are written freely.
    blank : bool
        Whether it may be left empty.
    length : tuple of int
        The fewest and the most digits.
    range : tuple of float or None
        The least and the greatest value.
    pattern : str
        A regular expression for the whole text; '' for none.
    checksum : str
        A name of :data:`~digitocr.forms.checksums.CHECKSUMS`; '' for none.
    format : str
        The order of a date's digits, one of `DATES`; '' for other kinds.
    decimals : int
        Digits after the decimal mark of an amount.
    """

    name: str
    box: Box
    kind: Kind = Kind.NUMBER
    cells: tuple[Box, ...] = ()
    blank: bool = False
    length: tuple[int, int] = (1, LONGEST)
    range: tuple[float, float] | None = None
    pattern: str = ""
    checksum: str = ""
    format: str = ""
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Marker:
    """An ArUco marker printed on a form; `box` is the square of its black border in reference pixels."""

    id: int
    box: Box


@dataclass(frozen=True, slots=True)
class Template:
    """A form.

    Attributes
    ----------
    name : str
        Also the name of its table.
    size : tuple of int
        Width and height of the reference in pixels.
    fields : tuple of Field
    rules : tuple of Rule
    version : str
        Of the form.
    unit : Unit
        What its file is written in.
    reference : Path or None
        A picture of the empty form in the size of the reference.
    features : Path or None
        Points of the printed form by which it is found, as ``template detect`` writes them.
    markers : tuple of Marker
    """

    name: str
    size: tuple[int, int]
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    version: str = "1"
    unit: Unit = Unit.PIXELS
    reference: Path | None = None
    features: Path | None = None
    markers: tuple[Marker, ...] = ()

    def field(self, name: str) -> Field:
        """Return a field by its name."""
        return next(field for field in self.fields if field.name == name)


def load(path: Path) -> Template:
    """Load a template.

    Raises
    ------
    TemplateError
        With the line and what is wrong there.
    """
    root = document.read(path)
    keys = root.keys(_KEYS, ("template", "size", "fields"))
    unit = Unit(keys["unit"].one_of(tuple(Unit))) if "unit" in keys else Unit.PIXELS
    scale = PER_MM if unit is Unit.MILLIMETRES else 1
    width, height = (round(n * scale) for n in keys["size"].numbers(2))
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
        raise keys["size"].wrong("the page must have a width and a height, of up to 20000 pixels")
    sheet = _Sheet(Box(0, 0, width, height), scale)
    fields = tuple(
        _field(name, entry.about(f"field {name!r}"), sheet)
        for name, entry in keys["fields"].mapping().items()
    )
    _tell_apart(keys["fields"], fields)
    names = [field.name for field in fields]
    return Template(
        name=identifier(keys["template"]),
        size=(width, height),
        fields=fields,
        rules=rules(keys["rules"], names) if "rules" in keys else (),
        version=keys["version"].text() if "version" in keys else "1",
        unit=unit,
        reference=_beside(keys["reference"]) if "reference" in keys else None,
        features=_beside(keys["features"]) if "features" in keys else None,
        markers=tuple(_markers(keys["markers"], sheet)) if "markers" in keys else (),
    )


def load_folder(folder: Path) -> tuple[Template, ...]:
    """Load all templates of a folder, in order of their file names.

    Raises
    ------
    TemplateError
        Where there are none, one cannot be used, or two cannot be told apart.
    """
    if not folder.is_dir():
        raise TemplateError(f"{folder} is no folder of templates")
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise TemplateError(f"there is no template in {folder}", hint="a template is a file NAME.yaml")
    found: dict[str, Path] = {}
    marked: dict[int, Path] = {}
    templates = []
    for path in paths:
        template = load(path)
        if template.name in found:
            raise TemplateError(f"{path} and {found[template.name]} are both called {template.name!r}")
        found[template.name] = path
        for marker in template.markers:
            if marker.id in marked:
                raise TemplateError(f"{path} and {marked[marker.id]} both have the marker {marker.id}")
            marked[marker.id] = path
        templates.append(template)
    return tuple(templates)


def dump(template: Template, path: Path) -> None:
    """Write a template so that loading it gives the same again; its other files must lie beside it."""
    atomic.write(path, dumps(template).encode())


def dumps(template: Template) -> str:
    """Return a template as the text of its file."""
    scale = PER_MM if template.unit is Unit.MILLIMETRES else 1
    head: dict[str, Any] = {"template": template.name, "version": template.version}
    head |= {"unit": template.unit.value, "size": [_plain(n / scale) for n in template.size]}
    if template.reference:
        head["reference"] = template.reference.name
    if template.features:
        head["features"] = template.features.name
    parts = [_yaml(head)]
    if template.markers:
        parts.append("markers:\n" + "".join(f"  {m.id}: {_flow(m.box, scale)}\n" for m in template.markers))
    parts.append("fields:\n" + "".join(_written(field, scale) for field in template.fields))
    if template.rules:
        written = {rule.name: rule.text for rule in template.rules}
        parts.append("rules:\n" + "".join(f"  {line}\n" for line in _yaml(written, flow=False).splitlines()))
    return "\n".join(parts)


def identifier(entry: Entry) -> str:
    """Return the name of a field or form: letters, digits and ``_``, so that rules and tables can use it."""
    name = entry.text()
    if not _is_name(name):
        raise entry.wrong(f"{name!r} is no name: use letters, digits and _, and no digit first")
    return name


def _is_name(text: str) -> bool:
    is_plain = unicodedata.normalize("NFKC", text) == text  # as Python takes names in expressions
    return text.isidentifier() and is_plain and not keyword.iskeyword(text)


def check_names(fields: Mapping[str, Entry]) -> None:
    """Refuse names of fields that rules cannot use, or that would double a column of the table."""
    taken = set(COLUMNS)
    for name, value in fields.items():
        field = value.about(f"field {name!r}")
        if not _is_name(name):
            raise field.wrong("this is no name: use letters, digits and _, and no digit first")
        columns = {name, *(name + suffix for suffix in SUFFIXES)}
        if columns & taken:
            raise field.wrong(f"the table would have two columns {min(columns & taken)!r}")
        taken |= columns


def rules(entry: Entry, fields: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules of a document."""
    found = []
    for name, value in entry.mapping().items():
        about = value.about(f"rule {name!r}")
        try:
            found.append(parse(name, about.text(), fields))
        except RuleError as error:
            raise about.wrong(str(error), hint=f"fields: {', '.join(fields)}") from None
    return tuple(found)


def contents(keys: dict[str, Entry], entry: Entry, cells: int) -> dict[str, Any]:
    """Return what may be written into a field, as keyword arguments of `Field`.

    Parameters
    ----------
    keys : dict of str to Entry
        As they stand in the document.
    entry : Entry
        The field.
    cells : int
        How many it has, 0 for none.
    """
    kind = Kind(keys["kind"].one_of(tuple(Kind))) if "kind" in keys else Kind.NUMBER
    said: dict[str, Any] = {"kind": kind}
    if "blank" in keys:
        said["blank"] = keys["blank"].truth()
    said["format"] = _format(keys, entry, kind)
    said["decimals"] = _decimals(keys, kind)
    said["length"] = _length(keys, entry, said, cells)
    if "range" in keys:
        least, greatest = keys["range"].numbers(2)
        if least > greatest:
            raise keys["range"].wrong(f"the range is empty: {least:g} is more than {greatest:g}")
        said["range"] = (least, greatest)
    if "pattern" in keys:
        said["pattern"] = keys["pattern"].text()
        try:
            re.compile(said["pattern"])
        except re.error as error:
            raise keys["pattern"].wrong(f"{said['pattern']!r} is no regular expression: {error}") from None
    if "checksum" in keys:
        said["checksum"] = keys["checksum"].one_of(tuple(CHECKSUMS))
    return said


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The page of a document: its box in reference pixels, and pixels for a unit of the document."""

    page: Box
    scale: int

    def box(self, entry: Entry) -> Box:
        """Return a box in reference pixels."""
        left, top, wide, high = (n * self.scale for n in entry.numbers(4))
        box = Box(round(left), round(top), round(left + wide) - round(left), round(top + high) - round(top))
        if box.width < 1 or box.height < 1:
            raise entry.wrong("a box must have a width and a height: it is [x, y, width, height]")
        if box.x < 0 or box.y < 0 or box.right > self.page.width or box.bottom > self.page.height:
            raise entry.wrong("the box lies beyond the page: it is [x, y, width, height]")
        return box


def _field(name: str, entry: Entry, sheet: _Sheet) -> Field:
    keys = entry.keys(FIELD_KEYS)
    if "box" not in keys and not ("cells" in keys and keys["cells"].is_list):
        raise entry.wrong("'box' is missing")
    cells: tuple[Box, ...] = ()
    if "cells" in keys and keys["cells"].is_list:
        if "box" in keys:
            raise keys["box"].wrong("cells with boxes of their own need no 'box'")
        cells = tuple(sheet.box(cell) for cell in keys["cells"].entries())
        if not cells:
            raise keys["cells"].wrong("there are no cells")
        box = around(cells)
    else:
        box = sheet.box(keys["box"])
        if "cells" in keys:
            count = keys["cells"].integer()
            if not 1 <= count <= LONGEST:
                raise keys["cells"].wrong(f"a field has 1 to {LONGEST} cells")
            cells = divided(box, count)
    return Field(name, box, cells=cells, **contents(keys, entry, len(cells)))


def divided(box: Box, count: int) -> tuple[Box, ...]:
    """Part a box into so many cells side by side.

    Examples
    --------
    >>> divided(Box(0, 0, 5, 3), 2)
    (Box(x=0, y=0, width=2, height=3), Box(x=2, y=0, width=3, height=3))
    """
    edges = [box.x + box.width * i // count for i in range(count + 1)]
    return tuple(Box(left, box.y, right - left, box.height) for left, right in pairwise(edges))


def _format(keys: dict[str, Entry], entry: Entry, kind: Kind) -> str:
    if kind is Kind.DATE:
        if "format" not in keys:
            raise entry.wrong("a date needs a 'format'", hint=f"one of {', '.join(DATES)}")
        return keys["format"].one_of(DATES)
    if "format" in keys:
        raise keys["format"].wrong("only a date has a 'format'")
    return ""


def _decimals(keys: dict[str, Entry], kind: Kind) -> int:
    if "decimals" not in keys:
        return 2 if kind is Kind.AMOUNT else 0
    if kind is not Kind.AMOUNT:
        raise keys["decimals"].wrong("only an amount has 'decimals'")
    decimals = keys["decimals"].integer()
    if not 1 <= decimals <= 6:
        raise keys["decimals"].wrong("an amount has 1 to 6 decimals")
    return decimals


def _implied(kind: Kind, date: str, cells: int) -> tuple[int, int]:
    """Return the fewest and the most digits a field has where its length is not written."""
    if kind is Kind.DATE:
        return len(date), len(date)
    return (cells if kind is Kind.DIGITS and cells else 1), cells or LONGEST


def _length(keys: dict[str, Entry], entry: Entry, said: dict[str, Any], cells: int) -> tuple[int, int]:
    least, most = _implied(said["kind"], said["format"], cells)
    if "length" not in keys:
        if cells and least > cells:
            raise entry.wrong(f"{said['format']} needs {least} cells, not {cells}")
        if said["kind"] is Kind.DIGITS and not cells:
            raise entry.wrong("digits need a 'length' or 'cells'")
        return least, most
    written = keys["length"]
    if said["kind"] is Kind.DATE:
        raise written.wrong("the length of a date follows from its 'format'")
    if written.is_list:
        values = written.numbers(2)
        least, most = (int(n) for n in values)
    else:
        least = most = written.integer()
    if not 1 <= least <= most <= LONGEST:
        raise written.wrong(f"the length must be from 1 to {LONGEST}, the smaller first")
    if cells and most > cells:
        raise written.wrong(f"{most} digits do not fit into {cells} cells")
    return least, most


def _tell_apart(entry: Entry, fields: Sequence[Field]) -> None:
    """Refuse names that would double a column, and two fields on the same place."""
    if not fields:
        raise entry.wrong("there are no fields")
    entries = entry.mapping()
    check_names(entries)
    for i, field in enumerate(fields):
        for other in fields[:i]:
            if _covered(field.box, other.box) > 0.5:
                raise (
                    entries[field.name]
                    .about(f"field {field.name!r}")
                    .wrong(f"it lies on field {other.name!r}")
                )


def _covered(one: Box, other: Box) -> float:
    """Return the share of the smaller box that lies on the other, in [0, 1]."""
    width = min(one.right, other.right) - max(one.x, other.x)
    height = min(one.bottom, other.bottom) - max(one.y, other.y)
    smaller = min(one.width * one.height, other.width * other.height)
    return width * height / smaller if width > 0 and height > 0 else 0.0


def _markers(entry: Entry, sheet: _Sheet) -> Iterator[Marker]:
    for name, value in entry.mapping().items():
        about = value.about(f"marker {name!r}")
        if not (name.isascii() and name.isdigit() and int(name) < 1000):
            raise about.wrong("markers are called by their numbers, 0 to 999")
        yield Marker(int(name), sheet.box(about))


def _beside(entry: Entry) -> Path:
    """Return a file beside the document."""
    name = entry.text()
    if Path(name).name != name or name in (".", ".."):
        raise entry.wrong(f"{name!r} must be the name of a file beside the template")
    return entry.path.with_name(name)


def _written(field: Field, scale: int) -> str:
    """Return the lines of a field."""
    said: dict[str, Any] = {}
    is_divided = bool(field.cells) and field.cells == divided(field.box, len(field.cells))
    if not field.cells or is_divided:
        said["box"] = _edges(field.box, scale)
    if field.cells:
        said["cells"] = len(field.cells) if is_divided else [_edges(cell, scale) for cell in field.cells]
    if field.kind is not Kind.NUMBER:
        said["kind"] = field.kind.value
    if field.format:
        said["format"] = field.format
    if field.kind is Kind.AMOUNT and field.decimals != 2:
        said["decimals"] = field.decimals
    if field.length != _implied(field.kind, field.format, len(field.cells)) or (
        field.kind is Kind.DIGITS and not field.cells
    ):
        least, most = field.length
        said["length"] = most if least == most else [least, most]
    if field.blank:
        said["blank"] = True
    if field.range:
        said["range"] = [_plain(n) for n in field.range]
    if field.pattern:
        said["pattern"] = field.pattern
    if field.checksum:
        said["checksum"] = field.checksum
    return f"  {field.name}: {_yaml(said, flow=True)}"


def _yaml(values: dict[str, Any], *, flow: bool | None = None) -> str:
    """Return values as YAML; without `flow` only the innermost lists stand on one line."""
    return str(
        yaml.safe_dump(values, default_flow_style=flow, sort_keys=False, allow_unicode=True, width=10_000)
    )


def _flow(box: Box, scale: int) -> str:
    return str(_edges(box, scale))


def _edges(box: Box, scale: int) -> list[float]:
    return [_plain(n / scale) for n in (box.x, box.y, box.width, box.height)]


def _plain(number: float) -> float:
    """Return a whole number as an int, which is written without a point."""
    return int(number) if number == int(number) else number
