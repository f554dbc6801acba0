"""What a scanner makes of a sheet: a slight turn, the lid around it, blur, noise, JPEG, black and white."""

from __future__ import annotations

import cv2
import numpy as np

from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.ground import carried
from digitocr.training.synth.paper import degrade, light
from digitocr.training.synth.scene import Scene, finish
from digitocr.training.synth.strokes import Random


def scan(rng: Random, scene: Scene, damage: float = 1.0) -> Drawing:
    """Scan a sheet: a little turned on the glass, in colour, grey, or black and white.

    Parameters
    ----------
    rng : numpy.random.Generator
    scene : Scene
        In colour.
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.

    Returns
    -------
    Drawing
    """
    rows, columns = scene.owner.shape
    degrees = float(rng.normal(0, 0.7 * damage))
    border = round(float(rng.choice([0, 0.01, 0.04])) * columns)
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1.0)
    matrix[:, 2] += border
    size = (columns + 2 * border, rows + 2 * border)
    matrix = np.vstack([matrix, [0, 0, 1]])
    lid = (float(rng.choice([8, 120, 252])),) * 3
    seen = np.asarray(cv2.warpPerspective(scene.paper, matrix, size, flags=cv2.INTER_LINEAR, borderValue=lid))
    owner = np.asarray(cv2.warpPerspective(scene.owner, matrix, size, flags=cv2.INTER_NEAREST), np.int16)
    ground = None if scene.ground is None else carried(scene.ground, matrix, size, desk=True)
    if rng.random() < 0.4 * damage:
        seen = seen * light(rng, (size[1], size[0]), 0.1 * damage)[:, :, None]
    grey = rng.random() < 0.45
    image = degrade(
        rng,
        np.asarray(seen.mean(axis=2) if grey else seen, np.float32),
        blur=float(rng.uniform(0, 0.9) * damage * max(0.5, max(size) / 1500)),
        grain=float(rng.uniform(0, 3) * damage),
        quality=int(rng.integers(45, 96)) if rng.random() < 0.7 else None,
    )
    if grey and rng.random() < 0.2 * damage:
        level = float(np.median(image)) * float(rng.uniform(0.65, 0.8))
        image = np.where(image > level, 255, 0).astype(np.uint8)
    return finish(scene, image, "page", owner=owner, ground=ground)
