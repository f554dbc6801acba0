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
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contact_sheets import draw_errors
from benchmarks.isolated import DIGIT_SETS, read_isolated
from benchmarks.scoring import Answer, Figures, Half, Results, Row, Share, Truth, figures, read_truth

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
    seconds : dict of str to float
        Reading time by file.
    wall : float
        Seconds of the whole command, its start included.
    """

    answers: list[Answer]
    outside: list[Row]
    seconds: dict[str, float]
    wall: float

    def half(self, half: Half | None) -> Measured:
        """Return one half, or all."""
        if half is None:
            return self
        return Measured(
            [a for a in self.answers if Half.of(a.truth.file) is half],
            [row for row in self.outside if Half.of(row["file"]) is half],
            {file: s for file, s in self.seconds.items() if Half.of(file) is half},
            self.wall,
        )

    def figures(self) -> Figures:
        """Return what the answers come to."""
        return figures(self.answers, self.outside)

    def ms(self) -> float:
        """Milliseconds a file, without the start of the program."""
        return 1000 * sum(self.seconds.values()) / max(1, len(self.seconds))


def measure(images: Path, truths: Sequence[Truth], work: Path) -> tuple[Measured, Results]:
    """Read a folder of images with the real command and its default settings, and score the tables.

    Parameters
    ----------
    images : Path
    truths : sequence of Truth
    work : Path
        An empty folder for the tables.
    """
    command = [sys.executable, "-m", "flows.process_folder", str(images), "--no-prefect", "--quiet"]
    for folder in ("results", "review", "state"):
        command += [f"--{folder}", str(work / folder)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DIGITOCR_")}
    started = time.perf_counter()
    # From an empty folder, so that no settings file is found.
    done = subprocess.run(command, cwd=work, env=environment | {"PYTHONPATH": str(ROOT)}, check=False)
    wall = time.perf_counter() - started
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}\nended with status {done.returncode}")
    results = Results(work / "results")
    seconds = {file: float(row["seconds"] or 0) for file, row in results.files.items()}
    return Measured(
        [results.answer(truth) for truth in truths], list(results.outside(truths)), seconds, wall
    ), results


def pooled(sets: Mapping[str, Measured]) -> Measured:
    """Put the answers of all sets together, those of the same fields once."""
    chosen = [measured for name, measured in sets.items() if name not in NOT_POOLED]
    return Measured(
        [a for m in chosen for a in m.answers],
        [],
        {f"{i}/{file}": s for i, m in enumerate(chosen) for file, s in m.seconds.items()},
        sum(m.wall for m in chosen),
    )


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
    return values | {"ms": measured.ms(), "wall_seconds": measured.wall}


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
        "ms": f"{measured.ms():.1f}",
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


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join((*SETS, *DIGIT_SETS)), help="names, parted by commas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    arguments = parser.parse_args(argv)
    data = Path(os.environ.get("DIGITOCR_DATA", ROOT.parent / "shared/data")).resolve()
    wanted = arguments.sets.split(",")
    unknown = set(wanted) - {*SETS, *DIGIT_SETS}
    if unknown:
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    if not data.is_dir():
        raise SystemExit(f"{data} is not there: name the folder of the sets in DIGITOCR_DATA")

    sets: dict[str, Measured] = {}
    for name in [name for name in SETS if name in wanted]:
        truths = read_truth(data / name)
        with tempfile.TemporaryDirectory() as work:
            sets[name], results = measure(data / name / "images", truths, Path(work))
            draw_errors(results, sets[name].half(Half.LOOK).answers, data / name / "images", OUT, name)
    halves = {"look": Half.LOOK, "count": Half.COUNT, "all": None}
    report: dict[str, object] = {
        title: {name: as_json(m.half(half)) for name, m in sets.items()}
        | {"pooled": as_json(pooled({name: m.half(half) for name, m in sets.items()}))}
        for title, half in halves.items()
    }
    print("Per cent with 95 % intervals; extra: numbers outside every box a page, accepted + for review.")
    for title, half in halves.items() if sets else ():
        print(f"\n{title}\n\n{table(sets, half)}")

    digits = {name: read_isolated(data / f"{name}.npz") for name in DIGIT_SETS if name in wanted}
    if digits:
        lines = [("single digits", "digits", "exact", "taken for no digit")]
        lines += [(n, str(d.exact.total), _share(d.exact), _share(d.rejected)) for n, d in digits.items()]
        print(f"\n{markdown(lines)}")
    report["digits"] = {name: dataclasses.asdict(d) for name, d in digits.items()}
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
