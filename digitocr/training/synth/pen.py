"""Strokes of a hand laid out along a line and turned into ink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Grey
from digitocr.training.synth.hand import Hand, Pen
from digitocr.training.synth.paper import Field, noise
from digitocr.training.synth.skeletons import LETTERS, Points
from digitocr.training.synth.strokes import Glyph, Random, SkeletonWriter

Owner = NDArray[np.int16]
"""``int16`` picture: the digit (> 0) or sign (< 0) each pixel of ink belongs to, 0 for paper."""

OWNED_FROM: Final = 64
"""Least coverage, of 255, at which a pixel belongs to a stroke."""

_BANDS: Final = 8
"""Bands per digit height in which neighbours are kept apart."""


@dataclass(frozen=True, slots=True)
class Token:
    """A digit or a sign to be written.

    Attributes
    ----------
    label : str
    digit : bool
        False for what is not to be read.
    space : float
        White space before it in heights, added to the hand's.
    """

    label: str
    digit: bool = True
    space: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """Ink of a number or sign, before it meets paper.

    Attributes
    ----------
    alpha : (h, w) uint8 ndarray
        Coverage by ink, 255 full.
    owner : (h, w) int16 ndarray
        ``k + 1`` where digit ``k`` covers most, ``-(k + 1)`` where sign ``k`` does, 0 elsewhere.
    digits, signs : tuple of Glyph
        In writing order.
    origin : tuple of float
        x, y in the picture of where the writing began: the baseline's left end.
    height : float
        Height of a digit in pixels.
    """

    alpha: Grey
    owner: Owner
    digits: tuple[Glyph, ...]
    signs: tuple[Glyph, ...]
    origin: tuple[float, float]
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """A glyph with its way from the cap frame to pixels."""

    glyph: Glyph
    digit: bool
    strokes: tuple[Points, ...]
    affine: NDArray[np.float64]
    outline: Points


def write(
    rng: Random,
    tokens: Sequence[Token],
    hand: Hand,
    height: float,
    *,
    margin: tuple[int, int, int, int] = (1, 1, 1, 1),
) -> Written:
    """Write digits and signs in a row.

    Parameters
    ----------
    rng : numpy.random.Generator
    tokens : sequence of Token
        What to write, from left to right; at least one.
    hand : Hand
    height : float
        Of a digit, in pixels.
    margin : tuple of int
        Free pixels left, above, right and below of the ink; negative ones cut into it.

    Returns
    -------
    Written

    Raises
    ------
    ValueError
        No source can write a token.
    """
    placed = _lay_out(rng, tokens, hand, height)
    pen = max(hand.thickness * height, 0.9)
    outline = np.concatenate([p.outline for p in placed])
    low = np.floor(outline.min(axis=0) - pen / 2 - np.array(margin[:2]))
    high = np.ceil(outline.max(axis=0) + pen / 2 + np.array(margin[2:]))
    width, rows = (max(int(v), 2) for v in high - low)
    best = np.zeros((rows, width), np.uint8)
    owner = np.zeros((rows, width), np.int16)
    digits: list[Glyph] = []
    signs: list[Glyph] = []
    for p in placed:
        (digits if p.digit else signs).append(p.glyph)
        name = len(digits) if p.digit else -len(signs)
        cover, (x, y) = _cover(rng, p, hand, pen, low)
        _claim(best, owner, cover, x, y, name)
    return Written(best, owner, tuple(digits), tuple(signs), (float(-low[0]), float(-low[1])), height)


def _claim(best: Grey, owner: Owner, cover: Grey, x: int, y: int, name: int) -> None:
    """Lay one glyph's coverage over the others; each pixel goes to the one that covers most of it."""
    y0, x0 = max(y, 0), max(x, 0)
    y1, x1 = min(y + cover.shape[0], best.shape[0]), min(x + cover.shape[1], best.shape[1])
    if y1 <= y0 or x1 <= x0:
        return
    part = cover[y0 - y : y1 - y, x0 - x : x1 - x]
    here = best[y0:y1, x0:x1]
    owner[y0:y1, x0:x1][(part > here) & (part >= OWNED_FROM)] = name
    np.maximum(here, part, out=here)


