"""One's own pictures of single digits: any size, colour and polarity, on a screen or on paper."""

import csv
import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_digits import drawn_digit
from PIL import Image

from digitocr.io import pages
from digitocr.networks.classifier import load_classifier
from digitocr.training.datasets.single import single_digit
from digitocr.training.extras.prediction import expanded, read, table_of

CELLS = Path(os.environ.get("DIGITOCR_DATA", "../shared/data")) / "cells"

WHITE, BLACK, CREAM, NAVY, GREEN = (255,) * 3, (0,) * 3, (250, 245, 225), (10, 10, 70), (20, 90, 50)
SHADES = [
    (BLACK, WHITE), (WHITE, BLACK), ((220, 20, 20), WHITE), ((20, 40, 220), CREAM), ((20, 40, 220), BLACK),
    ((255, 230, 0), WHITE), ((255, 230, 0), BLACK), ((0, 200, 220), NAVY), ((220, 0, 200), GREEN),
    ((220, 20, 20), GREEN), ((240, 140, 0), WHITE), ((0, 140, 40), CREAM), ((255, 170, 190), NAVY),
    (BLACK, None), (WHITE, None), ((220, 20, 20), None),
]  # fmt: skip
"""Ink and paper, None for nothing under the ink."""

SIDES = (28, 64, 200, 640, 1500)


@pytest.fixture(scope="module")
def shipped():
    return load_classifier()


def painted(seed, label, side, ink, paper, *, share=0.6, thickness=0.11):
    """A picture as a drawing program stores it: a digit so high in shares of it, strokes in shares of the digit."""
    alpha = drawn_digit(seed, label, max(12.0, share * side), slant=0.05, thickness=thickness)[:side, :side]
    cover = np.zeros((side, side), np.float32)
    y, x = (side - alpha.shape[0]) // 2, (side - alpha.shape[1]) // 2
    cover[y : y + alpha.shape[0], x : x + alpha.shape[1]] = alpha / 255
    if paper is None:
        picture = np.dstack([np.full((side, side, 3), ink, np.uint8), (255 * cover).astype(np.uint8)])
    else:
        ground = np.array(paper, np.float32)
        picture = (ground + (np.array(ink, np.float32) - ground) * cover[..., None]).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


def photographed(seed, label, *, desk, share):
    """A 12-megapixel photo of pencil on paper."""
    from digitocr.training.synth.hand import Pen, draw_hand
    from digitocr.training.synth.paper import noise
    from digitocr.training.synth.pen import Token, write
    from digitocr.training.synth.photos import photograph
    from digitocr.training.synth.scene import new_scene
    from digitocr.training.synth.strokes import Sources

    rng = np.random.default_rng((77, seed))
    paper = 235 + 3 * noise(rng, (750, 1000))
    scene = new_scene(np.dstack([paper] * 3))
    hand = draw_hand(rng, Sources(), pen=Pen.PENCIL, thickness=0.08)
    written = write(rng, [Token(label)], hand, share * 750)
    y, x = 330 - written.alpha.shape[0] // 2, 480 - written.alpha.shape[1] // 2
    scene.add_number(rng, [(written, x, y)], (95.0, 95.0, 95.0), Pen.PENCIL)
    colour = photograph(rng, scene, desk=desk, damage=0.6).colour
    large = cv2.resize(colour, (4000, 3000), interpolation=cv2.INTER_LINEAR)
    return cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


def test_every_colour_polarity_and_size_is_read(shipped, tmp_path):
    truth = {}
    for k, (ink, paper) in enumerate(SHADES):
        for j, side in enumerate(SIDES):
            label = str((5 * k + j) % 10)
            path = tmp_path / f"{k:02}-{side}.png"
            path.write_bytes(painted(7 * k + j, label, side, ink, paper))
            truth[path.as_posix()] = int(label)
    found = read(shipped, expanded([tmp_path]))
    assert len(found) == len(SHADES) * len(SIDES)
    wrong = [p.file for p in found if p.digit is None or p.ranked[0][0] != truth[p.file]]
    assert len(wrong) <= 0.05 * len(found), wrong


def test_a_thick_pen_in_a_large_picture_is_not_taken_for_a_shadow(shipped, tmp_path):
    truth = {}
    for k, (ink, paper) in enumerate(SHADES[:12]):
        label = str(k % 10)
        path = tmp_path / f"{k:02}.png"
        path.write_bytes(painted(50 + k, label, (300, 800)[k % 2], ink, paper, share=0.7, thickness=0.2))
        truth[path.as_posix()] = int(label)
    found = read(shipped, expanded([tmp_path]))
    assert [p.ranked[0][0] for p in found] == list(truth.values())


@pytest.mark.parametrize("desk", [False, True])
def test_photos_of_pencil_on_paper_are_read(desk, shipped, tmp_path):
    for k, share in enumerate((0.12, 0.3, 0.7)):
        (tmp_path / f"{k}.jpg").write_bytes(photographed(k, str(3 + k), desk=desk, share=share))
    assert [p.ranked[0][0] for p in read(shipped, expanded([tmp_path]))] == [3, 4, 5]


def test_the_box_lies_around_the_ink():
    data = painted(1, "5", 640, BLACK, WHITE)
    page = pages.decode(data)[0]
    ys, xs = np.nonzero(page.grey < 128)
    box = single_digit(page).box
    assert abs(box.x - xs.min()) < 8
    assert abs(box.bottom - ys.max()) < 8


@pytest.mark.skipif(not CELLS.is_dir(), reason="no development data; DIGITOCR_DATA names its folder")
def test_single_cells_are_read(shipped):
    with (CELLS / "truth.csv").open(encoding="utf-8", newline="") as stream:
        truth = {
            (CELLS / row["file"]).as_posix(): int(row["text"])
            for row in csv.DictReader(stream)
            if row["text"]
        }
    found = read(shipped, [Path(name) for name in truth])
    right = sum(p.digit is not None and p.ranked[0][0] == truth[p.file] for p in found)
    assert right >= 0.95 * len(truth)


def test_what_cannot_be_read_is_told_in_its_row(shipped, tmp_path):
    (tmp_path / "a.png").write_bytes(painted(3, "7", 100, BLACK, WHITE))
    (tmp_path / "b.png").write_bytes(b"no picture")
    Image.new("L", (50, 50), 255).save(tmp_path / "c.png")
    found = read(shipped, expanded([tmp_path]))
    rows = list(csv.DictReader(io.StringIO(table_of(found))))
    assert [r["digit"] for r in rows] == ["7", "", ""]
    assert "not a picture" in rows[1]["error"]
    assert rows[2]["error"] == "nothing found"
    assert 0.5 < float(rows[0]["confidence"]) <= 1
    assert float(rows[0]["runner_up_confidence"]) < 0.5
