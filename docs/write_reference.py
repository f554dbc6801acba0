"""Writes the reference pages of the docs, and the figures in README, from the code and from docs/accuracy.md.

``python docs/write_reference.py``; a test sees that they are up to date.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import TypeAdapter
from typer.main import get_command

from digitocr import errors
from digitocr.cli.app import app
from digitocr.cli.overview import GROUPS
from digitocr.inbox.events import Settled
from digitocr.inbox.job import Summary
from digitocr.records import FileResult, FileStatus, Reason, Status
from digitocr.results import tables
from digitocr.settings import PREFIX, Settings

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"

MEANINGS = {
    "file": "name of the file, relative to the folder that was read, with `/`",
    "page": "page of the file, from 1",
    "field": "field of the form; empty without a form",
    "number": "number of the page in reading order, from 1",
    "position": "digit of the number, from 1",
    "x": "left edge of the box, in pixels of the page after its EXIF turn",
    "y": "upper edge of the box",
    "width": "width of the box",
    "height": "height of the box",
    "digit": "0 to 9",
    "confidence": "calibrated probability that it is right, four decimals",
    "runner_up": "the second likeliest digit",
    "runner_up_confidence": "its probability",
    "status": "see [statuses](#statuses)",
    "text": "the digits, leading zeros kept; empty for ink that could not be read",
    "marks": "dots, commas, dashes and slashes between the digits",
    "reasons": "why it waits, joined by `;`: [reasons](reasons.md)",
    "value": "the number with `.` as its decimal sign; empty where that is in doubt, and for dates",
    "sha256": "hash of the content, hexadecimal",
    "pages": "pages of the file",
    "numbers": "numbers read in it",
    "digits": "digits read in it",
    "review": "numbers of the file that wait for a person",
    "error": "why it failed or was read in part; for a duplicate `of:` and the other file",
    "seconds": "time that reading took",
    "model": "the model that read it, with the beginning of its SHA-256 hash",
    "processed_at": "when it was read",
    "review_id": "name of the item, the same from run to run",
    "number_text": "the text as it was read",
    "crop": "picture of the item, below the review folder",
    "correction": "for you: the right digit, `-` for no digit, `?` for illegible",
    "number_correction": "for you: the whole right text; outweighs `correction`",
    "at": "when it was answered",
    "who": "name of the person",
    "kind": "of the answer",
    "old": "text before",
    "new": "text after; empty where an answer was undone",
}
"""What a column holds, by name."""

TABLES = (
    ("numbers.csv, FILE.numbers.csv", "One row per number.", tables.NUMBERS),
    ("FILE.digits.csv", "One row per digit, in reading order.", tables.DIGITS),
    ("files.csv", "One row per file.", tables.FILES),
    ("review/queue.csv", "One row per digit or number that waits.", tables.QUEUE),
    ("review/audit.csv", "One row per answer, in the order in which they came.", tables.AUDIT),
)

JSON = (
    (
        "run",
        "`digitocr run --json` and `python -m flows.process_folder --json`, one object at the end",
        Summary,
    ),
    ("read", "`digitocr read --json`, one object per file", FileResult),
    ("notice", "`--on-done`, one object per file that was settled", Settled),
)

FIELDS, PAGES = ("cheques", "form_fields", "form_fields2", "cells"), ("forms", "forms2")
"""Sets of docs/accuracy.md: fields that are cut out, and the same fields on their pages."""


def pages() -> dict[Path, str]:
    """Return what stands in each file that is written."""
    made = {
        "commands.md": commands(),
        "settings.md": settings(),
        "tables.md": columns(),
        "reasons.md": reasons(),
        "errors.md": kinds_of_error(),
        "json.md": schemas(),
    }
    readme = README.read_text(encoding="utf-8")
    block = (
        f"<!-- figures -->\n{figures((DOCS / 'accuracy.md').read_text(encoding='utf-8'))}<!-- /figures -->"
    )
    written = re.sub("<!-- figures -->.*<!-- /figures -->", lambda _: block, readme, flags=re.DOTALL)
    return {DOCS / "reference" / name: text for name, text in made.items()} | {README: written}


def page(title: str, lead: str, *parts: str) -> str:
    """Return a page that says where it comes from."""
    note = "<!-- written by docs/write_reference.py; do not edit -->"
    return "\n\n".join([note, f"# {title}", lead, *parts]) + "\n"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    cells = [head, ("---",) * len(head), *([c.replace("|", r"\|") for c in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def commands() -> str:
    """Return the page of all commands with their options."""
    root: Any = get_command(app)
    found = list(_leaves(root, "digitocr", ""))
    parts = []
    for group in GROUPS:
        parts.append(f"## {group}")
        parts += [_command(path, command) for path, command, panel in found if panel == group]
    lead = "Every command, as `digitocr COMMAND --help` shows it. Options outweigh [settings](settings.md)."
    return page("Commands", lead, *parts, "## Exit statuses", _exit_statuses())


def _leaves(command: Any, path: str, panel: str) -> Iterator[tuple[str, Any, str]]:  # noqa: ANN401
    for name, below in command.commands.items():
        where, group = f"{path} {name}", panel or below.rich_help_panel
        if hasattr(below, "commands"):
            yield from _leaves(below, where, group)
        elif not below.hidden:
            yield where, below, group


def _command(path: str, command: Any) -> str:  # noqa: ANN401
    about = inspect.cleandoc(command.help or "").replace("\n\n", "\n").replace("\n", " ")
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join([path, *(_argument(p) for p in arguments)])
    rows = [(f"`{_argument(p)}`", p.help or "") for p in arguments]
    for option in (p for p in command.params if p.param_type_name == "option" and not p.hidden):
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        default = f" Default: {option.show_default}." if isinstance(option.show_default, str) else ""
        rows.append((names, (option.help or "") + default))
    return "\n\n".join(
        [f"### {path}", f"```\n{usage} [OPTIONS]\n```", about, table(("option", "meaning"), rows)]
    )


def _argument(argument: Any) -> str:  # noqa: ANN401
    name = (argument.metavar or argument.name).upper() + ("..." if argument.nargs != 1 else "")
    return name if argument.required else f"[{name}]"


def settings() -> str:
    """Return the page of all settings."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "by machine" if field.default_factory else _shown(field.default)
        rows.append((f"`{name}`", default, field.description or ""))
    lead = (
        f"Options outweigh variables (`{PREFIX}` and the name in capitals), these the file `digitocr.toml`, this the"
        " defaults. `digitocr settings` shows what counts in a folder and where it comes from;"
        " [Unattended operation](../operations.md#settings) has more about some of them."
    )
    return page("Settings", lead, table(("name", "default", "meaning"), rows))


