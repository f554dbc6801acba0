"""Single digits through the shipped network and normalisation, without the rest of the program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.scoring import Share
from digitocr.classify import load_classifier
from digitocr.normalize import to_batch, to_mnist

DIGIT_SETS = {"mnist": ("x_test", "y_test"), "semeion": ("x", "y")}
"""Archives, and their arrays of pictures and labels: the test part of MNIST, and a shift of domain."""


@dataclass(frozen=True, slots=True)
class Isolated:
    """How single digits are read.

    Attributes
    ----------
    exact : Share
        The likeliest of all classes is the digit.
    rejected : Share
        The likeliest class is none of the digits.
    """

    exact: Share
    rejected: Share


def read_isolated(archive: Path) -> Isolated:
    """Classify the digits of an archive, each cropped to its ink as a candidate is."""
    pictures, labels = DIGIT_SETS[archive.stem]
    with np.load(archive) as arrays:
        images, wanted = arrays[pictures], arrays[labels]
    classifier = load_classifier()
    batch = to_batch([to_mnist(_cropped(image)) for image in images])
    best = classifier.log_probabilities(batch).argmax(axis=1)
    return Isolated(Share(int((best == wanted).sum()), len(best)), Share(int((best > 9).sum()), len(best)))


def _cropped(image: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(image.any(axis=1))[0], np.nonzero(image.any(axis=0))[0]
    return np.ascontiguousarray(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
