"""``python -m flows.process_folder``: read all that is ready in a folder."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import typer

from digitocr import errors
from digitocr.cli import console
from digitocr.errors import BusyError
from digitocr.inbox.job import Hooks, Job, Summary, make_job
from digitocr.inbox.plan import Action, forecast
from digitocr.inbox.run import drain, open_runner
from digitocr.inbox.survey import preview
from digitocr.pipeline import reader_of
from flows import options

log = logging.getLogger("digitocr.flows")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    folder: options.Folder = None,
    results: options.Results = None,
    review: options.Review = None,
    state: options.State = None,
    templates: options.Templates = None,
    threshold: options.Threshold = None,
    batch_size: options.BatchSize = None,
    jobs: options.Jobs = None,
    annotate: options.Annotate = False,  # noqa: FBT002
    no_prefect: options.NoPrefect = False,  # noqa: FBT002
    dry_run: options.DryRun = False,  # noqa: FBT002
    reprocess: options.Reprocess = None,
    as_json: options.AsJson = False,  # noqa: FBT002
    quiet: options.Quiet = False,  # noqa: FBT002
    verbose: options.Verbose = False,  # noqa: FBT002
    config: options.Config = None,
) -> None:
    """Read the handwritten numbers of all scans and photos in a folder into tables."""
    flags = options.said(
        results=results,
        review=review,
        state=state,
        templates=templates,
        threshold=threshold,
        batch_size=batch_size,
        jobs=jobs,
        reprocess=reprocess,
        annotate=annotate,
        no_prefect=no_prefect,
    )
    console.set_up(quiet=quiet, verbose=verbose)
    command = partial(_run, folder, flags, config, dry=dry_run, as_json=as_json, quiet=quiet, verbose=verbose)
    raise typer.Exit(errors.guarded(command))


def _run(
    folder: Path | None,
    flags: Mapping[str, Any],
    config: Path | None,
    *,
    dry: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    settings = console.settings(flags, config)
    job = make_job(settings, folder)
    if dry:
        return _dry(job, as_json=as_json)
    with console.progress(wanted=not quiet) as progress:
        summary = process(job, Hooks(progress=progress), verbose=verbose)
    console.report(summary, job.settings, as_json=as_json, quiet=quiet)
    return summary.exit_status


def process(job: Job, hooks: Hooks, *, verbose: bool) -> Summary:
    """Read all that is ready; nothing heavy is started where nothing need be read.

    Parameters
    ----------
    job : Job
    hooks : Hooks
    verbose : bool
        Let Prefect speak, too.
    """
    reader = partial(reader_of, job.settings)
    with open_runner(job, lambda: reader().result(), hooks) as runner:
        if not runner.needs_reading():
            return drain(runner, _never, 1)
        if not job.settings.prefect:
            reader()
            with ThreadPoolExecutor(job.settings.jobs) as pool:
                return drain(runner, lambda chunk: pool.submit(runner.work, chunk), job.settings.jobs)
    return _with_prefect(job, hooks, verbose=verbose)


def _with_prefect(job: Job, hooks: Hooks, *, verbose: bool) -> Summary:
    from flows import engine

    server = engine.prepare(job.settings.state, verbose=verbose)  # boots while we import
    from prefect.exceptions import ExternalSignal

    from flows import definitions

    reader_of(job.settings)  # after Prefect, lest both import the same modules at once
    if server:
        server.wait()
    definitions.hooks.set(hooks)
    flow = definitions.process_folder.with_options(task_runner=definitions.bounded(job.settings.jobs))
    flags = job.settings.model_dump(mode="json")
    try:
        state: Any = flow(str(job.folder), flags, return_state=True)
    except ExternalSignal:  # Prefect's word for SIGTERM
        raise KeyboardInterrupt from None
    if state.name == definitions.SKIPPED:
        raise BusyError(state.message or "another run holds the inbox")
    return Summary(**state.result())


def _dry(job: Job, *, as_json: bool) -> int:
    started = time.perf_counter()
    actions = []
    for decision in preview(job):
        action = decision.action
        actions.append(action)
        if not as_json:
            shown = Action.DUPLICATE if action is Action.AWAIT_TWIN else action
            sys.stdout.write(f"{shown:10} {decision.facts.found.source}\n")
    summary = replace(forecast(actions), seconds=round(time.perf_counter() - started, 3))
    console.report(summary, job.settings, as_json=as_json, quiet=not as_json)
    return 0


def _never(chunk: tuple[int, ...]) -> Any:  # noqa: ANN401 - it does not return
    raise AssertionError(f"{chunk} was to be read")


if __name__ == "__main__":
    app()
