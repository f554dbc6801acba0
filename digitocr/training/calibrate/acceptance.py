"""The command `threshold`: the share of numbers that can be accepted at a target error rate."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from digitocr.errors import UsageError
from digitocr.pipeline import Reader
from digitocr.records import Reason, Source
from digitocr.training.calibrate.labelled_tables import labelled_rows
from digitocr.training.calibrate.scoring import Share

TRUTH = "truth.csv"
IMAGES = "images"
BATCH_PICTURES = 16
"""Pictures read in one batch."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A number that was read, and whether it is right.

    Attributes
    ----------
    confidence : float
        In [0, 1].
    right : bool
        To the digit, its length included.
    held_back : bool
        It goes to review whatever its confidence, because of its reasons.
    """

    confidence: float
    right: bool
    held_back: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A threshold and its consequences.

    Attributes
    ----------
    threshold : float
        Numbers of this confidence or more are accepted; above 1 where none can be.
    numbers, accepted, wrong : int
        Numbers read; of these, accepted; of the accepted, wrong.
    at_most : float
        Upper end of the 95 % interval of the error rate among the accepted.
    """

    threshold: float
    numbers: int
    accepted: int
    wrong: int
    at_most: float


def read_truth(folder: Path) -> dict[str, list[str]]:
    """Read which numbers stand on which picture.

    Parameters
    ----------
    folder : Path
        With ``truth.csv``: columns ``file`` and ``text``; several numbers are separated by ``|`` or spaces.

    Returns
    -------
    dict of str to list of str
        The numbers of each file.

    Raises
    ------
    UsageError
        There is no such table, or it lacks a column.
    """
    hint = "columns file,text: the picture's name and its numbers, separated by |"
    rows = labelled_rows(folder / TRUTH, ("file", "text"), hint)
    return {row["file"]: row["text"].replace("|", " ").split() for row in rows}


def outcomes(reader: Reader, folder: Path) -> Iterator[Outcome]:
    """Read the pictures of a labelled folder and check each number.

    Parameters
    ----------
    reader : Reader
    folder : Path
        With ``truth.csv``, and the pictures beside it or in ``images/``.

    Yields
    ------
    Outcome

    Raises
    ------
    UsageError
        A picture of the table does not exist.
    """
    truth = read_truth(folder)
    sources = [Source(_picture(folder, file), file) for file in truth]
    for at in range(0, len(sources), BATCH_PICTURES):
        for reading in reader.read(sources[at : at + BATCH_PICTURES]):
            left = Counter(truth[reading.result.file])
            for page in reading.result.pages:
                for number in page.numbers:
                    right = left[number.text] > 0
                    left[number.text] -= right
                    others = set(number.reasons) - {Reason.LOW_CONFIDENCE}
                    yield Outcome(number.confidence, right, bool(others))


def _picture(folder: Path, file: str) -> Path:
    for path in (folder / file, folder / IMAGES / file):
        if path.is_file():
            return path
    raise UsageError(f"{folder / file} does not exist", hint=f"it is listed in {folder / TRUTH}")


def choose(found: Sequence[Outcome], target: float) -> Choice:
    """Find the lowest threshold at which at most a share `target` of the accepted numbers is wrong.

    Parameters
    ----------
    found : sequence of Outcome
    target : float
        Wanted error rate among the accepted, in (0, 1).

    Returns
    -------
    Choice

    Examples
    --------
    >>> found = [Outcome(0.99, True)] * 98 + [Outcome(0.7, False)] * 2
    >>> choose(found, 0.01).threshold
    0.99
    """
    free = [one for one in found if not one.held_back]
    order = sorted(free, key=lambda one: -one.confidence)
    sure = np.array([one.confidence for one in order])
    wrong = np.cumsum([not one.right for one in order])
    # Numbers of one confidence are accepted together.
    ends = np.flatnonzero(np.append(np.diff(sure) < 0, True)) if len(sure) else np.zeros(0, dtype=np.intp)
    good = [int(k) for k in ends if wrong[k] <= target * (k + 1)]
    if not good:
        return Choice(1.01, len(found), 0, 0, 1.0)
    accepted, errors = good[-1] + 1, int(wrong[good[-1]])
    at_most = 1 - Share(accepted - errors, accepted).interval[0]
    return Choice(float(sure[good[-1]]), len(found), accepted, errors, at_most)


def study(reader: Reader, folder: Path, target: float, *, as_json: bool) -> int:
    """Print the threshold for a target error rate and what it accepts: what ``digitocr threshold`` does.

    Parameters
    ----------
    reader : Reader
    folder : Path
        See :func:`outcomes`.
    target : float
        Wanted error rate among the accepted, in (0, 1).
    as_json : bool
        Print one JSON object instead of text.

    Returns
    -------
    int
        Exit status.
    """
    found = list(outcomes(reader, folder))
    chosen = choose(found, target)
    if as_json:
        sys.stdout.write(json.dumps({"target_error": target, **asdict(chosen)}) + "\n")
        return 0
    sys.stdout.write(f"{len(found)} numbers read, {sum(one.right for one in found)} right\n")
    if not chosen.accepted:
        sys.stdout.write(f"no threshold keeps the error rate at {target:.2%} on these numbers\n")
        return 0
    threshold = math.floor(chosen.threshold * 1e6) / 1e6
    sys.stdout.write(
        f"threshold {threshold:.6f}: {chosen.accepted / chosen.numbers:.1%} accepted, "
        f"{chosen.wrong} of them wrong; with 95 % confidence at most {chosen.at_most:.2%} wrong in the long run\n"
    )
    if chosen.at_most > target:
        enough = math.ceil(4 / target)
        sys.stdout.write(
            f"to be certain of {target:.2%}, about {enough:,} labelled numbers without an error are needed\n"
        )
    sys.stdout.write(
        f"use it: --threshold {threshold:.6f}, or threshold = {threshold:.6f} in digitocr.toml\n"
    )
    return 0
