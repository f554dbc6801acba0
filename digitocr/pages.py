"""A file's bytes to pages: format by content, turned upright by EXIF, grey and 8 bit, whatever was stored."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from digitocr.errors import (
    DamagedImageError,
    EmptyFileError,
    ImageSizeError,
    InputError,
    UnsupportedFormatError,
)
from digitocr.records import Grey, Page

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
"""Formats read, by the names Pillow gives them."""

MAX_PIXELS = 200_000_000
"""A page with more is refused before it is decoded (a decompression bomb)."""

MIN_SIDE = 8
"""A page with a shorter side, in pixels, holds no digit."""

LIGHT_INK = 150
"""What is drawn on nothing in a colour brighter than this was drawn on a dark ground."""

FAINT = 110
"""Where greys spread less than this, a single colour may show the ink better: blue on black, yellow on white."""


def decode(data: bytes) -> tuple[Page, ...]:
    """Decode the bytes of a picture file into its pages.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    tuple of Page
        One per frame of a TIFF, else one.

    Raises
    ------
    EmptyFileError
        No bytes.
    UnsupportedFormatError
        No picture format that is read here.
    DamagedImageError
        Cannot be decoded to the end.
    ImageSizeError
        Fewer than `MIN_SIDE` pixels on a side, or more than `MAX_PIXELS`.
    """
    if not data:
        raise EmptyFileError("the file is empty", hint="scan or copy it again")
    return tuple(Page(index, grey) for index, grey in enumerate(_greys(data), start=1))


def _greys(data: bytes) -> Iterator[Grey]:
    with warnings.catch_warnings():
        # Pillow warns of odd metadata and of large pictures; the limits below decide instead.
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                for frame in ImageSequence.Iterator(image):
                    _check_size(frame.size)
                    yield _grey(frame)
                    if image.format != "TIFF":
                        return
        except UnidentifiedImageError:
            raise UnsupportedFormatError(
                "not a picture in a format that is read",
                hint="JPEG, PNG, BMP, WebP, TIFF and GIF are read, told by their content",
            ) from None
        except Image.DecompressionBombError:
            raise ImageSizeError(
                f"more than {MAX_PIXELS:,} pixels", hint="scan with a lower resolution"
            ) from None
        except InputError:
            raise
        except Exception as error:
            # Decoders of hostile bytes fail in many ways: OSError, SyntaxError, ValueError, struct.error, …
            raise DamagedImageError(f"damaged picture: {error}", hint="scan or copy it again") from None


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if min(size) < MIN_SIDE:
        raise ImageSizeError(
            f"only {width}×{height} pixels", hint=f"at least {MIN_SIDE} pixels a side are needed"
        )
    if width * height > MAX_PIXELS:
        raise ImageSizeError(f"{width}×{height} pixels are too many", hint=f"at most {MAX_PIXELS:,} are read")


def _grey(frame: Image.Image) -> Grey:
    """Turn a frame upright and to 8-bit grey; what is transparent becomes white."""
    if frame.format == "JPEG" and frame.mode == "YCbCr":
        frame.draft("L", frame.size)
    frame.load()
    upright = ImageOps.exif_transpose(frame)
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        return _eight_bit(np.asarray(upright))
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        upright = _on_paper(upright.convert("RGBA"))
    if upright.mode == "RGB":
        return np.asarray(_clearest(upright), dtype=np.uint8)
    return np.asarray(upright.convert("L"), dtype=np.uint8)


def _on_paper(rgba: Image.Image) -> Image.Image:
    """Lay a picture on white paper, or on black where what is drawn is nearly white and little of it."""
    small = np.asarray(_sampled(rgba), dtype=np.float32)
    drawn = small[..., 3] > 127
    light = bool(drawn.any()) and float(small[drawn][:, :3].mean()) > LIGHT_INK
    paper = "black" if light and float(drawn.mean()) < 0.5 else "white"
    return Image.alpha_composite(Image.new("RGBA", rgba.size, paper), rgba).convert("RGB")


def _clearest(rgb: Image.Image) -> Image.Image:
    """Grey as the eye weighs colours, or the one colour that tells ink from paper where grey hardly does."""
    small = _sampled(rgb)
    grey = _spread(np.asarray(small.convert("L")))
    spreads = [_spread(band) for band in np.moveaxis(np.asarray(small), 2, 0)]
    best = int(np.argmax(spreads))
    if grey < FAINT and spreads[best] > 1.5 * grey + 20:
        return rgb.getchannel(best)
    return rgb.convert("L")


def _sampled(image: Image.Image) -> Image.Image:
    scale = max(1.0, max(image.size) / 512)
    size = (max(1, round(image.width / scale)), max(1, round(image.height / scale)))
    return image.resize(size, Image.Resampling.NEAREST)


def _spread(values: np.ndarray) -> float:
    low, high = np.percentile(values, (0.3, 99.7))
    return float(high - low)


def _eight_bit(values: np.ndarray) -> Grey:
    """Scale 16- or 32-bit samples to 8 bit; the range is that of the type, or of the values where that is unused."""
    samples = values.astype(np.float64)
    top = 65535.0 if samples.max(initial=0) > 4095 else max(samples.max(initial=0), 255.0)
    return np.clip(samples * (255.0 / top), 0, 255).astype(np.uint8)
