"""How well real handwriting is read: the real command on every set of ``DIGITOCR_DATA``, one table per half.

``python -m benchmarks.accuracy [--sets a,b] [--json FILE] [--report DOCS]``. Below each set stand its families (paper
of one source) and their mean. The errors of the looking half are drawn into ``benchmarks/out/``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contact_sheets import draw_errors
from benchmarks.isolated import DIGIT_SETS, read_isolated
from benchmarks.processes import on_one_core, own_environment
from benchmarks.report import write_report
from benchmarks.scoring import Figures, Results, Scored, Share, scored
from benchmarks.sets import OUT, POOLED, SETS, data_folder
from benchmarks.tables import markdown, per_cent, with_interval
from benchmarks.truth import Half, in_mean

HALVES = {"look": Half.LOOK, "count": Half.COUNT, "all": None}
"""The tables that are printed, by their titles."""

MEANS = ("exact", "whole", "accepted", "wrong", "silent", "missing")
"""Figures of which the mean over families is taken."""


@dataclass(frozen=True, slots=True)
class Others:
    """What another reader reaches on a whole set.

    Attributes
    ----------
    exact : float
    der, der_mean : float or None
        None where it was not measured.
    ms : float or None
        Milliseconds an image on one thread.
    """

    exact: float
    der: float | None = None
    der_mean: float | None = None
    ms: float | None = None


OTHERS_NAME = "RapidOCR 3.10"
OTHERS = {
    "cheques": Others(0.861, 0.041, ms=11.0),
    "form_fields": Others(0.622, 0.311, ms=10.6),
    "form_fields2": Others(0.852, 0.118),
    "cells": Others(0.975, 0.027, ms=10.8),
    "forms": Others(0.385, ms=5900.0),
    "forms2": Others(0.640, ms=2400.0),
    "photos": Others(0.412, 0.195, 0.235, 419.0),
    "old_fields": Others(0.448, 0.284),
}
"""The strongest open reader found (PP-OCRv6 small, decoded to digits only; pages by its own detector)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A set as the command reads it.

    Attributes
    ----------
    scored : Scored
    files : int
    ms : float
        Reading time of an image of the set, one thread, without the start and the tables.
    """

    scored: Scored
    files: int
    ms: float

    def half(self, half: Half | None) -> Measured:
        """Return one half, or all; the time stays that of the set.

        Parameters
        ----------
        half : Half or None

        Returns
        -------
        Measured
        """
        return dataclasses.replace(self, scored=self.scored.half(half))


def read_set(images: Path, work: Path) -> Results:
    """Read a folder of images with the real command and its default settings.

    Parameters
    ----------
    images : Path
    work : Path
        An empty folder for the tables; the command runs there, where it finds no settings file.

    Returns
    -------
    Results

    Raises
    ------
    SystemExit
        The command failed.
    """
    command = [sys.executable, "-m", "flows.process_folder", str(images), "--no-prefect", "--quiet"]
    for folder in ("results", "review", "state"):
        command += [f"--{folder}", str(work / folder)]
    done = subprocess.run(command, cwd=work, env=own_environment(), check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}\nended with status {done.returncode}")
    return Results(work / "results")


def reading_ms(images: Path, work: Path) -> float:
    """Measure the milliseconds an image takes on one core; see :mod:`benchmarks.reading_time`.

    Parameters
    ----------
    images : Path
    work : Path
        Where the command runs.

    Returns
    -------
    float
    """
    return float(on_one_core([sys.executable, "-m", "benchmarks.reading_time", str(images)], work).output)


def pooled(sets: Mapping[str, Measured]) -> Measured:
    """Put the filled answers of the sets of `POOLED` together.

    Parameters
    ----------
    sets : mapping of str to Measured

    Returns
    -------
    Measured
    """
    chosen = [measured for name, measured in sets.items() if name in POOLED]
    files = sum(m.files for m in chosen)
    ms = sum(m.ms * m.files for m in chosen) / max(1, files)
    return Measured(Scored(tuple(a for m in chosen for a in m.scored.filled().answers)), files, ms)


def mean_of_families(families: Mapping[str, Scored]) -> dict[str, float | None]:
    """Average the figures of `MEANS` over families, so that no family outweighs another.

    Parameters
    ----------
    families : mapping of str to Scored

    Returns
    -------
    dict of str to float or None
        None where no family has such a figure.
    """
    means: dict[str, float | None] = {}
    chosen = [families[name].figures() for name in in_mean({n: len(s.answers) for n, s in families.items()})]
    for name in MEANS:
        values = [getattr(got, name) for got in chosen]
        known = [v for v in (v.value if isinstance(v, Share) else v for v in values) if v is not None]
        means[name] = sum(known) / len(known) if known else None
    return means


def table(sets: Mapping[str, Measured], half: Half | None) -> str:
    """Lay out the figures of one half as a Markdown table.

    Parameters
    ----------
    sets : mapping of str to Measured
    half : Half or None

    Returns
    -------
    str
    """
    halves = {name: measured.half(half) for name, measured in sets.items()}
    lines: list[dict[str, str]] = []
    for name, measured in halves.items():
        lines.append(_line(name, measured.scored.figures()) | {"ms": f"{measured.ms:.1f}"})
        families = measured.scored.families()
        if len(families) > 1:
            lines += [_line(f"· {family}", part.figures()) for family, part in families.items()]
            means = mean_of_families(families)
            lines.append(
                {"set": "· mean of families"} | {key: per_cent(value) for key, value in means.items()}
            )
        if name in OTHERS:
            lines.append(_other_line(OTHERS[name]))
    if any(name in POOLED for name in sets):
        every = pooled(halves)
        lines.append(_line("pooled, filled", every.scored.figures()) | {"ms": f"{every.ms:.1f}"})
    columns = [*_line("", Scored(()).figures()), "ms"]
    return markdown([columns, *([line.get(column, "") for column in columns] for line in lines)])


def as_json(measured: Measured) -> dict[str, object]:
    """Return the figures of a set, of each of its families and their mean as plain values.

    Parameters
    ----------
    measured : Measured

    Returns
    -------
    dict of str to object
        Each share is a dict with its interval.
    """
    families = measured.scored.families()
    return _plain(measured.scored.figures()) | {
        "ms": measured.ms,
        "families": {name: _plain(part.figures()) for name, part in families.items()},
        "mean of families": mean_of_families(families),
    }


def _plain(got: Figures) -> dict[str, object]:
    values: dict[str, object] = {}
    for field in dataclasses.fields(got):
        value = getattr(got, field.name)
        if isinstance(value, Share):
            low, high = value.interval()
            value = {"value": value.value, "low": low, "high": high, "hits": value.hits, "total": value.total}
        values[field.name] = value
    return values


def _line(name: str, got: Figures) -> dict[str, str]:
    extra = ""
    if got.extra_accepted is not None and got.extra_review is not None and got.extra_rows is not None:
        extra = f"{got.extra_accepted:.1f} + {got.extra_review:.1f} ({got.extra_rows:.1f})"
    return {
        "set": name,
        "answers": str(got.answers),
        "exact": with_interval(got.exact),
        "whole": with_interval(got.whole),
        "DER": per_cent(got.der),
        "mean DER": per_cent(got.der_mean),
        "accepted": with_interval(got.accepted),
        "wrong": with_interval(got.wrong),
        "silent": per_cent(got.silent),
        "missing": with_interval(got.missing),
        "failed": with_interval(got.failed),
        "extra": extra,
        "ECE": per_cent(got.ece),
    }


def _other_line(other: Others) -> dict[str, str]:
    known = {"exact": other.exact, "DER": other.der, "mean DER": other.der_mean}
    line = {key: per_cent(value) for key, value in known.items() if value is not None}
    time = {} if other.ms is None else {"ms": f"{other.ms:.1f}"}
    return {"set": f"· {OTHERS_NAME}, whole set"} | line | time


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument(
        "--sets", default=",".join((*SETS, *DIGIT_SETS)), help="names of sets, separated by commas"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    parser.add_argument("--report", type=Path, metavar="DOCS", help="write accuracy.md into this folder")
    arguments = parser.parse_args(argv)
    wanted = arguments.sets.split(",")
    unknown = set(wanted) - {*SETS, *DIGIT_SETS}
    if unknown:
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    data = data_folder()

    sets: dict[str, Measured] = {}
    for name in [name for name in SETS if name in wanted]:
        images = data / name / "images"
        with tempfile.TemporaryDirectory() as work:
            results = read_set(images, Path(work))
            ms = reading_ms(images, Path(work))
        sets[name] = Measured(scored(results, data / name), len(list(images.iterdir())), ms)
        draw_errors(results, sets[name].half(Half.LOOK).scored.answers, images, OUT, name)
    report: dict[str, object] = {
        title: {name: as_json(m.half(half)) for name, m in sets.items()}
        | {"pooled": as_json(pooled({name: m.half(half) for name, m in sets.items()}))}
        for title, half in HALVES.items()
    }
    tables = [f"## {title}\n\n{table(sets, half)}" for title, half in HALVES.items() if sets]
    digits = {name: read_isolated(data / f"{name}.npz") for name in DIGIT_SETS if name in wanted}
    if digits:
        lines = [("single digits", "digits", "exact", "taken for no digit")]
        lines += [
            (n, str(d.exact.total), with_interval(d.exact), with_interval(d.rejected))
            for n, d in digits.items()
        ]
        tables.append(f"## Single digits\n\n{markdown(lines)}")
    print(
        "Per cent with 95 % intervals; extra: numbers outside every box a page, accepted + for review "
        "(all rows for review)."
    )
    print("\n" + "\n\n".join(tables))
    report["digits"] = {name: dataclasses.asdict(d) for name, d in digits.items()}
    if arguments.report:
        write_report(
            arguments.report, "\n\n".join(tables), {name: m.scored.answers for name, m in sets.items()}
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
