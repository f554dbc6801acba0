"""Inks, and how they lie on paper."""

from __future__ import annotations

from typing import Final

import numpy as np

from digitocr.training.synth.paper import Field
from digitocr.training.synth.strokes import Random

Ink = tuple[float, float, float]
"""Blue, green, red of ink on white paper, 0 to 255."""


INKS: Final[dict[str, Ink]] = {
    "black": (35, 32, 30),
    "blue": (150, 60, 35),
    "violet": (140, 40, 80),
    "light-blue": (190, 120, 80),
    "red": (60, 40, 190),
    "pink": (140, 50, 220),
    "green": (60, 110, 40),
    "pencil": (100, 98, 96),
    "chalk": (240, 242, 243),
}


MIN_CONTRAST: Final = 22.0
"""Least contrast of legible ink, in grey values."""


def inked(paper: Field, amount: Field, ink: Ink) -> Field:
    """Lay ink on paper: dark ink lets print show through, light ink covers it.

    Parameters
    ----------
    paper : (H, W) or (H, W, 3) float32 ndarray
    amount : (H, W) float32 ndarray
        Coverage by ink, 0 to 1.
    ink : tuple of float
        Blue, green, red, 0 to 255.

    Returns
    -------
    float32 ndarray
        Of the paper's shape.
    """
    chalk = min(ink) > 200
    if paper.ndim == 2:
        grey = np.float32(0.114 * ink[0] + 0.587 * ink[1] + 0.299 * ink[2])
        out: Field = (
            paper + (grey - paper) * amount if chalk else paper * (1 - amount * np.float32(1 - grey / 255))
        )
        return out
    tone = np.array(ink, np.float32)
    deep = amount[:, :, None]
    mixed: Field = (
        paper + (tone - paper) * deep if chalk else paper * (1 - deep * (1 - tone / np.float32(255)))
    )
    return mixed


def contrast_levels(rng: Random, damage: float) -> tuple[float, float]:
    """Draw the grey value of the paper and the contrast of the ink.

    Parameters
    ----------
    rng : numpy.random.Generator
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.

    Returns
    -------
    level : float
        Grey value of the paper, 105 to 252.
    contrast : float
        How much darker the ink is, in grey values.
    """
    level = float(np.clip(rng.normal(185, 30), 105, 252))
    strongest = level - 12
    weakest = MIN_CONTRAST + (40 if damage < 0.5 else 12)
    return level, float(np.clip(rng.uniform(0.35, 1.0) * strongest, weakest, strongest))


def grey_ink(tone: float, level: float) -> Ink:
    """Return the ink that comes out as a given grey on paper.

    Parameters
    ----------
    tone : float
        Grey value that the ink should have on the paper.
    level : float
        Grey value of the paper.

    Returns
    -------
    tuple of float
        Blue, green, red, all equal.
    """
    value = float(np.clip(255 * tone / max(level, 1.0), 0, 235))
    return value, value, value