def _shown(value: object) -> str:
    if value in (None, ""):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def columns() -> str:
    """Return the page of the tables and their columns."""
    parts = []
    for name, lead, named in TABLES:
        parts += [f"## {name}", lead, table(("column", "holds"), [(f"`{c}`", MEANINGS[c]) for c in named])]
    parts += ["## Statuses", table(("of a number or digit", ""), _members(Status))]
    parts += [table(("of a file", ""), _members(FileStatus))]
    lead = (
        "CSV, UTF-8, commas, a header. New columns come at the end. [The tables](../tables.md) says how to read them;"
        " forms have a table each, see [Forms](../forms.md#4-read)."
    )
    return page("Tables", lead, *parts)


def reasons() -> str:
    """Return the page of the reasons for review."""
    lead = "Why a number waits for a person: the column `reasons` of the tables."
    lead += " [Forms](../forms.md#rules) has more about those of fields."
    rows = _members(Reason)
    return page("Reasons", lead, table(("reason", "meaning"), rows))


def _members(kind: type[Enum]) -> list[tuple[str, str]]:
    """Return the values of an enumeration, each with the sentence below it in the code."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    said = {}
    for one, after in zip(body.body, [*body.body[1:], ast.Pass()], strict=True):
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            said[one.targets[0].id] = str(after.value.value) if is_text else ""
    return [(f"`{member.value}`", said[member.name]) for member in kind]


def kinds_of_error() -> str:
    """Return the page of errors with their codes."""
    rows, kinds = [], [errors.DigitocrError]
    for kind in kinds:
        # those of the tree alone: which others there are depends on what is imported
        kinds.extend(one for one in kind.__subclasses__() if one.__module__ == errors.__name__)
        if kind is not errors.DigitocrError:
            first = inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]
            rows.append((f"`{kind.code}`", first, kind.advice, str(int(kind.exit_status))))
    lead = (
        "Each error says what happened, to which file, and what to do next. The code stands in `NAME.error.json`"
        " beside a failed file, in the log and in notices. An error of one file never ends a run. The code"
        " `crashed` has no class: the file ended the program three times."
    )
    return page(
        "Errors",
        lead,
        table(("code", "what happened", "what to do", "exit status of a command that it ends"), rows),
        "## Exit statuses",
        _exit_statuses(),
    )


def _exit_statuses() -> str:
    """Return the table of what each exit status means, as its docstring says."""
    said = re.findall(r"^    ([A-Z_]+)\n        (.+)$", errors.ExitStatus.__doc__ or "", re.MULTILINE)
    return table(
        ("exit status", "meaning"), [(str(int(errors.ExitStatus[name])), text) for name, text in said]
    )


def schemas() -> str:
    """Return the page of JSON schemas."""
    parts = []
    for name, lead, kind in JSON:
        schema = _plain(TypeAdapter(kind).json_schema(mode="serialization"))
        schema["properties"].pop("stuck", None)  # no key of the output, see Summary
        schema.setdefault("required", list(schema["properties"]))
        parts += [f"## {name}", f"{lead}:", f"```json\n{json.dumps(schema, indent=1)}\n```"]
    lead = (
        "JSON schemas of what the program prints or sends. New keys may be added; none is renamed or removed."
    )
    return page("JSON", lead, *parts)


def _plain(schema: Any) -> Any:  # noqa: ANN401
    """Return a schema without titles, defaults and the sections of docstrings."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {k: _plain(v) for k, v in schema.items() if k not in ("title", "default") or isinstance(v, dict)}
    if isinstance(kept.get("description"), str):
        kept["description"] = kept["description"].partition("\n")[0].replace("``", "`")
    return kept


