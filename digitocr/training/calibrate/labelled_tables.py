"""Tables of what truly stands on pictures, written by hand or saved by a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path

from digitocr.errors import UsageError


def labelled_rows(path: Path, columns: tuple[str, ...], hint: str) -> list[dict[str, str]]:
    """Read a CSV table that must have certain columns and at least one row.

    Parameters
    ----------
    path : Path
    columns : tuple of str
    hint : str
        Describes the expected table, for the error.

    Returns
    -------
    list of dict of str to str

    Raises
    ------
    UsageError
        The table does not exist, cannot be read, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read {path}: {error}", hint=hint) from None
    if not rows or not set(columns) <= rows[0].keys():
        *others, last = columns
        raise UsageError(f"{path} holds no rows of {', '.join(others)} and {last}", hint=hint)
    return rows
