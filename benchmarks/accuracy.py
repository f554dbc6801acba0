"""How well real handwriting is read: the real command on every set of ``DIGITOCR_DATA``, one table per half.

``python -m benchmarks.accuracy [--sets a,b] [--json FILE]``; the errors of the looking half are drawn into
``benchmarks/out/``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contact_sheets import draw_errors
from benchmarks.isolated import DIGIT_SETS, read_isolated
from benchmarks.processes import on_one_core
from benchmarks.report import write_report
from benchmarks.scoring import Answer, Figures, Half, Results, Row, Share, figures, read_truth

ROOT = Path(__file__).parent.parent
OUT = Path(__file__).parent / "out"
SETS = ("cheques", "form_fields", "forms", "cells", "photos")
NOT_POOLED = ("forms",)
"""Left out of the pooled row: its fields are those of `form_fields` once more."""


@dataclass(frozen=True, slots=True)
class Others:
    """What another reader reaches on a whole set: shares, and milliseconds an image on one thread."""

    exact: float
    der: float
    der_mean: float | None
    ms: float


OTHERS_NAME = "RapidOCR 3.10"
OTHERS = {
    "cheques": Others(0.861, 0.041, None, 11.0),
    "form_fields": Others(0.622, 0.311, None, 10.6),
    "cells": Others(0.975, 0.027, None, 10.8),
    "photos": Others(0.412, 0.195, 0.235, 419.0),
}
"""The strongest open reader found (PP-OCRv6 small, decoded to digits only)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A set as read by the command.

    Attributes
    ----------
    answers : list of Answer
    outside : list of Row
        Numbers outside every box.
    files : int
    ms : float
        Reading time of an image of the set, one thread, without the start and the tables.
    """

    answers: list[Answer]
    outside: list[Row]
    files: int
    ms: float

    def half(self, half: Half | None) -> Measured:
        """Return one half, or all; the time stays that of the set."""
        if half is None:
            return self
        return Measured(
            [a for a in self.answers if Half.of(a.truth.file) is half],
            [row for row in self.outside if Half.of(row["file"]) is half],
            self.files,
            self.ms,
        )

    def figures(self) -> Figures:
        """Return what the answers come to."""
        return figures(self.answers, self.outside)


def read_set(images: Path, work: Path) -> Results:
    """Read a folder of images with the real command and its default settings.

    Parameters
    ----------
    images : Path
    work : Path
        An empty folder for the tables, and where it runs, so that no settings file is found.
    """
    command = [sys.executable, "-m", "flows.process_folder", str(images), "--no-prefect", "--quiet"]
    for folder in ("results", "review", "state"):
        command += [f"--{folder}", str(work / folder)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DIGITOCR_")}
    done = subprocess.run(command, cwd=work, env=environment | {"PYTHONPATH": str(ROOT)}, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}\nended with status {done.returncode}")
    return Results(work / "results")


def reading_ms(images: Path, work: Path) -> float:
    """Milliseconds an image takes on one core; see :mod:`benchmarks.reading_time`."""
    return float(on_one_core([sys.executable, "-m", "benchmarks.reading_time", str(images)], work).output)


def pooled(sets: Mapping[str, Measured]) -> Measured:
    """Put the answers of all sets together, those of the same fields once."""
    chosen = [measured for name, measured in sets.items() if name not in NOT_POOLED]
    files = sum(m.files for m in chosen)
    ms = sum(m.ms * m.files for m in chosen) / max(1, files)
    return Measured([a for m in chosen for a in m.answers], [], files, ms)


def table(sets: Mapping[str, Measured], half: Half | None) -> str:
    """Lay out the figures of one half as a Markdown table."""
    lines: list[dict[str, str]] = []
    for name, whole_set in sets.items():
        measured = whole_set.half(half)
        lines.append(_line(name, measured))
        if name in OTHERS:
            lines.append(_other_line(OTHERS[name]))
    lines.append(_line("pooled", pooled({name: m.half(half) for name, m in sets.items()})))
    columns = list(lines[0])
    return markdown([columns, *([line.get(column, "") for column in columns] for line in lines)])


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Lay out rows, the first of them the head, as an aligned Markdown table.

    Examples
    --------
    >>> print(markdown([("set", "n"), ("cells", "120")]))
    | set   |   n |
    |:------|----:|
    | cells | 120 |
    """
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rows = [
        "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |"
        for line in lines
    ]
    rule = "|:" + "-" * (widths[0] + 1) + "|" + "".join("-" * (w + 1) + ":|" for w in widths[1:])
    return "\n".join([rows[0], rule, *rows[1:]])


