"""Set numbers by name, and how one of them is moved: fields of nested dataclasses, and constants of modules.

A name is dotted: ``rows.gaps.0`` is the first element of the tuple ``gaps`` of the field ``rows``,
``digitocr.forms.fields.CRUMB`` a constant. Numbers are int and float; everything else is left out.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields, is_dataclass, replace
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar
from unittest.mock import patch

Number = int | float

ROOT = "digitocr."
"""Names of constants begin with this, names of parameters never do."""

SHARES = frozenset({"share", "probability"})
"""Units whose numbers stay within [0, 1]."""

_NO_METADATA: Mapping[str, Any] = MappingProxyType({})

T = TypeVar("T")


def moved_value(value: Number, factor: float, unit: str = "") -> Number:
    """Multiply a number; an int moves by at least 1.

    Parameters
    ----------
    value : int or float
    factor : float
    unit : str, optional
        A share or probability stays within [0, 1]. Without a unit, so does a number in [0, 1).

    Returns
    -------
    int or float
        Of the type of `value`. Numbers that are not negative do not become so.

    Examples
    --------
    >>> moved_value(128, 1.2), moved_value(2, 1.2), moved_value(2, 0.8), moved_value(0, 0.8)
    (154, 3, 1, 0)
    >>> moved_value(0.9, 1.2), moved_value(0.5, 3.0, "px"), moved_value(-2.0, 0.5)
    (1.0, 1.5, -1.0)
    """
    if isinstance(value, int):
        step = max(1, round(abs(value) * abs(factor - 1)))
        further = value + step * (1 if (factor > 1) == (value >= 0) else -1)
        return max(0, further) if value >= 0 else further
    is_share = unit in SHARES or (not unit and 0 <= value < 1)
    return min(1.0, value * factor) if is_share else value * factor


def list_parameters(obj: object) -> list[tuple[str, Number]]:
    """List the numbers in nested dataclasses and tuples, in order.

    Parameters
    ----------
    obj : dataclass, tuple or number

    Returns
    -------
    list of (str, int or float)
        Dotted names and values.
    """
    return list(_listed(obj, ""))


def _listed(obj: object, name: str) -> Iterator[tuple[str, Number]]:
    if isinstance(obj, Number) and not isinstance(obj, bool):
        yield name, obj
    for key, inner, _ in _parts(obj):
        yield from _listed(inner, f"{name}.{key}" if name else key)


def _parts(obj: object) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Yield name, value and metadata of what an object is made of."""
    if isinstance(obj, tuple):
        yield from ((str(i), inner, _NO_METADATA) for i, inner in enumerate(obj))
    elif is_dataclass(obj) and not isinstance(obj, type):
        yield from (
            (field.name, getattr(obj, field.name), field.metadata) for field in fields(obj) if field.init
        )


def moved(obj: T, name: str, factor: float, unit: str = "") -> T:
    """Return a copy with one number moved; see :func:`moved_value`.

    Parameters
    ----------
    obj : dataclass, tuple or number
    name : str
        As listed; '' for the object itself.
    factor : float
    unit : str, optional
        Of the numbers in `obj`, where their fields have no ``unit`` in their metadata.

    Returns
    -------
    dataclass, tuple or number
        Of the type of `obj`.

    Raises
    ------
    KeyError
        There is no such number.
    """
    if not name:
        if not isinstance(obj, Number) or isinstance(obj, bool):
            raise KeyError(f"{obj!r} is no number")
        return moved_value(obj, factor, unit)  # type: ignore[return-value]
    head, _, rest = name.partition(".")
    found = {key: (inner, metadata) for key, inner, metadata in _parts(obj)}
    if head not in found:
        raise KeyError(f"no parameter {head} among {', '.join(found)}")
    inner, metadata = found[head]
    further = moved(inner, rest, factor, metadata.get("unit", unit))
    if isinstance(obj, tuple):
        return (*obj[: int(head)], further, *obj[int(head) + 1 :])  # type: ignore[return-value]
    return replace(obj, **{head: further})  # type: ignore[type-var]


# --- constants of modules ---


def list_constants(packages: Iterable[str]) -> list[tuple[str, Number]]:
    """List the numbers that modules define as constants, tuples by element; those in dataclasses are left out.

    Parameters
    ----------
    packages : iterable of str
        Modules, or packages with all modules in them.

    Returns
    -------
    list of (str, int or float)
        Dotted names and values.
    """
    return [
        (f"{module.__name__}.{name}", value)
        for module in _modules(packages)
        for constant in _defined(module)
        if not is_dataclass(getattr(module, constant))
        for name, value in _listed(getattr(module, constant), constant)
    ]


def _modules(packages: Iterable[str]) -> Iterator[ModuleType]:
    for name in packages:
        module = importlib.import_module(name)
        yield module
        for inner in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
            yield importlib.import_module(inner.name)


@cache
def _defined(module: ModuleType) -> tuple[str, ...]:
    """Return the names in capitals that a module assigns at its top level."""
    found: list[str] = []
    for statement in ast.parse(inspect.getsource(module)).body:
        targets = (
            statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        )
        nodes = (node for target in targets if target is not None for node in ast.walk(target))
        found += [node.id for node in nodes if isinstance(node, ast.Name) and node.id.isupper()]
    return tuple(name for name in found if hasattr(module, name))


@contextmanager
def constant_moved(name: str, factor: float) -> Iterator[Number]:
    """Move a constant, also in the modules that import it by name; what was computed from it at import stays.

    Parameters
    ----------
    name : str
        As listed by :func:`list_constants`.
    factor : float

    Yields
    ------
    int or float
        The moved number.

    Raises
    ------
    KeyError
        There is no such constant.
    """
    module, constant, rest = resolve(name)
    unit = "share" if constant.endswith("_SHARE") else ""
    value = moved(getattr(module, constant), rest, factor, unit)
    with ExitStack() as stack:
        stack.enter_context(patch.object(module, constant, value))
        for other, alias in _importers(module.__name__, constant):
            stack.enter_context(patch.object(other, alias, value))
        yield dict(_listed(value, constant))[f"{constant}.{rest}" if rest else constant]


def resolve(name: str) -> tuple[ModuleType, str, str]:
    """Part a dotted name into a module, a name that it holds, and what follows.

    Parameters
    ----------
    name : str

    Returns
    -------
    module : module
    held, rest : str

    Raises
    ------
    KeyError
        There is no such module, or it does not hold that name.
    """
    parts = name.split(".")
    for i in range(len(parts) - 1, 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:i]))
        except ModuleNotFoundError:
            continue
        if hasattr(module, parts[i]):
            return module, parts[i], ".".join(parts[i + 1 :])
        break
    raise KeyError(f"there is no {name}")


def _importers(source: str, constant: str) -> Iterator[tuple[ModuleType, str]]:
    """Yield the loaded modules of the program that import a constant by name, and their name for it."""
    for module in [m for name, m in sys.modules.items() if name.startswith(ROOT) and hasattr(m, "__file__")]:
        yield from (
            (module, alias) for one, name, alias in _imported(module) if (one, name) == (source, constant)
        )


@cache
def _imported(module: ModuleType) -> tuple[tuple[str, str, str], ...]:
    """Return what a module imports by name: from where, as what it is known there, and here."""
    nodes = [n for n in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(n, ast.ImportFrom)]
    return tuple((node.module or "", a.name, a.asname or a.name) for node in nodes for a in node.names)
