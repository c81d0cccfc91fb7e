"""Image files written byte by byte, so that a test knows their pixels without any image library."""

from __future__ import annotations

import struct
import zlib

import numpy as np


def png(rows: bytes, width: int, height: int, bits: int, kind: int, **chunks: bytes) -> bytes:
    """A PNG from packed rows; `kind` 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGBA; other chunks by their name."""
    step = len(rows) // height
    lines = b"".join(b"\0" + rows[row * step : (row + 1) * step] for row in range(height if rows else 0))
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    parts = {"IHDR": header, **chunks, "IDAT": chunks.get("IDAT", zlib.compress(lines)), "IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name.encode(), data) for name, data in parts.items())


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG with its length and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bmp(pixels: np.ndarray, top_down: bool = False) -> bytes:
    """A 24-bit BMP from (height, width, RGB); the width is a multiple of 4."""
    height, width, _ = pixels.shape
    rows = (pixels if top_down else pixels[::-1])[..., ::-1].tobytes()
    header = struct.pack("<IiiHHIIiiII", 40, width, -height if top_down else height, 1, 24, 0, len(rows), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + header + rows


def tiff(
    pixels: np.ndarray,
    order: str = "<",
    rows_per_strip: int = 0,
    photometric: int | None = None,
    claimed: tuple[int, int] | None = None,
) -> bytes:
    """An uncompressed TIFF from (height, width, channels) of 8 or 16 bits; `claimed` lies about its (height, width)."""
    height, width, channels = pixels.shape
    step = rows_per_strip or height
    strips = [
        pixels[row : row + step].astype(pixels.dtype.newbyteorder(order)).tobytes() for row in range(0, height, step)
    ]
    bits = [8 * pixels.dtype.itemsize] * channels
    data = b"".join(strips)
    starts = [8 + sum(map(len, strips[:number])) for number in range(len(strips))]
    height, width = claimed or (height, width)
    fields = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, bits),
        (259, 3, [1]),
        (262, 3, [photometric if photometric is not None else 1 if channels == 1 else 2]),
        (273, 4, starts),
        (277, 3, [channels]),
        (278, 4, [height if claimed else step]),
        (279, 4, list(map(len, strips))),
    ]
    data += b"\0" * (len(data) % 2)
    directory = struct.pack(order + "H", len(fields))
    beyond, place = b"", 8 + len(data) + 2 + 12 * len(fields) + 4
    for tag, kind, values in fields:
        packed = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            inline = struct.pack(order + "I", place + len(beyond))
            beyond += packed + b"\0" * (len(packed) % 2)
        else:
            inline = packed.ljust(4, b"\0")
        directory += struct.pack(order + "HHI", tag, kind, len(values)) + inline
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", 8 + len(data)) + data + directory + bytes(4) + beyond
