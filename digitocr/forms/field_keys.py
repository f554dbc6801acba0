"""What templates and specifications say of a field: its name, its contents and the rules between fields, checked."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import regex

from digitocr.forms.checksums import CHECKSUMS
from digitocr.forms.rules import Rule, RuleError, parse
from digitocr.forms.template import DATE_FORMATS, FIELD_SUFFIXES, MAX_DIGITS, TABLE_COLUMNS, Kind
from digitocr.forms.yaml_node import YamlNode

MAX_DECIMALS = 6
"""Of an amount."""

_MOST_REPEATS = 1_000_000
"""Compiling a pattern takes time and memory for each repeat, half a second and 300 MB for so many."""

_PARTS = re.compile(r"\\.|\[(?:\\.|[^\]])+\]|\{(\d*),?(\d*)\}|.", re.DOTALL)
"""Parts of a regular expression: an escape, a class, a count, or any other character."""

_NAMING = "use letters, digits and _, and do not begin with a digit"


def identifier(node: YamlNode) -> str:
    """Return a name that rules and tables can use: letters, digits and ``_``.

    Parameters
    ----------
    node : YamlNode

    Returns
    -------
    str

    Raises
    ------
    TemplateError
        It is not a valid name.
    """
    name = node.text()
    if not is_name(name):
        raise node.error(f"{name!r} is not a valid name: {_NAMING}")
    return name


def is_name(text: str) -> bool:
    """Tell whether rules and tables can use a name: letters, digits and ``_``, and no word of Python.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_name("r3_c2"), is_name("../x"), is_name("3c"), is_name("if")
    (True, False, False, False)
    """
    is_plain = unicodedata.normalize("NFKC", text) == text  # as Python normalizes names in expressions
    return text.isidentifier() and is_plain and not keyword.iskeyword(text)


def check_names(fields: Mapping[str, YamlNode]) -> None:
    """Refuse names of fields that rules cannot use, or that would give the form's table two equal columns.

    Parameters
    ----------
    fields : mapping of str to YamlNode

    Raises
    ------
    TemplateError
        There is one.
    """
    taken = set(TABLE_COLUMNS)
    for name, node in fields.items():
        field = node.about(f"field {name!r}")
        if not is_name(name):
            raise field.error(f"this is not a valid name: {_NAMING}")
        columns = {name, *(name + suffix for suffix in FIELD_SUFFIXES)}
        if columns & taken:
            raise field.error(f"the table would have two columns {min(columns & taken)!r}")
        taken |= columns


def rules_of(node: YamlNode, fields: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules of a file.

    Parameters
    ----------
    node : YamlNode
        Names with expressions.
    fields : sequence of str
        Names the expressions may use.

    Returns
    -------
    tuple of Rule

    Raises
    ------
    TemplateError
        An expression is not a rule over these fields.
    """
    found = []
    for name, value in node.mapping().items():
        rule = value.about(f"rule {name!r}")
        try:
            found.append(parse(name, rule.text(), fields))
        except RuleError as error:
            raise rule.error(str(error), hint=f"fields: {', '.join(fields)}") from None
    return tuple(found)


def cell_count(node: YamlNode) -> int:
    """Return a number of cells.

    Parameters
    ----------
    node : YamlNode

    Returns
    -------
    int
        From 1 to `MAX_DIGITS`.

    Raises
    ------
    TemplateError
        It is out of range.
    """
    count = node.integer()
    if not 1 <= count <= MAX_DIGITS:
        raise node.error(f"a field has 1 to {MAX_DIGITS} cells")
    return count


