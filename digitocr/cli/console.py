"""What commands say to people: messages and progress on standard error, outcomes on standard output."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

from digitocr.errors import UsageError
from digitocr.inbox.job import Summary
from digitocr.settings import Settings, load_settings

log = logging.getLogger(__name__)


def settings(flags: Mapping[str, Any] | None, config: Path | str | None) -> Settings:
    """Gather the settings of a command or flow, see :func:`digitocr.settings.load_settings`, and log where they say."""
    found = load_settings(flags, config)
    log_to(found.log_file)
    return found


def set_up(*, quiet: bool, verbose: bool) -> None:
    """Send what modules log to standard error as plain messages."""
    stderr = sys.__stderr__
    if not verbose and stderr is not None and sys.stderr is stderr:
        # a way of our own to the same place, so that what libraries say from C++ can be kept off while they load
        sys.stderr = os.fdopen(os.dup(stderr.fileno()), "w", buffering=1, errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s" if verbose else "%(message)s"))
    handler.setLevel(logging.DEBUG if verbose else logging.CRITICAL if quiet else logging.INFO)
    if not verbose:  # a line for each file is for --verbose and for log files
        handler.addFilter(lambda record: record.name != "digitocr.events")
    logger = logging.getLogger("digitocr")
    for old in logger.handlers[:]:
        logger.removeHandler(old)
        old.close()
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)


def log_to(path: Path | None) -> None:
    """Write what is logged to a file as well, one JSON object a line; it may be rotated at any time.

    Raises
    ------
    UsageError
        Where it cannot be written.
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
    """One JSON object a line: time, level, message, and what the event adds: run, file, sha256, status, code."""

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
    """Show how many files of how many are settled, on a terminal only, from the first word of it on."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda count, total: None
        return
    with ExitStack() as stack:
        advance: list[Callable[[int, int], None]] = []

        def told(count: int, total: int) -> None:
            if not advance:
                advance.append(stack.enter_context(_bar()))
            advance[0](count, total)

        yield told


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda count, total: bar.update(task, advance=count, total=total)


def report(summary: Summary, settings: Settings, *, as_json: bool, quiet: bool) -> None:
    """Say how a run ended: one JSON object, or a short table."""
    if as_json:
        sys.stdout.write(json.dumps(summary.as_dict()) + "\n")
    elif not quiet:
        _table(summary, settings)


def _table(summary: Summary, settings: Settings) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    parts = {
        "read": summary.done,
        "empty": summary.empty,
        "partial": summary.partial,
        "failed": summary.failed,
        "duplicates": summary.duplicates,
        "unchanged": summary.unchanged,
    }
    told = ", ".join(f"{count} {name}" for name, count in parts.items() if count)
    table.add_row("files", f"{summary.files} ({told})" if told else "0")
    table.add_row("numbers", str(summary.numbers))
    table.add_row("digits", str(summary.digits))
    table.add_row("for review", str(summary.review))
    table.add_row("failed", str(summary.failed))
    console = Console()
    console.print(table)
    console.print(
        f"results in {_place(settings.results)}, for review in {_place(settings.review)}", soft_wrap=True
    )


def _place(folder: Path) -> str:
    return f"{folder.as_posix()}/"
