"""Packages that come with an extra of this one, and may be missing."""

from __future__ import annotations

from importlib import import_module

from digitocr.networks.runtime import quietly


def require(*modules: str) -> None:
    """Import modules now, so that a missing one is reported before the work and not after it.

    Parameters
    ----------
    *modules : str

    Raises
    ------
    ModuleNotFoundError
        One of them is not installed.
    """
    with quietly():
        for module in modules:
            import_module(module)
