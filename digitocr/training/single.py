"""A picture of one digit, of any size and colour, to what the network sees: by the steps of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitocr import clean, normalize, segment
from digitocr.records import Box, Grey, Line, Page, Sheet


@dataclass(frozen=True, slots=True)
class SingleDigit:
    """The digit of a picture.

    Attributes
    ----------
    seen : (28, 28) uint8 ndarray
        In MNIST format.
    box : Box
        In page pixels.
    """

    seen: Grey
    box: Box


def single_digit(page: Page) -> SingleDigit | None:
    """Find the one digit of a page and bring it into MNIST format; None where there is no ink.

    Parameters
    ----------
    page : Page
    """
    sheet = clean.clean(page)
    lines = segment.segment(sheet)
    if not lines:
        return None
    line = max(lines, key=lambda line: _weight(line, sheet))
    ink, box = _whole(line)
    return SingleDigit(normalize.to_mnist(ink), sheet.box_on_page(box, page.grey.shape))


def _weight(line: Line, sheet: Sheet) -> float:
    """Size of a line, less where it lies far from the middle of the sheet."""
    height, width = sheet.ink.shape
    x, y = line.box.centre
    away = max(abs(x / width - 0.5), abs(y / height - 0.5)) * 2
    return float(line.box.height * (1.5 - away))


def _whole(line: Line) -> tuple[Grey, Box]:
    """Return the ink of the digit of a line, and its box in sheet pixels."""
    best = max(line.candidates, key=lambda c: np.count_nonzero(c.ink))
    return best.ink, best.box
