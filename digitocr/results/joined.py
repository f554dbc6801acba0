"""The tables of several results folders as one set: those of runners that share the work."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath

from digitocr import atomic
from digitocr.errors import UsageError
from digitocr.results import forms, tables


def join(shards: Sequence[Path], target: Path) -> list[Path]:
    """Write the tables over all files of several results folders into one folder, rows ordered by file.

    A file is named after the folder as well, since several may have files of one name.

    Parameters
    ----------
    shards : sequence of Path
        The results folders.
    target : Path
        Created; tables of these names in it are replaced.

    Returns
    -------
    list of Path
        The tables that were written.

    Raises
    ------
    UsageError
        If a folder has no tables, lies in another one, is the target, or its tables have other columns.
    OutputError
        If a table cannot be written.
    """
    named = sorted((f"{PurePosixPath(shard.as_posix())}/", shard) for shard in shards)
    for one, other in pairwise(named):
        if other[0].startswith(one[0]):
            raise UsageError(f"{other[1]} is {one[1]}, or lies in it", hint="name each results folder once")
    for shard in shards:
        if not (shard / tables.ALL_FILES).is_file():
            raise UsageError(f"there are no tables in {shard}", hint="name folders that --results was given")
        if shard.resolve() == target.resolve():
            raise UsageError(f"{shard} is both joined and written", hint="give --output another folder")
    every = {path.relative_to(shard) for shard in shards for path in _tables_of(shard)}
    written = []
    for table in sorted(every):
        there = [(name, shard / table) for name, shard in named if (shard / table).is_file()]
        columns = _columns(there)
        rows = (row for name, path in there for row in _rows(path, columns.index("file"), name))
        atomic.write(target / table, map(str.encode, tables.lines(columns, rows)))
        written.append(target / table)
    return written


def _tables_of(shard: Path) -> Iterator[Path]:
    yield from (shard / tables.ALL_FILES, shard / tables.ALL_NUMBERS)
    yield from forms.path(shard, "any").parent.glob("*.csv")


def _columns(there: Sequence[tuple[str, Path]]) -> list[str]:
    """Return the columns that a table has in all folders.

    Raises
    ------
    UsageError
        If they differ.
    """
    found = {path: _header(path) for _, path in there}
    columns = next(iter(found.values()))
    for path, others in found.items():
        if others != columns or "file" not in columns:
            raise UsageError(
                f"{path} has other columns than {next(iter(found))}",
                hint="read with one version and the same templates; `digitocr run` writes tables anew",
            )
    return columns


def _header(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as stream:
        return next(csv.reader(stream), [])


def _rows(path: Path, file: int, shard: str) -> Iterator[list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.reader(stream)
        header = next(reader)
        error = header.index("error") if "error" in header else None
        for row in reader:
            row[file] = f"{shard}{tables.plain(row[file])}"
            if error is not None and row[error].startswith(tables.DUPLICATE):
                row[error] = f"{tables.DUPLICATE}{shard}{row[error].removeprefix(tables.DUPLICATE)}"
            yield row
