"""Lines and tables on standard output."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def say(text: str) -> None:
    """Write a line to standard output.

    Parameters
    ----------
    text : str
    """
    sys.stdout.write(text + "\n")


def table(rows: Sequence[Sequence[Any]]) -> None:
    """Print rows in aligned columns, a rule under the first.

    Parameters
    ----------
    rows : sequence of sequence
        The first holds the column names.
    """
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[k]) for row in texts) for k in range(len(texts[0]))]
    for index, row in enumerate(texts):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if index == 0:
            say("  ".join("-" * width for width in widths))
