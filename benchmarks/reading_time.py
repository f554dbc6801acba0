"""How long reading takes without the rest of the program: ``python -m benchmarks.reading_time FOLDER``.

It prints the milliseconds an image of the folder takes, read in batches on one thread.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from digitocr.pipeline import load_reader
from digitocr.records import Source

BATCH = 500
WARM = 5


def main(folder: Path) -> None:
    """Run the command."""
    sources = [Source(path, path.name) for path in sorted(folder.iterdir())]
    reader = load_reader(threads=1)
    reader.read(sources[:WARM])
    started = time.perf_counter()
    for i in range(0, len(sources), BATCH):
        reader.read(sources[i : i + BATCH])
    print(1000 * (time.perf_counter() - started) / len(sources))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
