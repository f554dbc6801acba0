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

template_app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True,
    help="What stands where on a form.",
)  # fmt: skip

_Template = Annotated[Path, typer.Argument(help="A template.", metavar="TEMPLATE.yaml")]


def register(app: typer.Typer) -> None:
    """Add the sub-commands to the command line."""
    form_app.callback()(lambda: None)  # a group, also with a single command
    form_app.command()(make)
    app.add_typer(form_app, name="form")
    for command in (detect, show):
        template_app.command()(command)
    app.add_typer(template_app, name="template")


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


def detect(
    blank: Annotated[Path, typer.Argument(help="A scan or photo of the empty form, upright.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The template; BLANK.yaml without it.")
    ] = None,
) -> None:
    """Find boxes, rows of cells and lines to write on, and write a first template, to be corrected by hand."""

    def command() -> int:
        from digitocr.forms import actions

        template, written = actions.detect(blank, output or Path(f"{blank.stem}.yaml"))
        for path in written:
            _print(f"{path}")
        _print(f"{len(template.fields)} fields found: name them, and remove what is none")
        return 0

    _run(command)


def show(
    template: _Template,
    page: Annotated[Path, typer.Argument(help="A scan or photo of the form, filled in or not.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The picture; PAGE.fields.png without it.")
    ] = None,
) -> None:
    """Draw the fields of a template over a page, to see whether they lie where they should."""

    def command() -> int:
        from digitocr.forms import actions

        picture = output or Path(f"{page.stem}.fields.png")
        found = actions.show(template, page, picture)
        _print(f"{picture}")
        _print(f"print lies {found.residual:.1f} pixels off, on a page 2000 pixels high")
        return 0

    _run(command)


def _run(command: Callable[[], int]) -> None:
    console.set_up(quiet=False, verbose=False)
    raise typer.Exit(console.guarded(command))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
