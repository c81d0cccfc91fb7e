"""Images of twenty kinds that are damaged, odd or made to harm, each with what must become of it.

What is sound comes with pixels that the test knows or decodes by itself: Pillow's plain decoding and arithmetic on top.
Sound images have `SIDE` pixels on each side, or four even quarters, so that scaling changes nothing that is compared.
"""

from __future__ import annotations

import io
import os
import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.seeds import encoded, exif, interlaced
from tests.data.written import png, tiff

SIDE = 32
MOST_PIXELS = 100_000_000
LARGE_IMAGE = 9_990
Rng = np.random.Generator


@dataclass(frozen=True)
class Odd:
    """A file that was written: its pixels (height, width, channels) within a tolerance, or words of the reason.

    A pixel that is not a number is not compared.
    """

    name: str
    pixels: np.ndarray | None = None
    tolerance: int = 0
    reason: str = ""


def noise(rng: Rng, channels: int = 3) -> np.ndarray:
    return rng.integers(0, 256, (SIDE, SIDE, channels), dtype=np.uint8)


def over_white(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha.astype(float) / 255
    return np.rint(color * share + 255 * (1 - share)).astype(np.uint8)


def plainly(data: bytes, mode: str = "RGB") -> np.ndarray:
    """Pillow's plain decoding of the first frame."""
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image.convert(mode))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def gray_jpeg_on_its_side(path: Path, rng: Rng) -> Odd:
    smooth = np.add.outer(np.arange(SIDE), 3 * np.arange(SIDE)).astype(np.uint8) + np.uint8(rng.integers(99))
    data = encoded(Image.fromarray(smooth), "JPEG", exif=exif(orientation=6))
    return wrote(path, ".jpg", data, np.rot90(plainly(data, "L"), -1))


def ink_jpeg(path: Path, rng: Rng) -> Odd:
    data = encoded(Image.fromarray(noise(rng, 4), "CMYK"), "JPEG", progressive=bool(rng.integers(2)))
    return wrote(path, ".jpg", data, plainly(data))


def deep_png(path: Path, rng: Rng) -> Odd:
    deep = rng.integers(0, 65536, (SIDE, SIDE)).astype(np.uint16)
    data = png(deep.astype(">u2").tobytes(), SIDE, SIDE, 16, 0)
    return wrote(path, ".png", data, np.rint(deep / 257)[..., None], 1)


def clear_png(path: Path, rng: Rng) -> Odd:
    color, alpha = noise(rng), noise(rng, 1)
    return wrote(path, ".png", png(np.dstack([color, alpha]).tobytes(), SIDE, SIDE, 8, 6), over_white(color, alpha), 1)


def clear_palette_png(path: Path, rng: Rng) -> Odd:
    entries, palette, alphas = (
        noise(rng, 1),
        rng.integers(0, 256, (256, 3), dtype=np.uint8),
        noise(rng, 1).ravel()[:256],
    )
    data = png(entries.tobytes(), SIDE, SIDE, 8, 3, PLTE=palette.tobytes(), tRNS=alphas.tobytes())
    return wrote(path, ".png", data, over_white(palette[entries[..., 0]], alphas[entries]), 1)


def interlaced_png(path: Path, rng: Rng) -> Odd:
    pixels = noise(rng)
    return wrote(path, ".PNG", interlaced(pixels), pixels)


def animation(path: Path, rng: Rng) -> Odd:
    first, others = Image.fromarray(noise(rng)), [Image.fromarray(noise(rng)) for _ in range(3)]
    form, suffix = (("GIF", ".gif"), ("WEBP", ".webp"), ("PNG", ".png"), ("TIFF", ".tif"))[int(rng.integers(4))]
    data = encoded(first, form, save_all=True, append_images=others, **({"lossless": True} if form == "WEBP" else {}))
    return wrote(path, suffix, data, plainly(data))


def deep_tiff_of_the_other_end(path: Path, rng: Rng) -> Odd:
    deep = rng.integers(0, 65536, (SIDE, SIDE, 3)).astype(np.uint16)
    return wrote(path, ".tiff", tiff(deep, order=">", rows_per_strip=5), (deep >> 8).astype(np.uint8))


def a_name_that_lies(path: Path, rng: Rng) -> Odd:
    pixels = noise(rng)
    return wrote(
        path, (".jpg", ".gif", ".tif", ".webp")[int(rng.integers(4))], png(pixels.tobytes(), SIDE, SIDE, 8, 2), pixels
    )


