"""Template files: YAML that is read and checked with its lines, and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from digitocr import atomic
from digitocr.errors import TemplateError
from digitocr.forms import yaml_node
from digitocr.forms.field_keys import (
    cell_count,
    check_names,
    contents_of,
    identifier,
    implied_length,
    rules_of,
)
from digitocr.forms.template import PX_PER_MM, Field, Kind, Marker, Template, Unit, divided
from digitocr.forms.yaml_node import YamlNode
from digitocr.records import Box, around

FIELD_KEYS = (
    *("box", "label", "kind", "cells", "blank", "length", "range", "pattern", "checksum", "format"),
    "decimals",
)
"""Keys of a field of a template."""

MAX_SIDE_PX = 20_000
"""Of a reference."""

MAX_OVERLAP_SHARE = 0.5
"""Two fields share at most this much of the smaller one."""

MARKER_IDS = range(1000)
"""Of the ArUco dictionary."""

_KEYS = ("template", "version", "unit", "size", "reference", "features", "markers", "fields", "rules")


def load(path: Path) -> Template:
    """Load a template.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Template

    Raises
    ------
    TemplateError
        The file cannot be read or used; names the line and what is wrong there.
    """
    return of_node(yaml_node.read(path))


def of_node(root: YamlNode) -> Template:
    """Return the template that a file holds.

    Parameters
    ----------
    root : YamlNode
        The whole file.

    Returns
    -------
    Template

    Raises
    ------
    TemplateError
        It cannot be used; names the line and what is wrong there.
    """
    keys = root.keys(_KEYS, ("template", "size", "fields"))
    unit = Unit(keys["unit"].one_of(tuple(Unit))) if "unit" in keys else Unit.PIXELS
    scale = _px_per_unit(unit)
    width, height = (round(n * scale) for n in keys["size"].numbers(2))
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX):
        raise keys["size"].error(f"the page must have a width and a height, of up to {MAX_SIDE_PX} pixels")
    page = _Page(width, height, scale)
    nodes = {name: node.about(f"field {name!r}") for name, node in keys["fields"].mapping().items()}
    fields = tuple(_field(name, node, page) for name, node in nodes.items())
    if not fields:
        raise keys["fields"].error("there are no fields")
    check_names(nodes)
    _check_places(nodes, fields)
    return Template(
        name=identifier(keys["template"]),
        size=(width, height),
        fields=fields,
        rules=rules_of(keys["rules"], [field.name for field in fields]) if "rules" in keys else (),
        version=keys["version"].text() if "version" in keys else "1",
        unit=unit,
        reference=_beside(keys["reference"]) if "reference" in keys else None,
        features=_beside(keys["features"]) if "features" in keys else None,
        markers=tuple(_markers(keys["markers"], page)) if "markers" in keys else (),
    )


def load_folder(folder: Path) -> tuple[Template, ...]:
    """Load all templates of a folder, in order of their file names.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    tuple of Template

    Raises
    ------
    TemplateError
        There are none, one cannot be used, or two have the same name or marker.
    """
    if not folder.is_dir():
        raise TemplateError(f"{folder} is not a folder of templates")
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise TemplateError(f"there is no template in {folder}", hint="a template is a file NAME.yaml")
    found: dict[str, Path] = {}
    marked: dict[int, Path] = {}
    templates = []
    for path in paths:
        template = load(path)
        if template.name in found:
            raise TemplateError(
                f"{path} and {found[template.name]} are both called {template.name!r}",
                hint="change `template:` in one of them, or move one to another folder",
            )
        found[template.name] = path
        for marker in template.markers:
            if marker.id in marked:
                raise TemplateError(
                    f"{path} and {marked[marker.id]} both have the marker {marker.id}",
                    hint="print one of the forms with another `code:`, or move its template to another folder",
                )
            marked[marker.id] = path
        templates.append(template)
    return tuple(templates)


def dump(template: Template, path: Path) -> None:
    """Write a template so that loading it gives the same again; its other files must lie beside it.

    Parameters
    ----------
    template : Template
    path : Path
    """
    atomic.write(path, dumps(template).encode())


def dumps(template: Template) -> str:
    """Return a template as the text of its file.

    Parameters
    ----------
    template : Template

    Returns
    -------
    str
    """
    scale = _px_per_unit(template.unit)
    head: dict[str, Any] = {"template": template.name, "version": template.version}
    head |= {"unit": template.unit.value, "size": [_plain(n / scale) for n in template.size]}
    if template.reference:
        head["reference"] = template.reference.name
    if template.features:
        head["features"] = template.features.name
    parts = [_yaml(head)]
    if template.markers:
        parts.append("markers:\n" + "".join(f"  {m.id}: {_edges(m.box, scale)}\n" for m in template.markers))
    parts.append("fields:\n" + "".join(_written(field, scale) for field in template.fields))
    if template.rules:
        written = {rule.name: rule.text for rule in template.rules}
        parts.append("rules:\n" + "".join(f"  {line}\n" for line in _yaml(written, flow=False).splitlines()))
    return "\n".join(parts)


def _px_per_unit(unit: Unit) -> int:
    return PX_PER_MM if unit is Unit.MILLIMETRES else 1


# --- reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Page:
    """The page of a file: its size in reference pixels, and reference pixels per unit of the file."""

    width: int
    height: int
    scale: int

    def box(self, node: YamlNode) -> Box:
        """Return a box in reference pixels."""
        left, top, wide, high = (n * self.scale for n in node.numbers(4))
        box = Box(round(left), round(top), round(left + wide) - round(left), round(top + high) - round(top))
        if box.width < 1 or box.height < 1:
            raise node.error("a box must have a width and a height: it is [x, y, width, height]")
        if box.x < 0 or box.y < 0 or box.right > self.width or box.bottom > self.height:
            raise node.error("the box lies beyond the page: it is [x, y, width, height]")
        return box


def _field(name: str, node: YamlNode, page: _Page) -> Field:
    keys = node.keys(FIELD_KEYS)
    has_boxes = "cells" in keys and keys["cells"].is_list
    if "box" not in keys and not has_boxes:
        raise node.error("'box' is missing")
    cells: tuple[Box, ...] = ()
    if has_boxes:
        if "box" in keys:
            raise keys["box"].error("cells with boxes of their own need no 'box'")
        cells = tuple(page.box(cell) for cell in keys["cells"].items())
        if not cells:
            raise keys["cells"].error("there are no cells")
        box = around(cells)
    else:
        box = page.box(keys["box"])
        if "cells" in keys:
            cells = divided(box, cell_count(keys["cells"]))
    return Field(name, box, cells=cells, **contents_of(keys, node, len(cells)))


def _check_places(nodes: Mapping[str, YamlNode], fields: Sequence[Field]) -> None:
    """Refuse two fields in the same place."""
    corners = np.array([(f.box.x, f.box.y, f.box.right, f.box.bottom) for f in fields]).reshape(-1, 4)
    areas = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    for i, other in enumerate(fields):
        low, high = (
            np.maximum(corners[i, :2], corners[i + 1 :, :2]),
            np.minimum(corners[i, 2:], corners[i + 1 :, 2:]),
        )
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        on_it = np.flatnonzero(shared > MAX_OVERLAP_SHARE * np.minimum(areas[i], areas[i + 1 :]))
        if on_it.size:
            field = fields[i + 1 + int(on_it[0])]
            raise nodes[field.name].error(f"it lies on field {other.name!r}")


def _markers(node: YamlNode, page: _Page) -> Iterator[Marker]:
    for name, value in node.mapping().items():
        marker = value.about(f"marker {name!r}")
        if not (name.isascii() and name.isdigit() and int(name) in MARKER_IDS):
            raise marker.error(f"the name of a marker is its number, 0 to {MARKER_IDS[-1]}")
        yield Marker(int(name), page.box(marker))


def _beside(node: YamlNode) -> Path:
    """Return a file beside the template."""
    name = node.text()
    if Path(name).name != name or name in (".", ".."):
        raise node.error(f"{name!r} must be the name of a file beside the template")
    return node.path.with_name(name)


# --- writing ----------------------------------------------------------------------------------------------------


def _written(field: Field, scale: int) -> str:
    """Return the line of a field."""
    return f"  {field.name}: {_yaml(keys_of(field, scale), flow=True)}"


def keys_of(field: Field, scale: int = 1) -> dict[str, Any]:
    """Return the keys of a field as its template says them.

    Parameters
    ----------
    field : Field
    scale : int
        Reference pixels per unit of the file.

    Returns
    -------
    dict of str to object
        Without the keys whose default is meant.
    """
    keys: dict[str, Any] = {}
    is_divided = bool(field.cells) and field.cells == divided(field.box, len(field.cells))
    if not field.cells or is_divided:
        keys["box"] = _edges(field.box, scale)
    if field.cells:
        keys["cells"] = len(field.cells) if is_divided else [_edges(cell, scale) for cell in field.cells]
    if field.label:
        keys["label"] = field.label
    if field.kind is not Kind.NUMBER:
        keys["kind"] = field.kind.value
    if field.format:
        keys["format"] = field.format
    if field.kind is Kind.AMOUNT and field.decimals != 2:
        keys["decimals"] = field.decimals
    if field.length != implied_length(field.kind, field.format, len(field.cells)) or (
        field.kind is Kind.DIGITS and not field.cells
    ):
        least, most = field.length
        keys["length"] = most if least == most else [least, most]
    if field.blank:
        keys["blank"] = True
    if field.range:
        keys["range"] = [_plain(n) for n in field.range]
    if field.pattern:
        keys["pattern"] = field.pattern
    if field.checksum:
        keys["checksum"] = field.checksum
    return keys


def _yaml(values: dict[str, Any], *, flow: bool | None = None) -> str:
    """Return values as YAML; without `flow` only the innermost lists stand on one line."""
    return str(
        yaml.safe_dump(values, default_flow_style=flow, sort_keys=False, allow_unicode=True, width=10_000)
    )


def _edges(box: Box, scale: int) -> list[float]:
    return [_plain(n / scale) for n in (box.x, box.y, box.width, box.height)]


def _plain(number: float) -> float:
    """Return a whole number as an int, which is written without a point."""
    return int(number) if number == int(number) else number
