"""Drawn pages of layouts and writers kept out of all training: how many of their numbers are found and read.

``python -m benchmarks.layouts [--pages 40] [--layouts a,b] [--set FOLDER]`` draws so many pages of each held-out
layout, reads them with the default settings and prints the figures of each layout and their mean. ``--sheet FILE.png``
draws two pages of every layout beside the classes of their pixels instead, to be looked at. The handwriting is that of
the stroke archives and pictures of ``DIGITOCR_DATA`` set aside for measuring; the fonts are those of Matplotlib, so
that the pages are the same on every machine.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.accuracy import Measured, table
from benchmarks.sets import data_folder, read_here
from digitocr.pipeline import load_reader
from digitocr.training.datasets.layout_pages import layout_sources
from digitocr.training.synth.drawing import Colour, Drawing
from digitocr.training.synth.ground import Ground, classes
from digitocr.training.synth.layouts.files import layouts
from digitocr.training.synth.layouts.language import Layout
from digitocr.training.synth.layouts.pages import layout_page
from digitocr.training.synth.printing import fonts_found
from digitocr.training.synth.strokes import Sources

SEED = 2031
MARGIN = 0.15
"""Added around a number's digits, in their height: where its answer is looked for."""

CLASS_COLOURS = {
    Ground.PAPER: (245, 245, 245),
    Ground.DIGIT: (0, 0, 230),
    Ground.WRITING: (230, 120, 0),
    Ground.PRINT: (0, 150, 0),
    Ground.RULE: (200, 190, 0),
    Ground.OUTSIDE: (90, 90, 90),
}
"""Blue, green, red on the contact sheet."""

TILE = 420
"""Longest side of a page on the contact sheet, in pixels."""

TILES_ACROSS = 4


def draw_set(folder: Path, kinds: Sequence[Layout], pages: int, sources: Sources) -> Path:
    """Draw a measuring set, stored like the real ones; the same pages each time.

    Parameters
    ----------
    folder : Path
        Created; it must not exist.
    kinds : sequence of Layout
    pages : int
        Of each layout.
    sources : Sources

    Returns
    -------
    Path
        The folder, with ``images/`` and ``truth.csv``.
    """
    (folder / "images").mkdir(parents=True)
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as stream:
        truth = csv.writer(stream)
        truth.writerow(("file", "field", "text", "x", "y", "width", "height"))
        for layout in kinds:
            for i, drawing in enumerate(drawn(layout, pages, sources)):
                file = f"{layout.name}_{i:03}.png"
                cv2.imwrite(str(folder / "images" / file), _seen(drawing))
                truth.writerows((file, *row) for row in _answers(drawing))
    return folder


def drawn(layout: Layout, pages: int, sources: Sources) -> Iterator[Drawing]:
    """Draw pages of a layout, each with a seed of its own.

    Parameters
    ----------
    layout : Layout
    pages : int
    sources : Sources

    Yields
    ------
    Drawing
    """
    for i in range(pages):
        rng = np.random.default_rng((SEED, i, *layout.name.encode()))
        yield layout_page(rng, sources, layout, fonts=fonts_found())


def contact_sheet(kinds: Sequence[Layout], pages: int, sources: Sources) -> Colour:
    """Draw pages of layouts, each beside the classes of its pixels in colour.

    Parameters
    ----------
    kinds : sequence of Layout
    pages : int
        Of each layout.
    sources : Sources

    Returns
    -------
    (H, W, 3) uint8 ndarray
    """
    palette = np.array([CLASS_COLOURS[kind] for kind in Ground], np.uint8)
    tiles = []
    for layout in kinds:
        for drawing in drawn(layout, pages, sources):
            pair = np.hstack([_seen(drawing), palette[classes(drawing)]])
            tiles.append(tile(pair, layout.name))
    return sheet_of(tiles)


def sheet_of(tiles: Sequence[Colour]) -> Colour:
    """Lay tiles out on a contact sheet.

    Parameters
    ----------
    tiles : sequence of (h, w, 3) uint8 ndarray
        Of one size.

    Returns
    -------
    (H, W, 3) uint8 ndarray
    """
    all_ = [*tiles, *[np.full_like(tiles[0], 255)] * (-len(tiles) % TILES_ACROSS)]
    rows = [np.hstack(all_[i : i + TILES_ACROSS]) for i in range(0, len(all_), TILES_ACROSS)]
    return np.asarray(np.vstack(rows), np.uint8)


def tile(pair: Colour, name: str) -> Colour:
    """Fit a page and its classes into a tile of a contact sheet.

    Parameters
    ----------
    pair : (H, W, 3) uint8 ndarray
        Both side by side.
    name : str
        Written over them.

    Returns
    -------
    (h, w, 3) uint8 ndarray
    """
    scale = min(2 * TILE / pair.shape[1], TILE / pair.shape[0])
    small = cv2.resize(pair, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    drawn = np.full((TILE + 22, 2 * TILE + 8, 3), 255, np.uint8)
    drawn[20 : 20 + small.shape[0], : small.shape[1]] = small[:TILE, : 2 * TILE]
    cv2.putText(drawn, name, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return drawn


def _seen(drawing: Drawing) -> Colour:
    if drawing.colour is not None:
        return drawing.colour
    return np.asarray(cv2.cvtColor(drawing.image, cv2.COLOR_GRAY2BGR), np.uint8)


def _answers(drawing: Drawing) -> Iterator[tuple[object, ...]]:
    """Yield the truth of a page: name, text and place of each number."""
    for k, number in enumerate(drawing.numbers):
        box, margin = number.box, MARGIN * number.box.height
        yield (
            k,
            number.text,
            round(box.x - margin),
            round(box.y - margin),
            round(box.width + 2 * margin),
            round(box.height + 2 * margin),
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layouts", description=__doc__)
    parser.add_argument("--pages", type=int, default=40, help="pages of each layout")
    parser.add_argument("--layouts", help="names of held-out layouts, separated by commas; all by default")
    parser.add_argument(
        "--set", type=Path, metavar="FOLDER", help="keep the drawn pages and their truth here"
    )
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="draw a contact sheet, read nothing")
    arguments = parser.parse_args(argv)
    cv2.setNumThreads(1)
    sources = layout_sources(data_folder(), held_out=True)
    if arguments.sheet:
        every = (*layouts(), *layouts(held_out=True))
        cv2.imwrite(str(arguments.sheet), contact_sheet(every, 2, sources))
        return 0
    kinds = layouts(held_out=True)
    if arguments.layouts:
        wanted = arguments.layouts.split(",")
        unknown = set(wanted) - {one.name for one in kinds}
        if unknown:
            parser.error(f"no such held-out layout: {', '.join(sorted(unknown))}")
        kinds = tuple(one for one in kinds if one.name in wanted)
    with tempfile.TemporaryDirectory() as work:
        folder = draw_set(arguments.set or Path(work) / "layouts", kinds, arguments.pages, sources)
        found, ms = read_here(load_reader(threads=1), folder)
    sys.stdout.write(table({"layouts": Measured(found, len(kinds) * arguments.pages, ms)}, None) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
