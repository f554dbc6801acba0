"""Single digits through the shipped network and normalisation, without the rest of the program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.scoring import Share
from digitocr.networks.classifier import load_classifier
from digitocr.recognition.normalize import to_batch, to_mnist

DIGIT_SETS = {"mnist": ("x_test", "y_test"), "semeion": ("x", "y")}
"""Archives with the names of their arrays of pictures and labels: MNIST's test part, and another domain."""


@dataclass(frozen=True, slots=True)
class Isolated:
    """How well single digits are read.

    Attributes
    ----------
    exact : Share
        The likeliest of the ten digits is right, as these archives are scored everywhere.
    rejected : Share
        A class that is no digit is likelier than all ten; on a page such ink would not be read.
    """

    exact: Share
    rejected: Share


def read_isolated(archive: Path) -> Isolated:
    """Classify the digits of an archive, each cropped to its ink as a candidate is.

    Parameters
    ----------
    archive : Path

    Returns
    -------
    Isolated
    """
    pictures, labels = DIGIT_SETS[archive.stem]
    with np.load(archive) as arrays:
        images, wanted = arrays[pictures], arrays[labels]
    classifier = load_classifier()
    batch = to_batch([to_mnist(_cropped(image)) for image in images])
    logs = classifier.log_probabilities(batch)
    right, none = logs[:, :10].argmax(axis=1) == wanted, logs.argmax(axis=1) > 9
    return Isolated(Share(int(right.sum()), len(right)), Share(int(none.sum()), len(none)))


def _cropped(image: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(image.any(axis=1))[0], np.nonzero(image.any(axis=0))[0]
    return np.ascontiguousarray(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
