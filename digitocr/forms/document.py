"""YAML files written by people: every value knows its line, and every mistake is told with it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from digitocr.errors import TemplateError

_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
_LARGEST = 2_000_000
"""A file with more bytes was not written by a person."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of a document, with the place where it stands.

    Attributes
    ----------
    node : yaml.Node
    path : Path
        Of the document.
    subject : str
        What the value belongs to, as errors name it: ``field 'total'``; '' for the document itself.
    """

    node: yaml.Node
    path: Path
    subject: str = ""

    def wrong(self, why: str, *, hint: str = "") -> TemplateError:
        """Say what is wrong with this value; to be raised."""
        about = f"{self.subject}: " if self.subject else ""
        return TemplateError(f"{self.path}:{self.node.start_mark.line + 1}: {about}{why}", hint=hint)

    def about(self, subject: str) -> Entry:
        """Return the same value under another subject."""
        return replace(self, subject=subject)

    def text(self) -> str:
        """Return a text as it is written, also where YAML would take it for a number or a truth value."""
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value:
            raise self.wrong("a text is needed here")
        return str(self.node.value)

    def number(self) -> float:
        """Return a finite number."""
        value = self.node.value if isinstance(self.node, yaml.ScalarNode) else ""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.wrong(f"{value!r} is no number" if value else "a number is needed here")
        return number

    def integer(self) -> int:
        """Return a whole number."""
        number = self.number()
        if number != int(number):
            raise self.wrong(f"{number:g} is no whole number")
        return int(number)

    def truth(self) -> bool:
        """Return true or false."""
        value = self.node.value if isinstance(self.node, yaml.ScalarNode) else ""
        truth = _TRUTHS.get(str(value).casefold())
        if truth is None:
            raise self.wrong("true or false is needed here")
        return truth

    def one_of(self, choices: Collection[str]) -> str:
        """Return one of these words."""
        value = self.text()
        if value not in choices:
            raise self.wrong(f"{value!r} is none of {', '.join(choices)}", hint=_suggestion(value, choices))
        return value

    @property
    def is_list(self) -> bool:
        """Whether this is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    def entries(self) -> list[Entry]:
        """Return the values of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.wrong("a list is needed here")
        return [replace(self, node=node) for node in self.node.value]

    def numbers(self, count: int) -> list[float]:
        """Return a list of so many numbers."""
        entries = self.entries()
        if len(entries) != count:
            raise self.wrong(f"{count} numbers are needed here, not {len(entries)}")
        return [entry.number() for entry in entries]

    def mapping(self) -> dict[str, Entry]:
        """Return names with their values; a name that stands twice is a mistake."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.wrong("names with values are needed here, each as `name: value`")
        found: dict[str, Entry] = {}
        for key, node in self.node.value:
            name = replace(self, node=key).text()
            if name in found:
                raise replace(self, node=key).wrong(f"{name!r} stands here a second time")
            found[name] = replace(self, node=node)
        return found

    def keys(self, known: Collection[str], needed: Collection[str] = ()) -> dict[str, Entry]:
        """Return the values of keys that mean something; any other key is a mistake, and so is a missing one."""
        found = self.mapping()
        for key, value in found.items():
            if key not in known:
                raise value.wrong(f"{key!r} means nothing here", hint=_suggestion(key, known))
        for key in needed:
            if key not in found:
                raise self.wrong(f"{key!r} is missing")
        return found


def read(path: Path) -> Entry:
    """Read a YAML document.

    Raises
    ------
    TemplateError
        Where it is not there, or is no YAML.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise TemplateError(f"{path} is too long to be a template or specification")
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise TemplateError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise TemplateError(f"{path} is no text in UTF-8") from None
    except RecursionError:
        raise TemplateError(f"{path} is nested too deep") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise TemplateError(f"{path}{line}: this is no YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise TemplateError(f"{path}: this is no YAML: {error}") from None
    if root is None:
        raise TemplateError(f"{path} is empty")
    return Entry(root, path)


def _suggestion(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word.casefold(), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(sorted(known))}"
