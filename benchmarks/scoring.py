"""What a results folder is worth against the truth of a set: every stated figure comes from here.

A set is a folder with ``truth.csv`` and ``images/``. Its truth says what the answers are: the whole of an
image (``file,text``, rows of paper parted by ``|``), or the boxes of fields on a page
(``file,field,text,x,y,width,height``).
"""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from digitocr.training.calibrate.scoring import wilson

ECE_BINS = 15

Row = dict[str, str]


class Half(StrEnum):
    """Errors of the one half of a set may be looked at; the other half is for counting only."""

    LOOK = "look"
    COUNT = "count"

    @classmethod
    def of(cls, file: str) -> Half:
        """Return the half an image belongs to, told by the SHA-1 of its name.

        Examples
        --------
        >>> Half.of("a_car_000155.jpg").value
        'look'
        """
        last = hashlib.sha1(file.encode(), usedforsecurity=False).hexdigest()[-1]
        return cls.COUNT if int(last, 16) % 2 else cls.LOOK


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `total`, with its interval."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        """The share, None of nothing."""
        return self.hits / self.total if self.total else None

    def interval(self) -> tuple[float, float]:
        """Return Wilson's interval of 95 %.

        Examples
        --------
        >>> [round(edge, 3) for edge in Share(8, 10).interval()]
        [0.49, 0.943]
        """
        return wilson(self.hits, self.total)

    def __str__(self) -> str:
        """Return the share and its interval in per cent."""
        if self.value is None:
            return "–"
        low, high = self.interval()
        return f"{self.value:.2%} ({low:.2%} to {high:.2%})"


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
        A row of paper may hold several numbers, so that nothing is known of how they are parted.
    """

    file: str
    field: str
    text: str
    box: tuple[float, float, float, float] | None
    in_rows: bool

    def holds(self, row: Row) -> bool:
        """Whether the centre of a digit or number lies in the box of this answer."""
        if self.box is None:
            return True
        x, y, width, height = self.box
        centre_x = float(row["x"]) + float(row["width"]) / 2
        centre_y = float(row["y"]) + float(row["height"]) / 2
        return x <= centre_x <= x + width and y <= centre_y <= y + height


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read where an answer was wanted.

    Attributes
    ----------
    truth : Truth
    read : str
        All digits of the answer in reading order.
    exact : bool
        Right to the digit.
    whole : bool
        Right as one row of the numbers table.
    distance : int
        Levenshtein distance of `read` to the truth.
    accepted : bool
        Taken without a look.
    silent : int
        Wrong digits that nobody is asked about.
    failed : bool
        The file has no row, or one that says failed.
    confidence : float or None
        Of the number, where the answer is one number and one was wanted.
    sure : bool
        Whether that number is right.
    """

    truth: Truth
    read: str
    exact: bool
    whole: bool
    distance: int
    accepted: bool
    silent: int
    failed: bool
    confidence: float | None
    sure: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What a set of answers comes to.

    Attributes
    ----------
    answers : int
    exact, whole, accepted, missing, failed : Share
        See :class:`Answer`; `whole` is out of those where a number is known to be one.
    wrong : Share
        Of the accepted answers.
    der : float
        Distances summed over truth digits.
    der_mean : float
        Mean over the answers with a truth, none counted as more than 1.
    silent : float
        Silent digits over truth digits.
    extra_accepted, extra_review : float or None
        Numbers outside every box, a page; None where there are no pages.
    ece, brier : float
        Number confidence against being right.
    """

    answers: int
    exact: Share
    whole: Share
    der: float
    der_mean: float
    accepted: Share
    wrong: Share
    silent: float
    missing: Share
    failed: Share
    extra_accepted: float | None
    extra_review: float | None
    ece: float
    brier: float


class Results:
    """The tables of a results folder, by input file.

    Parameters
    ----------
    folder : Path
        As given to ``--results``.
    """

    def __init__(self, folder: Path) -> None:
        self.files = {row["file"]: row for row in read_rows(folder / "files.csv")}
        self.digits = _by_file(folder, ".digits.csv")
        self.numbers = _by_file(folder, ".numbers.csv")

    def status(self, file: str) -> str:
        """Status of a file, ``failed`` where there is no row."""
        return self.files[file]["status"] if file in self.files else "failed"

    def answer(self, truth: Truth) -> Answer:
        """Return what was read where `truth` stands."""
        digits = [row for row in self.digits[truth.file] if truth.holds(row)]
        numbers = [row for row in self.numbers[truth.file] if truth.holds(row)]
        status = self.status(truth.file)
        failed = status == "failed"
        read = "".join(row["digit"] for row in digits)
        distance, wrong, lost = align(read, truth.text)
        asked = status in ("empty", "failed", "partial") or any(
            row["status"] == "review" for row in digits + numbers
        )
        only = numbers[0] if len(numbers) == 1 and truth.text else None
        texts = [row["text"] for row in numbers if row["text"]]
        return Answer(
            truth=truth,
            read=read,
            exact=read == truth.text and not failed,
            whole=texts == ([truth.text] if truth.text else []) and not failed,
            distance=distance,
            accepted=bool(numbers) and bool(read) and not asked,
            silent=sum(digits[i]["status"] == "accepted" for i in wrong) + (0 if asked else lost),
            failed=failed,
            confidence=float(only["confidence"]) if only else None,
            sure=only is not None and only["text"] == truth.text,
        )

    def outside(self, truths: Sequence[Truth]) -> Iterator[Row]:
        """Numbers read on the pages of `truths` that lie in no box."""
        by_file = defaultdict(list)
        for truth in truths:
            by_file[truth.file].append(truth)
        for file, on_page in by_file.items():
            for row in self.numbers[file]:
                if row["text"] and not any(truth.holds(row) for truth in on_page):
                    yield row


