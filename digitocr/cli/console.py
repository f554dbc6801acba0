"""What commands print: messages and progress on standard error, results on standard output."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, NoReturn

import typer

from digitocr import errors
from digitocr.errors import UsageError
from digitocr.inbox.job import Summary
from digitocr.settings import Settings, load_settings

log = logging.getLogger(__name__)

_RATE_OVER_S = 120.0
"""The rate of files and the time left go by what was settled in this time: chunks are settled at once."""


@dataclass(frozen=True, slots=True)
class Console:
    """How a command speaks: the flags ``--json``, ``--quiet`` and ``--verbose`` in one object.

    Attributes
    ----------
    as_json : bool
        Print results as JSON.
    quiet : bool
        Print only an error that ends the command.
    verbose : bool
        Print debugging messages, and those of libraries.
    """

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    def run(self, command: Callable[[], int]) -> NoReturn:
        """Run a command and end the process with its exit status.

        Raises
        ------
        typer.Exit
            Always.
        """
        set_up(quiet=self.quiet, verbose=self.verbose)
        raise typer.Exit(errors.guarded(command))

    def progress(self) -> AbstractContextManager[Callable[[int, int], None]]:
        """Show a progress bar, see :func:`progress`."""
        return progress(wanted=not self.quiet)

    def result(self, value: object, lines: Iterable[str]) -> None:
        """Print a result: `value` as one line of JSON, or `lines` for people."""
        for line in (json.dumps(value, default=str),) if self.as_json else lines:
            say(line)

    def table(self, value: object, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a result: `value` as JSON, or `rows`: as a table on a terminal, with tabs for other programs."""
        if self.as_json or not sys.stdout.isatty():
            self.result(value, ("\t".join(row) for row in rows))
        else:
            print_table(columns, rows)

    def report(self, summary: Summary, settings: Settings) -> None:
        """Print how a run ended: one JSON object, or a report for people."""
        if self.as_json:
            say(json.dumps(summary.as_dict()))
        elif not self.quiet:
            from digitocr.cli.report import report

            report(summary, settings)


def say(line: str) -> None:
    """Print a line of the result.

    Parameters
    ----------
    line : str
    """
    sys.stdout.write(line + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table for people.

    Parameters
    ----------
    columns : sequence of str
        Its header.
    rows : iterable of sequence of str
    """
    import rich.box
    import rich.console
    import rich.markup
    from rich.table import Table

    table = Table(*columns, box=rich.box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(rich.markup.escape, row))
    rich.console.Console().print(table)


def warn(line: str) -> None:
    """Print a line about something that went wrong.

    Parameters
    ----------
    line : str
    """
    sys.stderr.write(line + "\n")


def settings(flags: Mapping[str, Any] | None, config: Path | str | None) -> Settings:
    """Load the settings of a command or flow, and start the log file that they name.

    Parameters
    ----------
    flags : mapping, optional
        See :func:`digitocr.settings.load_settings`.
    config : path, optional

    Returns
    -------
    Settings
    """
    found = load_settings(flags, config)
    log_to(found.log_file)
    return found


def set_up(*, quiet: bool, verbose: bool) -> None:
    """Print log messages on standard error.

    Parameters
    ----------
    quiet : bool
        Print only an error that ends the command.
    verbose : bool
        Print debugging messages, and those of libraries.
    """
    stderr = sys.__stderr__
    if not verbose and stderr is not None and sys.stderr is stderr:
        # our own duplicate of the descriptor: what libraries print from C++ can then be silenced while they load
        sys.stderr = os.fdopen(os.dup(stderr.fileno()), "w", buffering=1, errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s" if verbose else "%(message)s"))
    handler.setLevel(logging.DEBUG if verbose else logging.CRITICAL if quiet else logging.INFO)
    if not verbose:
        handler.addFilter(_is_for_people)
    logger = logging.getLogger("digitocr")
    for old in logger.handlers[:]:
        logger.removeHandler(old)
        old.close()
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)


def _is_for_people(record: logging.LogRecord) -> bool:
    """Leave out the lines of files that were read without trouble."""
    return record.name != "digitocr.events" or record.levelno >= logging.WARNING


def show_each_file() -> None:
    """Also print a line for each file, as while a folder is watched."""
    for handler in logging.getLogger("digitocr").handlers:
        handler.removeFilter(_is_for_people)


def log_to(path: Path | None) -> None:
    """Also write log messages to a file, one JSON object per line. The file may be rotated at any time.

    Parameters
    ----------
    path : Path or None

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    logger = logging.getLogger("digitocr")
    if path is None or any(isinstance(h, WatchedFileHandler) for h in logger.handlers):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write the log {path}: {error.strerror or error}") from None
    handler.setFormatter(_JsonLines())
    logger.addHandler(handler)
    logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))


class _JsonLines(logging.Formatter):
    """One JSON object per line: time, level, message, and what the event adds: run, file, sha256, status, code."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": at, "level": record.levelname.lower(), "message": record.getMessage()}
        line |= getattr(record, "event", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


@contextmanager
def progress(*, wanted: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar of settled files, if standard error is a terminal; it appears with the first call.

    Parameters
    ----------
    wanted : bool

    Yields
    ------
    callable
        Takes how many more files are settled, and the total.
    """
    if not (wanted and sys.stderr.isatty()):
        yield lambda count, total: None
        return
    with ExitStack() as stack:
        advance: list[Callable[[int, int], None]] = []

        def settled(count: int, total: int) -> None:
            if not advance:
                advance.append(stack.enter_context(_bar()))
            advance[0](count, total)

        yield settled


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    import rich.console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.3g} files/s" if task.speed else "")

    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    shown = rich.console.Console(stderr=True)
    with Progress(*columns, console=shown, transient=True, speed_estimate_period=_RATE_OVER_S) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda count, total: bar.update(task, advance=count, total=total)
