"""Fields of drawn, filled-in and photographed forms, with the truth for their cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.forms.features import no_features
from digitocr.forms.form_page import field_crops
from digitocr.forms.form_print import FormPrint
from digitocr.forms.registration import Registration
from digitocr.forms.template import Field, Template
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.sheet import Line
from digitocr.networks.classifier import CUT, SIGN
from digitocr.recognition import scoring
from digitocr.records import Box, Page
from digitocr.training.datasets.labelling import UNSURE, DigitSpan, LabelledLine
from digitocr.training.synth.filled_forms import FilledField, PagePhoto, fill_in, photograph_page
from digitocr.training.synth.strokes import Random, Sources

WHOLE_SHARE = 0.9
"""A candidate with this share of a cell's ink is the whole of what was written; with less than the rest, a speck."""

SLIP_PX = 1.5
"""Error of the simulated registration, in pixels of the reference."""


@dataclass(frozen=True, slots=True)
class DrawnField:
    """The ink of a field and what was written into it."""

    line: Line
    entry: FilledField


def drawn_forms(seed: int, pages: int, sources: Sources) -> Iterator[list[DrawnField]]:
    """Draw pages of cells and run the reading path on them as far as candidates.

    Parameters
    ----------
    seed : int
    pages : int
    sources : Sources

    Yields
    ------
    list of DrawnField
        The fields with ink of one page.
    """
    cv2.setNumThreads(1)
    for i in range(pages):
        rng = np.random.default_rng((seed, i))
        template, paper = printed_cells(rng)
        texts = {field.name: _text(rng, len(field.cells)) for field in template.fields}
        entries = fill_in(rng, paper, [(f, f.box, f.cells) for f in template.fields], texts, sources)
        shot = photograph_page(rng, paper, longest=int(rng.integers(1000, 1800)))
        crops = field_crops(
            Page(1, shot.image),
            FormPrint(template, no_features()),
            slipped_registration(rng, shot, template),
            Imaging(),
        )
        yield [DrawnField(a.line, entries[a.field.name]) for a in crops if a.line is not None]


def printed_cells(rng: Random) -> tuple[Template, NDArray[np.float32]]:
    """Print a page of cells in one style: dark or faint frames, joined or apart, with guides or none.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    template : Template
    paper : (H, W) float32 ndarray
    """
    width, height = 1200, 900
    paper = np.full((height, width), rng.uniform(225, 250), np.float32)
    count = int(rng.choice((1, 2, 3, 3, 4, 6, 9, 12)))
    cell_height = int(rng.integers(32, 80))
    cell_width = min(round(cell_height * float(rng.uniform(0.7, 1.15))), (width - 120) // count - 12)
    apart = int(rng.integers(2, 10)) if rng.random() < 0.4 else 0
    tone, thick = float(rng.uniform(0, 185)), int(rng.integers(1, 4))
    guide = float(rng.uniform(170, 225)) if rng.random() < 0.3 else 0.0
    fields: list[Field] = []
    y = 60
    while y + cell_height < height - 60:
        x = 60
        while x + count * (cell_width + apart) < width - 60:
            cells = tuple(Box(x + k * (cell_width + apart), y, cell_width, cell_height) for k in range(count))
            for cell in cells:
                cv2.rectangle(paper, (cell.x, cell.y), (cell.right, cell.bottom), tone, thick)
                if guide:
                    inner = (round(0.3 * cell_width), round(0.25 * cell_height))
                    ends = (
                        (cell.x + inner[0], cell.y + inner[1]),
                        (cell.right - inner[0], cell.bottom - inner[1]),
                    )
                    cv2.rectangle(paper, *ends, guide, 1)
            box = Box(x, y, cells[-1].right - x, cell_height)
            fields.append(Field(f"f{len(fields)}", box, cells=cells, blank=True))
            x += count * (cell_width + apart) + int(rng.integers(20, 60))
        y += cell_height + int(rng.integers(12, 50))
    return Template("drawn", (width, height), tuple(fields)), paper


def _text(rng: Random, cells: int) -> str:
    if rng.random() < 0.08:
        return ""
    return "".join(str(digit) for digit in rng.integers(0, 10, int(rng.integers(1, cells + 1))))


def slipped_registration(rng: Random, shot: PagePhoto, template: Template) -> Registration:
    """Return where a drawn page lies in its photo, about.

    Parameters
    ----------
    rng : numpy.random.Generator
    shot : PagePhoto
    template : Template

    Returns
    -------
    Registration
    """
    steps = np.linspace(0, 1, 25)
    size = np.array(template.size, dtype=np.float64)
    grid = np.stack(np.meshgrid(steps * size[0], steps * size[1]), axis=-1).reshape(-1, 2)
    carried = cv2.perspectiveTransform(grid[None], shot.to_photo)[0]
    nothing = np.zeros(0, np.bool_)
    off = shot.place(np.asarray(grid + rng.normal(0, SLIP_PX / 2, 2), np.float64)) - carried
    return Registration(
        shot.to_photo, off.reshape(25, 25, 2).astype(np.float32), template.size, 0.0, 1.0, nothing
    )


def labelled_field(field: DrawnField) -> LabelledLine:
    """Label each candidate of a field, and find the columns of its digits.

    Parameters
    ----------
    field : DrawnField

    Returns
    -------
    LabelledLine
    """
    labels = _labels(field)
    return LabelledLine(field.line, labels, np.full(len(labels), -1, dtype=np.int16), _written(field))


def _labels(field: DrawnField) -> NDArray[np.int8]:
    line = field.line
    labels = []
    for candidate, share in zip(line.candidates, scoring.shares_of_cells(line).tolist(), strict=True):
        written = field.entry.cells[line.cells[candidate.first]]
        if written.isdigit():
            labels.append(int(written) if share >= WHOLE_SHARE else SIGN if share <= 1 - WHOLE_SHARE else CUT)
        else:
            # ink in a blank cell is a fragment of its border or of the neighbour: it must not count against a 1
            labels.append(SIGN if share >= WHOLE_SHARE and written else UNSURE)
    return np.array(labels, dtype=np.int8)


def _written(field: DrawnField) -> tuple[DigitSpan, ...] | None:
    """List the digits of a field, None where the ink of one was not found."""
    ys, xs = np.nonzero(field.line.labels)
    cells = np.array(field.line.cells)[field.line.labels[ys, xs] - 1]
    columns = {int(cell): xs[cells == cell] for cell in np.unique(cells)}
    digits = [(cell, int(text)) for cell, text in enumerate(field.entry.cells) if text.isdigit()]
    if not all(cell in columns for cell, _ in digits):
        return None
    return tuple(
        DigitSpan(value, int(columns[cell].min()), int(columns[cell].max()) + 1) for cell, value in digits
    )
