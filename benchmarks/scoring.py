"""Scores a results folder against the truth of a set: every stated figure comes from here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.truth import FEWEST, OTHER, Half, Row, Truth, family, read_rows, read_truth
from digitocr.records import BY_PERSON
from digitocr.training.calibrate.scoring import wilson

ECE_BINS = 15


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `total`, with an interval."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        """The share; None where `total` is 0."""
        return self.hits / self.total if self.total else None

    def interval(self) -> tuple[float, float]:
        """Return Wilson's 95 % interval.

        Returns
        -------
        low, high : float

        Examples
        --------
        >>> [round(edge, 3) for edge in Share(8, 10).interval()]
        [0.49, 0.943]
        """
        return wilson(self.hits, self.total)

    def __str__(self) -> str:
        """Format the share and its interval in per cent."""
        if self.value is None:
            return "–"
        low, high = self.interval()
        return f"{self.value:.2%} ({low:.2%} to {high:.2%})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read in the place of one line of the truth.

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

    @property
    def is_wrongly_accepted(self) -> bool:
        """Whether it was accepted although it is not exact."""
        return self.accepted and not self.exact


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a set of answers.

    Attributes
    ----------
    answers : int
    exact, whole, accepted, missing, failed : Share
        See :class:`Answer`; `whole` counts only answers known to be one number.
    wrong : Share
        Of the accepted answers.
    der : float
        Distances summed over truth digits.
    der_mean : float
        Mean over the answers with a truth, each capped at 1.
    silent : float
        Silent digits over truth digits.
    extra_accepted, extra_review : float or None
        Numbers outside every box, per page; None where the set has no pages.
    extra_rows : float or None
        Rows for review outside every box, per page, those without a text included.
    ece, brier : float
        Confidence of the number against whether it is right.
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
    extra_rows: float | None
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
        """Return the status of a file, ``failed`` where it has no row.

        Parameters
        ----------
        file : str

        Returns
        -------
        str
        """
        return self.files[file]["status"] if file in self.files else "failed"

    def answer(self, truth: Truth) -> Answer:
        """Return what was read in the place of `truth`.

        Parameters
        ----------
        truth : Truth

        Returns
        -------
        Answer
        """
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
        """Yield the numbers on the pages of `truths` that lie in no box.

        Parameters
        ----------
        truths : sequence of Truth

        Yields
        ------
        dict of str to str
            Rows of the numbers tables, those without a text included.
        """
        by_file = defaultdict(list)
        for truth in truths:
            by_file[truth.file].append(truth)
        for file, on_page in by_file.items():
            for row in self.numbers[file]:
                if not any(truth.holds(row) for truth in on_page):
                    yield row


@dataclass(frozen=True, slots=True)
class Scored:
    """The answers of a set, or of a part of it, from one results folder.

    Attributes
    ----------
    answers : tuple of Answer
    outside : tuple of Row
        Rows of the numbers tables outside every box.
    """

    answers: tuple[Answer, ...]
    outside: tuple[Row, ...] = ()

    def half(self, half: Half | None) -> Scored:
        """Return one half, or all where `half` is None.

        Parameters
        ----------
        half : Half or None

        Returns
        -------
        Scored
        """
        return self if half is None else self._of({f for f in self._files if Half.of(f) is half})

    def filled(self) -> Scored:
        """Return the answers that have digits to read.

        Returns
        -------
        Scored
        """
        return Scored(tuple(a for a in self.answers if a.truth.text), self.outside)

    def families(self) -> dict[str, Scored]:
        """Part the answers by family; see :func:`families`.

        Returns
        -------
        dict of str to Scored
        """
        return {name: self._of(files) for name, files in families(self.answers).items()}

    def figures(self) -> Figures:
        """Return the figures of these answers.

        Returns
        -------
        Figures
        """
        return figures(self.answers, self.outside)

    @property
    def _files(self) -> set[str]:
        return {a.truth.file for a in self.answers}

    def _of(self, files: Collection[str]) -> Scored:
        return Scored(
            tuple(a for a in self.answers if a.truth.file in files),
            tuple(row for row in self.outside if row["file"] in files),
        )


def scored(results: Results, set_folder: Path, half: Half | None = None) -> Scored:
    """Score a results folder against a set.

    Parameters
    ----------
    results : Results
    set_folder : Path
    half : Half, optional

    Returns
    -------
    Scored
    """
    truths = read_truth(set_folder, half)
    return Scored(tuple(results.answer(truth) for truth in truths), tuple(results.outside(truths)))


def families(answers: Sequence[Answer]) -> dict[str, set[str]]:
    """Group the files of a set by family; families of fewer than `FEWEST` answers are joined to the last group.

    Parameters
    ----------
    answers : sequence of Answer

    Returns
    -------
    dict of str to set of str
        Files of each family, by its name.
    """
    names = [family(a.truth.file) for a in answers]
    groups: dict[str, set[str]] = {}
    for name in sorted(set(names)):
        group = groups.setdefault(name if names.count(name) >= FEWEST else OTHER, set())
        group |= {a.truth.file for a, its in zip(answers, names, strict=True) if its == name}
    return {name: groups[name] for name in sorted(groups, key=lambda name: (name == OTHER, name))}


def align(read: str, truth: str) -> tuple[int, list[int], int]:
    """Align two strings at the least cost, from the end; prefer pairs to extra digits, and these to lost ones.

    Parameters
    ----------
    read, truth : str

    Returns
    -------
    distance : int
        Levenshtein distance.
    wrong : list of int
        Indices in `read` of digits that are wrong or extra.
    lost : int
        Digits of `truth` without a partner in `read`.

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
        Rows outside every box, see :meth:`Results.outside`.

    Returns
    -------
    Figures
    """
    filled = [a for a in answers if a.truth.text]
    taken = [a for a in answers if a.accepted]
    single = [a for a in answers if not a.truth.in_rows]
    files = {a.truth.file for a in answers}
    paged = any(a.truth.box for a in answers)
    digits = max(1, sum(len(a.truth.text) for a in answers))
    sure = [(a.confidence, a.sure) for a in answers if a.confidence is not None]
    rows = list(outside)
    accepted_outside = [row["status"] == "accepted" for row in rows if row["text"]]
    return Figures(
        answers=len(answers),
        exact=Share(sum(a.exact for a in answers), len(answers)),
        whole=Share(sum(a.whole for a in single), len(single)),
        der=sum(a.distance for a in answers) / digits,
        der_mean=_mean([min(1.0, a.distance / len(a.truth.text)) for a in filled]),
        accepted=Share(sum(a.accepted for a in filled), len(filled)),
        wrong=Share(sum(a.is_wrongly_accepted for a in taken), len(taken)),
        silent=sum(a.silent for a in answers) / digits,
        missing=Share(sum(not a.read for a in filled), len(filled)),
        failed=Share(len({a.truth.file for a in answers if a.failed}), len(files)),
        extra_accepted=sum(accepted_outside) / len(files) if paged else None,
        extra_review=accepted_outside.count(False) / len(files) if paged else None,
        extra_rows=sum(row["status"] == "review" for row in rows) / len(files) if paged else None,
        ece=calibration_error(sure),
        brier=_mean([(confidence - right) ** 2 for confidence, right in sure]),
    )


def calibration_error(sure: Sequence[tuple[float, bool]], bins: int = ECE_BINS) -> float:
    """Return the expected calibration error over bins of equal count.

    Parameters
    ----------
    sure : sequence of (confidence, right)
    bins : int

    Returns
    -------
    float

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
    """Read all tables with an ending, in reading order, by input file; hidden folders (old tables) are left out."""
    tables: defaultdict[str, list[Row]] = defaultdict(list)
    for path in sorted(folder.rglob(f"*{ending}")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts[:-1]):
            continue
        for row in read_rows(path):
            if row["status"] in BY_PERSON:
                raise ValueError(f"{path.name}: corrected by a person; score the machine's own reading")
            tables[row["file"]].append(row)
    for rows in tables.values():
        rows.sort(key=lambda row: (int(row["page"]), int(row["number"]), int(row.get("position") or 0)))
    return tables


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
