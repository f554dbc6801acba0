"""What the second reader is worth: the crops read with it never, where unsure, always, and with its files missing.

``python -m benchmarks.second_reader [--sets cheques,cells] [--report DOCS]``. All modes read in one process and on one
thread. The report is the picture of how many of the surest answers are wrong, by family, with and without it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from benchmarks.accuracy import mean_of_families
from benchmarks.report import rated
from benchmarks.scoring import Scored
from benchmarks.sets import POOLED, data_folder, read_here
from benchmarks.tables import markdown, per_cent
from digitocr.networks.card import read_card, shipped_model
from digitocr.networks.runtime import compiled_file
from digitocr.pipeline import Reader, load_reader
from digitocr.records import ReadOptions, SecondReading
from digitocr.training.extras.figures import as_png, new_figure

MISSING = "missing"
"""The mode in which the files of the second reader are not there."""

CROPS = (*POOLED, "old_fields")


def reader_of(mode: str, folder: Path) -> Reader:
    """Load the shipped model to read in a mode.

    Parameters
    ----------
    mode : str
        A value of `SecondReading`, or `MISSING`.
    folder : Path
        Empty; for a copy of the model without its second reader.

    Returns
    -------
    Reader
    """
    if mode != MISSING:
        return load_reader(None, ReadOptions(second_reader=SecondReading(mode)), 1)
    model = shipped_model()
    lines = model.with_name(read_card(model).line_reader)
    for path in (model, model.with_suffix(".json"), compiled_file(model), lines, compiled_file(lines)):
        shutil.copy(path, folder)
    return load_reader(folder / model.name, ReadOptions(), 1)


def curves(found: Mapping[str, Mapping[str, Scored]]) -> bytes:
    """Draw the share wrong among the surest answers of each family, with and without the second reader.

    Parameters
    ----------
    found : mapping of str to mapping of str to Scored
        By mode and set.

    Returns
    -------
    bytes
        PNG.
    """
    families = [(name, family) for name, one in found["always"].items() for family in one.families()]
    columns = 3
    figure = new_figure(9.6, 2.6 * -(-len(families) // columns))
    for axes, (name, family) in zip(
        figure.subplots(-(-len(families) // columns), columns).ravel(), families, strict=False
    ):
        for mode, colour in (("never", "#e69f00"), ("always", "#0072b2")):
            pairs = rated(found[mode][name].families()[family].answers)
            taken = np.arange(1, len(pairs) + 1)
            axes.plot(
                100 * taken / max(1, len(pairs)),
                100 * np.cumsum(1 - pairs[:, 1]) / taken,
                color=colour,
                label=mode,
            )
        axes.set(title=f"{name}: {family}" if len(found["always"][name].families()) > 1 else name)
        axes.set(xlim=(0, 100), ylim=(0, None), xlabel="accepted, the surest first (%)", ylabel="wrong (%)")
        axes.grid(alpha=0.3)
        axes.legend()
    return as_png(figure)


def line_of(mode: str, name: str, scored: Scored, ms: float | None) -> list[str]:
    """Lay out the figures of a set in a mode.

    Parameters
    ----------
    mode, name : str
    scored : Scored
    ms : float or None
        Milliseconds an image.

    Returns
    -------
    list of str
    """
    got, families = scored.figures(), scored.families()
    mean = mean_of_families(families)["exact"] if len(families) > 1 else None
    return [
        mode,
        name,
        per_cent(got.exact.value),
        per_cent(mean),
        per_cent(got.whole.value),
        per_cent(got.accepted.value),
        f"{per_cent(got.wrong.value)} ({got.wrong.hits} of {got.wrong.total})",
        per_cent(got.ece),
        "" if ms is None else f"{ms:.1f}",
    ]


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.second_reader", description=__doc__)
    parser.add_argument("--sets", default=",".join(CROPS), help="names of sets, separated by commas")
    parser.add_argument("--report", type=Path, metavar="DOCS", help="write the picture into this folder")
    arguments = parser.parse_args(argv)
    cv2.setNumThreads(1)
    lines = [["second reader", "set", "exact", "of families", "whole", "accepted", "wrong", "ECE", "ms"]]
    found: dict[str, dict[str, Scored]] = {}
    for mode in (*SecondReading, MISSING):
        with tempfile.TemporaryDirectory() as folder:
            reader = reader_of(mode, Path(folder))
            found[mode] = {}
            for name in arguments.sets.split(","):
                scored, ms = read_here(reader, data_folder() / name)
                found[mode][name] = scored
                lines.append(line_of(mode, name, scored, ms))
                print(" | ".join(lines[-1]), file=sys.stderr)
        pooled = [one.filled() for name, one in found[mode].items() if name in POOLED]
        if pooled:
            lines.append(
                line_of(mode, "pooled", Scored(tuple(a for one in pooled for a in one.answers)), None)
            )
    print(markdown(lines))
    if arguments.report:
        (arguments.report / "images" / "second-reader.png").write_bytes(curves(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
