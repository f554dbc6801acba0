"""Boxes."""

from digitocr.records import Box


def test_the_smallest_box_around_two():
    assert Box(0, 0, 2, 2).union(Box(4, 1, 1, 5)) == Box(0, 0, 5, 6)


def test_what_two_boxes_share():
    assert Box(0, 0, 4, 3).intersection(Box(2, 1, 9, 9)) == Box(2, 1, 2, 2)
    assert Box(0, 0, 1, 1).intersection(Box(5, 0, 1, 1)).width == 0


def test_a_box_turns_with_its_page():
    assert Box(1, 2, 3, 4).turned(1, (10, 20)) == Box(2, 16, 4, 3)
