"""Which text a line holds: several are proposed, and the lattice's and the line reader's word on each weighed together.

Alone, either network would rather drop a digit that it is unsure of than read it: a sign explains any ink.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitocr.networks.classifier import SIGN
from digitocr.recognition.ctc import FLOOR, NOTHING, log_text
from digitocr.recognition.decode import Path, best_paths
from digitocr.records import Line

MIXES = (0.0, 0.5, 1.0)
"""Shares of the line reader's word in the scores by which texts are proposed."""

BONUSES = (0.0, 1.5, 4.0)
"""What a digit is given in advance there, in natural logarithms."""

DOUBT = -5.0
"""Logarithms of a candidate's probability are held above this: of an odd digit either network may be wrong."""

LEAST = -60.0
"""Logarithms of a text's probability are held above this."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text that a line may hold.

    Attributes
    ----------
    path : Path
        The likeliest of those found that reads so.
    text : str
        Its digits.
    log_path : float
        Logarithm of the product of its candidates' probabilities, each of them held above `DOUBT`.
    log_heard : float
        Logarithm of the line reader's probability of the text.
    """

    path: Path
    text: str
    log_path: float
    log_heard: float

    @property
    def features(self) -> tuple[float, float]:
        """What is weighed: both logarithms alike, and how many digits.

        Drawings cannot tell how far to trust the line reader on real paper: there it is at home.
        """
        return max(self.log_path, LEAST) + max(self.log_heard, LEAST), float(len(self.text))


def proposals(
    line: Line, scores: NDArray[np.float64], spans: NDArray[np.float32], frames: NDArray[np.float32]
) -> list[Proposal]:
    """Propose texts: the best paths by mixed scores, with more or less given to each digit.

    Parameters
    ----------
    line : Line
    scores : (N, 12) float64 ndarray
        Log probabilities of the candidates.
    spans : (N, 12) float32 ndarray
        What the line reader says of the stretch of each.
    frames : (T, 11) float32 ndarray
        What it says frame by frame.

    Returns
    -------
    list of Proposal
        That of the scores as they are first. Where it has digits, all have.
    """
    own = np.maximum(scores, math.log(FLOOR))
    heard = spans[:, [*range(10), NOTHING, NOTHING]].astype(np.float64)
    bonus = np.where(np.arange(scores.shape[1]) < SIGN, 1.0, 0.0)
    mixed = [(1 - mix) * own + mix * heard if mix else scores for mix in MIXES]
    weighed = np.stack([one + given * bonus for one in mixed for given in BONUSES])
    found: dict[str, tuple[float, Path]] = {}
    for path in dict.fromkeys(best_paths(line, weighed)):
        text = text_of(path)
        weight = sum(max(float(scores[k, value]), DOUBT) for k, value in path)
        if text not in found or weight > found[text][0]:
            found[text] = weight, path
    first = next(iter(found))
    texts = [text for text in found if text or not first]
    return [
        Proposal(found[text][1], text, found[text][0], log)
        for text, log in zip(texts, log_text(frames, texts), strict=True)
    ]


def text_of(path: Path) -> str:
    """Return the digits on a path."""
    return "".join(str(value) for _, value in path if value != SIGN)


def likeliest(proposed: list[Proposal], weights: tuple[float, ...]) -> tuple[Proposal, float]:
    """Choose the likeliest proposal; also the logarithm of its probability among all.

    Parameters
    ----------
    proposed : list of Proposal
    weights : tuple of float
        One per feature, of a conditional logistic model.
    """
    logits = np.array([one.features for one in proposed]) @ np.array(weights)
    best = int(logits.argmax())
    return proposed[best], float(logits[best] - np.logaddexp.reduce(logits))