def figures(accuracy: str) -> str:
    """Return the table of README: means over families, from the last part of docs/accuracy.md that counts all."""
    every = accuracy.partition("\n## all\n")[2].partition("\n## ")[0]
    rows = [
        ("fields, cut out", *_means(every, FIELDS)),
        ("the same, on whole pages", *_means(every, PAGES)),
    ]
    head = ("handwriting of", "families", "read exactly", "accepted unseen", "of these wrong")
    return table(head, rows) + "\n"


def _means(every: str, sets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the number of families in these sets and their means, in per cent."""
    families, of_set = [], ""
    for line in every.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not cells[0].startswith("·"):
            of_set = cells[0]
        is_alone = of_set == "cheques" == cells[0]  # a family by itself
        is_family = cells[0].startswith("·") and not re.match("· (other|mean|RapidOCR)", cells[0])
        if of_set in sets and (is_alone or is_family):
            families.append([cells[column].partition(" ")[0] for column in (2, 6, 7)])
    # where nothing was accepted, nothing can be wrong among it
    exact, accepted, wrong = (
        [float(c) for c in column if c != "–"] for column in zip(*families, strict=True)
    )
    return (
        str(len(families)),
        f"{fmean(exact):.1f} % ({min(exact):.1f} to {max(exact):.1f})",
        f"{fmean(accepted):.1f} %",
        f"{fmean(wrong):.1f} %",
    )


def main() -> None:
    """Write all pages."""
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
