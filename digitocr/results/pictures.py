"""Pictures for people: the crop of what waits, and a page with all that was read on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr import atomic
from digitocr.errors import CrowdedError, OutputError
from digitocr.records import (
    Box,
    FileResult,
    FileStatus,
    Grey,
    Limits,
    Number,
    Page,
    PageResult,
    Place,
    Shown,
    Status,
)
from digitocr.results.items import Item, items

Colour = NDArray[np.uint8]
"""``uint8`` picture of shape ``(height, width, 3)``, blue first."""

# Okabe and Ito's blue and vermilion, which differ for every kind of colour vision; what waits is also thicker
_ACCEPTED = (178, 114, 0)
_REVIEW = (0, 94, 213)
_PAPER = (255, 255, 255)

_PAGE_EDGE_PX = 1600
"""Longest edge of the crop that shows a whole page."""
_LEAST_HEIGHT_PX = 64
"""Crops lower than this are enlarged."""
_NUMBER_HEIGHT_PX = 112
"""Crops of numbers higher than this are reduced."""


def show(page: Page, read: PageResult, *, annotated: bool, max_crops: int = Limits().crops) -> Shown:
    """Draw the crops of a page, and the page itself with its boxes if asked for.

    Parameters
    ----------
    page : Page
    read : PageResult
        What was read on it.
    annotated : bool
        Draw the whole page as well, with boxes, digits and review marks.
    max_crops : int
        Most bytes of all crops.

    Returns
    -------
    Shown

    Raises
    ------
    CrowdedError
        If the crops have more bytes.
    """
    # the first page stands for a file on which nothing was found
    status = FileStatus.DONE if read.numbers or read.index > 1 else FileStatus.EMPTY
    alone = FileResult("", "", (read,), status)
    shape, turn = page.grey.shape, read.turn
    grey = upright(page.grey, turn)
    drawn: dict[Place, bytes] = {}
    size = 0
    for item in items(alone, alone, ""):
        box, mark = item.box.turned(turn, shape), item.mark and item.mark.turned(turn, shape)
        drawn[item.box, item.mark] = picture = _encode(".png", crop(grey, box, mark))
        size += len(picture)
        if size > max_crops:
            raise CrowdedError(f"its pictures for review exceed {max_crops:,} bytes")
    if annotated:
        drawn[None] = annotated_page(page.grey, read)
    return Shown(page.index, drawn, size)


def annotated_page(grey: Grey, read: PageResult) -> bytes:
    """Draw what was read on a page, turned as it was read.

    Parameters
    ----------
    grey : (H, W) uint8 ndarray
        The page as stored.
    read : PageResult

    Returns
    -------
    bytes
        JPEG.
    """
    numbers = [_turned(number, read.turn, grey.shape) for number in read.numbers]
    return _encode(".jpg", annotate(upright(grey, read.turn), numbers))


def upright(grey: Grey, turn: int) -> Grey:
    """Return a page as it was read.

    Parameters
    ----------
    grey : (H, W) uint8 ndarray
    turn : int
        Quarter turns, counter-clockwise.

    Returns
    -------
    (H, W) or (W, H) uint8 ndarray
    """
    return np.ascontiguousarray(np.rot90(grey, turn)) if turn % 4 else grey


def _turned(number: Number, turn: int, shape: tuple[int, int]) -> Number:
    digits = tuple(replace(digit, box=digit.box.turned(turn, shape)) for digit in number.digits)
    return replace(number, box=number.box.turned(turn, shape), digits=digits)


def write_crops(review: Path, shown: Iterable[Shown], waiting: Iterable[Item]) -> None:
    """Write the crop of each item that waits to ``crops/<review_id>.png``.

    Parameters
    ----------
    review : Path
        The review folder.
    shown : iterable of Shown
        Pages with their crops.
    waiting : iterable of Item
        What the queue holds; crops of settled items are not written.
    """
    by_index = {page.index: page for page in shown}
    for item in waiting:
        queued = item.queued
        if queued.waits and queued.page in by_index:
            picture = by_index[queued.page].pictures[item.box, item.mark]
            atomic.write(review / "crops" / f"{queued.review_id}.png", picture, durable=False)


def write_annotated(results: Path, file: str, shown: Iterable[Shown]) -> None:
    """Write the annotated pages.

    The first page of ``scan.tif`` is ``scan.tif.annotated.jpg``, the second ``scan.tif.annotated.2.jpg``.

    Parameters
    ----------
    results : Path
        The results folder.
    file : str
        Name in the tables.
    shown : iterable of Shown
        Pages with their crops.
    """
    for page in shown:
        name = f"{file}.annotated{'' if page.index == 1 else f'.{page.index}'}.jpg"
        atomic.write(results / name, page.pictures[None], durable=False)


def crop(grey: Grey, box: Box, mark: Box | None) -> Colour:
    """Cut out a number with some paper around it, and mark one of its digits.

    Parameters
    ----------
    grey : (H, W) uint8 ndarray
    box, mark : Box
        In pixels of `grey`.

    Returns
    -------
    Colour
        Enlarged or reduced to a size that is easy to read.
    """
    height, width = grey.shape
    margin = max(8, round(0.5 * min(box.height, box.width, 200)))
    left, top = max(0, box.x - margin), max(0, box.y - margin)
    right, bottom = min(width, box.right + margin), min(height, box.bottom + margin)
    picture = np.ascontiguousarray(grey[top:bottom, left:right])
    scale = _crop_scale(picture.shape, height)
    if scale != 1:
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how).astype(np.uint8)
    colour = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR).astype(np.uint8)
    if mark is not None:
        _brackets(colour, _scaled(mark, left, top, scale))
    return colour


def annotate(grey: Grey, numbers: Iterable[Number]) -> Colour:
    """Draw what was read on a page: each digit's box with its value above, and what waits framed.

    Parameters
    ----------
    grey : (H, W) uint8 ndarray
    numbers : iterable of Number
        Boxes in pixels of `grey`.

    Returns
    -------
    Colour
        Enlarged where the page is small.
    """
    scale = max(1.0, min(3.0, 600 / max(grey.shape)))  # a small crop has no room for labels
    picture = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) if scale > 1 else grey
    numbers = [number for number in numbers if number.digits or number.status is not Status.CORRECTED]
    heights = [number.box.height * scale for number in numbers]
    frame = round(1.6 * max((_letter(height) for height in heights), default=14.0))
    colour = cv2.copyMakeBorder(
        cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR),
        frame,
        frame,
        frame,
        frame,
        cv2.BORDER_CONSTANT,
        value=_PAPER,
    ).astype(np.uint8)
    for number, height in zip(numbers, heights, strict=True):
        letter = _letter(height)
        thin = max(1, round(letter / 16))
        if number.status is Status.REVIEW:
            box = _scaled(number.box, 0, 0, scale, frame, margin=3 * thin)
            cv2.rectangle(colour, (box.x, box.y), (box.right, box.bottom), _REVIEW, 2 * thin)
            _label(colour, "?", box.right + 2 * thin, box.y + box.height // 2, 1.2 * letter, _REVIEW)
        for digit in number.digits:
            box, waits = _scaled(digit.box, 0, 0, scale, frame), digit.status is Status.REVIEW
            hue = _REVIEW if waits else _ACCEPTED
            cv2.rectangle(colour, (box.x, box.y), (box.right, box.bottom), hue, 2 * thin if waits else thin)
            _label(colour, str(digit.value), box.x, box.y - 5 * thin, letter, hue)
    return colour


def _letter(height: float) -> float:
    """Return the height of the labels of a number, in pixels."""
    return min(48.0, max(13.0, 0.4 * height))


def _label(colour: Colour, text: str, x: int, y: int, height: float, hue: tuple[int, int, int]) -> None:
    """Write `text` with a white rim, so that it can be read over ink."""
    scale = height / 22  # Hershey's capitals are 22 pixels high
    for pen, thickness in ((_PAPER, 0.36), (hue, 0.12)):
        width = max(1, round(height * thickness))
        cv2.putText(colour, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, pen, width, cv2.LINE_AA)


def _brackets(colour: Colour, box: Box) -> None:
    """Mark a digit by lines above and below it, which hide none of its ink."""
    thickness = max(2, colour.shape[0] // 50)
    for y in (max(0, box.y - 2 * thickness), min(colour.shape[0] - 1, box.bottom + 2 * thickness)):
        cv2.line(colour, (box.x, y), (box.right, y), _REVIEW, thickness)


def _scaled(box: Box, left: int, top: int, scale: float, frame: int = 0, margin: int = 0) -> Box:
    return Box(
        round((box.x - left) * scale) + frame - margin,
        round((box.y - top) * scale) + frame - margin,
        round(box.width * scale) + 2 * margin,
        round(box.height * scale) + 2 * margin,
    )


def _crop_scale(shape: tuple[int, int], page_height: int) -> float:
    """Return the scale at which a number, or a page shown as its own crop, is easy to read."""
    if shape[0] > page_height / 2:
        return min(_PAGE_EDGE_PX / max(shape), max(1.0, _LEAST_HEIGHT_PX / shape[0]))
    scale = float(np.clip(_NUMBER_HEIGHT_PX / shape[0], 0.25, max(1.0, _LEAST_HEIGHT_PX / shape[0])))
    return min(scale, _PAGE_EDGE_PX / max(shape))


def _encode(suffix: str, picture: Colour) -> bytes:
    # the fastest PNG: crops are small, and thousands of them are written in a run
    how = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FAST_FILTERS]
    done, data = cv2.imencode(suffix, picture, how if suffix == ".png" else [])
    if not done:
        raise OutputError(f"OpenCV cannot write a picture as {suffix}")
    return data.tobytes()
