"""Labelled candidates: what the reading path finds on a drawing, with the truth for each candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging import clean, detection
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.sheet import Line, Sheet
from digitocr.networks.classifier import CUT, SIGN
from digitocr.networks.page_network import look_at
from digitocr.records import Grey, Page

PASSING_SHARE, COMPLETE_SHARE = 0.06, 0.6
"""Less of a digit's ink than the first is accidental contact; less than the second leaves it in doubt."""

UNSURE = -1
"""Label of a candidate that is neither right nor clearly wrong and is not trained on."""


@dataclass(frozen=True, slots=True)
class DigitSpan:
    """A digit of a line, and the columns it takes.

    Attributes
    ----------
    value : int
    left, right : int
        First column and the one after the last, in pixels of the line.
    """

    value: int
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class LabelledLine:
    """A line as the reading path finds it, with the truth.

    Attributes
    ----------
    line : Line
    labels : (N,) int8 ndarray
        Per candidate: 0 to 9, `SIGN`, `CUT` or `UNSURE`.
    owners : (N,) int16 ndarray
        Per candidate with a digit label, the index of that digit in the drawing; else -1.
    written : tuple of DigitSpan or None
        The line's digits from left to right; None if one of them is in doubt or only partly in the line.
    """

    line: Line
    labels: NDArray[np.int8]
    owners: NDArray[np.int16]
    written: tuple[DigitSpan, ...] | None


def labelled_lines(
    image: Grey, owner: NDArray[np.int16], digits: NDArray[np.int8], signs: NDArray[np.bool_]
) -> list[LabelledLine]:
    """Run the reading path on a drawing as far as candidates, and label each of them.

    Parameters
    ----------
    image : (H, W) uint8 ndarray
    owner : (H, W) int16 ndarray
        Whose ink a pixel is: ``k + 1`` for digit ``k``, negative for a sign, 0 for paper.
    digits : (D,) int8 ndarray
        Value of each digit, `UNSURE` for one that must not be learned from (overwritten, struck out).
    signs : (S,) bool ndarray
        Whether each sign is clearly not a digit; a single tally stroke looks like a 1.

    Returns
    -------
    list of LabelledLine
    """
    p = Imaging()
    sheet = clean.clean(Page(1, image), p)
    on_sheet = _carried(owner, sheet)
    kinds = int(on_sheet.max(initial=0)) + 1
    totals = np.bincount(on_sheet[sheet.ink], minlength=kinds)
    return [
        _labelled(line, on_sheet, totals, digits, signs)
        for line in detection.lines_on(sheet, lambda: look_at(image), p)
    ]


def _carried(owner: NDArray[np.int16], sheet: Sheet) -> NDArray[np.int16]:
    """Bring the owner map onto the sheet: 0 paper, 1 to D the digits, then the signs; edges grown by a pixel."""
    height, width = sheet.ink.shape
    positive = owner.astype(np.int16).copy()
    last = max(int(owner.max(initial=0)), 0)
    positive[owner < 0] = last - owner[owner < 0]
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    carried = cv2.warpPerspective(positive, sheet.to_page, (width, height), flags=flags)
    grown = cv2.dilate(carried, np.ones((3, 3), np.uint8))
    return np.where(carried == 0, grown, carried).astype(np.int16)


def _labelled(
    line: Line,
    owner: NDArray[np.int16],
    totals: NDArray[np.int64],
    digits: NDArray[np.int8],
    signs: NDArray[np.bool_],
) -> LabelledLine:
    height, width = line.labels.shape
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    own = cv2.warpAffine(owner, line.to_sheet, (width, height), flags=flags)
    inked = line.labels > 0
    kinds, pieces = len(totals), len(line.pieces)
    flat = (line.labels[inked].astype(np.int64) - 1) * kinds + own[inked]
    counts = np.bincount(flat, minlength=pieces * kinds).reshape(pieces, kinds)
    sums = np.vstack([np.zeros((1, kinds), dtype=np.int64), np.cumsum(counts, axis=0)])
    labels = np.full(len(line.candidates), UNSURE, dtype=np.int8)
    owners = np.full(len(line.candidates), -1, dtype=np.int16)
    for k, candidate in enumerate(line.candidates):
        labels[k], owners[k] = _label(sums[candidate.last] - sums[candidate.first], totals, digits, signs)
    return LabelledLine(line, labels, owners, _written(own, inked, totals, digits))


def _written(
    own: NDArray[Any], inked: NDArray[np.bool_], totals: NDArray[np.int64], digits: NDArray[np.int8]
) -> tuple[DigitSpan, ...] | None:
    """List the digits that lie in a line, by the middle of their ink."""
    ys, xs = np.nonzero(inked & (own > 0) & (own <= len(digits)))
    owners = own[ys, xs]
    found = []
    for k in np.unique(owners).tolist():
        columns = xs[owners == k]
        share = len(columns) / max(int(totals[k]), 1)
        if share < PASSING_SHARE:
            continue
        if share < COMPLETE_SHARE or digits[k - 1] == UNSURE:
            return None
        found.append(
            (float(columns.mean()), DigitSpan(int(digits[k - 1]), int(columns.min()), int(columns.max()) + 1))
        )
    return tuple(written for _, written in sorted(found, key=lambda pair: pair[0]))


def _label(
    counts: NDArray[np.int64], totals: NDArray[np.int64], digits: NDArray[np.int8], signs: NDArray[np.bool_]
) -> tuple[int, int]:
    """Name a candidate from whose ink it holds (`counts`) of all there is (`totals`); index 0 is unowned."""
    area = int(counts.sum())
    share = counts / np.maximum(totals, 1)
    by_digits = counts[1 : len(digits) + 1]
    main = int(by_digits.argmax()) if len(by_digits) else 0
    if not len(by_digits) or by_digits.sum() < 0.1 * area:
        held = counts[len(digits) + 1 :] > 0
        if not signs[: len(held)][held].all():
            return UNSURE, -1
        partly = share[len(digits) + 1 :][held]
        whole = not len(partly) or float(partly.min()) > 0.75
        return (SIGN if whole else UNSURE if float(partly.max()) > 0.6 else CUT), -1
    complete, pure = float(share[main + 1]), float(by_digits[main]) / area
    foreign = np.delete(share[1:], main)
    others = float(foreign.max(initial=0.0))
    if complete >= 0.86 and pure >= 0.83 and others < 0.25:
        value = int(digits[main])
        return value, (main if value != UNSURE else -1)
    if complete < 0.75 or pure < 0.7 or others > 0.4:
        return CUT, -1
    return UNSURE, -1
