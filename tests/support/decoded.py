"""Decoded numbers, lines and views of a page, made without a network."""

import math

import numpy as np

from digitocr.imaging.sheet import Line, Sheet
from digitocr.recognition.confidence import ConfidenceFeatures
from digitocr.recognition.numbers import DecodedNumber, Segment, TextEvidence
from digitocr.recognition.orientation import ReadView, View
from digitocr.records import Box, Page, PageKind, around

FEATURES = ConfidenceFeatures(2.0, 1.0, 2.0, 1.5, 0.5, 0.5, 3.0, 4.0, 2.0, 0.7, 0.1, -2.0, 0.2)


def decoded(text, x=0, y=0, *, likeness=0.99, log_p_ctc=-0.01):
    """A number of digits 20 pixels wide and 30 high, 4 pixels apart."""
    boxes = [Box(x + 24 * k, y, 20, 30) for k in range(len(text))]
    return DecodedNumber(
        segments=tuple(
            Segment(int(digit), 0.99, (int(digit) + 1) % 10, 0.005, box)
            for digit, box in zip(text, boxes, strict=True)
        ),
        written=text,
        box=around(boxes) if boxes else Box(x, y, 20, 30),
        log_posterior=math.log(0.9),
        log_scores=(math.log(likeness),) * len(text),
        line_text=TextEvidence(log_p_ctc=log_p_ctc),
        features=FEATURES,
    )


def line(*pieces, height=30.0):
    """A line of pieces with these boxes."""
    nothing = np.zeros((1, 1), np.int16)
    dark = nothing.astype(np.uint8)
    return Line(around(pieces), height, pieces, pieces, (), nothing, dark, np.eye(2, 3), np.eye(3), dark)


def view(*lines, shape=(600, 600), to_page=None, reasons=(), kind=PageKind.PAGE):
    """A page in one way up with these lines."""
    grey = np.full(shape, 255, np.uint8)
    sheet = Sheet(grey, grey < 128, np.eye(3) if to_page is None else to_page, grey, reasons, kind=kind)
    return View(Page(1, grey), sheet, lines, 0, dict, dict)


def read(*rows, kind=PageKind.PAGE):
    """A view whose rows, one below the other, hold the numbers; a row of no number is one stroke."""
    lines = [
        line(*[s.box for number in row for s in number.segments] or [Box(0, 50 * k, 20, 30)])
        for k, row in enumerate(rows)
    ]
    return ReadView(view(*lines, kind=kind), tuple(tuple(row) for row in rows))
