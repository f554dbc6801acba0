"""``python -m flows.train_model``: train on corrections, and promote the new model if it is better."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

import typer

from digitocr.cli import options as shared
from digitocr.cli.console import say
from digitocr.settings import load_settings
from flows import engine, options

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Options(options.Options):
    """Options of the command."""

    results: shared.Results = None
    state: shared.State = None
    fresh: Annotated[
        int,
        typer.Option(min=0, help="Train only after this many digits were settled since the last training."),
    ] = 100
    quiet: options.Quiet = False
    verbose: options.Verbose = False
    config: shared.Config = None


@options.command(app, Options)
def main(given: Options) -> int:
    """Export corrections, fine-tune the model, evaluate it, and promote it if it is better."""
    settings = load_settings(given.flags(), given.config)
    server = engine.prepare(settings.state, verbose=given.verbose)
    from flows.training import train_model

    if server:
        server.wait()
    flags = {name: str(value) for name, value in given.flags().items()}
    outcome = train_model(flags, str(given.config) if given.config else None, given.fresh)
    say(json.dumps(outcome))
    return 0


if __name__ == "__main__":
    app()
