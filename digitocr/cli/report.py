"""How a run ended, for people: counts, the numbers themselves where they are few, and what to do next."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from digitocr.cli.console import print_table, say
from digitocr.inbox.job import Summary
from digitocr.results.recent import Totals, numbers_of_last_run, totals
from digitocr.review.words import in_words
from digitocr.settings import Settings

MOST_NUMBERS = 30
"""A run that has read more numbers leaves them to the tables."""


def report(summary: Summary, settings: Settings) -> None:
    """Print how a run ended.

    Parameters
    ----------
    summary : Summary
    settings : Settings
    """
    import rich.console
    from rich.table import Table

    if sys.stdout.isatty() and 0 < summary.numbers <= MOST_NUMBERS:
        print_numbers(numbers_of_last_run(settings))
    held = totals(settings)
    is_first = held.files <= summary.files - summary.unchanged  # then both columns would be the same
    table = Table(show_header=not is_first)
    for name in ("", "this run") if is_first else ("", "this run", "in all"):
        table.add_column(name, justify="right" if name else "left")
    for name, run, in_all in _counts(summary, held):
        table.add_row(name, run, *(() if is_first else (in_all,)))
    rich.console.Console().print(table)
    say(f"results in {_place(settings.results)}, for review in {_place(settings.review)}")
    for line in _next_steps(held, settings):
        say(line)


def print_numbers(rows: Sequence[Mapping[str, str]]) -> None:
    """Print numbers in a table.

    Parameters
    ----------
    rows : sequence of mapping of str to str
        Cells by columns of the table of numbers.
    """
    columns = ["file", "page", "field", "text", "confidence", "status", "reasons"]
    usual = {"page": {"1"}, "field": {""}, "reasons": {""}}  # a column that says nothing is left out
    shown = [c for c in columns if {row[c] for row in rows} - usual.get(c, set())]
    names = {"text": "number", "reasons": "why"}
    print_table(
        [names.get(column, column) for column in shown],
        [[_cell(column, row[column]) for column in shown] for row in rows],
    )


def _cell(column: str, text: str) -> str:
    match column:
        case "text":
            return text or "?"
        case "reasons":
            return "; ".join(map(in_words, text.split(";"))) if text else ""
        case _:
            return text


def _counts(summary: Summary, held: Totals) -> Iterator[tuple[str, str, str]]:
    """Yield what is counted, of the run and in all."""
    files = f"{summary.files} ({summary.outcomes})" if summary.outcomes else "0"
    yield "files", files, str(held.files)
    yield "numbers", str(summary.numbers), str(held.numbers)
    yield "digits", str(summary.digits), str(held.digits)
    yield "for review", str(summary.review), str(held.review)
    if summary.blank:
        yield "blank pages", str(summary.blank), ""
    yield "failed", str(summary.failed), str(held.failed)
    if summary.files and summary.seconds:
        yield "time", f"{summary.seconds:.1f} s ({summary.files / summary.seconds:.3g} files/s)", ""


def _next_steps(held: Totals, settings: Settings) -> Iterator[str]:
    if held.failed:
        yield f"failed: `{_command('ledger list --status failed', settings)}` says why"
    if held.review:
        yield f"next: `{_command('review', settings)}` settles what is uncertain"


def _place(folder: Path) -> str:
    return f"{folder.as_posix()}/"


def _command(name: str, settings: Settings) -> str:
    """Return a command line that works on the same folders from here."""
    folders = ["results", "review", "state"] if name == "review" else ["results", "state"]
    flags = [
        f"--{folder} {shlex.quote(str(getattr(settings, folder)))}"
        for folder in folders
        if getattr(settings, folder) != Settings.model_fields[folder].default
    ]
    return " ".join([_program(), name, *flags])


def _program() -> str:
    """Return how this program is called here: by its name if the shell finds it, else by its path."""
    beside, here = Path(sys.executable).with_name("digitocr"), Path.cwd()
    if shutil.which("digitocr") or not beside.exists():
        return "digitocr"
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))
