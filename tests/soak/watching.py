"""The real watcher with a table-driven reader; every reading is noted in `reads.log`. Run by the tests beside it."""

import os
import sys
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from fake_reader import FakeReader

from digitocr.inbox import reading
from flows import process_folder, watch_inbox


class Noting(FakeReader):
    def _read(self, source):
        with Path("reads.log").open("a") as log:
            log.write(f"{os.getpid()} {source.file}\n")
        self.seen.clear()
        return super()._read(source)


if __name__ == "__main__":
    reading.chunk_reader = lambda settings: partial(
        reading.read_together, Noting(), annotated=settings.annotate
    )
    which = {"watch": watch_inbox, "process": process_folder}[sys.argv.pop(1)]
    which.app()
