"""Figures of the page network on drawn pages: numbers met and set apart, digit cells, classes taken for others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.networks.page_network import CLASSES, PageMaps, PageNetwork, scaled_shape
from digitocr.training.datasets.page_cells import cell_classes, number_cells
from digitocr.training.datasets.page_corpus import seen
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.ground import Ground
from digitocr.training.synth.layouts.language import Choice, Column, Layout, Over, Paper, Range, Table
from digitocr.training.synth.layouts.pages import layout_page
from digitocr.training.synth.printing import fonts_found
from digitocr.training.synth.strokes import Random, Sources

MET_SHARE: Final = 0.5
"""A number is met if this share of its digit cells is found."""

PRINTED: Final = Layout(
    name="printed-numbers",
    blocks=(
        Table(
            columns=tuple(
                Column(holds=Choice((f"printed {kind}",)), filled=1, digits=Range(1, 6), times=Range(1, 2))
                for kind in ("number", "amount", "date")
            ),
            header=0,
            total=0,
            rows=Range(8, 20),
            height=Range(1.6, 2.6),
            used=Range(1, 1),
        ),
    ),
    paper=Paper(longest=Range(900, 1800), em=Range(0.012, 0.03)),
    over=Over(note=0, stamp=0, serial=0, watermark=0),
)
"""Printed numbers and nothing else: what of them is taken for handwriting."""


@dataclass(frozen=True, slots=True)
class PageFigures:
    """Counts over pages; those of several pages add up.

    Attributes
    ----------
    confusion : (6, 6) int64 ndarray
        Cells by their class, in rows, and by the class they are taken for, in columns.
    numbers : int
        Handwritten numbers.
    met : int
        Those of which half of the digit cells are found.
    apart : int
        Those that one connected part of the centre lines covers, which covers no other.
    """

    confusion: NDArray[np.int64]
    numbers: int = 0
    met: int = 0
    apart: int = 0

    def __add__(self, other: PageFigures) -> PageFigures:
        return PageFigures(
            self.confusion + other.confusion,
            self.numbers + other.numbers,
            self.met + other.met,
            self.apart + other.apart,
        )

    @property
    def precision(self) -> float:
        """Share of the cells taken for a digit that show one."""
        return _share(self.confusion[Ground.DIGIT, Ground.DIGIT], self.confusion[:, Ground.DIGIT].sum())

    @property
    def recall(self) -> float:
        """Share of the digit cells that are taken for one."""
        return self.taken(Ground.DIGIT, Ground.DIGIT)

    def taken(self, kind: Ground, other: Ground) -> float:
        """Share of the cells of a class that are taken for another."""
        return _share(self.confusion[kind, other], self.confusion[kind].sum())


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")


def page_figures(drawing: Drawing, maps: PageMaps, shape: tuple[int, int]) -> PageFigures:
    """Compare what the network sees in a page with its truth.

    Parameters
    ----------
    drawing : Drawing
    maps : PageMaps
    shape : tuple of int
        Rows and columns of the scaled page.

    Returns
    -------
    PageFigures
    """
    found = maps.classes.argmax(axis=-1)
    truth = cell_classes(drawing, shape)
    kinds = len(CLASSES)
    pairs = np.bincount(truth.ravel().astype(np.int64) * kinds + found.ravel(), minlength=kinds**2)
    numbers = number_cells(drawing, shape)
    met = sum((found.ravel()[cells] == Ground.DIGIT).mean() >= MET_SHARE for cells in numbers)
    _, parts = cv2.connectedComponents((maps.centre >= 0.5).astype(np.uint8), connectivity=8)
    touched = [set(parts.ravel()[cells].tolist()) - {0} for cells in numbers]
    owners = np.bincount([part for own in touched for part in own], minlength=1)
    apart = sum(len(own) == 1 and owners[min(own)] == 1 for own in touched)
    return PageFigures(pairs.reshape(kinds, kinds), len(numbers), int(met), int(apart))


def figures(network: PageNetwork, drawings: Iterable[Drawing], longest: int) -> PageFigures:
    """Look at drawn pages at a scale and add up the figures.

    Parameters
    ----------
    network : PageNetwork
    drawings : iterable of Drawing
    longest : int
        Longest side of the scaled pages in pixels.

    Returns
    -------
    PageFigures
    """
    found = PageFigures(np.zeros((len(CLASSES), len(CLASSES)), np.int64))
    for drawing in drawings:
        page = seen(drawing)
        shape = scaled_shape((page.shape[0], page.shape[1]), longest)
        found += page_figures(drawing, network.maps(page, longest), shape)
    return found


def printed_page(rng: Random) -> Drawing:
    """Draw a page of printed numbers, without handwriting.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    Drawing
    """
    return layout_page(rng, Sources(), PRINTED, fonts=fonts_found())


def table(found: Mapping[str, PageFigures]) -> str:
    """Return the figures of each kind of page as a table, and below it the confusion of all.

    Parameters
    ----------
    found : mapping of str to PageFigures

    Returns
    -------
    str
    """
    head = "| pages | numbers | met | set apart | digit cells: precision | recall | print taken for a digit |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for name, one in found.items():
        numbers = (_share(one.met, one.numbers), _share(one.apart, one.numbers))
        cells = (one.precision, one.recall, one.taken(Ground.PRINT, Ground.DIGIT))
        lines.append(_row(name, f"{one.numbers}", *map(_percent, (*numbers, *cells))))
    none = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    together = sum((one.confusion for one in found.values()), none)
    lines += ["", _row("shows, taken for", *CLASSES), "|---" * (len(CLASSES) + 1) + "|"]
    for name, row in zip(CLASSES, together, strict=True):
        lines.append(_row(name, *(_percent(_share(count, row.sum())) for count in row)))
    return "\n".join(lines)


def _row(*texts: str) -> str:
    return f"| {' | '.join(texts)} |"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
