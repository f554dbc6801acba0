"""N-best rescoring: several texts are proposed for a line, and both networks' probabilities of each are combined.

Alone, either network tends to drop a digit that it is unsure of rather than read it: a sign explains any ink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.sheet import Line
from digitocr.networks.classifier import SIGN
from digitocr.networks.second_reader import SecondFrames
from digitocr.recognition.ctc import NOTHING, best_texts, log_text
from digitocr.recognition.decode import Path, best_paths, path_of_text
from digitocr.recognition.parameters import Ctc, NBest, Recognition


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A text that a line may hold.

    Attributes
    ----------
    path : Path
        The likeliest path found that has this text; () where no candidates make it up.
    text : str
        Its digits.
    log_path : float
        Logarithm of the product of its candidates' probabilities.
    log_p_ctc : float
        Logarithm of the line reader's probability of the text.
    log_p_second : tuple of float
        Logarithms of the probabilities by both heads of the second reader, our own first; () where it did not read.
    """

    path: Path
    text: str
    log_path: float
    log_p_ctc: float
    log_p_second: tuple[float, ...] = ()

    def features(self, p: NBest) -> tuple[float, ...]:
        """Return what is weighed: by our networks, the number of digits, and by the second reader if it reads.

        Both of our networks have the same weight, and so have both heads of the second reader. Drawings cannot tell how
        far each is to be trusted on real paper: all but its authors' head were trained on them.

        Parameters
        ----------
        p : NBest

        Returns
        -------
        tuple of float
            Sums of logarithms, and the number of digits between them.
        """
        least = p.min_log_p_text
        own = max(self.log_path, least) + max(self.log_p_ctc, least)
        second = (sum(max(log, least) for log in self.log_p_second),) if self.log_p_second else ()
        return own, float(len(self.text)), *second


def hypotheses(
    line: Line, scores: NDArray[np.float64], spans: NDArray[np.float32], frames: NDArray[np.float32], p: NBest
) -> list[Hypothesis]:
    """Propose texts: those of the best paths by several mixtures of scores, with several bonuses for a digit.

    Parameters
    ----------
    line : Line
    scores : (N, 12) float64 ndarray
        Log probabilities of the candidates.
    spans : (N, 12) float32 ndarray
        The line reader's log probabilities of the stretch of each.
    frames : (T, 11) float32 ndarray
        Its probabilities frame by frame.
    p : NBest

    Returns
    -------
    list of Hypothesis
        The first is that of the scores as they are. If it has digits, all have.
    """
    own = np.maximum(scores, p.min_log_p_mixed)
    by_ctc = spans[:, [*range(10), NOTHING, NOTHING]].astype(np.float64)
    is_digit = np.where(np.arange(scores.shape[1]) < SIGN, 1.0, 0.0)
    mixed = [(1 - share) * own + share * by_ctc if share else scores for share in p.ctc_shares]
    weighed = np.stack([one + bonus * is_digit for one in mixed for bonus in p.digit_bonuses])
    found: dict[str, tuple[float, Path]] = {}
    for path in dict.fromkeys(best_paths(line, weighed)):
        text = text_of(path)
        weight = path_weight(path, scores, p)
        if text not in found or weight > found[text][0]:
            found[text] = weight, path
    first = next(iter(found))
    texts = [text for text in found if text or not first]
    return [
        Hypothesis(found[text][1], text, found[text][0], log_p_ctc)
        for text, log_p_ctc in zip(texts, log_text(frames, texts), strict=True)
    ]


def path_weight(path: Path, scores: NDArray[np.float64], p: NBest) -> float:
    """Weigh a path.

    Parameters
    ----------
    path : Path
    scores : (N, 12) float64 ndarray
        Log probabilities of the candidates.
    p : NBest

    Returns
    -------
    float
        Logarithm of the product of its candidates' probabilities, none of them less than the least.
    """
    return sum(max(float(scores[k, value]), p.min_log_p_candidate) for k, value in path)


def text_of(path: Path) -> str:
    """Return the digits on a path.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
    """
    return "".join(str(value) for _, value in path if value != SIGN)


def likeliest(found: Sequence[Hypothesis], weights: Sequence[float], p: NBest) -> tuple[Hypothesis, float]:
    """Choose the likeliest hypothesis.

    Parameters
    ----------
    found : sequence of Hypothesis
        At least one.
    weights : sequence of float
        One per feature, of a conditional logistic model.
    p : NBest

    Returns
    -------
    hypothesis : Hypothesis
    log_p : float
        Logarithm of its probability among all.
    """
    logits = np.array([one.features(p) for one in found]) @ np.array(weights)
    best = int(logits.argmax())
    return found[best], float(logits[best] - np.logaddexp.reduce(logits))


def texts_of(second: SecondFrames, p: Ctc) -> list[str]:
    """Return the texts that the second reader proposes for a line.

    Parameters
    ----------
    second : SecondFrames
    p : Ctc

    Returns
    -------
    list of str
        The likeliest ones of our head, then the likeliest of its authors'.
    """
    return list(dict.fromkeys((*best_texts(second.own, p), *best_texts(second.authors, replace(p, beam=1)))))


def with_second(
    found: Sequence[Hypothesis],
    line: Line,
    scores: NDArray[np.float64],
    frames: NDArray[np.float32],
    second: SecondFrames,
    p: Recognition,
) -> list[Hypothesis]:
    """Add the texts that the second reader proposes, and its probabilities of all.

    Parameters
    ----------
    found : sequence of Hypothesis
        What our own networks propose.
    line : Line
    scores : (N, 12) float64 ndarray
        Log probabilities of the candidates.
    frames : (T, 11) float32 ndarray
        The line reader's probabilities; of shape ``(0, 11)`` without one.
    second : SecondFrames
    p : Recognition

    Returns
    -------
    list of Hypothesis
        Those found before come first. If the first has digits, all have: no number is dropped.
    """
    known = {one.text for one in found}
    new = [
        text
        for text in texts_of(second, p.ctc)
        if text not in known and (text or not found[0].text) and (not line.room or len(text) <= line.room)
    ]
    log_p_ctc = log_text(frames, new) if len(frames) and new else [0.0] * len(new)
    every = list(found)
    for text, log in zip(new, log_p_ctc, strict=True):
        path = path_of_text(line, scores, text)
        weight = path_weight(path, scores, p.nbest) if path else p.nbest.min_log_p_unplaced
        every.append(Hypothesis(path, text, weight, log))
    texts = [one.text for one in every]
    by_heads = zip(log_text(second.own, texts), log_text(second.authors, texts), strict=True)
    return [replace(one, log_p_second=logs) for one, logs in zip(every, by_heads, strict=True)]
