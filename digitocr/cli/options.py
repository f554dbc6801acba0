"""Options that several commands share: one name, one default, one help text each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Results = Annotated[Path | None, typer.Option(help="Folder for the tables.", show_default="results")]
Review = Annotated[
    Path | None, typer.Option("--review", help="Folder for the review queue.", show_default="review")
]
State = Annotated[Path | None, typer.Option(help="Folder for the ledger.", show_default=".digitocr")]
Config = Annotated[Path | None, typer.Option(help="Settings file.", show_default="digitocr.toml")]

Model = Annotated[Path | None, typer.Option(help="Model to read with.", show_default="the shipped model")]
Templates = Annotated[Path | None, typer.Option(help="Folder of form templates.")]
Threshold = Annotated[
    float | None,
    typer.Option(help="Accept numbers of at least this confidence.", show_default="the model's"),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Names = Annotated[list[str] | None, typer.Argument(help="Files, named as in the tables; * matches anything.")]
