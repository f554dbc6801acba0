"""``python -m flows.apply_review``: filled-in corrections into the results."""

from __future__ import annotations

import getpass
import json
import logging
import sys
from functools import partial
from pathlib import Path

import typer

from digitocr import errors
from digitocr.cli import console
from digitocr.results import publish, queue_file
from digitocr.review import queue as review
from digitocr.settings import Settings
from flows import options

log = logging.getLogger("digitocr.flows")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    results: options.Results = None,
    queue: options.Review = None,
    state: options.State = None,
    as_json: options.AsJson = False,  # noqa: FBT002
    quiet: options.Quiet = False,  # noqa: FBT002
    verbose: options.Verbose = False,  # noqa: FBT002
    config: options.Config = None,
) -> None:
    """Take what people wrote into review/queue.csv over into the results."""
    console.set_up(quiet=quiet, verbose=verbose)
    flags = {"results": results, "review": queue, "state": state}
    raise typer.Exit(errors.guarded(partial(_run, flags, config, as_json=as_json, quiet=quiet)))


def _run(flags: dict[str, Path | None], config: Path | None, *, as_json: bool, quiet: bool) -> int:
    settings = console.settings(flags, config)
    done = apply_review(settings, person())
    for reason in done.refused:
        log.error("%s: %s", settings.review / "queue.csv", reason)
    if as_json:
        counts = {
            "applied": len(done.corrections),
            "settled": len(done.settled),
            "refused": len(done.refused),
        }
        sys.stdout.write(json.dumps(counts) + "\n")
    elif not quiet:
        sys.stdout.write(f"{len(done.corrections)} corrections taken over, {len(done.refused)} refused\n")
    return 1 if done.refused else 0


def person() -> str:
    """Return who runs this command; a container may have no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def apply_review(settings: Settings, who: str) -> review.Accepted:
    """Take filled-in corrections over; can be repeated.

    Parameters
    ----------
    settings : Settings
    who : str
        Name of the person, for the audit.
    """
    with publish.opened(settings) as (ledger, shelf), publish.writing(shelf):
        rows = queue_file.read_queue(settings.review / "queue.csv")
        done = review.accept(ledger, shelf.job, rows, who)
        if publish.refresh(shelf, ledger) or done.settled or not ledger.published.is_current(shelf.job):
            publish.publish(shelf, ledger, settled=done.settled)
    return done


if __name__ == "__main__":
    app()
