"""A drawing of ours, 64 by 48 pixels with a dark bar, in every format and way of storing that is read."""

import base64
import io

import numpy as np
from PIL import Image


def drawing(height=48, width=64):
    """Return paper at 230 with a bar at 20, in rows 8 to 22 and columns 6 to 14."""
    grey = np.full((height, width), 230, np.uint8)
    grey[8:22, 6:14] = 20
    return Image.fromarray(grey)


def stored(image, kind, **how):
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def pdf(*images, resolution=150):
    return stored(images[0], "PDF", save_all=True, append_images=images[1:], resolution=resolution)


def drawn_pdf(content=b"0 0 0 rg 100 100 50 80 re f", size=(300, 400), extra=b"", form=b""):
    """Return a PDF of one page that is drawn, not scanned; `form` is its object 5, which it may draw as /F."""
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R%s >>"
        % (*size, b" /Resources << /XObject << /F 5 0 R >> >>" if form else b""),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        *([form] if form else []),
    ]
    out, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (1 + len(parts))
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer << /Size %d /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n" % (
        1 + len(parts),
        extra,
        table,
    )


HEIC = base64.b64decode("""
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA
ACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAAGcAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt
AAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA
AAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5j
bHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBp
eGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAG9tZGF0AAAAYygBrwng432eIdePAbrVi6t/8Ti9VZR9ONK7wRcR
tz92Hs8DQAel07L9KwYUd9a/Y7+BvsTgeI6jYAfdvrQpiLyfBCQgAfJc0LyupasJM/Pkp7kLLHavwzZxtjB5NK+FWN48wA==
""")
"""Encoded with libheif from `drawing`."""

TURNED_HEIC = base64.b64decode("""
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAchtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA
ADRpbG9jAAAAAERAAAIAAQAAAAAB7AABAAAAAAAAAGcAAgAAAAACUwABAAAAAAAAACQAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAA
AAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAABB2lwcnAAAADmaXBjbwAAAHZodmNDAQNwAAAA
kAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq
5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xh
cAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAAAlpcm90AwAAABlpcG1hAAAAAAAAAAEA
AQaBAgMFhIYAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAAJNtZGF0AAAAYygBrwng432eIdePAbrVi6t/8Ti9VZR9ONK7wRcR
tz92Hs8DQAel07L9KwYUd9a/Y7+BvsTgeI6jYAfdvrQpiLyfBCQgAfJc0LyupasJM/Pkp7kLLHavwzZxtjB5NK+FWN48wAAAAAZF
eGlmAABNTQAqAAAACAABARIAAwAAAAEABgAAAAAAAA==
""")
"""The same turned by 90° clockwise when shown."""

TWO_HEIC = base64.b64decode("""
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAaxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA
ADRpbG9jAAAAAERAAAIAAQAAAAAB0AABAAAAAAAAAGcAAgAAAAACNwABAAAAAAAAAGcAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAA
AAABAABodmMxAAAAABVpbmZlAgAAAAACAABodmMxAAAAAA5waXRtAAAAAAABAAABBWlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAA
kAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq
5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xh
cAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAACBpcG1hAAAAAAAAAAIAAQWBAgMFhAAC
BYECAwWEAAAA1m1kYXQAAABjKAGvCeDjfZ4h148ButWLq3/xOL1VlH040rvBFxG3P3YezwNAB6XTsv0rBhR31r9jv4G+xOB4jqNg
B92+tCmIvJ8EJCAB8lzQvK6lqwkz8+SnuQssdq/DNnG2MHk0r4VY3jzAAAAAYygBrwng432eIdePAbrVi6t/8Ti9VZR9ONK7wRcR
tz92Hs8DQAel07L9KwYUd9a/Y7+BvsTgeI6jYAfdvrQpiLyfBCQgAfJc0LyupasJM/Pkp7kLLHavwzZxtjB5NK+FWN48wA==
""")
"""The same twice in one file."""


def every_format():
    """Return a name for each and its bytes."""
    grey = drawing()
    rgb = grey.convert("RGB")
    blank = Image.new("L", grey.size, 230)
    return {
        "grey.jpg": stored(grey, "JPEG", quality=95),
        "progressive.JPG": stored(rgb, "JPEG", quality=95, progressive=True),
        "cmyk.jpg": stored(rgb.convert("CMYK"), "JPEG", quality=95),
        "cmyk.tif": stored(rgb.convert("CMYK"), "TIFF"),
        "grey.png": stored(grey, "PNG"),
        "palette.png": stored(rgb.quantize(8), "PNG"),
        "one-bit.png": stored(grey.convert("1", dither=Image.Dither.NONE), "PNG"),
        "alpha.png": stored(rgb.convert("RGBA"), "PNG"),
        "sixteen.png": stored(Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), "PNG"),
        "animated.png": stored(grey, "PNG", save_all=True, append_images=[blank]),
        "grey.bmp": stored(grey, "BMP"),
        "grey.webp": stored(rgb, "WEBP", quality=95),
        "animated.webp": stored(rgb, "WEBP", save_all=True, append_images=[blank.convert("RGB")]),
        "grey.gif": stored(grey, "GIF"),
        "animated.gif": stored(grey, "GIF", save_all=True, append_images=[blank]),
        "grey.ppm": stored(grey, "PPM"),
        "pages.tif": stored(grey, "TIFF", save_all=True, append_images=[grey, grey]),
        "fax.tif": stored(grey.convert("1", dither=Image.Dither.NONE), "TIFF", compression="group4"),
        "big.tif": stored(grey, "TIFF", big_tiff=True),
        "lzw.tif": stored(rgb, "TIFF", compression="tiff_lzw"),
        "photo.heic": HEIC,
        "turned.HEIC": TURNED_HEIC,
        "series.heic": TWO_HEIC,
        "scan.pdf": pdf(grey),
        "scans.PDF": pdf(grey, rgb),
        "drawn.pdf": drawn_pdf(),
    }
