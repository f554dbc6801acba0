"""The text of a line: what our networks and the second reader propose for it, and the choice among these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.sheet import Line
from digitocr.networks import classifier
from digitocr.networks.card import ModelCard, SecondCard
from digitocr.networks.second_reader import SecondFrames
from digitocr.recognition import decode, nbest
from digitocr.recognition.ctc import log_text
from digitocr.recognition.numbers import DecodedNumber, TextEvidence
from digitocr.recognition.page_line import PageLine
from digitocr.recognition.parameters import Recognition
from digitocr.recognition.scoring import ScoredLine, combine


@dataclass(frozen=True, slots=True)
class Proposal:
    """A scored line, and the texts that it may hold.

    Attributes
    ----------
    scored : ScoredLine
    scores : (N, 12) float64 ndarray
        The combined log probabilities of its candidates.
    found : tuple of Hypothesis
        The first is that of the best path.
    """

    scored: ScoredLine
    scores: NDArray[np.float64]
    found: tuple[nbest.Hypothesis, ...]

    @property
    def line(self) -> Line:
        """The line."""
        return self.scored.line


def proposed(scored: ScoredLine, card: ModelCard, p: Recognition) -> Proposal:
    """Propose the texts that a scored line may hold.

    Parameters
    ----------
    scored : ScoredLine
    card : ModelCard
        With the weights.
    p : Recognition

    Returns
    -------
    Proposal
    """
    scores = combine(scored, card, p)
    (path,) = decode.best_paths(scored.line, scores[None])
    if card.text_weights and _may_be_mended(scored, path, p):
        found = nbest.hypotheses(scored.line, scores, scored.spans, scored.frames, p.nbest)
        return Proposal(scored, scores, tuple(found))
    text = nbest.text_of(path)
    (log_p_ctc,) = log_text(scored.frames, [text]) if len(scored.frames) else (0.0,)
    weight = nbest.path_weight(path, scores, p.nbest)
    return Proposal(scored, scores, (nbest.Hypothesis(path, text, weight, log_p_ctc),))


def decoded(proposal: Proposal, card: ModelCard, p: Recognition) -> list[DecodedNumber]:
    """Decode a line into its numbers, by our own networks alone.

    Parameters
    ----------
    proposal : Proposal
    card : ModelCard
        With the weights.
    p : Recognition

    Returns
    -------
    list of DecodedNumber
        From left to right.
    """
    chosen, log_text = _likeliest(proposal.found, card.text_weights, p)
    evidence = TextEvidence(log_text, chosen.log_p_ctc)
    return decode.decode(proposal.line, proposal.scores, proposal.scored.spans, chosen.path, evidence, p)


def decoded_with_second(
    proposal: Proposal, second: SecondFrames, image: PageLine, card: ModelCard, p: Recognition
) -> list[DecodedNumber]:
    """Decode a line into its numbers, by our own networks and the second reader.

    Parameters
    ----------
    proposal : Proposal
    second : SecondFrames
        What the second reader sees in the line.
    image : PageLine
        What was shown to it.
    card : ModelCard
        With the weights.
    p : Recognition

    Returns
    -------
    list of DecodedNumber
        From left to right.
    """
    line, scored, weights = proposal.line, proposal.scored, card.second.text_weights if card.second else ()
    found = nbest.with_second(proposal.found, line, proposal.scores, scored.frames, second, p)
    own, log_own = _likeliest(proposal.found, card.text_weights, p)
    chosen, log_text = nbest.likeliest(found, weights, p.nbest)
    by_head, by_authors = (found[int(np.argmax([one.log_p_second[k] for one in found]))] for k in range(2))
    sure = min(log_own, by_head.log_p_second[0]) >= p.nbest.min_log_p_sure
    dissent = by_head.text if chosen.text == own.text else own.text
    evidence = TextEvidence(
        log_text,
        chosen.log_p_ctc,
        chosen.log_p_second,
        chosen.text,
        (own.text, by_head.text, by_authors.text),
        dissent if sure and own.text != by_head.text else "",
        is_among_rows=not line.is_alone and not line.room,
    )
    if chosen.text and not chosen.path:
        return [decode.placed(line, chosen.text, second.own, image, evidence, p)]
    return decode.decode(line, proposal.scores, scored.spans, chosen.path, evidence, p)


def decoded_as_whole(
    line: Line, second: SecondFrames, image: PageLine, card: SecondCard, p: Recognition
) -> tuple[DecodedNumber | None, float]:
    """Read a crop as one line by the second reader alone.

    Parameters
    ----------
    line : Line
        The whole crop.
    second : SecondFrames
        What the second reader sees in it.
    image : PageLine
        What was shown to it.
    card : SecondCard
        With the weights.
    p : Recognition

    Returns
    -------
    number : DecodedNumber or None
        None where it finds no digit.
    log_odds : float
        The weighed logarithms of its probabilities of the text.
    """
    texts = nbest.texts_of(second, p.ctc)
    logs = list(zip(log_text(second.own, texts), log_text(second.authors, texts), strict=True))
    weighed = [by_heads(one, card, p) for one in logs]
    best = int(np.argmax(weighed))
    own, authors = (texts[int(np.argmax([one[k] for one in logs]))] for k in range(2))
    evidence = TextEvidence(
        weighed[best] - float(np.logaddexp.reduce(weighed)),
        0.0,
        logs[best],
        texts[best],
        (texts[best], own, authors),
        is_whole=True,
    )
    if not texts[best]:
        return None, weighed[best]
    return decode.placed(line, texts[best], second.own, image, evidence, p), weighed[best]


def by_heads(logs: Sequence[float], card: SecondCard, p: Recognition) -> float:
    """Weigh the logarithms of the probabilities that both heads of the second reader give a text.

    Parameters
    ----------
    logs : sequence of float
    card : SecondCard
        With the weights.
    p : Recognition

    Returns
    -------
    float
    """
    return card.text_weights[-1] * sum(max(log, p.nbest.min_log_p_text) for log in logs)


def _likeliest(
    found: Sequence[nbest.Hypothesis], weights: Sequence[float], p: Recognition
) -> tuple[nbest.Hypothesis, float]:
    return nbest.likeliest(found, weights, p.nbest) if len(found) > 1 else (found[0], 0.0)


def _may_be_mended(scored: ScoredLine, path: decode.Path, p: Recognition) -> bool:
    """Whether other texts are worth proposing for a line.

    They are not without a line reader, and not in cells, because each cell is cut by itself. If the path has more signs
    than digits, the line may be print, in which some text of digits can always be found: then other texts are proposed
    only for the single line of a sheet, and only if the line reader finds digits on it.
    """
    line = scored.line
    if line.cells or not len(scored.frames):
        return False
    low = p.numbers.max_mark_heights * line.height
    signs = sum(v == classifier.SIGN and line.candidates[k].box.height > low for k, v in path)
    if signs <= sum(v != classifier.SIGN for _, v in path):
        return True
    return line.is_alone and log_text(scored.frames, [""])[0] < p.scoring.max_blank_log_p
