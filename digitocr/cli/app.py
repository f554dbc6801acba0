"""The command line ``digitocr``: all sub-commands, each from the module of its room."""

from __future__ import annotations

from typing import Annotated

import typer

from digitocr import __version__
from digitocr.cli import forms, ledger, read, review, training
from digitocr.cli.console import say

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        say(f"digitocr {__version__}")
        raise typer.Exit


@app.callback()
def _digitocr(
    version: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Handwritten numbers off paper and into tables people trust."""


for _commands in (read, training, review, ledger, forms):
    _commands.register(app)


def main() -> None:
    """Run the command line."""
    app()
