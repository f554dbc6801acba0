"""What is read does not depend on a few pixels of resolution."""

import numpy as np
import pytest
from scanned_crops import compare, draw_crop, read, scanned

from digitocr.pipeline import load_reader


@pytest.fixture(scope="module")
def reader():
    return load_reader(threads=1)


@pytest.mark.soak
def test_two_pixels_more_or_less_change_no_text(reader):
    """At most 2 %, and never one text accepted against another; ten times as many in `make soak`."""
    differ, against = compare(reader, 100, seed=17)
    assert against == 0
    assert differ <= 2


@pytest.mark.parametrize("seed", range(4))
def test_a_crop_of_399_pixels_is_read_as_one_of_401(reader, seed):
    crop = draw_crop(np.random.default_rng((5, seed)))
    assert read(reader, scanned(crop, 399))[0] == read(reader, scanned(crop, 401))[0]
