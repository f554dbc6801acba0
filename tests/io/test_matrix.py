"""Pictures as they are: what a format defines of its pixels is honoured, for all that the decoders accept."""

import struct

import numpy as np
import pytest
from PIL import Image
from samples import stored

from digitocr.errors import UnsupportedFormatError
from digitocr.io.pages import decode

SHAPE = (40, 60)
INK, PAPER = np.s_[12:18, 8:14], np.s_[30:38, 40:58]


def drawn():
    grey = np.full(SHAPE, 230, np.uint8)
    grey[10:20, 5:15] = 20
    return grey


def tiff(bits, photometric, kind=1, order="<"):
    """A TIFF with samples of some width and meaning, which Pillow itself cannot write."""
    grey = drawn().astype(np.float64) / 255
    if photometric == 0:
        grey = 1 - grey
    samples = {
        (1, 1): lambda: np.packbits(grey > 0.5, axis=1),
        (4, 1): lambda: _halved(np.round(grey * 15).astype(np.uint8)),
        (8, 1): lambda: np.round(grey * 255).astype(np.uint8),
        (16, 1): lambda: np.round(grey * 65535).astype(f"{order}u2"),
        (32, 3): lambda: grey.astype(f"{order}f4"),
    }[bits, kind]()
    data = samples.tobytes()
    tags = [
        *((256, SHAPE[1]), (257, SHAPE[0]), (258, bits), (259, 1), (262, photometric)),
        *((273, 8 + 2 + 12 * 10 + 4), (277, 1), (278, SHAPE[0]), (279, len(data)), (339, kind)),
    ]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags)
    return head + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + data


def _halved(levels):
    return levels[:, ::2] << 4 | levels[:, 1::2]


def pillow(kind, mode, **how):
    image = Image.fromarray(drawn())
    if mode == "I;16":
        image = Image.fromarray(drawn().astype(np.uint16) * 257)
    elif mode in ("RGBA", "LA"):
        image = image.convert(mode)
        image.putalpha(Image.fromarray(np.where(drawn() > 100, 0, 255).astype(np.uint8)))
    elif mode in ("P", "CMYK", "LAB", "YCbCr", "RGB", "1"):
        image = (
            Image.merge("RGB", [image] * 3)
            if mode == "LAB"
            else image.convert(mode, dither=Image.Dither.NONE)
        )
    if mode == "LAB":
        grey = np.asarray(image)[..., 0]
        image = Image.merge(
            "LAB", [Image.fromarray(grey), *[Image.fromarray(np.full(SHAPE, 128, np.uint8))] * 2]
        )
    return stored(image, kind, **how)


def keyed(kind):
    """A picture whose paper is one transparent colour of its palette."""
    image = Image.fromarray((drawn() < 100).astype(np.uint8), mode="P")
    image.putpalette([0, 0, 0, 10, 10, 10])
    return stored(image, kind, transparency=0)


def portable(magic, top):
    grey = drawn().astype(np.float64) / 255
    if magic == b"P4":
        return b"P4\n60 40\n" + np.packbits(grey < 0.5, axis=1).tobytes()
    samples = np.round(grey * top).astype(">u2" if top > 255 else np.uint8)
    if magic == b"P2":
        return b"P2\n60 40\n%d\n" % top + " ".join(map(str, samples.ravel())).encode()
    pixels = samples if magic == b"P5" else np.repeat(samples[..., None], 3, axis=2)
    return magic + b"\n60 40\n%d\n" % top + pixels.tobytes()


def turned(kind, how):
    """A picture stored turned, as its EXIF says."""
    exif = Image.Exif()
    exif[0x0112] = how
    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[how]
    return stored(Image.fromarray(drawn()).convert("RGB").transpose(back), kind, exif=exif)


CASES = {
    **{f"tiff-{b}-{p}": (lambda b=b, p=p: tiff(b, p)) for b in (1, 4, 8, 16) for p in (0, 1)},
    "tiff-16-1-big-endian": lambda: tiff(16, 1, order=">"),
    "tiff-float": lambda: tiff(32, 1, kind=3),
    "tiff-float-white-is-zero": lambda: tiff(32, 0, kind=3),
    **{
        f"TIFF-{m}": (lambda m=m: pillow("TIFF", m))
        for m in ("RGB", "CMYK", "LAB", "YCbCr", "P", "RGBA", "LA")
    },
    **{f"PNG-{m}": (lambda m=m: pillow("PNG", m)) for m in ("1", "L", "I;16", "P", "RGB", "RGBA", "LA")},
    **{f"JPEG-{m}": (lambda m=m: pillow("JPEG", m)) for m in ("L", "RGB", "CMYK")},
    **{f"BMP-{m}": (lambda m=m: pillow("BMP", m)) for m in ("1", "L", "P", "RGB", "RGBA")},
    **{f"WEBP-{m}": (lambda m=m: pillow("WEBP", m, lossless=True)) for m in ("RGB", "RGBA")},
    **{f"GIF-{m}": (lambda m=m: pillow("GIF", m)) for m in ("1", "L", "P")},
    "PNG-keyed": lambda: keyed("PNG"),
    "GIF-keyed": lambda: keyed("GIF"),
    **{
        f"{magic.decode()}-{top}": (lambda magic=magic, top=top: portable(magic, top))
        for magic, top in ((b"P2", 15), (b"P4", 1), (b"P5", 100), (b"P5", 255), (b"P5", 65535), (b"P6", 255))
    },
    **{
        f"{k}-turned-{t}": (lambda k=k, t=t: turned(k, t))
        for k in ("JPEG", "PNG", "WEBP", "TIFF")
        for t in (3, 6, 8)
    },
}


@pytest.mark.parametrize("name", CASES)
def test_ink_is_dark_and_paper_light_whatever_the_pixels_mean(name):
    (page,) = decode(CASES[name]())
    assert page.grey.shape == SHAPE
    assert page.grey.dtype == np.uint8
    assert page.grey[INK].max() < 70
    assert page.grey[PAPER].min() > 180


def test_what_the_decoder_does_not_know_is_refused():
    with pytest.raises(UnsupportedFormatError):
        decode(tiff(16, 0, order=">"))
