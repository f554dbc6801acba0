"""The real watcher with a table-driven reader, run by the tests beside it.

Every reading is noted in `reads.log`, and takes as long as the variable SECONDS_A_FILE says.
"""

import os
import sys
import time
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from fake_reader import FakeReader

from digitocr.inbox import reading


class Noting(FakeReader):
    def _read(self, source):
        with Path("reads.log").open("a") as log:
            log.write(f"{os.getpid()} {source.file}\n")
        self.seen.clear()
        time.sleep(float(os.environ.get("SECONDS_A_FILE", "0")))
        return super()._read(source)


if __name__ == "__main__":  # processes that read need none of this
    from flows import process_folder, watch_inbox

    reading.chunk_reader = lambda settings, pictures=None: partial(
        reading.read_together, Noting(), annotated=settings.annotate
    )
    which = {"watch": watch_inbox, "process": process_folder}[sys.argv.pop(1)]
    which.app()
