"""What each part of the reading path is worth: ``python -m benchmarks.ablation [--sets cheques,cells]``.

The command disables one part at a time and reads all sets again, in one process and on one thread. It prints how many
points of exact answers that costs on each half, and the time of an image. Accepted answers are not compared: the
confidences stay as they were fitted for the whole path.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

from benchmarks.scoring import Scored
from benchmarks.sets import SETS, data_folder, read_here
from benchmarks.tables import markdown
from benchmarks.truth import Half
from digitocr.networks.classifier import Classifier
from digitocr.pipeline import Reader, load_reader


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A part of the reading path, and how it is disabled.

    Attributes
    ----------
    name : str
    change : callable
        Makes a reader without it.
    replaced : tuple of (str, object)
        Names of functions and values within ``digitocr``, each with its substitute. A function is named where it is
        looked up: the module that imports it, not the one that defines it.
    """

    name: str
    change: Callable[[Reader], Reader] = lambda reader: reader
    replaced: tuple[tuple[str, Any], ...] = ()


def _with_card(**fields: Any) -> Callable[[Reader], Reader]:  # noqa: ANN401
    def change(reader: Reader) -> Reader:
        card = dataclasses.replace(reader.card, **fields)
        return dataclasses.replace(reader, classifier=Classifier(card, reader.classifier._call))

    return change


def _with_cuts(**fields: Any) -> Callable[[Reader], Reader]:  # noqa: ANN401
    def change(reader: Reader) -> Reader:
        imaging = reader.parameters.imaging
        cuts = dataclasses.replace(imaging.cuts, **fields)
        parameters = dataclasses.replace(reader.parameters, imaging=dataclasses.replace(imaging, cuts=cuts))
        return dataclasses.replace(reader, parameters=parameters)

    return change


PARTS = (
    Part("nothing"),
    Part("second reader", lambda reader: dataclasses.replace(reader, second_reader=None)),
    Part("line reader", lambda reader: dataclasses.replace(reader, line_reader=None)),
    Part("texts proposed for a line", _with_card(text_weights=())),
    Part("size and place of candidates", _with_card(geometry=(), line_weights=(), text_weights=())),
    Part(
        "all cuts",
        replaced=(("imaging.segment.cut_columns", lambda part, scale, p: np.zeros((0, len(part)), np.intp)),),
    ),
    Part("seams, straight cuts instead", _with_cuts(wide_heights=99.0)),
    Part(
        "whole components settled first",
        replaced=(
            (
                "recognition.scoring._settled",
                lambda line, whole, logs, p: np.zeros(len(line.candidates), np.bool_),
            ),
        ),
    ),
    Part("slant taken out", replaced=(("imaging.segment._slant", lambda labels, p: 0.0),)),
    Part("strays joined to rows", replaced=(("imaging.segment.with_strays", lambda rows, boxes, p: rows),)),
    Part("rows of print left out", replaced=(("imaging.segment.is_print", lambda boxes, shape, p: False),)),
    Part(
        "other ways up",
        replaced=(
            (
                "recognition.orientation._worth_trying",
                lambda reads, log_probabilities, p: [[] for _ in reads],
            ),
        ),
    ),
    Part("paper cut out of photos", replaced=(("imaging.geometry.paper_corners", lambda grey, p: None),)),
    Part("skew taken out", replaced=(("imaging.geometry.skew_deg", lambda ink, p: 0.0),)),
    Part(
        "rulings painted out",
        replaced=(("imaging.rulings.on_page", lambda ink, length, p, straight_lines: None),),
    ),
    Part(
        "rows parted by lines of tables",
        replaced=(("imaging.rulings.upright", lambda even, length, p: None),),
    ),
    Part(
        "faint patterns left out",
        replaced=(("imaging.clean.without_faint", lambda even, ink, found, p: ink),),
    ),
    Part("light evened out", replaced=(("imaging.binarize.even_light", lambda grey, p: grey),)),
)


def without(part: Part, reader: Reader, folders: Sequence[Path]) -> list[tuple[Scored, float]]:
    """Read all sets with a part disabled.

    Parameters
    ----------
    part : Part
    reader : Reader
    folders : sequence of Path
        Sets.

    Returns
    -------
    list of (Scored, float)
        Answers, and milliseconds an image.
    """
    with ExitStack() as stack:
        for name, value in part.replaced:
            stack.enter_context(patch(f"digitocr.{name}", value))
        return [read_here(part.change(reader), folder) for folder in folders]


def _cells(found: Sequence[Scored], whole: Sequence[Scored]) -> list[str]:
    out = []
    for one, other in zip(found, whole, strict=True):
        shares = [
            (s.half(half).figures().exact.value or 0.0) * 100
            for s in (one, other)
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
    parser.add_argument("--sets", default=",".join(SETS), help="names of sets, separated by commas")
    names = parser.parse_args(argv).sets.split(",")
    cv2.setNumThreads(1)
    reader = load_reader(threads=1)
    folders = [data_folder() / name for name in names]
    lines = [["without", *(f"{name}, look / count" for name in names), f"ms an image of {names[0]}"]]
    whole: list[Scored] = []
    for part in PARTS:
        found, ms = zip(*without(part, reader, folders), strict=True)
        whole = whole or list(found)
        lines.append([part.name, *_cells(found, whole), f"{ms[0]:.1f}"])
        print(" | ".join(lines[-1]), file=sys.stderr)
    print(markdown(lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
