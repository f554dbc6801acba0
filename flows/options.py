"""Options of the commands: a command takes a dataclass of them, beside those that ``digitocr`` has, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial, update_wrapper
from typing import Annotated, Any, Literal, TypeVar

import typer

from digitocr.cli import console
from digitocr.cli.console import Console
from digitocr.cli.options import (
    Config,
    Results,
    Review,
    SecondReader,
    State,
    Templates,
    Threshold,
    from_fields,
)
from digitocr.settings import Settings

Folder = Annotated[
    str | None,
    typer.Argument(help="Folder to read, or its URL: s3://, gs:// or az://.", show_default="inbox"),
]
BatchSize = Annotated[int | None, typer.Option(help="Digit candidates classified at once.")]
Workers = Annotated[
    str | None,
    typer.Option(
        "--workers",
        "--jobs",
        metavar="N|ADDRESS",
        help="Processes that read, each on a core; or tcp://HOST:PORT of a Dask scheduler.",
        show_default="one per core",
    ),
]
Annotate = Annotated[bool | None, typer.Option("--annotate", help="Also draw what was read on each page.")]
Prefect = Annotated[
    bool | None,
    typer.Option("--prefect/--no-prefect", help="Read through Prefect or not; the results are the same."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List what would be done, and write nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but the error that ends the command.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Print more messages.")]
OnDone = Annotated[
    str | None,
    typer.Option(
        help="Told of each file that is done or failed: a URL to which JSON is posted, or a command that gets it.",
        metavar="URL|COMMAND",
    ),
]
Reprocess = Annotated[
    Literal["changed", "failed", "all"] | None,
    typer.Option(
        help="Read files again: those read with another model or other settings, those that failed, or all."
    ),
]


@dataclass(frozen=True)
class Options:
    """Options of a command. A field named like a setting outweighs the environment and the settings file."""

    @property
    def console(self) -> Console:
        """How the command speaks."""
        return Console(**{f.name: getattr(self, f.name) for f in fields(Console) if hasattr(self, f.name)})

    def flags(self) -> dict[str, Any]:
        """Return the options that are settings, as far as they were given."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value
            for name, value in given.items()
            if name in Settings.model_fields and value is not None
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
    second_reader: SecondReader = None
    batch_size: BatchSize = None
    workers: Workers = None
    annotate: Annotate = None
    prefect: Prefect = None
    on_done: OnDone = None
    as_json: AsJson = False
    quiet: Quiet = False
    verbose: Verbose = False
    config: Config = None

    def settings(self, *, prefect: bool) -> Settings:
        """Return the settings of the command, and begin to log as they say.

        Parameters
        ----------
        prefect : bool
            Whether to read through Prefect if neither options nor settings say.

        Returns
        -------
        Settings
        """
        found = console.settings(self.flags(), self.config)
        return found if found.prefect is not None else found.model_copy(update={"prefect": prefect})


O = TypeVar("O", bound=Options)  # noqa: E741


def command(
    app: typer.Typer, options: type[O], name: str | None = None, group: str | None = None
) -> Callable[[Callable[[O], int]], Callable[[O], int]]:
    """Make a function the command of an app.

    Parameters
    ----------
    app : Typer
    options : type of Options
        Its fields become the options of the command.
    name : str, optional
        By default that of the function.
    group : str, optional
        Group of commands to which it belongs.

    Returns
    -------
    callable
        Decorator for a function that takes `options` and returns the exit status; its docstring is the help text.
    """

    def register(function: Callable[[O], int]) -> Callable[[O], int]:
        def run(given: O) -> None:
            given.console.run(partial(function, given))

        app.command(name, rich_help_panel=group)(from_fields(options, update_wrapper(run, function)))
        return function

    return register
