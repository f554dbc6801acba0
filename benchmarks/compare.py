"""Compares two results folders against the truth: which answers changed, and whether a set got worse.

``python -m benchmarks.compare BEFORE AFTER --set DATA/SET [--set …]``. BEFORE and AFTER are results folders as
``process_folder`` writes them, or hold one for each set (``BEFORE/cheques/results`` or ``BEFORE/cheques``). Of every
set the command prints:

- whether the tables are equal byte for byte, except for times and the name of the model, and which differ;
- how many answers changed, by set and family;
- the figures before and after, with the difference and its 95 % interval (paired bootstrap over the files of each
  family, fixed seed), by set, by family and as the mean over families.

The exit status is 1 if a set loses exact or accepted answers, or gains wrong or silent ones, beyond that interval.
Answers are printed only with ``--show``, and only those of the looking half.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.paired import ALL, MEASURES, Change, figures_of
from benchmarks.scoring import Answer, Results, scored
from benchmarks.tables import markdown
from benchmarks.truth import Half

TIMES = frozenset({"seconds", "processed_at"})
"""Columns that differ from run to run."""

MODEL = frozenset({"model"})

NAMED = 20
"""How many file names are printed at most."""


# --- the tables ---


@dataclass(frozen=True, slots=True)
class Tables:
    """How the files of two results folders compare.

    Attributes
    ----------
    count : int
        Files in either folder.
    differ : tuple of str
        Names of those that differ by more than times and model, or are missing on one side.
    model : tuple of str
        Names of those in which only the model differs.
    """

    count: int
    differ: tuple[str, ...]
    model: tuple[str, ...]

    def __str__(self) -> str:
        """Return a sentence or two for people."""
        said = [f"{self.count} files: equal byte for byte, except for times"]
        if self.differ:
            said = [f"{len(self.differ)} of {self.count} files differ: {_named(self.differ)}"]
        if self.model:
            said.append(f"only the model differs in {_named(self.model)}")
        return "\n".join(said)


def compare_tables(before: Path, after: Path) -> Tables:
    """Compare all files of two results folders, and the review queues next to them, if there are any.

    Parameters
    ----------
    before, after : Path

    Returns
    -------
    Tables
    """
    old, new = (_files(folder) for folder in (before, after))
    names = sorted({*old, *new})
    both = [name for name in names if name in old and name in new]
    unequal = [name for name in both if not _same(old[name], new[name], TIMES)]
    model = [name for name in unequal if _same(old[name], new[name], TIMES | MODEL)]
    differ = {*names} - {*both} | {*unequal} - {*model}
    return Tables(len(names), tuple(sorted(differ)), tuple(model))


def _files(folder: Path) -> dict[str, Path]:
    """Return the files of a results folder by name; hidden folders (kept old tables) are left out."""
    found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    shown = {name.as_posix(): path for name, path in found.items() if not name.parts[0].startswith(".")}
    queue = folder.parent / "review" / "queue.csv"
    return shown | ({"../review/queue.csv": queue} if queue.is_file() else {})


def _same(old: Path, new: Path, ignored: Collection[str]) -> bool:
    one, other = old.read_bytes(), new.read_bytes()
    if one == other:
        return True
    return old.suffix == ".csv" and _without(one, ignored) == _without(other, ignored)


def _without(table: bytes, ignored: Collection[str]) -> bytes | list[list[str]]:
    """Return the cells of a table that has any of some columns, without these; the bytes of one that has none."""
    lines = list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline="")))
    kept = [i for i, name in enumerate(lines[0]) if name not in ignored] if lines else []
    if not lines or len(kept) == len(lines[0]):
        return table
    return [[line[i] for i in kept] for line in lines]


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


# --- the answers ---

CHANGES: dict[str, Callable[[Answer, Answer], bool]] = {
    "better": lambda a, b: b.exact and not a.exact,
    "worse": lambda a, b: a.exact and not b.exact,
    "other, both wrong": lambda a, b: a.read != b.read and not a.exact and not b.exact,
    "split otherwise": lambda a, b: a.read == b.read and a.whole != b.whole,
    "newly accepted": lambda a, b: b.accepted and not a.accepted,
    "no longer accepted": lambda a, b: a.accepted and not b.accepted,
    "newly wrong accepted": lambda a, b: b.is_wrongly_accepted and not a.is_wrongly_accepted,
    "no longer wrong accepted": lambda a, b: a.is_wrongly_accepted and not b.is_wrongly_accepted,
    "newly silent": lambda a, b: b.silent > a.silent,
    "less silent": lambda a, b: a.silent > b.silent,
}
"""What may happen to an answer, as a test of the one before and the one after."""


def changes(before: Answer, after: Answer) -> list[str]:
    """Name what changed about an answer.

    Parameters
    ----------
    before, after : Answer
        To the same line of the truth.

    Returns
    -------
    list of str
        Keys of `CHANGES`, empty where nothing changed.
    """
    return [name for name, is_so in CHANGES.items() if is_so(before, after)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of a set.

    Attributes
    ----------
    name : str
    tables : Tables
    counts : dict of str to dict of str to int
        By family, `ALL` first: the number of answers, of those that changed, and of each kind of change.
    figures : dict of str to dict of str to Change
        By family, `ALL` first and `MEAN` last: each measure.
    answers : tuple of (Answer, Answer)
        Before and after, those that changed.
    """

    name: str
    tables: Tables
    counts: dict[str, dict[str, int]]
    figures: dict[str, dict[str, Change]]
    answers: tuple[tuple[Answer, Answer], ...]

    def faults(self, family: str = ALL) -> list[str]:
        """Name the measures that got worse beyond their interval.

        Parameters
        ----------
        family : str, optional
            The whole set by default.

        Returns
        -------
        list of str
        """
        of = self.figures[family]
        return [m.name for m in MEASURES if m.name in of and of[m.name].is_worse(m.good)]


