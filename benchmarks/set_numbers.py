"""Counts the set numbers of the reading path before recognition: ``python -m benchmarks.set_numbers [TREE]``.

A set number is one that a person wrote and no training did: every number in the code, elements of arrays included,
and every number in the data files of its folders. It does not count 0, 1 and 2 (nor their negatives), and whole
numbers that stand alone in an index or slice: these say which column, not how much. *Named* are numbers in constants,
in fields of classes and in defaults of parameters; *unnamed* are all others.

TREE is a checkout of the project, this one by default; both layouts are known, the present rooms and the flat one of
before (commit 6a0e350). ``--list`` prints every number with its place.
"""

from __future__ import annotations

import argparse
import ast
import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.sets import ROOT
from benchmarks.tables import markdown

FREE = frozenset({0, 1, 2})

ROOM = "imaging"
"""All modules of this room stand before recognition."""

FLAT = ("clean", "components", "outline", "quantiles", "rulings", "segment")
"""The modules of that room in the old layout."""

FORMS = "forms"

BESIDE_READING = frozenset(
    {
        *(
            "__init__",
            "template",
            "template_file",
            "yaml_node",
            "field_keys",
            "layout",
            "document",
            "printing",
        ),
        *(
            "sketch",
            "detect",
            "release",
            "releasing",
            "rules",
            "checks",
            "checksums",
            "suggestions",
            "mending",
        ),
        *("accuracy", "actions", "commands", "tables"),
    }
)
"""Modules of the forms' room that make forms or judge what was read; all others place a page and cut out its fields."""

DATA = {".json", ".yaml", ".yml", ".csv"}


@dataclass(frozen=True, slots=True)
class SetNumber:
    """A number in a file.

    Attributes
    ----------
    value : int or float
    line : int
        0 in data files.
    name : str
        Of what it belongs to; '' where it is unnamed.
    """

    value: float
    line: int
    name: str


def numbers_in(source: str) -> list[SetNumber]:
    r"""Find the set numbers of a module.

    Parameters
    ----------
    source : str
        Python.

    Returns
    -------
    list of SetNumber
        By line.

    Examples
    --------
    >>> [(one.value, one.name) for one in numbers_in("LEAST = 7\ndef wide(box): return box[3] > 1.5")]
    [(7, 'LEAST'), (1.5, '')]
    """
    return sorted(_found(ast.parse(source), "", is_top=True), key=lambda one: one.line)


def _found(node: ast.AST, name: str, *, is_top: bool = False) -> Iterator[SetNumber]:
    """Yield the numbers below a node; `name` is the constant, field or parameter they belong to."""
    if isinstance(node, ast.Constant):
        if (
            isinstance(node.value, int | float)
            and not isinstance(node.value, bool)
            and node.value not in FREE
        ):
            yield SetNumber(node.value, node.lineno, name)
        return
    if isinstance(node, ast.Subscript):
        yield from _found(node.value, name)
        yield from (one for part in _parts_of_index(node.slice) for one in _found(part, name))
        return
    if isinstance(node, ast.arguments):
        yield from _defaults(node)
        return
    if is_top and isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        name = ", ".join(ast.unparse(target) for target in targets)
    for child in ast.iter_child_nodes(node):
        yield from _found(child, name, is_top=isinstance(node, ast.Module | ast.ClassDef))


def _parts_of_index(index: ast.expr) -> Iterator[ast.expr]:
    """Yield what of an index or slice may hold set numbers: everything but whole numbers that stand alone."""
    if isinstance(index, ast.Tuple | ast.Slice):
        for part in ast.iter_child_nodes(index):
            if isinstance(part, ast.expr):
                yield from _parts_of_index(part)
    elif not _is_whole(index):
        yield index


def _is_whole(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_whole(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _defaults(arguments: ast.arguments) -> Iterator[SetNumber]:
    positional = [*arguments.posonlyargs, *arguments.args]
    named = positional[len(positional) - len(arguments.defaults) :]
    pairs = [
        *zip(named, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        if default is not None:
            yield from _found(default, argument.arg)


def numbers_in_data(name: str, text: str) -> list[SetNumber]:
    """Find the numbers of a data file.

    Parameters
    ----------
    name : str
        Of the file, with one of the suffixes of `DATA`.
    text : str

    Returns
    -------
    list of SetNumber
    """
    if name.endswith(".csv"):
        cells = (cell for row in csv.reader(io.StringIO(text)) for cell in row)
        return [
            SetNumber(float(cell), 0, name) for cell in cells if _is_number(cell) and float(cell) not in FREE
        ]
    loaded = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
    return [SetNumber(value, 0, name) for value in _scalars(loaded) if abs(value) not in FREE]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _scalars(loaded: object) -> Iterator[float]:
    if isinstance(loaded, dict):
        loaded = list(loaded.values())
    if isinstance(loaded, list):
        yield from (value for inner in loaded for value in _scalars(inner))
    elif isinstance(loaded, int | float) and not isinstance(loaded, bool):
        yield loaded


def files_of(tree: Path) -> list[Path]:
    """List the files of the reading path before recognition.

    Parameters
    ----------
    tree : Path
        A checkout, of either layout.

    Returns
    -------
    list of Path
        Modules and data files.

    Raises
    ------
    FileNotFoundError
        There are none.
    """
    package = tree / "digitocr"
    flat = [package / f"{name}.py" for name in FLAT]
    room = sorted((package / ROOM).rglob("*"))
    forms = [path for path in sorted((package / FORMS).rglob("*")) if path.stem not in BESIDE_READING]
    found = [p for p in (*flat, *room, *forms) if p.is_file() and p.suffix in {".py", *DATA}]
    if not found:
        raise FileNotFoundError(f"{tree} is no checkout of the project: it has no {package.name}/{ROOM}")
    return found


def count(tree: Path) -> dict[str, list[SetNumber]]:
    """Find the set numbers of a checkout.

    Parameters
    ----------
    tree : Path

    Returns
    -------
    dict of str to list of SetNumber
        By file.
    """
    found = {}
    for path in files_of(tree):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(tree / "digitocr").as_posix()
        found[name] = numbers_in(text) if path.suffix == ".py" else numbers_in_data(path.name, text)
    return found


def table(found: dict[str, list[SetNumber]]) -> str:
    """Lay out the counts by file, with their sum.

    Parameters
    ----------
    found : dict of str to list of SetNumber

    Returns
    -------
    str
        Markdown.
    """
    every = {**found, "all": [one for numbers in found.values() for one in numbers]}
    lines = [["file", "named", "unnamed", "all"]]
    for name, numbers in every.items():
        named = sum(bool(one.name) for one in numbers)
        lines.append([name, str(named), str(len(numbers) - named), str(len(numbers))])
    return markdown(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.set_numbers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("tree", type=Path, nargs="?", default=ROOT, help="a checkout of the project")
    parser.add_argument("--list", action="store_true", help="print every number with its place")
    arguments = parser.parse_args(argv)
    try:
        found = count(arguments.tree)
    except FileNotFoundError as error:
        parser.error(str(error))
    if arguments.list:
        for name, numbers in found.items():
            print("\n".join(f"{name}:{one.line}: {one.value:g} {one.name or '(unnamed)'}" for one in numbers))
    print(table(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
