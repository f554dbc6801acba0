"""The steps composed: files in, typed results out, the candidates of many files in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from digitocr.records import FileResult, ModelCard, Reading, ReadOptions, Source


@dataclass(frozen=True, slots=True)
class Reader:
    """A loaded model with the options it reads with; safe to share between threads.

    Attributes
    ----------
    card : ModelCard
    options : ReadOptions
    """

    card: ModelCard
    options: ReadOptions

    def read(self, sources: Sequence[Source]) -> list[Reading]:
        """Read files, their candidates in one batch; a file that fails is a result, never an exception."""
        raise NotImplementedError


def load_reader(model: Path | None = None, options: ReadOptions | None = None) -> Reader:
    """Load the shipped model, or the one at `model`."""
    raise NotImplementedError


def read_files(paths: Sequence[str | Path], options: ReadOptions | None = None) -> list[FileResult]:
    """Read files without Prefect, ledger or tables."""
    sources = [Source(Path(p), Path(p).as_posix()) for p in paths]
    return [r.result for r in load_reader(None, options).read(sources)]


def read_file(path: str | Path, options: ReadOptions | None = None) -> FileResult:
    """Read one file without Prefect, ledger or tables."""
    return read_files([path], options)[0]
