"""The displacement of print on bent paper."""

import numpy as np
import pytest

from digitocr.forms.bending import bending_grid, bending_residual, displacement_at, fit_bending, no_bending
from digitocr.forms.matching import Matches

SIZE = np.array([1000.0, 700.0])


def scattered(count, seed=0):
    return np.random.default_rng(seed).uniform((0, 0), SIZE, (count, 2))


class TestFitBending:
    def test_a_shift_is_found_everywhere(self):
        points = scattered(60)
        bend = fit_bending(Matches(points, points + np.array([3, -2])), SIZE)
        assert np.allclose(bend, (3, -2), atol=0.05)

    def test_a_fifth_of_wrong_matches_does_no_harm(self):
        points = scattered(200)
        seen = points + np.array([2, 1])
        seen[::5] += np.random.default_rng(1).uniform(-14, 14, (40, 2))
        bend = fit_bending(Matches(points, seen), SIZE)
        assert np.abs(bend - (2, 1)).max() < 0.5

    @pytest.mark.parametrize("seed", range(5, 12))
    def test_print_at_one_side_of_a_form_does_not_say_where_the_other_lies(self, seed):
        rng = np.random.default_rng(seed)
        heading, cells = (
            rng.uniform((0, 0), (300, 700), (400, 2)),
            rng.uniform((850, 100), (950, 600), (40, 2)),
        )

        def bent(places):
            waves = np.sin(places @ [[0.011, 0.005], [0.004, 0.013]] + (0.5, 2.0))
            return places + waves * (4, 3) + 0.006 * (places - 300) + (2, -1)

        seen_again = Matches(np.vstack([heading, cells]), bent(np.vstack([heading, cells])))
        bend = fit_bending(seen_again, SIZE)
        beside = rng.uniform((860, 120), (940, 580), (50, 2))
        wrong = beside + displacement_at(bend, beside, SIZE) - bent(beside)
        assert np.abs(wrong).max() < 1.5


class TestDisplacementAt:
    def test_flat_paper_is_displaced_nowhere(self):
        assert not displacement_at(no_bending(), scattered(9), SIZE).any()

    def test_the_grid_is_met_in_its_points_and_interpolated_between(self):
        grid = bending_grid(SIZE)
        bend = (grid * 0.01).reshape(no_bending().shape)
        for points in (grid, scattered(50)):
            assert np.allclose(displacement_at(bend, points, SIZE), points * 0.01, atol=0.02)

    def test_no_points_have_no_displacement(self):
        assert displacement_at(no_bending(), np.zeros((0, 2)), SIZE).shape == (0, 2)


class TestBendingResidual:
    def test_print_that_bends_smoothly_leaves_next_to_none(self):
        points = scattered(300)
        assert bending_residual(Matches(points, points + np.sin(points / 150)), SIZE) < 0.3

    def test_print_that_scatters_leaves_as_much_as_it_scatters(self):
        points = scattered(300)
        noise = np.random.default_rng(2).normal(0, 3, (300, 2))
        assert 2 < bending_residual(Matches(points, points + noise), SIZE) < 6
