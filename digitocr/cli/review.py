"""``digitocr review | corrections …``; what they need is imported when they run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from digitocr.cli import options, overview
from digitocr.cli.console import Console, say
from digitocr.errors import ExitStatus
from digitocr.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands.

    Parameters
    ----------
    app : typer.Typer
    """
    app.command(rich_help_panel=overview.REVIEW)(review)
    app.command(rich_help_panel=overview.REVIEW)(queue)
    corrections = typer.Typer(no_args_is_help=True, help="Export corrected digits as training data.")
    corrections.command("export")(export)
    corrections.command("put-back")(put_back)
    app.add_typer(corrections, name="corrections", rich_help_panel=overview.REVIEW)


def review(
    results: options.Results = None,
    queue: options.Review = None,
    state: options.State = None,
    host: Annotated[
        str, typer.Option(help="Address to serve on; any but this machine's own requires a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; 0 takes the one of the last time, or any free one.")
    ] = 0,
    audit: Annotated[
        float, typer.Option(min=0, max=1, help="Share of accepted numbers that a person checks.")
    ] = 0.01,
    second: Annotated[
        float, typer.Option(min=0, max=1, help="Share of settled numbers that a second person reads.")
    ] = 0.0,
    second_field: Annotated[
        list[str] | None, typer.Option(help="A field that a second person always reads; can be repeated.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,  # noqa: FBT002
    config: options.Config = None,
) -> None:
    """Settle uncertain numbers in the browser."""

    def command() -> int:
        from digitocr.review.rules import Rules
        from digitocr.web import guard, server

        settings = load_settings({"results": results, "review": queue, "state": state}, config)
        rules = Rules(second, frozenset(second_field or ()), audit)
        opens = _nothing if no_browser else server.open_browser
        return server.serve(settings, rules, host, port, os.environ.get(guard.TOKEN_VARIABLE, ""), opens)

    Console().run(command)


def queue(
    file: Annotated[Path, typer.Argument(help="The .xlsx file to write.")],
    review: options.Review = None,
    config: options.Config = None,
) -> None:
    """Write the review queue as an Excel workbook, with the picture of each digit; `apply FILE` takes it back."""

    def command() -> int:
        from digitocr.results import queue_workbook

        rows = queue_workbook.write(file, load_settings({"review": review}, config).review)
        say(
            f"{rows} digits of the queue in {file}; fill in the last two columns, then: digitocr apply {file}"
        )
        return ExitStatus.OK

    Console().run(command)


def _nothing(_: str) -> None:
    return


def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write; an older export there is replaced.")],
    results: options.Results = None,
    state: options.State = None,
    config: options.Config = None,
) -> None:
    """Write the settled digits as pictures, one sub-folder per digit, with a table of labels."""

    def command() -> int:
        from digitocr.review.export import export as write

        done = write(load_settings({"results": results, "state": state}, config), folder)
        left = f", {len(done.left_out)} left out (left-out.csv says why)" if done.left_out else ""
        say(f"{done.digits} digits, {done.corrections} of them corrected{left}")
        return ExitStatus.OK

    Console().run(command)


def put_back(state: options.State = None, config: options.Config = None) -> None:
    """Return to the model that was in use before the last promotion."""

    def command() -> int:
        from digitocr.networks.registry import put_back as undo

        say(f"{undo(load_settings({'state': state}, config))} reads from now on")
        return ExitStatus.OK

    Console().run(command)
