"""Measuring sets drawn in our own hand, stored like the real ones: crops, pages and photos, and filled forms."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.forms import drawn_form, drawn_pages
from benchmarks.golden import KINDS, OWN
from digitocr.forms.template_file import dump
from digitocr.records import Box
from digitocr.training.synth.drawing import Drawing

SEED = 2029
TEMPLATE = "form.yaml"
"""Name of the template in the folder of a set of forms."""

TruthRow = dict[str, object]


@dataclass(frozen=True, slots=True)
class DrawnSet:
    """What is drawn for a set.

    Attributes
    ----------
    kinds : tuple of str
        Of :data:`benchmarks.golden.KINDS`, in turn; none where forms are drawn.
    count : int
        How many pictures.
    """

    kinds: tuple[str, ...]
    count: int


DRAWN = {
    "drawn_crops": DrawnSet(("digit", "field", "line", "cells"), 200),
    "drawn_pages": DrawnSet(("page", "photo"), 16),
    "drawn_forms": DrawnSet((), 8),
}
"""By name of the set."""


def draw_set(folder: Path, count: int | None = None) -> Path:
    """Draw one of the sets of `DRAWN`, the same pictures each time.

    Parameters
    ----------
    folder : Path
        Created; its name is the set's.
    count : int, optional
        How many pictures, if not those of `DRAWN`.

    Returns
    -------
    Path
        The folder, with ``images/``, ``truth.csv`` and, for forms, the template.
    """
    drawn = DRAWN[folder.name]
    number = drawn.count if count is None else count
    (folder / "images").mkdir(parents=True)
    rows = list(_draw(folder / "images", drawn.kinds, number) if drawn.kinds else _draw_forms(folder, number))
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as stream:
        truth = csv.DictWriter(stream, list(rows[0]))
        truth.writeheader()
        truth.writerows(rows)
    return folder


def _draw(images: Path, kinds: Sequence[str], count: int) -> Iterator[TruthRow]:
    """Draw pictures into a folder and yield their truth: of pages a row for each number, of crops the text."""
    for i in range(count):
        kind = kinds[i % len(kinds)]
        drawing: Drawing = KINDS[kind](np.random.default_rng((SEED, i)), OWN)
        file = f"{kind}{i:03}.png"
        cv2.imwrite(str(images / file), drawing.image if drawing.colour is None else drawing.colour)
        if kind in ("page", "photo"):
            for k, number in enumerate(drawing.numbers):
                # a photo does not carry the fields along
                field = number.field if kind == "page" else None
                yield _in_box(file, str(k), number.text, field or number.box)
        else:
            yield {"file": file, "text": drawing.text}


def _draw_forms(folder: Path, count: int) -> Iterator[TruthRow]:
    """Draw photos of a filled form, store its template, and yield a row for each field.

    The template does not name the markers, so that the form must be found by its print.
    """
    form, empty = drawn_form(folder)
    dump(replace(form.template, markers=()), folder / TEMPLATE)
    for i, shown in enumerate(drawn_pages(form, empty, OWN, count, SEED)):
        file = f"form{i:03}.png"
        cv2.imwrite(str(folder / "images" / file), shown.image)
        for field in form.template.fields:
            box = field.box
            corners = np.array([(x, y) for x in (box.x, box.right) for y in (box.y, box.bottom)], np.float64)
            placed = corners if shown.place is None else shown.place(corners)
            (left, top), (right, bottom) = placed.min(axis=0).tolist(), placed.max(axis=0).tolist()
            around = Box(round(left), round(top), round(right - left), round(bottom - top))
            yield _in_box(file, field.name, shown.entries[field.name].text, around)


def _in_box(file: str, field: str, text: str, box: Box) -> TruthRow:
    place = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    return {"file": file, "field": field, "text": text, **place}
