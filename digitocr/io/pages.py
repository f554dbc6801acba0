"""File bytes to pages: the content gives the format; pages are turned as EXIF says and come as 8-bit grey.

Hostile bytes are decoded in a child process, see :mod:`digitocr.io.sandbox`.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from digitocr.errors import (
    DamagedImageError,
    EmptyFileError,
    FileSizeError,
    ImageSizeError,
    InputError,
    LockedFileError,
    MemoryLimitError,
    UnsupportedFormatError,
)
from digitocr.records import Grey, Limits, Page

if TYPE_CHECKING:
    import pypdfium2

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
"""Formats read by Pillow, under its names; PDF and HEIC have their own readers."""

MIN_SIDE_PX = 8
"""Minimum side of a page; a smaller one cannot hold a digit."""

LIGHT_INK_LEVEL = 150
"""Ink on a transparent ground that is brighter than this (0 to 255) was drawn for a dark background."""

FAINT_SPREAD = 110
"""Below this spread of grey levels a single colour channel may show the ink better: blue on black, yellow on white."""

PDF_DPI = 300
"""Resolution at which a PDF page is rendered, unless a picture that fills the page has its own."""

_MAX_DPI = 600
_MAX_PX = 4961 * 7016
"""A page that is a picture keeps its pixels up to one of these, however small it is said to be: A4 at 600 dpi."""

_POINTS_PER_INCH = 72
"""PDF units per inch."""

_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
"""TIFF's tag for what samples mean, and its value where the greatest one is black."""

_REDUCED = 1
"""Bit of TIFF's NewSubfileType: a smaller copy of another page."""
_SUBFILE_TYPE = 254

_ZERO_FILL_BYTES = 512
"""This many zero bytes at the end of a JPEG mean an interrupted copy that had reserved its space."""

_MAX_PDF_TAIL_BYTES = 4096
"""More bytes than this after a PDF's last end mark mean that its real end is missing."""

_BYTES_PER_PIXEL = {
    **dict.fromkeys(("1", "L", "P"), 10),
    **dict.fromkeys(("RGB", "YCbCr", "CMYK"), 18),
    **dict.fromkeys(("RGBA", "LA", "PA"), 20),
}
"""Maximum memory for decoding, turning and greying a pixel of a mode of Pillow, all copies counted."""

_DEEP_BYTES_PER_PIXEL = 36
"""The same for any other mode: 16 or 32 bits a sample."""

_PDF_BYTES_PER_PIXEL = 12
"""Maximum memory for a pixel of a rendered page, and for one of a picture on it."""

Reserve = Callable[[int], None]
"""Is told how many bytes decoding a page may take, before that begins; raises `InputError` to refuse it."""

FIRST_ONLY = "an animation or a series: only its first picture is read"


@dataclass(frozen=True, slots=True)
class Document:
    """An open file.

    Attributes
    ----------
    count : int
        Number of pages.
    note : str
        What is left out by design; empty if nothing is.
    page : callable
        Decodes a page, counted from 1; raises `InputError` for anything that is wrong with it.
    """

    count: int
    note: str
    page: Callable[[int], Grey]


def decode(data: bytes, limits: Limits | None = None) -> tuple[Page, ...]:
    """Decode all pages of a file.

    Parameters
    ----------
    data : bytes
        The whole file.
    limits : Limits, optional
        Its `seconds` are enforced by :mod:`digitocr.io.sandbox` only.

    Returns
    -------
    tuple of Page
        One per page of a PDF or TIFF, else one.

    Raises
    ------
    InputError
        A subclass, if the file or any page of it cannot be decoded.
    """
    with opened(data, limits or Limits()) as document:
        return tuple(Page(index, document.page(index)) for index in range(1, document.count + 1))


def _without_limit(need: int) -> None:
    """Let a page take what memory it needs."""


