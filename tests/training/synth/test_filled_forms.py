"""Forms filled in and photographed: the truth is where it says."""

import cv2
import numpy as np
import pytest

from digitocr.forms.template import Field
from digitocr.records import Box
from digitocr.training.synth.filled_forms import FILLERS, fill_in, photograph_page
from digitocr.training.synth.strokes import Sources

CELLS = tuple(Box(40 + 60 * k, 40, 60, 70) for k in range(4))
BOXED = Field("boxed", Box(40, 40, 240, 70), cells=CELLS)
FREE = Field("free", Box(40, 160, 240, 70))


def filled(seed, boxed, free):
    paper = np.full((260, 320), 240, np.float32)
    texts = {"boxed": boxed, "free": free}
    fields = [(BOXED, BOXED.box, CELLS), (FREE, FREE.box, ())]
    return paper, fill_in(np.random.default_rng(seed), paper, fields, texts, Sources())


def darkest(paper, box):
    return float(paper[box.y : box.bottom, box.x : box.right].min())


@pytest.mark.parametrize("seed", range(8))
def test_digits_stand_in_the_last_cells_and_fillers_before_them(seed):
    paper, truth = filled(seed, "47", "305")
    assert truth["free"].text == "305"
    assert truth["free"].cells == ()
    assert truth["boxed"].cells[2:] == ("4", "7")
    assert len(set(truth["boxed"].cells[:2])) == 1
    assert truth["boxed"].cells[0] in FILLERS
    for box in (*CELLS[2:], FREE.box):
        assert darkest(paper, box) < 150


def test_an_empty_field_stays_blank():
    paper, truth = filled(3, "4711", "")
    assert truth["free"].text == ""
    assert darkest(paper, FREE.box) == 240


def test_all_fields_are_filled_by_one_seed_alike():
    first, again = filled(5, "12", "34"), filled(5, "12", "34")
    np.testing.assert_array_equal(first[0], again[0])
    assert first[1] == again[1]


@pytest.mark.parametrize("seed", range(6))
def test_points_of_the_page_are_found_in_its_photo(seed):
    paper = np.full((900, 640), 240, np.float32)
    marks = np.array([[120.0, 150.0], [520.0, 140.0], [500.0, 760.0], [140.0, 700.0]])
    for x, y in marks.astype(int):
        cv2.circle(paper, (x, y), 14, 0.0, -1)
    shot = photograph_page(np.random.default_rng(seed), paper, longest=1200, damage=0.5)
    assert max(shot.image.shape) == pytest.approx(1200, abs=2)
    for x, y in shot.place(marks).round().astype(int):
        around = shot.image[max(y - 30, 0) : y + 31, max(x - 30, 0) : x + 31]
        assert shot.image[y, x] < 0.5 * np.median(around[around > around.mean()])
