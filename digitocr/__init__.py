"""Handwritten numbers off paper and into tables people trust.

Examples
--------
>>> from digitocr import read_file
>>> result = read_file("scan.jpg")  # doctest: +SKIP
>>> [number.text for number in result.numbers]  # doctest: +SKIP
['107', '33']
"""

from __future__ import annotations

from digitocr.pipeline import read_file, read_files
from digitocr.records import Box, Digit, FileResult, Number, PageResult, ReadOptions

__all__ = ["Box", "Digit", "FileResult", "Number", "PageResult", "ReadOptions", "read_file", "read_files"]
__version__ = "0.1.0"
