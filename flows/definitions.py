"""The flows themselves; importing this module imports Prefect."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.futures import PrefectFuture
from prefect.states import Completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from digitocr.cli import console
from digitocr.errors import BusyError
from digitocr.inbox import reading
from digitocr.inbox.held import Chunk
from digitocr.inbox.job import Hooks, Summary, make_job
from digitocr.inbox.notices import notices
from digitocr.inbox.retention import apply_retention
from digitocr.inbox.run import Runner, drain, open_runner
from digitocr.inbox.workers import Workers
from digitocr.settings import Settings, cores
from digitocr.store.ledger import Ledger
from flows import served, shown
from flows.shown import SKIPPED

log = logging.getLogger("digitocr.flows")

hooks: ContextVar[Hooks] = ContextVar("hooks")
"""Hooks of the command that called the flow; not set in flows that a server starts."""

workers: ContextVar[Workers] = ContextVar("workers")
"""Workers of the command that called the flow, which are being prepared; not set in flows that a server starts."""

ended: ContextVar[list[Summary]] = ContextVar("ended")
"""Gets how the run ended, also if no server learns of it any more; not set in flows that a server starts."""


def bounded(tasks: int) -> TaskRunner[PrefectFuture[Any]]:
    """Return a task runner with a limit; Prefect's default has none.

    Parameters
    ----------
    tasks : int
        Most at once.

    Returns
    -------
    TaskRunner
    """
    # Prefect declares futures invariant, so that its own runner does not fit its own flows
    return cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=tasks))


@flow(name="process-folder", task_runner=bounded(2 * cores()), persist_result=False)
def process_folder(
    folder: str | None = None, flags: dict[str, Any] | None = None, config: str | None = None
) -> dict[str, Any] | State[Any]:
    """Read all files of a folder that are ready, and end.

    Parameters
    ----------
    folder : str, optional
        By default the inbox of the settings.
    flags : dict, optional
        Settings that outweigh the environment and the settings file.
    config : str, optional
        Settings file.

    Returns
    -------
    State
        Of a :class:`digitocr.inbox.job.Summary`; completed, and named ``With failures`` if some files failed, or
        ``Skipped`` if another run holds the inbox.
    """
    asked = served.asked(flags, config, folder)
    settings = console.settings(asked.flags, asked.config)
    with shown.logged():
        job = make_job(settings, Path(asked.folder) if asked.folder else None)
        name = job.folder.resolve().name
        shown.named(name, name)
        try:
            with _hooks(settings) as followed, open_runner(job, followed) as runner:
                given = workers.get(None)
                with nullcontext(given) if given else _own_workers(runner, settings) as readers:
                    summary = _drain(runner, readers)
                ended.get([]).append(summary)
                shown.leave_artifact(job, summary, runner.worst())
        except BusyError as error:
            return Completed(name=SKIPPED, message=error.message)
        shown.named(shown.title(job, summary), name)
        return shown.ended(summary, asdict(summary))


@contextmanager
def _hooks(settings: Settings) -> Iterator[Hooks]:
    """Yield the hooks of the command that called the flow, or those of a run that a server starts."""
    given = hooks.get(None)
    if given is not None:
        yield given
        return
    with notices(settings.on_done) as settled:
        yield Hooks(patience=settings.patience, settled=settled)


def _own_workers(runner: Runner, settings: Settings) -> Workers:
    return Workers(reading.chunk_reader(settings), runner.workers)


def _drain(runner: Runner, readers: Workers) -> Summary:
    # parameters travel through the API, so a chunk is passed as ids. No caching: the ledger decides, by content
    @task(name="read-chunk", cache_policy=NO_CACHE, persist_result=False)
    def read_chunk(files: list[int]) -> None:
        runner.work(tuple(files), readers)

    def submit(chunk: Chunk) -> PrefectFuture[None]:
        return read_chunk.submit(list(chunk))

    return drain(runner, submit, readers.window)


@flow(name="apply-review", persist_result=False)
def apply_review(
    flags: dict[str, Any] | None = None, config: str | None = None
) -> dict[str, Any] | State[Any]:
    """Apply filled-in corrections to the results.

    Parameters
    ----------
    flags : dict, optional
        Settings that outweigh the environment and the settings file.
    config : str, optional
        Settings file.

    Returns
    -------
    State
        Of a dict: how many corrections were ``applied`` and how many rows ``refused``; completed, and named ``With
        failures`` if any were refused.
    """
    from flows import apply_review as command

    asked = served.asked(flags, config)
    settings = console.settings(asked.flags, asked.config)
    if not settings.ledger.exists():
        return shown.completed("nothing was read yet", {"applied": 0, "refused": 0}, with_failures=False)
    with shown.logged():
        done = command.apply_review(settings, command.person())
        counts = {"applied": len(done.corrections), "refused": len(done.refused)}
        shown.named(f"reviews: {counts['applied']} applied")
        if done.refused:
            refused = "\n".join(f"- {shown.escaped(reason)}" for reason in done.refused)
            create_markdown_artifact(
                f"## Rows refused\n\n{refused}\n", key="refused", description="Corrections refused"
            )
        said = f"{counts['applied']} corrections applied, {counts['refused']} refused"
        return shown.completed(said, counts, with_failures=bool(done.refused))


@flow(name="housekeeping", persist_result=False)
def housekeeping(
    flags: dict[str, Any] | None = None, config: str | None = None
) -> dict[str, Any] | State[Any]:
    """Delete what is older than the retention settings allow, and leftovers of killed runs.

    Parameters
    ----------
    flags : dict, optional
        Settings that outweigh the environment and the settings file.
    config : str, optional
        Settings file.

    Returns
    -------
    State
        Of how much was deleted; named ``Skipped`` if a run holds the inbox.
    """
    asked = served.asked(flags, config)
    settings = console.settings(asked.flags, asked.config)
    with shown.logged():
        shown.named("housekeeping")
        try:
            with Ledger(settings.ledger) as ledger:
                done = apply_retention(settings, ledger)
        except BusyError as error:
            return Completed(name=SKIPPED, message=error.message)
        said = (
            f"deleted {done.originals} originals, {done.crops} crops, {done.readings} readings and"
            f" {done.leftovers} leftovers"
        )
        return shown.completed(said, asdict(done), with_failures=bool(done.troubles))
