"""The page network: sizes of pages, and what goes in."""

import shutil

import numpy as np
import pytest

from digitocr.errors import ModelError
from digitocr.networks import shipped
from digitocr.networks.card import shipped_model
from digitocr.networks.page_network import (
    BASE,
    CLASSES,
    HEAD,
    LEAST_SIDE,
    STEP,
    as_input,
    look_at,
    scaled,
    scaled_shape,
)
from digitocr.training.synth.ground import Ground


def test_the_classes_are_those_of_the_drawings():
    assert [kind.name.lower() for kind in Ground] == list(CLASSES)


def test_sides_are_multiples_near_the_proportions_of_the_page():
    for shape in ((3508, 2480), (400, 1700), (90, 60), (1500, 1500)):
        for longest in (640, 1200, 1800):
            rows, columns = scaled_shape(shape, longest)
            assert rows % STEP == columns % STEP == 0
            assert min(rows, columns) >= LEAST_SIDE
            assert abs(rows / columns / (shape[0] / shape[1]) - 1) < 0.08


def test_a_thin_stroke_is_left_when_a_page_shrinks():
    page = np.full((2240, 2240), 255, np.uint8)
    page[:, 1003:1005] = 0
    small = scaled(page, (224, 224))
    assert small.shape == (224, 224, 3)
    assert (small.min(axis=1) < 235).all()


def test_pictures_are_brought_to_plus_and_minus_one():
    pages = np.zeros((2, 32, 64, 3), np.uint8)
    pages[1, :, :, 2] = 255
    found = as_input(list(pages))
    assert found.shape == (2, 3, 32, 64)
    assert found.dtype == np.float32
    assert (found[0] == -1).all()
    assert (found[1, 2] == 1).all()


@pytest.mark.parametrize(("part", "threads"), [(BASE, 5), (HEAD, 6)])
@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_a_missing_or_damaged_file_is_named(part, threads, fault, tmp_path, monkeypatch):
    for name in (BASE, HEAD):
        for path in (shipped_model().with_name(name), shipped_model().with_name(name).with_suffix(".json")):
            shutil.copy(path, tmp_path)
    if fault == "missing":
        (tmp_path / part).unlink()
    else:
        (tmp_path / part).write_bytes(b"other")
    monkeypatch.setattr(shipped, "shipped_model", lambda: tmp_path / "digits.keras")
    with pytest.raises(ModelError, match=part):
        look_at(np.full((64, 64), 255, np.uint8), threads)
