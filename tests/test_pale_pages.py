"""Pages that are paler than any ink usually is: read like others, and never taken for blank."""

import numpy as np
import pytest

from digitocr.pipeline import load_reader
from digitocr.records import Nothing, Page
from digitocr.training.synth.hand import draw_hand
from digitocr.training.synth.pen import Token, write
from digitocr.training.synth.strokes import Sources

TEXTS = ("1330", "9895", "353", "4547", "3572", "7205")


@pytest.fixture(scope="module")
def reader():
    return load_reader()


def page(seed, contrast):
    """An A4 page at 150 dpi with six numbers, whose ink takes that share of the light."""
    rng = np.random.default_rng(seed)
    hand = draw_hand(rng, Sources(), thickness=0.1)
    grey = 246 + rng.normal(0, 1.5, (1754, 1240))
    for k, text in enumerate(TEXTS):
        written = write(rng, [Token(digit) for digit in text], hand, 60, margin=(0, 0, 0, 0))
        rows, columns = written.alpha.shape
        y, x = 150 + 250 * k, 150 + 90 * k
        grey[y : y + rows, x : x + columns] -= 246 * contrast * written.alpha / 255
    return Page(1, np.clip(grey, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("contrast", [0.10, 0.16])
def test_a_pale_page_is_read_as_a_dark_one(reader, contrast):
    ((_, rows),) = reader.decoded([reader.lay_out(page(3, contrast))])
    found = [number.text for row in rows for number in row]
    assert len(set(TEXTS) & set(found)) >= 4, found


def test_an_empty_page_is_blank(reader):
    grey = 246 + np.random.default_rng(1).normal(0, 1.5, (1754, 1240))
    (result,) = reader.results([reader.lay_out(Page(1, grey.astype(np.uint8)))])
    assert (result.numbers, result.nothing) == ((), Nothing.BLANK)
