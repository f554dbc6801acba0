"""Print of a form matched with print on a page."""

import numpy as np
import pytest
from drawn_form import SIZE, form, printed

from digitocr.forms.features import Features, no_features
from digitocr.forms.matching import Matches, PrintPair, find_near, match_corners, match_distinctive

PICTURE = printed()
FORM = form(PICTURE)


def pair_of(page):
    return PrintPair.of(FORM, page, FORM.scale)


def shifted(by):
    return Features(FORM.features.points + np.float32(by), FORM.features.descriptors)


class TestMatches:
    def test_they_are_joined_and_chosen_from(self):
        one = Matches(np.zeros((2, 2)), np.ones((2, 2)))
        both = one + Matches(np.full((1, 2), 5.0), np.full((1, 2), 6.0))
        assert len(both) == 3
        assert both.some(np.array([False, False, True])).page.tolist() == [[6, 6]]


class TestMatchDistinctive:
    def test_print_is_found_wherever_it_lies(self):
        found = match_distinctive(pair_of(shifted((90, 20))))
        assert len(found) > 0.5 * len(FORM.features.points)
        assert np.allclose(found.page - found.form, np.array([90, 20]) * FORM.scale, atol=1e-3)

    @pytest.mark.parametrize(("second", "distinctive"), [(0.89, False), (0.5, True)])
    def test_print_that_is_there_nearly_twice_is_not_distinctive(self, second, distinctive):
        looks = np.eye(128, dtype=np.float32)
        there = np.stack([0.9 * looks[0], second * looks[0], 0.1 * looks[0]])
        pair = PrintPair(np.array([[7.0, 8]]), np.array([[1.0, 2], [3, 4], [5, 6]]), looks[:1], there)
        assert match_distinctive(pair).page.tolist() == ([[1, 2]] if distinctive else [])

    def test_a_page_without_print_matches_nothing(self):
        assert len(match_distinctive(pair_of(no_features()))) == 0


class TestFindNear:
    def test_each_feature_is_found_within_reach(self):
        pair = pair_of(shifted((4, 0)))
        assert (find_near(pair, pair.form, 8.0) >= 0).mean() > 0.9

    def test_nothing_is_found_beyond_it(self):
        pair = pair_of(shifted((4000, 0)))
        assert (find_near(pair, pair.form, 8.0) == -1).all()

    def test_no_feature_is_found_twice(self):
        pair = pair_of(shifted((3, 3)))
        found = find_near(pair, pair.form, 14.0)
        assert len(np.unique(found[found >= 0])) == (found >= 0).sum()

    def test_a_page_without_print_has_none(self):
        pair = pair_of(no_features())
        assert (find_near(pair, pair.form, 8.0) == -1).all()


class TestMatchCorners:
    CORNERS = np.array([[560.0, 200], [648, 254], [560, 454]])

    def test_corners_are_followed_to_the_pixel(self):
        moved = np.roll(PICTURE, (2, -3), axis=(0, 1))
        found = match_corners(PICTURE, moved, self.CORNERS, self.CORNERS)
        assert np.allclose(found.page - found.form, (-3, 2), atol=0.3)
        assert len(found) == 3

    def test_corners_that_are_not_there_are_not_found(self):
        bare = np.full(PICTURE.shape, 245, np.uint8)
        assert len(match_corners(PICTURE, bare, self.CORNERS, self.CORNERS)) == 0

    def test_corners_at_the_edge_of_the_page_are_left_out(self):
        edge = np.array([[5.0, 5], [SIZE[0] - 4, 300]])
        assert len(match_corners(PICTURE, PICTURE, edge, edge)) == 0
