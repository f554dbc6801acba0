"""Paper is found on a desk, in falling light and half in the shade; a shadow's edge is not the paper's."""

import cv2
import numpy as np
import pytest

from digitocr.imaging.paper import Paper, paper_corners

CORNERS = np.float32([[150, 110], [690, 140], [660, 520], [120, 470]])
SHAPE = (600, 800)


def photo(light=1.0, desk=70, paper=225):
    picture = np.full(SHAPE, desk, np.uint8)
    cv2.fillConvexPoly(picture, CORNERS.astype(np.int32), float(paper))
    for x, digit in zip(range(240, 560, 60), "47125", strict=False):
        cv2.putText(picture, digit, (x, 330), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 50, 4)
    noise = np.random.default_rng(1).normal(0, 3, SHAPE)
    return np.clip(picture * light + noise, 0, 255).astype(np.uint8)


def found(picture):
    corners = paper_corners(picture, Paper())
    return corners is not None and float(np.abs(corners - CORNERS).max()) < 16


def test_paper_on_a_desk():
    assert found(photo())


@pytest.mark.parametrize("direction", [(1, 0), (0, 1), (-1, 0), (1, -1)])
def test_paper_in_falling_light(direction):
    y, x = np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
    assert found(photo(np.exp(0.4 * (direction[0] * x + direction[1] * y) - 0.3)))


@pytest.mark.parametrize("depth", [0.45, 0.6])
def test_paper_half_in_the_shade(depth):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    assert found(photo(np.where(y > 0.2 * x + 230, 1 - depth, 1.0), desk=50))


def test_the_edge_of_a_shadow_is_not_the_end_of_the_paper():
    y, _ = np.mgrid[: SHAPE[0], : SHAPE[1]]
    picture = np.full(SHAPE, 220, np.float32) * np.where(y > 300, 0.5, 1.0)
    assert paper_corners(picture.astype(np.uint8), Paper()) is None


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_plain_pictures_have_no_outline(grey):
    assert paper_corners(np.full((300, 400), grey, np.uint8), Paper()) is None


def test_paper_in_dim_light():
    assert found(photo(0.4))
