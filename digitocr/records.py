"""What flows from step to step: frozen records, with no logic beyond geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
"""``uint8`` picture of shape ``(height, width)``, 0 black to 255 white."""

Mask = NDArray[np.bool_]
"""``bool`` picture of shape ``(height, width)``, True where there is ink."""

Batch = NDArray[np.float32]
"""``float32`` array of shape ``(N, 28, 28, 1)`` in [0, 1], ink bright on black, as MNIST."""

Transform = NDArray[np.float64]
"""``float64`` homography of shape ``(3, 3)``."""


class PageKind(StrEnum):
    """What a picture shows; it decides how paper, ruling lines and rows are found in it."""

    DIGIT = "digit"
    """One digit, which may fill it."""
    FIELD = "field"
    """A row of digits, or a few rows of large digits: a cut-out of a page, or a note."""
    PAGE = "page"
    """Many rows, and whatever else is on a page: print, tables, a desk around it."""


class SecondReading(StrEnum):
    """Which lines the second reader reads, besides our own networks."""

    ALWAYS = "always"
    UNSURE = "unsure"
    """Only those that our own networks are not sure of."""
    NEVER = "never"


class Status(StrEnum):
    """What has been decided about a digit or a number."""

    ACCEPTED = "accepted"
    REVIEW = "review"
    CONFIRMED = "confirmed"
    """A person looked and left it as it was read."""
    CORRECTED = "corrected"


BY_PERSON = frozenset({Status.CONFIRMED, Status.CORRECTED})
"""Statuses that a person gave."""


class FileStatus(StrEnum):
    """How the reading of a file ended."""

    DONE = "done"
    EMPTY = "empty"
    PARTIAL = "partial"
    FAILED = "failed"
    DUPLICATE = "duplicate"


READ = frozenset({FileStatus.DONE, FileStatus.EMPTY, FileStatus.PARTIAL})
"""Statuses of files that have tables."""


class Nothing(StrEnum):
    """Why a page that was read has no numbers."""

    BLANK = "blank"
    """There is no ink on it."""
    NOT_FOUND = "not-found"


class Reason(StrEnum):
    """Why something waits for a person. The values are written into the tables."""

    LOW_CONFIDENCE = "low-confidence"
    """The calibrated probability that the text is right lies under the threshold."""
    CLOSE_ALTERNATIVE = "close-alternative"
    """Another reading of the same ink is nearly as likely."""
    NEIGHBOUR = "neighbour"
    """Another number stands so close beside it that both may be one."""
    DECIMAL_MARK = "decimal-mark"
    """A dot or comma looks like a decimal mark, and the kind of the field is not known."""
    READERS_DISAGREE = "readers-disagree"
    """Two readers are sure of different texts; after a colon the other one, if the number is the whole row."""
    UNREADABLE = "unreadable"
    """The ink looks like a number, but no digit could be read."""
    ORIENTATION = "orientation"
    """It is uncertain which way up the page is."""
    PAGE_QUALITY = "page-quality"
    """The page is blurred, faint or too small."""
    NOTHING_FOUND = "nothing-found"
    """No numbers were found on a page with ink on it, or in the whole file."""
    FIELD_BLANK = "field-blank"
    """A field that must be filled in is blank."""
    FIELD_LENGTH = "field-length"
    """A field has more or fewer digits than its template says."""
    FIELD_RANGE = "field-range"
    """The value of a field lies outside its range."""
    FIELD_PATTERN = "field-pattern"
    """A field is not written as its template says."""
    FIELD_CHECKSUM = "field-checksum"
    """The check digit of a field does not match its other digits."""
    FIELD_DATE = "field-date"
    """A date names a day that does not exist."""
    FIELD_GAP = "field-gap"
    """Between the digits of a field a cell is empty or crossed out."""
    STRUCK_OUT = "struck-out"
    """Ink is struck out or corrected, or may hide a digit."""
    FAINT_INK = "faint-ink"
    """Something is written that could not be read, such as ink too faint for it."""
    OUTSIDE = "outside-picture"
    """The field lies outside the picture."""
    NO_FORM = "no-form"
    """There are templates, and the page fits none."""
    RULE_BROKEN = "rule-broken"
    """A rule between fields does not hold."""
    ILLEGIBLE = "illegible"
    """A person looked and cannot read it; it is not asked again."""


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-parallel box in pixels; ``x``, ``y`` is its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column right of the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row under the box."""
        return self.y + self.height

    @property
    def centre(self) -> tuple[float, float]:
        """Centre as ``(x, y)``."""
        return self.x + self.width / 2, self.y + self.height / 2

    def union(self, other: Box) -> Box:
        """Return the smallest box around both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Box(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def intersection(self, other: Box) -> Box:
        """Return the box that both cover; its width or height is 0 where they do not overlap."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Box(x, y, max(0, right - x), max(0, bottom - y))

    def turned(self, quarters: int, shape: tuple[int, int]) -> Box:
        """Return the box on a page of shape ``(H, W)`` after quarter turns of the page, counter-clockwise."""
        height, width = shape
        box = self
        for _ in range(quarters % 4):
            box = Box(box.y, width - box.right, box.height, box.width)
            height, width = width, height
        return box


def around(boxes: list[Box] | tuple[Box, ...]) -> Box:
    """Return the smallest box around one or more boxes.

    Parameters
    ----------
    boxes : sequence of Box

    Returns
    -------
    Box
    """
    box = boxes[0]
    for other in boxes[1:]:
        box = box.union(other)
    return box


