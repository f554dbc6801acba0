"""The flows themselves; importing this module imports Prefect."""

from __future__ import annotations

from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.futures import PrefectFuture
from prefect.states import Completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from digitocr.cli import console
from digitocr.errors import BusyError
from digitocr.inbox import reading
from digitocr.inbox.held import Chunk
from digitocr.inbox.job import Hooks, Job, Summary, make_job
from digitocr.inbox.retention import apply_retention
from digitocr.inbox.run import Runner, drain, open_runner
from digitocr.inbox.workers import Workers
from digitocr.settings import Settings, cores
from digitocr.store.ledger import Ledger
from flows import served

hooks: ContextVar[Hooks] = ContextVar("hooks")
"""Hooks of the command that called the flow; not set in flows that a server starts."""

workers: ContextVar[Workers] = ContextVar("workers")
"""Workers of the command that called the flow, which are being prepared; not set in flows that a server starts."""

ended: ContextVar[list[Summary]] = ContextVar("ended")
"""Gets how the run ended, also if no server learns of it any more; not set in flows that a server starts."""

SKIPPED = "Skipped"
"""Name of the completed state of a run that found the inbox held by another."""


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
    dict or State
        A :class:`digitocr.inbox.job.Summary`; or a completed state named ``Skipped`` if another run holds the inbox.
    """
    asked = served.asked(flags, config, folder)
    settings = console.settings(asked.flags, asked.config)
    job = make_job(settings, Path(asked.folder) if asked.folder else None)
    try:
        with open_runner(job, hooks.get(Hooks(patience=settings.patience))) as runner:
            given = workers.get(None)
            with nullcontext(given) if given else _own_workers(runner, settings) as readers:
                summary = _drain(runner, readers)
            ended.get([]).append(summary)
            _artifacts(job, runner, summary)
    except BusyError as error:
        return Completed(name=SKIPPED, message=error.message)
    return asdict(summary)


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


def _artifacts(job: Job, runner: Runner, summary: Summary) -> None:
    rows = "\n".join(f"| {name} | {value} |" for name, value in summary.as_dict().items())
    where = f"Tables in `{job.settings.results}`, queue in `{job.settings.review}`."
    create_markdown_artifact(
        f"## {job.folder}\n\n| | |\n|---|---:|\n{rows}\n\n{where}\n",
        key="summary",
        description="How the run ended",
    )
    worst = [
        {"file": k.file, "status": k.status, "error": k.error, "numbers": k.numbers, "review": k.review}
        for k in runner.worst()
    ]
    if worst:
        create_table_artifact(worst, key="worst-files", description="Files that most need a person")


@flow(name="apply-review", persist_result=False)
def apply_review(flags: dict[str, Any] | None = None, config: str | None = None) -> dict[str, int]:
    """Apply filled-in corrections to the results.

    Parameters
    ----------
    flags : dict, optional
        Settings that outweigh the environment and the settings file.
    config : str, optional
        Settings file.

    Returns
    -------
    dict
        How many corrections were ``applied`` and how many rows ``refused``.
    """
    from flows import apply_review as command

    asked = served.asked(flags, config)
    settings = console.settings(asked.flags, asked.config)
    done = command.apply_review(settings, command.person())
    if done.refused:
        refused = "\n".join(f"- {reason}" for reason in done.refused)
        create_markdown_artifact(
            f"## Rows refused\n\n{refused}\n", key="refused", description="Corrections refused"
        )
    return {"applied": len(done.corrections), "refused": len(done.refused)}


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
    dict or State
        How much was deleted; or a completed state named ``Skipped`` if a run holds the inbox.
    """
    asked = served.asked(flags, config)
    settings = console.settings(asked.flags, asked.config)
    try:
        with Ledger(settings.ledger) as ledger:
            done = apply_retention(settings, ledger)
    except BusyError as error:
        return Completed(name=SKIPPED, message=error.message)
    return asdict(done)
