"""Bytes to pages."""

import io

import numpy as np
import pytest
import samples
from PIL import Image
from samples import stored

from digitocr.errors import (
    DamagedImageError,
    EmptyFileError,
    FileSizeError,
    ImageSizeError,
    LockedFileError,
    UnsupportedFormatError,
)
from digitocr.io.pages import FIRST_ONLY, decode, opened
from digitocr.records import Limits

EVERY = samples.every_format()


def picture(height=40, width=60):
    grey = np.full((height, width), 230, np.uint8)
    grey[10:20, 5:15] = 20
    return grey


class TestDecode:
    @pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP", "TIFF", "JPEG", "GIF", "PPM"])
    def test_the_content_gives_the_format(self, kind):
        how = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
        (page,) = decode(stored(Image.fromarray(picture()), kind, **how))
        assert page.index == 1
        assert page.grey.dtype == np.uint8
        assert page.grey.shape == (40, 60)
        assert page.grey[15, 10] < 60
        assert page.grey[35, 50] > 200

    @pytest.mark.parametrize("name", EVERY)
    def test_every_format_shows_the_same_drawing(self, name):
        pages = decode(EVERY[name])
        assert len(pages) == {"pages.tif": 3, "scans.PDF": 2}.get(name, 1)
        for page in pages:
            if name == "drawn.pdf":  # 72 units an inch, 300 dots an inch
                assert page.grey.shape == (1667, 1250)
                assert (page.grey[1000, 500], page.grey[100, 100]) == (0, 255)
            elif name == "turned.HEIC":
                assert page.grey.shape == (64, 48)
                assert page.grey[10, 33] < 60
            else:
                assert page.grey.shape == (48, 64)
                assert page.grey[15, 10] < 60
                assert page.grey[40, 50] > 200

    def test_all_pages_of_a_tiff(self):
        frames = [Image.fromarray(picture(40 + 10 * i)) for i in range(3)]
        pages = decode(stored(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
        assert [p.index for p in pages] == [1, 2, 3]
        assert [p.grey.shape[0] for p in pages] == [40, 50, 60]

    def test_a_reduced_copy_of_a_tiff_page_is_not_a_page(self):
        tags = {254: 1}
        small = Image.fromarray(picture(20, 30))
        out = io.BytesIO()
        Image.fromarray(picture()).save(out, "TIFF", save_all=True, append_images=[small])
        assert len(decode(out.getvalue())) == 2
        with Image.open(io.BytesIO(out.getvalue())) as both:
            frames = []
            for i in range(2):
                both.seek(i)
                frames.append(both.copy())
        frames[1].encoderinfo = {"tiffinfo": tags}
        out = io.BytesIO()
        frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:])
        assert [page.grey.shape for page in decode(out.getvalue())] == [(40, 60)]

    @pytest.mark.parametrize("resolution", [50, 97, 300])
    def test_a_scan_in_a_pdf_keeps_its_resolution(self, resolution):
        waves = np.sin(np.arange(120) / 7) * np.cos(np.arange(90)[:, None] / 5)
        scan = Image.fromarray((128 + 100 * waves).astype(np.uint8))
        (page,) = decode(samples.pdf(scan, resolution=resolution))
        assert page.grey.shape == (90, 120)
        assert np.abs(page.grey.astype(int) - decode(stored(scan, "JPEG"))[0].grey).mean() < 8

    @pytest.mark.parametrize(
        ("orientation", "place"), [(1, (15, 10)), (3, (24, 49)), (6, (10, 24)), (8, (49, 15))]
    )
    def test_exif_turn(self, orientation, place):
        image = Image.fromarray(picture())
        exif = Image.Exif()
        exif[0x0112] = orientation
        (page,) = decode(stored(image, "JPEG", exif=exif, quality=95))
        assert page.grey[place] < 60

    @pytest.mark.parametrize("orientation", [0, 9])
    def test_an_invalid_exif_turn_is_ignored(self, orientation):
        exif = Image.Exif()
        exif[0x0112] = orientation
        (page,) = decode(stored(Image.fromarray(picture()), "JPEG", exif=exif))
        assert page.grey.shape == (40, 60)


