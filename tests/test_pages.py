"""Bytes to pages."""

import io

import numpy as np
import pytest
from PIL import Image

from digitocr.errors import DamagedImageError, EmptyFileError, ImageSizeError, UnsupportedFormatError
from digitocr.pages import decode


def picture(height=40, width=60):
    grey = np.full((height, width), 230, np.uint8)
    grey[10:20, 5:15] = 20
    return grey


def stored(image, kind, **how):
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP", "TIFF", "JPEG", "GIF", "PPM"])
def test_formats_are_told_by_content(kind):
    how = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    (page,) = decode(stored(Image.fromarray(picture()), kind, **how))
    assert page.index == 1
    assert page.grey.dtype == np.uint8
    assert page.grey.shape == (40, 60)
    assert page.grey[15, 10] < 60
    assert page.grey[35, 50] > 200


@pytest.mark.parametrize("mode", ["1", "P", "RGB", "RGBA", "LA", "CMYK", "I;16", "F", "I"])
def test_modes_become_grey(mode):
    grey = Image.fromarray(picture())
    if mode == "I;16":
        image = Image.fromarray(picture().astype(np.uint16) * 257)
    elif mode == "1":
        image = grey.convert("1", dither=Image.Dither.NONE)
    else:
        image = grey.convert("RGB").convert(mode) if mode in ("P", "CMYK", "RGBA") else grey.convert(mode)
    kind = "TIFF" if mode in ("CMYK", "F", "I", "I;16") else "PNG"
    (page,) = decode(stored(image, kind))
    assert page.grey[15, 10] < 60
    assert page.grey[35, 50] > 200


def test_what_is_transparent_is_paper():
    rgba = np.zeros((40, 60, 4), np.uint8)
    rgba[10:20, 5:15, 3] = 255
    (page,) = decode(stored(Image.fromarray(rgba), "PNG"))
    assert page.grey[15, 10] == 0
    assert page.grey[35, 50] == 255


@pytest.mark.parametrize(
    ("orientation", "place"), [(1, (15, 10)), (3, (24, 49)), (6, (10, 24)), (8, (49, 15))]
)
def test_exif_turn(orientation, place):
    image = Image.fromarray(picture())
    exif = Image.Exif()
    exif[0x0112] = orientation
    (page,) = decode(stored(image, "JPEG", exif=exif, quality=95))
    assert page.grey[place] < 60


@pytest.mark.parametrize("orientation", [0, 9])
def test_an_invalid_exif_turn_is_none(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    (page,) = decode(stored(Image.fromarray(picture()), "JPEG", exif=exif))
    assert page.grey.shape == (40, 60)


def test_all_pages_of_a_tiff():
    frames = [Image.fromarray(picture(40 + 10 * i)) for i in range(3)]
    pages = decode(stored(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    assert [p.index for p in pages] == [1, 2, 3]
    assert [p.grey.shape[0] for p in pages] == [40, 50, 60]


def test_no_bytes():
    with pytest.raises(EmptyFileError):
        decode(b"")


def test_text():
    with pytest.raises(UnsupportedFormatError):
        decode(b"no picture at all, whatever its name says")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
def test_a_truncated_file_is_damaged_not_half_read(kind):
    noise = np.random.default_rng(1).integers(0, 255, (200, 200), dtype=np.uint8)
    data = stored(Image.fromarray(noise), kind)
    with pytest.raises((DamagedImageError, UnsupportedFormatError)):
        decode(data[: len(data) // 2])


def test_one_pixel():
    with pytest.raises(ImageSizeError, match="1×1"):
        decode(stored(Image.new("L", (1, 1)), "PNG"))


def test_a_bomb_is_refused_before_it_is_decoded():
    with pytest.raises(ImageSizeError):
        decode(stored(Image.new("1", (40000, 40000)), "PNG"))


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ((255, 230, 0), (255, 255, 255)),
        ((20, 40, 220), (0, 0, 0)),
        ((220, 20, 20), (20, 90, 50)),
    ],
)
def test_ink_that_grey_hardly_tells_from_paper_is_seen_by_its_colour(ink, paper):
    shown = np.full((60, 60, 3), paper, np.uint8)
    shown[20:40, 28:32] = ink
    grey = decode(stored(Image.fromarray(shown), "PNG"))[0].grey.astype(int)
    assert abs(grey[30, 30] - grey[5, 5]) > 150


def test_grey_stays_as_the_eye_weighs_it_where_it_tells_ink_from_paper():
    shown = np.full((60, 60, 3), 250, np.uint8)
    shown[20:40, 28:32] = (200, 30, 30)
    image = Image.fromarray(shown)
    np.testing.assert_array_equal(decode(stored(image, "PNG"))[0].grey, np.asarray(image.convert("L")))


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (90, 255)])
def test_what_is_drawn_on_nothing_stands_out(ink, paper):
    shown = np.full((60, 60, 4), ink, np.uint8)
    shown[..., 3] = 0
    shown[20:40, 28:32, 3] = 255
    grey = decode(stored(Image.fromarray(shown), "PNG"))[0].grey
    assert grey[30, 30] == ink
    assert grey[5, 5] == paper
