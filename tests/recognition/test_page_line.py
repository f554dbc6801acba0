"""Lines as they stand on the page."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitocr.imaging.sheet import Line
from digitocr.networks.second_reader import ROWS
from digitocr.recognition.page_line import PageLine
from digitocr.recognition.parameters import LineImages, PageLines
from digitocr.records import Page
from tests.support.reading_path import clean, segment

P, LEVEL = PageLines(), LineImages()


def crop(scale=1.0, angle=0.0, text="407", invert=False):
    grey = np.full((90, 260), 245, np.uint8)
    cv2.putText(grey, text, (50, 65), cv2.FONT_HERSHEY_SIMPLEX, 1.7, 30, 4, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((130, 45), angle, 1.0)
    grey = cv2.warpAffine(grey, turn, (260, 90), borderValue=245)
    grey = cv2.resize(
        grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    )
    return 255 - grey if invert else grey


def line_sheet_rows(grey):
    return clean(Page(1, grey)).ink.shape[0]


def cut(grey):
    (line,) = segment(clean(Page(1, grey)))
    return line, PageLine.of(line, P, LEVEL)


@given(st.floats(0.6, 4.0))
def test_a_line_has_the_same_picture_at_any_resolution(scale):
    _, wanted = cut(crop())
    _, found = cut(crop(scale))
    assert found.picture.shape[0] == ROWS
    assert abs(found.picture.shape[1] - wanted.picture.shape[1]) <= 8
    assert abs(float(found.picture.mean()) - float(wanted.picture.mean())) < 12


def test_a_line_is_level():
    _, found = cut(crop(angle=6, text="111111"))
    dark = found.picture < 128
    rows = [np.flatnonzero(part.any(axis=1)).mean() for part in np.array_split(dark, 2, axis=1)]
    assert abs(rows[0] - rows[1]) < 3


def test_chalk_is_shown_as_ink():
    _, found = cut(crop(invert=True))
    _, wanted = cut(crop())
    assert abs(float(found.picture.mean()) - float(wanted.picture.mean())) < 12


@pytest.mark.parametrize("invert", [False, True])
def test_what_is_light_is_told_by_the_line_and_not_by_what_lies_elsewhere(invert):
    """A dark patch in the corner of the page, where the line would be if it began there."""
    grey = np.full((400, 700), 245, np.uint8)
    grey[300:390, 400:660] = crop()
    if invert:
        grey = 255 - grey
    line = replace(cut(crop())[0], page=grey, to_page=np.array([[1.0, 0, 400], [0, 1, 300], [0, 0, 1]]))
    scale = 90 / line_sheet_rows(crop())
    line = replace(line, to_page=line.to_page @ np.diag([scale, scale, 1.0]))
    grey[:90, :260] = np.where(crop() < 128, 0 if invert else 255, 255 if invert else 0)
    assert PageLine.of(line, P, LEVEL).picture.mean() > 128


def test_columns_of_the_picture_are_those_of_the_sheet():
    line, found = cut(crop())
    left, right = found.columns(0, found.picture.shape[1])
    assert left == pytest.approx(found.left)
    assert left <= line.box.x
    assert right >= line.box.right - 1


def test_a_whole_crop_is_shown_from_edge_to_edge():
    grey = np.full((60, 200), 255, np.uint8)
    line = Line.whole(clean(Page(1, grey)))
    found = PageLine.whole(line, P)
    assert found.picture.shape == (ROWS, 160)
    assert found.columns(0, 160) == (0, line.labels.shape[1])