def _lay_out(rng: Random, tokens: Sequence[Token], hand: Hand, height: float) -> list[_Placed]:
    """Place glyphs along the line so that strokes, not boxes, keep the hand's distance."""
    reach = np.full(4 * _BANDS, -np.inf)
    placed: list[_Placed] = []
    previous: _Placed | None = None
    for token in tokens:
        glyph = _glyph(rng, hand, token)
        p = _place(rng, glyph, hand, height, digit=token.digit)
        band = np.clip((p.outline[:, 1] / height + 2) * _BANDS, 0, 4 * _BANDS - 1).astype(np.intp)
        left = np.full(4 * _BANDS, np.inf)
        np.minimum.at(left, band, p.outline[:, 0])
        right = np.full(4 * _BANDS, -np.inf)
        np.maximum.at(right, band, p.outline[:, 0])
        if previous is None:
            shift = -float(p.outline[:, 0].min())
        else:
            gap = rng.normal(hand.gap, hand.gap_spread) + token.space
            if not token.digit:
                gap = max(gap, 0.0) * 0.6
            elif _is_zero(previous) and _is_zero(p):
                gap -= hand.zero_overlap
            overlap = reach - _spread(left, np.minimum)
            touch = float(overlap.max())
            if not np.isfinite(touch):
                touch = float(previous.outline[:, 0].max() - p.outline[:, 0].min())
            # strokes are at least a pen apart unless the hand lets them cross
            shift = touch + (max(gap, -0.22) + hand.thickness) * height
            shift = max(shift, float(previous.outline[:, 0].min() - p.outline[:, 0].min()) + 0.16 * height)
        p = _moved(p, shift, shift * hand.baseline)
        if previous is not None and _may_join(previous, p) and rng.random() < hand.join_zeros:
            previous = _joined(rng, previous, p, height * hand.zero_size)
            placed[-1] = previous
        placed.append(p)
        reach = np.maximum(reach, _spread(right + shift, np.maximum))
        previous = p
    return placed


def _spread(profile: NDArray[np.float64], pick: np.ufunc) -> NDArray[np.float64]:
    """Let every band see its two neighbours."""
    out = profile.copy()
    out[1:] = pick(out[1:], profile[:-1])
    out[:-1] = pick(out[:-1], profile[1:])
    return out


def _glyph(rng: Random, hand: Hand, token: Token) -> Glyph:
    """Ask the writer, then the writer of letters, then our own skeletons.

    Raises
    ------
    ValueError
        None of them can write it.
    """
    for writer in (hand.writer, hand.letters) if token.digit or token.label in LETTERS else ():
        found = writer.glyph(rng, token.label)
        if found is not None:
            return found
    own = SkeletonWriter(int(rng.integers(2**31))).glyph(rng, token.label)
    if own is None:
        raise ValueError(f"no source can write {token.label!r}")
    return own


def _place(rng: Random, glyph: Glyph, hand: Hand, height: float, *, digit: bool) -> _Placed:
    """Bend, widen, slant and turn a glyph and scale it to pixels, its baseline at y = 0."""
    size = height * float(np.clip(rng.normal(1, hand.size_spread), 0.7, 1.35))
    turn = float(rng.normal(0, hand.turn_spread))
    drop = float(rng.normal(0, hand.drop_spread)) * height if digit else 0.0
    aspect = hand.aspect
    if glyph.label == "0":
        size, aspect = size * hand.zero_size, aspect * hand.zero_aspect
    cos, sin = np.cos(turn) * size, np.sin(turn) * size
    shear = np.array([[aspect, -hand.slant], [0.0, 1.0]])
    matrix = np.array([[cos, -sin], [sin, cos]]) @ shear
    offset = np.array([0.0, drop]) - matrix @ np.array([0.0, 1.0])
    affine = np.hstack([matrix, offset[:, None]])
    if glyph.mask is not None:
        affine, outline = _picture_frame(glyph.mask, affine)
        return _Placed(glyph, digit, (), affine, outline)
    waves = rng.normal(0, hand.bend, 4)
    phase = rng.uniform(0, 2 * np.pi, 2)
    strokes = []
    for s in glyph.strokes:
        x, y = s[:, 0], s[:, 1]
        bent = np.stack(
            [
                x + waves[0] * np.sin(4.5 * y + phase[0]) + waves[1] * np.sin(8 * y + phase[1]),
                y + waves[2] * np.sin(5 * x + phase[1]) + waves[3] * np.sin(9 * x + phase[0]),
            ],
            axis=1,
        )
        strokes.append((bent @ matrix.T + offset).astype(np.float32))
    return _Placed(glyph, digit, tuple(strokes), affine, np.concatenate(strokes))