def contents_of(keys: Mapping[str, YamlNode], node: YamlNode, cells: int) -> dict[str, Any]:
    """Return what may be written into a field.

    Parameters
    ----------
    keys : mapping of str to YamlNode
        As the file gives them.
    node : YamlNode
        The field.
    cells : int
        Number of its cells, 0 for none.

    Returns
    -------
    dict of str to object
        Keyword arguments of `Field`.

    Raises
    ------
    TemplateError
        A key has a wrong value, or does not go with the others.
    """
    kind = Kind(keys["kind"].one_of(tuple(Kind))) if "kind" in keys else Kind.NUMBER
    date_format = _date_format(keys, node, kind)
    contents: dict[str, Any] = {
        "kind": kind,
        "format": date_format,
        "decimals": _decimals(keys, kind),
        "length": _length(keys, node, kind, date_format, cells),
    }
    if "label" in keys:
        contents["label"] = keys["label"].text()
    if "blank" in keys:
        contents["blank"] = keys["blank"].boolean()
    if "range" in keys:
        least, greatest = keys["range"].numbers(2)
        if least > greatest:
            raise keys["range"].error(f"the range is empty: {least:g} is more than {greatest:g}")
        contents["range"] = (least, greatest)
    if "pattern" in keys:
        contents["pattern"] = _pattern(keys["pattern"])
    if "checksum" in keys:
        contents["checksum"] = keys["checksum"].one_of(tuple(CHECKSUMS))
    return contents


def implied_length(kind: Kind, date_format: str, cells: int) -> tuple[int, int]:
    """Return how many digits a field has where the file gives no length.

    Parameters
    ----------
    kind : Kind
    date_format : str
    cells : int
        Number of cells, 0 for none.

    Returns
    -------
    least, most : int
    """
    if kind is Kind.DATE:
        return len(date_format), len(date_format)
    return (cells if kind is Kind.DIGITS and cells else 1), cells or MAX_DIGITS


def _date_format(keys: Mapping[str, YamlNode], node: YamlNode, kind: Kind) -> str:
    if kind is Kind.DATE:
        if "format" not in keys:
            raise node.error("a date needs a 'format'", hint=f"one of {', '.join(DATE_FORMATS)}")
        return keys["format"].one_of(DATE_FORMATS)
    if "format" in keys:
        raise keys["format"].error("only a date has a 'format'")
    return ""


def _decimals(keys: Mapping[str, YamlNode], kind: Kind) -> int:
    if "decimals" not in keys:
        return 2 if kind is Kind.AMOUNT else 0
    if kind is not Kind.AMOUNT:
        raise keys["decimals"].error("only an amount has 'decimals'")
    decimals = keys["decimals"].integer()
    if not 1 <= decimals <= MAX_DECIMALS:
        raise keys["decimals"].error(f"an amount has 1 to {MAX_DECIMALS} decimals")
    return decimals


def _length(
    keys: Mapping[str, YamlNode], node: YamlNode, kind: Kind, date_format: str, cells: int
) -> tuple[int, int]:
    least, most = implied_length(kind, date_format, cells)
    if "length" not in keys:
        if cells and least > cells:
            raise node.error(f"{date_format} needs {least} cells, not {cells}")
        if kind is Kind.DIGITS and not cells:
            raise node.error("digits need a 'length' or 'cells'")
        return least, most
    length = keys["length"]
    if kind is Kind.DATE:
        raise length.error("the length of a date follows from its 'format'")
    if length.is_list:
        least, most = (int(n) for n in length.numbers(2))
    else:
        least = most = length.integer()
    if not 1 <= least <= most <= MAX_DIGITS:
        raise length.error(f"the length must be from 1 to {MAX_DIGITS}, the smaller first")
    if cells and most > cells:
        raise length.error(f"{most} digits do not fit into {cells} cells")
    return least, most


def _pattern(node: YamlNode) -> str:
    pattern = node.text()
    if _repeats(pattern) > _MOST_REPEATS:
        raise node.error(f"{pattern!r} repeats too much: more than {_MOST_REPEATS:,} times")
    try:
        regex.compile(pattern)
    except (regex.error, RecursionError) as error:
        raise node.error(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern


def _repeats(pattern: str) -> int:
    r"""Return how many characters a pattern stands for at most, counts written out; ``*`` and ``+`` are one.

    Examples
    --------
    >>> _repeats(r"\d{20}|\d{4,8}"), _repeats("((1{9}){,9}2){9}")
    (28, 738)
    """
    sizes, last = [0], 0
    for found in _PARTS.finditer(pattern):
        part, counts = found[0], [int(count) for count in found.groups() if count]
        if part == "(":
            sizes.append(0)
        elif part == ")" and len(sizes) > 1:
            last = sizes.pop()
            sizes[-1] += last
        elif counts:
            sizes[-1] += last * (max(counts) - 1)
        elif part not in "|*+?":
            last = 1
            sizes[-1] += 1
    return sum(sizes)
