"""``digitocr status | ledger … | housekeeping``: what became of the files, and keeping house."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from digitocr.cli import console, options, overview
from digitocr.cli.console import Console, say, warn
from digitocr.errors import ExitStatus, UsageError
from digitocr.inbox import rebuild as inbox_rebuild
from digitocr.inbox import retry as inbox_retry
from digitocr.inbox import verify as inbox_verify
from digitocr.inbox.events import counted
from digitocr.inbox.rebuild import Rebuilt
from digitocr.inbox.retention import apply_retention
from digitocr.inbox.retry import matching
from digitocr.inbox.status import Status, read_status
from digitocr.results import joined, publish
from digitocr.review.words import ended_in_words
from digitocr.settings import Settings
from digitocr.store.ledger import Known, Ledger

ledger_app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True,
    help="List what was read; retry, forget, back up, rebuild.",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands.

    Parameters
    ----------
    app : typer.Typer
    """
    app.command(rich_help_panel=overview.KEEP)(status)
    app.add_typer(ledger_app, name="ledger", rich_help_panel=overview.KEEP)
    app.command(rich_help_panel=overview.KEEP)(housekeeping)
    app.command(rich_help_panel=overview.KEEP)(join)


def status(
    results: options.Results = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.AsJson = False,  # noqa: FBT002
) -> None:
    """Show what waits, what failed, and the last run."""
    out = Console(as_json=as_json)

    def act(settings: Settings, ledger: Ledger) -> int:
        seen = read_status(settings, ledger)
        out.result(asdict(seen), _status_lines(seen))
        return ExitStatus.OK

    _run(out, act, results, state, config, read_only=True)


def _status_lines(seen: Status) -> Iterator[str]:
    files = ", ".join(f"{count} {name}" for name, count in seen.files.items())
    yield f"inbox       {counted(seen.inbox, 'file')}" + (
        f", the oldest {seen.oldest:.0f} s" if seen.inbox else ""
    )
    yield f"review      {counted(seen.review, 'number')}"
    yield f"failed      {counted(seen.failed, 'file')}"
    yield f"ledger      {files or 'nothing read yet'}"
    if seen.trouble:
        yield f"trouble     {seen.trouble}"
    last = seen.last_run
    when = f"{last['started']} to {last['ended'] or 'now, or killed'}" if last else "none"
    yield f"last run    {when}"
    for source, why in seen.stuck.items():
        yield f"stuck       {source}: {why}"
    holder = "{purpose}, process {pid} on {host} since {since}".format_map(seen.holder) if seen.holder else ""
    yield f"running     {holder or 'no one'}"
    watcher = "process {pid} on {host} since {since}, looked at {folder} at {looked}"
    yield f"watching    {watcher.format_map(seen.watcher) if seen.watcher else 'no one'}"
    for folder, free in seen.free.items():
        yield f"free        {free / 1e9:.1f} GB for {folder}/"


def housekeeping(
    results: options.Results = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.AsJson = False,  # noqa: FBT002
) -> None:
    """Delete what is older than keep_archive_days, keep_crops_days and keep_ledger_days in the settings."""
    out = Console(as_json=as_json)

    def act(settings: Settings, ledger: Ledger) -> int:
        done = apply_retention(settings, ledger)
        for trouble in done.troubles:
            warn(trouble)
        line = (
            f"removed {done.originals} originals, {done.crops} crops, {done.readings} readings,"
            f" {done.leftovers} leftovers"
        )
        out.result(asdict(done), [line])
        return ExitStatus.SOME_FAILED if done.troubles else ExitStatus.OK

    _run(out, act, results, state, config)


def join(
    shards: Annotated[list[Path], typer.Argument(help="Results folders of runners that share the work.")],
    output: Annotated[Path, typer.Option(help="Folder for the joined tables.")],
) -> None:
    """Join the tables over all files of several results folders. A file is named after its folder as well."""
    out = Console()

    def command() -> int:
        for path in joined.join(shards, output):
            say(str(path))
        return ExitStatus.OK

    out.run(command)


