"""``digitocr apply`` and ``python -m flows.apply_review``: apply the corrections in the queue to the results."""

from __future__ import annotations

import getpass
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from digitocr.cli import console
from digitocr.cli import options as shared
from digitocr.errors import ExitStatus, UsageError
from digitocr.results import publish, queue_file
from digitocr.results import queue as queues
from digitocr.review import queue
from digitocr.settings import Settings
from flows import options

log = logging.getLogger("digitocr.flows")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Options(options.Options):
    """Options of the command; ``--queue`` is the old name of ``--review``."""

    file: Annotated[
        Path | None,
        typer.Argument(
            help="The queue where it was filled in, CSV or XLSX.", show_default="review/queue.csv"
        ),
    ] = None
    results: shared.Results = None
    review: Annotated[
        Path | None,
        typer.Option("--review", "--queue", help="Folder of the review queue.", show_default="review"),
    ] = None
    state: shared.State = None
    as_json: options.AsJson = False
    quiet: options.Quiet = False
    verbose: options.Verbose = False
    config: shared.Config = None


@options.command(app, Options)
def main(given: Options) -> int:
    """Apply the corrections in the queue, or in FILE, to the results."""
    settings = console.settings(given.flags(), given.config)
    if given.file is not None and not given.file.is_file():
        raise UsageError(f"there is no file {given.file}", hint="`digitocr queue FILE.xlsx` makes one")
    filled_in = given.file or queues.path(settings.review)
    done = apply_review(settings, person(), filled_in)
    for reason in done.refused:
        log.error("%s: %s", filled_in, reason)
    applied, refused = len(done.corrections), len(done.refused)
    counts = {"applied": applied, "settled": len(done.settled), "refused": refused}
    line = f"{applied} corrections applied, {refused} refused"
    given.console.result(counts, () if given.quiet else (line,))
    return ExitStatus.SOME_FAILED if refused else ExitStatus.OK


def person() -> str:
    """Return the name of the user who runs this command.

    Returns
    -------
    str
        ``unknown`` if the system has no name for the user, as in some containers.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def apply_review(settings: Settings, who: str, filled_in: Path | None = None) -> queue.Accepted:
    """Apply filled-in corrections; repeating it changes nothing.

    Parameters
    ----------
    settings : Settings
    who : str
        Name of the person, for the audit.
    filled_in : Path, optional
        The queue as it was filled in, CSV or XLSX; that in the review folder without it.

    Returns
    -------
    Accepted

    Raises
    ------
    UsageError
        If nothing was read yet, or the queue cannot be read.
    """
    with publish.opened(settings) as (ledger, shelf), publish.writing(shelf):
        rows = queue_file.read_queue(filled_in or queues.path(settings.review))
        done = queue.accept(ledger, shelf, rows, who)
        if publish.refresh(shelf, ledger) or done.settled or not ledger.published.is_current(shelf.job):
            publish.publish(shelf, ledger, settled=done.settled)
    return done


if __name__ == "__main__":
    app()
