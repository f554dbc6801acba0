"""Options that the commands share: each is declared once, and a command takes a dataclass of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import typer

from digitocr import errors
from digitocr.cli import console
from digitocr.settings import Settings

_Option = typer.Option

Folder = Annotated[Path | None, typer.Argument(help="Folder to read.", show_default="inbox")]
Results = Annotated[Path | None, _Option(help="Folder for the tables.", show_default="results")]
Review = Annotated[Path | None, _Option(help="Folder for the review queue.", show_default="review")]
State = Annotated[Path | None, _Option(help="Folder for the ledger.", show_default=".digitocr")]
Templates = Annotated[Path | None, _Option(help="Folder of form templates.")]
Threshold = Annotated[float | None, _Option(help="Accept numbers of at least this confidence.")]
BatchSize = Annotated[int | None, _Option(help="Digit candidates classified at once.")]
Jobs = Annotated[int | None, _Option(help="Chunks of files read side by side.")]
Annotate = Annotated[bool, _Option("--annotate", help="Also draw what was read on each page.")]
NoPrefect = Annotated[bool, _Option("--no-prefect", help="Read without Prefect; the results are the same.")]
DryRun = Annotated[bool, _Option("--dry-run", help="List what would be done, and write nothing.")]
AsJson = Annotated[bool, _Option("--json", help="Print one JSON object at the end.")]
Quiet = Annotated[bool, _Option("--quiet", help="Print nothing but the error that ends the command.")]
Verbose = Annotated[bool, _Option("--verbose", help="Print more messages.")]
Config = Annotated[Path | None, _Option(help="Settings file.", show_default="digitocr.toml")]
Reprocess = Annotated[
    Literal["changed", "failed", "all"] | None,
    _Option(
        help="Read files again: those read with another model or other settings, those that failed, or all."
    ),
]


@dataclass(frozen=True)
class Options:
    """Options of a command. A field named like a setting outweighs the environment and the settings file."""

    def flags(self) -> dict[str, Any]:
        """Return the options that are settings, as far as they were given."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value
            for name, value in given.items()
            if name in Settings.model_fields and value is not None and value is not False
        }


@dataclass(frozen=True)
class ReadingOptions(Options):
    """Options of the commands that read a folder."""

    folder: Folder = None
    results: Results = None
    review: Review = None
    state: State = None
    templates: Templates = None
    threshold: Threshold = None
    batch_size: BatchSize = None
    jobs: Jobs = None
    annotate: Annotate = False
    no_prefect: NoPrefect = False
    as_json: AsJson = False
    quiet: Quiet = False
    verbose: Verbose = False
    config: Config = None

    def flags(self) -> dict[str, Any]:
        """Return the options that are settings, as far as they were given."""
        return super().flags() | ({"prefect": False} if self.no_prefect else {})

    def settings(self) -> Settings:
        """Return the settings of the command, and begin to log as they say."""
        return console.settings(self.flags(), self.config)


O = TypeVar("O", bound=Options)  # noqa: E741


def command(app: typer.Typer, options: type[O]) -> Callable[[Callable[[O], int]], Callable[[O], int]]:
    """Make a function the command of an app.

    Parameters
    ----------
    app : Typer
    options : type of Options
        Its fields become the options of the command.

    Returns
    -------
    callable
        Decorator for a function that takes `options` and returns the exit status; its docstring is the help text.
    """
    hints = get_type_hints(options, include_extras=True)

    def register(function: Callable[[O], int]) -> Callable[[O], int]:
        def run(**given: Any) -> None:  # noqa: ANN401 - checked by Typer, which sees the signature below
            raise typer.Exit(errors.guarded(partial(function, options(**given))))

        run.__doc__ = function.__doc__
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=field.default,
                    annotation=hints[field.name],
                )
                for field in fields(options)
            ]
        )
        app.command()(run)
        return function

    return register
