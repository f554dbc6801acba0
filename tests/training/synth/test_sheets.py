"""Sheets that are printed and filled in."""

import numpy as np
import pytest

from digitocr.records import Box
from digitocr.training.synth.hand import draw_hand
from digitocr.training.synth.inks import INKS
from digitocr.training.synth.printing import blank_print
from digitocr.training.synth.sheets import FilledSheet, blank_sheet, print_field, row_of_cells, small_number
from digitocr.training.synth.strokes import Sources

SHAPE = (160, 400)


def sheet(seed):
    rng, sources = np.random.default_rng(seed), Sources()
    scene = blank_sheet(rng, SHAPE, colour=False, bright=(230, 250))
    hand = draw_hand(rng, sources)
    return rng, FilledSheet(scene, blank_print(SHAPE, None), 4.0, hand, INKS["blue"], sources, 0.3)


def test_cells_stand_in_a_row():
    cells = row_of_cells(10, 20, 3, 30, 40, 5)
    assert cells == [Box(10, 20, 30, 40), Box(45, 20, 30, 40), Box(80, 20, 30, 40)]


@pytest.mark.parametrize("seed", range(6))
def test_a_number_fills_the_last_cells(seed):
    rng, form = sheet(seed)
    cells = row_of_cells(20, 40, 5, 60, 70, 8)
    form.number(rng, cells, "407", 50, "x")
    assert [n[0] for n in form.scene.numbers] == ["407"]
    assert form.scene.signs == ["x", "x"]
    middles = [np.nonzero(form.scene.owner == k)[1].mean() for k in (1, 2, 3)]
    assert all(abs(m - c.centre[0]) < 30 for m, c in zip(middles, cells[2:], strict=True))


@pytest.mark.parametrize("style", range(4))
def test_every_style_of_field_prints_its_cells(style):
    _, form = sheet(1)
    cells = row_of_cells(20, 40, 3, 60, 70, 8)
    print_field(form, cells, style)
    printed = form.print.darkness()
    assert all(printed[c.y : c.bottom + 1, c.x : c.right + 1].any() for c in cells)
    assert not printed[:30].any()


def test_small_numbers_fit_and_lead_with_no_zero_but_now_and_then():
    rng = np.random.default_rng(1)
    texts = [small_number(rng, 4) for _ in range(400)]
    assert all(text.isdigit() and 1 <= len(text) <= 4 for text in texts)
    assert 0 < sum(len(t) > 1 and t[0] == "0" for t in texts) < 40
