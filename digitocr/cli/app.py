"""The command line ``digitocr``: all sub-commands, each from the module of its room, and those of other packages."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Annotated

import typer

from digitocr import __version__
from digitocr.cli import forms, ledger, overview, read, review, settings, training
from digitocr.cli.console import say

COMMANDS = "digitocr.commands"
"""Group of entry points: functions that add commands to the app, such as those of ``flows``."""

app = typer.Typer(cls=overview.Overview, pretty_exceptions_enable=False, no_args_is_help=True)


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


for _entry in entry_points(group=COMMANDS):
    _entry.load()(app)
for _commands in (read, review, forms, training, ledger, settings):
    _commands.register(app)
app.command("help", hidden=True)(overview.help_)


def main() -> None:
    """Run the command line; scripts that were installed with an earlier version call this."""
    app()
