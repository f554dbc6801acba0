"""Flags that the commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

_Option = typer.Option

Folder = Annotated[Path | None, typer.Argument(help="What to read.", show_default="inbox")]
Results = Annotated[Path | None, _Option(help="Where the tables go.", show_default="results")]
Review = Annotated[Path | None, _Option(help="Where the review queue goes.", show_default="review")]
State = Annotated[Path | None, _Option(help="Where the ledger is kept.", show_default=".digitocr")]
Templates = Annotated[Path | None, _Option(help="A folder of templates of forms.")]
Threshold = Annotated[float | None, _Option(help="Accept numbers from this confidence on.")]
BatchSize = Annotated[int | None, _Option(help="Candidates classified at once.")]
Jobs = Annotated[int | None, _Option(help="Chunks of files read side by side.")]
Annotate = Annotated[bool, _Option("--annotate", help="Draw what was read on each page.")]
NoPrefect = Annotated[bool, _Option("--no-prefect", help="The same without Prefect.")]
DryRun = Annotated[bool, _Option("--dry-run", help="Say what would be done, and touch nothing.")]
AsJson = Annotated[bool, _Option("--json", help="End with one JSON object.")]
Quiet = Annotated[bool, _Option("--quiet", help="Say nothing but what ends the run.")]
Verbose = Annotated[bool, _Option("--verbose", help="Say more.")]
Config = Annotated[Path | None, _Option(help="Settings file.", show_default="digitocr.toml")]
Reprocess = Annotated[
    Literal["changed", "failed", "all"] | None,
    _Option(help="Read again what another model or other settings read, what failed, or all of it."),
]


def said(*, annotate: bool = False, no_prefect: bool = False, **values: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the flags of a command as settings; None stands for not said."""
    return values | {"annotate": annotate or None, "prefect": False if no_prefect else None}
