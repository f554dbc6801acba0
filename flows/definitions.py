"""The flows themselves; importing this module imports Prefect."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import asdict
from typing import Any, cast

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.futures import PrefectFuture
from prefect.states import Completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from digitocr.cli import console
from digitocr.errors import BusyError, UsageError
from digitocr.inbox import cluster, reading
from digitocr.inbox.held import Chunk
from digitocr.inbox.job import Hooks, Job, Summary, make_job
from digitocr.inbox.notices import notices
from digitocr.inbox.orders import Answer
from digitocr.inbox.retention import apply_retention
from digitocr.inbox.run import Runner, drain, open_runner
from digitocr.inbox.workers import Workers
from digitocr.settings import Settings, cores
from digitocr.store.ledger import Ledger
from flows import given, served, shown
from flows.shown import SKIPPED

log = logging.getLogger("digitocr.flows")


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
        job = make_job(settings, asked.folder)
        shown.named(job.name, job.name)
        try:
            with _hooks(settings) as followed, open_runner(job, followed) as runner:
                if isinstance(settings.workers, str):
                    summary = _drain_by_dask(job, runner, settings.workers)
                else:
                    ready = given.workers.get(None)
                    with nullcontext(ready) if ready else _own_workers(runner, settings) as readers:
                        summary = _drain(runner, readers)
                given.ended.get([]).append(summary)
                shown.leave_artifact(job, summary, runner.worst())
        except BusyError as error:
            return Completed(name=SKIPPED, message=error.message)
        shown.named(shown.title(job, summary), job.name)
        return shown.ended(summary, asdict(summary))


@contextmanager
def _hooks(settings: Settings) -> Iterator[Hooks]:
    """Yield the hooks of the command that called the flow, or those of a run that a server starts."""
    own = given.hooks.get(None)
    if own is not None:
        yield own
        return
    with notices(settings.on_done) as settled:
        yield Hooks(patience=settings.patience, settled=settled)


def _own_workers(runner: Runner, settings: Settings) -> Workers:
    return Workers(reading.chunk_reader(settings, settings.pictures), runner.workers)


def _drain(runner: Runner, readers: Workers) -> Summary:
    # parameters travel through the API, so a chunk is passed as ids. No caching: the ledger decides, by content
    @task(name="read-chunk", cache_policy=NO_CACHE, persist_result=False)
    def read_chunk(files: list[int]) -> None:
        runner.work(tuple(files), readers)

    def submit(chunk: Chunk) -> PrefectFuture[None]:
        return read_chunk.submit(list(chunk))

    return drain(runner, submit, readers.window)


def _drain_by_dask(job: Job, runner: Runner, address: str) -> Summary:
    """Have the workers of a cluster run the tasks, which only read; threads of this process record what was read.

    Raises
    ------
    UsageError
        If prefect-dask is not installed.
    """
    cluster.check(address)
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError:
        raise UsageError(f"reading with {address} needs prefect-dask", hint=cluster.INSTALL) from None

    # a function of its own, so that it is pickled with what it does: workers need not have this package
    @task(name="read-chunk", cache_policy=NO_CACHE, persist_result=False)
    def read_chunk(call: Callable[[str, bytes], Answer], version: str, order: bytes) -> Answer:
        return call(version, order)

    def submit(call: Callable[[str, bytes], Answer], version: str, order: bytes) -> cluster.Awaited:
        found: Any = tasks.submit(read_chunk, {"call": call, "version": version, "order": order})
        return cast("cluster.Awaited", found)

    with (
        DaskTaskRunner(address=address, client_kwargs={"timeout": cluster.PATIENCE_S}) as tasks,
        cluster.connected(address, lambda: tasks.client) as client,
    ):
        pool = cluster.cluster_of(job, client, submit)
        with ThreadPoolExecutor(pool.window) as threads:
            # the tasks of these threads are tasks of this flow
            return drain(
                runner,
                lambda chunk: threads.submit(copy_context().run, runner.work, chunk, pool),
                pool.window,
            )


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
