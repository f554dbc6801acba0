"""Paper and light: cheque backgrounds, rules and grids, texture, shadows, and what a camera makes of them."""

from __future__ import annotations

from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.training.synth.strokes import Random

Field = NDArray[np.float32]
"""``float32`` picture of shape ``(height, width)``."""

_TILE = 256


class Pattern(StrEnum):
    """Background print of the paper."""

    PLAIN = "plain"
    WAVES = "waves"
    HATCH = "hatch"
    GUILLOCHE = "guilloche"
    STIPPLE = "stipple"
    RULED = "ruled"
    SQUARED = "squared"


def noise(rng: Random, shape: tuple[int, int], size: float = 1.0) -> Field:
    """Return smooth noise with features of ``size`` pixels; large pictures repeat a tile.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        Rows and columns.
    size : float
        Size of a feature in pixels.

    Returns
    -------
    (H, W) float32 ndarray
        Mean 0, standard deviation about 1.
    """
    rows, columns = shape
    if rows * columns > 4 * _TILE * _TILE and size < 8:
        tile = noise(rng, (_TILE, _TILE), size)
        return np.tile(tile, (rows // _TILE + 1, columns // _TILE + 1))[:rows, :columns]
    small = (max(2, int(rows / size) + 2), max(2, int(columns / size) + 2))
    coarse = rng.standard_normal(small, dtype=np.float32)
    if size <= 1:
        return np.ascontiguousarray(coarse[:rows, :columns])
    return np.asarray(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)


def light(rng: Random, shape: tuple[int, int], strength: float) -> Field:
    """Return uneven light as a factor around 1 that varies slowly.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        Rows and columns.
    strength : float
        Size of the variation, as a share.

    Returns
    -------
    (H, W) float32 ndarray
        0.25 to 1.35.
    """
    coarse = rng.normal(0, 1, (3, 3)).astype(np.float32)
    ramp = np.linspace(-1, 1, 3, dtype=np.float32)
    coarse = 0.25 * coarse + rng.normal() * ramp[:, None] + rng.normal() * ramp[None, :]
    field = cv2.resize(coarse.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(1 + field * np.float32(0.4 * strength), 0.25, 1.35), np.float32)


def vignette(rng: Random, shape: tuple[int, int], strength: float) -> Field:
    """Return the darkening towards the corners as a factor.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        Rows and columns.
    strength : float
        0 for none.

    Returns
    -------
    (H, W) float32 ndarray
        0.2 to 1.
    """
    rows, columns = shape
    cy, cx = rng.uniform(0.35, 0.65, 2)
    y = (np.arange(rows, dtype=np.float32) / max(rows - 1, 1) - np.float32(cy))[:, None]
    x = (np.arange(columns, dtype=np.float32) / max(columns - 1, 1) - np.float32(cx))[None, :]
    return np.asarray(np.clip(1 - np.float32(strength) * (x * x + y * y) * 2, 0.2, 1), np.float32)


def shadow(rng: Random, shape: tuple[int, int], depth: float) -> Field:
    """Return a shadow with a soft edge as a factor.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        Rows and columns.
    depth : float
        Share of the light that the shadow takes, 0 to 1.

    Returns
    -------
    (H, W) float32 ndarray
        ``1 - depth`` inside, 1 outside.
    """
    rows, columns = shape
    scale = max(1, max(shape) // 160)
    small = np.zeros((max(rows // scale, 4), max(columns // scale, 4)), np.uint8)
    h, w = small.shape
    angle = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(angle), np.sin(angle)])
    side = np.array([-direction[1], direction[0]])
    reach = float(np.hypot(h, w))
    edge = np.array([w / 2, h / 2]) + direction * rng.uniform(-0.3, 0.35) * reach
    wiggle = rng.normal(0, 0.06 * reach, 5)
    line = [
        edge + side * t * reach + direction * d for t, d in zip(np.linspace(-1, 1, 5), wiggle, strict=True)
    ]
    corners = np.array([*line, line[-1] + direction * 2 * reach, line[0] + direction * 2 * reach])
    cv2.fillPoly(small, [np.round(corners * 16).astype(np.int32)], 255, shift=4)
    sigma = float(rng.uniform(0.01, 0.12)) * reach
    soft = cv2.GaussianBlur(small, (0, 0), max(sigma, 0.8))
    big = cv2.resize(soft, (columns, rows), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return np.asarray(1 - big * np.float32(depth / 255), np.float32)


def _lines(phase: Field, sharp: float) -> Field:
    """Turn a phase field into thin dark lines in [0, 1]."""
    wave = np.cos(phase)
    return np.asarray(np.clip((wave - np.float32(sharp)) * np.float32(1 / (1 - sharp)), 0, 1), np.float32)


def _waves(rng: Random, shape: tuple[int, int], period: float, tilt: float, swing: float) -> Field:
    """Phase of wavy parallel lines: ``period`` in pixels, ``tilt`` in radians, ``swing`` in periods."""
    rows, columns = shape
    y = np.arange(rows, dtype=np.float32)[:, None]
    x = np.arange(columns, dtype=np.float32)[None, :]
    across = y * np.float32(np.cos(tilt)) + x * np.float32(np.sin(tilt))
    along = x * np.float32(np.cos(tilt)) - y * np.float32(np.sin(tilt))
    length = np.float32(rng.uniform(18, 120))
    bend = np.sin(along * np.float32(2 * np.pi) / length + np.float32(rng.uniform(0, 6.3)))
    slow = np.sin(
        along * np.float32(2 * np.pi) / (length * np.float32(rng.uniform(2, 4))) + across * np.float32(0.02)
    )
    phase = (across / np.float32(period) + np.float32(swing) * (bend + slow)) * np.float32(2 * np.pi)
    return np.asarray(phase, np.float32)


def pattern(rng: Random, shape: tuple[int, int], kind: Pattern, unit: float) -> Field:
    """Return a printed pattern as darkness.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        Rows and columns.
    kind : Pattern
    unit : float
        Height of the handwriting in pixels; the pattern scales with it.

    Returns
    -------
    (H, W) float32 ndarray
        0 to 1.
    """
    if kind is Pattern.PLAIN:
        return np.zeros(shape, np.float32)
    if kind is Pattern.STIPPLE:
        grain = noise(rng, shape, rng.uniform(1.0, 2.2))
        rows = _lines(_waves(rng, shape, rng.uniform(4, 8), rng.uniform(-0.1, 0.1), 0.1), 0.0)
        return np.asarray(np.clip(0.35 + 0.3 * grain + 0.25 * rows, 0, 1), np.float32)
    if kind is Pattern.WAVES:
        period = rng.uniform(3.5, max(5.0, 0.3 * unit))
        phase = _waves(rng, shape, period, rng.normal(0, 0.12), rng.uniform(0.05, 0.6))
        return _lines(phase, rng.uniform(-0.2, 0.75))
    if kind is Pattern.HATCH:
        period = rng.uniform(4, max(5.5, 0.32 * unit))
        tilt, cross = rng.uniform(-0.5, 0.3), rng.uniform(0.5, 1.5)
        sharp = rng.uniform(0.3, 0.85)
        one = _lines(_waves(rng, shape, period, tilt, rng.uniform(0, 0.5)), sharp)
        other = _waves(rng, shape, period * rng.uniform(0.8, 2.5), tilt + cross, rng.uniform(0, 0.8))
        return np.asarray(np.maximum(one, _lines(other, sharp) * np.float32(rng.uniform(0.4, 1))), np.float32)
    if kind is Pattern.GUILLOCHE:
        period = rng.uniform(4, max(5.5, 0.35 * unit))
        out = np.zeros(shape, np.float32)
        for _ in range(int(rng.integers(2, 4))):
            phase = _waves(
                rng, shape, period * rng.uniform(0.7, 1.8), rng.uniform(-0.7, 0.7), rng.uniform(0.5, 2.0)
            )
            out = np.maximum(out, _lines(phase, rng.uniform(0.5, 0.9)) * np.float32(rng.uniform(0.5, 1)))
        return out
    return rules(rng, shape, unit, squared=kind is Pattern.SQUARED)


def rules(rng: Random, shape: tuple[int, int], unit: float, *, squared: bool) -> Field:
    """Return ruled or squared paper, slightly out of level, as darkness.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        Rows and columns.
    unit : float
        Height of the handwriting in pixels.
    squared : bool
        Rule both ways.

    Returns
    -------
    (H, W) float32 ndarray
        0 to 1.
    """
    out = np.zeros(shape, np.uint8)
    rows, columns = shape
    gap = float(rng.uniform(0.8, 2.2)) * unit
    tilt = float(rng.normal(0, 0.012))
    # thin rules are faint rather than thinner than a pixel
    thick = max(1, round(gap * float(rng.uniform(0.012, 0.04))))

    def across(total: int, length: int, *, upright: bool) -> None:
        for at in np.arange(rng.uniform(0, gap), total + abs(tilt) * length + gap, gap):
            a, b = (at, 0.0), (at + (-tilt if upright else tilt) * length, float(length))
            ends = [a, b] if upright else [(a[1], a[0]), (b[1], b[0])]
            p, q = ([round(v * 16) for v in e] for e in ends)
            cv2.line(out, p, q, 255, thick, cv2.LINE_AA, shift=4)

    across(rows, columns, upright=False)
    if squared:
        across(columns, rows, upright=True)
    return out.astype(np.float32) * np.float32(1 / 255)


def sheet(
    rng: Random,
    shape: tuple[int, int],
    *,
    level: float,
    kind: Pattern = Pattern.PLAIN,
    contrast: float = 0.0,
    unit: float = 40.0,
    grain: float = 2.0,
    uneven: float = 0.0,
) -> Field:
    """Return a sheet of paper.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        Rows and columns.
    level : float
        Grey value of the paper, 0 to 255.
    kind : Pattern
    contrast : float
        How much darker the printed pattern is, in grey values.
    unit : float
        Height of the handwriting in pixels.
    grain : float
        Standard deviation of the paper's texture, in grey values.
    uneven : float
        Unevenness of the light, as a share.

    Returns
    -------
    (H, W) float32 ndarray
        Grey values, about 0 to 255.
    """
    paper = np.full(shape, level, np.float32)
    if kind is not Pattern.PLAIN and contrast > 0:
        paper -= pattern(rng, shape, kind, unit) * np.float32(contrast)
    if grain > 0:
        paper += noise(rng, shape, rng.uniform(1.0, 3.0)) * np.float32(grain)
    if uneven > 0:
        paper *= light(rng, shape, uneven)
    return paper


def degrade(
    rng: Random,
    image: NDArray[np.float32],
    *,
    blur: float = 0.0,
    grain: float = 0.0,
    quality: int | None = None,
) -> NDArray[np.uint8]:
    """Blur a picture, add noise and compress it, as a scanner or camera does.

    Parameters
    ----------
    rng : numpy.random.Generator
    image : (H, W) or (H, W, 3) float32 ndarray
        Grey values or BGR, about 0 to 255.
    blur : float
        Gaussian sigma in pixels.
    grain : float
        Standard deviation of the sensor noise, in grey values.
    quality : int, optional
        JPEG quality, 1 to 100; not compressed without it.

    Returns
    -------
    (H, W) or (H, W, 3) uint8 ndarray
    """
    out = image
    if blur > 0.2:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), blur), np.float32)
    if grain > 0:
        speckle = noise(rng, (image.shape[0], image.shape[1])) * np.float32(grain)
        out = out + (speckle if image.ndim == 2 else speckle[:, :, None])
    pixels: NDArray[np.uint8] = np.clip(out, 0, 255).astype(np.uint8)
    if quality is not None:
        _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        flag = cv2.IMREAD_GRAYSCALE if image.ndim == 2 else cv2.IMREAD_COLOR
        pixels = np.asarray(cv2.imdecode(coded, flag), np.uint8)
    return pixels
