"""Places of a form as the answer network sees them."""

from itertools import pairwise

import numpy as np
import pytest

from digitocr.forms.places import Sight, pictured, places_of, sights
from digitocr.forms.template import Field
from digitocr.networks.answer_network import CLASSES, SIDE
from digitocr.records import Box, Reason


def sight(*rows):
    return Sight(np.array(rows, np.float32))


def test_cells_are_places_and_other_fields_are_divided_into_squares_that_overlap():
    cells = (Box(0, 0, 20, 30), Box(22, 0, 20, 30))
    assert places_of(Field("a", Box(0, 0, 42, 30), cells=cells)) == cells
    for width in (20, 30, 31, 100, 307):
        places = places_of(Field("a", Box(5, 7, width, 30)))
        assert places[0].x == 5
        assert places[-1].right == 5 + width
        assert all(later.x <= one.right - 10 for one, later in pairwise(places))
        assert {(place.y, place.height, place.width) for place in places} == {(7, 30, min(width, 30))}


@pytest.mark.parametrize(
    "box", [Box(10, 10, 20, 20), Box(0, 0, 5, 40), Box(90, 50, 30, 30), Box(500, 500, 9, 9)]
)
def test_a_place_is_shown_at_one_size_also_at_the_edge(box):
    even = np.full((60, 100), 255, np.uint8)
    even[15:25, 15:25] = 0
    picture = pictured(even, box, 1.0)
    assert picture.shape == (SIDE, SIDE)
    assert (picture.min() < 100) == (box.x == 10)


def test_the_least_sure_place_tells_of_a_field():
    seen = sight((0.9, 0.06, 0.02, 0.02), (0.1, 0.0, 0.85, 0.05), (0.0, 0.2, 0.2, 0.6))
    assert seen.unstruck == pytest.approx(0.4)
    assert seen.blank([0]) == pytest.approx(0.96)
    assert seen.blank([0, 1]) == pytest.approx(0.1)
    assert seen.blank([]) == 1
    assert seen.why_not_blank([0, 1]) is Reason.FAINT_INK
    assert seen.why_not_blank([1, 2]) is Reason.FAINT_INK
    assert seen.why_not_blank([0, 2]) is Reason.STRUCK_OUT


def test_all_places_are_looked_at_together_and_given_back_by_field():
    fields = [Field("a", Box(0, 0, 60, 20)), Field("b", Box(0, 30, 20, 20))]
    asked = []

    def see(pictures):
        asked.append(len(pictures))
        return np.eye(len(CLASSES), dtype=np.float32)[np.arange(len(pictures)) % len(CLASSES)]

    first, second = sights(fields, np.full((60, 80), 255, np.uint8), 1.0, see)
    assert asked == [6]
    assert first.classes.argmax(axis=1).tolist() == [0, 1, 2, 3, 0]
    assert second.classes.argmax(axis=1).tolist() == [1]