@contextmanager
def opened(data: bytes, limits: Limits, reserve: Reserve = _without_limit) -> Iterator[Document]:
    """Open a file without decoding its pages.

    Parameters
    ----------
    data : bytes
        The whole file.
    limits : Limits
    reserve : callable
        Is told how many bytes decoding a page may take, before that begins; raises `InputError` to refuse it.

    Yields
    ------
    Document

    Raises
    ------
    EmptyFileError
        No bytes.
    UnsupportedFormatError
        Not one of the supported formats.
    LockedFileError
        Encrypted.
    FileSizeError
        More bytes or pages than the limits allow.
    ImageSizeError
        Fewer than `MIN_SIDE_PX` pixels on a side, or more than the limits allow.
    DamagedImageError
        Cannot be decoded to the end.
    """
    if not data:
        raise EmptyFileError("the file is empty")
    if len(data) > limits.bytes:
        raise FileSizeError(f"{len(data):,} bytes are more than the limit of {limits.bytes:,}")
    with ExitStack() as stack:
        with _named_errors(limits):
            document = stack.enter_context(_opener(data)(data, limits, reserve))
            if document.count > limits.pages:
                raise FileSizeError(f"{document.count:,} pages are more than the limit of {limits.pages:,}")
        yield document


def _opener(data: bytes) -> Callable[[bytes, Limits, Reserve], AbstractContextManager[Document]]:
    if data[4:8] == b"ftyp":
        return _heif
    return _pdf if data.startswith(b"%PDF-") or _is_wrapped_pdf(data) else _picture


def _is_wrapped_pdf(data: bytes) -> bool:
    """Distinguish a PDF behind a few foreign bytes from a picture that embeds one."""
    return b"%PDF-" in data[:1024] and not data.startswith(
        (b"\xff\xd8", b"\x89PNG", b"BM", b"RIFF", b"II", b"MM", b"GIF8", b"P")
    )


@contextmanager
def _named_errors(limits: Limits) -> Iterator[None]:
    """Turn any exception of a decoder into one of our errors.

    Raises
    ------
    InputError
        The exception itself, if it is one of ours.
    UnsupportedFormatError
        If Pillow does not know the format.
    ImageSizeError
        If the picture has too many pixels.
    MemoryLimitError
        If it takes too much memory.
    DamagedImageError
        For any other exception.
    """
    with warnings.catch_warnings():
        # Pillow warns about odd metadata and large pictures; our limits decide instead
        warnings.simplefilter("ignore")
        try:
            yield
        except UnidentifiedImageError:
            raise UnsupportedFormatError("not a picture in a supported format") from None
        except Image.DecompressionBombError:
            raise ImageSizeError(f"more than {limits.pixels:,} pixels") from None
        except MemoryError:
            raise MemoryLimitError("decoding takes more memory than a page of its size may take") from None
        except InputError:
            raise
        except Exception as error:
            # OSError, SyntaxError, ValueError, struct.error, …
            raise DamagedImageError(f"damaged picture: {error}") from None


# pictures


@contextmanager
def _picture(data: bytes, limits: Limits, reserve: Reserve) -> Iterator[Document]:
    if data.startswith(b"\xff\xd8") and _is_cut_jpeg(data):
        raise DamagedImageError("damaged picture: its end is missing")
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        series = image.format in ("GIF", "WEBP", "PNG") and getattr(image, "is_animated", False)
        frames = _tiff_frames(image, limits) if image.format == "TIFF" else [0]

        def page(index: int) -> Grey:
            with _named_errors(limits):
                if len(frames) > 1:
                    image.seek(frames[index - 1])
                _check_size(image.size, limits)
                reserve(_need(image))
                return _grey(image)

        yield Document(len(frames), FIRST_ONLY if series else "", page)


def _need(image: Image.Image) -> int:
    return image.width * image.height * _BYTES_PER_PIXEL.get(image.mode, _DEEP_BYTES_PER_PIXEL)


def _is_cut_jpeg(data: bytes) -> bool:
    """Tell whether zeros stand in place of the end: an interrupted copy that had reserved its space."""
    if not data.endswith(bytes(_ZERO_FILL_BYTES)):
        return False
    return not data.rstrip(b"\0").endswith(b"\xff\xd9")


