"""Answers as people give, strike and correct them."""

import numpy as np
import pytest

from digitocr.records import Box
from digitocr.training.synth.answers import FILLERS, STRIKES, WAYS, AnswerSheet, Ground
from digitocr.training.synth.hand import draw_hand
from digitocr.training.synth.strokes import Sources

BOX = Box(30, 20, 60, 60)


def sheet(seed=0):
    rng = np.random.default_rng(seed)
    hand = draw_hand(rng, Sources(), thickness=0.09)
    return rng, AnswerSheet(np.full((100, 120), 240, np.float32), hand, 40, 0.3, 0.7)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_leaves_dark_ink_that_is_known_as_struck(way):
    rng, paper = sheet()
    paper.doubtful(rng, way, "7", BOX)
    struck = paper.ground == Ground.STRUCK
    assert struck.sum() > 40
    assert paper.paper[struck].mean() < 200
    assert (paper.paper[paper.ground == Ground.PAPER] > 100).mean() > 0.98


@pytest.mark.parametrize("label", sorted(set(FILLERS)))
def test_a_filler_is_no_struck_ink(label):
    rng, paper = sheet()
    paper.filler(rng, label, BOX)
    assert set(np.unique(paper.ground)) == {Ground.PAPER, Ground.FILLER}


def test_digits_are_known_as_meant_and_a_strike_outweighs_them():
    rng, paper = sheet()
    box = paper.digits(rng, "38", BOX)
    assert set(np.unique(paper.ground)) == {Ground.PAPER, Ground.DIGITS}
    before = (paper.ground == Ground.DIGITS).sum()
    paper.strike(rng, next(iter(STRIKES)), box)
    assert (paper.ground == Ground.DIGITS).sum() < before


def test_ink_beyond_the_paper_is_left_out():
    rng, paper = sheet()
    paper.digits(rng, "8", Box(100, 60, 60, 60))
    paper.strike(rng, "cross", Box(-40, -40, 60, 60))
    assert paper.paper.shape == paper.ground.shape == (100, 120)
