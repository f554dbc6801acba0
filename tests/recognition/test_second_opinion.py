"""What the second reader changes on pages that our own networks have read."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from digitocr.networks.card import ModelCard, SecondCard
from digitocr.networks.second_reader import SecondFrames
from digitocr.recognition import choice, nbest, scoring, second_opinion
from digitocr.recognition.ctc import BLANK
from digitocr.recognition.decode import best_paths
from digitocr.recognition.judge import Judge
from digitocr.recognition.parameters import Recognition
from digitocr.recognition.plain_page import PlainPage
from digitocr.records import Page, SecondReading
from tests.support.reading_path import upright_view

P = Recognition()
SECOND = SecondCard("base", "", "head", "", 0.9, text_weights=(1.0, 0.0, 0.2), sure_alone=0.8)
CARD = ModelCard("digits", "", (*"0123456789", "sign", "cut"), 0.5, second=SECOND)
JUDGE = Judge(0.5, CARD, P.acceptance)


@dataclass
class Says:
    """A second reader that sees the same text in every picture."""

    text: str
    asked: int = 0

    def frames(self, pictures):
        self.asked += len(pictures)
        return [
            SecondFrames(frames_of(self.text, p.shape[1] // 4 + 1), frames_of(self.text, p.shape[1] // 8 + 1))
            for p in pictures
        ]


def frames_of(text, count):
    frames = np.full((count, 11), 1e-4)
    frames[:, BLANK] = 0.99
    for place, digit in zip(np.linspace(0, count, len(text) + 2)[1:-1].astype(int), text, strict=True):
        frames[place] = 1e-4
        frames[place, int(digit)] = 0.99
    return frames


def crop(text):
    grey = np.full((90, 60 + 40 * max(len(text), 2)), 245, np.uint8)
    cv2.putText(grey, text, (25, 65), cv2.FONT_HERSHEY_SIMPLEX, 1.7, 30, 4, cv2.LINE_AA)
    return PlainPage(upright_view(Page(1, grey)))


def proposal_of(line, values, sure):
    """As our own networks might score it: each whole component a digit."""
    scores = np.full((len(line.candidates), 12), np.log(1e-4))
    whole = [k for k, candidate in enumerate(line.candidates) if candidate.is_whole]
    for k, value in zip(whole, values, strict=True):
        scores[k, value] = np.log(sure)
        scores[k, (value + 1) % 10] = np.log(1 - sure)
    scored = scoring.ScoredLine(
        line, scores, np.zeros((len(scores), 0), np.float32), np.zeros((0, 11), np.float32)
    )
    (path,) = best_paths(line, scores[None])
    weight = sum(float(scores[k, value]) for k, value in path)
    return choice.Proposal(scored, scores, (nbest.Hypothesis(path, nbest.text_of(path), weight, 0.0),))


def read(page, reader, proposals, which=SecondReading.ALWAYS, judge=JUDGE):
    rows = tuple(tuple(choice.decoded(one, CARD, P)) for one in proposals)
    (found,) = second_opinion.read(reader, which, [page], [proposals], [rows], judge, P)
    return found


def texts(rows):
    return [number.text for row in rows for number in row]


@pytest.mark.parametrize(("sure", "wanted"), [(0.6, "48"), (0.9999, "47")])
def test_a_sure_reader_outweighs_an_unsure_one(sure, wanted):
    page = crop("47")
    (line,) = page.lines
    found = read(page, Says("48"), [proposal_of(line, (4, 7), sure)])
    assert texts(found) == [wanted]


def test_two_sure_readers_that_disagree_are_told():
    page = crop("47")
    (line,) = page.lines
    ((number,),) = read(page, Says("48"), [proposal_of(line, (4, 7), 0.9999)])
    assert number.line_text.dissent == "48"
    ((agreed,),) = read(page, Says("47"), [proposal_of(line, (4, 7), 0.9999)])
    assert agreed.line_text.dissent == ""


def test_only_open_rows_are_asked_where_only_those_are_wanted():
    page = crop("47")
    (line,) = page.lines
    for sure, asked in ((0.9999, 0), (0.6, 1)):
        reader = Says("47")
        read(page, reader, [proposal_of(line, (4, 7), sure)], SecondReading.UNSURE)
        assert reader.asked == asked


def test_digits_that_no_candidates_make_up_are_placed_by_its_frames():
    page = crop("4")
    (line,) = page.lines
    keen = replace(CARD, second=replace(SECOND, text_weights=(0.3, 0.0, 0.75)))
    judge = Judge(0.5, keen, P.acceptance)
    ((number,),) = read(page, Says("417"), [proposal_of(line, (4,), 0.5)], judge=judge)
    assert number.text == "417"
    lefts = [segment.box.x for segment in number.segments]
    assert lefts == sorted(lefts)
    assert all(segment.box.width > 0 and segment.box.height > 0 for segment in number.segments)


def test_a_crop_without_ink_is_read_as_a_whole():
    page = crop("")
    assert not page.lines
    ((number,),) = read(page, Says("31"), [])
    assert number.text == "31"
    assert number.line_text.is_whole
    result = page.result(((number,),), JUDGE)
    (found,) = result.numbers
    height, width = page.view.page.grey.shape
    assert 0 <= found.box.x < found.box.right <= width
    assert 0 <= found.box.y < found.box.bottom <= height


def test_where_it_sees_nothing_either_a_crop_stays_blank():
    assert texts(read(crop(""), Says(""), [])) == []
