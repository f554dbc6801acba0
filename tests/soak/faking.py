"""The real command with a reader whose results stand in the files. Run by the tests beside it."""

import sys
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from fake_reader import FakeReader

from digitocr.inbox import reading
from flows import process_folder

if __name__ == "__main__":
    reading.chunk_reader = lambda settings, pictures=None: partial(
        reading.read_together, FakeReader(), annotated=settings.annotate
    )
    process_folder.app()