def _tiff_frames(image: Image.Image, limits: Limits) -> list[int]:
    """Return the frames that are pages, without reduced copies of pages.

    Raises
    ------
    FileSizeError
        If there are more than the limit.
    """
    count = getattr(image, "n_frames", 1)
    if count > 2 * limits.pages:  # checked before any frame is looked at
        raise FileSizeError(f"{count:,} pages are more than the limit of {limits.pages:,}")
    pages = []
    for frame in range(count):
        image.seek(frame)
        tags = getattr(image, "tag_v2", {})
        if not (frame and int(tags.get(_SUBFILE_TYPE, 0)) & _REDUCED):
            pages.append(frame)
    image.seek(0)
    return pages


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if min(size) < MIN_SIDE_PX:
        raise ImageSizeError(
            f"only {width}×{height} pixels", hint=f"at least {MIN_SIDE_PX} pixels a side are needed"
        )
    if width * height > limits.pixels:
        raise ImageSizeError(
            f"{width}×{height} pixels are too many", hint=f"the limit is {limits.pixels:,} pixels"
        )


# HEIC


@contextmanager
def _heif(data: bytes, limits: Limits, reserve: Reserve) -> Iterator[Document]:
    import pi_heif

    if not pi_heif.is_supported(data):
        raise UnsupportedFormatError("not a picture in a supported format")
    file = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)

    def page(_: int) -> Grey:
        with _named_errors(limits):
            image = file[file.primary_index]
            _check_size(image.size, limits)
            reserve(image.size[0] * image.size[1] * _DEEP_BYTES_PER_PIXEL)
            # libheif has applied the EXIF turn already
            return _eight_bit_grey(image.to_pillow())

    yield Document(1, FIRST_ONLY if len(file) > 1 else "", page)


# PDF


@contextmanager
def _pdf(data: bytes, limits: Limits, reserve: Reserve) -> Iterator[Document]:
    import pypdfium2

    end = data.rfind(b"%%EOF")
    if end < 0 or len(data[end + 5 :].strip(b"\0\r\n \t")) > _MAX_PDF_TAIL_BYTES:
        raise DamagedImageError("damaged PDF: its end is missing")
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise LockedFileError("the PDF is encrypted") from None
        raise DamagedImageError(f"damaged PDF: {error}") from None
    with document:
        if not len(document):
            raise DamagedImageError("damaged PDF: it has no pages")
        document.init_forms()  # draw form fields that were filled in on a screen, too

        def page(index: int) -> Grey:
            with _named_errors(limits):
                return _rendered(document[index - 1], limits, reserve)

        yield Document(len(document), "", page)


def _rendered(page: pypdfium2.PdfPage, limits: Limits, reserve: Reserve) -> Grey:
    width, height = page.get_size()
    dpi, pixels = _page_dpi(page, width * height)
    scale = dpi / _POINTS_PER_INCH
    size = round(width * scale), round(height * scale)
    _check_size(size, limits)
    reserve(_PDF_BYTES_PER_PIXEL * (size[0] * size[1] + min(pixels, limits.pixels)))
    bitmap = page.render(scale=scale)
    return _eight_bit_grey(bitmap.to_pil())


def _page_dpi(page: pypdfium2.PdfPage, area: float) -> tuple[float, int]:
    """Return the resolution of the picture that fills the page, or `PDF_DPI` if none does; and the pixels of all."""
    import pypdfium2.raw as pdfium

    best, every = 0.0, 0
    for picture in islice(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE]), 100):
        columns, rows = picture.get_px_size()
        every += columns * rows
        left, bottom, right, top = picture.get_bounds()
        covered = (right - left) * (top - bottom)
        if covered < area / 2:
            continue
        best = max(best, math.sqrt(columns * rows / covered) * _POINTS_PER_INCH)
    # slightly less, so that rounding up does not add a row
    most = max(_MAX_DPI, math.sqrt(_MAX_PX / max(area, 1e-6)) * _POINTS_PER_INCH)
    return min(best * (1 - 1e-4), most) if best else PDF_DPI, every


