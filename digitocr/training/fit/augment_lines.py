"""Augmentation of text-line images: stretched, slanted, shifted, thickened, faded, patterned, blurred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.networks.line_reader import FRAME, ROWS

STRETCH, HEIGHT, SLANT, SHIFT, TILT = 0.12, 0.08, 0.12, 1.2, 0.01
"""Standard deviations: logarithms of width and height, columns per row, rows, rows per column."""

Strip = NDArray[np.uint8]
Random = np.random.Generator


def moved(strip: Strip, least: int, rng: Random) -> Strip:
    """Stretch, slant, shift and tilt a strip.

    Parameters
    ----------
    strip : (32, w, 2) uint8 ndarray
    least : int
        Fewest frames of the result.
    rng : numpy.random.Generator

    Returns
    -------
    (32, v, 2) uint8 ndarray
        `v` is a multiple of `FRAME`; frames keep their relative position.
    """
    width = strip.shape[1]
    stretch = float(np.exp(np.clip(rng.normal(0, STRETCH), -0.3, 0.3)))
    frames = max(least, round(width * stretch / FRAME))
    across = width / (frames * FRAME)
    down = float(np.exp(np.clip(rng.normal(0, HEIGHT), -0.2, 0.2)))
    slant, shift = float(rng.normal(0, SLANT)), float(rng.normal(0, SHIFT))
    tilt = float(np.clip(rng.normal(0, TILT), -4 / width, 4 / width))
    middle = ROWS / 2
    # Pixel (u, v) of the result shows pixel (across * u + slant * (v - middle), ...) of the strip.
    back = np.array(
        [
            [across, slant, -slant * middle],
            [tilt * across, down, middle - down * (middle + shift) - tilt * width / 2],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(strip, back, (frames * FRAME, ROWS), flags=flags), dtype=np.uint8)


def worn(strip: Strip, rng: Random) -> Strip:
    """Apply each of `CHANGES` to a strip with its probability.

    Parameters
    ----------
    strip : (32, w, 2) uint8 ndarray
    rng : numpy.random.Generator

    Returns
    -------
    (32, w, 2) uint8 ndarray
    """
    out = strip
    for share, change in CHANGES:
        if rng.random() < share:
            out = change(out, rng)
    return out


def _thicker_or_thinner(strip: Strip, rng: Random) -> Strip:
    change = cv2.dilate if rng.random() < 0.5 else cv2.erode
    kernel = np.ones((2, 2), np.uint8) if rng.random() < 0.5 else np.ones((3, 2), np.uint8)
    amount = float(rng.uniform(0.3, 1.0))
    return np.asarray(cv2.addWeighted(change(strip, kernel), amount, strip, 1 - amount, 0), dtype=np.uint8)


def _lighter_or_darker(strip: Strip, rng: Random) -> Strip:
    power = float(np.exp(rng.normal(0, 0.3)))
    return _on_paper(strip, 255.0 * (strip[:, :, 0] / 255.0) ** power)


def _hatched(strip: Strip, rng: Random) -> Strip:
    """Print waves or lines in any direction, fainter than the ink."""
    rows, columns = np.mgrid[: strip.shape[0], : strip.shape[1]]
    angle, apart = (
        rng.uniform(-0.6, 0.6) if rng.random() < 0.7 else rng.uniform(0, np.pi),
        rng.uniform(2.5, 9),
    )
    bend = rng.uniform(0, 2.5) * np.sin(columns / rng.uniform(4, 30) + rng.uniform(0, 6))
    across = rows * np.cos(angle) + columns * np.sin(angle) + bend
    wave = 0.5 + 0.5 * np.cos(2 * np.pi * across / apart + rng.uniform(0, 6))
    print_ = rng.uniform(15, 120) * wave ** rng.uniform(1, 6)
    return _on_paper(strip, np.maximum(strip[:, :, 0], print_) + 0.3 * np.minimum(strip[:, :, 0], print_))


def _grainy(strip: Strip, rng: Random) -> Strip:
    noise: NDArray[Any] = rng.normal(0, rng.uniform(4, 22), strip.shape[:2])
    if rng.random() < 0.5:
        noise = cv2.GaussianBlur(noise, (0, 0), 0.8) * 2
    return _on_paper(strip, strip[:, :, 0] + noise)


def _blurred(strip: Strip, rng: Random) -> Strip:
    return np.asarray(cv2.GaussianBlur(strip, (0, 0), float(rng.uniform(0.4, 1.1))), dtype=np.uint8)


def _ink_lost(strip: Strip, rng: Random) -> Strip:
    """Drop part of the ink channel, as cleaning sometimes does."""
    out = strip.copy()
    left = int(rng.integers(0, strip.shape[1]))
    out[:, left : left + int(rng.integers(4, 40)), 1] = 0
    return out


def _all_taken_for_ink(strip: Strip, rng: Random) -> Strip:
    """Put patterns and print into the ink channel too."""
    out = strip.copy()
    out[:, :, 1] = np.where(strip[:, :, 0] > rng.uniform(50, 150), 255, 0)
    return out


def _on_paper(strip: Strip, dark: NDArray[np.floating]) -> Strip:
    out = strip.copy()
    out[:, :, 0] = np.clip(dark, 0, 255)
    return out


CHANGES: tuple[tuple[float, Callable[[Strip, Random], Strip]], ...] = (
    (0.3, _thicker_or_thinner),
    (0.4, _lighter_or_darker),
    (0.35, _hatched),
    (0.3, _grainy),
    (0.2, _blurred),
    (0.08, _ink_lost),
    (0.05, _all_taken_for_ink),
)
"""Changes to ink and paper, each with its probability."""
