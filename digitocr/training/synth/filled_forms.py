"""Forms filled in and photographed, with exact truth: what is written where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.forms.template import Field
from digitocr.records import Box, Grey, Transform
from digitocr.training.synth.hand import Hand, draw_hand
from digitocr.training.synth.paper import degrade, light, noise, shadow, vignette
from digitocr.training.synth.pen import Token, ink_texture, write
from digitocr.training.synth.strokes import Random, SkeletonWriter, Sources

Picture = NDArray[np.float32]
"""Grey values of shape ``(height, width)``."""

FILLERS = ("", "", "", "x", "x", "x", "-", "-", "scribble")
"""What is drawn into cells that hold no digit; '' for nothing."""

CRUMPLE_SHARE = 0.002
"""Largest standard deviation by which points of a crumpled page move, as a share of its height: twice what was measured
between real pages with a fold."""

MAX_TILT_DEG = 25.0
"""Largest angle between the camera's axis and the vertical."""


@dataclass(frozen=True, slots=True)
class FilledField:
    """What was written into a field.

    Attributes
    ----------
    text : str
        Its digits, '' for none.
    cells : tuple of str
        The digit of each cell, or the filler drawn instead, one of `FILLERS`; empty without cells.
    """

    text: str
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PagePhoto:
    """A photo of a page, and where its points lie in it.

    Attributes
    ----------
    image : (H, W) uint8 ndarray
    to_photo : (3, 3) float64 ndarray
        Homography from the page, as it would lie flat, to the photo.
    crumple : (h, w, 2) float32 ndarray
        Displacement of each point of the flat page, in pixels of the page.
    """

    image: Grey
    to_photo: Transform
    crumple: NDArray[np.float32]

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Carry points of the page, of shape ``(N, 2)``, over to the photo."""
        flat = points.copy()
        for _ in range(4):
            at = np.clip(flat.round().astype(np.int64), 0, np.array(self.crumple.shape[1::-1]) - 1)
            flat = points - self.crumple[at[:, 1], at[:, 0]]
        carried = flat @ self.to_photo[:, :2].T + self.to_photo[:, 2]
        return np.asarray(carried[:, :2] / carried[:, 2:])


def fill_in(
    rng: Random,
    paper: Picture,
    fields: Sequence[tuple[Field, Box, Sequence[Box]]],
    texts: Mapping[str, str],
    sources: Sources,
) -> dict[str, FilledField]:
    """Fill in a form in one hand.

    Parameters
    ----------
    rng : numpy.random.Generator
    paper : (H, W) float32 ndarray
        Is written on.
    fields : sequence of (Field, Box, sequence of Box)
        Each field with its box and its cells, in pixels of the paper.
    texts : mapping of str to str
        What to write into each field, by name.
    sources : Sources

    Returns
    -------
    dict of str to FilledField
        By name of field.
    """
    hand = draw_hand(
        rng, sources, thickness=float(rng.uniform(0.05, 0.13)), gap=float(rng.uniform(0.02, 0.3))
    )
    ink = float(rng.uniform(10, 95))
    crosser = replace(hand, letters=SkeletonWriter(int(rng.integers(2**31))))  # no letters: crosses, dashes
    share, grain = float(rng.uniform(0.5, 0.8)), float(rng.uniform(0.1, 0.7))
    filler = FILLERS[int(rng.integers(len(FILLERS)))]
    entries = {}
    for field, box, cells in fields:
        text = texts[field.name]
        if cells:
            plan = [*[filler] * (len(cells) - len(text)), *text]
            for cell, label in zip(cells, plan, strict=True):
                if label.isdigit():
                    _write(rng, paper, [Token(label)], hand, share, cell, ink, grain)
                elif label:
                    large = float(rng.uniform(share, 0.9))
                    _write(rng, paper, [Token(label, digit=False)], crosser, large, cell, ink, grain)
            entries[field.name] = FilledField(text, tuple(plan))
        else:
            if text:
                _write(rng, paper, [Token(digit) for digit in text], hand, share, box, ink, grain)
            entries[field.name] = FilledField(text)
    return entries


def _write(
    rng: Random,
    paper: Picture,
    tokens: Sequence[Token],
    hand: Hand,
    share: float,
    box: Box,
    ink: float,
    grain: float,
) -> None:
    """Write into the middle of a box, about."""
    height = share * box.height * float(rng.uniform(0.92, 1.08))
    written = write(rng, tokens, hand, height, margin=(0, 0, 0, 0))
    if written.alpha.shape[1] > box.width:
        height *= box.width / written.alpha.shape[1]
        written = write(rng, tokens, hand, height, margin=(0, 0, 0, 0))
    h, w = written.alpha.shape
    off = np.clip(rng.normal(0.5, 0.16, 2), -0.1, 1.1)
    x, y = (round(v) for v in (box.x + off[0] * (box.width - w), box.y + off[1] * (box.height - h)))
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, paper.shape[1]), min(y + h, paper.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    alpha = written.alpha[y0 - y : y1 - y, x0 - x : x1 - x]
    flow = ink_texture(rng, alpha, hand.pen, grain, max(1.0, height / 45))
    paper[y0:y1, x0:x1] *= 1 - flow * np.float32(1 - ink / 255)


def photograph_page(rng: Random, paper: Picture, *, longest: int, damage: float = 1.0) -> PagePhoto:
    """Take a photo of a page on a desk: any quarter turn, tilted, crumpled, badly lit, blurred.

    Parameters
    ----------
    rng : numpy.random.Generator
    paper : (H, W) float32 ndarray
    longest : int
        Longer side of the photo in pixels.
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.

    Returns
    -------
    PagePhoto
    """
    height, width = paper.shape
    crumple, shade = _crumpled(rng, (height, width), damage)
    to_photo, size = _camera(rng, (height, width), longest, damage)
    rows, columns = size
    back = np.linalg.inv(to_photo)
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).astype(np.float32)
    at = np.asarray(cv2.perspectiveTransform(grid.reshape(1, -1, 2), back), np.float32).reshape(
        rows, columns, 2
    )
    at = at + _sampled(crumple, at)
    cover = np.zeros(size, np.float32)
    on_page = ((at >= -0.5) & (at <= (width - 0.5, height - 0.5))).all(axis=2)
    cover[on_page] = 1
    cover = cv2.blur(cover, (3, 3)).astype(np.float32)
    shrink = float(np.sqrt(abs(np.linalg.det(to_photo[:2, :2]))))
    soft = cv2.GaussianBlur(paper, (0, 0), 0.4 / shrink) if shrink < 0.8 else paper
    seen = _sampled(np.asarray(soft * shade, np.float32), at)
    desk = np.full(size, rng.uniform(30, 150), np.float32) + noise(
        rng, size, float(rng.uniform(1, 5))
    ) * np.float32(8)
    picture = seen * cover + desk * (1 - cover)
    picture *= light(rng, size, float(rng.uniform(0.05, 0.35)) * damage) * np.float32(rng.uniform(0.75, 1.0))
    if rng.random() < 0.5 * damage:
        picture *= vignette(rng, size, float(rng.uniform(0.1, 0.5)))
    if rng.random() < 0.4 * damage:
        picture *= shadow(rng, size, float(rng.uniform(0.1, 0.5)))
    image = degrade(
        rng,
        np.asarray(picture, np.float32),
        blur=float(rng.uniform(0, 1.0)) * max(0.6, longest / 2000) * damage,
        grain=float(rng.uniform(0, 5)) * damage,
        quality=int(rng.integers(max(40, int(80 - 35 * damage)), 96)),
    )
    return PagePhoto(image, to_photo, crumple)


def _sampled(picture: NDArray[np.float32], at: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a picture's values at points given for each pixel, as x and y."""
    x, y = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _crumpled(rng: Random, shape: tuple[int, int], damage: float) -> tuple[NDArray[np.float32], Picture]:
    """Return how far a crumpled page's points are moved, in pixels, and how its slopes are shaded."""
    swing = float(rng.uniform(0, CRUMPLE_SHARE)) * max(shape) * damage
    wave = float(rng.uniform(0.2, 0.5)) * max(shape)
    moved = np.stack([noise(rng, shape, wave) for _ in range(2)], axis=-1) * np.float32(swing)
    slope = noise(rng, shape, wave / 2)
    shade = 1 + np.float32(0.04 * damage * rng.random()) * np.clip(slope, -2, 2)
    return moved.astype(np.float32), shade.astype(np.float32)


