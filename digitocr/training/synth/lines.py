"""Crops with one number, as cut from cheques and lists."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from digitocr.training.synth.amounts import amount, amount_tokens
from digitocr.training.synth.drawing import (
    Drawing,
)
from digitocr.training.synth.hand import Hand, draw_hand
from digitocr.training.synth.inks import Ink, contrast_levels, grey_ink
from digitocr.training.synth.paper import Field, Pattern, degrade, shadow, sheet
from digitocr.training.synth.pen import Token, Written, write
from digitocr.training.synth.scene import NOWHERE, Scene, finish, new_scene
from digitocr.training.synth.skeletons import LETTERS
from digitocr.training.synth.strokes import Random, Sources

CORRECTED_SHARE: Final = 0.01
"""Share of the free numbers, where their text is drawn too, in which a digit is written over another."""


def line(rng: Random, sources: Sources, *, text: str | None = None, damage: float = 1.0) -> Drawing:
    """Draw a crop with one number, as cut from a cheque or a list.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    text : str, optional
        The digits to write; an amount is drawn without it.
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.

    Returns
    -------
    Drawing
        About 25 to 110 pixels high.
    """
    digits = amount(rng) if text is None else text
    hand = draw_hand(rng, sources)
    height = float(np.clip(rng.lognormal(np.log(31), 0.28), 15, 75))
    written = write(rng, amount_tokens(rng, digits), hand, height, margin=_margins(rng, height))
    shape = (written.alpha.shape[0], written.alpha.shape[1])
    level, contrast = contrast_levels(rng, damage)
    scene = new_scene(_cheque_paper(rng, shape, level, contrast, height, damage))
    _underline(rng, scene, written, height, contrast)
    tone = float(level - contrast)
    ink = grey_ink(tone, level)
    if rng.random() < 0.3 * damage:
        _neighbours(rng, scene, sources, hand, height, ink)
    grain = float(rng.uniform(0.1, 1)) * min(damage, 1.2)
    corrected = text is None and rng.random() < CORRECTED_SHARE
    over = _beneath(rng, scene, written, hand, ink, grain) if corrected else NOWHERE
    scene.add_number(rng, [(written, 0, 0)], ink, hand.pen, over=over, grain=grain)
    image = degrade(
        rng,
        scene.paper,
        blur=float(rng.uniform(0.0, 0.022) * height * damage) if rng.random() < 0.75 else 0.0,
        grain=float(rng.uniform(0, 5) * damage) if rng.random() < 0.6 else 0.0,
        quality=int(rng.integers(max(25, int(80 - 40 * damage)), 96)) if rng.random() < 0.8 else None,
    )
    return finish(scene, image, "line")


def _beneath(
    rng: Random, scene: Scene, written: Written, hand: Hand, ink: Ink, grain: float
) -> dict[int, int]:
    """Write another digit where one of a number's will be written over it; return the sign each of these is over."""
    index = int(rng.integers(len(written.digits)))
    ys, xs = np.nonzero(written.owner == index + 1)
    if not len(xs):
        return {}
    tall = float(np.ptp(ys) + 1)
    other = write(
        rng, [Token(str(rng.integers(10)))], hand, tall * float(rng.uniform(0.85, 1.1)), margin=(0, 0, 0, 0)
    )
    h, w = other.alpha.shape
    corner = np.array([xs.min() + xs.max() - w, ys.min() + ys.max() - h])
    x, y = corner + rng.normal(0, 0.1 * tall, 2)
    return {index: scene.strike(rng, other, round(x / 2), round(y / 2), ink, hand.pen, grain=grain)}


def _margins(rng: Random, height: float) -> tuple[int, int, int, int]:
    """Free pixels around the ink: often none to speak of, sometimes wide; never into digits."""
    tight = rng.random() < 0.6
    widest = 0.12 if tight else 0.6
    left, top, right, bottom = (int(v) for v in rng.uniform(0, widest * height, 4))
    return left, top, right, bottom


