from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from fake_reader import SHAPE, numbers

from digitocr.errors import FileAccessError
from digitocr.records import Box, Page, PageResult
from digitocr.review.numbers import Seen
from digitocr.review.rules import Look
from digitocr.review.tasks import Task
from digitocr.store.review import Place
from digitocr.web.crops import NoPictureError, Pictures

INK = 40


class Files:
    """Pages with an inked box where the first digit of `12?` stands; counts how often one is decoded."""

    def __init__(self):
        self.decoded = []
        self.are_gone = False

    def page(self, known, index):
        if self.are_gone:
            raise FileAccessError("no longer where it was read or archived")
        self.decoded.append((known.sha256, index))
        grey = np.full(SHAPE, 230, np.uint8)
        grey[20:40, 10:19] = INK
        return Page(index, grey)


@pytest.fixture
def files():
    return Files()


@pytest.fixture
def pictures(tmp_path, files):
    return Pictures(tmp_path, files)


@pytest.fixture
def task():
    (number,) = numbers("12?")
    seen = Seen(PageResult(1, SHAPE, (number,)), number, number, "r1", {1: "r1"}, {})
    return Task(Place(1, 1, 1), Look.FIRST, "a.jpg", "now", 0, seen)


def known(content="aa"):
    return SimpleNamespace(sha256=content, file="a.jpg")


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def is_marked(picture):
    """Tell whether anything in a picture has the colour of marks."""
    blue, _, red = (picture[..., i].astype(int) for i in range(3))
    return bool(np.any(red - blue > 100))


def test_a_number_is_shown_by_the_crop_of_the_queue(pictures, task, tmp_path, files):
    (tmp_path / "r1.png").write_bytes(b"a crop")
    assert pictures.number(known(), task, 1) == b"a crop"
    assert files.decoded == []


@pytest.mark.parametrize(("position", "marked"), [(0, False), (1, True), (2, True), (9, False)])
def test_a_number_without_a_crop_is_cut_out_and_its_digit_marked(pictures, task, position, marked):
    picture = decoded(pictures.number(known(), task, position))
    assert picture.min() <= INK
    assert is_marked(picture) == marked


def test_a_digit_is_larger_in_its_picture_than_its_box(pictures, task):
    digit = task.number.machine.digits[0]
    picture = decoded(pictures.digit(known(), task, digit))
    assert picture.shape[0] > digit.box.height
    assert picture.shape[1] > digit.box.width
    assert np.mean(picture <= INK + 5) == pytest.approx(
        digit.box.width * digit.box.height / picture[..., 0].size, rel=0.1
    )


def test_the_number_is_framed_in_its_surroundings_and_on_its_page(pictures, task):
    around, page = decoded(pictures.around(known(), task)), decoded(pictures.whole_page(known(), task))
    assert is_marked(around)
    assert is_marked(page)
    assert page.shape[1] / page.shape[0] == pytest.approx(SHAPE[1] / SHAPE[0], rel=0.02)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_all_is_shown_as_it_was_read_and_can_be_turned(pictures, task, files, turn):
    """A page that was read as it lies, and turned by the person, looks like one that was read turned."""
    number, seen = task.number.machine, task.number
    lying = replace(task, number=replace(seen, page=replace(seen.page, turn=turn)))
    for show in (pictures.around, pictures.whole_page, lambda k, t, q=0: pictures.number(k, t, 0, q)):
        assert show(known(), lying) == show(known(), task, turn)
        assert show(known(), lying, 4 - turn) == show(known(), task)
    height, width = decoded(pictures.whole_page(known(), lying)).shape[:2]
    assert (height > width) == (turn % 2 == 1)
    assert decoded(pictures.digit(known(), lying, number.digits[0])).min() <= INK


def test_around_a_field_of_a_form_the_whole_width_is_shown(pictures, task):
    field = replace(task.number, machine=replace(task.number.machine, field="men"))
    wide = decoded(pictures.around(known(), replace(task, number=field)))
    assert wide.shape[1] / wide.shape[0] == pytest.approx(SHAPE[1] / SHAPE[0], rel=0.4)
    assert is_marked(wide)


def test_a_page_as_a_whole_is_not_framed(pictures, task):
    whole = Task(Place(1, 1, 0), Look.FIRST, "a.jpg", "now", 0, task.number)
    assert not is_marked(decoded(pictures.whole_page(known(), whole)))
    assert not is_marked(decoded(pictures.whole_page(known(), task, framed=False)))


def test_a_page_is_decoded_once_while_few_others_are_looked_at(pictures, task, files):
    for content in ("aa", "aa", "bb", "aa", "cc", "dd", "aa"):
        pictures.page(known(content), 1)
    assert [content for content, _ in files.decoded] == ["aa", "bb", "cc", "dd"]
    for content in ("ee", "bb", "aa"):
        pictures.page(known(content), 1)
    assert [content for content, _ in files.decoded] == ["aa", "bb", "cc", "dd", "ee", "bb"]


def test_without_the_file_any_crop_of_the_number_is_shown(pictures, task, tmp_path, files):
    files.are_gone = True
    (tmp_path / "r1.png").write_bytes(b"a crop")
    assert pictures.number(known(), task, 2) == b"a crop"
    assert pictures.digit(known(), task, task.number.machine.digits[1]) == b"a crop"


def test_without_file_and_crop_there_is_no_picture(pictures, task, files):
    files.are_gone = True
    for show in (pictures.around, pictures.whole_page, lambda k, t: pictures.number(k, t, 1)):
        with pytest.raises(NoPictureError, match=r"a\.jpg: no longer"):
            show(known(), task)


def test_a_box_that_leaves_the_page_is_cut_out_with_white_beyond(pictures, task, files):
    (number,) = numbers("1?")
    digit = number.digits[0]
    moved = type(digit)(1, 0.5, 7, 0.3, Box(SHAPE[1] - 5, 20, 9, 20), digit.status)
    picture = decoded(pictures.digit(known(), task, moved))
    assert picture[:, -1].min() == 255
