"""What is set in reading lines: typed, frozen, each number with its meaning."""

from dataclasses import FrozenInstanceError, fields

import pytest

from digitocr.recognition.parameters import Recognition
from tests.support.documented import documented


def test_every_parameter_is_documented():
    for group in fields(Recognition):
        cls = type(getattr(Recognition(), group.name))
        assert documented(cls) == [field.name for field in fields(cls)]


def test_parameters_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Recognition().numbers.max_gap_heights = 1.0
