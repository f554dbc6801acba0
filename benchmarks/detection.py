"""What the page network sees on real pages: each page of the looking halves beside its classes in colour.

``python -m benchmarks.detection FILE.png [--pages 3]`` draws so many pages of every family of ``forms``, ``forms2`` and
``photos``; centre lines of numbers are drawn dark over the classes.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.layouts import CLASS_COLOURS, sheet_of, tile
from benchmarks.sets import data_folder
from benchmarks.truth import Half, family
from digitocr.io.pages import decode
from digitocr.networks.page_network import PageMaps, look_at
from digitocr.training.synth.drawing import Colour
from digitocr.training.synth.ground import Ground

SETS = ("forms", "forms2", "photos")


def pages_of(images: Path, pages: int) -> Iterator[tuple[str, Path]]:
    """Choose pages of the looking half.

    Parameters
    ----------
    images : Path
    pages : int
        At most so many of each family.

    Yields
    ------
    tuple of str and Path
        The family and the file.
    """
    chosen: dict[str, int] = defaultdict(int)
    for path in sorted(images.iterdir()):
        name = family(path.name)
        if Half.of(path.name) is Half.LOOK and chosen[name] < pages:
            chosen[name] += 1
            yield name, path


def in_colour(maps: PageMaps) -> Colour:
    """Draw what the network sees.

    Parameters
    ----------
    maps : PageMaps

    Returns
    -------
    (h, w, 3) uint8 ndarray
        Each cell in the colour of its class, at half its brightness on the centre line of a number.
    """
    palette = np.array([CLASS_COLOURS[kind] for kind in Ground], np.uint8)
    drawn = palette[maps.classes.argmax(axis=-1)]
    drawn[maps.centre >= 0.5] //= 2
    return np.asarray(drawn, np.uint8)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--pages", type=int, default=3, help="pages of each family")
    arguments = parser.parse_args(argv)
    tiles = []
    for name in SETS:
        for of, path in pages_of(data_folder() / name / "images", arguments.pages):
            page = decode(path.read_bytes())[0].grey
            size = (page.shape[1], page.shape[0])
            seen = cv2.resize(in_colour(look_at(page, threads=1)), size, interpolation=cv2.INTER_NEAREST)
            tiles.append(tile(np.hstack([cv2.cvtColor(page, cv2.COLOR_GRAY2BGR), seen]), f"{name}: {of}"))
    cv2.imwrite(str(arguments.file), sheet_of(tiles))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
