"""Stroke archives from their originals: UCI's pen digits and UNIPEN's isolated characters.

Run as ``python -m digitocr.training.archives``; see ``--help``. Both originals are in the UNIPEN format [1]_.

References
----------
.. [1] I. Guyon et al., "UNIPEN project of on-line data exchange and recognizer benchmarks", ICPR 1994.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import DigitocrError, UsageError

DIGITS = frozenset("0123456789")

PARTS = ("1a", "1b", "1c", "1d")
"""Folders of UNIPEN with isolated characters: digits, capitals, small letters, symbols."""

MAX_SPECIMENS = 300
"""Specimens kept of a letter or sign."""

HELD_OUT_EVERY = 8
"""One writer in this many is set aside for measuring."""

_SEGMENT = re.compile(r'^(?P<level>\w+)\s+(?P<where>[\d:,-]+)\s+\S+\s+"(?P<label>\\?.)"')
_RANGE = re.compile(r"^(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?$")

Stroke = NDArray[np.int32]
"""``int32`` array of shape ``(P, 2)``: x, y, with y up."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """A character as somebody wrote it.

    Attributes
    ----------
    label : str
        One character.
    strokes : tuple of (P, 2) int32 ndarray
        From pen down to pen up, x and y in units of the tablet, y up.
    writer : str
        Unique within its source.
    source : str
        Who gave it to the collection.
    units_per_inch : float
        Of the tablet; 0 if unknown.
    """

    label: str
    strokes: tuple[Stroke, ...]
    writer: str
    source: str = ""
    units_per_inch: float = 0.0


@dataclass(slots=True)
class _Ink:
    """Contents of a file and the files it includes, gathered so far."""

    columns: tuple[str, ...] = ("X", "Y")
    writer: str = ""
    units_per_inch: float = 0.0
    strokes: list[Stroke] = field(default_factory=list)
    segments: list[tuple[str, str, str]] = field(default_factory=list)


def statements(text: str) -> Iterator[tuple[str, str]]:
    r"""Split text in the UNIPEN format into keywords and what follows each of them.

    Parameters
    ----------
    text : str

    Yields
    ------
    keyword : str
    rest : str
        May span several lines.

    Examples
    --------
    >>> list(statements(".COORD X Y\n.PEN_DOWN\n1 2\n3 4\n.PEN_UP\n"))
    [('COORD', 'X Y'), ('PEN_DOWN', '1 2\n3 4'), ('PEN_UP', '')]
    """
    for part in re.split(r"^\s*\.(?=[A-Z])", text, flags=re.MULTILINE)[1:]:
        word, *rest = part.split(maxsplit=1)
        yield word, "".join(rest).strip()


def read_pendigits(text: str) -> list[Specimen]:
    """Read one of the two original files of UCI's pen digits, ``pendigits-orig.tra`` or ``.tes``.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of Specimen

    Raises
    ------
    UsageError
        The text is not of this form.
    """
    found: list[Specimen] = []
    label, writer, strokes = "", "", list[Stroke]()
    for word, rest in [*statements(text), ("SEGMENT", "")]:
        if word == "SEGMENT":
            if strokes:
                found.append(Specimen(label, tuple(strokes), writer))
            label, writer, strokes = rest.rpartition(" ")[2].strip('"'), "", []
        elif word == "COMMENT" and label and not writer:
            # label, writer, and the number of the specimen
            writer = [*rest.split(), "", ""][1]
        elif word == "PEN_DOWN":
            strokes.append(_points(rest, ("X", "Y")))
    if not found or not all(one.label in DIGITS and one.writer.isdecimal() for one in found):
        raise UsageError(
            "this is not a file of UCI's pen digits", hint="unpack pendigits-orig.tra.Z and .tes.Z first"
        )
    return found


def read_unipen(folder: Path, parts: Iterable[str] = PARTS) -> Iterator[Specimen]:
    """Read the isolated characters of UNIPEN's ``train_r01_v07``.

    Parameters
    ----------
    folder : Path
        With ``data/1a`` and so on, and ``include``.
    parts : iterable of str

    Yields
    ------
    Specimen

    Raises
    ------
    UsageError
        The folder has none of them.
    """
    files = sorted(path for part in parts for path in (folder / "data" / part).rglob("*.dat"))
    if not files:
        raise UsageError(
            f"{folder} holds no UNIPEN data", hint="name the folder that holds data/1a and include"
        )
    for path in files:
        ink = _Ink()
        _gather(path, folder / "include", ink, frozenset())
        inside = path.relative_to(folder / "data").parts
        yield from _cut(ink, writer=ink.writer or path.stem, source=inside[1] if len(inside) > 2 else "")


def _gather(path: Path, include: Path, ink: _Ink, above: frozenset[Path]) -> None:
    """Gather a file and the files it includes; missing ones are skipped."""
    if path in above or not path.is_file():
        return
    for word, rest in statements(path.read_text(encoding="latin-1")):
        if word == "INCLUDE":
            _gather(include / rest, include, ink, above | {path})
        elif word == "COORD":
            ink.columns = tuple(rest.upper().split())
        elif word == "WRITER_ID":
            ink.writer = rest
        elif word == "X_POINTS_PER_INCH" and rest:
            ink.units_per_inch = float(rest.split()[0])
        elif word == "PEN_DOWN":
            ink.strokes.append(_points(rest, ink.columns))
        elif word == "SEGMENT" and (match := _SEGMENT.match(rest)):
            ink.segments.append((match["level"], match["where"], match["label"][-1]))


def _points(text: str, columns: tuple[str, ...]) -> Stroke:
    """Read the points of a stroke: numbers in turn for each column."""
    values = np.array([float(word) for word in text.split()])
    rows = values[: len(values) // len(columns) * len(columns)].reshape(-1, len(columns))
    return rows[:, [columns.index("X"), columns.index("Y")]].round().astype(np.int32)


def _cut(ink: _Ink, writer: str, source: str) -> Iterator[Specimen]:
    """Yield the characters of a file, except those that name missing strokes."""
    for level, where, label in ink.segments:
        strokes = _strokes(ink.strokes, where)
        if level == "CHARACTER" and strokes and not label.isspace():
            low = np.min([stroke.min(axis=0) for stroke in strokes], axis=0)
            placed = tuple((stroke - low).astype(np.int32) for stroke in strokes)
            yield Specimen(label, placed, writer, source, ink.units_per_inch)


def _strokes(strokes: list[Stroke], where: str) -> list[Stroke]:
    """Pick strokes by their numbers, as ``0-1,4`` or, within strokes, ``2:0-3:17``; none where one is missing."""
    found: list[Stroke] = []
    for part in where.split(","):
        match = _RANGE.match(part)
        if match is None:
            return []
        first, start, last, stop = match.groups()
        ends = int(first), int(last or first)
        if not ends[0] <= ends[1] < len(strokes):
            return []
        run = strokes[ends[0] : ends[1] + 1]
        if stop is not None:
            run[-1] = run[-1][: int(stop) + 1]
        if start is not None:
            run[0] = run[0][int(start) :]
        found += run
    return found if all(len(stroke) for stroke in found) else []


def is_held_out(one: Specimen) -> bool:
    """Whether a writer is set aside for measuring; depends on the name alone, so it never changes.

    Parameters
    ----------
    one : Specimen

    Returns
    -------
    bool
    """
    return hashlib.sha256(f"{one.source}/{one.writer}".encode()).digest()[0] % HELD_OUT_EVERY == 0


def others(found: Iterable[Specimen]) -> list[Specimen]:
    """Keep letters and signs, at most `MAX_SPECIMENS` of each label, evenly spaced.

    Parameters
    ----------
    found : iterable of Specimen

    Returns
    -------
    list of Specimen
    """
    by_label: dict[str, list[Specimen]] = {}
    for one in found:
        if one.label not in DIGITS:
            by_label.setdefault(one.label, []).append(one)
    return [one for _, some in sorted(by_label.items()) for one in some[:: -(-len(some) // MAX_SPECIMENS)]]


def write_archive(path: Path, found: list[Specimen], is_test: list[bool], *, numbered: bool) -> None:
    """Write an archive as :func:`digitocr.training.synth.stroke_archives.load_archive` reads it.

    Parameters
    ----------
    path : Path
    found : list of Specimen
    is_test : list of bool
        Per specimen, whether it is for measuring only.
    numbered : bool
        Number writers by the number in their name, otherwise in the order of their names.
    """
    strokes = [stroke for one in found for stroke in one.strokes]
    names = sorted({(one.source, one.writer) for one in found})
    number = {name: int(name[1]) if numbered else k for k, name in enumerate(names)}
    np.savez_compressed(
        path,
        points=np.concatenate(strokes).clip(-32768, 32767).astype(np.int16),
        stroke_offsets=_offsets([len(stroke) for stroke in strokes]),
        digit_offsets=_offsets([len(one.strokes) for one in found]),
        labels=np.array([one.label for one in found]),
        writers=np.array([number[one.source, one.writer] for one in found], dtype=np.int16),
        units_per_inch=np.array([one.units_per_inch for one in found], dtype=np.float32),
        source=np.array([one.source for one in found]),
        is_test=np.array(is_test, dtype=np.bool_),
    )


def _offsets(lengths: list[int]) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m digitocr.training.archives", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    pen = kinds.add_parser("pendigits", help="make pendigits.npz from UCI's original files")
    pen.add_argument("folder", type=Path, help="with pendigits-orig.tra and pendigits-orig.tes, unpacked")
    uni = kinds.add_parser("unipen", help="make unipen_digits.npz and unipen_other.npz from train_r01_v07")
    uni.add_argument("folder", type=Path, help="with data and include")
    for one in (pen, uni):
        one.add_argument("--output", type=Path, default=Path(), help="folder for the archives")
    args = parser.parse_args(argv)
    try:
        made = _pendigits(args.folder) if args.kind == "pendigits" else _unipen(args.folder)
        args.output.mkdir(parents=True, exist_ok=True)
        for name, (found, is_test) in made.items():
            write_archive(args.output / name, found, is_test, numbered=args.kind == "pendigits")
            sys.stdout.write(
                f"{args.output / name}: {len(found)} characters, {sum(is_test)} of them held out\n"
            )
    except (OSError, DigitocrError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _pendigits(folder: Path) -> dict[str, tuple[list[Specimen], list[bool]]]:
    texts = [(folder / f"pendigits-orig.{part}").read_text(encoding="latin-1") for part in ("tra", "tes")]
    train, test = (read_pendigits(text) for text in texts)
    return {"pendigits.npz": (train + test, [False] * len(train) + [True] * len(test))}


def _unipen(folder: Path) -> dict[str, tuple[list[Specimen], list[bool]]]:
    found = list(read_unipen(folder))
    kinds = {
        "unipen_digits.npz": [one for one in found if one.label in DIGITS],
        "unipen_other.npz": others(found),
    }
    return {name: (some, [is_held_out(one) for one in some]) for name, some in kinds.items()}


if __name__ == "__main__":
    raise SystemExit(main())
