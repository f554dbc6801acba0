"""The digits that people settled, as labelled pictures for training.

The ledger keeps where a digit lies and what people said of it. Its page is cleaned and cut again as it was read, and
the candidate in that place is taken: its picture is the one that the network scored.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from digitocr import atomic
from digitocr.errors import InputError, UsageError
from digitocr.imaging import clean, detection
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.sheet import Candidate, Line
from digitocr.io.sandbox import Sandbox
from digitocr.networks.page_network import look_at
from digitocr.recognition.normalize import to_mnist
from digitocr.records import BY_PERSON, READ, Box, FileResult, Grey, Page
from digitocr.results import publish, tables
from digitocr.results.items import review_id
from digitocr.results.overlay import corrected
from digitocr.review.source_files import SourceFiles
from digitocr.settings import Settings
from digitocr.store.ledger import Known

LABELS = "labels.csv"
COLUMNS = ("crop", "label", "read", "confidence", "file", "page", "number", "position")
LEFT_OUT = "left-out.csv"

LEAST_INK = 12
"""Inked pixels of a 28×28 picture; a crop with fewer shows no digit."""
MOST_INK = 450
"""A crop with more is a blot or a piece of a picture."""
_INKED = 64

LEAST_COMMON = 0.8
"""Least intersection over union of a candidate with the digit that was read."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A digit with what a person said it is.

    Attributes
    ----------
    name : str
        From the file's content, page and box: the same each time.
    picture : (28, 28) uint8 ndarray
        In MNIST format.
    label : int
    read : int
        What the program had read.
    confidence : float
        How sure it had been, in [0, 1].
    place : tuple of str
        File, page, number and position.
    """

    name: str
    picture: Grey
    label: int
    read: int
    confidence: float
    place: tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Exported:
    """How an export ended: digits written, corrected ones among them, and which were left out and why."""

    digits: int
    corrections: int
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A digit that a person settled, not cut out yet."""

    page: int
    number: int
    position: int
    box: Box
    label: int
    read: int
    confidence: float


def export(settings: Settings, folder: Path) -> Exported:
    """Write all settled digits of a results folder as pictures, a sub-folder for each digit, with a table.

    Parameters
    ----------
    settings : Settings
    folder : Path
        Replaced if it holds an export; it must not hold anything else.

    Returns
    -------
    Exported

    Raises
    ------
    UsageError
        Nothing was read yet, or `folder` holds something else.
    """
    found: list[Labelled] = []
    left_out: list[tuple[str, str]] = []
    with publish.opened(settings) as (ledger, shelf), Sandbox() as sandbox:
        _make_room(folder)
        source_files = SourceFiles(ledger, shelf.job, settings, sandbox.decode)
        for known in ledger.known(shelf.job):
            if not ledger.corrections.newest(known.id):
                continue
            for one in _digits_of(source_files, known):
                if isinstance(one, Labelled):
                    found.append(one)
                else:
                    left_out.append(one)
    good, bad = _checked(found)
    left_out += bad
    _write(folder, good, left_out)
    return Exported(len(good), sum(one.label != one.read for one in good), tuple(left_out))


def _make_room(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / LABELS).is_file():
            raise UsageError(f"{folder} holds something else", hint="name an empty folder")
        for digit in "0123456789":
            shutil.rmtree(folder / digit, ignore_errors=True)
    elif folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")


def _digits_of(source_files: SourceFiles, known: Known) -> Iterator[Labelled | tuple[str, str]]:
    """Yield the settled digits of a file, or where one lies and why it is left out."""
    ledger = source_files.ledger
    if known.status not in READ:
        return
    machine = publish.stored_result(ledger, known)
    wanted = list(_settled(machine, corrected(machine, ledger.corrections.of(known.id))))
    for index in sorted({one.page for one in wanted}):
        here = [one for one in wanted if one.page == index]
        try:
            page = source_files.page(known, index)
        except InputError as error:
            yield from ((_where(known, one), str(error)) for one in here)
            continue
        inks = _inks(page, {one.box for one in here})
        for one in here:
            ink = inks.get(one.box)
            if ink is None:
                yield _where(known, one), "the digit could not be cut out again"
                continue
            name = review_id(known.sha256, index, one.box)
            place = (known.file, str(index), str(one.number), str(one.position))
            yield Labelled(name, to_mnist(ink), one.label, one.read, one.confidence, place)


