"""The model loaded in the background, once for each process, while other things get ready."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import cache
from pathlib import Path

from digitocr.pipeline import Reader, load_reader
from digitocr.records import ReadOptions
from digitocr.settings import Settings


def reader_of(settings: Settings) -> Future[Reader]:
    """Begin to load what reads with these settings, or return what was begun before."""
    options = ReadOptions(settings.threshold, settings.batch_size)
    return _load(settings.model, options, settings.jobs)


@cache
def _load(model: Path | None, options: ReadOptions, threads: int) -> Future[Reader]:
    future: Future[Reader] = Future()

    def load() -> None:
        try:
            import cv2

            # chunks are read side by side: OpenCV's own threads on top would fight them for the cores
            cv2.setNumThreads(1)
            future.set_result(load_reader(model, options, threads))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=load, name="load-reader", daemon=True).start()
    return future
