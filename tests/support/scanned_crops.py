"""One crop of a handwritten number, drawn large, scanned at any size."""

import cv2
import numpy as np

from digitocr.records import Page, Status
from digitocr.training.synth.hand import draw_hand
from digitocr.training.synth.paper import degrade, sheet
from digitocr.training.synth.pen import Token, write
from digitocr.training.synth.strokes import Sources


def draw_crop(rng):
    """A number of one to six digits in our own hand, 260 to 520 pixels high, on plain paper."""
    digits = rng.integers(0, 10, int(rng.integers(1, 7)))
    height = float(rng.uniform(260, 520))
    margin = tuple(int(v) for v in rng.uniform(0.1, 0.8, 4) * height)
    ink = write(rng, [Token(str(d)) for d in digits], draw_hand(rng, Sources()), height, margin=margin).alpha
    side = max(ink.shape) if rng.random() < 0.5 else 0  # half of them square
    rows, columns = max(ink.shape[0], side), max(ink.shape[1], side)
    paper = sheet(rng, (rows, columns), level=float(rng.uniform(190, 245)))
    y, x = (rows - ink.shape[0]) // 2, (columns - ink.shape[1]) // 2
    darkness = np.float32(rng.uniform(90, 170) / 255)
    paper[y : y + ink.shape[0], x : x + ink.shape[1]] -= ink * darkness
    return degrade(rng, paper, blur=float(rng.uniform(1, 5)), grain=float(rng.uniform(0, 6)))


def scanned(crop, shorter_px):
    scale = shorter_px / min(crop.shape)
    size = tuple(max(shorter_px, round(side * scale)) for side in crop.shape[::-1])
    return cv2.resize(crop, size, interpolation=cv2.INTER_AREA)


def read(reader, grey):
    """All texts, and those accepted."""
    (result,) = reader.results([reader.lay_out(Page(1, grey))])
    return (
        [number.text for number in result.numbers],
        [number.text for number in result.numbers if number.status is Status.ACCEPTED],
    )


def compare(reader, count, seed):
    """Read crops at n and at n + 2 pixels: how many texts differ, and how often one is accepted against another."""
    differ = against = 0
    for k in range(count):
        rng = np.random.default_rng((seed, k))
        crop, n = draw_crop(rng), int(rng.integers(200, 901))
        (one, one_accepted), (other, other_accepted) = (
            read(reader, scanned(crop, size)) for size in (n, n + 2)
        )
        differ += one != other
        against += bool(one_accepted and other_accepted and one_accepted != other_accepted)
    return differ, against