def _settled(machine: FileResult, current: FileResult) -> Iterator[_Wanted]:
    """Yield the digits that a person confirmed or corrected; of a number with a wrong length, none is certain."""
    for page, now in zip(machine.pages, current.pages, strict=True):
        for ordinal, (number, new) in enumerate(zip(page.numbers, now.numbers, strict=False), 1):
            if len(number.digits) != len(new.digits):
                continue
            for position, (digit, said) in enumerate(zip(number.digits, new.digits, strict=True), 1):
                if said.status in BY_PERSON:
                    yield _Wanted(
                        *(page.index, ordinal, position, digit.box, said.value, digit.value, digit.confidence)
                    )


def _inks(page: Page, boxes: set[Box]) -> dict[Box, Grey]:
    """Cut a page as it was read, in each of four orientations, and return the ink in these boxes.

    Another version of the program may cut a little otherwise: the candidate that covers a box best is taken.
    """
    found: dict[Box, tuple[float, Line, Candidate]] = {}
    p = Imaging()
    seen = cache(lambda: look_at(page.grey))
    for quarters in range(4):
        view = clean.turned(page, quarters, p)
        for line in detection.lines_on(view, seen, p):
            for candidate in line.candidates:
                here = view.box_on_page(candidate.box, page.grey.shape)
                for box in boxes:
                    share = _common(box, here)
                    if share > found.get(box, (LEAST_COMMON,))[0]:
                        found[box] = (share, line, candidate)
        if len(found) == len(boxes):
            break
    return {box: line.ink(candidate) for box, (_, line, candidate) in found.items()}


def _common(one: Box, other: Box) -> float:
    """Area that two boxes share, over that which they cover together, in [0, 1]."""
    shared = one.intersection(other)
    both = shared.width * shared.height
    return both / (one.width * one.height + other.width * other.height - both) if both else 0.0


def _where(known: Known, one: _Wanted) -> str:
    return f"{known.file}, page {one.page}, number {one.number}, digit {one.position}"


def _checked(found: Sequence[Labelled]) -> tuple[list[Labelled], list[tuple[str, str]]]:
    """Part good crops from bad ones: no ink, a blot, or the same picture under two labels."""
    by_picture: dict[str, set[int]] = {}
    for one in found:
        by_picture.setdefault(_hash(one), set()).add(one.label)
    good, bad = [], []
    for one in found:
        ink = int(np.count_nonzero(one.picture > _INKED))
        where = f"{one.place[0]}, page {one.place[1]}, number {one.place[2]}, digit {one.place[3]}"
        if ink < LEAST_INK:
            bad.append((where, "there is hardly any ink"))
        elif ink > MOST_INK:
            bad.append((where, "more ink than a digit has"))
        elif len(by_picture[_hash(one)]) > 1:
            bad.append((where, "the same picture has another label elsewhere"))
        else:
            good.append(one)
    return good, bad


def _hash(one: Labelled) -> str:
    return hashlib.sha256(one.picture.tobytes()).hexdigest()


def _write(folder: Path, good: Sequence[Labelled], left_out: Sequence[tuple[str, str]]) -> None:
    for one in good:
        data = cv2.imencode(".png", one.picture)[1].tobytes()
        atomic.write(folder / str(one.label) / f"{one.name}.png", data, durable=False)
    rows = (
        (f"{one.label}/{one.name}.png", str(one.label), str(one.read), f"{one.confidence:.4f}",
         tables.defuse(one.place[0]), *one.place[1:])
        for one in good
    )  # fmt: skip
    atomic.write(folder / LABELS, _table(COLUMNS, rows))
    atomic.write(folder / LEFT_OUT, _table(("where", "why"), ((tables.defuse(w), y) for w, y in left_out)))


def _table(columns: Sequence[str], rows: Iterator[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()
