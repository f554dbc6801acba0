"""The hand that writes: its writer, its pen, and the habits it keeps through a number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from digitocr.training.synth.strokes import Random, SkeletonWriter, Sources, Writer


class Pen(StrEnum):
    """What a number is written with."""

    BALLPOINT = "ballpoint"
    GEL = "gel"
    FIBRE = "fibre"
    PENCIL = "pencil"
    MARKER = "marker"


@dataclass(frozen=True, slots=True)
class Hand:
    """How a number is written: habits of its writer and the pen.

    Attributes
    ----------
    writer : Writer
        Whose shapes they are.
    letters : Writer
        Who writes letters and other signs.
    pen : Pen
    thickness : float
        Of a stroke, in heights of a digit.
    slant : float
        Shear to the right, as a share of the height.
    aspect : float
        Factor on the width of digits.
    baseline : float
        Slope of the line of writing, as a share of its length; up is negative.
    gap, gap_spread : float
        Mean white space between digits and its spread, in heights; negative where strokes cross.
    size_spread, drop_spread, turn_spread : float
        Spread of a digit's size, of its place above or under the line (in heights) and of its turn (radians).
    bend : float
        Amplitude of low waves in the strokes, in heights.
    pressure : float
        How much thickness varies along a stroke, as a share.
    join_zeros : float
        Probability that neighbouring zeros are joined by a stroke.
    zero_size, zero_aspect : float
        Factors on the height and the width of zeros: many write those at the end small and wide.
    zero_overlap : float
        How far neighbouring zeros run into one another, in heights.
    """

    writer: Writer
    letters: Writer
    pen: Pen = Pen.BALLPOINT
    thickness: float = 0.09
    slant: float = 0.1
    aspect: float = 1.0
    baseline: float = 0.0
    gap: float = 0.12
    gap_spread: float = 0.06
    size_spread: float = 0.05
    drop_spread: float = 0.03
    turn_spread: float = 0.03
    bend: float = 0.015
    pressure: float = 0.12
    join_zeros: float = 0.0
    zero_size: float = 1.0
    zero_aspect: float = 1.0
    zero_overlap: float = 0.0


def draw_hand(rng: Random, sources: Sources, **fixed: object) -> Hand:
    """Draw a writer, a pen and the habits of a hand.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    **fixed
        Fields of :class:`Hand` with given values.

    Returns
    -------
    Hand
    """
    pens = (Pen.BALLPOINT, Pen.GEL, Pen.FIBRE, Pen.PENCIL, Pen.MARKER)
    pen = pens[int(rng.choice(5, p=[0.42, 0.2, 0.18, 0.1, 0.1]))]
    low, high = {
        Pen.BALLPOINT: (0.045, 0.11),
        Pen.GEL: (0.06, 0.13),
        Pen.FIBRE: (0.08, 0.17),
        Pen.PENCIL: (0.05, 0.12),
        Pen.MARKER: (0.12, 0.21),
    }[pen]
    crowded = rng.random()
    gap = (
        rng.uniform(0.1, 0.4)
        if crowded < 0.5
        else rng.uniform(0.0, 0.12)
        if crowded < 0.85
        else rng.uniform(-0.1, 0.02)
    )
    careless = rng.uniform(0.3, 1.6)
    letters = (
        SkeletonWriter(int(rng.integers(2**31))) if sources.letters is None else sources.letters.writer(rng)
    )
    small_zeros = rng.random() < 0.25
    hand = Hand(
        writer=sources.writer(rng),
        letters=letters,
        pen=pen,
        thickness=float(rng.uniform(low, high)),
        slant=float(np.clip(rng.normal(0.1, 0.17), -0.35, 0.6)),
        aspect=float(np.clip(rng.lognormal(0.03, 0.2), 0.6, 1.7)),
        baseline=float(np.clip(rng.normal(-0.01, 0.035), -0.12, 0.1)),
        gap=float(gap),
        gap_spread=float(rng.uniform(0.02, 0.08)),
        size_spread=0.06 * careless,
        drop_spread=0.035 * careless,
        turn_spread=0.04 * careless,
        bend=0.014 * careless,
        pressure=float(rng.uniform(0.0, 0.3)),
        join_zeros=float(rng.uniform(0.4, 1)) if rng.random() < 0.18 else 0.0,
        zero_size=float(rng.uniform(0.5, 0.85)) if small_zeros else 1.0,
        zero_aspect=float(rng.uniform(1.0, 1.7)) if small_zeros else 1.0,
        zero_overlap=float(rng.uniform(0.05, 0.25)) if rng.random() < 0.12 else 0.0,
    )
    return replace(hand, **fixed)  # type: ignore[arg-type]
