"""Forms that are drawn, filled in and photographed: found, read, and never accepted against a rule."""

from dataclasses import replace

import cv2
import pytest

from benchmarks.forms import Tally, drawn_form, drawn_pages, judge
from digitocr.pipeline import load_reader
from digitocr.training.synth.strokes import Sources

PAGES = 300


pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def tally(tmp_path_factory: pytest.TempPathFactory) -> Tally:
    cv2.setNumThreads(1)
    form, empty = drawn_form(tmp_path_factory.mktemp("form"))
    loaded = load_reader()
    reader = replace(loaded, forms=(form,))
    found = Tally()
    for shown in drawn_pages(form, empty, Sources(), PAGES, seed=1):
        judge(found, reader, shown)
    return found


def test_drawn_forms_are_found(tally: Tally):
    assert sum(tally.found) >= 0.99 * PAGES


def test_none_is_accepted_wrong_that_a_rule_forbids(tally: Tally):
    assert tally.forbidden == 0


def test_their_fields_are_read(tally: Tally):
    assert sum(tally.exact) >= 0.98 * len(tally.exact)
