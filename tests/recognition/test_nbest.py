"""Hypotheses of a line's text, and the choice among them."""

import math
from dataclasses import replace
from itertools import groupby, product

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_path import segment

from digitocr.imaging.sheet import Sheet
from digitocr.networks import classifier
from digitocr.networks.card import ModelCard
from digitocr.networks.line_reader import FRAME
from digitocr.recognition import choice, decode, scoring
from digitocr.recognition.confidence import logit
from digitocr.recognition.ctc import BLANK, log_spans, log_text
from digitocr.recognition.line_image import LineImage
from digitocr.recognition.nbest import hypotheses, likeliest
from digitocr.recognition.numbers import TextEvidence
from digitocr.recognition.parameters import Recognition

P = Recognition()


def rings(count):
    grey = np.full((120, 60 + 60 * count), 255, np.uint8)
    for k in range(count):
        cv2.circle(grey, (60 + 60 * k, 60), 20, 0, 4)
    (line,) = segment(Sheet(grey, grey < 128, np.eye(3), grey))
    return line


def scores_of(line, wanted, *, doubt=()):
    """Whole rings are the wanted digits, those in doubt rather signs; nothing else is anything."""
    scores = np.full((len(line.candidates), 12), math.log(1e-4))
    for k, candidate in enumerate(line.candidates):
        place = round((candidate.box.centre[0] - 60) / 60)
        if candidate.is_whole:
            scores[k, wanted[place]] = math.log(0.2 if place in doubt else 0.9)
            scores[k, classifier.SIGN] = math.log(0.7 if place in doubt else 0.01)
    return scores


def ctc_of(line, digits):
    made = LineImage.of(line, P.line_images)
    frames = np.full((made.picture.shape[1] // FRAME, 11), 1e-4)
    frames[:, BLANK] = 0.99
    for candidate, digit in zip([c for c in line.candidates if c.is_whole], digits, strict=True):
        at = int(made.frame_of(candidate.window.centre[0]))
        frames[at] = 1e-4
        frames[at, digit] = 0.99
    ends = np.array([(c.first, c.last) for c in line.candidates])
    return frames, log_spans(frames, made.bounds[ends], P.ctc)


def test_a_digit_that_the_lattice_drops_is_read_where_the_line_reader_is_sure_of_it():
    line = rings(3)
    scores = scores_of(line, (4, 5, 6), doubt={1})
    frames, spans = ctc_of(line, (4, 5, 6))
    (path,) = decode.best_paths(line, scores[None])
    assert [v for _, v in path if v != classifier.SIGN] == [4, 6]
    found = hypotheses(line, scores, spans, frames, P.nbest)
    assert found[0].text == "46"
    chosen, log = likeliest(found, (0.4, 0.5), P.nbest)
    assert chosen.text == "456"
    assert -0.1 < log <= 0
    (reading,) = decode.decode(line, scores, spans, chosen.path, TextEvidence(log), P)
    assert [s.value for s in reading.segments] == [4, 5, 6]
    assert reading.features.logit_text == logit(log, P.confidence)


def test_ink_that_the_lattice_takes_for_signs_alone_stays_so():
    line = rings(2)
    scores = scores_of(line, (1, 7), doubt={0, 1})
    frames, spans = ctc_of(line, (1, 7))
    assert {p.text for p in hypotheses(line, scores, spans, frames, P.nbest)} >= {"", "17"}
    only = scores_of(line, (1, 7))
    assert all(p.text for p in hypotheses(line, only, spans, frames, P.nbest))


def test_paths_take_every_piece_once():
    line = rings(4)
    frames, spans = ctc_of(line, (1, 2, 3, 4))
    for hypothesis in hypotheses(line, scores_of(line, (1, 2, 3, 5), doubt={2}), spans, frames, P.nbest):
        ends = [(line.candidates[k].first, line.candidates[k].last) for k, _ in hypothesis.path]
        assert [e[0] for e in ends] == [0, *(e[1] for e in ends[:-1])]
        assert ends[-1][1] == len(line.pieces)


@given(st.integers(1, 5), st.randoms(use_true_random=False))
def test_texts_are_weighed_over_all_their_alignments(length, random):
    frames = np.array([[random.random() + 0.01 for _ in range(11)] for _ in range(length)])
    frames[:, 3:BLANK] = 1e-9
    frames /= frames.sum(axis=1, keepdims=True)
    sums = {}
    for classes in product([0, 1, 2, BLANK], repeat=length):
        text = "".join(str(c) for c, _ in groupby(classes) if c != BLANK)
        sums[text] = sums.get(text, 0.0) + float(np.prod([frames[t, c] for t, c in enumerate(classes)]))
    found = log_text(frames, list(sums))
    assert np.exp(found) == pytest.approx(list(sums.values()), rel=1e-6)


def test_without_weights_the_lattice_alone_decides():
    line = rings(2)
    frames, spans = ctc_of(line, (1, 7))
    logs = scores_of(line, (1, 7), doubt={1}).astype(np.float32)
    scored = scoring.ScoredLine(line, logs, spans, frames)
    card = ModelCard("none", "", (*"0123456789", "sign", "cut"), 0.5)
    (reading,) = choice.decoded(choice.proposed(scored, card, P), card, P)
    assert [s.value for s in reading.segments] == [1]


def test_a_digit_that_one_network_rules_out_is_read_where_the_other_is_sure_of_it():
    line = rings(3)
    scores = scores_of(line, (4, 5, 6), doubt={1})
    scores[scores == math.log(0.2)] = math.log(1e-9)
    frames, spans = ctc_of(line, (4, 5, 6))
    chosen, _ = likeliest(hypotheses(line, scores, spans, frames, P.nbest), (0.4, 0.5), P.nbest)
    assert chosen.text == "456"


@pytest.mark.parametrize(("is_alone", "read"), [(True, ["17"]), (False, [])])
def test_on_a_sheet_with_no_other_line_signs_are_digits_where_the_line_reader_finds_them(is_alone, read):
    line = replace(rings(2), is_alone=is_alone)
    frames, spans = ctc_of(line, (1, 7))
    logs = scores_of(line, (1, 7), doubt={0, 1}).astype(np.float32)
    card = ModelCard("none", "", (*"0123456789", "sign", "cut"), 0.5, text_weights=(0.4, 0.5))
    scored = scoring.ScoredLine(line, logs, spans, frames)
    readings = choice.decoded(choice.proposed(scored, card, P), card, P)
    assert ["".join(str(s.value) for s in reading.segments) for reading in readings] == read