@ledger_app.command("list")
def list_(
    names: options.Names = None,
    only: Annotated[str | None, typer.Option("--status", help="Only files with this status.")] = None,
    results: options.Results = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.AsJson = False,  # noqa: FBT002
) -> None:
    """List files with their status and figures."""
    out = Console(as_json=as_json)

    def act(settings: Settings, ledger: Ledger) -> int:
        matched = matching(ledger.known(publish.known_shelf(settings, ledger).job), names or [])
        listed = [known for known in matched if only in (None, known.state)]
        if as_json or not sys.stdout.isatty():
            for known in listed:
                out.result(asdict(known) | {"state": known.state}, [_line(known)])
        else:
            console.print_table(
                ("file", "status", "numbers", "review", "what happened"),
                ((k.file, k.state, f"{k.numbers}", f"{k.review}", ended_in_words(k.error)) for k in listed),
            )
        return ExitStatus.OK

    _run(out, act, results, state, config, read_only=True)


def _line(known: Known) -> str:
    error = ": ".join(part for part in (known.error_code, known.error) if part)
    return "\t".join(
        (known.file, known.state, known.processed_at, f"{known.numbers}", f"{known.review}", error)
    )


@ledger_app.command()
def verify(
    results: options.Results = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.AsJson = False,  # noqa: FBT002
) -> None:
    """Compare the ledger with tables, archive and failed files. Exit status 1 if they differ."""
    out = Console(as_json=as_json)

    def act(settings: Settings, ledger: Ledger) -> int:
        found = inbox_verify.verify(settings, ledger)
        out.result(found, found or ["the ledger and the disk agree"])
        return ExitStatus.SOME_FAILED if found else ExitStatus.OK

    _run(out, act, results, state, config, read_only=True)


@ledger_app.command()
def retry(
    names: options.Names = None,
    results: options.Results = None,
    state: options.State = None,
    config: options.Config = None,
) -> None:
    """Move failed files back into the inbox for the next run: the named ones, or all."""

    def act(settings: Settings, ledger: Ledger) -> int:
        for file in inbox_retry.retry(settings, ledger, names or []):
            say(file)
        return ExitStatus.OK

    _run(Console(), act, results, state, config)


@ledger_app.command()
def forget(
    names: Annotated[list[str], typer.Argument(help="Files, named as in the tables; * matches anything.")],
    results: options.Results = None,
    state: options.State = None,
    config: options.Config = None,
) -> None:
    """Forget files. Corrections are kept; their tables move to results/.old."""

    def act(settings: Settings, ledger: Ledger) -> int:
        for file in inbox_retry.forget(settings, ledger, names):
            say(file)
        return ExitStatus.OK

    _run(Console(), act, results, state, config)


@ledger_app.command()
def rebuild(
    results: options.Results = None,
    review: options.Review = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.AsJson = False,  # noqa: FBT002
) -> None:
    """Make a lost ledger again from results, archive and review/audit.csv. One that is there is kept beside it."""
    out = Console(as_json=as_json)

    def command() -> int:
        done = inbox_rebuild.rebuild(
            console.settings({"results": results, "review": review, "state": state}, config)
        )
        out.result(asdict(done), _rebuilt_lines(done))
        return ExitStatus.OK

    out.run(command)


def _rebuilt_lines(done: Rebuilt) -> Iterator[str]:
    yield f"{done.files} files, {done.corrections} corrections"
    if done.without_reading:
        yield (
            f"of {done.without_reading} files only the tables are left: `digitocr run --reprocess changed` reads them"
            " again, so that they can be corrected"
        )
    for name in done.unknown:
        yield f"archive/{name} is in no table: move it back to the inbox to have it read"


@ledger_app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="File for the copy; an older one is replaced.")],
    state: options.State = None,
    config: options.Config = None,
) -> None:
    """Copy the ledger, also while it is in use."""

    def act(settings: Settings, ledger: Ledger) -> int:
        if not settings.ledger.exists():
            raise UsageError(f"there is no ledger in {settings.state}", hint="name its folder with --state")
        ledger.database.copy_to(target)
        return ExitStatus.OK

    _run(Console(), act, None, state, config, read_only=True)


def _run(
    out: Console,
    act: Callable[[Settings, Ledger], int],
    results: Path | None,
    state: Path | None,
    config: Path | None,
    *,
    read_only: bool = False,
) -> None:
    """Run a command that needs the settings and the ledger."""

    def command() -> int:
        settings = console.settings({"results": results, "state": state}, config)
        with Ledger(settings.ledger, read_only=read_only) as ledger:
            return act(settings, ledger)

    out.run(command)
