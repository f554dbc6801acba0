"""First guesses of a form's pose."""

import cv2
import numpy as np
import pytest
from drawn_form import SIZE, form, printed

from digitocr.forms.features import Features
from digitocr.forms.geometry import apply_homography, corners_of, rectangle
from digitocr.forms.matching import Matches, PrintPair
from digitocr.forms.pose import (
    MAX_FORESHORTENING,
    Pose,
    best_pose,
    fit_homography,
    is_plausible,
    pose_by_markers,
    pose_by_outline,
    pose_by_print,
)
from digitocr.records import Box

FORM = form(printed())
CORNERS = rectangle(*FORM.sides)
MARKERS = np.vstack([corners_of(Box(20, 20, 60, 60)), corners_of(Box(600, 900, 60, 60))])
TILTED = CORNERS * 0.7 + np.array([[40.0, 30], [10, 60], [60, 10], [20, 20]])


def homography(corners):
    return cv2.getPerspectiveTransform(CORNERS.astype(np.float32), corners.astype(np.float32))


def seen_by(to_page):
    """The form's print, as a page shows it on which the form lies so."""
    page = Features(apply_homography(to_page, FORM.points).astype(np.float32), FORM.features.descriptors)
    return PrintPair.of(FORM, page, 1.0)


def off(pose, to_page):
    return np.abs(apply_homography(pose.to_page, CORNERS) - apply_homography(to_page, CORNERS)).max()


class TestFitHomography:
    def test_half_of_wrong_matches_does_no_harm(self):
        rng, to_page = np.random.default_rng(0), homography(TILTED)
        seen = apply_homography(to_page, FORM.points)
        wrong = rng.random(len(seen)) < 0.5
        seen[wrong] = rng.uniform(0, 1000, (wrong.sum(), 2))
        assert off(Pose(fit_homography(Matches(FORM.points, seen)), 0), to_page) < 1

    def test_too_few_matches_fit_nothing(self):
        assert fit_homography(Matches(FORM.points[:7], FORM.points[:7])) is None


class TestPoseByMarkers:
    def test_two_markers_are_enough(self):
        to_page = homography(TILTED)
        assert off(pose_by_markers(Matches(MARKERS, apply_homography(to_page, MARKERS))), to_page) < 1

    def test_it_outweighs_print(self):
        by_print = pose_by_print(seen_by(np.eye(3)), FORM.sides)
        assert pose_by_markers(Matches(MARKERS, MARKERS)).support > by_print.support

    def test_one_marker_is_not(self):
        assert pose_by_markers(Matches(rectangle(60, 60), rectangle(60, 60))) is None


class TestPoseByPrint:
    def test_distinctive_print_is_enough(self):
        to_page = homography(TILTED)
        assert off(pose_by_print(seen_by(to_page), FORM.sides), to_page) < 1

    def test_print_of_another_form_gives_none(self):
        other = form(printed(seed=1))
        pair = PrintPair.of(FORM, other.features, other.scale)
        assert pose_by_print(pair, FORM.sides) is None


class TestPoseByOutline:
    @pytest.mark.parametrize("turn", range(4))
    def test_whichever_side_is_up_the_print_decides(self, turn):
        to_page = homography(np.roll(TILTED, turn, axis=0))
        found = pose_by_outline(seen_by(to_page), FORM.sides, TILTED)
        assert off(found, to_page) < 1

    def test_an_outline_without_its_print_gives_none(self):
        assert pose_by_outline(seen_by(homography(TILTED)), FORM.sides, CORNERS + 3000) is None


class TestBestPose:
    def test_the_one_with_the_most_support_is_returned_and_the_first_of_equals(self):
        weak, strong, equal = (Pose(np.eye(3) * k, support) for k, support in ((1, 20), (2, 30), (3, 30)))
        assert best_pose(weak, None, strong, equal) is strong
        assert best_pose(None) is None


class TestIsPlausible:
    def test_a_page_as_it_is_seen(self):
        assert is_plausible(np.eye(3), FORM.sides)
        assert is_plausible(homography(TILTED), FORM.sides)

    def test_a_mirrored_page(self):
        assert not is_plausible(np.diag([-1.0, 1, 1]), FORM.sides)

    def test_a_page_that_passes_behind_the_camera(self):
        behind = np.eye(3)
        behind[2, 0] = -2 / FORM.sides[0]
        assert not is_plausible(behind, FORM.sides)

    def test_a_page_squeezed_beyond_what_a_camera_does(self):
        assert is_plausible(np.diag([1.0, 1 / (MAX_FORESHORTENING - 0.5), 1]), FORM.sides)
        assert not is_plausible(np.diag([1.0, 1 / (MAX_FORESHORTENING + 0.5), 1]), FORM.sides)

    def test_a_page_far_too_small(self):
        assert not is_plausible(np.diag([0.05, 0.05, 1]), FORM.sides)


def test_the_drawn_form_is_as_long_as_poses_are_told_in():
    assert max(FORM.sides) == 1000
    assert FORM.scale == 1000 / max(SIZE)
