"""A form made level and upright by its long rulings."""

import cv2
import numpy as np
import pytest

from digitocr.forms.print_lines import SIDE_PX
from digitocr.forms.upright import make_upright

SIZE = (1400, SIDE_PX)
ENDS = np.array([[[200.0, 300], [1200, 300], [1200, 1700], [200, 1700]]])


def ruled():
    picture = np.full(SIZE[::-1], 245, np.uint8)
    for y in range(300, 1701, 200):
        cv2.line(picture, (200, y), (1200, y), 60, 3)
    for x in range(200, 1201, 250):
        cv2.line(picture, (x, 300), (x, 1700), 60, 3)
    return picture


@pytest.mark.parametrize(
    "slant",
    [
        np.array([[1.0, 0.02, 0], [0, 1, 0], [0, 0, 1]]),
        np.array([[1.0, 0, 0], [0.015, 1, 0], [0, 0, 1]]),
        np.array([[1.0, 0.01, -10], [-0.01, 1, 12], [1e-5, -1e-5, 1]]),
    ],
)
def test_slanting_rulings_become_level_and_upright(slant):
    seen = cv2.warpPerspective(ruled(), slant, SIZE, borderValue=245)
    _, to_page = make_upright(seen, np.eye(3))
    (corners,) = cv2.perspectiveTransform(ENDS, np.linalg.inv(to_page) @ slant)
    left, right = corners[[0, 3]], corners[[1, 2]]
    assert np.abs(left[:, 1] - right[:, 1]).max() < 2, "level"
    assert max(np.ptp(left[:, 0]), np.ptp(right[:, 0])) < 2, "upright"


def test_it_is_what_the_homography_says():
    seen = cv2.warpPerspective(
        ruled(), np.array([[1.0, 0.02, 0], [0, 1, 0], [0, 0, 1]]), SIZE, borderValue=245
    )
    upright, to_page = make_upright(seen, np.eye(3))
    again = cv2.warpPerspective(seen, np.linalg.inv(to_page), SIZE, borderMode=cv2.BORDER_REPLICATE)
    assert np.mean((upright < 150) == (again < 150)) > 0.995


def test_a_form_without_rulings_stays_as_it_is():
    bare = np.full(SIZE[::-1], 245, np.uint8)
    upright, to_page = make_upright(bare, np.eye(3))
    assert np.allclose(to_page, np.eye(3), atol=1e-6)
    assert np.array_equal(upright, bare)
