"""``python -m flows.process_folder``: read all files of a folder that are ready."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import typer

from digitocr.cli.console import Console, say
from digitocr.errors import BusyError, ExitStatus
from digitocr.inbox import reading
from digitocr.inbox.job import Hooks, Job, Summary, make_job
from digitocr.inbox.plan import Action, forecast
from digitocr.inbox.reading import Read
from digitocr.inbox.run import Chunk, drain, open_runner
from digitocr.inbox.survey import preview
from flows import options

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Options(options.ReadingOptions):
    """Options of the command."""

    dry_run: options.DryRun = False
    reprocess: options.Reprocess = None


@options.command(app, Options)
def main(given: Options) -> int:
    """Read the handwritten numbers of all scans and photos in a folder into tables."""
    job = make_job(given.settings(), given.folder)
    if given.dry_run:
        return _dry_run(job, given.console)
    with given.console.progress() as progress:
        summary = process(job, Hooks(progress=progress), verbose=given.verbose)
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
    read = reading.chunk_reader(job.settings)
    with open_runner(job, hooks) as runner:
        if not runner.needs_reading():
            return drain(runner, _never, 1)
        if not job.settings.prefect:
            _load_ahead(read)
            with ThreadPoolExecutor(job.settings.workers) as pool:
                return drain(
                    runner, lambda chunk: pool.submit(runner.work, chunk, read), job.settings.workers
                )
    return _with_prefect(job, hooks, read, verbose=verbose)


def _load_ahead(read: Read) -> None:
    """Have the model loaded while the run begins; what goes wrong is told by the first reading."""
    ahead = ThreadPoolExecutor(1)
    ahead.submit(read, ())
    ahead.shutdown(wait=False)


def _with_prefect(job: Job, hooks: Hooks, read: Read, *, verbose: bool) -> Summary:
    from flows import engine

    server = engine.prepare(
        job.settings.state, verbose=verbose
    )  # it boots while this process imports Prefect
    from prefect.exceptions import ExternalSignal

    from flows import definitions

    _load_ahead(read)  # only now: two threads must not import the same modules at once
    if server:
        server.wait()
    definitions.hooks.set(hooks)
    flow = definitions.process_folder.with_options(task_runner=definitions.bounded(job.settings.workers))
    flags = job.settings.model_dump(mode="json")
    try:
        state: Any = flow(str(job.folder), flags, return_state=True)
    except ExternalSignal:  # how Prefect reports SIGTERM
        raise KeyboardInterrupt from None
    if state.name == definitions.SKIPPED:
        raise BusyError(state.message or "another run holds the inbox")
    return Summary(**state.result())


def _dry_run(job: Job, console: Console) -> int:
    started = time.perf_counter()
    actions = []
    for decision in preview(job):
        actions.append(decision.action)
        if not console.as_json:
            is_twin = decision.action is Action.AWAIT_TWIN
            shown = Action.DUPLICATE if is_twin else decision.action
            say(f"{shown:10} {decision.facts.found.source}")
    if console.as_json:
        seconds = round(time.perf_counter() - started, 3)
        console.report(replace(forecast(actions), seconds=seconds), job.settings)
    return ExitStatus.OK


def _never(chunk: Chunk) -> Any:  # noqa: ANN401 - it does not return
    raise AssertionError(f"chunk {chunk} must be read, though no file had to be")


if __name__ == "__main__":
    app()
