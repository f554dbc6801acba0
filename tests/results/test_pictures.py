from dataclasses import replace

import cv2
import numpy as np
import pytest
from fake_reader import SHAPE, numbers

from digitocr.records import Box, FileResult, FileStatus, Page, PageResult
from digitocr.results import pictures
from digitocr.results.items import items


@pytest.fixture
def page():
    return Page(1, np.full(SHAPE, 230, np.uint8))


def test_crops_are_written_for_what_waits_only(tmp_path, page):
    read = FileResult("a", "ab" * 32, (PageResult(1, SHAPE, numbers("5 12?")),))
    found = items(read, read, "a")
    pictures.write_crops(tmp_path, [pictures.show(page, read.pages[0], annotated=False)], found)
    (crop,) = (tmp_path / "crops").iterdir()
    assert crop.name == f"{found[0].queued.review_id}.png"
    assert cv2.imread(str(crop)).shape[0] >= 20


def test_the_crop_of_an_empty_file_is_its_page(tmp_path, page):
    read = FileResult("a", "ab" * 32, (PageResult(1, SHAPE),), FileStatus.EMPTY)
    shown = pictures.show(page, read.pages[0], annotated=False)
    pictures.write_crops(tmp_path, [shown], items(read, read, "a"))
    (crop,) = (tmp_path / "crops").iterdir()
    height, width = cv2.imread(str(crop)).shape[:2]
    assert width / height == pytest.approx(SHAPE[1] / SHAPE[0], rel=0.02)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_crops_and_annotated_pages_are_turned_as_the_page_was_read(turn):
    upright = np.full(SHAPE, 230, np.uint8)
    (number,) = numbers("12?")
    upright[20:40, 10:14] = 20  # the left half of the first digit
    stored = np.ascontiguousarray(np.rot90(upright, -turn))
    lying = replace(
        number,
        box=number.box.turned(-turn, SHAPE),
        digits=tuple(replace(d, box=d.box.turned(-turn, SHAPE)) for d in number.digits),
    )

    def shown(grey, number, turn):
        read = PageResult(1, grey.shape, (number,), turn=turn)
        shown = pictures.show(Page(1, grey), read, annotated=True)
        return list(shown.pictures.values())

    assert shown(stored, lying, turn) == shown(upright, number, 0)


def has_blue(picture):
    return bool((picture[:, :, 0].astype(int) - picture[:, :, 2] > 100).any())


def has_orange(picture):
    return bool((picture[:, :, 2].astype(int) - picture[:, :, 0] > 100).any())


@pytest.mark.parametrize(
    "box", [Box(0, 0, 1, 1), Box(399, 59, 1, 1), Box(0, 0, 400, 60), Box(390, 50, 10, 10)]
)
def test_boxes_at_the_edge_can_be_cut_out(page, box):
    assert min(pictures.crop(page.grey, box, box).shape[:2]) >= 1


def test_a_large_page_becomes_a_crop_of_bearable_size():
    large = np.full((4000, 3000), 255, np.uint8)
    assert max(pictures.crop(large, Box(0, 0, 3000, 4000), None).shape) <= 1600


def test_what_waits_is_drawn_in_another_colour(page):
    calm = pictures.annotate(page.grey, numbers("12"))
    unsure = pictures.annotate(page.grey, numbers("12?"))
    assert (has_blue(calm), has_orange(calm)) == (True, False)
    assert (has_blue(unsure), has_orange(unsure)) == (True, True)


def test_a_picture_of_each_page_is_written(tmp_path, page):
    shown = [
        pictures.show(page, PageResult(1, SHAPE, numbers("12")), annotated=True),
        pictures.show(Page(2, page.grey), PageResult(2, SHAPE), annotated=True),
    ]
    pictures.write_annotated(tmp_path, "sub/a.tif", shown)
    assert sorted(p.name for p in (tmp_path / "sub").iterdir()) == [
        "a.tif.annotated.2.jpg",
        "a.tif.annotated.jpg",
    ]
