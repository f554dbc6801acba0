"""What a set number costs when it is moved by 20 %, on drawn crops, pages and forms and on the real sets by family.

``python -m benchmarks.sensitivity --only PREFIX [--only PREFIX …] [--sets a,b]`` moves one number of the reading path
at a time up and down, reads the sets, and appends what it finds to ``benchmarks/out/sensitivity.jsonl``. It can be
stopped at any time: what the file holds for the same code and models is not measured again. ``--list`` prints the
numbers by name, ``--table`` what was found.

Numbers are the fields of the reader's parameters, and the constants of the modules of the reading path
(``digitocr.forms.fields.CRUMB``).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2

from benchmarks.drawn_sets import DRAWN, TEMPLATE, draw_set
from benchmarks.parameters import ROOT, Number, constant_moved, list_constants, list_parameters, moved
from benchmarks.scoring import Scored
from benchmarks.set_numbers import BESIDE_READING
from benchmarks.sets import OUT, SETS, data_folder, read_here
from benchmarks.tables import markdown
from digitocr.forms.form_print import load_form_print
from digitocr.forms.template_file import load as load_template
from digitocr.pipeline import Reader, load_reader

FACTORS = (0.8, 1.2)

READING = (
    "digitocr.imaging",
    "digitocr.forms",
    "digitocr.recognition",
    "digitocr.pipeline",
    "digitocr.records",
)
"""Where constants are looked for; what of forms reads no page is left out."""

CODE = ("errors", "records", "pipeline", "io", "networks", "imaging", "recognition", "forms")
"""What of ``digitocr`` decides what is read: a change of any file makes earlier measurements void."""

FOUND = OUT / "sensitivity.jsonl"
ALL = "all"
AS_IT_IS = ("", 1.0)
"""Name and factor under which the sets are measured with nothing moved."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the answers of a family.

    Attributes
    ----------
    answers, exact : int
    filled, accepted : int
        Answers with digits to read; those of them that are accepted.
    taken, wrong : int
        Accepted answers; those of them that are wrong.
    """

    answers: int
    exact: int
    filled: int
    accepted: int
    taken: int
    wrong: int

    @property
    def shares(self) -> tuple[float, float, float]:
        """Exact, accepted, and wrong among accepted, in per cent; 0 of nothing."""
        pairs = ((self.exact, self.answers), (self.accepted, self.filled), (self.wrong, self.taken))
        exact, accepted, wrong = (100 * hits / max(1, total) for hits, total in pairs)
        return exact, accepted, wrong


@dataclass(frozen=True, slots=True)
class Measured:
    """A line of the file: one set, read with one number moved.

    Attributes
    ----------
    code : str
        Digest of the code and models that read.
    set : str
    name : str
        Of the number; '' where nothing is moved.
    factor : float
    value : int, float or None
        What the number was moved to.
    families : dict of str to Counts
        `ALL` first.
    error : str
        Why it could not be read; '' where it was.
    """

    code: str
    set: str
    name: str
    factor: float
    value: Number | None
    families: dict[str, Counts]
    error: str = ""

    @property
    def key(self) -> tuple[str, str, str, float]:
        """Which measurement it is."""
        return self.code, self.set, self.name, self.factor


def counted(found: Scored) -> dict[str, Counts]:
    """Count the answers of a set and, where there are several, of each family.

    Parameters
    ----------
    found : Scored

    Returns
    -------
    dict of str to Counts
    """
    families = found.families()
    return {
        name: _counts(part) for name, part in {ALL: found, **(families if len(families) > 1 else {})}.items()
    }


def _counts(found: Scored) -> Counts:
    got = found.figures()
    return Counts(
        got.answers, got.exact.hits, got.accepted.total, got.accepted.hits, got.wrong.total, got.wrong.hits
    )


def load(path: Path) -> list[Measured]:
    """Read what was measured.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Measured
        Empty where the file does not exist.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    # a line may be cut off where the command was killed
    return [_measured(json.loads(line)) for line in lines if line.endswith("}")]


def _measured(line: dict[str, Any]) -> Measured:
    families = {name: Counts(**counts) for name, counts in line.pop("families").items()}
    return Measured(**line, families=families)


