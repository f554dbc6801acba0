"""``digitocr run`` and ``python -m flows.process_folder``: read all files of a folder that are ready."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import typer

from digitocr.cli.console import Console, say
from digitocr.errors import BusyError, ExitStatus, PrefectError
from digitocr.inbox import reading
from digitocr.inbox.cluster import open_cluster
from digitocr.inbox.held import Chunk
from digitocr.inbox.job import Hooks, Job, Summary, make_job
from digitocr.inbox.notices import notices
from digitocr.inbox.plan import Action, forecast
from digitocr.inbox.run import drain, open_runner
from digitocr.inbox.survey import preview
from digitocr.inbox.workers import Pool, Workers
from flows import options
from flows.interrupt import announced, interrupt, sigterm_as_ctrl_c

_FORECAST = {
    Action.READ: "would read",
    Action.AWAIT_TWIN: "duplicate",
    Action.UNREADABLE: "would fail",
    Action.CRASHED: "would fail",
}
"""What a dry run says of a file, if not the name of the action."""

log = logging.getLogger("digitocr.flows")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Options(options.ReadingOptions):
    """Options of the command."""

    dry_run: options.DryRun = False
    reprocess: options.Reprocess = None


@options.command(app, Options)
def main(given: Options) -> int:
    """Read all scans and photos of a folder into tables."""
    return read_folder(given, through_prefect=True)


def read_folder(given: Options, *, through_prefect: bool) -> int:
    """Read a folder as the options of the command say, and report.

    Parameters
    ----------
    given : Options
    through_prefect : bool
        Read through Prefect unless options or settings say otherwise.

    Returns
    -------
    int
        Exit status.
    """
    job = make_job(given.settings(prefect=through_prefect), given.folder)
    if given.dry_run:
        return _dry_run(job, given.console)
    with (
        notices(job.settings.on_done) as settled,
        given.console.progress() as progress,
        announced(interrupt),
        sigterm_as_ctrl_c(),
    ):
        summary = process(job, Hooks(progress=progress, settled=settled), verbose=given.verbose)
    given.console.report(summary, job.settings)
    return summary.exit_status


def process(job: Job, hooks: Hooks, *, verbose: bool) -> Summary:
    """Read all files that are ready; Prefect and the networks start only if there are any.

    Parameters
    ----------
    job : Job
    hooks : Hooks
    verbose : bool
        Print Prefect's messages, too.

    Returns
    -------
    Summary

    Raises
    ------
    BusyError
        If another process is the runner.
    DigitocrError
        If the run cannot go on.
    """
    with open_runner(job, hooks) as runner:
        if not runner.needs_reading():
            return drain(runner, _never, 1)
        if not job.settings.prefect:
            with _pool(job, runner.workers) as pool, ThreadPoolExecutor(1) as ahead:
                ahead.submit(pool.prepare)  # while files are hashed; the first reading tells of errors
                with ThreadPoolExecutor(pool.window) as threads:
                    return drain(runner, lambda chunk: threads.submit(runner.work, chunk, pool), pool.window)
    if isinstance(job.settings.workers, str):  # the flow connects to them, so that they run its tasks
        return _with_prefect(job, hooks, None, verbose=verbose)
    with Workers(reading.chunk_reader(job.settings, job.settings.pictures), runner.workers) as workers:
        return _with_prefect(job, hooks, workers, verbose=verbose)


def _pool(job: Job, count: int) -> AbstractContextManager[Pool]:
    if isinstance(job.settings.workers, str):
        return open_cluster(job, job.settings.workers)
    return Workers(reading.chunk_reader(job.settings, job.settings.pictures), count)


def _with_prefect(job: Job, hooks: Hooks, workers: Workers | None, *, verbose: bool) -> Summary:
    from flows import engine

    if isinstance(job.settings.workers, str):
        engine.check_reach(job.settings.workers)
    if not engine.api_is_named():
        log.info("starting a Prefect server, which takes some seconds; --no-prefect reads without it")
    # a server of our own boots while this process imports Prefect
    server = engine.prepare(job.settings.state, verbose=verbose)
    from prefect import tags
    from prefect.exceptions import ExternalSignal

    from flows import definitions, given, shown

    given.hooks.set(hooks)
    flow = definitions.process_folder
    if workers is not None:
        given.workers.set(workers)
        flow = flow.with_options(task_runner=definitions.bounded(workers.window))
    flags = job.settings.model_dump(mode="json", exclude={"on_done"})  # a URL may hold a secret
    with ThreadPoolExecutor(1) as ahead:
        if workers is not None:
            ahead.submit(workers.prepare)  # only now: two threads must not import the same modules at once
        if server:
            server.wait()
    ended: list[Summary] = []
    given.ended.set(ended)
    try:
        with engine.reaching(), tags(shown.TAG):
            state: Any = flow(str(job.folder), flags, return_state=True)
            if state.name == shown.SKIPPED:
                raise BusyError(state.message or "another run holds the inbox")
            return Summary(**state.result())
    except ExternalSignal:  # how Prefect reports SIGTERM
        raise KeyboardInterrupt from None
    except PrefectError as error:
        if not ended:
            raise
        log.warning("%s any more; the run went on without it", error.message)
        return ended[0]


def _dry_run(job: Job, console: Console) -> int:
    started = time.perf_counter()
    actions = []
    for decision in preview(job):
        actions.append(decision.action)
        if not console.as_json:
            say(f"{_FORECAST.get(decision.action, decision.action):10} {decision.facts.found.source}")
    if console.as_json:
        seconds = round(time.perf_counter() - started, 3)
        console.report(replace(forecast(actions), seconds=seconds), job.settings)
    return ExitStatus.OK


def _never(chunk: Chunk) -> Any:  # noqa: ANN401 - it does not return
    raise AssertionError(f"chunk {chunk} must be read, though no file had to be")


if __name__ == "__main__":
    app()
