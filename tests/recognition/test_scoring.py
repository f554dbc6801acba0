"""Which candidates are looked at, and what is known of them."""

import cv2
import numpy as np
import pytest
from reading_path import segment

from digitocr.imaging.sheet import Sheet
from digitocr.networks.classifier import CUT
from digitocr.networks.line_reader import FRAME
from digitocr.recognition import scoring
from digitocr.recognition.parameters import Recognition

P = Recognition()


@pytest.fixture
def line():
    """Three rings, the last two touching."""
    grey = np.full((100, 400), 255, np.uint8)
    for x in (60, 140, 178):
        cv2.circle(grey, (x, 50), 20, 20, 4)
    (found,) = segment(Sheet(grey, grey < 128, np.eye(3), grey))
    return found


def sure_of(chosen, looked_at):
    """A classifier that is sure of the pictures `chosen` picks, and notes how many it sees at a time."""

    def log_probabilities(images):
        looked_at.append(len(images))
        out = np.full((len(images), CUT + 1), np.log(0.3 / 11), np.float32)
        out[:, CUT] = np.log(0.7)
        for row, image in zip(out, images, strict=True):
            if chosen(image):
                row[:] = np.log(0.001 / 11)
                row[0] = np.log(0.999)
        return out

    return log_probabilities


def test_a_sure_component_is_not_looked_at_in_parts(line):
    looked_at = []
    (scored,) = scoring.score_candidates([line], sure_of(lambda _: True, looked_at), None, P)
    first = [c for c in scored.line.candidates if c.is_whole and c.box.right < 90]
    assert len(first) == 1
    pieces = range(first[0].first, first[0].last)
    overlapping = [c for c in scored.line.candidates if c.first in pieces or c.last - 1 in pieces]
    assert overlapping == first
    assert looked_at[0] == 1, "the touching pair is too wide for one digit"
    assert sum(looked_at) == len(scored.line.candidates) < len(line.candidates)


def test_what_is_unsure_is_looked_at_whole_and_in_parts(line):
    looked_at = []
    (scored,) = scoring.score_candidates([line], sure_of(lambda _: False, looked_at), None, P)
    assert scored.line.candidates == line.candidates
    assert sum(looked_at) == len(line.candidates)


def test_each_candidate_keeps_its_own_scores(line):
    def by_ink(images):
        out = np.full((len(images), CUT + 1), -5.0, np.float32)
        out[:, 3] = [-float(image.mean()) / 1000 - 1 for image in images]
        return out

    (scored,) = scoring.score_candidates([line], by_ink, None, P)
    (everything,) = scoring.score_all([line], by_ink, None, P)
    assert scored.logs == pytest.approx(everything.logs)


def test_the_line_reader_is_asked_once_for_all_lines(line):
    asked = []

    def frames(images):
        asked.append(len(images))
        return [np.full((picture.shape[1] // FRAME, 11), 1 / 11, np.float32) for picture in images]

    scored = scoring.score_candidates([line, line], sure_of(lambda _: False, []), frames, P)
    assert asked == [2]
    assert all(one.spans.shape == (len(one.line.candidates), 12) for one in scored)
    assert all(scoring.features(one, P.candidate_geometry).shape[1] == scoring.FEATURES for one in scored)


def test_no_lines_no_scores():
    assert scoring.score_candidates([], sure_of(lambda _: True, []), None, P) == []


def test_the_line_reader_is_asked_also_where_all_is_sure():
    grey = np.full((100, 300), 255, np.uint8)
    for x in (60, 140):
        cv2.circle(grey, (x, 50), 20, 20, 4)
    (apart,) = segment(Sheet(grey, grey < 128, np.eye(3), grey))
    (scored,) = scoring.score_candidates(
        [apart],
        sure_of(lambda _: True, []),
        lambda images: [np.full((picture.shape[1] // FRAME, 11), 1 / 11, np.float32) for picture in images],
        P,
    )
    assert scored.spans.shape == (2, 12)