def append(path: Path, one: Measured) -> None:
    """Append a measurement to the file, on a line of its own.

    Parameters
    ----------
    path : Path
    one : Measured
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        if file.tell() and not path.read_bytes().endswith(b"\n"):
            file.write("\n")
        file.write(json.dumps(asdict(one)) + "\n")


def numbers(reader: Reader) -> dict[str, Number]:
    """List all numbers that can be moved.

    Parameters
    ----------
    reader : Reader

    Returns
    -------
    dict of str to int or float
        Values by name.
    """
    parameters = getattr(reader, "parameters", None)
    constants = [pair for pair in list_constants(READING) if not BESIDE_READING & set(pair[0].split("."))]
    return dict([*(list_parameters(parameters) if parameters else []), *constants])


@contextmanager
def reader_with(reader: Reader, name: str, factor: float) -> Iterator[tuple[Reader, Number | None]]:
    """Make a reader with one number moved.

    Parameters
    ----------
    reader : Reader
    name : str
        '' for none.
    factor : float

    Yields
    ------
    reader : Reader
        To be used within the context only.
    value : int, float or None
        What the number was moved to.
    """
    if not name:
        yield reader, None
    elif name.startswith(ROOT):
        with constant_moved(name, factor) as value:
            yield reader, value
    else:
        parameters = moved(reader.parameters, name, factor)
        yield replace(reader, parameters=parameters), dict(list_parameters(parameters))[name]


def measure(
    reader: Reader, folders: Sequence[Path], names: Iterable[str], path: Path, code: str
) -> Iterator[Measured]:
    """Move each number up and down, read each set, and append what is new to the file.

    Parameters
    ----------
    reader : Reader
    folders : sequence of Path
        Sets.
    names : iterable of str
        Of numbers.
    path : Path
    code : str
        Digest of the code and models.

    Yields
    ------
    Measured
        What was not in the file before.
    """
    known = {one.key for one in load(path)}
    values = numbers(reader)
    for name, factor in [AS_IT_IS, *((name, factor) for name in names for factor in FACTORS)]:
        with reader_with(reader, name, factor) as (other, value):
            for folder in folders:
                if (code, folder.name, name, factor) in known or (name and value == values[name]):
                    continue
                try:
                    found, error = counted(read_here(_for_set(other, folder), folder)[0]), ""
                except Exception as failure:
                    found, error = {}, f"{type(failure).__name__}: {failure}"
                one = Measured(code, folder.name, name, factor, value, found, error)
                append(path, one)
                yield one


def _for_set(reader: Reader, folder: Path) -> Reader:
    """Return the reader with the template of a set, if it has one."""
    path = folder / TEMPLATE
    return replace(reader, forms=(load_form_print(load_template(path)),)) if path.is_file() else reader


def table(found: Sequence[Measured], values: Mapping[str, Number], sets: Sequence[str]) -> str:
    """Lay out what moving each number does, in points, the largest change of exact answers first.

    Parameters
    ----------
    found : sequence of Measured
        Of one code.
    values : mapping of str to int or float
        Of the numbers as they are.
    sets : sequence of str
        Columns; each of their families has one of its own.

    Returns
    -------
    str
        Markdown.
    """
    base = {one.set: one.families for one in found if not one.name}
    columns = [(name, family) for name in sets for family in base.get(name, {})]
    moves: dict[tuple[str, float], dict[str, Measured]] = {}
    for one in found:
        if one.name in values and one.set in base and one.set in sets:
            moves.setdefault((one.name, one.factor), {})[one.set] = one
    lines = []
    for (name, factor), by_set in moves.items():
        changes = {column: _change(by_set.get(column[0]), base, column[1]) for column in columns}
        exact = [change[0] for change in changes.values() if isinstance(change, tuple)]
        largest = max(exact, key=abs, default=0.0)
        to = next(iter(by_set.values())).value
        head = [name, f"{values[name]:g}", f"× {factor:g} = {to:g}", f"{largest:+.1f}"]
        lines.append((abs(largest), [*head, *map(_said, changes.values())]))
    heads = [name if family == ALL else f"{name} {family}" for name, family in columns]
    first = ["points: exact / accepted / wrong", "value", "moved", "largest, exact", *heads]
    as_it_is = [
        "(as it is)",
        "",
        "",
        "",
        *(_said(base[name][family].shares, sign="") for name, family in columns),
    ]
    ordered = [line for _, line in sorted(lines, key=lambda line: -line[0])]
    return markdown([first, as_it_is, *ordered])


def _change(
    one: Measured | None, base: Mapping[str, Mapping[str, Counts]], family: str
) -> tuple[float, ...] | str:
    """Return how the shares of a family change; what to say instead where that is not known."""
    if one is None:
        return "–"
    if one.error:
        return one.error.partition(":")[0]
    pairs = zip(one.families[family].shares, base[one.set][family].shares, strict=True)
    return tuple(after - before for after, before in pairs)


def _said(change: tuple[float, ...] | str, sign: str = "+") -> str:
    if isinstance(change, str):
        return change
    # adding 0.0 turns -0.0 into 0.0
    return " / ".join(f"{round(points, 1) + 0.0:{sign}.1f}" for points in change) if any(change) else "="


def code_digest() -> str:
    """Return a digest of the code and models that decide what is read.

    Returns
    -------
    str
        Twelve hexadecimal digits.
    """
    home = Path(sys.modules[Reader.__module__].__file__ or "").parent
    files = [path for name in CODE for path in (home / f"{name}.py", *sorted((home / name).rglob("*.py")))]
    files += sorted((home.parent / "models").glob("digits*"))
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            digest.update(path.relative_to(home.parent).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sensitivity", description=__doc__)
    parser.add_argument(
        "--only", action="append", metavar="PREFIX", help="numbers whose names begin so; repeatable"
    )
    parser.add_argument(
        "--sets", default=",".join((*DRAWN, *SETS)), help="names of sets, separated by commas"
    )
    parser.add_argument("--list", action="store_true", help="print the numbers and measure nothing")
    parser.add_argument("--table", action="store_true", help="print what was found and measure nothing")
    parser.add_argument("--out", type=Path, default=FOUND, help="the file of measurements")
    arguments = parser.parse_args(argv)
    sets = arguments.sets.split(",")
    if unknown := set(sets) - {*DRAWN, *SETS}:
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    cv2.setNumThreads(1)
    reader, code = load_reader(threads=1), code_digest()
    every = numbers(reader)
    values = {name: value for name, value in every.items() if name.startswith(tuple(arguments.only or [""]))}
    if not values:
        parser.error(f"no number begins with {' or '.join(arguments.only)}; --list prints them all")
    if arguments.list:
        print("\n".join(f"{name} = {value:g}" for name, value in values.items()))
        return 0
    if arguments.table:
        print(table([one for one in load(arguments.out) if one.code == code], values, sets))
        return 0
    with tempfile.TemporaryDirectory() as work:
        folders = [draw_set(Path(work) / name) if name in DRAWN else data_folder() / name for name in sets]
        started = time.monotonic()
        for one in measure(reader, folders, values, arguments.out, code):
            said = one.error or " / ".join(f"{share:.1f}" for share in one.families[ALL].shares)
            print(
                f"{time.monotonic() - started:6.0f} s {one.name} × {one.factor} {one.set}: {said}",
                file=sys.stderr,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
