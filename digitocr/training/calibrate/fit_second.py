"""Calibration with the second reader: how its opinion is weighed, and the confidence of what it has read, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitocr.imaging import clean
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.sheet import Line
from digitocr.networks.card import ModelCard, SecondCard
from digitocr.networks.classifier import Classifier
from digitocr.networks.line_reader import LineReader
from digitocr.networks.second_reader import SecondFrames, SecondReader
from digitocr.recognition import choice, nbest, scoring
from digitocr.recognition.choice import Proposal
from digitocr.recognition.confidence import SECOND_NAMES, Weights, number_confidence
from digitocr.recognition.normalize import to_batch
from digitocr.recognition.numbers import DecodedNumber
from digitocr.recognition.page_line import PageLine
from digitocr.recognition.parameters import Recognition
from digitocr.recognition.second_opinion import may_hold_digits
from digitocr.records import Grey, Page
from digitocr.training.calibrate import lapse_rate
from digitocr.training.calibrate.fit_card import Judged, of_drawings, text_weights_of
from digitocr.training.datasets.corpus import DrawnLine
from digitocr.training.datasets.fields import DrawnField
from digitocr.training.datasets.labelling import UNSURE, LabelledLine
from digitocr.training.datasets.page_lines import string_lines

TARGET = 0.005
"""Wanted error rate among the accepted, wrong truths apart."""

ALONE_TARGET = 0.001
"""Error rate among the numbers for which ``unsure`` does not ask the second reader."""

DRAWN_SOURCES = 4
"""Sources of the hands of the drawings: pen strokes, our own skeletons, MNIST, digits cut from paper."""

AT_ONCE = 256
"""Lines read at once."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """A line as our own networks score it, and as the second reader sees it."""

    proposal: Proposal
    image: PageLine
    frames: SecondFrames

    def decoded(self, card: ModelCard) -> list[DecodedNumber]:
        """Decode it into its numbers."""
        return choice.decoded_with_second(self.proposal, self.frames, self.image, card, Recognition())


@dataclass(frozen=True, slots=True)
class Readers:
    """The networks that are calibrated together."""

    classifier: Classifier
    line_reader: LineReader
    second: SecondReader

    def opinions(self, lines: Sequence[Line], card: ModelCard) -> list[Opinion]:
        """Read lines by all networks.

        Parameters
        ----------
        lines : sequence of Line
        card : ModelCard
            Calibrated for our own networks.

        Returns
        -------
        list of Opinion
        """
        p, found = Recognition(), []
        for at in range(0, len(lines), AT_ONCE):
            some = lines[at : at + AT_ONCE]
            scored = scoring.score_candidates(some, self._logs, self.line_reader.frames, p)
            images = [PageLine.of(line, p.page_lines, p.line_images) for line in some]
            frames = self.second.frames([image.picture for image in images])
            proposals = [choice.proposed(one, card, p) for one in scored]
            found += [Opinion(*one) for one in zip(proposals, images, frames, strict=True)]
        return found

    def _logs(self, images: list[Grey]) -> NDArray[np.float32]:
        return self.classifier.log_probabilities(to_batch(images))


@dataclass(frozen=True, slots=True)
class Labelled:
    """What is calibrated on: lines, fields and crops by hands that no network learned from.

    Attributes
    ----------
    lines : sequence of DrawnLine
    strings : sequence of DrawnLine
        Real ink; one to two per cent of their truths are off.
    fields : sequence of DrawnField
    crops : sequence of ((H, W) uint8 ndarray, str)
        Crops, with their digits: each is read as a whole.
    """

    lines: Sequence[DrawnLine]
    strings: Sequence[DrawnLine]
    fields: Sequence[DrawnField]
    crops: Sequence[tuple[Grey, str]]


def with_second(readers: Readers, card: ModelCard, second: SecondCard, labelled: Labelled) -> ModelCard:
    """Calibrate a card for its second reader: weights of texts on one half of the drawings, confidence on the other.

    Real ink is too little to be halved, and serves for both: three weights do not learn five hundred strings by heart.

    Parameters
    ----------
    readers : Readers
    card : ModelCard
        Calibrated for our own networks.
    second : SecondCard
        Names its files.
    labelled : Labelled

    Returns
    -------
    ModelCard
    """
    in_fields = readers.opinions([field.line for field in labelled.fields], card)
    in_strings = readers.opinions([one.item.line for one in labelled.strings], card)
    second = replace(second, text_weights=_text_weights(readers, card, labelled, in_fields, in_strings))
    card, p = replace(card, second=second), Recognition()

    alone = [one.item for one in labelled.lines[len(labelled.lines) // 2 :] if one.item.line.is_alone]
    known = [(one.line, _digits(one)) for one in alone if one.written is not None]
    opinions = zip(readers.opinions([line for line, _ in known], card), known, strict=True)
    rows = [(one, text) for one, (_, text) in opinions if may_hold_digits(one.proposal)]
    read = _judged((one.decoded(card), text) for one, text in rows)
    unaided = _judged((choice.decoded(one.proposal, card, p), text) for one, text in rows)
    strings = _judged(
        (one.decoded(card), drawn.text or "") for one, drawn in zip(in_strings, labelled.strings, strict=True)
    )
    half = len(in_fields) // 2
    fields = zip(in_fields[half:], labelled.fields[half:], strict=True)
    in_cells = _judged((one.decoded(card), field.entry.text) for one, field in fields)
    wholes = judged_wholes(readers.second, labelled.crops, second)
    second = replace(
        second,
        number_confidence=fit_confidence([*read, *strings]),
        cell_confidence=fit_confidence(in_cells) if in_cells else second.cell_confidence,
        whole_confidence=fit_confidence(wholes) if wholes else second.whole_confidence,
    )
    sure = [(read, second.number_confidence), (in_cells, second.cell_confidence)]
    threshold = max(least_confidence(*one) for one in sure if one[0])
    sure_alone = max(threshold, _sure_alone(unaided, card))
    return replace(card, second=replace(second, threshold=threshold, sure_alone=sure_alone))


def _text_weights(
    readers: Readers,
    card: ModelCard,
    labelled: Labelled,
    in_fields: Sequence[Opinion],
    in_strings: Sequence[Opinion],
) -> tuple[float, ...]:
    """Fit the weights of texts on the first half of the drawings, and on real ink, as one of all sources of hands."""
    half, half_fields = len(labelled.lines) // 2, len(labelled.fields) // 2
    lines = [(one.item.line, text) for one in labelled.lines[:half] if (text := _text(one))]
    opinions = [*readers.opinions([line for line, _ in lines], card), *in_fields[:half_fields]]
    texts = [text for _, text in lines] + [field.entry.text for field in labelled.fields[:half_fields]]
    drawn = _cases(opinions, texts)
    real = _cases(in_strings, [one.text or "" for one in labelled.strings])
    repeats = max(1, round(len(drawn) / max(1, DRAWN_SOURCES * len(real))))
    return text_weights_of([*drawn, *real * repeats], [0.5, 0.0, 0.3])


def fit_confidence(numbers: Sequence[Judged]) -> Weights:
    """Fit the logistic model of :func:`digitocr.recognition.confidence.number_confidence`, with a lapse rate.

    Parameters
    ----------
    numbers : sequence of Judged

    Returns
    -------
    mapping of str to float
        Weights of `SECOND_NAMES`, and of `CONSTANT`.
    """
    inputs = np.array([[getattr(one.decoded.features, name) for name in SECOND_NAMES] for one in numbers])
    return lapse_rate.fit(inputs, np.array([one.right for one in numbers])).named(SECOND_NAMES)


def least_confidence(numbers: Sequence[Judged], weights: Weights) -> float:
    """Find the least confidence of an accepted number.

    Parameters
    ----------
    numbers : sequence of Judged
    weights : mapping of str to float
        Of the confidence.

    Returns
    -------
    float
    """
    sure = [one.confidence for one in of_drawings(numbers, weights)]
    return lapse_rate.least_confidence(np.array(sure), TARGET)


def _judged(rows: Iterable[tuple[Sequence[DecodedNumber], str]]) -> list[Judged]:
    """Check the numbers of rows: they are right if together they are its digits, wrong where it has none."""
    return [
        Judged(number, "".join(one.text for one in numbers) == text, k)
        for k, (numbers, text) in enumerate(rows)
        for number in numbers
        if number.text
    ]


def _text(drawn: DrawnLine) -> str | None:
    """Return the digits of a line, None where they are in doubt."""
    if drawn.item.written is not None:
        return _digits(drawn.item)
    return drawn.text if drawn.item.line.is_alone else None


def _digits(item: LabelledLine) -> str:
    return "".join(str(digit.value) for digit in item.written or ())


def _cases(opinions: Sequence[Opinion], truths: Sequence[str]) -> list[tuple[NDArray[np.float64], int]]:
    """Return the features of the hypotheses of each line, and which of them is right, where one is."""
    p, cases = Recognition(), []
    for one, truth in zip(opinions, truths, strict=True):
        if not truth:
            continue
        scored = one.proposal.scored
        found = nbest.with_second(
            one.proposal.found, scored.line, one.proposal.scores, scored.frames, one.frames, p
        )
        texts = [hypothesis.text for hypothesis in found]
        if truth in texts and len(texts) > 1:
            cases.append((np.array([h.features(p.nbest) for h in found]), texts.index(truth)))
    return cases


def judged_wholes(second: SecondReader, crops: Sequence[tuple[Grey, str]], card: SecondCard) -> list[Judged]:
    """Read crops as a whole and check each.

    Parameters
    ----------
    second : SecondReader
    crops : sequence of ((H, W) uint8 ndarray, str)
    card : SecondCard
        With the weights of texts.

    Returns
    -------
    list of Judged
    """
    p, imaging, found = Recognition(), Imaging(), []
    for k, (picture, text) in enumerate(crops):
        line = Line.whole(clean.clean(Page(1, picture), imaging))
        image = PageLine.whole(line, p.page_lines)
        (frames,) = second.frames([image.picture])
        number, _ = choice.decoded_as_whole(line, frames, image, card, p)
        if number is not None:
            found.append(Judged(number, number.text == text, k))
    return found


def _sure_alone(unaided: Sequence[Judged], card: ModelCard) -> float:
    """Find the confidence of our own networks from which on they hardly ever err."""
    own = [(_confidence(one, card.number_confidence), one.right) for one in unaided if not one.near]
    order = sorted(own, key=lambda one: -one[0])
    wrong = np.cumsum([not right for _, right in order])
    good = np.flatnonzero(wrong <= ALONE_TARGET * np.arange(1, len(order) + 1))
    return round(order[int(good[-1])][0], 4) if len(good) else 1.0


def _confidence(one: Judged, weights: Weights) -> float:
    return number_confidence(one.decoded.log_posterior, one.decoded.features, weights)


def real_line(drawing: int, picture: Grey, text: str) -> DrawnLine | None:
    """Make a line of a string cut from a register; None where the reading path does not find just one row.

    Parameters
    ----------
    drawing : int
    picture : (H, W) uint8 ndarray
    text : str

    Returns
    -------
    DrawnLine or None
    """
    lines = string_lines(picture)
    if len(lines) != 1:
        return None
    unknown = np.full(len(lines[0].candidates), UNSURE, dtype=np.int8)
    owners = np.full(len(unknown), -1, dtype=np.int16)
    return DrawnLine(LabelledLine(lines[0], unknown, owners, None), drawing, text)