def _picture_frame(mask: Grey, affine: NDArray[np.float64]) -> tuple[NDArray[np.float64], Points]:
    """Return the map from mask pixels to the line, and the mask's ink as points on the line."""
    ys, xs = np.nonzero(mask > 96)
    if len(ys) == 0:
        ys, xs = np.array([0, 27]), np.array([10, 17])
    top, bottom, left = float(ys.min()), float(ys.max() + 1), float(xs.min())
    scale = 1 / max(bottom - top, 4.0)
    to_cap = np.array([[scale, 0, (0.5 - left) * scale], [0, scale, 1 - (bottom - 0.5) * scale], [0, 0, 1]])
    whole = affine @ to_cap
    points = np.stack([xs, ys, np.ones_like(xs)]).astype(np.float64)
    return whole, (whole @ points).T.astype(np.float32)


def _moved(p: _Placed, dx: float, dy: float) -> _Placed:
    shift = np.array([dx, dy], np.float32)
    affine = p.affine.copy()
    affine[:, 2] += shift
    return replace(p, strokes=tuple(s + shift for s in p.strokes), affine=affine, outline=p.outline + shift)


def _is_zero(p: _Placed) -> bool:
    return p.digit and p.glyph.label == "0"


def _may_join(a: _Placed, b: _Placed) -> bool:
    return _is_zero(a) and _is_zero(b) and bool(a.strokes) and bool(b.strokes)


def _joined(rng: Random, a: _Placed, b: _Placed, height: float) -> _Placed:
    """Add the stroke by which a zero runs into the next one."""
    top, foot = float(a.outline[:, 1].min()), float(a.outline[:, 1].max())
    y = (
        top + float(rng.uniform(0.02, 0.35)) * height
        if rng.random() < 0.7
        else foot - float(rng.uniform(0, 0.2)) * height
    )
    near = a.outline[np.abs(a.outline[:, 1] - y).argsort()[:6]]
    far = b.outline[np.abs(b.outline[:, 1] - y).argsort()[:6]]
    start, end = near[near[:, 0].argmax()], far[far[:, 0].argmin()]
    dip = start * 0.5 + end * 0.5 + np.array([0, rng.uniform(-0.1, 0.12) * height], np.float32)
    t = np.linspace(0, 1, 7, dtype=np.float32)[:, None]
    arc = (1 - t) ** 2 * start + 2 * t * (1 - t) * dip + t**2 * end
    return replace(a, strokes=(*a.strokes, arc.astype(np.float32)), outline=np.concatenate([a.outline, arc]))


def _cover(
    rng: Random, p: _Placed, hand: Hand, pen: float, low: NDArray[np.float64]
) -> tuple[Grey, tuple[int, int]]:
    """Rasterise a glyph; return its coverage and where in the picture it belongs."""
    start = np.floor(p.outline.min(axis=0) - low - pen - 2).astype(int)
    end = np.ceil(p.outline.max(axis=0) - low + pen + 2).astype(int)
    width, rows = (int(v) for v in end - start)
    offset = (-low - start).astype(np.float32)
    if p.glyph.mask is not None:
        affine = p.affine.copy()
        affine[:, 2] += offset - 0.5
        if p.glyph.is_ink:
            return np.asarray(cv2.warpAffine(p.glyph.mask, affine, (width, rows)), np.uint8), (
                int(start[0]),
                int(start[1]),
            )
        # several times larger: smooth edges need a harder mask
        soft = cv2.warpAffine(p.glyph.mask, affine, (width, rows), flags=cv2.INTER_CUBIC)
        hard = np.clip((soft.astype(np.float32) - rng.uniform(45, 105)) * 1.9, 0, 255)
        return hard.astype(np.uint8), (int(start[0]), int(start[1]))
    paths = [s + offset for s in p.strokes]
    cover = rasterise(rng, paths, pen, (rows, width), pressure=hand.pressure)
    return cover, (int(start[0]), int(start[1]))


