"""``python -m flows.train_model``: learn from what people settled, and promote the new model if it is better."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from digitocr import errors
from digitocr.cli import console
from digitocr.settings import load_settings
from flows import engine, options

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    results: options.Results = None,
    state: options.State = None,
    fresh: Annotated[int, typer.Option(min=0, help="Least new digits since the last training.")] = 100,
    quiet: options.Quiet = False,  # noqa: FBT002
    verbose: options.Verbose = False,  # noqa: FBT002
    config: options.Config = None,
) -> None:
    """Export corrections, fine-tune, evaluate, and promote only what is better."""
    console.set_up(quiet=quiet, verbose=verbose)
    flags = {"results": results, "state": state}
    raise typer.Exit(errors.guarded(partial(_run, flags, config, fresh, verbose=verbose)))


def _run(flags: dict[str, Path | None], config: Path | None, fresh: int, *, verbose: bool) -> int:
    settings = load_settings(flags, config)
    server = engine.prepare(settings.state, verbose=verbose)
    from flows.training import train_model

    if server:
        server.wait()

    said = {name: str(value) for name, value in flags.items() if value is not None}
    outcome = train_model(said, str(config) if config else None, fresh)
    sys.stdout.write(json.dumps(outcome) + "\n")
    return 0


if __name__ == "__main__":
    app()
