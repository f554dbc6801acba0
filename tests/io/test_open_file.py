"""What a file may cost, told by pages that are made up."""

import numpy as np
import pytest

from digitocr.errors import CrowdedError
from digitocr.io.open_file import OpenFile
from digitocr.io.sandbox import Sandbox
from digitocr.records import Box, FileStatus, Limits, Number, PageResult, Shown, Source


@pytest.fixture
def sandbox():
    with Sandbox() as box:
        yield box


@pytest.fixture
def opened(tmp_path, sandbox):
    """A file of three pages."""
    from PIL import Image

    pages = [Image.fromarray(np.full((20, 20), 255, np.uint8))] * 3
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    return lambda **limits: OpenFile(Source(tmp_path / "a.tif", "a.tif"), Limits(**limits), sandbox.decode)


def test_content_that_was_sent_is_read_where_no_such_file_is(tmp_path, opened, sandbox):
    sent = Source(tmp_path / "nowhere.tif", "a.tif", content=(tmp_path / "a.tif").read_bytes())
    assert len(read(OpenFile(sent, Limits(), sandbox.decode)).pages) == 3


def read(file, count=1, crop=b"", seconds=0.0):
    """Read all pages that are offered, with so many unreadable numbers and one such crop on each."""
    for page in file.pages():
        number = Number((), 0.0, Box(0, 0, 9, 9))
        file.add(
            PageResult(page.index, page.grey.shape, (number,) * count),
            Shown(page.index, {(Box(0, 0, 9, 9), None): crop}, len(crop)),
        )
        file.spend(seconds)
    return file.reading().result


@pytest.mark.parametrize(
    ("limits", "page", "code"),
    [
        ({"digits": 7}, {"count": 4}, "crowded"),
        ({"crops": 15}, {"crop": bytes(8)}, "crowded"),
        ({"reading_seconds": 1.5}, {"seconds": 0.8}, "too-slow"),
    ],
)
def test_a_file_that_costs_too_much_is_read_so_far(opened, limits, page, code):
    result = read(opened(**limits), **page)
    assert (result.status, result.error_code) == (FileStatus.PARTIAL, code)
    assert [bool(page.numbers) for page in result.pages] == [True, True, False]
    assert result.error.startswith("page 3: ")
    assert read(opened(), **page).status is FileStatus.DONE


def test_a_page_that_is_refused_makes_the_file_partial_and_all_of_them_make_it_fail(opened):
    for most, status in ((2, FileStatus.PARTIAL), (3, FileStatus.FAILED)):
        file = opened()
        for page in file.pages():
            if page.index <= most:
                file.refuse(page, CrowdedError("too many rings"))
            else:
                file.add(PageResult(page.index, page.grey.shape), None)
        result = file.reading().result
        assert (result.status, result.error_code) == (status, "crowded")
        assert "page 1: too many rings; page 2: too many rings" in result.error
