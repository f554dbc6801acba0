"""Pictures for the review page: a number, a digit of it, the page around it; only from files of the ledger."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from digitocr.errors import DigitocrError, InputError
from digitocr.records import Box, Digit, Grey
from digitocr.results import pictures
from digitocr.review.source_files import SourceFiles
from digitocr.review.tasks import Task
from digitocr.store.records import Known

_KEPT = 4
"""Decoded pages in memory."""
_PAGE_EDGE_PX = 1800
_AROUND_EDGE_PX = 1200
_MARK = (0, 94, 213)
"""Okabe and Ito's vermilion, blue first; as in the crops of the queue."""


class NoPictureError(DigitocrError):
    """The file a number was read from is no longer where it was."""

    code = "no-picture"


class Pictures:
    """Cuts pictures out of pages, a few of which stay decoded; threads may share it.

    Parameters
    ----------
    crops : Path
        The crops of the queue.
    source_files : SourceFiles
    """

    def __init__(self, crops: Path, source_files: SourceFiles) -> None:
        self._crops = crops
        self._source_files = source_files
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], Grey] = OrderedDict()

    def page(self, known: Known, index: int) -> Grey:
        """Return a page of a file, decoded.

        Raises
        ------
        NoPictureError
            The file is gone, or that page cannot be decoded.
        """
        key = (known.sha256, index)
        with self._lock:  # one at a time: a page of 200 megapixels is decoded once
            if key not in self._kept:
                try:
                    self._kept[key] = self._source_files.page(known, index).grey
                except InputError as error:
                    raise NoPictureError(f"{known.file}: {error.message}") from None
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def number(self, known: Known, task: Task, position: int, turn: int = 0) -> bytes:
        """Return a number as PNG, one of its digits marked: from the crops of the queue, or cut again.

        Parameters
        ----------
        known : Known
        task : Task
        position : int
            Of the marked digit, counted from 1; 0 marks none.
        turn : int
            Quarter turns, counter-clockwise, of what is shown otherwise.

        Returns
        -------
        bytes

        Raises
        ------
        NoPictureError
            The file is gone, and there is no crop of the number either.
        """
        identity = task.number.items.get(position)
        if identity is not None and not turn % 4:
            path = self._crops / f"{identity}.png"
            try:
                return path.read_bytes()
            except OSError:
                pass
        digits = task.number.machine.digits
        mark = digits[position - 1].box if 0 < position <= len(digits) else None
        try:
            page = self._turned(known, task, turn)
        except NoPictureError:
            for other in task.number.items.values():  # with another digit marked, but better than nothing
                path = self._crops / f"{other}.png"
                if path.is_file():
                    return path.read_bytes()
            raise
        return _png(pictures.crop(page.grey, page.box(task.number.machine.box), mark and page.box(mark)))

    def digit(self, known: Known, task: Task, digit: Digit) -> bytes:
        """Return a digit with some of its neighbours as PNG."""
        try:
            page = self._turned(known, task, 0)
        except NoPictureError:
            position = task.number.machine.digits.index(digit) + 1
            return self.number(known, task, position)
        box = page.box(digit.box)
        room = round(0.35 * max(box.width, box.height))
        wide = Box(box.x - room, box.y - room // 2, box.width + 2 * room, box.height + room)
        return _png(cv2.cvtColor(_cut(page.grey, wide), cv2.COLOR_GRAY2BGR))

    def around(self, known: Known, task: Task, turn: int = 0) -> bytes:
        """Return the part of the page around a number as JPEG, the number framed; of a form the page's whole width.

        Parameters
        ----------
        known : Known
        task : Task
        turn : int
            Quarter turns, counter-clockwise, of what is shown otherwise.

        Returns
        -------
        bytes
        """
        page = self._turned(known, task, turn)
        grey, box = page.grey, page.box(task.number.machine.box)
        is_field = bool(task.number.machine.field)
        width = grey.shape[1] if is_field else min(grey.shape[1], max(12 * box.height, 3 * box.width))
        height = min(grey.shape[0], max(5 * box.height, width // (5 if is_field else 3)))
        left = min(max(0, box.x + box.width // 2 - width // 2), grey.shape[1] - width)
        top = min(max(0, box.y + box.height // 2 - height // 2), grey.shape[0] - height)
        part = grey[top : top + height, left : left + width]
        moved = Box(box.x - left, box.y - top, box.width, box.height)
        return _framed(part, [moved] if task.place.number else [], _AROUND_EDGE_PX)

    def whole_page(self, known: Known, task: Task, turn: int = 0, *, framed: bool = True) -> bytes:
        """Return the whole page as JPEG, the number framed if wanted.

        Parameters
        ----------
        known : Known
        task : Task
        turn : int
            Quarter turns, counter-clockwise, of what is shown otherwise.
        framed : bool

        Returns
        -------
        bytes
        """
        page = self._turned(known, task, turn)
        boxes = [page.box(task.number.machine.box)] if framed and task.place.number else []
        return _framed(page.grey, boxes, _PAGE_EDGE_PX)

    def _turned(self, known: Known, task: Task, turn: int) -> _Turned:
        grey = self.page(known, task.place.page)
        return _Turned(grey, (task.number.page.turn + turn) % 4)


@dataclass(frozen=True)
class _Turned:
    """A page after quarter turns, counter-clockwise."""

    stored: Grey
    turn: int

    @cached_property
    def grey(self) -> Grey:
        """The page, a view of what is stored."""
        return np.asarray(np.rot90(self.stored, self.turn))

    def box(self, box: Box) -> Box:
        """Carry a box of the stored page over."""
        return box.turned(self.turn, self.stored.shape)


def _cut(grey: Grey, box: Box) -> Grey:
    """Cut out a box; what lies beyond the page is white."""
    height, width = grey.shape
    left, top = max(0, box.x), max(0, box.y)
    part = np.ascontiguousarray(grey[top : min(height, box.bottom), left : min(width, box.right)])
    room = (top - box.y, max(0, box.bottom - height), left - box.x, max(0, box.right - width))
    return np.asarray(cv2.copyMakeBorder(part, *room, cv2.BORDER_CONSTANT, value=(255,)), dtype=np.uint8)


def _framed(grey: Grey, boxes: Sequence[Box], edge: int) -> bytes:
    scale = edge / max(grey.shape)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scale = min(scale, 3.0)
    small = cv2.resize(np.ascontiguousarray(grey), None, fx=scale, fy=scale, interpolation=how)
    colour = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR)
    for box in boxes:
        thick = max(2, round(edge / 400))
        room = 3 * thick
        corner = (round(box.x * scale) - room, round(box.y * scale) - room)
        other = (round(box.right * scale) + room, round(box.bottom * scale) + room)
        cv2.rectangle(colour, corner, other, _MARK, thick)
    done, data = cv2.imencode(".jpg", colour, [cv2.IMWRITE_JPEG_QUALITY, 80])
    if not done:
        raise NoPictureError("OpenCV cannot write this picture")
    return data.tobytes()


def _png(colour: pictures.Colour | np.ndarray) -> bytes:
    done, data = cv2.imencode(".png", colour, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise NoPictureError("OpenCV cannot write this picture")
    return data.tobytes()
