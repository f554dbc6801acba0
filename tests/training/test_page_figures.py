"""Figures of the page network."""

import numpy as np
import pytest

from digitocr.networks.page_network import CLASSES, PageMaps, scaled_shape
from digitocr.training.datasets.page_cells import cell_classes, centre_lines
from digitocr.training.page_figures import page_figures, printed_page, table
from digitocr.training.synth.ground import Ground
from digitocr.training.synth.photos import photo
from digitocr.training.synth.strokes import Sources


@pytest.fixture(scope="module")
def drawing():
    return photo(np.random.default_rng(4), Sources(), longest=600, turns=False)


def perfect(drawing):
    shape = scaled_shape(drawing.image.shape, 640)
    classes = np.eye(len(CLASSES), dtype=np.float32)[cell_classes(drawing, shape)]
    return PageMaps(classes, centre_lines(drawing, shape).astype(np.float32)), shape


def test_who_sees_all_meets_all(drawing):
    found = page_figures(drawing, *perfect(drawing))
    assert found.numbers == found.met == found.apart == len(drawing.numbers)
    assert found.precision == found.recall == 1
    assert np.trace(found.confusion) == found.confusion.sum()


def test_who_sees_only_paper_meets_nothing(drawing):
    maps, shape = perfect(drawing)
    blind = PageMaps(np.eye(len(CLASSES))[np.zeros(maps.centre.shape, int)], np.zeros_like(maps.centre))
    found = page_figures(drawing, blind, shape)
    assert found.met == found.apart == 0
    assert found.taken(Ground.DIGIT, Ground.PAPER) == 1


def test_numbers_that_run_together_are_not_set_apart(drawing):
    maps, shape = perfect(drawing)
    joined = PageMaps(maps.classes, np.ones_like(maps.centre))
    found = page_figures(drawing, joined, shape)
    assert found.met == found.numbers > 1
    assert found.apart == 0


def test_pages_add_up_to_a_table(drawing):
    one = page_figures(drawing, *perfect(drawing))
    assert (one + one).numbers == 2 * one.numbers
    assert f"| sheets | {2 * one.numbers} | 100.0 % | 100.0 % | 100.0 % |" in table({"sheets": one + one})


def test_a_page_of_printed_numbers_has_no_handwriting():
    drawing = printed_page(np.random.default_rng(3))
    assert not drawing.owner.any()
    assert (drawing.ground == Ground.PRINT).mean() > 0.005
