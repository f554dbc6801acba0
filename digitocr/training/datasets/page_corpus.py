"""What the page network learns from: drawn pages at many scales and cut-outs of them, with the truth of their cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.networks.page_network import CELL, STEP, Picture, scaled, scaled_shape
from digitocr.records import Grey
from digitocr.training.datasets.corpus import drawn_page, drawn_photo
from digitocr.training.datasets.layout_pages import layout_drawings, layout_sources
from digitocr.training.datasets.page_cells import CENTRE_SHARE, cell_classes, centre_lines
from digitocr.training.datasets.sharded import Shard, sharded_corpus
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.ground import Ground
from digitocr.training.synth.strokes import Random

SCALES_PX: Final = (800, 1800)
"""Least and greatest longest side of a scaled page; any between them is as likely as its double."""

VIEWS: Final = 2
"""Scales of each drawing."""

ENLARGED: Final = 2.0
"""A drawing is not enlarged by more: it would show nothing new."""

CUTS: Final = 8
"""Cut-outs of each drawing that is shown in cut-outs."""

CUT_LEAST: Final = (32, 56)
"""Least rows and columns of a cut-out in cells."""

CUT_MARGIN: Final = (0.2, 3.0)
"""What is around a number that is cut out, on each side, in heights of its digits: least and greatest."""

CUT_BESIDE: Final = 0.25
"""Share of the cut-outs around print, lines or other handwriting instead of a number."""

QUALITY: Final = 95
"""Of the JPEG in which a scaled page is kept: pages weigh a tenth, and most real ones are JPEG anyway."""

LAYOUTS_SHARE: Final = 0.8
"""Share of pages of layouts; the others are photos and scanned forms of the older drawings."""


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """A scaled page and the truth of its cells.

    Attributes
    ----------
    encoded : (n,) uint8 ndarray
        The picture, as JPEG.
    classes : (h, w) uint8 ndarray
        As :func:`digitocr.training.datasets.page_cells.cell_classes` gives them.
    centre : (h, w) uint8 ndarray
        As :func:`digitocr.training.datasets.page_cells.centre_lines` gives them.
    """

    encoded: NDArray[np.uint8]
    classes: Grey
    centre: Grey

    @classmethod
    def of(cls, picture: Picture, classes: Grey, centre: Grey) -> LabelledPage:
        """Keep a picture with its labels."""
        encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        return cls(encoded.ravel(), classes, centre)

    @property
    def picture(self) -> Picture:
        """The picture, blue, green, red, of shape ``(4 h, 4 w, 3)``."""
        return np.asarray(cv2.imdecode(self.encoded, cv2.IMREAD_COLOR), np.uint8)


def labelled_page(drawing: Drawing, longest: int) -> LabelledPage:
    """Scale a drawing and label its cells.

    Parameters
    ----------
    drawing : Drawing
    longest : int
        Longest side in pixels.

    Returns
    -------
    LabelledPage
    """
    page = seen(drawing)
    shape = scaled_shape((page.shape[0], page.shape[1]), longest)
    return LabelledPage.of(scaled(page, shape), cell_classes(drawing, shape), centre_lines(drawing, shape))


def seen(drawing: Drawing) -> Picture:
    """Return the picture of a drawing, in colour where it has any.

    Parameters
    ----------
    drawing : Drawing

    Returns
    -------
    (H, W) or (H, W, 3) uint8 ndarray
    """
    return drawing.image if drawing.colour is None else drawing.colour


def page_drawings(seed: int, count: int, data_dir: Path | None, fonts: Path | None) -> Iterator[Drawing]:
    """Draw pages of the training layouts, and photos and scanned forms of the older drawings.

    Parameters
    ----------
    seed : int
    count : int
    data_dir : Path or None
        Folder of the archives.
    fonts : Path or None
        Folder of fonts to print with besides those of Matplotlib.

    Yields
    ------
    Drawing
    """
    sources = layout_sources(data_dir)
    by_layout = round(LAYOUTS_SHARE * count)
    for _, drawing in layout_drawings(seed, by_layout, sources, fonts=fonts):
        yield drawing
    for i in range(count - by_layout):
        rng = np.random.default_rng((seed, i, 1))
        yield (drawn_photo, drawn_page)[i % 2](rng, sources)


def views(rng: Random, drawing: Drawing) -> Iterator[LabelledPage]:
    """Show a drawing at random scales.

    Parameters
    ----------
    rng : numpy.random.Generator
    drawing : Drawing

    Yields
    ------
    LabelledPage
    """
    for _ in range(VIEWS):
        longest = float(np.exp(rng.uniform(*np.log(SCALES_PX))))
        yield labelled_page(drawing, round(min(longest, ENLARGED * max(drawing.image.shape))))


def cut_outs(rng: Random, drawing: Drawing) -> Iterator[LabelledPage]:
    """Show parts of a drawing as fields that are cut out come to be read: a number and what stands around it.

    Parameters
    ----------
    rng : numpy.random.Generator
    drawing : Drawing

    Yields
    ------
    LabelledPage
        None of a drawing without numbers.
    """
    page = labelled_page(drawing, round(max(drawing.image.shape) * np.exp(rng.uniform(0, np.log(ENLARGED)))))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(page.centre, connectivity=8)
    if count == 1:
        return
    picture = page.picture
    beside = np.argwhere(np.isin(page.classes, (Ground.WRITING, Ground.PRINT, Ground.RULE)))
    for _ in range(CUTS):
        x, y, width, height, _ = (int(value) for value in boxes[int(rng.integers(1, count))])
        if len(beside) and rng.random() < CUT_BESIDE:
            y, x = beside[int(rng.integers(len(beside)))] - (height // 2, width // 2)
        window = _window((y, x), (height, width), page.classes.shape, rng)
        pixels = tuple(slice(CELL * side.start, CELL * side.stop) for side in window)
        yield LabelledPage.of(picture[pixels], page.classes[window], page.centre[window])


def _window(
    start: tuple[int, int], size: tuple[int, int], shape: tuple[int, ...], rng: Random
) -> tuple[slice, ...]:
    """Return a window around a centre line, of as many cells as the network takes."""
    digits = size[0] / CENTRE_SHARE  # a centre line is so much thinner than its digits are high
    least, most = np.log(CUT_MARGIN)
    margins = digits * (0.25 + np.exp(rng.uniform(least, most, (2, 2))))
    step = STEP // CELL
    window = []
    for first, length, around, fewest, whole in zip(start, size, margins, CUT_LEAST, shape, strict=True):
        side = min(whole, max(fewest, step * round((length + around.sum()) / step)))
        begin = int(np.clip(round(first - around[0]), 0, whole - side))
        window.append(slice(begin, begin + side))
    return tuple(window)


SHOWN: Final[Mapping[str, Callable[[Random, Drawing], Iterator[LabelledPage]]]] = MappingProxyType(
    {"pages": views, "cuts": cut_outs}
)
"""How drawings are shown, by the name of their corpus."""


def stored(pages: Sequence[LabelledPage]) -> Shard:
    """Join pages into arrays, as they are kept in a file.

    Parameters
    ----------
    pages : sequence of LabelledPage

    Returns
    -------
    dict of str to ndarray
    """
    return {
        "encoded": np.concatenate([page.encoded for page in pages]),
        "lengths": np.array([len(page.encoded) for page in pages]),
        "shapes": np.array([page.classes.shape for page in pages]),
        "classes": np.concatenate([page.classes.ravel() for page in pages]),
        "centres": np.concatenate([page.centre.ravel() for page in pages]),
    }


def pages_of(part: Shard) -> Iterator[LabelledPage]:
    """Split stored arrays into pages.

    Parameters
    ----------
    part : dict of str to ndarray
        As returned by :func:`stored`.

    Yields
    ------
    LabelledPage
    """
    ends = np.cumsum(part["shapes"].prod(axis=1))[:-1]
    encoded = np.split(part["encoded"], np.cumsum(part["lengths"])[:-1])
    maps = (np.split(part[name], ends) for name in ("classes", "centres"))
    for picture, shape, classes, centre in zip(encoded, part["shapes"], *maps, strict=True):
        yield LabelledPage(picture, classes.reshape(shape), centre.reshape(shape))


def _part(job: tuple[int, int], name: str, data_dir: Path | None, fonts: Path | None) -> Shard:
    """Draw one part of a corpus: ``job`` is its seed and how many drawings."""
    seed, count = job
    rng = np.random.default_rng((seed, 1_000_007))
    drawings = page_drawings(seed, count, data_dir, fonts)
    return stored([one for drawing in drawings for one in SHOWN[name](rng, drawing)])


def page_corpus(
    name: str,
    seed: int,
    pictures: int,
    data_dir: Path | None,
    fonts: Path | None,
    work: Path,
    report: Callable[[str], None],
) -> list[Shard]:
    """Draw what the network learns from; see :func:`digitocr.training.datasets.sharded.sharded_corpus`.

    Parameters
    ----------
    name : str
        One of `SHOWN`.
    seed : int
    pictures : int
        Drawings in all.
    data_dir : Path or None
        Folder of the archives.
    fonts : Path or None
        Folder of fonts to print with besides those of Matplotlib.
    work : Path
    report : callable
        Is told of the progress in words.

    Returns
    -------
    list of dict of str to ndarray
        One a shard.
    """
    cv2.setNumThreads(1)  # its threads do not survive a fork: a child would wait for them for ever
    draw = partial(_part, name=name, data_dir=data_dir, fonts=fonts)
    return sharded_corpus(name, draw, seed, pictures, work, report)