def sound_with_rubbish_behind(path: Path, rng: Rng) -> Odd:
    pixels = noise(rng)
    data = encoded(Image.fromarray(pixels), ("BMP", "PNG", "TIFF")[int(rng.integers(3))])
    return wrote(path, ".png", data + rng.bytes(5000), pixels)


def barely_allowed(path: Path, rng: Rng) -> Odd:
    """Almost a hundred million pixels in a few hundred kilobytes, in four quarters of one color each."""
    half = LARGE_IMAGE // 2
    quarters = rng.integers(0, 256, (2, 2, 4), dtype=np.uint8)
    mode = ("RGBA", "RGB", "LA", "I;16")[int(rng.integers(4))]
    kind = {"RGBA": 6, "RGB": 2, "LA": 4, "I;16": 0}[mode]
    quarters = quarters[..., {"RGBA": [0, 1, 2, 3], "RGB": [0, 1, 2], "LA": [0, 3], "I;16": [0, 0]}[mode]]
    packer, size = zlib.compressobj(1), quarters.shape[2]
    rows = [b"\0" + b"".join(quarters[row, column].tobytes() * half for column in (0, 1)) for row in (0, 1)]
    lines = b"".join(packer.compress(rows[row] * 333) for row in (0, 1) for _ in range(half // 333)) + packer.flush()
    assert len(rows[0]) == 1 + LARGE_IMAGE * size
    data = png(b"", LARGE_IMAGE, LARGE_IMAGE, 16 if mode == "I;16" else 8, kind, IDAT=lines)
    alpha = quarters[..., 3:] if mode == "RGBA" else quarters[..., 1:] if mode == "LA" else np.full((2, 2, 1), 255)
    color = quarters[..., :1] if mode in ("LA", "I;16") else quarters[..., :3]
    small = over_white(color, alpha).repeat(SIDE // 2, 0).repeat(SIDE // 2, 1).astype(float)
    small[SIDE // 2 - 1 : SIDE // 2 + 1] = small[:, SIDE // 2 - 1 : SIDE // 2 + 1] = np.nan  # where quarters mix
    return wrote(path, ".png", data, small, 1)


def cut_short(path: Path, rng: Rng) -> Odd:
    form, suffix = (("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp"), ("GIF", ".gif"), ("BMP", ".bmp"))[
        int(rng.integers(5))
    ]
    data = encoded(Image.fromarray(noise(rng)), form)
    return wrote(path, suffix, data[: int(len(data) * rng.uniform(0.1, 0.9))], reason="truncated|cut short|damaged")


def one_wrong_bit(path: Path, rng: Rng) -> Odd:
    data = bytearray(png(noise(rng).tobytes(), SIDE, SIDE, 8, 2))
    start = data.index(b"IDAT") + 4
    data[int(rng.integers(start, len(data) - 16))] ^= 1 << int(rng.integers(8))
    return wrote(path, ".png", bytes(data), reason="it is damaged: its pixels do not fit their checksum")


def half_downloaded(path: Path, rng: Rng) -> Odd:
    data = png(noise(rng).tobytes(), SIDE, SIDE, 8, 2)
    kept = int(rng.integers(60, len(data) // 2))
    return wrote(path, ".png", data[:kept] + bytes(len(data) - kept), reason="checksum|cut short|damaged")


NO_IMAGES = (
    (b"", "it is empty"),
    (bytes(4000), "it holds only zero bytes"),
    (b"<!DOCTYPE html><html>404</html>", "it is HTML"),
    (b"a note about an image\n" * 9, "it is text, not an image"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "it is a HEIC image, which Ilk does not read; convert it"),
    (b"%PDF-1.7\n" + bytes(99), "it is a PDF document, not an image"),
    (b"P6\n9 9\n255\n" + bytes(243), "it is a PNM image, which Ilk does not read; convert it"),
    (b"version https://git-lfs.github.com/spec/v1\noid", "it is a Git LFS pointer"),
)


def something_else(path: Path, rng: Rng) -> Odd:
    data, reason = NO_IMAGES[int(rng.integers(len(NO_IMAGES)))]
    return wrote(path, (".jpg", ".png", ".tif")[int(rng.integers(3))], data, reason=reason)


def too_many_pixels(path: Path, rng: Rng) -> Odd:
    side = int(rng.integers(10_001, 65_000))
    make: tuple[Callable[[], bytes], ...] = (
        lambda: png(b"", side, side, 8, 6, IDAT=zlib.compress(bytes(10**6))),
        lambda: (
            b"GIF89a"
            + struct.pack("<HHBBB", side, side, 0, 0, 0)
            + b","
            + struct.pack("<4HB", 0, 0, side, side, 0)
            + b"\x08\0;"
        ),
        lambda: tiff(noise(rng), claimed=(side, side)),
        lambda: (
            b"BM" + struct.pack("<IHHI", 99, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, *6 * [0])
        ),
    )
    which = int(rng.integers(4))
    reason = "more than `max_pixels` 100,000,000 allows|more pixels than `max_pixels` 100,000,000 allows"
    return wrote(path, (".png", ".gif", ".tif", ".bmp")[which], make[which](), reason=reason)


def swollen(path: Path, rng: Rng) -> Odd:
    """A text or color profile of a hundred megabytes, packed into a hundred kilobytes."""
    packed = zlib.compress(bytes(int(rng.integers(50, 100)) * 10**6), 1)
    chunks = ({"zTXt": b"Comment\0\0" + packed}, {"iCCP": b"ICC\0\0" + packed})[int(rng.integers(2))]
    return wrote(
        path, ".png", png(noise(rng).tobytes(), SIDE, SIDE, 8, 2, **chunks), reason="unpacks to more than 1 MB"
    )


def greedy(path: Path, rng: Rng) -> Odd:
    """Few bytes whose decoder takes gigabytes of memory, or minutes."""
    side, which = int(rng.integers(9_500, 9_990)), int(rng.integers(3))
    if which == 0:
        return wrote(path, ".webp", one_color_webp(side), reason="reading it takes 1.. GB of memory .WEBP, ")
    small = encoded(Image.fromarray(noise(rng)), "JPEG", progressive=True)
    if which == 1:
        place = small.index(b"\xff\xc2") + 5
        data = small[:place] + struct.pack(">HH", side, side) + small[place + 4 :]
        return wrote(path, ".jpg", data, reason="reading it takes 0.. GB of memory .progressive JPEG, ")
    last = small[small.rindex(b"\xff\xda") : -2]
    return wrote(
        path, ".jpg", small[:-2] + last * 2000 + small[-2:], reason="it is a JPEG of 2,0.. scans, where 100 are"
    )


def one_color_webp(side: int) -> bytes:
    """A lossless WebP of 38 bytes, as large as one likes: its header, and one color without a bit for any pixel."""
    stream = b"\x2f" + struct.pack("<I", side - 1 | side - 1 << 14) + bytes.fromhex("07508f2257abff8188e87f0000")
    return b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8L" + struct.pack("<I", 17) + stream


def unknown_range(path: Path, rng: Rng) -> Odd:
    if rng.integers(2):
        data = encoded(Image.fromarray(rng.random((SIDE, SIDE), dtype=np.float32)), "TIFF")
        return wrote(path, ".tif", data, reason="floating-point numbers of unknown range")
    data = encoded(Image.fromarray(rng.integers(-99, 99, (SIDE, SIDE), dtype=np.int32)), "TIFF")
    return wrote(path, ".tif", data, reason="32-bit numbers of unknown range")


def no_plain_file(path: Path, rng: Rng) -> Odd:
    path = path.with_suffix((".jpg", ".png")[int(rng.integers(2))])
    which = int(rng.integers(6))
    if which == 0:
        os.mkfifo(path)
    elif which == 1:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)  # its whole path may be too long for a socket
    elif which == 2:
        path.symlink_to("/dev/zero")
    elif which == 3:
        path.mkdir()
        return Odd(path.name, reason="it is a folder, not an image file")
    else:
        path.symlink_to(path.name if which == 4 else "nowhere.png")
        return Odd(path.name, reason="Too many levels of symbolic links|it is a link to a file that is not there")
    return Odd(path.name, reason="it is not a regular file")


def wrote(
    path: Path, suffix: str, data: bytes, pixels: np.ndarray | None = None, tolerance: int = 0, reason: str = ""
) -> Odd:
    path = path.with_suffix(suffix)
    path.write_bytes(data)
    return Odd(path.name, pixels, tolerance, reason)


KINDS: tuple[Callable[[Path, Rng], Odd], ...] = (
    *(gray_jpeg_on_its_side, ink_jpeg, deep_png, clear_png, clear_palette_png, interlaced_png, animation),
    *(deep_tiff_of_the_other_end, a_name_that_lies, sound_with_rubbish_behind, barely_allowed),
    *(cut_short, one_wrong_bit, half_downloaded, something_else, too_many_pixels, swollen, greedy, unknown_range),
    no_plain_file,
)
