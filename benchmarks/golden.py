"""Reads the golden pictures and compares what is read with the committed table ``tests/golden/golden.csv``.

``python -m benchmarks.golden`` prints what changed; ``--update`` writes the table. The pictures are the committed
examples, and sixty drawings of every kind in our own hand, with seeds 0 to 59 as they come. A row of the table holds
the truth and what is read today, right or wrong: it records the state, it does not say how it ought to be.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.drawn import draw_digit
from benchmarks.sets import ROOT
from digitocr.forms.form_print import load_form_print
from digitocr.forms.printing import make
from digitocr.forms.template_file import load
from digitocr.pipeline import Reader, load_reader
from digitocr.records import Source, Status
from digitocr.training.synth.cells import cell, form_field
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.form_pages import page
from digitocr.training.synth.lines import line
from digitocr.training.synth.photos import photo
from digitocr.training.synth.strokes import Random, Sources

TABLE = ROOT / "tests" / "golden" / "golden.csv"
EXAMPLES = ROOT / "examples"
FORM = EXAMPLES / "forms" / "count.yaml"

FORM_TRUTH = {
    "page1.jpg": "118208|140326|2|3|1|6|45050|0417233961",
    "page2.jpg": "118216|140326|1|1|2|5|38000|0417290155",
    "page3.jpg": "118224|150326|4|2|3|1|10",
}
"""What is written on the filled forms of the examples."""

OWN = Sources()
DRAWINGS = 60
PAGE = (1400, 990)
"""Rows and columns of a drawn page: A4 at 120 dpi."""


def _photo(rng: Random, sources: Sources) -> Drawing:
    return photo(rng, sources, longest=int(rng.integers(400, 1100)))


def _page(rng: Random, sources: Sources) -> Drawing:
    return page(rng, sources, shape=PAGE)


KINDS: Mapping[str, Callable[[Random, Sources], Drawing]] = {
    "digit": draw_digit,
    "field": cell,
    "line": line,
    "cells": form_field,
    "page": _page,
    "photo": _photo,
}
"""What is drawn, in turn."""

MOST_WORSE = 1
"""Pictures that may get worse without a new table: another processor may round otherwise."""


@dataclass(frozen=True, slots=True)
class Golden:
    """What is written on a picture and what is read; several numbers with ``|`` between them.

    Attributes
    ----------
    name : str
    truth : str
    text : str
        All numbers read, in reading order.
    accepted : str
        Those of them that are accepted.
    """

    name: str
    truth: str
    text: str
    accepted: str

    @property
    def right(self) -> int:
        """How many of several numbers are read; of at most one, whether exactly that is read."""
        written = _numbers(self.truth)
        return (
            (written & _numbers(self.text)).total() if written.total() > 1 else int(self.text == self.truth)
        )

    @property
    def wrong_accepted(self) -> Counter[str]:
        """Numbers accepted that are not written on the picture."""
        return _numbers(self.accepted) - _numbers(self.truth)


def _numbers(text: str) -> Counter[str]:
    return Counter(text.split("|") if text else ())


@dataclass(frozen=True, slots=True)
class Verdict:
    """Names of the pictures that are read otherwise than the table says.

    Attributes
    ----------
    worse, better : tuple of str
        Fewer or more numbers are right.
    wrong_accepted : tuple of str
        A wrong number is accepted that was not before.
    other : tuple of str
        Read otherwise, neither better nor worse.
    redrawn : tuple of str
        In the table or among the pictures alone, or with another truth.
    """

    worse: tuple[str, ...]
    better: tuple[str, ...]
    wrong_accepted: tuple[str, ...]
    other: tuple[str, ...]
    redrawn: tuple[str, ...]

    @property
    def is_fault(self) -> bool:
        """Whether more got worse than may."""
        return len(self.worse) > MOST_WORSE or bool(self.wrong_accepted or self.redrawn)

    def __str__(self) -> str:
        """Say what changed, and what to do about it; empty where nothing did."""
        said = [
            f"{f.name.replace('_', ' ')}: {', '.join(n)}"
            for f in fields(self)
            if (n := getattr(self, f.name))
        ]
        if not said:
            return ""
        hint = "if this is meant, run `python -m benchmarks.golden --update` and say why in the commit"
        return "\n".join([*said, hint])


def compare(table: Iterable[Golden], now: Iterable[Golden]) -> Verdict:
    """Compare what is read with the table.

    Parameters
    ----------
    table, now : iterable of Golden

    Returns
    -------
    Verdict
    """
    before, after = ({one.name: one for one in rows} for rows in (table, now))
    redrawn = tuple(
        name
        for name in {**before, **after}
        if name not in before or name not in after or before[name].truth != after[name].truth
    )
    pairs = [(before[name], after[name]) for name in before if name not in redrawn]
    changed = [(a, b) for a, b in pairs if a != b]
    return Verdict(
        worse=tuple(b.name for a, b in changed if b.right < a.right),
        better=tuple(b.name for a, b in changed if b.right > a.right),
        wrong_accepted=tuple(b.name for a, b in changed if b.wrong_accepted - a.wrong_accepted),
        other=tuple(b.name for a, b in changed if b.right == a.right),
        redrawn=redrawn,
    )


def read_now() -> list[Golden]:
    """Draw and read all golden pictures with the shipped model and default settings.

    Returns
    -------
    list of Golden
    """
    cv2.setNumThreads(1)
    reader = load_reader(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        drawn = [_draw(seed, work) for seed in range(DRAWINGS)]
        _, template, _ = make(FORM, work / "form.pdf")
        with_form = replace(reader, forms=(load_form_print(load(template)),))
        return [
            *_read(reader, _examples()),
            *_read(with_form, [(FORM.with_name(name), truth) for name, truth in FORM_TRUTH.items()]),
            *_read(reader, drawn),
        ]


def _draw(seed: int, folder: Path) -> tuple[Path, str]:
    """Draw a picture into a file; also what is written on it."""
    kind = list(KINDS)[seed % len(KINDS)]
    drawing = KINDS[kind](np.random.default_rng(seed), OWN)
    path = folder / f"{kind}-{seed:02}.png"
    cv2.imwrite(str(path), drawing.image if drawing.colour is None else drawing.colour)
    return path, "|".join(number.text for number in drawing.numbers if number.text)


def _examples() -> list[tuple[Path, str]]:
    with (EXAMPLES / "truth.csv").open(encoding="utf-8", newline="") as file:
        return [(EXAMPLES / row["file"], row["text"]) for row in csv.DictReader(file)]


def _read(reader: Reader, pictures: Sequence[tuple[Path, str]]) -> Iterator[Golden]:
    readings = reader.read([Source(path, path.name) for path, _ in pictures])
    for reading, (path, truth) in zip(readings, pictures, strict=True):
        numbers = [number for page in reading.result.pages for number in page.numbers if number.text]
        accepted = [number.text for number in numbers if number.status is Status.ACCEPTED]
        yield Golden(path.name, truth, "|".join(number.text for number in numbers), "|".join(accepted))


def read_table(path: Path = TABLE) -> list[Golden]:
    """Read the committed table.

    Parameters
    ----------
    path : Path, optional

    Returns
    -------
    list of Golden
    """
    with path.open(encoding="utf-8", newline="") as file:
        return [Golden(**row) for row in csv.DictReader(file)]


def write_table(rows: Sequence[Golden], path: Path = TABLE) -> None:
    """Write the table.

    Parameters
    ----------
    rows : sequence of Golden
    path : Path, optional
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([field.name for field in fields(Golden)])
        table.writerows(astuple(row) for row in rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.golden", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write what is read now into the table")
    update = parser.parse_args(argv).update
    table, now = read_table() if TABLE.is_file() else [], read_now()
    found = compare(table, now)
    texts = {name: {one.name: one for one in rows} for name, rows in (("table", table), ("now", now))}
    for name in sorted({*found.worse, *found.better, *found.wrong_accepted, *found.other}):
        for when, rows in texts.items():
            one = rows[name]
            print(
                f"{name} {when}: truth {one.truth}, read {one.text}, accepted {one.accepted}, {one.right} right"
            )
    print(found if str(found) else "as the table says")
    if update:
        write_table(now)
        return 0
    return int(found.is_fault)


if __name__ == "__main__":
    raise SystemExit(main())
