"""Files made to do harm, or that came to harm; the same ones on every run.

python tests/hostile.py FOLDER [SEED]
"""

import io
import os
import random
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import samples
from PIL import Image

MUTATIONS = 20
"""Of each format."""


def flip_bits(data, rng):
    out = bytearray(data)
    for _ in range(rng.randint(1, 12)):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def flip_header(data, rng):
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        out[rng.randrange(min(96, len(out)))] = rng.randrange(256)
    return bytes(out)


def cut(data, rng):
    return data[: rng.randrange(1, len(data))]


def zero(data, rng):
    start = rng.randrange(len(data))
    length = rng.randint(1, max(1, len(data) // 3))
    return data[:start] + bytes(min(length, len(data) - start)) + data[start + length :]


def repeat(data, rng):
    start = rng.randrange(len(data))
    part = data[start : start + rng.randint(1, 200)]
    return data[:start] + part * rng.randint(2, 50) + data[start:]


def large_numbers(data, rng):
    """Write largest, smallest and negative numbers over sizes and offsets."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(max(1, len(out) - 4))
        out[at : at + 4] = rng.choice(
            [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f"]
        )
    return bytes(out)


def splice(data, rng):
    other = rng.choice(list(samples.every_format().values()))
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


CHANGES = (flip_bits, flip_header, cut, zero, repeat, large_numbers, splice)


def mutations(rng):
    for name, data in samples.every_format().items():
        stem, _, suffix = name.partition(".")
        for i in range(MUTATIONS):
            change = CHANGES[i % len(CHANGES)]
            yield f"mutated/{suffix}-{stem}-{i:02}-{change.__name__}.{suffix}", change(data, rng)


def png_chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png_bomb(width, height, bits=1, colour=0):
    """Return a PNG of these dimensions whose rows are all zero, compressed to almost nothing."""
    row = 1 + (width * bits * {0: 1, 2: 3, 6: 4}[colour] + 7) // 8
    squeeze = zlib.compressobj(9)
    packed = (
        b"".join(squeeze.compress(bytes(row) * 64) for _ in range(min(height, 40_000) // 64))
        + squeeze.flush()
    )
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", packed)
        + png_chunk(b"IEND", b"")
    )


def tiff(entries, tail=b"", next_at=0):
    """Return a TIFF of one directory with these (tag, type, count, value)."""
    out = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(entries))
    for tag, kind, count, value in entries:
        out += struct.pack("<HHII", tag, kind, count, value)
    return out + struct.pack("<I", next_at) + tail


def tiff_of(width, height, **how):
    shape = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    return tiff(
        [*shape, (273, 4, 1, 200), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, width)], bytes(400), **how
    )


def zip_of(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def bombs():
    yield "bomb/wide.png", png_bomb(2**31 - 1, 1)
    yield "bomb/square.png", png_bomb(60_000, 60_000)
    yield "bomb/under-the-limit.png", png_bomb(14_000, 14_000)
    yield "bomb/colour.png", png_bomb(30_000, 30_000, 8, 6)
    yield "bomb/one-row.png", png_bomb(8, 2**31 - 1)
    text = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000), 9))
    small = samples.every_format()["grey.png"]
    yield "bomb/text.png", small[:33] + text + small[33:]
    profile = png_chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(50_000_000), 9))
    yield "bomb/profile.png", small[:33] + profile + small[33:]
    yield "bomb/large.tif", tiff_of(100_000, 100_000)
    yield "bomb/loop.tif", tiff_of(20, 20, next_at=8)
    yield "bomb/far.tif", tiff_of(20, 20, next_at=0x7FFFFFF0)
    many = tiff([(256, 4, 0xFFFFFFFF, 8)] * 400)
    yield "bomb/tags.tif", many
    yield "bomb/large.gif", b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0xF7, 0, 0) + bytes(768) + b","
    frame = b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0) + b"\x02\x02\x4c\x01\x00"
    yield (
        "bomb/frames.gif",
        b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + bytes(6) + frame * 100_000 + b";",
    )
    yield (
        "bomb/large.bmp",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**30, 2**30, 1, 24, *[0] * 6),
    )
    yield "bomb/large.ppm", b"P6 99999999 99999999 255\n" + bytes(100)
    yield "bomb/large.jpg", b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00\xff\xd9"
    yield "bomb/page.pdf", samples.drawn_pdf(size=(14_000, 14_000))
    yield "bomb/drawing.pdf", samples.drawn_pdf(b"0 0 m 300 400 l S\n" * 200_000)
    nested = b"q 0.99 0 0 0.99 0 0 cm " * 60_000 + b"0 0 50 50 re f " + b"Q " * 60_000
    yield "bomb/nested.pdf", samples.drawn_pdf(nested)
    yield "bomb/pattern.pdf", samples.drawn_pdf(b"0.0001 0 0 0.0001 0 0 cm " + b"0 0 1 1 re f\n" * 300_000)
    loop = samples.drawn_pdf().replace(b"/Kids [3 0 R] /Count 1", b"/Kids [2 0 R] /Count 9")
    yield "bomb/pages-loop.pdf", loop
    pages = samples.drawn_pdf().replace(b"/Count 1", b"/Count 2147483647")
    yield "bomb/pages-count.pdf", pages
    yield "bomb/many-pages.pdf", samples.pdf(*[samples.drawing()] * 250)


def polyglots():
    some = samples.every_format()
    script = b"<script>alert(1)</script><?php system('id'); ?>"
    yield "polyglot/jpeg-and-zip.jpg", some["grey.jpg"] + zip_of(**{"../../evil.txt": b"x"})
    yield "polyglot/jpeg-and-pdf.jpg", some["grey.jpg"] + samples.drawn_pdf()
    yield "polyglot/pdf-and-jpeg.pdf", samples.drawn_pdf() + some["grey.jpg"]
    yield "polyglot/gif-and-script.gif", some["grey.gif"] + script
    yield "polyglot/png-and-script.png", some["grey.png"] + script
    yield "polyglot/script.jpg", script
    yield "polyglot/program.jpg", Path(sys.executable).read_bytes()[:100_000]
    yield "polyglot/archive.jpg", zip_of(**{"a.jpg": some["grey.jpg"]})
    yield "polyglot/postscript.jpg", b"%!PS\n(%pipe%id) (w) file\n"
    yield (
        "polyglot/drawing.jpg",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
    )
    yield "polyglot/late.pdf", b"\n" * 900 + samples.drawn_pdf()
    yield "polyglot/pdf-in-pdf.pdf", b"%PDF-1.4\n" + 2 * samples.drawn_pdf()[:-40]
    yield "polyglot/film.heic", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(5000)
    action = (
        b"/OpenAction << /S /Launch /F (/bin/sh) >> /AA << /O << /S /URI /URI (http://127.0.0.1:9/) >> >> "
    )
    yield "polyglot/action.pdf", samples.drawn_pdf().replace(b"/Pages 2 0 R", b"/Pages 2 0 R " + action)
    yield "polyglot/empty.jpg", b""
    yield "polyglot/zeros.jpg", bytes(100_000)
    yield "polyglot/header.jpg", b"\xff\xd8"
    noise = random.Random(5)
    for i in range(20):
        yield f"polyglot/noise{i:02}.bin", noise.randbytes(noise.randrange(1, 5000))


NAMES = (
    *(
        "=cmd|' /C calc'!A0.png",
        "+1+1.png",
        "-1.png",
        "@SUM(A1).png",
        "\t=1.png",
        "a,b;c.png",
        '"quoted".png',
    ),
    *(
        "new\nline.png",
        "return\r.png",
        "\x1b[2J\x1b[31mred.png",
        "bell\x07.png",
        "\u202egnp.exe.png",
        "zero\u200bwidth.png",
    ),
    *(
        "CON.png",
        "aux",
        "nul.txt.png",
        "ends with dot.",
        "ends with space ",
        "a:b.png",
        "a\\b.png",
        "a?*<>|.png",
    ),
    *(
        "x" * 250 + ".png",
        "ü" * 120 + ".png",
        "x." + "y" * 240,
        "%s%n%x.png",
        "$(id).png",
        "`id`.png",
        "; rm -rf .png",
    ),
    *(
        "..png",
        "...",
        "-rf",
        "--results",
        "~root.png",
        "null.digits.csv",
        "a.png.numbers.csv",
        "files.csv",
        "queue.csv",
    ),
    *(
        "files.csv.d/b.png",
        "numbers.csv/b.png",
        "a/b/../c.png".replace("/../", "/dots/"),
        ".../x.png",
        "é.png",
        "é.png",
    ),
    *("scan", "folder as file.png", "deep/" * 60 + "x.png", "😀.png", "ａ.png", "İ.png", "ß.png", "SS.png"),
)
"""Relative to a folder of their own; those that the system refuses are left out."""


def colours():
    """Pictures whose profile or values are no colours, and those of no pixels."""
    profile = random.Random(6).randbytes(3000)
    for mode, name in (("CMYK", "cmyk.jpg"), ("RGB", "colour.png"), ("L", "grey.tif")):
        out = io.BytesIO()
        Image.new(mode, (60, 80)).save(
            out, {"jpg": "JPEG", "png": "PNG"}.get(name[-3:], "TIFF"), icc_profile=profile
        )
        yield f"colour/{name}", out.getvalue()
    out = io.BytesIO()
    Image.new("F", (60, 80), float("nan")).save(out, "TIFF")
    yield "colour/no-number.tif", out.getvalue()
    yield "colour/no-pixel.gif", b"GIF89a" + bytes(7) + b"," + bytes(9) + b"\2\2D\1\0;"


def names():
    """Yield hostile names, each with a good picture of its own."""
    for i, name in enumerate(NAMES):
        image = samples.drawing(60 + i % 7, 80 + i)
        yield f"names/{name}", samples.stored(image, "PNG")


def every(seed=1):
    """Yield all, as (name, content)."""
    rng = random.Random(seed)
    yield from mutations(rng)
    yield from bombs()
    yield from polyglots()
    yield from colours()
    yield from names()


def write(folder, seed=1):
    """Write all that the system takes into a folder; return how many."""
    count = 0
    for name, data in every(seed):
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + os.fsencode(name)))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError:
            continue
        count += 1
    raw = os.fsencode(folder) + b"/names/not \xff\xfe unicode.png"
    try:
        with open(raw, "wb") as stream:  # noqa: PTH123 - a name of bytes
            stream.write(samples.stored(Image.new("L", (31, 33), 9), "PNG"))
    except OSError:
        return count
    return count + 1


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
