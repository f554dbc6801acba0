"""The model loaded in the background, once for each process, while other things get ready."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path

from digitocr.forms.template import Template, load_folder
from digitocr.networks.registry import model_in_use
from digitocr.networks.runtime import STDERR, unheard
from digitocr.pipeline import Reader, load_reader
from digitocr.records import ReadOptions
from digitocr.settings import Settings


def reader_of(settings: Settings) -> Future[Reader]:
    """Begin to load what reads with these settings, or return what was begun before."""
    options = ReadOptions(settings.threshold, settings.batch_size, settings.limits)
    templates = load_folder(settings.templates) if settings.templates else ()
    return _load(model_in_use(settings), options, templates)


@cache
def _load(model: Path | None, options: ReadOptions, templates: tuple[Template, ...]) -> Future[Reader]:
    future: Future[Reader] = Future()

    def load() -> None:
        try:
            import cv2

            # chunks are read side by side: more threads in each would fight them for the cores
            cv2.setNumThreads(1)
            with native_silence():
                reader = load_reader(model, options, 1, templates)
            # what was imported stays: going over it again and again costs a part of the reading
            gc.freeze()
            future.set_result(reader)
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=load, name="load-reader", daemon=True).start()
    return future


@contextmanager
def native_silence() -> Iterator[None]:
    """Keep what libraries say from C++ while they load off the terminal, for which they have no setting.

    Only where :func:`digitocr.cli.console.set_up` has given Python's own messages another way there.
    """
    try:
        shared = sys.stderr is None or sys.stderr.fileno() == STDERR
    except (OSError, ValueError):  # not a file: a notebook's, a test's
        shared = True
    with nullcontext() if shared else unheard():
        yield
