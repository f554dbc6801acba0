"""Reading a chunk of files: from paths to results and pictures, without ledger, tables or folders.

:func:`read_chunk` depends on nothing but its arguments, which can be pickled: any process can do it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from digitocr import pipeline
from digitocr.errors import DigitocrError, InputError, MemoryLimitError
from digitocr.forms.template import Template
from digitocr.forms.template_file import load_folder
from digitocr.networks.registry import model_in_use
from digitocr.records import (
    FileResult,
    FileStatus,
    Limits,
    Page,
    PageResult,
    Reading,
    ReadOptions,
    Shown,
    Source,
)
from digitocr.results import picture_file
from digitocr.results.publish import FAULT
from digitocr.settings import Settings

log = logging.getLogger(__name__)

_NO_MEMORY = re.compile("bad_alloc|failed to allocate|insufficient memory", re.IGNORECASE)
"""How C++ libraries say that there is no more memory, in errors of their own classes."""

Read = Callable[[Sequence[Source]], list[Reading]]
"""Reads a chunk of files; given no files, it only loads the model."""


class Reads(Protocol):
    """What reads files; :class:`digitocr.pipeline.Reader` does."""

    def read(
        self, sources: Sequence[Source], show: Callable[[Page, PageResult], Shown] | None = None
    ) -> list[Reading]:
        """Read files, their candidates in one batch; a file that fails is a result, never an exception."""


def chunk_reader(settings: Settings, pictures: Path | None = None) -> Read:
    """Return :func:`read_chunk` with what these settings ask for.

    Parameters
    ----------
    settings : Settings
    pictures : Path, optional
        A folder of this machine where the pictures of each page wait; without one, they stay in memory.

    Returns
    -------
    callable
        Can be pickled.

    Raises
    ------
    TemplateError
        If a template cannot be used.
    """
    model, templates = model_in_use(settings), settings.templates
    return partial(  # a worker of a cluster has another working folder
        read_chunk,
        model=model.resolve() if model else None,
        options=settings.options,
        templates=load_folder(templates.resolve()) if templates else (),
        annotated=settings.annotate,
        pictures=pictures,
    )


def read_chunk(
    sources: Sequence[Source],
    *,
    model: Path | None,
    options: ReadOptions,
    templates: tuple[Template, ...],
    annotated: bool,
    pictures: Path | None = None,
) -> list[Reading]:
    """Read files with a model that is loaded once a process.

    Parameters
    ----------
    sources : sequence of Source
    model : Path or None
        The shipped one if None.
    options : ReadOptions
    templates : tuple of Template
    annotated : bool
        Also draw what was read on each page.
    pictures : Path, optional
        As for :func:`read_together`.

    Returns
    -------
    list of Reading
        One per source, in order.

    Raises
    ------
    DigitocrError
        If reading cannot go on at all, for example because the model is damaged.
    """
    reader = pipeline.loading(model, options, templates).result()
    most = options.limits.crops
    return read_together(reader, sources, annotated=annotated, max_crops=most, pictures=pictures)


def read_together(
    reader: Reads,
    sources: Sequence[Source],
    *,
    annotated: bool,
    max_crops: int = Limits().crops,
    pictures: Path | None = None,
) -> list[Reading]:
    """Read files together; if that raises, each by itself, so that one bad file is one failure.

    Parameters
    ----------
    reader : Reads
    sources : sequence of Source
    annotated : bool
        Also draw what was read on each page.
    max_crops : int
        Most bytes of the pictures for review of a page.
    pictures : Path, optional
        A folder of this machine where the pictures of each page wait; without one, they stay in memory.

    Returns
    -------
    list of Reading
        One per source, in order.

    Raises
    ------
    DigitocrError
        If reading cannot go on at all.
    """
    # imports OpenCV, which a run without anything to read does not need
    from digitocr.results.pictures import show

    def put_down(page: Page, read: PageResult) -> Shown:
        shown = show(page, read, annotated=annotated, max_crops=max_crops)
        return shown if pictures is None else picture_file.put_down(shown, pictures)

    try:
        return reader.read(sources, put_down)
    except DigitocrError:
        raise
    except Exception as error:  # a fault of ours or of a library, met by one file among many
        if len(sources) == 1:
            log.debug("%s", sources[0].file, exc_info=True)
            return [_fault(sources[0], error)]
    alone = partial(read_together, reader, annotated=annotated, max_crops=max_crops, pictures=pictures)
    return [one for source in sources for one in alone([source])]


def _fault(source: Source, error: Exception) -> Reading:
    if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
        return failed(source, MemoryLimitError("reading it takes more memory than there is"))
    message = f"the program failed on it: {type(error).__name__}: {error}"
    return Reading(FileResult(source.file, "", status=FileStatus.FAILED, error=message, error_code=FAULT))


def failed(source: Source, error: InputError) -> Reading:
    """Return the reading of a file that cannot be opened.

    Parameters
    ----------
    source : Source
    error : InputError

    Returns
    -------
    Reading
    """
    return Reading(
        FileResult(source.file, "", status=FileStatus.FAILED, error=str(error), error_code=error.code)
    )
