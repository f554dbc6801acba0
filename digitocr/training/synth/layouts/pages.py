"""Pages of any layout: paper, print, handwriting and wear, as a scanner or a camera sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from digitocr.records import Box
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.ground import Ground
from digitocr.training.synth.hand import Pen, draw_hand
from digitocr.training.synth.inks import INKS, Ink
from digitocr.training.synth.layouts.blocks import draw_blocks
from digitocr.training.synth.layouts.faces import draw_face
from digitocr.training.synth.layouts.handwriting import number_tokens, write_number
from digitocr.training.synth.layouts.language import Layout, Range
from digitocr.training.synth.layouts.ornaments import print_serial, print_stamp, print_watermark
from digitocr.training.synth.layouts.press import Press
from digitocr.training.synth.layouts.script import draw_script
from digitocr.training.synth.layouts.sheet import LEAST_PX, Sheet, Writing, by_length
from digitocr.training.synth.paper import Field, Pattern, noise, pattern
from digitocr.training.synth.photos import photograph
from digitocr.training.synth.scans import scan
from digitocr.training.synth.scene import Scene, new_scene
from digitocr.training.synth.strokes import Random, Sources
from digitocr.training.synth.wear import hide, wear

_STOCKS: Final[dict[str, Ink]] = {
    "white": (250.0, 250.0, 250.0),
    "cream": (215.0, 238.0, 248.0),
    "yellow": (150.0, 235.0, 250.0),
    "pink": (215.0, 200.0, 250.0),
    "blue": (248.0, 225.0, 185.0),
    "green": (205.0, 240.0, 205.0),
    "brown": (130.0, 175.0, 205.0),
    "carbon": (225.0, 222.0, 240.0),
    "thermal": (240.0, 243.0, 245.0),
    "whiteboard": (238.0, 238.0, 236.0),
    "chalkboard": (62.0, 78.0, 58.0),
}
"""Blue, green, red of the paper in full light."""

_CHALKS: Final[tuple[Ink, ...]] = (
    (240.0, 242.0, 243.0),
    (202.0, 240.0, 248.0),
    (248.0, 228.0, 204.0),
    (212.0, 206.0, 248.0),
)
_MARKERS: Final = ("black", "black", "blue", "red", "green", "violet")
_INKS: Final = ("black", "black", "blue", "blue", "violet", "light-blue", "red", "green")

_PRINTS: Final[tuple[Ink, ...]] = ((30.0, 30.0, 30.0),) * 5 + (
    (140.0, 70.0, 40.0),
    (60.0, 100.0, 40.0),
    (70.0, 60.0, 150.0),
    (110.0, 105.0, 100.0),
)
"""Mostly black; blue, green, red and grey forms."""

_HARM: Final = (0.15, 1.1)
"""Damage that camera or scanner do to a page, as a share of the damage asked for: many pages are seen well."""

_TRIMMED_SHARE: Final = 0.6
"""Share of the pages that end soon below what stands on them."""

_WIDE_SHARE: Final = 0.08
"""Share of the writers who set their digits far apart."""

_WIDE_GAP: Final = (0.35, 1.1)
"""Between these digits, in their heights."""

_STRINGS_SHARE: Final = 0.12
"""Share of the pages whose plain numbers are strings of real ink, where there are any."""

_MARGIN: Final = "margin"
"""Ruled paper with a red line on its left."""


def layout_page(
    rng: Random,
    sources: Sources,
    layout: Layout,
    *,
    fonts: tuple[Path, ...] = (),
    longest: int | None = None,
    damage: float = 1.0,
) -> Drawing:
    """Draw a page of a layout as a scanner or a camera sees it, with the class of every pixel.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    layout : Layout
    fonts : tuple of Path
        Fonts to choose from besides Pillow's own.
    longest : int, optional
        Longer side of the paper in pixels; drawn from the layout without it.
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.

    Returns
    -------
    Drawing
        Of kind ``page`` or ``photo``, with a ground.
    """
    sheet = filled_sheet(rng, sources, layout, fonts=fonts, longest=longest)
    if rng.random() < layout.over.hidden * damage:
        hide(rng, sheet.scene, sheet.em)
    wear(rng, sheet.scene, damage * layout.paper.worn)
    view, harm = layout.paper.view.draw(rng), damage * float(rng.uniform(*_HARM))
    if view == "scan":
        return scan(rng, sheet.scene, harm)
    return photograph(rng, sheet.scene, desk=view == "desk", damage=harm)


def filled_sheet(
    rng: Random,
    sources: Sources,
    layout: Layout,
    *,
    fonts: tuple[Path, ...] = (),
    longest: int | None = None,
) -> Sheet:
    """Print a page of a layout and fill it in, without wear and light.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    layout : Layout
    fonts : tuple of Path
        Fonts to choose from besides Pillow's own.
    longest : int, optional
        Longer side of the paper in pixels; drawn from the layout without it.

    Returns
    -------
    Sheet
    """
    paper = layout.paper
    ratio, side = paper.shape.draw(rng), longest or paper.longest.count(rng)
    shape = (round(side / ratio), side) if ratio > 1 else (side, max(60, round(side * ratio)))
    sheet = _blank(rng, sources, layout, shape, fonts)
    page, em, over = sheet.page, sheet.em, layout.over
    if rng.random() < over.watermark:
        print_watermark(rng, sheet.press, page, em)
    margin = round(paper.margin.draw(rng) * page.width)
    if rng.random() < paper.framed:
        inset = max(2, margin // 2)
        frame = Box(inset, inset, page.width - 2 * inset, page.height - 2 * inset)
        sheet.press.frame(frame, sheet.rule * float(rng.uniform(1, 5)))
    area = Box(margin, margin, page.width - 2 * margin, page.height - 2 * margin)
    end = draw_blocks(rng, sheet, area, layout.blocks)
    if rng.random() < _TRIMMED_SHARE:
        _trim(sheet, end + margin)
        page = sheet.page
    if rng.random() < over.serial:
        print_serial(rng, sheet.press, page, em)
    if rng.random() < over.stamp:
        print_stamp(rng, sheet.press, page, em)
    if rng.random() < over.note:
        _note(rng, sheet)
    return sheet


def _blank(
    rng: Random, sources: Sources, layout: Layout, shape: tuple[int, int], fonts: tuple[Path, ...]
) -> Sheet:
    """Return the sheet with nothing on it but its pattern, and who will write on it."""
    paper = layout.paper
    stock, pens = paper.stock.draw(rng), paper.pens.draw(rng)
    em = max(5.0, paper.em.draw(rng) * shape[1])
    scene = new_scene(_stock(rng, shape, stock))
    scene.ground = np.zeros(shape, np.uint8)
    dark = stock == "chalkboard"
    light_print: Ink = (225.0, 228.0, 228.0)
    press = Press(
        scene.paper,
        scene.ground,
        _flow(rng, shape, thermal=stock == "thermal"),
        light_print if dark else _PRINTS[int(rng.integers(len(_PRINTS)))],
        draw_face(rng, fonts),
        fonts,
    )
    _pattern(rng, scene, press, paper.pattern.draw(rng), em * float(rng.uniform(1.6, 2.4)))
    first = _writing(rng, sources, pens, dark=dark)
    second = _writing(rng, sources, pens, dark=dark) if rng.random() < 0.4 else first
    rule = float(np.clip(em * rng.uniform(0.04, 0.16), 0.5, 8))
    strings = by_length(sources.strings) if rng.random() < _STRINGS_SHARE else {}
    size = paper.size.draw(rng)
    return Sheet(scene, press, em, rule, first, second, size, layout.corrected, strings)


def _stock(rng: Random, shape: tuple[int, int], stock: str) -> Field:
    """Return paper of a colour, its light and grain a little different each time."""
    tone = np.array(_STOCKS[stock]) * float(rng.uniform(0.84, 1.02)) + rng.normal(0, 4, 3)
    grain = noise(rng, shape, float(rng.uniform(1, 3))) * np.float32(rng.uniform(0, 2.5))
    if stock in ("chalkboard", "brown", "whiteboard"):  # wiped clean, or fibres
        grain = grain + noise(rng, shape, max(shape) / 12) * np.float32(rng.uniform(1, 6))
    return np.asarray(np.clip(tone, 12, 253).astype(np.float32) + grain[:, :, None], np.float32)


def _flow(rng: Random, shape: tuple[int, int], *, thermal: bool) -> Field:
    """Return how much of the print takes: uneven on thermal paper and in worn copies."""
    level = float(rng.uniform(0.45, 0.9) if thermal else rng.uniform(0.65, 0.97))
    if not thermal and rng.random() < 0.7:
        return np.full(shape, level, np.float32)
    blotches = noise(rng, shape, max(shape) / float(rng.uniform(4, 40))) * np.float32(0.12)
    return np.asarray(np.clip(np.float32(level) + blotches, 0.2, 1), np.float32)


def _pattern(rng: Random, scene: Scene, press: Press, kind: str, unit: float) -> None:
    """Print what the paper has on it from the start: lines to write on, or a safety pattern."""
    if kind == "plain":
        return
    shape = scene.owner.shape
    ruled = kind in ("ruled", "squared", _MARGIN)
    style = Pattern.RULED if kind == _MARGIN else Pattern(kind)
    blue: Ink = (float(rng.uniform(170, 225)), float(rng.uniform(130, 190)), float(rng.uniform(90, 180)))
    mask = (pattern(rng, (shape[0], shape[1]), style, unit) * 255).astype(np.uint8)
    depth = float(rng.uniform(0.3, 0.95) if ruled else rng.uniform(0.08, 0.35))
    seen = 10.0 if ruled else 256.0  # a safety pattern is paper
    press.lay(mask, 0, 0, Ground.RULE, tone=blue, depth=depth, seen=seen)
    if kind == _MARGIN:
        x = float(rng.uniform(0.08, 0.2)) * shape[1]
        line = np.full((shape[0], max(1, shape[1] // 500)), 255, np.uint8)
        press.lay(line, round(x), 0, Ground.RULE, tone=(110.0, 90.0, 220.0), depth=0.6)


def _writing(rng: Random, sources: Sources, pens: str, *, dark: bool) -> Writing:
    """Choose who writes, and with what."""
    pen = Pen.PENCIL if pens == "chalk" else Pen(pens)
    reach = {"marker": (0.1, 0.2), "chalk": (0.08, 0.16), "fibre": (0.08, 0.15)}.get(pens, (0.05, 0.12))
    apart = {"gap": float(rng.uniform(*_WIDE_GAP))} if rng.random() < _WIDE_SHARE else {}
    hand = draw_hand(rng, sources, pen=pen, thickness=float(rng.uniform(*reach)), join_zeros=0.0, **apart)
    if dark:
        ink = _CHALKS[int(rng.choice(4, p=[0.7, 0.1, 0.1, 0.1]))]
    elif pen is Pen.PENCIL:
        ink = (float(rng.uniform(70, 150)),) * 3
    else:
        names = _MARKERS if pen is Pen.MARKER else _INKS
        ink = INKS[names[int(rng.integers(len(names)))]]
    return Writing(hand, draw_script(rng, hand.letters), ink, float(rng.uniform(0.1, 0.9)))


def _trim(sheet: Sheet, rows: int) -> None:
    """Cut off the foot of a page, but nothing that stands on it."""
    scene, press = sheet.scene, sheet.press
    used = np.flatnonzero(scene.owner.any(axis=1) | (press.ground == Ground.PRINT).any(axis=1))
    last = max(rows, int(used[-1]) + 2 if len(used) else 0, scene.owner.shape[0] // 4)
    scene.paper, scene.owner, scene.best = scene.paper[:last], scene.owner[:last], scene.best[:last]
    press.paper, press.ground, press.flow = scene.paper, press.ground[:last], press.flow[:last]
    scene.ground = press.ground


def _note(rng: Random, sheet: Sheet) -> None:
    """Write a number wherever there is room, large, often in a ring: a mark, a count, a page number."""
    height = float(rng.uniform(1.6, 4)) * sheet.em
    page = sheet.page
    wide, tall = round(3 * height), round(1.2 * height)
    for _ in range(6):
        x, y = int(rng.integers(max(1, page.width - wide))), int(rng.integers(max(1, page.height - tall)))
        room = Box(x, y, wide, tall)
        if not sheet.scene.owner[y : room.bottom, x : room.right].any():
            sheet.row += 1
            tokens = number_tokens(rng, "number", Range(1, 3))
            write_number(rng, sheet, tokens, max(height, LEAST_PX), room, ringed=bool(rng.random() < 0.5))
            return
