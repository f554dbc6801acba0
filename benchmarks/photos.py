"""Drawn photos and pages in hands kept out of training: what becomes of each number on them.

``python -m benchmarks.photos [--photos 200] [--pages 20]``; it needs the stroke archives of ``DIGITOCR_DATA``. A number
is lost if nothing at all was read in its place; one that waits for review is neither accepted nor wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.scoring import Share
from benchmarks.sets import data_folder
from digitocr.pipeline import Reader, load_reader
from digitocr.records import Box, Number, Source, Status
from digitocr.training.datasets.corpus import drawn_page, drawn_photo
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.stroke_archives import sources_at
from digitocr.training.synth.strokes import Random, Sources

SHARED = 0.3
"""Boxes that share this much of the smaller width and of the smaller height belong to the same ink."""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a drawing.

    Attributes
    ----------
    numbers, right, lost : int
        Written on it; read to the digit; with nothing read in their place.
    accepted, wrong : int
        Numbers accepted; those of them that are not written there.
    """

    numbers: int
    right: int
    lost: int
    accepted: int
    wrong: int


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photos", description=__doc__)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--pages", type=int, default=20)
    args = parser.parse_args(argv)
    sources = sources_at(data_folder(), held_out=True)
    reader = load_reader()
    for name, count, draw in (("photos", args.photos, drawn_photo), ("pages", args.pages, drawn_page)):
        _say(f"{count} {name}", list(_outcomes(reader, count, sources, draw)))
    return 0


def _outcomes(
    reader: Reader, count: int, sources: Sources, draw: Callable[[Random, Sources], Drawing]
) -> Iterator[Found]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.png"
        for i in range(count):
            drawing = draw(np.random.default_rng((2027, i)), sources)
            cv2.imwrite(str(path), drawing.image)
            (reading,) = reader.read([Source(path, path.name)])
            yield _found(drawing, [number for page in reading.result.pages for number in page.numbers])


def _found(drawing: Drawing, read: Sequence[Number]) -> Found:
    written = [number for number in drawing.numbers if number.text]
    on = [[_is_same(number.box, one.box) for one in written] for number in read]
    hits = [
        any(same and number.text == one.text for same, one in zip(row, written, strict=True))
        for number, row in zip(read, on, strict=True)
    ]
    accepted = [number.status is Status.ACCEPTED for number in read]
    return Found(
        len(written),
        sum(hits),
        sum(not any(row[k] for row in on) for k in range(len(written))),
        sum(accepted),
        sum(taken and not hit for taken, hit in zip(accepted, hits, strict=True)),
    )


def _is_same(a: Box, b: Box) -> bool:
    width = min(a.right, b.right) - max(a.x, b.x)
    height = min(a.bottom, b.bottom) - max(a.y, b.y)
    return width > SHARED * min(a.width, b.width) and height > SHARED * min(a.height, b.height)


def _say(name: str, found: Sequence[Found]) -> None:
    written = sum(one.numbers for one in found)
    accepted, wrong = sum(one.accepted for one in found), sum(one.wrong for one in found)
    shares = {
        "right": Share(sum(one.right for one in found), written),
        "lost": Share(sum(one.lost for one in found), written),
        "wrong of those accepted": Share(wrong, accepted),
    }
    listed = (f"{key} {share}" for key, share in shares.items())
    sys.stdout.write(f"{name}: {written} numbers, {accepted} accepted, {', '.join(listed)}\n")


if __name__ == "__main__":
    raise SystemExit(main())
