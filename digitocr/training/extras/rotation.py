"""How turning affects reading: accuracy over the full circle, and two ways of reading turned digits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import ModelError
from digitocr.networks.classifier import Classifier
from digitocr.recognition.normalize import to_batch
from digitocr.training.calibrate.scoring import Share, accuracy, digit_logs, loss
from digitocr.training.datasets.digits import Digits, turned, with_turned_copies
from digitocr.training.extras.evaluation import TURNED_SEED

QUARTERS = (0.0, 90.0, -90.0, 180.0)
"""The turns of the tables, in degrees, counter-clockwise."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How digits are read at one turn.

    Attributes
    ----------
    degrees : float
        Counter-clockwise.
    accuracy : Share
    confidence : float
        Mean probability of what was read, in [0, 1].
    per_digit : tuple of Share
        Of each written digit.
    read_as : tuple of int
        What each written digit is most often read as.
    """

    degrees: float
    accuracy: Share
    confidence: float
    per_digit: tuple[Share, ...]
    read_as: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """One way of reading digits that may be turned, measured on originals and turned copies.

    Attributes
    ----------
    name : str
    accuracy : Share
        On originals and copies together.
    loss : float
        In nats.
    upright, copies : Share
        On each half.
    milliseconds : float
        Processor time of this process per digit.
    sixes_and_nines : tuple of (int, float, Share, Share)
        Written digit, turn, share read right, and share read as the other of the two.
    """

    name: str
    accuracy: Share
    loss: float
    upright: Share
    copies: Share
    milliseconds: float
    sixes_and_nines: tuple[tuple[int, float, Share, Share], ...]


Reads = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Pictures to log probabilities of the ten digits."""


def at_turn(reads: Reads, digits: Digits, degrees: float) -> Turn:
    """Measure reading at one turn.

    Parameters
    ----------
    reads : callable
        Pictures to log probabilities.
    digits : Digits
    degrees : float
        Counter-clockwise.

    Returns
    -------
    Turn
    """
    logs = reads(turned(digits.images, degrees))
    read = logs.argmax(axis=1)
    per_digit, read_as = [], []
    for digit in range(10):
        mine = read[digits.labels == digit]
        per_digit.append(Share(int(np.count_nonzero(mine == digit)), len(mine)))
        read_as.append(int(np.bincount(mine, minlength=10).argmax()))
    return Turn(
        degrees,
        accuracy(logs, digits.labels),
        float(np.exp(logs.max(axis=1)).mean()),
        tuple(per_digit),
        tuple(read_as),
    )


def circle(reads: Reads, digits: Digits, step: float) -> list[Turn]:
    """Measure reading over the full circle, from -180 to 180 degrees.

    Parameters
    ----------
    reads : callable
        Pictures to log probabilities.
    digits : Digits
    step : float
        Degrees between turns.

    Returns
    -------
    list of Turn
    """
    count = max(4, round(360 / step))
    return [at_turn(reads, digits, -180 + 360 * k / count) for k in range(count + 1)]


def directly(classifier: Classifier) -> Reads:
    """Return a reader of pictures as they lie.

    Parameters
    ----------
    classifier : Classifier

    Returns
    -------
    callable
        Pictures to log probabilities.
    """
    return lambda images: digit_logs(classifier, images)


def turned_upright(classifier: Classifier, orientation: Classifier) -> Reads:
    """Return a reader that recognises each picture's turn with one network, turns it back and reads it with another.

    Parameters
    ----------
    classifier : Classifier
    orientation : Classifier
        Of quarter turns.

    Returns
    -------
    callable
        Pictures to log probabilities.
    """
    turns = turns_of(orientation)

    def reads(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = recognised_turns(orientation, images)
        upright = images.copy()
        for index, degrees in enumerate(turns):
            upright[found == index] = turned(images[found == index], -degrees)
        return digit_logs(classifier, upright)

    return reads


def turns_of(orientation: Classifier) -> tuple[float, ...]:
    """Return the turns that the classes of a network of turns stand for.

    Parameters
    ----------
    orientation : Classifier
        Of quarter turns.

    Returns
    -------
    tuple of float
        Degrees, counter-clockwise.

    Raises
    ------
    ModelError
        The network's classes are not quarter turns.
    """
    try:
        turns = tuple(float(name) for name in orientation.card.classes)
    except ValueError:
        turns = ()
    if not turns or any(turn % 90 for turn in turns):
        raise ModelError(
            f"the model {orientation.card.name} does not recognise quarter turns",
            hint="train one with `train --architecture orientation`",
        )
    return turns


def recognised_turns(orientation: Classifier, images: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Recognise the turn of each picture.

    Parameters
    ----------
    orientation : Classifier
        Of quarter turns.
    images : (N, 28, 28) uint8 ndarray

    Returns
    -------
    (N,) intp ndarray
        Index of the turn among the classes.
    """
    return np.asarray(orientation.log_probabilities(to_batch(list(images))).argmax(axis=1))


def measure(name: str, reads: Reads, digits: Digits, turns: Sequence[float]) -> Way:
    """Measure a way of reading on originals and turned copies, after a warm-up.

    Parameters
    ----------
    name : str
    reads : callable
        Pictures to log probabilities.
    digits : Digits
    turns : sequence of float
        Degrees, counter-clockwise.

    Returns
    -------
    Way
    """
    both, index = with_turned_copies(digits, turns, TURNED_SEED)
    reads(both.images[:1024])
    started = time.process_time()
    logs = reads(both.images)
    seconds = time.process_time() - started
    count = len(digits)
    return Way(
        name,
        accuracy(logs, both.labels),
        loss(logs, both.labels),
        accuracy(logs[:count], both.labels[:count]),
        accuracy(logs[count:], both.labels[count:]),
        1000 * seconds / len(both),
        _sixes_and_nines(logs.argmax(axis=1), both.labels, index, (0.0, *turns)),
    )


def turn_accuracy(orientation: Classifier, digits: Digits) -> Share:
    """Measure how often a network recognises the turn of originals and turned copies.

    Parameters
    ----------
    orientation : Classifier
        Of quarter turns.
    digits : Digits

    Returns
    -------
    Share
    """
    turns = turns_of(orientation)
    both, index = with_turned_copies(digits, [turn for turn in turns if turn], TURNED_SEED)
    true = np.array([turns.index(turn) for turn in (0.0, *(t for t in turns if t))])[index]
    return Share(int(np.count_nonzero(recognised_turns(orientation, both.images) == true)), len(both))


def _sixes_and_nines(
    read: NDArray[np.intp], labels: NDArray[np.uint8], index: NDArray[np.intp], turns: Sequence[float]
) -> tuple[tuple[int, float, Share, Share], ...]:
    rows = []
    for written, other in ((6, 9), (9, 6)):
        for k, degrees in enumerate(turns):
            mine = read[(labels == written) & (index == k)]
            right, swapped = np.count_nonzero(mine == written), np.count_nonzero(mine == other)
            rows.append((written, degrees, Share(int(right), len(mine)), Share(int(swapped), len(mine))))
    return tuple(rows)
