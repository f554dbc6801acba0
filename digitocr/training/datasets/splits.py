"""Splits of labelled digits in which every digit takes part in proportion."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from digitocr.training.datasets.digits import Dataset, Digits

TEST_SHARE = 0.2
"""Share of each digit that is held out for the test, where the source sets no test part apart."""

_FEWEST = 3
"""Pictures of a digit from which one is held out."""


def spread(digits: Digits, seed: int) -> Digits:
    """Return digits in a random order in which every stretch holds each digit in proportion.

    Folders and files are often sorted by digit: without this, those held back from the end would be all of one.

    Parameters
    ----------
    digits : Digits
    seed : int

    Returns
    -------
    Digits
    """
    rng = np.random.default_rng(seed)
    place = np.empty(len(digits))
    for members in _by_label(digits):
        place[rng.permutation(members)] = (np.arange(len(members)) + rng.random()) / len(members)
    return digits.part(np.argsort(place, kind="stable"))


def with_test_part(data: Dataset) -> Dataset:
    """Hold out a fifth of each digit for the test, unless the source sets a test part apart.

    The content of the pictures decides, so that the same ones are held out whatever their order.

    Parameters
    ----------
    data : Dataset

    Returns
    -------
    Dataset
        Without a test part if there are too few pictures of every digit.
    """
    if data.test is not None:
        return data
    held = np.zeros(len(data.train), np.bool_)
    for members in _by_label(data.train):
        ranked = sorted(members, key=lambda k: hashlib.sha256(data.train.images[k].tobytes()).digest())
        count = max(1, round(TEST_SHARE * len(ranked))) if len(ranked) >= _FEWEST else 0
        held[ranked[:count]] = True
    if not held.any():
        return data
    return replace(
        data, train=data.train.part(np.flatnonzero(~held)), test=data.train.part(np.flatnonzero(held))
    )


def absent(digits: Digits) -> str:
    """Name the digits of which there is no picture.

    Parameters
    ----------
    digits : Digits

    Returns
    -------
    str
        Separated by commas; '' if there is none.
    """
    return ", ".join(str(digit) for digit in range(10) if not (digits.labels == digit).any())


def _by_label(digits: Digits) -> list[NDArray[np.intp]]:
    return [np.flatnonzero(digits.labels == label) for label in np.unique(digits.labels)]
