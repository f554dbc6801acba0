"""YAML files written by people: every value knows its line, and every error names it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from digitocr.errors import TemplateError

MAX_BYTES = 2_000_000
"""No person writes a larger file."""

_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class YamlNode:
    """A value in a YAML file, with its place.

    Its methods return the value as one type or raise a `TemplateError` that names the file and the line.

    Attributes
    ----------
    raw : yaml.Node
    path : Path
        Of the file.
    subject : str
        What the value belongs to, as errors name it: ``field 'total'``; '' for the file itself.
    """

    raw: yaml.Node
    path: Path
    subject: str = ""

    def error(self, why: str, *, hint: str = "") -> TemplateError:
        """Return the error to raise where this value is wrong."""
        about = f"{self.subject}: " if self.subject else ""
        line = self.raw.start_mark.line + 1
        return TemplateError(f"{self.path}:{line}: {about}{why}", hint=hint, line=line, why=why)

    def about(self, subject: str) -> YamlNode:
        """Return the same value with another subject."""
        return replace(self, subject=subject)

    def text(self) -> str:
        """Return a text as it is written, also where YAML would take it for a number or a boolean."""
        if not isinstance(self.raw, yaml.ScalarNode) or not self.raw.value:
            raise self.error("a text is needed here")
        return str(self.raw.value)

    def number(self) -> float:
        """Return a finite number."""
        value = self.raw.value if isinstance(self.raw, yaml.ScalarNode) else ""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.error(f"{value!r} is not a number" if value else "a number is needed here")
        return number

    def integer(self) -> int:
        """Return a whole number."""
        number = self.number()
        if number != int(number):
            raise self.error(f"{number:g} is not a whole number")
        return int(number)

    def boolean(self) -> bool:
        """Return true or false."""
        value = self.raw.value if isinstance(self.raw, yaml.ScalarNode) else ""
        found = _BOOLEANS.get(str(value).casefold())
        if found is None:
            raise self.error("true or false is needed here")
        return found

    def one_of(self, choices: Collection[str]) -> str:
        """Return one of these words."""
        value = self.text()
        if value not in choices:
            raise self.error(
                f"{value!r} is not one of {', '.join(choices)}", hint=_suggestion(value, choices)
            )
        return value

    @property
    def is_list(self) -> bool:
        """Whether this is a list."""
        return isinstance(self.raw, yaml.SequenceNode)

    def items(self) -> list[YamlNode]:
        """Return the values of a list."""
        if not isinstance(self.raw, yaml.SequenceNode):
            raise self.error("a list is needed here")
        return [replace(self, raw=raw) for raw in self.raw.value]

    def numbers(self, count: int) -> list[float]:
        """Return a list of `count` numbers."""
        items = self.items()
        if len(items) != count:
            raise self.error(f"{count} numbers are needed here, not {len(items)}")
        return [item.number() for item in items]

    def mapping(self) -> dict[str, YamlNode]:
        """Return names with their values; a name given twice is an error."""
        if not isinstance(self.raw, yaml.MappingNode):
            raise self.error("names with values are needed here, each as `name: value`")
        found: dict[str, YamlNode] = {}
        for key, raw in self.raw.value:
            name = replace(self, raw=key).text()
            if name in found:
                raise replace(self, raw=key).error(f"{name!r} is given twice")
            found[name] = replace(self, raw=raw)
        return found

    def keys(self, known: Collection[str], required: Collection[str] = ()) -> dict[str, YamlNode]:
        """Return the values of known keys; an unknown key is an error, and so is a missing required one."""
        found = self.mapping()
        for key, value in found.items():
            if key not in known:
                raise value.error(f"{key!r} is not a known key", hint=_suggestion(key, known))
        for key in required:
            if key not in found:
                raise self.error(f"{key!r} is missing")
        return found


def read(path: Path) -> YamlNode:
    """Read a YAML file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    YamlNode
        The whole file.

    Raises
    ------
    TemplateError
        The file cannot be read, is empty or is not YAML.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TemplateError(f"{path} is too long to be a template or specification")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TemplateError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise TemplateError(f"{path} is not text in UTF-8") from None
    return parse(text, path)


def parse(text: str, path: Path) -> YamlNode:
    """Parse the text of a YAML file.

    Parameters
    ----------
    text : str
    path : Path
        The file that errors name, and beside which others lie.

    Returns
    -------
    YamlNode
        The whole text.

    Raises
    ------
    TemplateError
        It is empty or not YAML.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError:
        raise TemplateError(f"{path} is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise TemplateError(f"{path}{line}: this is not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise TemplateError(f"{path}: this is not YAML: {error}") from None
    if root is None:
        raise TemplateError(f"{path} is empty")
    return YamlNode(root, path)


def _suggestion(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word.casefold(), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(sorted(known))}"
