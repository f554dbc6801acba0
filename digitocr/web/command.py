"""The sub-command ``review``; what it serves is imported when it runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from digitocr import console
from digitocr.settings import load_settings

TOKEN_VARIABLE = "DIGITOCR_REVIEW_TOKEN"  # noqa: S105


def register(app: typer.Typer) -> None:
    """Add the sub-command to the command line."""
    app.command()(review)


def review(
    results: Annotated[
        Path | None, typer.Option(help="Where the tables are.", show_default="results")
    ] = None,
    queue: Annotated[
        Path | None, typer.Option("--review", help="Where the review queue is.", show_default="review")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Where the ledger is kept.", show_default=".digitocr")
    ] = None,
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
    config: Annotated[Path | None, typer.Option(help="Settings file.")] = None,
) -> None:
    """Settle in the browser what the program was not sure of."""
    console.set_up(quiet=False, verbose=False)

    def command() -> int:
        from digitocr.web import server
        from digitocr.web.rules import Rules

        settings = load_settings({"results": results, "review": queue, "state": state}, config)
        rules = Rules(second, frozenset(second_field or ()), audit)
        opens = _nothing if no_browser else server.open_browser
        return server.serve(settings, rules, host, port, os.environ.get(TOKEN_VARIABLE, ""), opens)

    raise typer.Exit(console.guarded(command))


def _nothing(_: str) -> None:
    return
