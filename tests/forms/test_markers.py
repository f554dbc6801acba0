"""ArUco markers on a page."""

import cv2
import numpy as np
from drawn_form import SIZE, marked

from digitocr.forms.geometry import corners_of
from digitocr.forms.markers import find_markers, match_markers

PICTURE, MARKERS = marked(np.full(SIZE[::-1], 245, np.uint8))


class TestFindMarkers:
    def test_each_is_found_where_it_lies(self):
        found = find_markers(PICTURE)
        assert found.keys() == {marker.id for marker in MARKERS}
        for marker in MARKERS:
            assert np.abs(found[marker.id] - corners_of(marker.box)).max() < 1.5

    def test_on_a_large_page_they_are_found_in_its_own_pixels(self):
        large = cv2.resize(PICTURE, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
        found = find_markers(large)
        for marker in MARKERS:
            assert np.abs(found[marker.id] - 4 * corners_of(marker.box)).max() < 6

    def test_corners_turn_with_the_marker(self):
        turned = find_markers(np.ascontiguousarray(np.rot90(PICTURE, 2)))
        for marker in MARKERS:
            assert np.abs(np.array(SIZE) - 1 - turned[marker.id] - corners_of(marker.box)).max() < 1.5

    def test_one_that_is_seen_twice_is_dropped(self):
        twice = PICTURE.copy()
        box = MARKERS[0].box
        margin = twice[box.y - 10 : box.bottom + 10, box.x - 10 : box.right + 10]
        twice[500 : 500 + margin.shape[0], 300 : 300 + margin.shape[1]] = margin
        assert find_markers(twice).keys() == {marker.id for marker in MARKERS[1:]}

    def test_a_page_without_markers_has_none(self):
        assert find_markers(np.full((300, 200), 245, np.uint8)) == {}


class TestMatchMarkers:
    def test_those_seen_are_matched_by_their_corners(self):
        seen = {MARKERS[2].id: corners_of(MARKERS[2].box) + 7, 999: corners_of(MARKERS[0].box)}
        found = match_markers(MARKERS, seen)
        assert np.array_equal(found.form, corners_of(MARKERS[2].box))
        assert np.array_equal(found.page, found.form + 7)

    def test_none_seen_is_no_match(self):
        assert len(match_markers(MARKERS, {})) == 0
