"""``digitocr deploy`` and ``python -m flows.deploy``: the flows on a schedule, served by this process.

For a work pool with workers use ``prefect deploy --all`` with ``prefect.yaml`` instead.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from digitocr.cli import options as shared
from digitocr.cli.console import Console
from digitocr.errors import UsageError
from digitocr.settings import Settings, load_settings
from flows import engine, options, served

log = logging.getLogger("digitocr.flows")
_PATIENCE_S = 30.0
"""Time that runs have to end after the process was asked to."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_HINT = (
    "start one with `prefect server start` and set PREFECT_API_URL=http://127.0.0.1:4200/api, or log in to"
    " Prefect Cloud with `prefect cloud login`; without either, `digitocr watch` reads what comes in"
)


@dataclass(frozen=True)
class Options(options.Options):
    """Options of the command."""

    folder: options.Folder = None
    every: Annotated[float, typer.Option(help="Seconds between two looks at the folder.", min=1)] = 60
    results: shared.Results = None
    review: shared.Review = None
    state: shared.State = None
    verbose: options.Verbose = False
    config: shared.Config = None

    @property
    def console(self) -> Console:
        """It always prints when runs start; `verbose` adds Prefect's messages."""
        return Console(verbose=True)


@options.command(app, Options)
def main(given: Options) -> int:
    """Read a folder on the schedule of a Prefect server.

    Also apply reviews every ten minutes, delete old files nightly, and train weekly.
    """
    if not engine.api_is_named():
        raise UsageError(
            "schedules need a Prefect server or Prefect Cloud; the embedded server has no scheduler",
            hint=_HINT,
        )
    settings = load_settings(given.flags(), given.config)
    engine.prepare(settings.state, verbose=given.verbose)
    _serve(given.folder or settings.inbox, given.every, settings)
    return 0


def _serve(folder: Path | str, every: float, settings: Settings) -> None:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.runner import Runner

    from flows import definitions, shown, training

    # a missed run is not caught up: each run reads all that is ready and ends
    alone = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    served.announce(str(folder), settings.model_dump(mode="json", exclude_unset=True))
    tags = [shown.TAG]  # of the deployment, as events know no tags that a run gets later
    # names of their own: if `prefect deploy` had left deployments of the same names, Prefect would look for the code
    # where those have it. Any, because Prefect declares a coroutine that only a coroutine would get
    inbox: Any = definitions.process_folder.to_deployment(
        "served-inbox",
        interval=timedelta(seconds=every),
        concurrency_limit=alone,
        tags=tags,
    )
    reviews: Any = definitions.apply_review.to_deployment(
        "served-reviews", interval=timedelta(minutes=10), concurrency_limit=alone, tags=tags
    )
    learning: Any = training.train_model.to_deployment(
        "served-training", interval=timedelta(days=7), concurrency_limit=alone, tags=tags
    )
    house: Any = definitions.housekeeping.to_deployment(
        "served-housekeeping", cron="17 3 * * *", concurrency_limit=alone, tags=tags
    )
    runner = Runner(pause_on_shutdown=True)
    with engine.reaching():
        for deployment in (inbox, reviews, house, learning):
            runner.add_deployment(deployment)
    log.info("reading %s every %g seconds, first in %g; Ctrl-C ends it", folder, every, every)
    log.info("to read it now: prefect deployment run process-folder/%s", inbox.name)
    asyncio.run(_until_ended(runner))


async def _until_ended(runner: Any) -> None:  # noqa: ANN401 (Prefect is imported late)
    """Serve until Ctrl-C or SIGTERM.

    Prefect's own shutdown leaves tasks behind, with tracebacks, or does not end.
    """
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    runner.handle_sigterm = lambda *_: loop.call_soon_threadsafe(ended.set)
    with suppress(NotImplementedError):  # Windows, where Ctrl-C interrupts
        loop.add_signal_handler(signal.SIGINT, ended.set)
    serving = asyncio.create_task(runner.start())
    asking = asyncio.create_task(ended.wait())
    await asyncio.wait({serving, asking}, return_when=asyncio.FIRST_COMPLETED)
    asking.cancel()
    with suppress(RuntimeError, TimeoutError):  # not yet started, or a run that does not end
        await asyncio.wait_for(runner.astop(), _PATIENCE_S)
    await asyncio.wait({serving}, timeout=_PATIENCE_S)
    if not serving.done():
        serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


if __name__ == "__main__":
    app()
