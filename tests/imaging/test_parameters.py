"""What is set in finding ink: typed, frozen, each number with its meaning."""

from dataclasses import FrozenInstanceError, fields

import pytest

from digitocr.imaging.parameters import Imaging
from tests.support.documented import documented


def test_every_parameter_is_documented():
    for group in fields(Imaging):
        cls = type(getattr(Imaging(), group.name))
        assert documented(cls) == [field.name for field in fields(cls)]


def test_parameters_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Imaging().cuts.max_cuts = 1