def read_rows(path: Path) -> list[Row]:
    """Rows of a CSV table; none where it does not exist."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def read_truth(set_folder: Path, half: Half | None = None) -> list[Truth]:
    """Return the answers wanted of a set, or of one half of it; fields without a box are left out."""
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


def align(read: str, truth: str) -> tuple[int, list[int], int]:
    """Align two strings at the least cost, from the end: pairs before digits too many before lost ones.

    Returns
    -------
    distance : int
        Levenshtein distance.
    wrong : list of int
        Indices in `read` of digits that are wrong or too many.
    lost : int
        Digits of `truth` with nothing beside them.

    Examples
    --------
    >>> align("1237", "123")
    (1, [3], 0)
    >>> align("13", "123")
    (1, [], 1)
    """
    cost = [list(range(len(truth) + 1))]
    for i, digit in enumerate(read, start=1):
        above, row = cost[-1], [i]
        for j, wanted in enumerate(truth, start=1):
            row.append(min(above[j - 1] + (digit != wanted), above[j] + 1, row[j - 1] + 1))
        cost.append(row)
    i, j, wrong, lost = len(read), len(truth), [], 0
    while i or j:
        here = cost[i][j]
        if i and j and here == cost[i - 1][j - 1] + (read[i - 1] != truth[j - 1]):
            i, j = i - 1, j - 1
            if read[i] != truth[j]:
                wrong.append(i)
        elif i and here == cost[i - 1][j] + 1:
            i -= 1
            wrong.append(i)
        else:
            j -= 1
            lost += 1
    return cost[-1][-1], wrong, lost


def figures(answers: Sequence[Answer], outside: Iterable[Row] = ()) -> Figures:
    """Sum up answers.

    Parameters
    ----------
    answers : sequence of Answer
    outside : iterable of Row
        Numbers outside every box, see :meth:`Results.outside`.
    """
    filled = [a for a in answers if a.truth.text]
    taken = [a for a in answers if a.accepted]
    single = [a for a in answers if not a.truth.in_rows]
    files = {a.truth.file for a in answers}
    paged = any(a.truth.box for a in answers)
    digits = max(1, sum(len(a.truth.text) for a in answers))
    sure = [(a.confidence, a.sure) for a in answers if a.confidence is not None]
    accepted_outside = [row["status"] == "accepted" for row in outside]
    return Figures(
        answers=len(answers),
        exact=Share(sum(a.exact for a in answers), len(answers)),
        whole=Share(sum(a.whole for a in single), len(single)),
        der=sum(a.distance for a in answers) / digits,
        der_mean=_mean([min(1.0, a.distance / len(a.truth.text)) for a in filled]),
        accepted=Share(sum(a.accepted for a in filled), len(filled)),
        wrong=Share(sum(not a.exact for a in taken), len(taken)),
        silent=sum(a.silent for a in answers) / digits,
        missing=Share(sum(not a.read for a in filled), len(filled)),
        failed=Share(len({a.truth.file for a in answers if a.failed}), len(files)),
        extra_accepted=sum(accepted_outside) / len(files) if paged else None,
        extra_review=accepted_outside.count(False) / len(files) if paged else None,
        ece=calibration_error(sure),
        brier=_mean([(confidence - right) ** 2 for confidence, right in sure]),
    )


def calibration_error(sure: Sequence[tuple[float, bool]], bins: int = ECE_BINS) -> float:
    """Return the expected calibration error over bins of equal count.

    Parameters
    ----------
    sure : sequence of (confidence, right)
    bins : int

    Examples
    --------
    >>> calibration_error([(0.75, True), (0.75, True), (0.75, True), (0.75, False)], bins=1)
    0.0
    """
    ordered, n = sorted(sure), len(sure)
    error = 0.0
    for k in range(bins):
        part = ordered[n * k // bins : n * (k + 1) // bins]
        error += abs(sum(confidence - right for confidence, right in part))
    return error / max(1, n)


def _by_file(folder: Path, ending: str) -> defaultdict[str, list[Row]]:
    """Rows of all tables with an ending, in reading order, by input file; kept old tables are left out."""
    tables: defaultdict[str, list[Row]] = defaultdict(list)
    for path in sorted(folder.rglob(f"*{ending}")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts[:-1]):
            continue
        for row in read_rows(path):
            if row["status"] == "corrected":
                raise ValueError(f"{path.name}: corrected by a person; score the machine's own reading")
            tables[row["file"]].append(row)
    for rows in tables.values():
        rows.sort(key=lambda row: (int(row["page"]), int(row["number"]), int(row.get("position") or 0)))
    return tables


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
