"""What Prefect shows of a run of ours: its name and tags, its log, its last state, and one artifact."""

from __future__ import annotations

import html
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.context import FlowRunContext
from prefect.logging.handlers import APILogHandler
from prefect.states import Completed

from digitocr.errors import DigitocrError
from digitocr.inbox.events import counted, found
from digitocr.inbox.job import Job, Summary
from digitocr.store.records import Known

SKIPPED = "Skipped"
"""Name of the completed state of a run that found the inbox held by another."""

WITH_FAILURES = "With failures"
"""Name of the completed state of a run in which files failed; Prefect's automations can wait for it."""

TAG = "digitocr"
"""Of all runs of ours."""


def named(name: str, *tags: str) -> None:
    """Name the run that is under way, and tag it.

    Parameters
    ----------
    name : str
    *tags : str
        Beside those that it has, and our own.
    """
    run = _run()
    with get_client(sync_client=True) as client:
        client.update_flow_run(run.id, name=name, tags=sorted({*run.tags, TAG, *tags}))


@contextmanager
def logged() -> Iterator[None]:
    """Send the log of digitocr, and why it failed, to the run that is under way, from whichever thread it comes.

    Yields
    ------
    None
    """
    run, logger = str(_run().id), logging.getLogger("digitocr")
    handler, level = APILogHandler(logging.INFO), logger.level

    def of_run(record: logging.LogRecord) -> bool:
        record.flow_run_id = run  # threads of our own are outside of Prefect's context
        return True

    handler.addFilter(of_run)
    logger.addHandler(handler)
    logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))
    try:
        yield
    except Exception as error:  # terminals get it from the command that it ends
        trace = None if isinstance(error, DigitocrError) else sys.exc_info()
        handler.handle(logger.makeRecord(logger.name, logging.ERROR, "", 0, str(error), (), trace))
        raise
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def ended(summary: Summary, data: Any) -> State[Any]:  # noqa: ANN401
    """Return the last state of a run over a folder.

    Parameters
    ----------
    summary : Summary
    data : object
        What the flow returns.

    Returns
    -------
    State
        Completed, as a bad scan is no fault of the run; named `WITH_FAILURES` if files failed or were read in part.
    """
    return completed(said(summary), data, with_failures=bool(summary.exit_status))


def completed(message: str, data: Any, *, with_failures: bool) -> State[Any]:  # noqa: ANN401
    """Return a completed state.

    Parameters
    ----------
    message : str
    data : object
        What the flow returns.
    with_failures : bool
        Whether something failed, though the run as a whole did not.

    Returns
    -------
    State
        Named `WITH_FAILURES` if so.
    """
    return Completed(message=message, data=data, name=WITH_FAILURES if with_failures else "Completed")


def title(job: Job, summary: Summary) -> str:
    """Return the name of a run over a folder.

    Parameters
    ----------
    job : Job
    summary : Summary

    Returns
    -------
    str
    """
    settled = summary.files - summary.unchanged
    return f"{job.name}: {counted(settled, 'file')}" if settled else f"{job.name}: nothing new"


def said(summary: Summary) -> str:
    """Say how a run over a folder ended, in one line.

    Parameters
    ----------
    summary : Summary

    Returns
    -------
    str
    """
    if not summary.files:
        return "no files"
    numbers = f"; {found(summary.numbers, summary.review)}" if summary.numbers else ""
    return f"{counted(summary.files, 'file')}: {summary.outcomes}{numbers}"


def leave_artifact(job: Job, summary: Summary, worst: Iterable[Known]) -> None:
    """Leave an artifact that says how a run over a folder ended, unless it had nothing to do.

    Parameters
    ----------
    job : Job
    summary : Summary
    worst : iterable of Known
        The files that most need a person.
    """
    if summary.files == summary.unchanged and not summary.stuck:
        return
    create_markdown_artifact(markdown(job, summary, worst), key="summary", description=said(summary))


def markdown(job: Job, summary: Summary, worst: Iterable[Known]) -> str:
    """Say how a run over a folder ended, with links to the review page where its address is known.

    Parameters
    ----------
    job : Job
    summary : Summary
    worst : iterable of Known

    Returns
    -------
    str
        Markdown.
    """
    address = (job.settings.web_address or "").rstrip("/")

    def link(text: str, path: str, query: Mapping[str, str] | None = None) -> str:
        shown = escaped(text)
        return (
            f"[{shown}]({address}{path}{'?' if query else ''}{urlencode(query or {})})" if address else shown
        )

    places = {"Tables": job.settings.results, "review queue": job.settings.review}
    if job.is_inbox:
        places["failed files"] = job.settings.failed
    lines = [
        f"## {escaped(title(job, summary))}",
        f"{said(summary)}. {'; '.join(f'{name} in {escaped(str(path))}' for name, path in places.items())}.",
    ]
    if address:
        lines.append(" · ".join((link("Files", "/files"), link("Review", "/pages"), link("Overview", "/"))))
    lines.append(_table(("", ""), [(name, str(value)) for name, value in summary.as_dict().items()]))
    rows = [
        (link(k.file, "/files", {"text": k.file}), k.status, escaped(k.error), str(k.numbers), str(k.review))
        for k in worst
    ]
    if rows:
        lines += [
            "### Files that need a person",
            _table(("file", "status", "what happened", "numbers", "for review"), rows),
        ]
    return "\n\n".join(lines) + "\n"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *rows))


def escaped(text: str) -> str:
    """Write text so that Markdown shows it as it is: names of files come from anybody.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    flat = html.escape(" ".join(text.split()))
    return re.sub(r"([\\`*_{}\[\]()#+!|~<>-])", r"\\\1", flat)


def _run() -> Any:  # noqa: ANN401 (Prefect says that there may be none)
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise AssertionError("only in a flow")
    return context.flow_run
