"""What a phone makes of a sheet: desk, perspective, light, shadow, blur, noise, JPEG."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.form_pages import form_scene
from digitocr.training.synth.ground import carried
from digitocr.training.synth.number_sheets import card_scene, rows_scene, table_scene
from digitocr.training.synth.paper import (
    Field,
    degrade,
    light,
    noise,
    shadow,
    vignette,
)
from digitocr.training.synth.scene import Scene, finish
from digitocr.training.synth.sheets import (
    colour_cast,
)
from digitocr.training.synth.strokes import Random, Sources


def photo(
    rng: Random,
    sources: Sources,
    *,
    longest: int | None = None,
    fonts: tuple[Path, ...] = (),
    damage: float = 1.0,
    turns: bool = True,
) -> Drawing:
    """Draw a phone photo of handwritten numbers, in colour.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    longest : int, optional
        Longer side in pixels; 300 to 2000 at random without it.
    fonts : tuple of Path
        Fonts to choose from besides Pillow's own.
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.
    turns : bool
        Let some photos lie on their side or upside down.

    Returns
    -------
    Drawing
    """
    side = longest or int(np.clip(rng.lognormal(np.log(800), 0.5), 300, 2000))
    contents = ("rows", "table", "form", "chalk", "card")
    content = contents[int(rng.choice(5, p=[0.56, 0.17, 0.11, 0.08, 0.08]))]
    ratio = (
        float(rng.uniform(0.3, 0.8))
        if content in {"rows", "chalk"} and rng.random() < 0.7
        else float(rng.uniform(0.65, 1.4))
    )
    shape = (max(120, round(side * ratio)), side) if ratio <= 1 else (side, max(150, round(side / ratio)))
    if content == "form":
        shape = (max(side, 900), round(max(side, 900) / 1.414))
        scene = form_scene(rng, sources, shape, fonts=fonts, colour=True)
    elif content == "table":
        scene = table_scene(rng, sources, shape, fonts=fonts, tallies=bool(rng.random() < 0.3))
    elif content == "card":
        scene = card_scene(rng, sources, shape, fonts=fonts)
    else:
        scene = rows_scene(rng, sources, shape, chalk=content == "chalk")
    turn = int(rng.choice(4, p=[0.82, 0.06, 0.06, 0.06])) if turns else 0
    return photograph(rng, scene, desk=content != "chalk" and rng.random() < 0.4, damage=damage, turn=turn)


def photograph(rng: Random, scene: Scene, *, desk: bool, damage: float = 1.0, turn: int = 0) -> Drawing:
    """Take a photo of a sheet: desk, perspective, light, shadow, blur, noise, JPEG.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
        In colour.
    desk : bool
        Whether the desk under the sheet shows.
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.
    turn : int
        Quarter turns counter-clockwise.

    Returns
    -------
    Drawing
    """
    rows, columns = scene.owner.shape
    border = float(rng.uniform(0.04, 0.2)) if desk else 0.0
    shape = (round(rows * (1 + 2 * border)), round(columns * (1 + 2 * border)))
    corners = _seen_corners(rng, scene, shape, border, damage)
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    size = (shape[1], shape[0])
    # the sheet goes on beyond the frame where no desk is seen
    edge = cv2.BORDER_CONSTANT if desk else cv2.BORDER_REPLICATE
    seen = np.asarray(cv2.warpPerspective(scene.paper, matrix, size, flags=cv2.INTER_LINEAR, borderMode=edge))
    owner = np.asarray(cv2.warpPerspective(scene.owner, matrix, size, flags=cv2.INTER_NEAREST), np.int16)
    ground = None if scene.ground is None else carried(scene.ground, matrix, size, desk=desk)
    if desk:
        cover = cv2.warpPerspective(
            np.full((rows, columns), 255, np.uint8), matrix, size, flags=cv2.INTER_LINEAR
        )
        share = (cover.astype(np.float32) / 255)[:, :, None]
        seen = seen * share + _desk(rng, shape) * (1 - share)
    seen = seen * _illumination(rng, shape, damage)[:, :, None]
    seen *= colour_cast(rng, 0.03 * damage).astype(np.float32)
    scale = max(shape) / 1000
    image = degrade(
        rng,
        np.asarray(seen, np.float32),
        blur=float(rng.uniform(0, 1.1) * max(0.6, scale) * damage),
        grain=float(rng.uniform(0, 5) * damage),
        quality=int(rng.integers(max(35, int(80 - 35 * damage)), 96)),
    )
    if turn:
        image, owner = (
            np.ascontiguousarray(np.rot90(image, turn)),
            np.ascontiguousarray(np.rot90(owner, turn)),
        )
        ground = None if ground is None else np.ascontiguousarray(np.rot90(ground, turn))
    return finish(scene, image, "photo", owner=owner, ground=ground, turn=turn)


def _seen_corners(
    rng: Random, scene: Scene, shape: tuple[int, int], border: float, damage: float
) -> NDArray[np.float64]:
    """Return where the corners of the sheet lie in the photo, so that no ink is lost."""
    rows, columns = scene.owner.shape
    base = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float64)
    centre = np.array([columns, rows]) / 2
    angle = float(rng.normal(0, 0.035 * damage))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    skew = rng.normal(0, 0.025 * damage, (4, 2)) * min(rows, columns)
    corners = (base - centre) @ turn.T + skew + np.array([shape[1], shape[0]]) / 2
    ink = np.argwhere(scene.owner != 0)[:, ::-1]
    if border == 0 and len(ink):
        matrix = cv2.getPerspectiveTransform(base.astype(np.float32), corners.astype(np.float32))
        box = np.array([ink.min(axis=0), ink.max(axis=0)], np.float64)
        outer = np.array([[box[i, 0], box[j, 1]] for i in (0, 1) for j in (0, 1)])[None]
        moved = cv2.perspectiveTransform(outer.astype(np.float64), matrix)[0]
        low, high = moved.min(axis=0), moved.max(axis=0)
        room = np.array([shape[1], shape[0]]) - 6.0
        factor = float(min(1.0, *(room / np.maximum(high - low, 1))))
        middle = (low + high) / 2
        corners = (corners - middle) * factor + middle
        low, high = (low - middle) * factor + middle, (high - middle) * factor + middle
        corners += np.maximum(3 - low, 0) - np.maximum(high - (room + 3), 0)
    return np.asarray(corners, np.float64)


def _desk(rng: Random, shape: tuple[int, int]) -> Field:
    """Return a desk: wood, cloth or plain, mostly darker than paper."""
    tone = np.array([rng.uniform(20, 150)] * 3) * (1 + np.array([-0.25, 0.0, 0.2]) * rng.uniform(0, 1.4))
    out = np.empty((*shape, 3), np.float32)
    out[:] = tone.astype(np.float32)
    if rng.random() < 0.6:  # fibres along one direction
        thin = noise(rng, (shape[0], max(8, shape[1] // 40)), 2.0)
        fibres = np.asarray(
            cv2.resize(thin, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32
        )
        out += (fibres * np.float32(rng.uniform(2, 12)))[:, :, None]
    else:
        out += (noise(rng, shape, float(rng.uniform(1, 6))) * np.float32(rng.uniform(1, 10)))[:, :, None]
    return out


def _illumination(rng: Random, shape: tuple[int, int], damage: float) -> Field:
    """Return what light does to a photo: unevenness, corners, a shadow of the hand or phone."""
    factor = light(rng, shape, float(rng.uniform(0.05, 0.35)) * damage) * np.float32(rng.uniform(0.72, 1.05))
    if rng.random() < 0.5 * damage:
        factor *= vignette(rng, shape, float(rng.uniform(0.1, 0.6)))
    if rng.random() < 0.35 * damage:
        factor *= shadow(rng, shape, float(rng.uniform(0.1, 0.5)))
    return np.asarray(factor, np.float32)
