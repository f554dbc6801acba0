"""Sheets of numbers, as people photograph them: rows, tables of marks, small cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from digitocr.records import Box
from digitocr.training.synth.ground import Ground
from digitocr.training.synth.hand import Pen, draw_hand
from digitocr.training.synth.inks import INKS, Ink
from digitocr.training.synth.paper import (
    Pattern,
    pattern,
)
from digitocr.training.synth.pen import Token, write
from digitocr.training.synth.printing import blank_print, made_up_words
from digitocr.training.synth.scene import Scene
from digitocr.training.synth.sheets import (
    FilledSheet,
    blank_sheet,
    print_field,
    row_of_cells,
    small_number,
    tally_group,
)
from digitocr.training.synth.strokes import Random, Sources

_SEEN_SHARE: Final = 0.04
"""Lines of the paper that take less of its light are paper."""


def rows_scene(
    rng: Random,
    sources: Sources,
    shape: tuple[int, int],
    *,
    rows: Sequence[str] | None = None,
    ink: Ink | None = None,
    chalk: bool = False,
    kind: Pattern | None = None,
    share: float | None = None,
) -> Scene:
    """Write rows of digits on a plain, ruled or squared sheet, in colour.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    shape : tuple of int
        Rows and columns.
    rows : sequence of str, optional
        The digits of each row; drawn at random without it.
    ink : tuple of float, optional
        Blue, green, red; drawn at random without it.
    chalk : bool
        Light on dark.
    kind : Pattern, optional
        Of the paper.
    share : float, optional
        Height of the digits as a share of the height of a row.

    Returns
    -------
    Scene
    """
    if rows is None:
        count = int(rng.choice([1, 2, 3, 4, 5, 6], p=[0.4, 0.2, 0.14, 0.1, 0.1, 0.06]))
        rows = ["".join(str(d) for d in rng.integers(0, 10, int(rng.integers(2, 11)))) for _ in range(count)]
    if chalk:
        scene = blank_sheet(rng, shape, colour=True, bright=(25, 80))
    else:
        scene = blank_sheet(rng, shape, colour=True, bright=(205, 252))
    scene.ground = np.zeros(shape, np.uint8)
    room = shape[0] / (len(rows) + 0.6)
    height = room * (share or float(rng.uniform(0.3, 0.75)))
    longest = max(len(r) for r in rows)
    height = min(height, 0.9 * shape[1] / (longest * 0.75))
    kinds = (Pattern.PLAIN, Pattern.RULED, Pattern.SQUARED)
    style = kind or kinds[int(rng.choice(3, p=[0.65, 0.2, 0.15]))]
    if style is not Pattern.PLAIN and not chalk:
        tone = np.array([rng.uniform(0.1, 0.6), rng.uniform(0.3, 0.7), rng.uniform(0.4, 0.9)], np.float32)
        lines = pattern(rng, shape, style, height * float(rng.uniform(0.5, 1.3)))
        inked = lines[:, :, None] * tone * np.float32(rng.uniform(0.2, 0.7))
        scene.paper *= 1 - inked
        scene.ground[inked.mean(axis=2) >= _SEEN_SHARE] = Ground.RULE
    names = ["black", "black", "blue", "violet", "light-blue", "red", "pink", "green", "pencil"]
    tint = INKS["chalk"] if chalk else ink or INKS[names[int(rng.integers(len(names)))]]
    # sheets of single digits leave more room between them than amounts do
    free = 0.92 * shape[1] / height / longest - 0.55
    gap = float(np.clip(rng.uniform(0.05, max(0.1, free)), 0.02, 1.6))
    hand = draw_hand(
        rng,
        sources,
        thickness=float(rng.uniform(0.03, 0.12) if not chalk else rng.uniform(0.08, 0.18)),
        gap=gap,
        gap_spread=min(0.3, gap * 0.35),
        join_zeros=0.0,
    )
    # long rows must not climb into each other
    steepest = 0.3 * room / shape[1]
    hand = replace(hand, baseline=float(np.clip(hand.baseline, -steepest, steepest)))
    left = float(rng.uniform(0.02, 0.12)) * shape[1]
    for i, text in enumerate(rows):
        size = height * float(rng.uniform(0.92, 1.08))
        written = write(rng, [Token(c) for c in text], hand, size, margin=(0, 0, 0, 0))
        if written.alpha.shape[1] > 0.94 * shape[1]:
            size *= 0.94 * shape[1] / written.alpha.shape[1]
            written = write(rng, [Token(c) for c in text], hand, size, margin=(0, 0, 0, 0))
        x = min(left + float(rng.normal(0, 0.02)) * shape[1], 0.97 * shape[1] - written.alpha.shape[1])
        y = (i + 0.8) * room - written.alpha.shape[0] / 2 + float(rng.normal(0, 0.05)) * room
        y = float(np.clip(y, 0.01 * shape[0], 0.99 * shape[0] - written.alpha.shape[0]))
        scene.add_number(
            rng,
            [(written, round(max(x, 2)), round(y))],
            tint,
            Pen.PENCIL if chalk else hand.pen,
            row=i,
            grain=float(rng.uniform(0.3, 1)),
        )
    return scene


def table_scene(
    rng: Random,
    sources: Sources,
    shape: tuple[int, int],
    *,
    fonts: tuple[Path, ...] = (),
    values: Sequence[str] | None = None,
    ink: Ink | None = None,
    tallies: bool = False,
) -> Scene:
    """Print a table of marks with numbered rows, and write values, dashes and tallies into its cells.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    shape : tuple of int
        Rows and columns.
    fonts : tuple of Path
        Fonts to choose from besides Pillow's own.
    values : sequence of str, optional
        One for each row, '' for a dash; drawn at random without it.
    ink : tuple of float, optional
        Blue, green, red; drawn at random without it.
    tallies : bool
        Write tally strokes into the second column.

    Returns
    -------
    Scene
    """
    if values is None:
        values = ["" if rng.random() < 0.25 else small_number(rng, 3) for _ in range(int(rng.integers(3, 9)))]
    scene = blank_sheet(rng, shape, colour=True, bright=(205, 250))
    font = [None, *fonts][int(rng.integers(len(fonts) + 1))]
    printing = blank_print(shape, font)
    names = ["blue", "violet", "red", "pink", "black", "pencil", "green"]
    left, top = round(0.05 * shape[1]), round(0.08 * shape[0])
    width, height = round(0.9 * shape[1]), round(0.84 * shape[0])
    room = height / (len(values) + 1)
    edges = [0.0, *sorted(float(v) for v in np.cumsum(rng.dirichlet(np.full(4, 40.0)))[:3]), 1.0]
    xs = [left + round(e * width) for e in edges]
    form = FilledSheet(
        scene,
        printing,
        room / 12,
        draw_hand(
            rng,
            sources,
            thickness=float(rng.uniform(0.06, 0.13)),
            gap=float(rng.uniform(0.05, 0.3)),
            baseline=0.0,
        ),
        ink or INKS[names[int(rng.integers(len(names)))]],
        sources,
        float(rng.uniform(0.2, 0.8)),
    )
    for x in xs:
        printing.rule(x, top, x, top + height, form.thick)
    heads = ("No.", made_up_words(rng, 1), made_up_words(rng, 1), "Total")
    for x, word in zip(xs[:-1], heads, strict=True):
        printing.text(x + 0.1 * room, top + 0.3 * room, word, 0.22 * room)
    for i, value in enumerate((*values,)):
        y = top + (i + 1) * room
        form.row = i
        printing.rule(xs[0], y, xs[-1], y, form.thick)
        printing.text(xs[0] + 0.3 * room, y + 0.3 * room, str(i + 1), 0.25 * room)
        last = Box(xs[3], round(y), xs[4] - xs[3], round(room))
        if not value:
            form.sign(rng, "-", 0.55 * room, last)
            continue
        if tallies:
            groups = int(rng.integers(1, 4))
            for t in range(groups):
                at = Box(
                    round(xs[1] + (0.15 + 0.9 * t) * room),
                    round(y + 0.15 * room),
                    round(0.8 * room),
                    round(0.7 * room),
                )
                if at.right < xs[2]:
                    form.sign(rng, tally_group(rng, last=t == groups - 1), 0.5 * room, at)
        part = form.centred(rng, [Token(c) for c in value], float(rng.uniform(0.5, 0.62)) * room, last)
        scene.add_number(rng, [part], form.ink, form.hand.pen, row=i, place=last, grain=form.grain)
    printing.rule(xs[0], top, xs[-1], top, form.thick)
    printing.rule(xs[0], top + height, xs[-1], top + height, form.thick)
    dark = printing.darkness().astype(np.float32) * np.float32(rng.uniform(0.7, 0.95) / 255)
    scene.paper *= (1 - dark)[:, :, None]
    scene.ground = printing.ground()
    return scene


def card_scene(
    rng: Random,
    sources: Sources,
    shape: tuple[int, int],
    *,
    entries: Sequence[tuple[str, str, int]] | None = None,
    heading: str | None = None,
    fonts: tuple[Path, ...] = (),
    ink: Ink | None = None,
    colour: bool = True,
) -> Scene:
    """Print a small card with a row of boxes for each entry, and fill it in.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    shape : tuple of int
        Rows and columns.
    entries : sequence of (str, str, int), optional
        Label, digits and number of boxes of each row; drawn at random without it.
    heading : str, optional
    fonts : tuple of Path
        Fonts to choose from besides Pillow's own.
    ink : tuple of float, optional
        Blue, green, red; drawn at random without it.
    colour : bool

    Returns
    -------
    Scene
    """
    if entries is None:
        counts = rng.integers(3, 9, int(rng.integers(1, 6)))
        entries = [(made_up_words(rng, 2), small_number(rng, int(c)), int(c)) for c in counts]
    names = ["blue", "violet", "black", "light-blue", "red", "pencil"]
    room = shape[0] / (len(entries) + 1.4)
    form = FilledSheet(
        scene=blank_sheet(rng, shape, colour=colour, bright=(222, 250)),
        print=blank_print(shape, [None, *fonts][int(rng.integers(len(fonts) + 1))]),
        mm=room / 14,
        hand=draw_hand(rng, sources, thickness=float(rng.uniform(0.06, 0.12))),
        ink=ink or INKS[names[int(rng.integers(len(names)))]],
        sources=sources,
        grain=float(rng.uniform(0.2, 0.7)),
    )
    form.print.text(0.05 * shape[1], 0.25 * room, heading or made_up_words(rng, 3), 0.28 * room)
    style, share = int(rng.integers(0, 4)), float(rng.uniform(0.55, 0.85))
    gap = float(rng.choice([0.0, 0.12])) * room
    for i, (label, text, count) in enumerate(entries):
        y = (1.1 + i) * room
        form.row = i
        form.print.text(0.05 * shape[1], y + 0.3 * room, label, 0.2 * room)
        wide = min(0.6 * room, 0.58 * shape[1] / count - gap)
        cells = row_of_cells(0.37 * shape[1], y, count, wide, 0.78 * room, gap)
        print_field(form, cells, style)
        form.number(rng, cells, text, share * cells[0].height, "")
    dark = form.print.darkness().astype(np.float32) * np.float32(rng.uniform(0.7, 0.95) / 255)
    form.scene.paper *= (1 - dark)[:, :, None] if colour else 1 - dark
    form.scene.ground = form.print.ground()
    return form.scene
