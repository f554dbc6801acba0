"""Truth of cells."""

import cv2
import numpy as np

from digitocr.records import Box
from digitocr.training.datasets.page_cells import cell_classes, centre_lines, number_cells
from digitocr.training.synth.drawing import Drawing, DrawnDigit, DrawnNumber
from digitocr.training.synth.ground import Ground


def drawing(owner, ground, digits=(), numbers=(), turn=0):
    image = np.full(owner.shape, 255, np.uint8)
    return Drawing(image, owner, digits, (), numbers, (0,) * len(numbers), "page", ground=ground, turn=turn)


def two_numbers():
    """A 1 and a 23 of digits 40 high, 32 wide with their gap, on a page of 160 x 320."""
    owner = np.zeros((160, 320), np.int16)
    lefts, numbers = (40, 120, 152), (0, 1, 1)
    boxes = [Box(left, 60, 24, 40) for left in lefts]
    for k, box in enumerate(boxes):
        owner[box.y : box.bottom, box.x : box.right] = k + 1
    digits = tuple(
        DrawnDigit(k, box, n, 960, None, "") for k, (box, n) in enumerate(zip(boxes, numbers, strict=True))
    )
    texts = tuple(DrawnNumber(text, boxes[k], None, overwritten=False) for k, text in enumerate(("0", "12")))
    return drawing(owner, np.zeros_like(owner, np.uint8), digits, texts)


class TestCellClasses:
    def test_a_digit_comes_before_writing_before_print_before_lines(self):
        owner, ground = np.zeros((4, 20), np.int16), np.full((4, 20), Ground.RULE, np.uint8)
        ground[0, 4:16] = Ground.PRINT
        owner[1, 8:16], owner[2, 12:16] = -1, 1
        ground[:, 16:] = Ground.OUTSIDE
        digits = (DrawnDigit(7, Box(12, 2, 4, 1), 0, 4, None, ""),)
        found = cell_classes(drawing(owner, ground, digits), (4, 20))
        assert found.tolist() == [[Ground.RULE, Ground.PRINT, Ground.WRITING, Ground.DIGIT, Ground.OUTSIDE]]

    def test_less_than_a_pixel_of_the_scaled_page_does_not_count(self):
        owner, ground = np.zeros((16, 32), np.int16), np.zeros((16, 32), np.uint8)
        ground[0, :3], ground[0:2, 16:24] = Ground.PRINT, Ground.PRINT
        assert cell_classes(drawing(owner, ground), (4, 8)).tolist() == [[Ground.PAPER, Ground.PRINT]]

    def test_a_cell_is_outside_if_half_of_it_is(self):
        owner, ground = np.zeros((4, 8), np.int16), np.zeros((4, 8), np.uint8)
        ground[:, 2:5] = Ground.OUTSIDE
        assert cell_classes(drawing(owner, ground), (4, 8)).tolist() == [[Ground.OUTSIDE, Ground.PAPER]]


class TestCentreLines:
    def test_a_line_goes_from_the_first_digit_to_the_last_and_no_further(self):
        found = centre_lines(two_numbers(), (160, 320))
        middle = np.flatnonzero(found[20])
        assert set(range(33, 40)) <= set(middle)
        assert not found[:, 18:29].any()
        assert {len(np.unique(np.flatnonzero(column))) for column in found[:, 33:40].T} <= {5, 6}

    def test_a_page_on_its_side_has_lines_on_their_side(self):
        upright = two_numbers()
        turned = [
            DrawnDigit(d.label, Box(d.box.y, 320 - d.box.right, 40, 24), d.number, 960, None, "")
            for d in upright.digits
        ]
        owner = np.ascontiguousarray(np.rot90(upright.owner))
        found = centre_lines(drawing(owner, None, tuple(turned), upright.numbers, turn=1), (320, 160))
        expected = np.rot90(centre_lines(upright, (160, 320)))
        assert (found != expected).mean() < 0.01

    def test_lines_of_small_numbers_have_no_gaps(self):
        found = centre_lines(two_numbers(), (40, 80))
        parts, _ = cv2.connectedComponents(found)
        assert parts - 1 == 2
        assert found.sum(axis=0).max() <= 2


def test_each_number_has_the_cells_of_its_ink():
    found = number_cells(two_numbers(), (160, 320))
    assert [len(cells) for cells in found] == [60, 120]
    assert set(found[0]) == {row * 80 + column for row in range(15, 25) for column in range(10, 16)}
