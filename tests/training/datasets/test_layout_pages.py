"""Drawn pages of the layouts, and the hands that fill them in."""

import numpy as np

from digitocr.training.datasets.layout_pages import layout_drawings, layout_sources
from digitocr.training.synth.layouts.files import layouts
from digitocr.training.synth.strokes import Sources


def test_pages_come_in_turn_and_are_the_same_for_a_seed():
    one, other = (list(layout_drawings(3, 2, Sources())) for _ in range(2))
    assert [name for name, _ in one] == [layout.name for layout in layouts()[:2]]
    for (_, a), (_, b) in zip(one, other, strict=True):
        assert np.array_equal(a.image, b.image)


def test_held_out_layouts_are_drawn_on_request():
    ((name, drawing),) = layout_drawings(3, 1, Sources(), held_out=True)
    assert name == layouts(held_out=True)[0].name
    assert drawing.ground is not None


def test_own_skeletons_serve_without_archives(tmp_path):
    for sources in (layout_sources(None), layout_sources(tmp_path), layout_sources(tmp_path, held_out=True)):
        assert sources.names == ("skeletons",)
        assert sources.strings == ()