def compare(before: Path, after: Path, set_folder: Path, half: Half | None = None) -> Comparison:
    """Compare two results folders of a set.

    Parameters
    ----------
    before, after : Path
    set_folder : Path
    half : Half, optional

    Returns
    -------
    Comparison
    """
    old, new = (scored(Results(folder), set_folder, half) for folder in (before, after))
    families = {name: {a.truth.file for a in part.answers} for name, part in old.families().items()}
    pairs = list(zip(old.answers, new.answers, strict=True))
    groups = {ALL: set().union(*families.values())} | (families if len(families) > 1 else {})
    counts = {
        name: _counted([changes(*pair) for pair in pairs if pair[0].truth.file in files])
        for name, files in groups.items()
    }
    return Comparison(
        set_folder.name,
        compare_tables(before, after),
        counts,
        figures_of(old, new),
        tuple(pair for pair in pairs if changes(*pair)),
    )


def _counted(found: Sequence[Sequence[str]]) -> dict[str, int]:
    each = {name: sum(name in one for one in found) for name in CHANGES}
    return {"answers": len(found), "changed": sum(map(bool, found)), **each}


# --- the command ---


def results_of(folder: Path, name: str) -> Path:
    """Find the results of a set in a folder that is one, or holds one for each set.

    Parameters
    ----------
    folder : Path
    name : str
        Of the set.

    Returns
    -------
    Path

    Raises
    ------
    SystemExit
        There are none.
    """
    for path in (folder / name / "results", folder / name, folder / "results", folder):
        if (path / "files.csv").is_file():
            return path
    raise SystemExit(f"{folder} holds no results of {name}: there is no files.csv")


def report(found: Comparison) -> str:
    """Lay out a comparison as Markdown.

    Parameters
    ----------
    found : Comparison

    Returns
    -------
    str
    """
    heads = [head for head, count in found.counts[ALL].items() if count]
    counted = [["answers of", *heads]]
    counted += [[name, *(str(of[head]) for head in heads)] for name, of in found.counts.items()]
    counts = markdown(counted) if found.answers else f"No answer of {found.counts[ALL]['answers']} changed."
    measures = [m for m in MEASURES if m.name in found.figures[ALL]]
    lines = [["per cent (extra: a page)", *(m.name for m in measures)]]
    for name, of in found.figures.items():
        lines.append([name, *(of[m.name].said(*((1, 2) if m.extra else (100, 1))) for m in measures)])
    worse = {name: ", ".join(found.faults(name)) for name in found.figures if found.faults(name)}
    head = "worse" if ALL in worse else "no worse"
    beyond = [f"Worse beyond the interval: {name} ({measures})." for name, measures in worse.items()]
    return (
        "\n\n".join([f"## {found.name}: {head}", str(found.tables), counts, markdown(lines), *beyond]) + "\n"
    )


def shown(found: Comparison) -> list[str]:
    """Return a line for each changed answer of the looking half.

    Parameters
    ----------
    found : Comparison

    Returns
    -------
    list of str
    """
    return [
        f"{a.truth.file} {a.truth.field} truth={a.truth.text} {_read(a)} → {_read(b)}: {', '.join(changes(a, b))}"
        for a, b in found.answers
        if Half.of(a.truth.file) is Half.LOOK
    ]


def _read(answer: Answer) -> str:
    return f"{answer.read or '(nothing)'} {'accepted' if answer.accepted else 'for review'}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument(
        "--set", type=Path, action="append", required=True, help="folder with truth.csv", dest="sets"
    )
    parser.add_argument("--half", type=Half, choices=list(Half), help="compare only this half")
    parser.add_argument("--show", action="store_true", help="print the changed answers of the looking half")
    arguments = parser.parse_args(argv)
    worse = False
    for folder in arguments.sets:
        if not (folder / "truth.csv").is_file():
            parser.error(f"{folder} is no set: it has no truth.csv")
        before, after = (results_of(path, folder.name) for path in (arguments.before, arguments.after))
        found = compare(before, after, folder, arguments.half)
        print(report(found))
        if arguments.show:
            print("\n".join(shown(found)) + "\n")
        worse = worse or bool(found.faults())
    return int(worse)


if __name__ == "__main__":
    raise SystemExit(main())