def rasterise(
    rng: Random, paths: Sequence[Points], pen: float, shape: tuple[int, int], *, pressure: float = 0.0
) -> Grey:
    """Draw pen paths with smooth edges.

    Parameters
    ----------
    rng : numpy.random.Generator
    paths : sequence of (P, 2) float32 ndarray
        In pixels; pixel edges are at whole numbers.
    pen : float
        Thickness in pixels.
    shape : tuple of int
        Rows and columns of the picture.
    pressure : float
        Variation of the thickness along the path, as a share.

    Returns
    -------
    (h, w) uint8 ndarray
        Coverage.
    """
    scale = 4 if pen < 5 else 2
    canvas = np.zeros((shape[0] * scale, shape[1] * scale), np.uint8)
    fixed = [np.round((p * scale - 0.5) * 16).astype(np.int32) for p in paths]
    if pressure < 0.03:
        cv2.polylines(canvas, fixed, isClosed=False, color=255, thickness=max(1, round(pen * scale)), shift=4)
    else:
        for path in fixed:
            runs = range(0, max(len(path) - 1, 1), 5)
            force = _pressures(rng, len(runs), pressure)
            for first, f in zip(runs, force, strict=True):
                thick = max(1, round(pen * scale * float(f)))
                cv2.polylines(
                    canvas, [path[first : first + 6]], isClosed=False, color=255, thickness=thick, shift=4
                )
    return np.asarray(cv2.resize(canvas, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.uint8)


def _pressures(rng: Random, count: int, spread: float) -> NDArray[np.float64]:
    """Thickness factors that change smoothly along a stroke and taper at its ends."""
    at = np.arange(count) / max(count - 1, 1)
    wave = np.sin(2 * np.pi * (at * rng.uniform(0.4, 1.6) + rng.random()))
    force = 1 + spread * (0.8 * wave + 0.4 * rng.normal(size=count))
    taper = rng.uniform(0, spread, 2)
    force[0] -= taper[0]
    force[-1] -= taper[1]
    return np.clip(force, 0.45, 1.6)


def ink_texture(rng: Random, alpha: Grey, pen: Pen, strength: float, scale: float = 1.0) -> Field:
    """Return how much ink lies where, in [0, 1]: coverage with the grain and the gaps of a pen.

    Parameters
    ----------
    rng : numpy.random.Generator
    alpha : (h, w) uint8 ndarray
    pen : Pen
    strength : float
        0 for even ink to 1 for strong grain.
    scale : float
        Size of the grain, 1 for digits some 40 pixels high.

    Returns
    -------
    (h, w) float32 ndarray
        Coverage with the texture of the pen, 0 to 1.
    """
    cover = alpha.astype(np.float32) * np.float32(1 / 255)
    shape = (alpha.shape[0], alpha.shape[1])
    if pen is Pen.PENCIL:
        grain = noise(rng, shape, scale) * np.float32(0.8) + noise(rng, shape, 2.5 * scale) * np.float32(0.4)
        flow: Field = np.float32(0.82) + np.float32(0.45 * strength) * grain
        least = 0.15
    elif pen is Pen.BALLPOINT:
        wide, fine = noise(rng, shape, 6 * scale), noise(rng, shape, 1.4 * scale)
        flow = np.float32(0.95) + np.float32(strength) * (wide * np.float32(0.16) + fine * np.float32(0.14))
        least = 0.2
    elif pen is Pen.MARKER:
        soft = np.asarray(cv2.GaussianBlur(cover, (0, 0), 1.2 * scale), np.float32)
        flow = np.float32(1) - np.float32(0.25 * strength) * soft
        flow += noise(rng, shape, 5 * scale) * np.float32(0.05)
        least = 0.4
    else:
        flow = np.float32(0.97) + np.float32(0.1 * strength) * noise(rng, shape, 3 * scale)
        least = 0.5
    return np.asarray(cover * np.clip(flow, least, 1), np.float32)
