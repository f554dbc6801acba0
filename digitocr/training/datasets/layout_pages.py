"""Drawn pages of every layout: to train on, or of layouts and writers kept out of all training."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from digitocr.training.datasets.corpus import CALIBRATION_FROM, MNIST_WEIGHT, training_sources
from digitocr.training.datasets.mnist import load_mnist
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.layouts.faces import text_fonts
from digitocr.training.synth.layouts.files import layouts
from digitocr.training.synth.layouts.pages import layout_page
from digitocr.training.synth.printing import fonts_found
from digitocr.training.synth.real_ink import load_ink, separated_strings
from digitocr.training.synth.stroke_archives import has_archives, load_archive, sources_at
from digitocr.training.synth.strokes import PictureSource, Sources, picture_source

INK_WEIGHT: Final = 0.45
"""Weight of real ink among the hands; the stroke archives weigh 1."""


@cache
def layout_sources(data_dir: Path | None, *, held_out: bool = False) -> Sources:
    """Return the hands that fill in drawn pages: stroke archives, MNIST and real ink, as far as present.

    Its letters are whole alphabets, with those that digits look like: they stand in words.

    Parameters
    ----------
    data_dir : Path or None
        Folder of the archives; our own skeletons serve without it.
    held_out : bool
        Take the writers set aside instead of those for training.

    Returns
    -------
    Sources
    """
    if data_dir is None:
        return Sources()
    found = _held_out(data_dir) if held_out else training_sources(data_dir)
    ink, letters = data_dir / "kensanata_numbers.npz", data_dir / "unipen_other.npz"
    digits, weights = found.digits, found.weights
    if ink.is_file():
        digits, weights = (*digits, load_ink(ink, held_out=held_out)), (*weights, INK_WEIGHT)
    whole = None
    if letters.is_file():
        whole = load_archive(letters, held_out=held_out, digits=False, distrust=False, alike=True)
    register = data_dir / "lectaurep_numbers.npz"
    strings = separated_strings(register, held_out=held_out) if register.is_file() else ()
    return Sources(digits, weights, whole, strings)


def _held_out(data_dir: Path) -> Sources:
    """Return the archives' writers set aside, and MNIST's digits set aside, as far as present."""
    path = data_dir / "mnist.npz"
    aside: PictureSource | None = None
    if path.is_file():
        images, labels, _, _ = load_mnist(path)
        aside = picture_source("mnist", images[CALIBRATION_FROM:], labels[CALIBRATION_FROM:])
    if has_archives(data_dir):
        return sources_at(data_dir, held_out=True, pictures=aside, picture_weight=MNIST_WEIGHT)
    return Sources() if aside is None else Sources((aside,))


def layout_drawings(
    seed: int,
    count: int,
    sources: Sources,
    *,
    held_out: bool = False,
    damage: float = 1.0,
    fonts: Path | None = None,
) -> Iterator[tuple[str, Drawing]]:
    """Draw pages of the layouts in turn, each with a seed of its own.

    Parameters
    ----------
    seed : int
    count : int
        Number of pages in all.
    sources : Sources
    held_out : bool
        Of the layouts kept out of training.
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.
    fonts : Path, optional
        Folder of fonts to print with besides those of Matplotlib.

    Yields
    ------
    name : str
        Of the layout.
    drawing : Drawing
    """
    kinds = layouts(held_out=held_out)
    every = (*fonts_found(), *(text_fonts(fonts) if fonts else ()))
    for i in range(count):
        layout = kinds[i % len(kinds)]
        rng = np.random.default_rng((seed, i))
        yield layout.name, layout_page(rng, sources, layout, fonts=every, damage=damage)