class TestGrey:
    @pytest.mark.parametrize("mode", ["1", "P", "RGB", "RGBA", "LA", "CMYK", "I;16", "F", "I"])
    def test_modes_become_grey(self, mode):
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

    def test_transparent_areas_are_paper(self):
        rgba = np.zeros((40, 60, 4), np.uint8)
        rgba[10:20, 5:15, 3] = 255
        (page,) = decode(stored(Image.fromarray(rgba), "PNG"))
        assert page.grey[15, 10] == 0
        assert page.grey[35, 50] == 255

    @pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (90, 255)])
    def test_ink_on_a_transparent_ground_contrasts(self, ink, paper):
        shown = np.full((60, 60, 4), ink, np.uint8)
        shown[..., 3] = 0
        shown[20:40, 28:32, 3] = 255
        grey = decode(stored(Image.fromarray(shown), "PNG"))[0].grey
        assert grey[30, 30] == ink
        assert grey[5, 5] == paper

    @pytest.mark.parametrize(
        ("ink", "paper"),
        [
            ((255, 230, 0), (255, 255, 255)),
            ((20, 40, 220), (0, 0, 0)),
            ((220, 20, 20), (20, 90, 50)),
        ],
    )
    def test_ink_of_the_brightness_of_paper_is_seen_by_its_colour(self, ink, paper):
        shown = np.full((60, 60, 3), paper, np.uint8)
        shown[20:40, 28:32] = ink
        grey = decode(stored(Image.fromarray(shown), "PNG"))[0].grey.astype(int)
        assert abs(grey[30, 30] - grey[5, 5]) > 150

    def test_luminance_is_kept_where_it_has_contrast(self):
        shown = np.full((60, 60, 3), 250, np.uint8)
        shown[20:40, 28:32] = (200, 30, 30)
        image = Image.fromarray(shown)
        np.testing.assert_array_equal(decode(stored(image, "PNG"))[0].grey, np.asarray(image.convert("L")))


class TestErrors:
    def test_no_bytes(self):
        with pytest.raises(EmptyFileError):
            decode(b"")

    def test_text(self):
        with pytest.raises(UnsupportedFormatError):
            decode(b"no picture at all, whatever its name says")

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
    def test_a_truncated_file_is_damaged_not_half_read(self, kind):
        noise = np.random.default_rng(1).integers(0, 255, (200, 200), dtype=np.uint8)
        data = stored(Image.fromarray(noise), kind)
        with pytest.raises((DamagedImageError, UnsupportedFormatError)):
            decode(data[: len(data) // 2])

    def test_one_pixel(self):
        with pytest.raises(ImageSizeError, match="1×1"):
            decode(stored(Image.new("L", (1, 1)), "PNG"))

    def test_a_bomb_is_refused_before_it_is_decoded(self):
        with pytest.raises(ImageSizeError):
            decode(stored(Image.new("1", (40000, 40000)), "PNG"))

    def test_an_encrypted_pdf_is_named(self):
        locked = samples.drawn_pdf(
            extra=b"/Encrypt << /Filter /Standard /V 1 /R 2 /Length 40 /P -4 /O (%s) /U (%s) >> /ID [<00> <00>] "
            % (b"o" * 32, b"u" * 32)
        )
        with pytest.raises(LockedFileError):
            decode(locked)


class TestOpened:
    @pytest.mark.parametrize("name", EVERY)
    def test_the_note_says_what_is_left_out(self, name):
        with opened(EVERY[name], Limits()) as document:
            assert document.note == (FIRST_ONLY if name.startswith(("animated", "series")) else "")

    def test_a_bad_page_leaves_the_others(self):
        noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (60, 60), dtype=np.uint8))
        data = bytearray(
            stored(noise, "TIFF", save_all=True, append_images=[noise, noise], compression="tiff_lzw")
        )
        with Image.open(io.BytesIO(bytes(data))) as image:
            image.seek(1)
            (start,), (length,) = image.tag_v2[273], image.tag_v2[279]
        data[start : start + length] = b"\xff" * length
        with opened(bytes(data), Limits()) as document:
            assert document.count == 3
            assert document.page(1).shape == document.page(3).shape == (60, 60)
            with pytest.raises(DamagedImageError):
                document.page(2)


class TestLimits:
    def test_pages(self):
        with pytest.raises(FileSizeError, match="3 pages"):
            decode(EVERY["pages.tif"], Limits(pages=2))
        with pytest.raises(FileSizeError, match="2 pages"):
            decode(EVERY["scans.PDF"], Limits(pages=1))

    def test_bytes(self):
        with pytest.raises(FileSizeError, match="bytes"):
            decode(EVERY["grey.png"], Limits(bytes=20))

    @pytest.mark.parametrize("name", EVERY)
    def test_pixels(self, name):
        with pytest.raises(ImageSizeError):
            decode(EVERY[name], Limits(pixels=1000))

    def test_a_pdf_page_as_large_as_a_field(self):
        with pytest.raises(ImageSizeError):
            decode(samples.drawn_pdf(size=(14400, 14400)))


class TestCut:
    """What lacks its end is damaged, however it came to lack it."""

    @pytest.mark.parametrize("name", EVERY)
    @pytest.mark.parametrize("share", [0.3, 0.6])
    def test_cut_off(self, name, share):
        data = EVERY[name]
        with pytest.raises((DamagedImageError, UnsupportedFormatError)):
            decode(data[: int(len(data) * share)])

    def test_a_jpeg_whose_copy_took_its_room_and_stopped(self):
        noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (400, 400), dtype=np.uint8))
        data = stored(noise, "JPEG")
        with pytest.raises(DamagedImageError, match="end is missing"):
            decode(data[: len(data) // 2] + bytes(len(data) // 2))
        assert decode(data + bytes(5000))

    def test_a_pdf_whose_first_part_has_an_end_of_its_own(self):
        with pytest.raises(DamagedImageError, match="end is missing"):
            decode(samples.drawn_pdf() + b"5 0 obj\n" + b"x" * 10000)
