"""A reader whose results stand in the file: the content ``107 33?`` is two numbers, the second for review;
in ``33?38`` another reader is sure of 38.

``EMPTY`` has nothing on it, ``BAD`` cannot be decoded, ``HALF 7`` lacks a page, ``BUG`` raises what no one expects,
``DIE`` ends the process.
"""

import hashlib
import os
import re
from dataclasses import dataclass, field

import cv2
import numpy as np

from digitocr.errors import InputError
from digitocr.io.pages import decode
from digitocr.io.sandbox import read_bytes
from digitocr.records import (
    Box,
    Digit,
    FileResult,
    FileStatus,
    Limits,
    Number,
    Page,
    PageResult,
    Reading,
    Reason,
    Status,
)

SHAPE = (60, 400)
TEXT = b"TEXT:"
"""Follows the bytes of a picture, and goes before what is read in it."""


@dataclass
class FakeReader:
    seen: list[str] = field(default_factory=list)

    def read(self, sources, show=None):
        return [self._shown(self._read(source), source, show) for source in sources]

    def _shown(self, result, source, show):
        if show is None or not result.pages:
            return Reading(result)
        data = content_of(source)
        page = decode(data)[0] if TEXT in data else Page(1, np.full(SHAPE, 255, np.uint8))
        return Reading(result, (show(page, result.pages[0]),))

    def _read(self, source):
        self.seen.append(source.file)
        try:
            data = content_of(source)
        except InputError as error:
            return failed(source.file, "", "no-access", str(error))
        content = hashlib.sha256(data).hexdigest()
        text = data.rpartition(TEXT)[2].decode("latin-1")
        if "DIE" in text:
            os._exit(9)
        if "BUG" in text:
            raise RuntimeError("a bug")
        if "BAD" in text or not text:
            return failed(source.file, content, "damaged", "cannot be decoded")
        pages = [PageResult(1, SHAPE, numbers(text))]
        status = FileStatus.DONE if pages[0].numbers else FileStatus.EMPTY
        error = code = ""
        if "HALF" in text:
            pages.append(PageResult(2, SHAPE, (), "cannot be decoded"))
            status, error, code = FileStatus.PARTIAL, "page 2 cannot be decoded", "damaged"
        return FileResult(source.file, content, tuple(pages), status, error, code, 0.01)


def content_of(source):
    return read_bytes(source.path, Limits()) if source.content is None else source.content


def drawn(text):
    """Return a picture of `text`, as this reader reads it."""
    grey = np.full(SHAPE, 235, np.uint8)
    for number in numbers(text):
        for digit in number.digits:
            corner = (digit.box.x, digit.box.bottom - 3)
            cv2.putText(grey, str(digit.value), corner, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (30,), 1, cv2.LINE_AA)
    return cv2.imencode(".png", grey)[1].tobytes() + TEXT + text.encode()


def failed(file, content, code, message):
    return FileResult(file, content, (), FileStatus.FAILED, message, code)


def numbers(text):
    found, x = [], 10
    for word in text.split():
        if not re.fullmatch(r"\d+(\?\d*)?", word):
            continue
        read, mark, other = word.partition("?")
        unsure = bool(mark)
        digits = []
        for place, value in enumerate(read):
            waits = unsure and place == 0
            status = Status.REVIEW if waits else Status.ACCEPTED
            digits.append(Digit(int(value), 0.5 if waits else 0.99, 7, 0.3, Box(x, 20, 9, 20), status))
            x += 10
        box = Box(digits[0].box.x, 20, 10 * len(digits), 20)
        status = Status.REVIEW if unsure else Status.ACCEPTED
        doubt = f"{Reason.READERS_DISAGREE}:{other}" if other else Reason.LOW_CONFIDENCE
        reasons = (doubt,) if unsure else ()
        found.append(Number(tuple(digits), 0.4 if unsure else 0.98, box, read, status, reasons))
        x += 20
    return tuple(found)
