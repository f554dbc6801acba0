"""Wear: it changes the paper, covers no digit that is to be read, and tells what is no longer paper."""

import numpy as np
import pytest

from digitocr.training.synth import wear
from digitocr.training.synth.ground import Ground
from digitocr.training.synth.number_sheets import rows_scene
from digitocr.training.synth.strokes import Sources

COVERING = (wear.holes, wear.clip, wear.finger, wear.tear)
SHADING = (wear.fold, wear.crease, wear.stain, wear.show_through)


def scene(seed):
    made = rows_scene(np.random.default_rng(seed), Sources(), (300, 420), rows=("407", "1928"))
    made.ground = np.zeros(made.owner.shape, np.uint8)
    return made


@pytest.mark.parametrize("kind", [*SHADING, *COVERING], ids=lambda kind: kind.__name__)
def test_all_digits_stay_and_what_covers_the_paper_is_no_paper(kind):
    changed = 0
    for seed in range(5):
        made = scene(seed)
        paper, owner = made.paper.copy(), made.owner.copy()
        kind(np.random.default_rng(seed), made)
        assert np.array_equal(made.owner > 0, owner > 0)
        outside = made.ground == Ground.OUTSIDE
        assert not (outside & (made.owner != 0)).any()
        assert made.paper.dtype == np.float32
        changed += not np.array_equal(paper, made.paper)
        if kind in SHADING:
            assert not outside.any()
        elif not np.array_equal(paper, made.paper):
            assert outside.any()
    assert changed >= 3


def test_waves_bend_all_maps_alike():
    for seed in range(4):
        made = scene(seed)
        made.ground = (made.owner != 0).astype(np.uint8)
        digits = set(np.unique(made.owner).tolist())
        wear.curl(np.random.default_rng(seed), made)
        assert set(np.unique(made.owner).tolist()) == digits
        assert np.array_equal(made.ground != 0, made.owner != 0)


def test_a_hidden_part_is_told():
    made = scene(1)
    wear.hide(np.random.default_rng(2), made, 8.0)
    assert (made.ground == Ground.OUTSIDE).any()


def test_no_damage_is_no_wear():
    made = scene(4)
    paper = made.paper.copy()
    wear.wear(np.random.default_rng(0), made, 0.0)
    assert np.array_equal(made.paper, paper)
