"""Cells and fields of forms, one digit or sign to a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from digitocr.records import Box, Grey
from digitocr.training.synth.drawing import (
    Drawing,
)
from digitocr.training.synth.hand import Hand, draw_hand
from digitocr.training.synth.inks import Ink, contrast_levels, grey_ink
from digitocr.training.synth.paper import Field, Pattern, degrade, shadow, sheet, vignette
from digitocr.training.synth.pen import Token, Written, write
from digitocr.training.synth.scene import Scene, finish, new_scene
from digitocr.training.synth.strokes import Random, Sources


def cell(rng: Random, sources: Sources, *, damage: float = 1.0, size: int | None = None) -> Drawing:
    """Draw one cell of a form or one square of a grid, holding a digit or nothing to be read.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.
    size : int, optional
        Height and approximate width in pixels, 20 to 300; drawn at random without it, often 28.

    Returns
    -------
    Drawing
    """
    side = size or (28 if rng.random() < 0.4 else int(np.clip(rng.lognormal(np.log(70), 0.6), 22, 300)))
    shape = (side, side if rng.random() < 0.5 else max(20, int(side * rng.uniform(0.75, 1.35))))
    return _boxes(rng, sources, 1, shape, damage, kind="cell", loose=True)


def form_field(rng: Random, sources: Sources, *, damage: float = 1.0, cells: int | None = None) -> Drawing:
    """Draw a row of printed cells holding one sign each: digits, crosses, dashes or nothing.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.
    cells : int, optional
        Number of cells, 1 to 9; drawn at random without it.

    Returns
    -------
    Drawing
    """
    count = cells or int(
        rng.choice([1, 2, 3, 4, 5, 6, 8, 9], p=[0.08, 0.25, 0.35, 0.14, 0.08, 0.04, 0.03, 0.03])
    )
    side = int(np.clip(rng.lognormal(np.log(58), 0.4), 20, 160))
    shape = (side, max(14, int(side * rng.uniform(0.5, 1.1))))
    return _boxes(rng, sources, count, shape, damage, kind="field", loose=False)


@dataclass(frozen=True, slots=True)
class _Print:
    """How a row of cells is printed.

    Attributes
    ----------
    style : str
        ``single``, ``separate``, ``double``, ``comb`` or ``none``.
    guide : str
        ``none``, ``seven`` (the shape of a seven-segment 8), ``dots`` or ``box``.
    thick : int
    dark : float
        Darkness in grey values.
    guide_dark : float
    """

    style: str
    guide: str
    thick: int
    dark: float
    guide_dark: float


def _print_style(rng: Random, height: int, level: float, *, loose: bool) -> _Print:
    styles = ("single", "separate", "double", "comb", "open", "none")
    odds = [0.25, 0.05, 0.03, 0.05, 0.02, 0.6] if loose else [0.3, 0.24, 0.22, 0.08, 0.06, 0.1]
    style = styles[int(rng.choice(6, p=odds))]
    guides = ("none", "seven", "dots", "box")
    guide = guides[int(rng.choice(4, p=[0.9, 0.04, 0.03, 0.03] if loose else [0.55, 0.25, 0.1, 0.1]))]
    faint = rng.random() < 0.45
    dark = float(rng.uniform(0.08, 0.4) if faint else rng.uniform(0.4, 0.95)) * level
    # guides are lighter than the borders, as on real forms
    return _Print(
        style,
        guide,
        max(1, round(height * float(rng.uniform(0.008, 0.05)))),
        dark,
        min(dark, float(rng.uniform(0.08, 0.35)) * level),
    )


def _boxes(
    rng: Random,
    sources: Sources,
    count: int,
    shape: tuple[int, int],
    damage: float,
    *,
    kind: str,
    loose: bool,
) -> Drawing:
    """Draw ``count`` cells of ``shape`` in a row, and what lies around them."""
    rows, columns = shape
    level, contrast = contrast_levels(rng, damage)
    if not loose or rng.random() < 0.5:
        contrast = max(contrast, 0.4 * level)
    style = _print_style(rng, rows, level, loose=loose)
    gap = int(rng.uniform(0.08, 0.5) * columns) if style.style in {"separate", "double"} else 0
    edge = (0, 0) if loose else (int(rng.uniform(0, 0.45) * rows), int(rng.uniform(0, 0.35) * rows))
    height, width = rows + 2 * edge[0], count * columns + (count - 1) * gap + 2 * edge[1]
    tilt = float(rng.normal(0, 0.012)) if rng.random() < 0.5 else 0.0
    paper = sheet(
        rng,
        (height, width),
        level=level,
        kind=Pattern.PLAIN if rng.random() < 0.85 else Pattern.SQUARED if loose else Pattern.RULED,
        contrast=float(rng.uniform(0.05, 0.3)) * contrast,
        unit=rows * 0.8,
        grain=float(rng.uniform(0, 3.5) * damage),
        uneven=float(rng.uniform(0, 0.2) * damage) if rng.random() < 0.6 else 0.0,
    )
    places = [Box(edge[1] + i * (columns + gap), edge[0], columns, rows) for i in range(count)]
    _print_cells(rng, paper, places, style, tilt, margins=not loose)
    scene = new_scene(paper)
    hand = draw_hand(rng, sources, thickness=float(rng.uniform(0.045, 0.17)), join_zeros=0.0)
    ink = grey_ink(level - contrast, level)
    _fill_cells(rng, scene, places, hand, ink, loose=loose)
    if rng.random() < 0.12 * damage:
        scene.paper *= shadow(rng, (height, width), float(rng.uniform(0.1, 0.55)))
    if rng.random() < 0.1 * damage:
        scene.paper *= vignette(rng, (height, width), float(rng.uniform(0.05, 0.4)))
    if rng.random() < 0.04 * damage:
        _stain(rng, scene.paper)
    image = degrade(
        rng,
        scene.paper,
        blur=float(rng.uniform(0.0, 0.03) * rows * damage) if rng.random() < 0.7 else 0.0,
        grain=float(rng.uniform(0, 4) * damage) if rng.random() < 0.5 else 0.0,
        quality=int(rng.integers(max(25, int(80 - 40 * damage)), 96)) if rng.random() < 0.75 else None,
    )
    return finish(scene, image, kind)


def _stain(rng: Random, paper: Field) -> None:
    """Drop a blot or the edge of a finger on the paper's rim."""
    rows, columns = paper.shape[:2]
    layer = np.zeros((rows, columns), np.uint8)
    centre = (int(rng.choice([0, columns])), int(rng.choice([0, rows])))
    axes = (max(2, int(rng.uniform(0.1, 0.35) * columns)), max(2, int(rng.uniform(0.1, 0.3) * rows)))
    cv2.ellipse(layer, centre, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    soft = cv2.GaussianBlur(layer, (0, 0), max(0.8, 0.03 * rows)).astype(np.float32)
    paper *= 1 - soft * np.float32(rng.uniform(0.2, 0.8) / 255)


def _stroke_box(layer: Grey, box: Box, thick: int, value: int, tilt: float, inset: float = 0.0) -> None:
    """Print a rectangle, turned by a small angle about the picture's corner."""
    x0, y0 = box.x + inset, box.y + inset
    x1, y1 = box.right - inset, box.bottom - inset
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    corners[:, 1] += tilt * corners[:, 0]
    cv2.polylines(
        layer,
        [np.round(corners * 16).astype(np.int32)],
        isClosed=True,
        color=value,
        thickness=thick,
        lineType=cv2.LINE_AA,
        shift=4,
    )


def _print_cells(
    rng: Random, paper: Field, places: Sequence[Box], style: _Print, tilt: float, *, margins: bool
) -> None:
    """Print borders and guides of cells, and what of their neighbours lies in the picture."""
    rows, columns = paper.shape[:2]
    layer = np.zeros((rows, columns), np.uint8)
    guides = np.zeros((rows, columns), np.uint8)
    value = 255
    for box in places:
        if style.style in {"single", "separate", "double"}:
            _stroke_box(layer, box, style.thick, value, tilt)
        if style.style == "comb":
            low = box.y + int(box.height * 0.6)
            cv2.line(layer, (box.x, low), (box.x, box.bottom), value, style.thick)
            cv2.line(layer, (box.x, box.bottom - 1), (box.right, box.bottom - 1), value, style.thick)
        if style.guide != "none":
            _guide(guides, box, style, tilt)
    if style.style == "double":
        whole = Box(places[0].x, places[0].y, places[-1].right - places[0].x, places[0].height)
        _stroke_box(layer, whole, max(style.thick, 2), value, tilt, inset=-0.22 * whole.height)
    if style.style == "open":
        first, last = places[0], places[-1]
        cv2.line(layer, (first.x, first.y), (first.x, first.bottom), value, style.thick)
        cv2.line(layer, (first.x, first.bottom), (last.right, last.bottom), value, style.thick)
        cv2.line(layer, (last.right, first.y), (last.right, last.bottom), value, style.thick)
    if margins:
        if rng.random() < 0.3:
            x = int(rng.uniform(0.93, 1.0) * columns)
            cv2.line(layer, (x, 0), (x, rows), value, int(rng.integers(1, 5)))
        if rng.random() < 0.3:
            y = int(rng.choice([rng.uniform(0, 0.08), rng.uniform(0.92, 1.0)]) * rows)
            cv2.line(layer, (0, y), (columns, int(y + tilt * columns)), value, int(rng.integers(1, 5)))
        if rng.random() < 0.1:
            _print_text(rng, layer, rows)
        if rng.random() < 0.12:
            for box in places:
                below = Box(box.x, box.bottom + round(0.15 * box.height), box.width, box.height)
                _stroke_box(layer, below, style.thick, value, tilt)
        if rng.random() < 0.06:
            side = max(3, int(0.15 * rows))
            corner = (columns - side, int(rng.uniform(0, 1) * (rows - side)))
            cv2.rectangle(layer, corner, (columns, corner[1] + side), value, -1)
    if style.style != "none" or margins:
        paper -= layer.astype(np.float32) * np.float32(style.dark / 255)
    paper -= guides.astype(np.float32) * np.float32(style.guide_dark / 255)
    np.maximum(paper, 5, out=paper)


def _guide(layer: Grey, box: Box, style: _Print, tilt: float) -> None:
    """Print what shows people how to write into a cell."""
    w, h = box.width * 0.42, box.height * 0.62
    x0, y0 = box.x + (box.width - w) / 2, box.y + (box.height - h) / 2
    thick = max(1, style.thick // 2)
    inner = Box(round(x0), round(y0), max(2, round(w)), max(2, round(h)))
    if style.guide in {"seven", "box"}:
        _stroke_box(layer, inner, thick, 255, tilt)
        if style.guide == "seven":
            y = inner.y + inner.height / 2
            p = (round(inner.x * 16), round((y + tilt * inner.x) * 16))
            q = (round(inner.right * 16), round((y + tilt * inner.right) * 16))
            cv2.line(layer, p, q, 255, thick, cv2.LINE_AA, shift=4)
        return
    step = max(3, round(h / 5))
    xs, ys = np.arange(inner.x, inner.right + 1, step), np.arange(inner.y, inner.bottom + 1, step)
    for dot_y in ys:
        for x in xs if dot_y in (ys[0], ys[-1], ys[len(ys) // 2]) else (xs[0], xs[-1]):
            cv2.circle(layer, (int(x), int(dot_y + tilt * x)), max(1, thick // 2), 255, -1)


def _print_text(rng: Random, layer: Grey, rows: int) -> None:
    """Print some characters along the left or the lower rim."""
    words = ("$", "Total", "No.", "AUD", "12", "a)", "Q3", "=", "kg", "m", "1.")
    scale = rows * float(rng.uniform(0.006, 0.012))
    at = (int(rng.uniform(-0.02, 0.05) * layer.shape[1]), int(rows * rng.uniform(0.5, 1.05)))
    cv2.putText(
        layer, words[int(rng.integers(len(words)))], at, int(rng.integers(0, 5)), scale, 255, 1, cv2.LINE_AA
    )


def _fill_cells(
    rng: Random, scene: Scene, places: Sequence[Box], hand: Hand, ink: Ink, *, loose: bool, row: int = 0
) -> None:
    """Write into cells: a number from some cell on, crosses, dashes or nothing before it."""
    count = len(places)
    if loose:
        plan = ["digit"] if rng.random() < 0.75 else ["blank"] if rng.random() < 0.55 else ["sign"]
    else:
        lead = int(rng.integers(0, count)) if rng.random() < 0.5 else 0
        filler = "sign" if rng.random() < 0.5 else "blank"
        plan = [filler] * lead + ["digit"] * (count - lead)
        if rng.random() < 0.06:
            plan = ["blank" if rng.random() < 0.5 else "sign"] * count
    sign = ("x", "-", "x", "/", "tick", "scribble", "=")[
        int(rng.choice(7, p=[0.45, 0.2, 0.1, 0.08, 0.07, 0.07, 0.03]))
    ]
    share = float(rng.uniform(0.42, 0.9) if not loose else rng.uniform(0.4, 0.95))
    texture = float(rng.uniform(0.1, 0.9))
    parts: list[tuple[Written, int, int]] = []
    over: dict[int, int] = {}
    for box, what in zip(places, plan, strict=True):
        if what == "blank":
            continue
        label = sign if what == "sign" else str(rng.integers(10))
        height = share * box.height * float(rng.uniform(0.92, 1.08))
        if what == "digit" and rng.random() < 0.025:
            over[len(parts)] = _strike(rng, scene, box, hand, height, ink, texture)
        written = _fit(rng, label, what == "digit", hand, height, box)
        x, y = _within(rng, written, box, loose=loose)
        if what == "sign":
            scene.add_signs(rng, written, x, y, ink, hand.pen, grain=texture)
        else:
            parts.append((written, x, y))
    around = Box(places[0].x, places[0].y, places[-1].right - places[0].x, places[0].height)
    scene.add_number(rng, parts, ink, hand.pen, row=row, place=around, over=over, grain=texture)


def _fit(rng: Random, label: str, is_digit: bool, hand: Hand, height: float, box: Box) -> Written:  # noqa: FBT001
    """Write one sign, smaller where it would be wider than its cell allows."""
    state = rng.bit_generator.state
    written = write(rng, [Token(label, digit=is_digit)], hand, height, margin=(0, 0, 0, 0))
    excess = written.alpha.shape[1] / (1.05 * box.width)
    if excess > 1:
        rng.bit_generator.state = state
        written = write(rng, [Token(label, digit=is_digit)], hand, height / excess, margin=(0, 0, 0, 0))
    return written


def _within(rng: Random, written: Written, box: Box, *, loose: bool) -> tuple[int, int]:
    """Choose where in a cell to write, near the middle but now and then over a border."""
    h, w = written.alpha.shape
    free_x, free_y = box.width - w, box.height - h
    spread = 0.16
    x = box.x + free_x * float(np.clip(rng.normal(0.5, spread), -0.1, 1.1))
    y = box.y + free_y * float(np.clip(rng.normal(0.5, spread), -0.1, 1.1))
    if loose:  # the picture ends where the cell does: keep most of the ink inside
        x = min(max(x, box.x - 0.03 * w), box.right - 0.97 * w)
        y = min(max(y, box.y - 0.03 * h), box.bottom - 0.97 * h)
    return round(x), round(y)


def _strike(rng: Random, scene: Scene, box: Box, hand: Hand, height: float, ink: Ink, texture: float) -> int:
    """Write a digit that is then written over; return the index of the sign it is."""
    written = _fit(rng, str(rng.integers(10)), True, hand, height * 0.95, box)  # noqa: FBT003
    x, y = _within(rng, written, box, loose=False)
    return scene.strike(rng, written, x, y, ink, hand.pen, grain=texture)
