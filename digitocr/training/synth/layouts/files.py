"""Layout files: YAML in the layout language, read with the places of their faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

import yaml

from digitocr.forms.yaml_node import YamlNode, read
from digitocr.training.synth.layouts.language import (
    BLOCKS,
    WORDS,
    Block,
    Choice,
    Column,
    Layout,
    Over,
    Paper,
    Range,
    Side,
)

FOLDER: Final = Path(__file__).parent

_Record = TypeVar("_Record")


@cache
def layouts(*, held_out: bool = False) -> tuple[Layout, ...]:
    """Return the layouts to train on, or those kept out of all training.

    Parameters
    ----------
    held_out : bool

    Returns
    -------
    tuple of Layout
        By name.

    Raises
    ------
    TemplateError
        If a file has a fault; the message names file and line.
    """
    every = (read_layout(path) for path in sorted(FOLDER.glob("*.yaml")))
    return tuple(one for one in every if one.held_out == held_out)


def read_layout(path: Path) -> Layout:
    """Read a layout file.

    Parameters
    ----------
    path : Path
        Its name without the ending is the layout's, unless the file gives another.

    Returns
    -------
    Layout

    Raises
    ------
    TemplateError
        If the file has a fault; the message names file and line.
    """
    return _record(read(path), Layout, name=path.stem)


def _record(node: YamlNode, kind: type[_Record], **given: object) -> _Record:
    """Read the fields of a record; those without a default are required."""
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    needed = [n for n, f in known.items() if f.default is MISSING and n not in given]
    found = node.keys(known, needed)
    return kind(**given | {name: _value(value, str(known[name].type)) for name, value in found.items()})


def _value(node: YamlNode, kind: str) -> object:
    """Read a value of the type that the language gives its field."""
    if kind in WORDS:
        return _choice(node, WORDS[kind])
    many = kind.removeprefix("tuple[").removesuffix(", ...]")
    if many != kind:
        return tuple(_value(item, many) for item in node.items())
    return _READERS[kind](node)


def _range(node: YamlNode) -> Range:
    low, high = node.numbers(2) if node.is_list else [node.number()] * 2
    if not 0 <= low <= high:
        raise node.error(f"{low:g} to {high:g} is no range of numbers from 0 upwards")
    return Range(low, high)


def _share(node: YamlNode) -> float:
    share = node.number()
    if not 0 <= share <= 1:
        raise node.error(f"{share:g} is not between 0 and 1")
    return share


def _choice(node: YamlNode, known: tuple[str, ...]) -> Choice:
    if not isinstance(node.raw, yaml.MappingNode):
        return Choice((node.one_of(known),))
    weights = {name: value.number() for name, value in node.keys(known).items()}
    if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
        raise node.error("weights from 0 upwards are needed here, one of them above 0")
    return Choice(tuple(weights), tuple(weights.values()))


def _block(node: YamlNode) -> Block:
    found = node.keys(BLOCKS)
    if len(found) != 1:
        raise node.error("one block is needed here, as `kind: {…}`")
    ((kind, value),) = found.items()
    block = _record(value.about(kind), BLOCKS[kind])
    if isinstance(block, Side) and block.widths and len(block.widths) != len(block.of):
        raise value.error(f"{len(block.widths)} widths for {len(block.of)} blocks")
    return block


_READERS: Final[dict[str, Callable[[YamlNode], object]]] = {
    "str": YamlNode.text,
    "bool": YamlNode.boolean,
    "float": _share,
    "Range": _range,
    "Column": lambda node: _record(node, Column),
    "Block": _block,
    "Paper": lambda node: _record(node, Paper),
    "Over": lambda node: _record(node, Over),
}
"""By the type that the language gives a field."""
