"""The commands of this package under ``digitocr``; an entry point adds them."""

from __future__ import annotations

import typer

from digitocr.cli import overview
from flows import apply_review, deploy, engine, options, process_folder, serve, watch_inbox


def register(app: typer.Typer) -> None:
    """Add the commands.

    Parameters
    ----------
    app : typer.Typer
    """
    options.command(app, process_folder.Options, "run", overview.READ)(run)
    options.command(app, options.ReadingOptions, "watch", overview.READ)(watch)
    options.command(app, apply_review.Options, "apply", overview.REVIEW)(apply_review.main)
    options.command(app, serve.Options, "serve", overview.READ)(serve.serve)
    options.command(app, deploy.Options, "deploy", overview.READ)(deploy.main)


def run(given: process_folder.Options) -> int:
    """Read all scans and photos of a folder into tables.

    Through Prefect with --prefect, or if you name a Prefect API; else at once, without a server.
    """
    return process_folder.read_folder(given, through_prefect=engine.api_is_named())


def watch(given: options.ReadingOptions) -> int:
    """Read files as they arrive in a folder, until Ctrl-C.

    A chunk that is being read is finished first. Through Prefect with --prefect, or if you name a Prefect API.
    """
    return watch_inbox.watch(given, through_prefect=engine.api_is_named())
