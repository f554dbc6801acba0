"""``python -m digitocr form … | template …``; what they do is imported when they run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from digitocr import console

form_app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True, help="Forms to print."
)


def register(app: typer.Typer) -> None:
    """Add the sub-commands to the command line."""
    form_app.callback()(lambda: None)  # a group, also with a single command
    form_app.command()(make)
    app.add_typer(form_app, name="form")


def make(
    specification: Annotated[Path, typer.Argument(help="A YAML file: what the form asks for.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The PDF; its template and picture are put beside it.")
    ] = Path("form.pdf"),
) -> None:
    """Print a form from a list of fields, together with the template by which it is read."""

    def command() -> int:
        from digitocr.forms import printing

        for path in printing.make(specification, output):
            _print(f"{path}")
        return 0

    _run(command)


def _run(command: Callable[[], int]) -> None:
    console.set_up(quiet=False, verbose=False)
    raise typer.Exit(console.guarded(command))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