# grey


def _grey(frame: Image.Image) -> Grey:
    """Turn a frame as EXIF says and convert it to 8-bit grey; transparent areas become white."""
    if frame.format == "JPEG" and frame.mode == "YCbCr":
        frame.draft("L", frame.size)
    frame.load()
    ImageOps.exif_transpose(frame, in_place=True)
    return _eight_bit_grey(frame)


def _eight_bit_grey(image: Image.Image) -> Grey:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _eight_bit(np.asarray(image), light_is_high=_light_is_high(image))
    if image.mode == "LAB":
        return np.asarray(image.getchannel(0), dtype=np.uint8)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = _on_paper(image.convert("RGBA"))
    elif image.mode not in ("RGB", "L", "1"):
        image = image.convert("RGB")
    if image.mode == "RGB":
        return np.asarray(_clearest(image), dtype=np.uint8)
    return np.asarray(image if image.mode == "L" else image.convert("L"), dtype=np.uint8)


def _on_paper(rgba: Image.Image) -> Image.Image:
    """Put a transparent picture on white, or on black if its ink is light and covers little."""
    small = np.asarray(_sampled(rgba), dtype=np.float32)
    drawn = small[..., 3] > 127
    light = bool(drawn.any()) and float(small[drawn][:, :3].mean()) > LIGHT_INK_LEVEL
    paper = "black" if light and float(drawn.mean()) < 0.5 else "white"
    return Image.alpha_composite(Image.new("RGBA", rgba.size, paper), rgba).convert("RGB")


def _clearest(rgb: Image.Image) -> Image.Image:
    """Return luminance, or the colour channel with the most contrast where luminance has little."""
    small = _sampled(rgb)
    grey, *spreads = _spreads([*small.convert("L").histogram(), *small.histogram()])
    best = int(np.argmax(spreads))
    if grey < FAINT_SPREAD and spreads[best] > 1.5 * grey + 20:
        return rgb.getchannel(best)
    return rgb.convert("L")


def _sampled(image: Image.Image) -> Image.Image:
    scale = max(1.0, max(image.size) / 512)
    size = (max(1, round(image.width / scale)), max(1, round(image.height / scale)))
    return image.resize(size, Image.Resampling.NEAREST)


def _spreads(histograms: list[int]) -> list[int]:
    """Return the spread of levels of each 256-bin histogram, without the outermost 0.3 % at both ends."""
    share = np.cumsum(np.reshape(histograms, (-1, 256)), axis=1)
    low, high = (share <= 0.003 * share[:, -1:]).sum(axis=1), (share < 0.997 * share[:, -1:]).sum(axis=1)
    return [int(spread) for spread in high - low]


def _light_is_high(image: Image.Image) -> bool:
    """Tell what samples mean; Pillow inverts those of 8 bits, and leaves others of a TIFF as they are."""
    return image.format != "TIFF" or image.tag_v2.get(_PHOTOMETRIC, 1) != _WHITE_IS_ZERO  # type: ignore[attr-defined]


def _eight_bit(values: np.ndarray, *, light_is_high: bool) -> Grey:
    """Scale 16- or 32-bit samples to 8 bit: by the range of the type, or of the values if they use little of it."""
    samples = np.nan_to_num(values.astype(np.float64))
    top = _top_level(float(samples.max(initial=0)), is_real=values.dtype.kind == "f")
    if not light_is_high:
        samples = top - samples
    return np.clip(samples * (255.0 / top), 0, 255).astype(np.uint8)


def _top_level(greatest: float, *, is_real: bool) -> float:
    """Return the sample that is white: real numbers go to 1, 12 bits are stored as 16."""
    if is_real and greatest <= 1:
        return 1.0
    return next((top for top in (255.0, 1023.0, 4095.0, 65535.0) if greatest <= top), greatest)
