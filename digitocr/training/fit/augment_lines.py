"""Augmentation of text-line images: stretched, slanted, shifted, thickened, faded, patterned, blurred."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.networks.line_reader import FRAME

STRETCH, HEIGHT, SLANT, SHIFT, TILT = 0.12, 0.08, 0.12, 0.0375, 0.01
"""Standard deviations: logarithms of width and height, columns per row, share of the rows, rows per column."""

Strip = NDArray[np.uint8]
Random = np.random.Generator
Changes = Sequence[tuple[float, Callable[[Strip, Random], Strip]]]
"""Changes to ink and paper, each with its probability."""


def moved(strip: Strip, least: int, rng: Random) -> Strip:
    """Stretch, slant, shift and tilt a strip.

    Parameters
    ----------
    strip : (h, w, C) uint8 ndarray
        Bright on black; what lies beyond it is as its edge.
    least : int
        Fewest frames of the result.
    rng : numpy.random.Generator

    Returns
    -------
    (h, v, C) uint8 ndarray
        `v` is a multiple of `FRAME`; frames keep their relative position.
    """
    rows, width = strip.shape[:2]
    stretch = float(np.exp(np.clip(rng.normal(0, STRETCH), -0.3, 0.3)))
    frames = max(least, round(width * stretch / FRAME))
    across = width / (frames * FRAME)
    down = float(np.exp(np.clip(rng.normal(0, HEIGHT), -0.2, 0.2)))
    slant, shift = float(rng.normal(0, SLANT)), float(rng.normal(0, SHIFT * rows))
    tilt = float(np.clip(rng.normal(0, TILT), -4 / width, 4 / width))
    middle = rows / 2
    # Pixel (u, v) of the result shows pixel (across * u + slant * (v - middle), ...) of the strip.
    back = np.array(
        [
            [across, slant, -slant * middle],
            [tilt * across, down, middle - down * (middle + shift) - tilt * width / 2],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(strip, back, (frames * FRAME, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, dtype=np.uint8).reshape(rows, frames * FRAME, -1)


def worn(strip: Strip, changes: Changes, rng: Random) -> Strip:
    """Apply each of some changes to a strip with its probability.

    Parameters
    ----------
    strip : (h, w, C) uint8 ndarray
    changes : sequence of (float, callable)
    rng : numpy.random.Generator

    Returns
    -------
    (h, w, C) uint8 ndarray
    """
    out = strip
    for share, change in changes:
        if rng.random() < share:
            out = change(out, rng)
    return out


def _thicker_or_thinner(strip: Strip, rng: Random) -> Strip:
    change = cv2.dilate if rng.random() < 0.5 else cv2.erode
    kernel = np.ones((2, 2), np.uint8) if rng.random() < 0.5 else np.ones((3, 2), np.uint8)
    amount = float(rng.uniform(0.3, 1.0))
    changed = change(strip, kernel).reshape(strip.shape)
    return np.asarray(cv2.addWeighted(changed, amount, strip, 1 - amount, 0), dtype=np.uint8).reshape(
        strip.shape
    )


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
    blurred = cv2.GaussianBlur(strip, (0, 0), float(rng.uniform(0.4, 1.1)))
    return np.asarray(blurred, dtype=np.uint8).reshape(strip.shape)


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


def _pale(strip: Strip, rng: Random) -> Strip:
    """Write with less contrast on paper of another tone."""
    dark = strip[:, :, 0].astype(np.float32) * np.float32(rng.uniform(0.15, 0.7))
    return _on_paper(strip, dark + rng.uniform(0, 255 - float(dark.max())))


def _coarse(strip: Strip, rng: Random) -> Strip:
    """Show the strip as a picture of few pixels does."""
    height, width = strip.shape[:2]
    share = float(rng.uniform(0.25, 0.7))
    size = (max(4, round(width * share)), max(4, round(height * share)))
    small = cv2.resize(strip[:, :, 0], size, interpolation=cv2.INTER_AREA)
    how = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_NEAREST
    return _on_paper(
        strip, np.asarray(cv2.resize(small, (width, height), interpolation=how), dtype=np.float32)
    )


def _ruled(strip: Strip, rng: Random) -> Strip:
    """Draw a line or two under, over or through the digits, or beside them."""
    out = strip.copy()
    rows, columns = strip.shape[:2]
    layer = np.zeros((rows, columns), np.uint8)
    for _ in range(int(rng.integers(1, 3))):
        thick = int(rng.integers(1, 4))
        if rng.random() < 0.75:
            y = (
                rng.choice([rng.uniform(0, 0.2), rng.uniform(0.7, 1), rng.uniform(0, 1)], p=[0.3, 0.5, 0.2])
                * rows
            )
            ends = (0, round(y)), (columns, round(y + rng.normal(0, 0.02) * columns))
        else:
            x = rng.choice([rng.uniform(0, 0.04), rng.uniform(0.96, 1)]) * columns
            ends = (round(x), 0), (round(x + rng.normal(0, 2)), rows)
        cv2.line(layer, ends[0], ends[1], 255, thick, cv2.LINE_AA)
    dark = float(rng.uniform(0.3, 1.0)) * float(np.quantile(strip[:, :, 0], 0.98))
    out[:, :, 0] = np.maximum(strip[:, :, 0], layer.astype(np.float32) / 255 * dark)
    return out


def _unevenly_lit(strip: Strip, rng: Random) -> Strip:
    """Let a shadow fall over a part of the paper."""
    columns = np.linspace(-1, 1, strip.shape[1], dtype=np.float32)
    edge, steep = rng.uniform(-1, 1), rng.choice([-1.0, 1.0]) * rng.uniform(1, 30)
    shade = rng.uniform(20, 110) / (1 + np.exp(-steep * (columns - edge)))
    dark = strip[:, :, 0].astype(np.float32)
    return _on_paper(strip, dark + shade[None, :] * (1 - dark / 255))


def _out_of_focus(strip: Strip, rng: Random) -> Strip:
    """Blur the strip as a camera does that is out of focus, or moves."""
    size = float(rng.uniform(1.0, 2.6))
    if rng.random() < 0.6:
        return np.asarray(cv2.GaussianBlur(strip, (0, 0), size), dtype=np.uint8).reshape(strip.shape)
    length, angle = 1 + 2 * round(size), rng.uniform(0, np.pi)
    way = np.zeros((length, length), np.float32)
    reach = (length - 1) / 2 * np.array([np.cos(angle), np.sin(angle)])
    ends = [tuple(round(float(v)) for v in length // 2 + side * reach) for side in (-1, 1)]
    cv2.line(way, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(strip, -1, way / way.sum()), dtype=np.uint8).reshape(strip.shape)


def _enclosed(strip: Strip, rng: Random) -> Strip:
    """Draw a ring, a box or a triangle around the digits, with the pen that wrote them."""
    rows, columns = strip.shape[:2]
    shape = rng.choice(["ring", "box", "triangle"], p=[0.6, 0.3, 0.1])
    share = float(rng.uniform(0.5, 0.85)) * (0.7 if shape == "triangle" else 1.0)
    low = 0.12 * rows if shape == "triangle" else 0.0
    place = np.array(
        [[share, 0, (1 - share) * columns / 2], [0, share, (1 - share) * rows / 2 + low]], dtype=np.float32
    )
    small = cv2.warpAffine(strip, place, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    out = np.asarray(small, dtype=np.uint8).reshape(strip.shape)
    x, y = rng.uniform(0.01, 0.1, 2) * (columns, rows)
    half = np.array([columns / 2 - x, rows / 2 - y])
    steps = {"ring": 40, "box": 4, "triangle": 3}[str(shape)]
    turns = 2 * np.pi * np.arange(steps) / steps - (np.pi / 4 if shape == "box" else np.pi / 2)
    round_ = np.stack([np.cos(turns), np.sin(turns)], axis=1) * (2**0.5 if shape == "box" else 1.0)
    corners = np.array([columns, rows]) / 2 + round_ * half + rng.normal(0, 0.01 * rows, (steps, 2))
    layer = np.zeros((rows, columns), np.uint8)
    path, thick = np.rint(corners).astype(np.int32), int(rng.integers(1, 4))
    cv2.polylines(layer, [path], isClosed=True, color=255, thickness=thick, lineType=cv2.LINE_AA)
    dark = float(rng.uniform(0.6, 1.0)) * float(np.quantile(strip[:, :, 0], 0.98))
    return _on_paper(out, np.maximum(out[:, :, 0], layer.astype(np.float32) / 255 * dark))


CHANGES: Changes = (
    (0.3, _thicker_or_thinner),
    (0.4, _lighter_or_darker),
    (0.35, _hatched),
    (0.3, _grainy),
    (0.2, _blurred),
    (0.08, _ink_lost),
    (0.05, _all_taken_for_ink),
)
"""Changes to a strip of the cleaned sheet and its ink."""

PAGE_CHANGES: Changes = (
    (0.05, _enclosed),
    (0.25, _thicker_or_thinner),
    (0.3, _lighter_or_darker),
    (0.2, _hatched),
    (0.12, _ruled),
    (0.2, _pale),
    (0.25, _grainy),
    (0.2, _blurred),
    (0.08, _out_of_focus),
    (0.12, _coarse),
    (0.12, _unevenly_lit),
)
"""Changes to a strip of the page as it is."""
