"""The single digit of a picture of any size and colour, in MNIST format, by the steps of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from digitocr.imaging import clean, geometry, segment
from digitocr.imaging.components import components
from digitocr.imaging.parameters import Imaging
from digitocr.imaging.sheet import Candidate, Line, Sheet
from digitocr.recognition import normalize
from digitocr.records import Box, Grey, Mask, Page

COARSE_SIDE_PX = 128
"""Longest side at which strokes of a thick pen are narrower than the shadows that cleaning removes."""

P = Imaging()
"""As pages are read."""

SIDES_PX = (COARSE_SIDE_PX, 256, 700, 2400)
"""Longest sides at which a digit is looked for: most digits fill their picture, some lie on a whole page."""

CLEAR_HEIGHT_PX = 40
"""A digit at least this high at the size it is looked for needs no finer look."""

THICK_STROKE_PX = 7.0
"""Strokes at least this wide are resolved at the coarsest size; thinner ones are looked at in more detail."""

FRAME_FILL_SHARE = 0.2
"""Ink that covers less of its box than this may be a frame."""

EDGE_PX = 2
"""Ink this close to the edge of the sheet may be what lies around the paper."""


@dataclass(frozen=True, slots=True)
class SingleDigit:
    """The digit of a picture.

    Attributes
    ----------
    seen : (28, 28) uint8 ndarray
        In MNIST format.
    box : Box
        In page pixels.
    """

    seen: Grey
    box: Box


def single_digit(page: Page) -> SingleDigit | None:
    """Find the one digit of a page and bring it into MNIST format.

    The page is looked at coarsely first: a digit that fills a large picture has strokes as wide as a shadow, and a
    small one on a large page is lost in a small picture.

    Parameters
    ----------
    page : Page

    Returns
    -------
    SingleDigit or None
        None where there is no ink.
    """
    flat, to_page = geometry.straighten(page.grey, P.geometry, P.paper)
    found = None
    for side in SIDES_PX:
        scale = min(1.0, side / max(flat.shape))
        digit = _found(flat, scale)
        found = digit or found
        if scale == 1 or (digit is not None and _well_seen(digit, side)):
            break
    if found is None:
        return None
    sheet = found.sheet
    back = to_page @ np.diag([1 / found.scale, 1 / found.scale, 1.0]) @ sheet.to_page
    box = replace(sheet, to_page=back).box_on_page(found.candidate.box, page.grey.shape)
    return SingleDigit(normalize.to_mnist(found.ink), box)


@dataclass(frozen=True, slots=True)
class _Found:
    """A digit on the sheet of a page that was reduced by `scale`; `is_alone` where no other ink is close to it."""

    candidate: Candidate
    ink: Grey
    sheet: Sheet
    scale: float
    is_alone: bool


def _found(flat: Grey, scale: float) -> _Found | None:
    if scale < 1:
        flat = cv2.resize(flat, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    sheet = clean.clean(Page(1, flat), P)
    sheet = replace(sheet, ink=_without_frames(sheet.ink))
    lines = segment.segment(sheet, P.segmentation, P.rows, P.cuts)
    if not lines:
        return None
    line = max(lines, key=lambda line: _weight(line, sheet))
    candidate = _digit_of(line)
    is_alone = not any(_is_close(candidate.box, other.box) for other in lines if other is not line)
    return _Found(candidate, line.ink(candidate), sheet, scale, is_alone)


def _is_close(box: Box, other: Box) -> bool:
    """Whether ink lies within half of a digit's height: it may be the rest of a stroke that broke."""
    room = box.height / 2
    return (
        other.x < box.right + room
        and other.right > box.x - room
        and other.y < box.bottom + room
        and other.bottom > box.y - room
    )


def _without_frames(ink: Mask) -> Mask:
    """Leave out thin ink that goes all around other ink: the edge of the paper."""
    labels, boxes = components(ink)
    x, y, width, height, area = boxes.T
    inside = (
        (x > (x + width / 10)[:, None])
        & (y > (y + height / 10)[:, None])
        & (x + width < (x + 0.9 * width)[:, None])
        & (y + height < (y + 0.9 * height)[:, None])
        & (height > (height / 5)[:, None])
    )
    frame = inside.any(axis=1) & (area < FRAME_FILL_SHARE * width * height)
    return np.asarray(ink & ~np.concatenate([[False], frame])[labels], dtype=np.bool_)


def _well_seen(found: _Found, side: int) -> bool:
    large = found.candidate.box.height >= CLEAR_HEIGHT_PX
    return (
        large
        and found.is_alone
        and (side > COARSE_SIDE_PX or _width_of_strokes(found.ink) >= THICK_STROKE_PX)
    )


def _width_of_strokes(ink: Grey) -> float:
    """Mean width in pixels: across a stroke, ink lies on average a quarter of its width from the edge."""
    drawn = np.pad(ink > ink.max() / 2, 1)
    away = cv2.distanceTransform(drawn.astype(np.uint8), cv2.DIST_L2, 3)
    return 4 * float(away[drawn].mean()) if drawn.any() else 0.0


def _weight(line: Line, sheet: Sheet) -> float:
    """Size of a line, less where it lies far from the middle of the sheet or runs along its edges."""
    height, width = sheet.ink.shape
    x, y = line.box.centre
    away = max(abs(x / width - 0.5), abs(y / height - 0.5)) * 2
    box = line.box
    edges = (
        (box.x <= EDGE_PX)
        + (box.y <= EDGE_PX)
        + (box.right >= width - EDGE_PX)
        + (box.bottom >= height - EDGE_PX)
    )
    return float(box.height * (1.5 - away) * (0.2 if edges >= 2 else 1.0))


def _digit_of(line: Line) -> Candidate:
    """Return the candidate with the most ink: a digit is cut into pieces, but here there is only one."""
    return max(line.candidates, key=lambda c: np.count_nonzero(line.ink(c)))
