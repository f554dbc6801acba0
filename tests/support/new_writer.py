"""A drawn writer who mirrors the 7, as children do: others take it for no digit, or for another."""

import itertools

import numpy as np

from digitocr.training.synth.strokes import Glyph, SkeletonWriter, Sources

HABITS = {
    "7": [[(0.6, 0.04), (0.06, 0.03), (0.14, 1.0)]],
}


class NewWriter:
    name = "new-writer"

    def __init__(self):
        self.rest = SkeletonWriter(4711)

    def glyph(self, rng, label):
        if label not in HABITS:
            return self.rest.glyph(rng, label)
        strokes = []
        for path in HABITS[label]:
            corners = np.array(path, np.float32) + rng.normal(0, 0.025, (len(path), 2)).astype(np.float32)
            parts = [np.linspace(a, b, 14, endpoint=False) for a, b in itertools.pairwise(corners)]
            strokes.append(np.concatenate([*parts, corners[-1:]]).astype(np.float32))
        return Glyph(label, tuple(strokes), f"new/{label}")


class NewSource:
    name = "new-writer"

    def writer(self, rng):
        return NewWriter()


SOURCES = Sources((NewSource(),), (1.0,))
