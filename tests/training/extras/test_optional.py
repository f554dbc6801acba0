"""Packages of an extra are asked for before the work."""

import sys

import pytest

from digitocr.training.extras.optional import require


def test_what_is_installed_passes_and_what_is_missing_is_named(monkeypatch):
    require("json", "csv")
    monkeypatch.setitem(sys.modules, "no_such_package", None)
    with pytest.raises(ModuleNotFoundError) as raised:
        require("json", "no_such_package")
    assert raised.value.name == "no_such_package"
