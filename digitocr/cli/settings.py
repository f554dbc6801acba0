"""``digitocr settings``: every setting, its value, and where that comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from digitocr.cli import options, overview
from digitocr.cli.console import Console
from digitocr.errors import ExitStatus
from digitocr.settings import explain_settings


def register(app: typer.Typer) -> None:
    """Add the command.

    Parameters
    ----------
    app : typer.Typer
    """
    app.command(rich_help_panel=overview.KEEP)(settings)


def settings(
    config: options.Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002
) -> None:
    """Show every setting, its value, and where it comes from.

    Flags outweigh DIGITOCR_NAME variables, these the settings file, this the defaults.
    """
    console = Console(as_json=as_json)

    def command() -> int:
        found = explain_settings(config)
        console.table(
            {s.name: {"value": s.value, "origin": s.origin} for s in found},
            ("setting", "value", "from", "meaning"),
            [(s.name, "none" if s.value in (None, "") else str(s.value), s.origin, s.meaning) for s in found],
        )
        return ExitStatus.OK

    console.run(command)