def _camera(
    rng: Random, shape: tuple[int, int], longest: int, damage: float
) -> tuple[Transform, tuple[int, int]]:
    """Return the homography from a page to a photo that shows all of it, and the photo's rows and columns."""
    height, width = shape
    tilt = np.radians(float(rng.uniform(0, MAX_TILT_DEG)) * damage)
    around = float(rng.uniform(0, 2 * np.pi))
    turn = np.radians(90 * int(rng.integers(4)) * (damage > 0) + float(rng.normal(0, 4)) * damage)
    axis = np.array([np.cos(around), np.sin(around), 0.0]) * tilt
    tilted, _ = cv2.Rodrigues(axis)
    turned, _ = cv2.Rodrigues(np.array([0.0, 0.0, turn]))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    flat = np.column_stack([(corners - (width / 2, height / 2)) / max(shape), np.zeros(4)])
    placed = flat @ (tilted @ turned).T + (0, 0, float(rng.uniform(1.3, 2.5)))
    seen = placed[:, :2] / placed[:, 2:]
    low, high = seen.min(axis=0), seen.max(axis=0)
    border = float(rng.uniform(0.02, 0.12))
    scale = longest * (1 - 2 * border) / float((high - low).max())
    columns, rows = (round(float(side) * scale + 2 * border * longest) for side in high - low)
    target = (seen - low) * scale + border * longest
    found = cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32))
    return np.asarray(found, dtype=np.float64), (rows, columns)