def as_json(measured: Measured) -> dict[str, object]:
    """Return the figures of a set as plain values, each share with its interval."""
    values: dict[str, object] = {}
    got = measured.figures()
    for field in dataclasses.fields(got):
        value = getattr(got, field.name)
        if isinstance(value, Share):
            low, high = value.interval()
            value = {"value": value.value, "low": low, "high": high, "hits": value.hits, "total": value.total}
        values[field.name] = value
    return values | {"ms": measured.ms}


def _line(name: str, measured: Measured) -> dict[str, str]:
    got = measured.figures()
    extra = ""
    if got.extra_accepted is not None and got.extra_review is not None:
        extra = f"{got.extra_accepted:.1f} + {got.extra_review:.1f}"
    return {
        "set": name,
        "answers": str(got.answers),
        "exact": _share(got.exact),
        "whole": _share(got.whole),
        "DER": _percent(got.der),
        "mean DER": _percent(got.der_mean),
        "accepted": _share(got.accepted),
        "wrong": _share(got.wrong),
        "silent": _percent(got.silent),
        "missing": _share(got.missing),
        "failed": _share(got.failed),
        "extra": extra,
        "ECE": _percent(got.ece),
        "ms": f"{measured.ms:.1f}",
    }


def _other_line(other: Others) -> dict[str, str]:
    return {
        "set": f"· {OTHERS_NAME}, whole set",
        "exact": _percent(other.exact),
        "DER": _percent(other.der),
        "mean DER": "" if other.der_mean is None else _percent(other.der_mean),
        "ms": f"{other.ms:.1f}",
    }


def _share(share: Share) -> str:
    if share.value is None:
        return "–"
    low, high = share.interval()
    return f"{100 * share.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def data_folder() -> Path:
    """Find the folder of the sets; without it the program ends."""
    data = Path(os.environ.get("DIGITOCR_DATA", ROOT.parent / "shared/data")).resolve()
    if not data.is_dir():
        raise SystemExit(f"{data} is not there: name the folder of the sets in DIGITOCR_DATA")
    return data


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join((*SETS, *DIGIT_SETS)), help="names, parted by commas")
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
        images, truths = data / name / "images", read_truth(data / name)
        with tempfile.TemporaryDirectory() as work:
            results = read_set(images, Path(work))
            ms = reading_ms(images, Path(work))
        answers = [results.answer(truth) for truth in truths]
        sets[name] = Measured(answers, list(results.outside(truths)), len(list(images.iterdir())), ms)
        draw_errors(results, sets[name].half(Half.LOOK).answers, images, OUT, name)
    halves = {"look": Half.LOOK, "count": Half.COUNT, "all": None}
    report: dict[str, object] = {
        title: {name: as_json(m.half(half)) for name, m in sets.items()}
        | {"pooled": as_json(pooled({name: m.half(half) for name, m in sets.items()}))}
        for title, half in halves.items()
    }
    tables = [f"## {title}\n\n{table(sets, half)}" for title, half in halves.items() if sets]
    digits = {name: read_isolated(data / f"{name}.npz") for name in DIGIT_SETS if name in wanted}
    if digits:
        lines = [("single digits", "digits", "exact", "taken for no digit")]
        lines += [(n, str(d.exact.total), _share(d.exact), _share(d.rejected)) for n, d in digits.items()]
        tables.append(f"## Single digits\n\n{markdown(lines)}")
    print("Per cent with 95 % intervals; extra: numbers outside every box a page, accepted + for review.")
    print("\n" + "\n\n".join(tables))
    report["digits"] = {name: dataclasses.asdict(d) for name, d in digits.items()}
    if arguments.report:
        write_report(arguments.report, "\n\n".join(tables), {name: m.answers for name, m in sets.items()})
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
