"""Handwritten numbers off paper and into tables people trust.

Examples
--------
>>> from digitocr import read_file
>>> result = read_file("scan.jpg")  # doctest: +SKIP
>>> [number.text for number in result.numbers]  # doctest: +SKIP
['107', '33']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitocr.pipeline import read_file, read_files
    from digitocr.records import Box, Digit, FileResult, Number, PageResult, ReadOptions

__all__ = ["Box", "Digit", "FileResult", "Number", "PageResult", "ReadOptions", "read_file", "read_files"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import a name when it is first used: commands that read nothing need no OpenCV.

    Raises
    ------
    AttributeError
        If the package has no such name.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "pipeline" if name.startswith("read_") else "records"
    return getattr(import_module(f"digitocr.{home}"), name)
