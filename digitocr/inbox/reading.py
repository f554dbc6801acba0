"""Reading a chunk of files: from paths to results and pictures, without ledger, tables or folders."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from digitocr.errors import DigitocrError
from digitocr.records import FileResult, FileStatus, Page, PageResult, Reading, Shown, Source
from digitocr.results.publish import FAULT

log = logging.getLogger(__name__)


class Reads(Protocol):
    """What reads files; :class:`digitocr.pipeline.Reader` does."""

    def read(
        self, sources: Sequence[Source], show: Callable[[Page, PageResult], Shown] | None = None
    ) -> list[Reading]:
        """Read files, their candidates in one batch; a file that fails is a result, never an exception."""


def read_chunk(reader: Reads, sources: Sequence[Source], *, annotated: bool) -> list[Reading]:
    """Read files together; if that raises, each by itself, so that one bad file is one failure.

    Parameters
    ----------
    reader : Reads
    sources : sequence of Source
    annotated : bool
        Also draw what was read on each page.

    Returns
    -------
    list of Reading
        One per source, in order.

    Raises
    ------
    DigitocrError
        If reading cannot go on at all, for example because the model is damaged.
    """
    from digitocr.results import (
        pictures,  # imports OpenCV, which a run without anything to read does not need
    )

    try:
        return reader.read(sources, partial(pictures.show, annotated=annotated))
    except DigitocrError:
        raise
    except Exception as error:  # a fault of ours or of a library, met by one file among many
        if len(sources) == 1:
            log.debug("%s", sources[0].file, exc_info=True)
            return [_fault(sources[0], error)]
    return [one for source in sources for one in read_chunk(reader, [source], annotated=annotated)]


def _fault(source: Source, error: Exception) -> Reading:
    message = f"the program failed on it: {type(error).__name__}: {error}"
    return Reading(FileResult(source.file, "", status=FileStatus.FAILED, error=message, error_code=FAULT))
