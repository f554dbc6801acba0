"""What each part of the reading path is worth: ``python -m benchmarks.ablation [--sets cheques,cells]``.

Every part is put out of use in turn and all sets are read again, in one process and on one thread; printed is how many
points of exact answers it costs on both halves, and the time of an image. Confidences stay as they were fitted for
the whole path, so that what is accepted is not compared.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

from benchmarks.accuracy import Measured, data_folder, markdown
from benchmarks.scoring import Half, Results, read_truth
from digitocr.networks.classifier import Classifier
from digitocr.pipeline import Reader, load_reader
from digitocr.records import Source
from digitocr.results.tables import write_tables

SETS = ("cheques", "form_fields", "cells", "photos", "forms")
AT_ONCE = {"photos": 1, "forms": 1}
"""Images read together, 32 where nothing is said."""


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A part of the reading path, and how it is put out of use.

    Attributes
    ----------
    name : str
    change : callable
        Makes a reader without it.
    replaced : tuple
        Names of functions and values, each with what stands in for it.
    """

    name: str
    change: Callable[[Reader], Reader] = lambda reader: reader
    replaced: tuple[tuple[str, Any], ...] = ()


def _with_card(**fields: Any) -> Callable[[Reader], Reader]:  # noqa: ANN401
    def change(reader: Reader) -> Reader:
        card = dataclasses.replace(reader.card, **fields)
        return dataclasses.replace(reader, classifier=Classifier(card, reader.classifier._call))

    return change


PARTS = (
    Part("nothing"),
    Part("line reader", lambda reader: dataclasses.replace(reader, line_reader=None)),
    Part("texts proposed for a line", _with_card(text_weights=())),
    Part("size and place of candidates", _with_card(geometry=(), line_weights=(), text_weights=())),
    Part(
        "all cuts",
        replaced=(("imaging.segment.cut_columns", lambda part, scale: np.zeros((0, len(part)), np.intp)),),
    ),
    Part("seams, straight cuts instead", replaced=(("imaging.segment.WIDE", 99.0),)),
    Part("whole components settled first", replaced=(("recognition.scoring.SURE", 1.0),)),
    Part("slant taken out", replaced=(("imaging.segment._slant", lambda labels: 0.0),)),
    Part("strays joined to rows", replaced=(("imaging.segment.with_strays", lambda rows, boxes: rows),)),
    Part("rows of print left out", replaced=(("imaging.segment.is_print", lambda boxes: False),)),
    Part(
        "other ways up", replaced=(("pipeline.Reader._worth_trying", lambda _, reads: [[] for _ in reads]),)
    ),
    Part("paper cut out of photos", replaced=(("imaging.clean.paper_corners", lambda grey: None),)),
    Part("skew taken out", replaced=(("imaging.clean.skew_deg", lambda ink: 0.0),)),
    Part("rulings painted out", replaced=(("imaging.rulings.find", lambda ink, length: None),)),
    Part(
        "rows parted by lines of tables", replaced=(("imaging.rulings.upright", lambda even, length: None),)
    ),
    Part("faint patterns left out", replaced=(("imaging.clean.without_faint", lambda even, ink: ink),)),
    Part("light evened out", replaced=(("imaging.clean.even_light", lambda grey: grey),)),
)


def measure(reader: Reader, folder: Path) -> Measured:
    """Read a set in this process."""
    images = sorted((folder / "images").iterdir())
    at_once = AT_ONCE.get(folder.name, 32)
    started = time.process_time()
    parts = (images[i : i + at_once] for i in range(0, len(images), at_once))
    readings = [r for part in parts for r in reader.read([Source(path, path.name) for path in part])]
    ms = 1000 * (time.process_time() - started) / len(images)
    with tempfile.TemporaryDirectory() as work:
        for reading in readings:
            write_tables(Path(work), reading.result, reading.result.file)
        rows = "".join(f"{r.result.file},{r.result.status}\n" for r in readings)
        (Path(work) / "files.csv").write_text("file,status\n" + rows, encoding="utf-8")
        results = Results(Path(work))
        truths = read_truth(folder)
        answers, outside = [results.answer(truth) for truth in truths], list(results.outside(truths))
    return Measured(answers, outside, len(images), ms)


def without(part: Part, reader: Reader, folders: Sequence[Path]) -> list[Measured]:
    """Read all sets with a part out of use."""
    with ExitStack() as stack:
        for name, value in part.replaced:
            stack.enter_context(patch(f"digitocr.{name}", value))
        return [measure(part.change(reader), folder) for folder in folders]


def _cells(found: Sequence[Measured], whole: Sequence[Measured]) -> list[str]:
    out = []
    for one, other in zip(found, whole, strict=True):
        shares = [
            (m.half(half).figures().exact.value or 0.0) * 100
            for m in (one, other)
            for half in (Half.LOOK, Half.COUNT)
        ]
        if one is other:
            out.append(f"{shares[0]:.1f} / {shares[1]:.1f}")
        else:
            out.append(f"{shares[0] - shares[2]:+.1f} / {shares[1] - shares[3]:+.1f}")
    return out


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__)
    parser.add_argument("--sets", default=",".join(SETS), help="names of sets, with commas")
    names = parser.parse_args(argv).sets.split(",")
    cv2.setNumThreads(1)
    reader = load_reader(threads=1)
    folders = [data_folder() / name for name in names]
    lines = [
        [
            "without",
            *(f"{name}, look / count" for name in names),
            "ms a cheque" if names[0] == "cheques" else "ms",
        ]
    ]
    whole: list[Measured] = []
    for part in PARTS:
        found = without(part, reader, folders)
        whole = whole or found
        lines.append([part.name, *_cells(found, whole), f"{found[0].ms:.1f}"])
        print(" | ".join(lines[-1]), file=sys.stderr)
    print(markdown(lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
