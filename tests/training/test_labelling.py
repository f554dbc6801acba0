"""Drawings to labelled candidates, and what is learned from them."""

import numpy as np

from digitocr.decode import CUT, SIGN
from digitocr.training.compose import form_field, line
from digitocr.training.corpus import Candidates, drawn_candidates, drawn_lines
from digitocr.training.labelling import UNSURE, labelled_lines
from digitocr.training.shipped import without_bars
from digitocr.training.strokes import Sources


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
