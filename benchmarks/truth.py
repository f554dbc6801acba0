"""The truth of a measuring set: its answers, its two halves, and the families of its files.

A set is a folder with ``truth.csv`` and ``images/``. Its truth lists the answers: either the text of a whole image
(``file,text``, with ``|`` between rows of paper), or the text in each box of a page
(``file,field,text,x,y,width,height``). A *family* is paper of one source, known by how the file names begin.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FEWEST = 10
"""Families with fewer answers than this are joined to one."""


OTHER = "other"
"""Name of the joined small families, and of files whose names begin with a digit."""


_FAMILY = re.compile(r"c1_\d+|[^_\d]*")


Row = dict[str, str]


class Half(StrEnum):
    """The errors of one half of a set may be looked at; the other half is only counted."""

    LOOK = "look"
    COUNT = "count"

    @classmethod
    def of(cls, file: str) -> Half:
        """Return the half that an image belongs to, by the SHA-1 of its name.

        Parameters
        ----------
        file : str

        Returns
        -------
        Half

        Examples
        --------
        >>> Half.of("a_car_000155.jpg").value
        'look'
        """
        last = hashlib.sha1(file.encode(), usedforsecurity=False).hexdigest()[-1]
        return cls.COUNT if int(last, 16) % 2 else cls.LOOK


@dataclass(frozen=True, slots=True)
class Truth:
    """One line of ``truth.csv``.

    Attributes
    ----------
    file : str
        Relative to ``images/``.
    field : str
        '' where the answer is the whole image.
    text : str
        The digits in reading order; '' where nothing must be read.
    box : (x, y, width, height) or None
        In page pixels; None where the answer is the whole image.
    in_rows : bool
        A row of paper may hold several numbers; the truth does not say where one ends.
    """

    file: str
    field: str
    text: str
    box: tuple[float, float, float, float] | None
    in_rows: bool

    def holds(self, row: Row) -> bool:
        """Tell whether the centre of a digit or number lies in the box of this answer.

        Parameters
        ----------
        row : dict of str to str
            From a digits or numbers table.

        Returns
        -------
        bool
        """
        if self.box is None:
            return True
        x, y, width, height = self.box
        centre_x = float(row["x"]) + float(row["width"]) / 2
        centre_y = float(row["y"]) + float(row["height"]) / 2
        return x <= centre_x <= x + width and y <= centre_y <= y + height


def family(file: str) -> str:
    """Return the family of a file: its name up to the first digit or underscore, or ``c1_`` and a number.

    Parameters
    ----------
    file : str

    Returns
    -------
    str

    Examples
    --------
    >>> [family(name) for name in ("a_car_000155.jpg", "c1_2014_15.jpg", "golf1.jpg", "7.png")]
    ['a', 'c1_2014', 'golf', 'other']
    """
    found = _FAMILY.match(Path(file).name)
    return found.group() if found and found.group() else OTHER


def in_mean(sizes: Mapping[str, int]) -> list[str]:
    """Return which families enter the mean over families: those of at least `FEWEST` answers, else all.

    Parameters
    ----------
    sizes : mapping of str to int
        Number of answers of each family.

    Returns
    -------
    list of str
    """
    return [name for name, size in sizes.items() if size >= FEWEST] or list(sizes)


def read_rows(path: Path) -> list[Row]:
    """Read a CSV table.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Row
        Empty where the file does not exist.
    """
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def read_truth(set_folder: Path, half: Half | None = None) -> list[Truth]:
    """Read the truth of a set, or of one half of it; fields without a box are left out.

    Parameters
    ----------
    set_folder : Path
    half : Half, optional

    Returns
    -------
    list of Truth
    """
    truths = []
    for row in read_rows(set_folder / "truth.csv"):
        file = row["file"].removeprefix("images/")
        if half not in (None, Half.of(file)):
            continue
        box = None
        if "field" in row:
            if not row["x"]:
                continue
            box = float(row["x"]), float(row["y"]), float(row["width"]), float(row["height"])
        in_rows = "rotation_cw_deg" in row
        truths.append(Truth(file, row.get("field", ""), row["text"].replace("|", ""), box, in_rows))
    return truths
