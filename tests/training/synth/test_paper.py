"""Paper, ink and light keep to the ranges they promise."""

import numpy as np
import pytest

from digitocr.training.synth.inks import INKS, contrast_levels, grey_ink, inked
from digitocr.training.synth.paper import Pattern, degrade, light, pattern, shadow, sheet, vignette

SHAPE = (80, 120)


@pytest.mark.parametrize("kind", Pattern)
def test_patterns_are_darkness(kind):
    print_ = pattern(np.random.default_rng(2), SHAPE, kind, 30.0)
    assert print_.shape == SHAPE
    assert 0 <= print_.min() <= print_.max() <= 1
    assert (print_.max() > 0) == (kind is not Pattern.PLAIN)


@pytest.mark.parametrize("seed", range(10))
def test_light_and_shadow_are_factors(seed):
    rng = np.random.default_rng(seed)
    assert light(rng, SHAPE, 0.5).min() >= 0.25
    assert 0 < vignette(rng, SHAPE, 0.6).min() <= vignette(rng, SHAPE, 0.6).max() <= 1
    dark = shadow(rng, SHAPE, 0.4)
    assert 0.6 - 1e-3 <= dark.min() < dark.max() <= 1


def test_a_sheet_has_the_grey_that_is_asked_for():
    plain = sheet(np.random.default_rng(1), SHAPE, level=200.0, grain=0.0)
    assert (plain == 200).all()
    ruled = sheet(np.random.default_rng(1), SHAPE, level=200.0, grain=0.0, kind=Pattern.RULED, contrast=50.0)
    assert 149 <= ruled.min() < 200 == ruled.max()


def test_dark_ink_lets_print_show_through_and_chalk_covers_it():
    paper = np.array([[200.0, 50.0]], np.float32)
    full = np.ones_like(paper)
    dark, light_ = inked(paper, full, INKS["black"])[0], inked(paper, full, INKS["chalk"])[0]
    assert dark[1] < dark[0] < 50
    assert light_[0] == light_[1] > 230
    np.testing.assert_array_equal(inked(paper, np.zeros_like(paper), INKS["black"]), paper)


@pytest.mark.parametrize("seed", range(20))
def test_ink_stays_legible(seed):
    level, contrast = contrast_levels(np.random.default_rng(seed), 1.0)
    assert contrast >= 34
    ink = grey_ink(level - contrast, level)
    on_paper = inked(np.full((1, 1), level, np.float32), np.ones((1, 1), np.float32), ink)
    assert on_paper[0, 0] == pytest.approx(level - contrast, abs=1)


def test_a_camera_without_wear_changes_nothing():
    image = np.random.default_rng(1).uniform(0, 255, (30, 40)).astype(np.float32)
    np.testing.assert_array_equal(degrade(np.random.default_rng(2), image), image.astype(np.uint8))
