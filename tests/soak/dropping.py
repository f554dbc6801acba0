"""Writes files into an inbox as scanners, mail programs and network copies do.

python dropping.py INBOX WRITER FILES
"""

import random
import sys
import time
from pathlib import Path


def drop(inbox, writer, files, seconds=0.002):
    rng = random.Random(writer)
    for i in range(files):
        folder = inbox / f"w{writer}" if writer % 2 else inbox
        folder.mkdir(exist_ok=True)
        path = folder / f"{writer}-{i:05}.jpg"
        text = f"{writer}{i:05} {i % 97}{'?' if i % 10 == 0 else ''}"
        way = rng.random()
        if way < 0.05:  # slowly, in pieces, under its final name
            with path.open("w") as stream:
                for sign in text:
                    stream.write(sign)
                    stream.flush()
                    time.sleep(0.02)
        elif way < 0.3:  # under another name first
            partial = path.with_name(f"{path.name}.part")
            partial.write_text(text)
            partial.rename(path)
        else:
            path.write_text(text)
        time.sleep(seconds)


if __name__ == "__main__":
    drop(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
