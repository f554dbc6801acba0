"""What is silently wrong on forms, and its table."""

import numpy as np
import pytest

from benchmarks.silent import KINDS, STRENGTHS, Counts, exceeds, measured, table
from digitocr.pipeline import load_reader
from digitocr.records import Box, Digit, Number, Status
from digitocr.training.synth.strokes import Sources

HERE = Box(0, 0, 9, 9)


def number(text, status):
    return Number(tuple(Digit(int(d), 1.0, 0, 0.0, HERE) for d in text), 1.0, HERE, text, status)


def test_what_must_wait_is_wrong_when_it_is_accepted():
    counts = Counts()
    counts.add(number("12", Status.ACCEPTED), "12")
    counts.add(number("1", Status.ACCEPTED), "12")
    counts.add(number("", Status.ACCEPTED), None)
    counts.add(number("12", Status.REVIEW), None)
    assert (counts.drawn, counts.read, counts.waiting, counts.accepted, counts.wrong) == (4, 1, 1, 3, 2)
    row = table({"over": {1.0: counts}}).splitlines()[-1]
    assert row == "| over | 4 | 25% | 25% | 3 | 2 (66.7%) ** |"


def test_only_significantly_more_than_the_bound_is_marked():
    assert not exceeds(Counts(accepted=100, wrong=1))
    assert exceeds(Counts(accepted=100, wrong=5))
    assert not exceeds(Counts())


@pytest.mark.soak
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_drawn_and_read(name):
    found = measured(load_reader(threads=1), name, 25, Sources())
    assert list(found) == list(STRENGTHS)
    assert sum(found.values(), Counts()).drawn == 25
    assert np.isfinite([c.accepted for c in found.values()]).all()
