"""``python -m digitocr status | ledger … | housekeeping``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from digitocr import errors
from digitocr.cli import console
from digitocr.inbox import retry as inbox_retry
from digitocr.inbox import verify as inbox_verify
from digitocr.inbox.retention import apply_retention
from digitocr.inbox.retry import matching
from digitocr.inbox.status import read_status
from digitocr.results import publish
from digitocr.settings import Settings
from digitocr.store.ledger import Known, Ledger

Names = Annotated[
    list[str] | None, typer.Argument(help="Files by their names in the tables; * for anything.")
]
Results = Annotated[Path | None, typer.Option(help="Where the tables are.", show_default="results")]
State = Annotated[Path | None, typer.Option(help="Where the ledger is.", show_default=".digitocr")]
Config = Annotated[Path | None, typer.Option(help="Settings file.", show_default="digitocr.toml")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

ledger_app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True,
    help="What was seen, read and failed.",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(ledger_app, name="ledger")
    app.command()(status)
    app.command()(housekeeping)


def status(
    results: Results = None,
    state: State = None,
    config: Config = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """How the inbox stands: what waits, what failed, the last run, room on the disk."""

    def act(settings: Settings, ledger: Ledger) -> int:
        seen = read_status(settings, ledger)
        if as_json:
            _print(json.dumps(asdict(seen)))
            return 0
        files = ", ".join(f"{count} {name}" for name, count in seen.files.items())
        _print(
            f"inbox       {seen.inbox} files" + (f", the oldest {seen.oldest:.0f} s" if seen.inbox else "")
        )
        _print(f"review      {seen.review} digits and numbers")
        _print(f"failed      {seen.failed} files")
        _print(f"ledger      {files or 'nothing read yet'}")
        last = seen.last_run
        told = f"{last['started']} to {last['ended'] or 'now, or killed'}" if last else "none"
        _print(f"last run    {told}")
        who = (
            "{purpose}, process {pid} on {host} since {since}".format_map(seen.holder)
            if seen.holder
            else "no one"
        )
        _print(f"running     {who}")
        for folder, free in seen.free.items():
            _print(f"free        {free / 1e9:.1f} GB for {folder}/")
        return 0

    _finish(act, results, state, config, read_only=True)


def housekeeping(
    results: Results = None,
    state: State = None,
    config: Config = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Remove what the settings keep_archive_days, keep_crops_days and keep_ledger_days let go."""

    def act(settings: Settings, ledger: Ledger) -> int:
        done = apply_retention(settings, ledger)
        for trouble in done.troubles:
            sys.stderr.write(f"{trouble}\n")
        if as_json:
            _print(json.dumps(asdict(done)))
        else:
            _print(f"removed {done.originals} originals, {done.crops} crops, {done.readings} readings,"
                   f" {done.leftovers} leftovers")  # fmt: skip
        return 1 if done.troubles else 0

    _finish(act, results, state, config)


@ledger_app.command("list")
def list_(
    names: Names = None,
    only: Annotated[str | None, typer.Option("--status", help="Only files of this status.")] = None,
    results: Results = None,
    state: State = None,
    config: Config = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List files with what became of them."""

    def act(settings: Settings, ledger: Ledger) -> int:
        for known in matching(ledger.known(publish.known_shelf(settings, ledger).job), names or []):
            told = known.state
            if only in (None, told):
                _print(json.dumps(asdict(known) | {"state": told}) if as_json else _line(known))
        return 0

    _finish(act, results, state, config, read_only=True)


def _line(known: Known) -> str:
    what = ": ".join(part for part in (known.error_code, known.error) if part)
    return "\t".join(
        (known.file, known.state, known.processed_at, f"{known.numbers}", f"{known.review}", what)
    )


@ledger_app.command()
def verify(
    results: Results = None,
    state: State = None,
    config: Config = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Hold the ledger against tables, archive and failed files; ends in status 1 where they do not agree."""

    def act(settings: Settings, ledger: Ledger) -> int:
        found = inbox_verify.verify(settings, ledger)
        if as_json:
            _print(json.dumps(found))
        else:
            for line in found or ["the ledger and the disk agree"]:
                _print(line)
        return 1 if found else 0

    _finish(act, results, state, config, read_only=True)


@ledger_app.command()
def retry(names: Names = None, results: Results = None, state: State = None, config: Config = None) -> None:
    """Put failed files back, to be read by the next run; without names, all of them."""

    def act(settings: Settings, ledger: Ledger) -> int:
        for file in inbox_retry.retry(settings, ledger, names or []):
            _print(file)
        return 0

    _finish(act, results, state, config)


@ledger_app.command()
def forget(
    names: Annotated[list[str], typer.Argument(help="Files by their names in the tables; * for anything.")],
    results: Results = None,
    state: State = None,
    config: Config = None,
) -> None:
    """Forget files; what people said about them is kept, and their tables are moved to results/.old."""

    def act(settings: Settings, ledger: Ledger) -> int:
        for file in inbox_retry.forget(settings, ledger, names):
            _print(file)
        return 0

    _finish(act, results, state, config)


def _finish(
    act: Callable[[Settings, Ledger], int],
    results: Path | None,
    state: Path | None,
    config: Path | None,
    *,
    read_only: bool = False,
) -> None:
    def run() -> int:
        settings = console.settings({"results": results, "state": state}, config)
        with Ledger(settings.ledger, read_only=read_only) as ledger:
            return act(settings, ledger)

    console.set_up(quiet=False, verbose=False)
    raise typer.Exit(errors.guarded(run))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
