"""CandidateGeometry and scores to numbers."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitocr.imaging.sheet import Candidate, Line
from digitocr.networks.classifier import CUT, SIGN
from digitocr.recognition import decode as decoding
from digitocr.recognition import numbers
from digitocr.recognition.decode import geometry, with_features
from digitocr.recognition.parameters import Recognition
from digitocr.records import Box, around

P = Recognition()


def line_of(pieces, runs, height=30.0):
    """A line with the given piece boxes and candidates ``(first, last)``."""
    candidates = tuple(Candidate(a, b, around(pieces[a:b]), Box(0, 0, 4, 4), False) for a, b in runs)
    labels = np.zeros((1, 1), np.int16)
    dark = labels.astype(np.uint8)
    places = np.eye(2, 3), np.eye(3), dark
    return Line(around(pieces), height, tuple(pieces), tuple(pieces), candidates, labels, dark, *places)


def scores_of(*rows):
    out = np.full((len(rows), CUT + 1), 1e-4)
    for i, row in enumerate(rows):
        for value, p in row.items():
            out[i, value] = p
    return np.log(out / out.sum(axis=1, keepdims=True))


def boxes(count, width=20, gap=4, height=30):
    return [Box(i * (width + gap), 0, width, height) for i in range(count)]


def decode(line, scores):
    (path,) = decoding.best_paths(line, scores[None])
    return decoding.decode(
        line, scores, np.zeros((len(scores), 0), np.float32), path, numbers.TextEvidence(), P
    )


def texts(readings):
    return ["".join(str(s.value) for s in r.segments) for r in readings]


def test_the_whole_beats_its_halves():
    line = line_of(boxes(2), [(0, 1), (0, 2), (1, 2)])
    readings = decode(line, scores_of({CUT: 0.99}, {0: 0.98}, {CUT: 0.99}))
    assert texts(readings) == ["0"]
    assert readings[0].segments[0].probability > 0.9


def test_what_is_dark_beside_the_ink_is_clutter():
    line = line_of(boxes(1), [(0, 1)])
    labels = np.zeros((40, 60), np.int16)
    labels[10:30, 20:30] = 1
    dark = np.where(labels > 0, 200, 0).astype(np.uint8)

    def measured(picture):
        return numbers.legibility(dataclasses.replace(line, labels=labels, dark=picture))

    clean, ruled, faded = dark.copy(), dark.copy(), dark.copy()
    ruled[35:37] = 100
    faded[20:30] //= 2
    assert measured(clean) == (0, 0)
    assert measured(ruled) == (pytest.approx(2 * 60 * 100 / (200 * 200)), 0)
    assert measured(faded)[1] == pytest.approx(50 / 150)


def test_the_halves_beat_the_whole():
    line = line_of(boxes(2), [(0, 1), (0, 2), (1, 2)])
    assert texts(decode(line, scores_of({3: 0.99}, {CUT: 0.98}, {7: 0.99}))) == ["37"]


def test_a_dot_is_a_mark_and_the_number_goes_on():
    pieces = [Box(0, 0, 20, 30), Box(24, 26, 4, 4), Box(32, 0, 20, 30)]
    (reading,) = decode(
        line_of(pieces, [(0, 1), (1, 2), (2, 3)]), scores_of({1: 0.99}, {SIGN: 0.99}, {5: 0.99})
    )
    assert reading.written == "1.5"


def test_a_cross_ends_a_number():
    line = line_of(boxes(3), [(0, 1), (1, 2), (2, 3)])
    assert texts(decode(line, scores_of({1: 0.99}, {SIGN: 0.99}, {5: 0.99}))) == ["1", "5"]


def test_signs_at_the_ends_are_left_off():
    pieces = [Box(0, 14, 12, 3), Box(20, 0, 20, 30), Box(44, 14, 12, 3)]
    line = line_of(pieces, [(0, 1), (1, 2), (2, 3)])
    (reading,) = decode(line, scores_of({SIGN: 0.99}, {4: 0.99}, {SIGN: 0.99}))
    assert reading.written == "4"


def test_a_wide_gap_parts_numbers():
    pieces = [Box(0, 0, 20, 30), Box(200, 0, 20, 30)]
    assert texts(decode(line_of(pieces, [(0, 1), (1, 2)]), scores_of({1: 0.9}, {2: 0.9}))) == ["1", "2"]


def test_only_signs_is_no_number():
    assert decode(line_of(boxes(1), [(0, 1)]), scores_of({SIGN: 0.99})) == []


@st.composite
def lattices(draw):
    count = draw(st.integers(1, 4))  # of five, trying all takes too long
    runs = [(a, b) for a in range(count) for b in range(a + 1, min(a + 3, count) + 1)]
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    probabilities = rng.dirichlet(np.full(CUT + 1, 0.3), len(runs)) + 1e-6
    return line_of(boxes(count), runs), np.log(probabilities / probabilities.sum(axis=1, keepdims=True))


@settings(deadline=None)
@given(lattices())
def test_best_path_and_posteriors_agree_with_trying_all(lattice):
    line, scores = lattice
    by_first = {}
    for k, c in enumerate(line.candidates):
        by_first.setdefault(c.first, []).append(k)

    def paths(at):
        if at == len(line.pieces):
            yield []
        for k in by_first.get(at, []):
            for rest in paths(line.candidates[k].last):
                yield [k, *rest]

    weights = {}
    for path in paths(0):
        for values in itertools.product(range(SIGN + 1), repeat=len(path)):
            weights[tuple(zip(path, values, strict=True))] = math.exp(
                sum(scores[k, v] for k, v in zip(path, values, strict=True))
            )
    total = sum(weights.values())
    best = max(weights, key=weights.__getitem__)
    expected = [v for _, v in best if v != SIGN]
    readings = decode(line, scores)
    assert "".join(texts(readings)) == "".join(map(str, expected))
    found = [s for r in readings for s in r.segments]
    steps = [step for step in best if step[1] != SIGN]
    for segment, step in zip(found, steps, strict=True):
        posterior = sum(w for path, w in weights.items() if step in path) / total
        assert segment.probability == pytest.approx(posterior, rel=1e-6)


def test_geometry_has_a_row_per_candidate_and_is_finite():
    line = line_of(boxes(4), [(0, 1), (1, 2), (2, 3), (3, 4)])
    features = geometry(line, P.candidate_geometry)
    assert features.shape == (4, 6)
    assert np.isfinite(features).all()


def test_an_identity_map_changes_nothing():
    scores = scores_of({3: 0.9}, {SIGN: 0.6})
    weights = np.zeros((19, 12))
    weights[:12] = np.eye(12)
    out = with_features(scores.astype(np.float32), np.zeros((2, 6), np.float32), weights)
    assert np.allclose(out, scores, atol=1e-5)


@pytest.mark.parametrize(
    ("probability", "room", "texts"), [(0.4, 10, ["12"]), (0.95, 10, ["1", "2"]), (0.4, 60, ["1", "2"])]
)
def test_a_large_sign_parts_numbers_unless_it_is_doubtful_and_has_no_room(probability, room, texts):
    def segment(value, x, width, sure=0.9):
        return numbers.Segment(value, sure, 0, 0.01, Box(x, 10, width, 60))

    segments = [
        segment(1, 0, 30),
        segment(SIGN, 25, 20, probability),
        segment(2, 30 + room, 40),
    ]
    runs = numbers.split_runs(segments, 60.0, P.numbers)
    assert [
        "".join(str(segments[i].value) for i in run if segments[i].value != SIGN) for run in runs
    ] == texts


def field_of(pieces, runs, room, cells=()):
    return dataclasses.replace(line_of(pieces, runs), room=room, cells=cells)


def test_a_field_never_holds_more_digits_than_it_has_room_for():
    scores = scores_of({1: 0.99}, {2: 0.6, SIGN: 0.4}, {3: 0.99})
    line = field_of(boxes(3), [(0, 1), (1, 2), (2, 3)], 2)
    (reading,) = decode(line, scores)
    assert texts([reading]) == ["13"]


def test_a_cell_holds_one_digit_at_most():
    line = field_of(boxes(3), [(0, 1), (0, 2), (1, 2), (2, 3)], 2, (0, 0, 1))
    (reading,) = decode(
        line, scores_of({1: 0.6, SIGN: 0.4}, {4: 0.3, CUT: 0.7}, {7: 0.9, SIGN: 0.1}, {5: 0.99})
    )
    assert len(reading.segments) == 2
    assert reading.segments[-1].value == 5


def test_crosses_before_a_number_in_cells_are_left_out():
    line = field_of(boxes(3), [(0, 1), (1, 2), (2, 3)], 3, (0, 1, 2))
    (reading,) = decode(line, scores_of({SIGN: 0.99}, {4: 0.99}, {2: 0.99}))
    assert (texts([reading]), reading.written) == (["42"], "42")


def test_a_field_of_crosses_is_one_reading_without_digits():
    line = field_of(boxes(2), [(0, 1), (1, 2)], 2, (0, 1))
    (reading,) = decode(line, scores_of({SIGN: 0.98}, {SIGN: 0.98}))
    assert reading.segments == ()
    assert math.exp(reading.log_posterior) > 0.9


@given(st.integers(1, 4), st.integers(0, 2**31))
def test_posteriors_of_a_field_are_those_of_all_its_ways(count, seed):
    rng = np.random.default_rng(seed)
    runs = [(a, b) for a in range(count) for b in range(a + 1, count + 1)]
    room = int(rng.integers(1, count + 1))
    raw = rng.random((len(runs), CUT + 1)) + 0.01
    scores = np.log(raw / raw.sum(axis=1, keepdims=True))
    (reading,) = decode(field_of(boxes(count), runs, room), scores)
    total = 0.0
    best = 0.0
    for cuts in itertools.product([0, 1], repeat=count - 1):
        ends = [0, *[i + 1 for i, cut in enumerate(cuts) if cut], count]
        parts = [runs.index((a, b)) for a, b in itertools.pairwise(ends)]
        for kinds in itertools.product([True, False], repeat=len(parts)):
            if sum(kinds) > room:
                continue
            p = [
                np.exp(scores[k, :10]) if digit else np.exp(scores[k, SIGN : SIGN + 1])
                for k, digit in zip(parts, kinds, strict=True)
            ]
            total += math.prod(float(one.sum()) for one in p)
            best = max(best, math.prod(float(one.max()) for one in p))
    assert reading.log_posterior == pytest.approx(min(0.0, math.log(best / total)), abs=1e-6)


@given(st.data())
def test_the_best_path_with_its_own_text_is_the_best_path(data):
    count = data.draw(st.integers(1, 5))
    runs = [(a, b) for a in range(count) for b in range(a + 1, min(count, a + 3) + 1)]
    line = line_of(boxes(count), runs)
    values = data.draw(st.lists(st.floats(-6, 0), min_size=12 * len(runs), max_size=12 * len(runs)))
    scores = np.array(values).reshape(len(runs), 12)
    scores[:, CUT] = -9.0
    (path,) = decoding.best_paths(line, scores[None])
    found = decoding.path_of_text(line, scores, "".join(str(v) for _, v in path if v != SIGN))

    def weight(path):
        return sum(scores[k, value] for k, value in path)

    assert weight(found) == pytest.approx(weight(path))


def test_no_path_has_more_digits_than_there_are_pieces():
    line = line_of(boxes(2), [(0, 1), (0, 2), (1, 2)])
    scores = scores_of({1: 0.9}, {2: 0.9}, {3: 0.9})
    assert decoding.path_of_text(line, scores, "123") == ()
    assert decoding.path_of_text(line, scores, "13") == ((0, 1), (2, 3))
    assert decoding.path_of_text(line, scores, "") == ((1, SIGN),)
