"""Drawn pages as the page network learns from them."""

from dataclasses import replace

import numpy as np

from digitocr.networks.page_network import CELL
from digitocr.training.datasets.page_corpus import (
    CUT_LEAST,
    CUTS,
    SCALES_PX,
    cut_outs,
    labelled_page,
    page_corpus,
    page_drawings,
    pages_of,
    seen,
    stored,
    views,
)
from digitocr.training.synth.ground import Ground
from digitocr.training.synth.photos import photo
from digitocr.training.synth.strokes import Sources


def drawing():
    return photo(np.random.default_rng(4), Sources(), longest=600, turns=False)


def test_a_page_is_scaled_with_its_cells():
    page = labelled_page(drawing(), 640)
    rows, columns = page.classes.shape
    assert page.picture.shape == (rows * CELL, columns * CELL, 3)
    assert page.centre.shape == page.classes.shape
    assert page.centre.any()
    assert (page.classes == Ground.DIGIT).any()


def test_digits_are_darker_than_their_surroundings():
    page = labelled_page(drawing(), 640)
    cells = page.picture.mean(axis=2).reshape(page.classes.shape[0], CELL, -1, CELL).mean(axis=(1, 3))
    assert cells[page.classes == Ground.DIGIT].mean() < cells[page.classes == Ground.PAPER].mean()


def test_a_small_drawing_is_not_enlarged_much():
    small = photo(np.random.default_rng(4), Sources(), longest=300, turns=False)
    for page in views(np.random.default_rng(1), small):
        assert max(page.picture.shape) <= 2.2 * max(seen(small).shape)
        assert max(page.picture.shape) <= SCALES_PX[1]


def test_cut_outs_show_parts_of_a_page_with_their_truth():
    cuts = list(cut_outs(np.random.default_rng(3), drawing()))
    assert len(cuts) == CUTS
    assert sum(bool(cut.centre.any()) for cut in cuts) >= CUTS // 2
    for cut in cuts:
        assert cut.picture.shape == (CELL * cut.classes.shape[0], CELL * cut.classes.shape[1], 3)
        assert cut.centre.shape == cut.classes.shape
        assert all(side >= least for side, least in zip(cut.classes.shape, CUT_LEAST, strict=True))
        if cut.centre.any():
            cells = cut.picture.mean(axis=2).reshape(cut.classes.shape[0], CELL, -1, CELL).mean(axis=(1, 3))
            assert cells[cut.classes == Ground.DIGIT].mean() < cells[cut.classes == Ground.PAPER].mean()


def test_a_drawing_without_numbers_has_no_cut_outs():
    one = drawing()
    bare = replace(one, digits=(), numbers=(), rows=(), owner=np.zeros_like(one.owner))
    assert list(cut_outs(np.random.default_rng(3), bare)) == []


def test_pages_are_kept_and_split_again():
    pages = [labelled_page(drawing(), longest) for longest in (640, 900)]
    for page, again in zip(pages, pages_of(stored(pages)), strict=True):
        assert np.array_equal(page.picture, again.picture)
        assert np.array_equal(page.classes, again.classes)
        assert np.array_equal(page.centre, again.centre)


def test_layouts_and_the_older_drawings_are_drawn_the_same_for_a_seed():
    one, other = (list(page_drawings(3, 3, None, None)) for _ in range(2))
    assert [drawing.kind for drawing in one] == [drawing.kind for drawing in other]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, other, strict=True))


def test_a_corpus_is_drawn_once(tmp_path):
    first = page_corpus("pages", 3, 2, None, None, tmp_path, str)
    again = page_corpus("pages", 3, 2, None, None, tmp_path, str)
    assert len(list(pages_of(first[0]))) == 4
    assert np.array_equal(first[0]["encoded"], again[0]["encoded"])
