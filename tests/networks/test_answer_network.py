"""The answer network: what it sees in places drawn plainly."""

import shutil

import numpy as np
import pytest

from digitocr.errors import ModelError
from digitocr.networks import shipped
from digitocr.networks.answer_network import CLASSES, FILE, SIDE, as_input, see_with
from digitocr.networks.card import shipped_model
from digitocr.training.synth.answers import Ground


def test_the_classes_are_those_of_the_drawings():
    assert [kind.name.lower() for kind in Ground] == list(CLASSES)


def test_pale_ink_is_as_plain_in_the_second_channel_as_strong_ink():
    place = np.full((SIDE, SIDE), 255, np.uint8)
    place[10], place[20] = 0, 210
    (seen,) = as_input([place])
    assert seen.shape == (SIDE, SIDE, 2)
    assert (seen[10, 0] == 1).all()
    assert seen[20, 0, 0] < 0.2
    assert seen[20, 0, 1] == 1
    assert (seen[0] == 0).all()


def test_no_places_are_no_answers():
    assert see_with([]).shape == (0, len(CLASSES))


def test_plain_paper_is_blank():
    assert see_with([np.full((SIDE, SIDE), 255, np.uint8)]).argmax() == Ground.PAPER


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    shutil.copy(shipped_model().with_name(FILE).with_suffix(".json"), tmp_path)
    monkeypatch.setattr(shipped, "shipped_model", lambda: tmp_path / "digits.keras")
    with pytest.raises(ModelError, match=FILE):
        see_with([], threads=7)
