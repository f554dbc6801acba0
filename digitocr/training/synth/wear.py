"""What befalls paper: waves, folds, creases, stains, holes, clips, fingers, torn corners, hidden parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from digitocr.records import Box, Grey
from digitocr.training.synth.drawing import NO_OWNER
from digitocr.training.synth.ground import Ground
from digitocr.training.synth.inks import Ink
from digitocr.training.synth.paper import Field, noise
from digitocr.training.synth.scene import Scene
from digitocr.training.synth.strokes import Random

_SKIN: Final[tuple[Ink, ...]] = (
    (150.0, 175.0, 220.0),
    (110.0, 140.0, 195.0),
    (60.0, 85.0, 130.0),
    (40.0, 55.0, 85.0),
)
_METAL: Final[Ink] = (150.0, 150.0, 155.0)

_TRIES: Final = 6
"""Places tried for what must not cover a digit that is to be read."""


def fold(rng: Random, scene: Scene) -> None:
    """Fold the paper once or twice and flatten it again: a thin line, and another light on each side.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
        In colour, as in all functions here.
    """
    rows, columns = scene.owner.shape
    for _ in range(int(rng.integers(1, 3))):
        upright = rng.random() < 0.5
        length, across = (rows, columns) if upright else (columns, rows)
        at = float(rng.choice([0.25, 0.33, 0.5, 0.67])) + float(rng.normal(0, 0.03))
        line = at * across + np.cumsum(rng.normal(0, 0.15, length))
        way = np.arange(across, dtype=np.float32)[None, :] - line[:, None].astype(np.float32)
        thick = max(0.7, float(rng.uniform(0.0005, 0.002)) * across)
        factor = 1 + np.float32(rng.uniform(-0.35, 0.15)) * np.exp(-((way / np.float32(thick)) ** 2))
        factor *= 1 + np.float32(rng.uniform(-0.06, 0.06)) * np.sign(way) * np.exp(
            -np.abs(way) / np.float32(0.3 * across)
        )
        _shade(scene, factor if upright else factor.T)


def crease(rng: Random, scene: Scene) -> None:
    """Crumple the paper: facets lit from one side.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
    """
    rows, columns = scene.owner.shape
    size = float(rng.uniform(0.04, 0.15)) * max(rows, columns)
    relief = np.abs(noise(rng, (rows, columns), max(size, 8.0)))
    steep = cv2.Sobel(relief, cv2.CV_32F, 1, 1, ksize=3)
    slope = np.asarray(steep / max(float(np.abs(steep).max()), 1e-6), np.float32)
    lit = noise(rng, (rows, columns), max(size, 8.0)) * np.float32(0.03) + slope * np.float32(0.3)
    _shade(scene, 1 + lit * np.float32(rng.uniform(0.4, 1.2)))


def curl(rng: Random, scene: Scene) -> None:
    """Let the paper lie in waves, so that its lines bend; unless a digit would leave the page.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
    """
    rows, columns = scene.owner.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    turn = rng.uniform(0, 6.3, 2)
    reach = float(rng.uniform(0.004, 0.02)) * min(rows, columns)
    waves = rng.uniform(0.4, 1.6, 2) * 2 * np.pi
    dy = reach * np.sin(x * np.float32(waves[0] / columns) + np.float32(turn[0]))
    dx = 0.6 * reach * np.sin(y * np.float32(waves[1] / rows) + np.float32(turn[1]))
    at_x, at_y = (x + dx).astype(np.float32), (y + dy).astype(np.float32)
    owner = np.asarray(cv2.remap(scene.owner, at_x, at_y, cv2.INTER_NEAREST), np.int16)
    if len(np.unique(owner[owner > 0])) < len(np.unique(scene.owner[scene.owner > 0])):
        return
    scene.owner[:] = owner
    scene.paper[:] = cv2.remap(scene.paper, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    _shade(scene, 1 + np.float32(0.08) * np.cos(x * np.float32(waves[0] / columns) + np.float32(turn[0])))
    if scene.ground is not None:
        mode = cv2.BORDER_REPLICATE
        scene.ground[:] = cv2.remap(scene.ground, at_x, at_y, cv2.INTER_NEAREST, borderMode=mode)


def stain(rng: Random, scene: Scene) -> None:
    """Leave the ring of a cup, or a spot.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
    """
    rows, columns = scene.owner.shape
    mask = np.zeros((rows, columns), np.uint8)
    radius = round(float(rng.uniform(0.04, 0.2)) * min(rows, columns))
    at = (int(rng.integers(columns)), int(rng.integers(rows)))
    thick = -1 if rng.random() < 0.4 else max(1, radius // 10)
    cv2.circle(mask, at, max(2, radius), 255, thick, cv2.LINE_AA)
    soft = cv2.GaussianBlur(mask, (0, 0), max(1.0, radius / 25)).astype(np.float32) / 255
    brown = np.array([0.55, 0.78, 0.9], np.float32)
    depth = np.float32(rng.uniform(0.1, 0.5))
    scene.paper *= 1 - soft[:, :, None] * depth * (1 - brown)


def show_through(rng: Random, scene: Scene) -> None:
    """Let the other side show through: the mirror image of such a page, blurred and pale.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
    """
    other = cv2.GaussianBlur(scene.paper[:, ::-1], (0, 0), max(0.8, max(scene.owner.shape) / 900))
    level = np.float32(max(float(np.median(other)), 1.0))
    pale = np.clip(1 - other.mean(axis=2) / level, 0, 1) * np.float32(rng.uniform(0.08, 0.3))
    _shade(scene, 1 - np.roll(pale, int(rng.integers(-40, 40)), axis=0))


def holes(rng: Random, scene: Scene) -> None:
    """Punch holes along one side.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
    """
    rows, columns = scene.owner.shape
    radius = max(3, round(float(rng.uniform(0.006, 0.014)) * max(rows, columns)))
    x = round(float(rng.uniform(1.5, 3)) * radius)
    x = columns - x if rng.random() < 0.3 else x
    count = int(rng.choice([2, 2, 4, 12]))
    mask = np.zeros((rows, columns), np.uint8)
    for k in range(count):
        cv2.circle(mask, (x, round((k + 0.5) / count * rows)), radius, 255, -1, cv2.LINE_AA)
    tone: Ink = (float(rng.uniform(10, 120)),) * 3
    _cover(scene, mask, tone)


def clip(rng: Random, scene: Scene) -> None:
    """Put a paper clip or a staple onto the upper edge.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
    """
    rows, columns = scene.owner.shape
    size = float(rng.uniform(0.02, 0.05)) * max(rows, columns)
    thick = max(1, round(size / 9))
    for _ in range(_TRIES):
        mask = np.zeros((rows, columns), np.uint8)
        x = float(rng.uniform(0.05, 0.95)) * columns
        if rng.random() < 0.4:
            turn = float(rng.normal(0, 0.4))
            y = float(rng.uniform(0.5, 2)) * size
            end = (round(x + size * np.cos(turn)), round(y + size * np.sin(turn)))
            cv2.line(mask, (round(x), round(y)), end, 255, thick, cv2.LINE_AA)
        else:
            for k, (top, tall) in enumerate(((-0.3, 2.6), (-0.3, 2.0), (0.1, 1.4))):
                half = size * (0.36 - 0.1 * k)
                centre = (round(x), round(size * (top + tall / 2)))
                cv2.ellipse(
                    mask, centre, (round(half), round(size * tall / 2)), 0, 0, 360, 255, thick, cv2.LINE_AA
                )
        if _cover(scene, mask, _METAL):
            return


def finger(rng: Random, scene: Scene) -> None:
    """Hold the paper: the tip of a thumb or finger over its edge.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
    """
    rows, columns = scene.owner.shape
    skin = _SKIN[int(rng.integers(len(_SKIN)))]
    for _ in range(_TRIES):
        mask = np.zeros((rows, columns), np.uint8)
        wide = float(rng.uniform(0.03, 0.08)) * max(rows, columns)
        long = wide * float(rng.uniform(1.2, 3))
        side = int(rng.integers(4))
        along = float(rng.uniform(0.1, 0.9))
        x, y = ((0, along * rows), (columns, along * rows), (along * columns, 0), (along * columns, rows))[
            side
        ]
        turn = (0, 180, 90, 270)[side] + float(rng.normal(0, 15))
        cv2.ellipse(
            mask, (round(x), round(y)), (round(long), round(wide)), turn, 0, 360, 255, -1, cv2.LINE_AA
        )
        if _cover(scene, mask, skin, shaded=True):
            return


def tear(rng: Random, scene: Scene) -> None:
    """Tear off a corner or a strip along an edge.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
    """
    rows, columns = scene.owner.shape
    tone: Ink = (float(rng.uniform(10, 150)),) * 3
    for _ in range(_TRIES):
        reach = float(rng.uniform(0.02, 0.12)) * min(rows, columns)
        jag = np.cumsum(rng.normal(0, 0.12 * reach, 30))
        t = np.linspace(0, 1, 30)
        if rng.random() < 0.5:
            edge = np.stack([t * columns, reach * 0.6 + jag], axis=1)
            outline = np.concatenate([[[0, -9]], edge, [[columns, -9]]])
        else:
            edge = np.stack([t * 3 * reach, 3 * reach * (1 - t) + jag], axis=1)
            outline = np.concatenate([[[-9, -9]], [[-9, 3 * reach]], edge, [[3 * reach, -9]]])
        if rng.random() < 0.5:
            outline[:, 0] = columns - outline[:, 0]
        if rng.random() < 0.5:
            outline[:, 1] = rows - outline[:, 1]
        mask = np.zeros((rows, columns), np.uint8)
        cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 255, cv2.LINE_AA)
        if _cover(scene, mask, tone):
            return


def hide(rng: Random, scene: Scene, em: float) -> None:
    """Hide a part of the page: a black or white bar, or coarse tiles, as people do before they share a page.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
    em : float
        Height of ordinary print in pixels.
    """
    rows, columns = scene.owner.shape
    for _ in range(_TRIES):
        wide = min(columns - 1, round(float(rng.uniform(3, 14)) * em))
        tall = min(rows - 1, round(float(rng.uniform(1, 4)) * em))
        box = Box(int(rng.integers(columns - wide)), int(rng.integers(rows - tall)), wide, tall)
        here = np.s_[box.y : box.bottom, box.x : box.right]
        mask = np.zeros((rows, columns), np.uint8)
        mask[here] = 255
        tile = max(2, round(float(rng.uniform(0.4, 1.2)) * em))
        part = scene.paper[here].copy()
        kind = int(rng.integers(3))
        tone: Ink = ((15.0,) * 3, (250.0,) * 3, _METAL)[kind]
        if _cover(scene, mask, tone):
            if kind == 2:
                small = (max(1, wide // tile), max(1, tall // tile))
                coarse = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
                coarse = coarse * rng.uniform(0.4, 1, (*coarse.shape[:2], 1)).astype(np.float32)
                scene.paper[here] = cv2.resize(coarse, (wide, tall), interpolation=cv2.INTER_NEAREST)
            return


WEAR: Final[tuple[tuple[Callable[[Random, Scene], None], float], ...]] = (
    (curl, 0.2),
    (fold, 0.18),
    (crease, 0.12),
    (stain, 0.07),
    (show_through, 0.15),
    (holes, 0.08),
    (clip, 0.07),
    (finger, 0.12),
    (tear, 0.08),
)
"""Kinds of wear, each with its probability at the usual damage."""


def wear(rng: Random, scene: Scene, damage: float) -> None:
    """Wear the paper.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
        In colour.
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.
    """
    for kind, chance in WEAR:
        if rng.random() < chance * damage:
            kind(rng, scene)


def _shade(scene: Scene, factor: Field) -> None:
    scene.paper *= factor.astype(np.float32)[:, :, None]


def _cover(scene: Scene, mask: Grey, tone: Ink, *, shaded: bool = False) -> bool:
    """Lay something over the paper, unless it would hide a digit that is to be read; tell whether it was laid."""
    covered = mask > 127
    if (scene.owner[cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0] > 0).any():
        return False
    amount = (mask.astype(np.float32) / 255)[:, :, None]
    colour = np.array(tone, np.float32)
    if shaded:
        depth = cv2.distanceTransform((mask > 0).astype(np.uint8), cv2.DIST_L2, 3)
        colour = colour * (0.7 + 0.3 * np.clip(depth / max(float(depth.max()), 1.0) * 2, 0, 1))[:, :, None]
    scene.paper[:] = scene.paper * (1 - amount) + colour * amount
    scene.owner[covered] = NO_OWNER
    if scene.ground is not None:
        scene.ground[covered] = Ground.OUTSIDE
    return True
