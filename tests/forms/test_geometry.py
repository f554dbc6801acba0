"""Points, homographies and warping."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digitocr.forms.geometry import apply_homography, corners_of, rectangle, warp_flat
from digitocr.records import Box


class TestRectangle:
    def test_corners_go_clockwise_from_the_upper_left(self):
        assert rectangle(3, 2).tolist() == [[0, 0], [3, 0], [3, 2], [0, 2]]

    def test_a_box_has_them_at_its_place(self):
        assert corners_of(Box(5, 7, 3, 2)).tolist() == [[5, 7], [8, 7], [8, 9], [5, 9]]


class TestApplyHomography:
    @given(st.lists(st.floats(-0.001, 0.001), min_size=2, max_size=2), st.floats(-3, 3))
    def test_it_is_what_opencv_does(self, tilt, turn):
        homography = np.array([[np.cos(turn), -np.sin(turn), 4], [np.sin(turn), np.cos(turn), 9], [*tilt, 1]])
        points = np.array([[0.0, 0], [100, 0], [40, 70], [3, 200]])
        wanted = cv2.perspectiveTransform(points[None], homography)[0]
        assert np.allclose(apply_homography(homography, points), wanted)


class TestWarpFlat:
    def test_the_identity_leaves_a_picture_as_it_is(self):
        picture = np.random.default_rng(0).integers(0, 256, (90, 130), dtype=np.uint8)
        assert np.array_equal(warp_flat(picture, lambda points: points, (130, 90)), picture)

    def test_a_shift_takes_what_is_there(self):
        picture = np.random.default_rng(0).integers(0, 256, (90, 130), dtype=np.uint8)
        flat = warp_flat(picture, lambda points: points + np.array([20, 10]), (50, 40))
        assert np.array_equal(flat, picture[10:50, 20:70])

    def test_beyond_the_page_its_border_goes_on(self):
        picture = np.tile(np.arange(100, dtype=np.uint8), (60, 1))
        flat = warp_flat(picture, lambda points: points - (30, 0), (60, 60))
        assert (flat[:, :30] == 0).all()

    def test_a_much_larger_page_is_averaged_not_sampled(self):
        stripes = np.tile(np.array([0, 200], np.uint8), (400, 400))
        flat = warp_flat(stripes, lambda points: (points + 0.5) * 8 - 0.5, (100, 50))
        assert np.abs(flat[2:-2, 2:-2].astype(int) - 100).max() < 30
