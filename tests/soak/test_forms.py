"""Forms that are drawn, filled in and photographed: found, read, and never accepted against a rule."""

from pathlib import Path

import cv2
import pytest

from benchmarks.forms import Tally, drawn_form, drawn_pages, judge
from digitocr.pipeline import Reader, load_reader
from digitocr.training.strokes import Sources

PAGES = 300


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_drawn_forms_are_found_and_read(tmp_path: Path):
    cv2.setNumThreads(1)
    form, empty = drawn_form(tmp_path)
    loaded = load_reader()
    reader = Reader(loaded.classifier, loaded.line_reader, loaded.options, (form,))
    tally = Tally()
    for shown in drawn_pages(form, empty, Sources(), PAGES, seed=1):
        judge(tally, reader, shown)
    assert sum(tally.found) >= 0.99 * PAGES
    assert sum(tally.exact) >= 0.98 * len(tally.exact)
    assert tally.forbidden == 0