@dataclass(frozen=True, slots=True)
class Page:
    """A page as stored, turned upright by its EXIF.

    Attributes
    ----------
    index : int
        Counts from 1 within the file.
    grey : (H, W) uint8 ndarray
        The pixels; boxes in the tables refer to them.
    """

    index: int
    grey: Grey


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit as read.

    Attributes
    ----------
    value : int
        0 to 9.
    confidence : float
        Calibrated probability in [0, 1] that the digit is right.
    runner_up : int
        The second likeliest digit.
    runner_up_confidence : float
        Its probability in [0, 1].
    box : Box
        In page pixels.
    status : Status
    """

    value: int
    confidence: float
    runner_up: int
    runner_up_confidence: float
    box: Box
    status: Status = Status.REVIEW


@dataclass(frozen=True, slots=True)
class Number:
    """A run of digits read together.

    Attributes
    ----------
    digits : tuple of Digit
        In reading order; empty where ink that is a number could not be read.
    confidence : float
        Calibrated probability in [0, 1] that the whole text is right, its length included.
    box : Box
        In page pixels.
    written : str
        The digits with the dots, commas, dashes and slashes seen between them.
    status : Status
    reasons : tuple of str
        Values of `Reason`; after ``rule-broken`` a colon and the name of the rule, after ``readers-disagree`` a
        colon and the other text.
    field : str
        Name of the field of a form, '' without a form.
    """

    digits: tuple[Digit, ...]
    confidence: float
    box: Box
    written: str = ""
    status: Status = Status.REVIEW
    reasons: tuple[str, ...] = ()
    field: str = ""

    @property
    def text(self) -> str:
        """The digits as a string, leading zeros kept."""
        return "".join(str(d.value) for d in self.digits)

    @property
    def waits(self) -> bool:
        """Whether a person is still to look at it."""
        return self.status is Status.REVIEW and Reason.ILLEGIBLE not in self.reasons

    @property
    def marks(self) -> str:
        """Dots, commas, dashes and slashes seen within the number, in reading order."""
        return "".join(sign for sign in self.written if not sign.isdigit())


@dataclass(frozen=True, slots=True)
class PageResult:
    """What was read on one page.

    Attributes
    ----------
    index : int
        Counts from 1 within the file.
    shape : tuple of int
        Height and width in pixels.
    numbers : tuple of Number
        In reading order; on a form one for each field, in the order of its template, blank ones among them.
    error : str
        Why the page could not be read, or matches no known form; '' without an error.
    template : str
        Name of its form; '' without one.
    turn : int
        Quarter turns of the page, counter-clockwise, after which it is upright, as it was read.
    nothing : Nothing or None
        Why it has no numbers; None where it has some, was not read, or was read by an earlier release.
    """

    index: int
    shape: tuple[int, int]
    numbers: tuple[Number, ...] = ()
    error: str = ""
    template: str = ""
    turn: int = 0
    nothing: Nothing | None = None


@dataclass(frozen=True, slots=True)
class FileResult:
    """What was read in one file.

    Attributes
    ----------
    file : str
        As given, with ``/``; in a folder run relative to the folder.
    sha256 : str
        Of the content, hexadecimal; '' where the file could not be opened.
    pages : tuple of PageResult
    status : FileStatus
    error : str
        What happened; '' without an error.
    error_code : str
        Code of the error; '' without one.
    seconds : float
        Time spent on this file.
    """

    file: str
    sha256: str
    pages: tuple[PageResult, ...] = ()
    status: FileStatus = FileStatus.DONE
    error: str = ""
    error_code: str = ""
    seconds: float = 0.0

    @property
    def numbers(self) -> tuple[Number, ...]:
        """All numbers of the file, page by page."""
        return tuple(n for page in self.pages for n in page.numbers)

    @property
    def digits(self) -> tuple[Digit, ...]:
        """All digits of the file, page by page."""
        return tuple(d for n in self.numbers for d in n.digits)


Place = tuple[Box, Box | None] | None
"""What a picture shows: a box and the digit that is marked in it, or (None) the whole page."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Pictures of a page for people, drawn while the page of this index is in memory; `crop_bytes` is of all crops.

    Attributes
    ----------
    index : int
    pictures : mapping of Place to bytes
        PNG crops of the items for review; with ``--annotate`` a JPEG of the page with all that was read on it.
    crop_bytes : int
    """

    index: int
    pictures: Mapping[Place, bytes]
    crop_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """A file's result with pictures of its pages.

    Attributes
    ----------
    result : FileResult
    shown : tuple of Shown
        Of the pages that could be decoded, if pictures were requested.
    """

    result: FileResult
    shown: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A file or URL to read, and its name in the tables; other machines know it by its hash, or are sent it."""

    path: Path | str
    file: str
    sha256: str = ""
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost before it is refused.

    Attributes
    ----------
    pixels : int
        Of a page.
    pages, bytes, digits : int
        Of a file.
    seconds : float
        For decoding a file.
    reading_seconds : float
        For reading the pages of a file; those that are read until then count.
    candidates : int
        Marks of a page that may be digits.
    crops : int
        Bytes of the pictures for review of a page or a file.
    memory : int
        Bytes for decoding a page.
    """

    pixels: int = 200_000_000
    pages: int = 200
    bytes: int = 500_000_000
    seconds: float = 120.0
    reading_seconds: float = 600.0
    candidates: int = 30_000
    digits: int = 50_000
    crops: int = 100_000_000
    memory: int = 8_000_000_000


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What changes how a file is read; part of the key under which the ledger remembers a result.

    Attributes
    ----------
    threshold : float or None
        Least confidence of an accepted number; None for the threshold in the model's card.
    batch_size : int
        Candidates classified at once; does not change results.
    limits : Limits
        What a file may cost.
    second_reader : SecondReading
        Which lines the second reader reads.
    """

    threshold: float | None = None
    batch_size: int = 32
    limits: Limits = Limits()
    second_reader: SecondReading = SecondReading.ALWAYS
