"""Drawings to labelled candidates, and what is learned from them."""

from itertools import pairwise

import numpy as np

from digitocr.networks.classifier import CUT, SIGN
from digitocr.training.datasets.corpus import Candidates, drawn_candidates, drawn_lines, labelled
from digitocr.training.datasets.fields import drawn_forms, labelled_field
from digitocr.training.datasets.labelling import UNSURE, labelled_lines
from digitocr.training.fit.digit_network import NO_DIGIT_TURNED, turned, without_bars
from digitocr.training.fit.line_network import lesson, lessons_of, stored
from digitocr.training.synth.cells import form_field
from digitocr.training.synth.lines import line
from digitocr.training.synth.strokes import Sources


def test_most_digits_of_clean_lines_are_offered_with_their_label():
    offered = written = 0
    for seed in range(12):
        drawing = line(np.random.default_rng(seed), Sources(), text="482605", damage=0.0)
        values = np.array([d.label for d in drawing.digits], dtype=np.int8)
        plain = np.ones(len(drawing.signs), dtype=np.bool_)
        found = {
            int(owner): int(label)
            for item in labelled_lines(drawing.image, drawing.owner, values, plain)
            for label, owner in zip(item.labels, item.owners, strict=True)
            if owner >= 0
        }
        assert all(found[k] == values[k] for k in found)
        offered, written = offered + len(found), written + len(values)
    assert offered >= 0.75 * written


def test_parts_of_digits_are_wrong_cuts_and_blank_fields_have_signs_only():
    cuts = signs = 0
    for seed in range(8):
        drawing = form_field(np.random.default_rng(seed), Sources())
        values = np.array([d.label for d in drawing.digits], dtype=np.int8)
        plain = np.ones(len(drawing.signs), dtype=np.bool_)
        for item in labelled_lines(drawing.image, drawing.owner, values, plain):
            assert set(np.unique(item.labels)) <= {UNSURE, *range(10), SIGN, CUT}
            assert ((item.owners >= 0) == ((item.labels >= 0) & (item.labels < SIGN))).all()
            if not len(values):
                assert not (item.owners >= 0).any()
            cuts, signs = cuts + (item.labels == CUT).sum(), signs + (item.labels == SIGN).sum()
    assert cuts > 0
    assert signs > 0


def test_a_shard_is_the_same_every_time():
    first, second = (drawn_candidates(5, 4, None) for _ in range(2))
    assert (first.images == second.images).all()
    assert (first.labels == second.labels).all()
    assert len(first.labels) > 20
    assert UNSURE not in first.labels


def test_drawn_lines_know_their_text():
    lines = drawn_lines(11, 12, Sources())
    assert any(drawn.text for drawn in lines)
    assert {drawn.drawing for drawn in lines} <= set(range(12))


def test_only_bars_among_the_signs_are_left_out():
    bar, ring = np.zeros((2, 28, 28), np.uint8)
    bar[4:24, 12:16] = 255
    ring[6:22, 6:22] = 255
    data = Candidates(np.stack([bar, bar, ring]), np.array([SIGN, 1, SIGN], np.int8))
    assert without_bars(data).labels.tolist() == [1, SIGN]


def test_fields_of_forms_say_what_stands_in_their_cells():
    (form,) = drawn_forms(4, 1, Sources())
    lessons = []
    for field in form:
        item = labelled_field(field)
        offered = {int(label) for label in item.labels if 0 <= label < SIGN}
        assert offered <= {int(text) for text in field.entry.cells if text.isdigit()}
        if item.written is not None:
            assert "".join(str(digit.value) for digit in item.written) == field.entry.text
            assert all(a.left < b.left for a, b in pairwise(item.written))
            lessons.append(lesson(item))
    assert len(lessons) > 0.8 * len(form)
    for one, again in zip(lessons, lessons_of(stored(lessons)), strict=True):
        assert (one.picture == again.picture).all()
        assert (one.digits == again.digits).all()
        assert (one.frames == again.frames).all()


def test_digits_turned_are_signs_but_for_those_that_look_like_digits_still():
    images = np.zeros((400, 28, 28), np.uint8)
    labels = (np.arange(400) % 10).astype(np.int8)
    images[np.arange(400), 0, labels] = 255  # a corner that tells which digit it was, and how it was turned
    found = turned(Candidates(images, labels), np.random.default_rng(1))
    assert 20 < len(found.labels) < 60
    assert (found.labels == SIGN).all()
    for picture in found.images:
        ((turns, digit),) = [
            (k, int(np.rot90(picture, -k)[0].argmax()))
            for k in (1, 2, 3)
            if np.rot90(picture, -k)[0, :10].any()
        ]
        assert digit in NO_DIGIT_TURNED[turns]


def test_a_digit_over_another_is_learned_as_either():
    drawing = next(
        d for seed in range(200) if (d := form_field(np.random.default_rng(seed), Sources())).overwritten
    )
    (digit,) = [d for d in drawing.digits if d.over is not None]
    beneath = int(drawing.signs[digit.over].kind.split()[1])
    at = sorted(drawing.digits, key=lambda d: d.box.x).index(digit)
    learned = set()
    for seed in range(12):
        for item in labelled(drawing, np.random.default_rng(seed)):
            learned |= {made.digits[at].item() for made in [lesson(item)] if made and len(made.digits) > at}
    assert learned == {digit.label, beneath}
    assert digit.label != beneath
