"""The sub-commands of review; what they need is imported when they run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from digitocr import errors
from digitocr.cli import console
from digitocr.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the sub-commands to the command line."""
    app.command()(review)
    corrections = typer.Typer(
        no_args_is_help=True, help="What people settled, as labelled digits to learn from."
    )
    corrections.command("export")(export)
    corrections.command("put-back")(put_back)
    app.add_typer(corrections, name="corrections")


_Results = Annotated[Path | None, typer.Option(help="Where the tables are.", show_default="results")]
_State = Annotated[Path | None, typer.Option(help="Where the ledger is kept.", show_default=".digitocr")]
_Config = Annotated[Path | None, typer.Option(help="Settings file.")]


def review(
    results: _Results = None,
    queue: Annotated[
        Path | None, typer.Option("--review", help="Where the review queue is.", show_default="review")
    ] = None,
    state: _State = None,
    host: Annotated[
        str, typer.Option(help="Where to serve; elsewhere than on this machine, a token is asked for.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: the last one, or one that is free.")] = 0,
    audit: Annotated[
        float, typer.Option(min=0, max=1, help="Share of accepted numbers that is checked by a person.")
    ] = 0.01,
    second: Annotated[
        float, typer.Option(min=0, max=1, help="Share of settled numbers that a second person reads.")
    ] = 0.0,
    second_field: Annotated[
        list[str] | None, typer.Option(help="A field that a second person always reads; can be repeated.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,  # noqa: FBT002
    config: _Config = None,
) -> None:
    """Settle in the browser what the program was not sure of."""
    console.set_up(quiet=False, verbose=False)

    def command() -> int:
        from digitocr.review.rules import Rules
        from digitocr.web import guard, server

        settings = load_settings({"results": results, "review": queue, "state": state}, config)
        rules = Rules(second, frozenset(second_field or ()), audit)
        opens = _nothing if no_browser else server.open_browser
        return server.serve(settings, rules, host, port, os.environ.get(guard.TOKEN_VARIABLE, ""), opens)

    raise typer.Exit(errors.guarded(command))


def _nothing(_: str) -> None:
    return


def export(
    folder: Annotated[Path, typer.Argument(help="Where the digits go; made anew.")],
    results: _Results = None,
    state: _State = None,
    config: _Config = None,
) -> None:
    """Write the digits that people settled as pictures, a sub-folder for each digit, with a table."""
    console.set_up(quiet=False, verbose=False)

    def command() -> int:
        from digitocr.review.export import export as write

        done = write(load_settings({"results": results, "state": state}, config), folder)
        left = f", {len(done.left_out)} left out (left-out.csv says why)" if done.left_out else ""
        sys.stdout.write(f"{done.digits} digits, {done.corrections} of them corrected{left}\n")
        return 0

    raise typer.Exit(errors.guarded(command))


def put_back(state: _State = None, config: _Config = None) -> None:
    """Read again with the model that was in use before the last promotion."""
    console.set_up(quiet=False, verbose=False)

    def command() -> int:
        from digitocr.networks.registry import put_back as undo

        model = undo(load_settings({"state": state}, config))
        sys.stdout.write(f"{model} reads from now on\n")
        return 0

    raise typer.Exit(errors.guarded(command))
