"""Options that several commands share, and commands whose options are the fields of a dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from digitocr.records import SecondReading

Results = Annotated[Path | None, typer.Option(help="Folder for the tables.", show_default="results")]
Review = Annotated[
    Path | None, typer.Option("--review", help="Folder for the review queue.", show_default="review")
]
State = Annotated[Path | None, typer.Option(help="Folder for the ledger.", show_default=".digitocr")]
Config = Annotated[Path | None, typer.Option(help="Settings file.", show_default="digitocr.toml")]

SHIPPED = "shipped"
"""Name of the model that comes with the program, and of its recipe."""


def model(name: str) -> Path:
    """Return the file of a model that is given on the command line.

    Parameters
    ----------
    name : str
        A path, or ``shipped`` for the model that comes with the program.

    Returns
    -------
    Path
    """
    from digitocr.networks.card import shipped_model

    return shipped_model() if name == SHIPPED else Path(name)


Model = Annotated[
    Path | None,
    typer.Option(
        help=f"Model to read with: a .keras file, or {SHIPPED}.",
        parser=model,
        metavar="MODEL",
        show_default="the shipped model",
    ),
]
Templates = Annotated[Path | None, typer.Option(help="Folder of form templates.")]
Threshold = Annotated[
    float | None,
    typer.Option(help="Accept numbers of at least this confidence.", show_default="the model's"),
]

SecondReader = Annotated[
    SecondReading | None,
    typer.Option(help="Which lines the second reader reads, too.", show_default="always"),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Names = Annotated[list[str] | None, typer.Argument(help="Files, named as in the tables; * matches anything.")]


def from_fields(options: type[Any], run: Callable[[Any], object]) -> Callable[..., None]:
    """Return a function for Typer whose parameters are the fields of a dataclass.

    Parameters
    ----------
    options : type
        A dataclass; its annotations are those of the parameters.
    run : callable
        Takes an instance of `options`; its name and docstring become those of the command.

    Returns
    -------
    callable
    """

    def command(**given: Any) -> None:  # noqa: ANN401 - checked by Typer, which sees the signature below
        run(options(**given))

    hints = get_type_hints(options, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    command.__name__, command.__doc__ = run.__name__, run.__doc__
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(f.name, keyword, default=f.default, annotation=hints[f.name])
            for f in fields(options)
        ]
    )
    return command
