"""Pictures of pages wait in files until what was read is recorded: memory does not grow with the pages of a file."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path

from digitocr import atomic
from digitocr.errors import OutputError
from digitocr.records import Place, Reading, Shown


@dataclass(frozen=True, slots=True)
class PictureFile(Mapping[Place, bytes]):
    """The pictures of a page, in a file; other processes of this machine can read them, too.

    Attributes
    ----------
    path : Path
    spans : mapping of Place to tuple of int
        First byte of each picture, and the one after its last.
    """

    path: Path
    spans: Mapping[Place, tuple[int, int]]

    def __getitem__(self, place: Place) -> bytes:
        """Return a picture.

        Raises
        ------
        OutputError
            If the file is not there any more.
        """
        first, end = self.spans[place]
        try:
            with self.path.open("rb") as stream:
                stream.seek(first)
                return stream.read(end - first)
        except OSError as error:
            raise OutputError(f"cannot read {self.path}: {error.strerror or error}") from error

    def __iter__(self) -> Iterator[Place]:
        """Yield the places that have a picture."""
        return iter(self.spans)

    def __len__(self) -> int:
        """Return how many pictures there are."""
        return len(self.spans)


def put_down(shown: Shown, folder: Path) -> Shown:
    """Write the pictures of a page into a file, and hold them in memory no longer.

    Parameters
    ----------
    shown : Shown
    folder : Path
        Made if it is missing.

    Returns
    -------
    Shown

    Raises
    ------
    OutputError
        If there is no space or no permission.
    """
    if not shown.pictures:
        return shown
    path = folder / uuid.uuid4().hex
    atomic.write(path, shown.pictures.values(), durable=False)
    ends = accumulate(map(len, shown.pictures.values()), initial=0)
    return replace(shown, pictures=PictureFile(path, dict(zip(shown.pictures, pairwise(ends), strict=True))))


def discard(readings: Iterable[Reading]) -> None:
    """Delete the files of pictures that are recorded, or will not be.

    Parameters
    ----------
    readings : iterable of Reading
    """
    for reading in readings:
        for shown in reading.shown:
            if isinstance(shown.pictures, PictureFile):
                shown.pictures.path.unlink(missing_ok=True)


@contextmanager
def emptied(folder: Path) -> Iterator[None]:
    """Delete what a killed run left in a folder of such files, and what is left at the end.

    Parameters
    ----------
    folder : Path
        Of the only run that uses it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
