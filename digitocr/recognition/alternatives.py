"""Numbers of a page that overlap: the ink and the page network found them, and the readers choose.

What one finds as a single number the other may find as two, or with a stroke of print: of numbers that overlap, those
of one or of the other are taken, whichever promise more digits that are read right, less those read wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from digitocr.imaging.components import meeting
from digitocr.recognition.judge import Judge
from digitocr.recognition.numbers import DecodedNumber
from digitocr.records import Box

SHARED = 0.5
"""Numbers overlap if they share at least this part of the smaller one."""


def chosen(numbers: Sequence[DecodedNumber], judge: Judge) -> list[DecodedNumber]:
    """Choose among the numbers of a page that overlap.

    Parameters
    ----------
    numbers : sequence of DecodedNumber
    judge : Judge

    Returns
    -------
    list of DecodedNumber
        In their order; those are confirmed that both found, and that read the same.
    """
    places = _places([number.box for number in numbers])
    worth, are_there = np.zeros((len(numbers), 2)), np.zeros((len(numbers), 2), dtype=np.bool_)
    texts = [["", ""] for _ in numbers]
    for number, place in zip(numbers, places, strict=True):
        worth[place, _is_found(number)] += _worth(number, judge)
        are_there[place, _is_found(number)] = True
        texts[place][_is_found(number)] += f"{number.text} "
    taken = np.where(are_there, worth, -np.inf).argmax(axis=1)
    return [
        replace(one, is_confirmed=texts[place][0] == texts[place][1])
        for one, place in zip(numbers, places, strict=True)
        if _is_found(one) == taken[place]
    ]


def _worth(number: DecodedNumber, judge: Judge) -> float:
    """Return how many more digits of a number are read right than wrong, as its confidence promises.

    That all are right is less likely the more there are: a digit is as sure as the geometric mean, so that a number is
    not worth more for being torn apart.
    """
    count = len(number.segments)
    sure = float(judge.confidence(number, in_cells=False) ** (1 / max(count, 1)))
    return count * (2 * sure - 1)


def _is_found(number: DecodedNumber) -> int:
    return int(number.seen is not None and number.seen.is_found)


def _places(boxes: Sequence[Box]) -> list[int]:
    """Return the place of each number: those that overlap have one place."""
    ends = np.array([(b.x, b.y, b.right, b.bottom) for b in boxes], dtype=np.float64).reshape(-1, 4)
    area = (ends[:, 2:] - ends[:, :2]).prod(axis=-1)
    order = np.argsort(ends[:, 1], kind="stable")
    i, j = (order[one] for one in meeting(ends[order, 1], ends[order, 3]))
    low, high = np.maximum(ends[i, :2], ends[j, :2]), np.minimum(ends[i, 2:], ends[j, 2:])
    overlap = np.maximum(high - low, 0).prod(axis=-1) >= SHARED * np.minimum(area[i], area[j])
    links = coo_array((overlap[overlap], (i[overlap], j[overlap])), shape=(len(boxes), len(boxes)))
    return [int(place) for place in connected_components(links, directed=False)[1]]