def _cheque_paper(
    rng: Random, shape: tuple[int, int], level: float, contrast: float, height: float, damage: float
) -> Field:
    """Return a background as on cheques: plain in one of four, else lines far fainter than the ink."""
    kinds = (
        Pattern.PLAIN,
        Pattern.WAVES,
        Pattern.HATCH,
        Pattern.GUILLOCHE,
        Pattern.STIPPLE,
        Pattern.RULED,
        Pattern.SQUARED,
    )
    kind = kinds[int(rng.choice(7, p=[0.22, 0.27, 0.18, 0.12, 0.07, 0.08, 0.06]))]
    faint = float(rng.uniform(0.08, 0.5)) * contrast * min(damage, 1.2)
    paper = sheet(
        rng,
        shape,
        level=level,
        kind=kind,
        contrast=faint,
        unit=height,
        grain=float(rng.uniform(0, 5) * damage),
        uneven=float(rng.uniform(0, 0.15) * damage) if rng.random() < 0.5 else 0.0,
    )
    if rng.random() < 0.12 * damage:
        # the print often ends at a box, above or beside the amount
        edge = int(rng.uniform(0.05, 0.4) * shape[0])
        bare = sheet(rng, shape, level=min(level * 1.15, 252), grain=2)
        part = np.s_[:edge] if rng.random() < 0.6 else np.s_[shape[0] - edge :]
        paper[part] = bare[part]
        if rng.random() < 0.5:
            _ticks(rng, paper[part], height, faint)
    if rng.random() < 0.06 * damage:
        paper *= shadow(rng, shape, float(rng.uniform(0.1, 0.4)))
    return paper


def _ticks(rng: Random, strip: Field, height: float, contrast: float) -> None:
    """Print a row of fine upright strokes, such as the teeth along an amount box."""
    step = max(3.0, float(rng.uniform(0.1, 0.3)) * height)
    for x in np.arange(0, strip.shape[1], step):
        strip[:, int(x)] -= contrast


def _underline(rng: Random, scene: Scene, written: Written, height: float, contrast: float) -> None:
    """Print a rule under, over or through the number, or a box border along an edge."""
    if rng.random() < 0.62:
        return
    rows, columns = scene.owner.shape
    at = written.origin[1]
    thick = max(1, round(float(rng.uniform(0.02, 0.07)) * height))
    dark = np.float32(rng.uniform(0.25, 1.0) * contrast)
    places = [at + rng.normal(0.03, 0.1) * height]
    if rng.random() < 0.3:
        places.append(at - rng.uniform(1.0, 1.3) * height)
    if rng.random() < 0.2:
        places = [float(rng.choice([1, rows - 2]))]
    slope = float(rng.normal(0, 0.012))
    for y in places:
        layer = np.zeros((rows, columns), np.uint8)
        p, q = (0, round(y * 16)), (columns * 16, round((y + slope * columns) * 16))
        cv2.line(layer, p, q, 255, thick, cv2.LINE_AA, shift=4)
        scene.paper -= layer.astype(np.float32) * (dark / np.float32(255))
    if rng.random() < 0.15:
        x = int(rng.choice([0, columns - thick - 1]))
        scene.paper[:, x : x + thick] -= dark


def _neighbours(rng: Random, scene: Scene, sources: Sources, hand: Hand, height: float, ink: Ink) -> None:
    """Let strokes of writing above, below or beside reach into the picture, a little only."""
    rows, columns = scene.owner.shape
    labels = [*"0123456789", "-", "/", "tick", *sorted(LETTERS)]
    for _ in range(int(rng.integers(1, 3))):
        label = labels[int(rng.integers(len(labels)))]
        other = write(rng, [Token(label, digit=label.isdigit())], hand, height * float(rng.uniform(0.7, 1.4)))
        h, w = other.alpha.shape
        reach = float(rng.uniform(0.06, 0.22)) * height
        # half of a bar is a whole 1: beside the number it would look like one
        beside = 0.0 if label in {"1", "4", "7", "9", "/"} else 0.15
        side = int(rng.choice(4, p=[0.5 - beside, 0.5 - beside, beside, beside]))
        along_x, along_y = int(rng.uniform(-0.3 * w, columns)), int(rng.uniform(-0.3 * h, rows * 0.7))
        x, y = (
            (along_x, round(reach - h)),
            (along_x, round(rows - reach)),
            (round(reach * 0.7 - w), along_y),
            (round(columns - reach * 0.7), along_y),
        )[side]
        scene.add_signs(rng, other, x, y, ink, hand.pen, kind="edge")
    del sources
