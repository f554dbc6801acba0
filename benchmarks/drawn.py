"""Pictures for benchmarks, drawn with the training's pens."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from digitocr.records import Grey
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.hand import draw_hand
from digitocr.training.synth.paper import degrade, sheet
from digitocr.training.synth.pen import Token, write
from digitocr.training.synth.scene import finish, new_scene
from digitocr.training.synth.strokes import Random, Sources

A4 = (3508, 2480)
"""Rows and columns of a page of 300 dpi."""

HEIGHT = 72.0
"""Of a digit on a page, in pixels: 6 mm."""

COLUMNS, ROWS = 4, 12
INK = 170
"""How much darker than paper a stroke is, in grey values."""

DIGIT_INK = 50.0
"""Brightness of the strokes of a digit drawn alone, in grey values."""


def draw_pages(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Draw scanned A4 pages in our own hand, each with a table of 48 numbers.

    Parameters
    ----------
    folder : Path
        Created; it must not exist.
    count : int
    seed : int
        The same seed draws the same pages.

    Returns
    -------
    list of Path
        JPEG files.
    """
    folder.mkdir(parents=True)
    return [_save(folder / f"page-{i:03}.jpg", _page(np.random.default_rng((seed, i)))) for i in range(count)]


def draw_files(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Draw small crops of one number each in our own hand.

    Parameters
    ----------
    folder : Path
        Created; it must not exist.
    count : int
    seed : int
        The same seed draws the same crops.

    Returns
    -------
    list of Path
        JPEG files.
    """
    folder.mkdir(parents=True)
    return [_save(folder / f"file-{i:04}.jpg", _crop(np.random.default_rng((seed, i)))) for i in range(count)]


def draw_digit(rng: Random, sources: Sources) -> Drawing:
    """Draw one digit alone on clean paper: it measures shapes, not wear.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources

    Returns
    -------
    Drawing
    """
    hand = draw_hand(rng, sources)
    written = write(rng, [Token(str(rng.integers(10)))], hand, 40.0, margin=(14, 14, 14, 14))
    rows, columns = written.alpha.shape
    scene = new_scene(sheet(rng, (rows, columns), level=235))
    scene.add_number(rng, [(written, 0, 0)], (DIGIT_INK,) * 3, hand.pen, grain=0.2)
    return finish(scene, degrade(rng, scene.paper, blur=0.5), "cell")


def _page(rng: Random) -> Grey:
    hand = draw_hand(rng, Sources())
    page = sheet(rng, A4, level=240, grain=2)
    for row in range(ROWS):
        for column in range(COLUMNS):
            ink = write(rng, _number(rng), hand, HEIGHT).alpha
            top = 250 + row * (A4[0] - 500) // ROWS
            left = 200 + column * (A4[1] - 400) // COLUMNS
            part = page[top : top + ink.shape[0], left : left + ink.shape[1]]
            part -= ink[: part.shape[0], : part.shape[1]] * np.float32(INK / 255)
    return degrade(rng, page, blur=0.7)


def _crop(rng: Random) -> Grey:
    ink = write(rng, _number(rng), draw_hand(rng, Sources()), 36.0, margin=(12, 8, 12, 8)).alpha
    return degrade(rng, sheet(rng, ink.shape, level=235) - ink * np.float32(INK / 255), blur=0.5)


def _number(rng: Random) -> list[Token]:
    return [Token(str(digit)) for digit in rng.integers(0, 10, int(rng.integers(3, 7)))]


def _save(path: Path, picture: Grey) -> Path:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    path.write_bytes(data.tobytes())
    return path
