"""Drawn numbers of writers kept out of training: how many are read, accepted, and wrong among the accepted.

``python -m benchmarks.unseen [--digits 3000] [--answers 20000]``; it needs the stroke archives of ``DIGITOCR_DATA``.
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

from benchmarks.drawn import draw_digit
from benchmarks.scoring import Share
from benchmarks.sets import data_folder
from digitocr.pipeline import Reader, load_reader
from digitocr.records import Source, Status
from digitocr.training.synth.cells import cell, form_field
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.lines import line
from digitocr.training.synth.stroke_archives import load_archive
from digitocr.training.synth.strokes import Random, Sources

ARCHIVES = ("unipen_digits", "pendigits")
KINDS, SHARES = (line, form_field, cell), (0.6, 0.25, 0.15)
WORST = 1.5
"""The worst damage; 0 is none, 1 the usual wear."""

AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a drawing.

    Attributes
    ----------
    damage : float
    right : bool
        All its digits were read, and no others.
    accepted : bool
        It was read, and nobody is asked about it.
    """

    damage: float
    right: bool
    accepted: bool


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unseen", description=__doc__)
    parser.add_argument("--digits", type=int, default=3000, help="single digits of each archive")
    parser.add_argument("--answers", type=int, default=20_000, help="numbers, fields and cells of both")
    args = parser.parse_args(argv)
    folder = data_folder()
    reader = load_reader()
    both = [load_archive(folder / f"{name}.npz", held_out=True) for name in ARCHIVES]
    for archive in both:
        found = list(_outcomes(reader, args.digits, Sources((archive,)), _digit))
        _say(f"single digits, {archive.name}", found)
    found = list(_outcomes(reader, args.answers, Sources(tuple(both), (0.5, 0.5)), _answer))
    _say("answers", found)
    for low in np.arange(0, WORST, WORST / 3):
        high = low + WORST / 3
        _say(f"  damage {low:.1f} to {high:.1f}", [one for one in found if low <= one.damage < high])
    return 0


def _digit(rng: Random, sources: Sources, _: float) -> Drawing:
    return draw_digit(rng, sources)


def _answer(rng: Random, sources: Sources, damage: float) -> Drawing:
    kind = KINDS[int(rng.choice(len(KINDS), p=SHARES))]
    return kind(rng, sources, damage=damage)


def _outcomes(
    reader: Reader, count: int, sources: Sources, draw: Callable[[Random, Sources, float], Drawing]
) -> Iterator[Outcome]:
    for first in range(0, count, AT_ONCE):
        rngs = [np.random.default_rng((2026, i)) for i in range(first, min(first + AT_ONCE, count))]
        damages = [float(rng.uniform(0, WORST)) for rng in rngs]
        drawn = [draw(rng, sources, damage) for rng, damage in zip(rngs, damages, strict=True)]
        yield from _read(reader, drawn, damages)


def _read(reader: Reader, drawn: Sequence[Drawing], damages: Sequence[float]) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.png" for i in range(len(drawn))]
        for path, drawing in zip(paths, drawn, strict=True):
            cv2.imwrite(str(path), drawing.image)
        readings = reader.read([Source(path, path.name) for path in paths])
    for reading, drawing, damage in zip(readings, drawn, damages, strict=True):
        numbers = [number for page in reading.result.pages for number in page.numbers]
        accepted = bool(numbers) and all(number.status is Status.ACCEPTED for number in numbers)
        yield Outcome(damage, "".join(number.text for number in numbers) == drawing.text, accepted)


def _say(name: str, found: Sequence[Outcome]) -> None:
    taken = [one for one in found if one.accepted]
    right, wrong = (
        Share(sum(o.right for o in found), len(found)),
        Share(sum(not o.right for o in taken), len(taken)),
    )
    sys.stdout.write(
        f"{name}: {len(found)}, right {right}, accepted {Share(len(taken), len(found))}, "
        f"wrong of these {wrong}\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
