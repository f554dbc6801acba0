"""The drawn pages of held-out layouts are stored like a real set, and shown beside their classes."""

import numpy as np

from benchmarks.layouts import CLASS_COLOURS, contact_sheet, draw_set
from benchmarks.truth import family, read_truth
from digitocr.training.synth.layouts.files import layouts
from digitocr.training.synth.strokes import Sources

KINDS = layouts(held_out=True)[:2]


def test_a_set_has_a_family_for_each_layout_and_is_the_same_each_time(tmp_path):
    one, other = (draw_set(tmp_path / name, KINDS, 1, Sources()) for name in ("one", "other"))
    truths = read_truth(one)
    assert truths == read_truth(other)
    assert {family(truth.file) for truth in truths} == {layout.name for layout in KINDS}
    assert all(truth.text and truth.box for truth in truths)
    for path in (one / "images").iterdir():
        assert path.read_bytes() == (other / "images" / path.name).read_bytes()


def test_the_contact_sheet_shows_the_classes():
    sheet = contact_sheet(KINDS[:1], 1, Sources())
    shown = {tuple(colour) for colour in np.unique(sheet.reshape(-1, 3), axis=0).tolist()}
    assert set(CLASS_COLOURS.values()) & shown
