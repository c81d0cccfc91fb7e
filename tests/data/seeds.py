"""Small valid files of every form and kind that is read, and label files: what the fuzzing starts from."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.data.written import bmp, chunk, png, tiff

SIDE = 24


def picture(seed: int = 0, side: int = SIDE) -> np.ndarray:
    """Soft colors with some grain, (side, side, 3)."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 200, side)
    return np.clip(np.add.outer(ramp, ramp)[..., None] / 2 + rng.normal(0, 20, (side, side, 3)), 0, 255).astype(
        np.uint8
    )


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """An image as a file of that form."""
    stream = io.BytesIO()
    image.copy().save(stream, form, **options)
    return stream.getvalue()


def interlaced(pixels: np.ndarray) -> bytes:
    """An RGB PNG in the seven passes of Adam7."""
    height, width, _ = pixels.shape
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = [b"\0" + row.tobytes() for top, left, down, across in passes for row in pixels[top::down, left::across]]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def exif(orientation: int = 6) -> Image.Exif:
    """A note that the picture lies on its side, and who took it."""
    made = Image.Exif()
    made[0x0112], made[0x010F] = orientation, "Camera"
    made.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    return made


def frames() -> dict[str, object]:
    """Two more frames; new ones each time, because a saved image remembers the settings of its last form."""
    return {"save_all": True, "append_images": [Image.fromarray(picture(seed)) for seed in (1, 2)]}


def image_files() -> dict[str, bytes]:
    """Each kind of file by its name."""
    pixels = picture()
    color, gray = Image.fromarray(pixels), Image.fromarray(pixels[..., 0])
    deep = pixels[..., :1].astype(np.uint16) * 257
    clear = color.copy()
    clear.putalpha(gray)
    told = PngInfo()
    told.add_text("Comment", "a" * 50, zip=True)
    profile = bytes(range(256)) * 2
    forms: dict[str, Callable[[], bytes]] = {
        "png gray": lambda: encoded(gray, "PNG"),
        "png color": lambda: encoded(color, "PNG", pnginfo=told, icc_profile=profile, exif=exif()),
        "png clear": lambda: encoded(clear, "PNG"),
        "png palette": lambda: encoded(color.quantize(16), "PNG", transparency=3),
        "png 1 bit": lambda: encoded(gray.convert("1"), "PNG"),
        "png 16 bits": lambda: encoded(Image.fromarray(deep[..., 0]), "PNG"),
        "png interlaced": lambda: interlaced(pixels),
        "png animated": lambda: encoded(color, "PNG", **frames()),
        "png by hand": lambda: png(pixels.tobytes(), SIDE, SIDE, 8, 2),
        "jpeg gray": lambda: encoded(gray, "JPEG"),
        "jpeg color": lambda: encoded(color, "JPEG", exif=exif(), icc_profile=profile, comment="a"),
        "jpeg progressive": lambda: encoded(color, "JPEG", progressive=True),
        "jpeg restarts": lambda: encoded(color, "JPEG", restart_marker_blocks=1, subsampling=0),
        "jpeg ink": lambda: encoded(color.convert("CMYK"), "JPEG"),
        "jpeg of a phone": lambda: encoded(color, "MPO", **frames()),
        "gif": lambda: encoded(color.quantize(32), "GIF"),
        "gif animated": lambda: encoded(color.quantize(32), "GIF", duration=9, loop=0, **frames()),
        "gif clear": lambda: encoded(color.quantize(32), "GIF", transparency=2, interlace=0),
        "webp": lambda: encoded(color, "WEBP", exif=exif(), icc_profile=profile),
        "webp lossless": lambda: encoded(clear, "WEBP", lossless=True),
        "webp animated": lambda: encoded(color, "WEBP", **frames()),
        "bmp": lambda: bmp(pixels),
        "bmp palette": lambda: encoded(color.quantize(200), "BMP"),
        "bmp 1 bit": lambda: encoded(gray.convert("1"), "BMP"),
        "bmp packed": lambda: packed_bmp(pixels[..., 0]),
        "tiff": lambda: tiff(pixels, rows_per_strip=7),
        "tiff big end": lambda: tiff(deep, order=">"),
        "tiff turned": lambda: encoded(color, "TIFF", exif=exif()),
        "tiff lzw": lambda: encoded(color, "TIFF", compression="tiff_lzw"),
        "tiff deflate": lambda: encoded(clear, "TIFF", compression="tiff_adobe_deflate"),
        "tiff packbits": lambda: encoded(gray, "TIFF", compression="packbits"),
        "tiff jpeg": lambda: encoded(color, "TIFF", compression="jpeg"),
        "tiff fax": lambda: encoded(gray.convert("1"), "TIFF", compression="group4"),
        "tiff pages": lambda: encoded(color, "TIFF", **frames()),
        "tiff ink": lambda: encoded(color.convert("CMYK"), "TIFF"),
        "ppm": lambda: encoded(color, "PPM"),
    }
    return {name: make() for name, make in forms.items()}


def packed_bmp(pixels: np.ndarray) -> bytes:
    """An 8-bit BMP packed by run lengths, each pixel a run of one."""
    height, width = pixels.shape
    rows = b"".join(b"".join(bytes([1, value]) for value in row) + b"\0\0" for row in pixels[::-1].tolist()) + b"\0\1"
    palette = b"".join(bytes([level, level, level, 0]) for level in range(256))
    start = 54 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(rows), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + header + palette + rows


NAMES = ("1.png", "2.png", "sub/3.png", "café.png", "🐈.png")


def label_files() -> dict[str, bytes]:
    """Valid label files on the images of `NAMES`."""
    text = "filename,label\n" + "".join(f"{name},{'cat' if i % 2 else 'dog'}\n" for i, name in enumerate(NAMES))
    quoted = 'id;Image;Category;note\r\n1;"1.png";"a ""big"" cat";"two\r\nlines"\r\n2;"sub\\3.png";"dog, or so";\r\n'
    paths = "path\tclass\n./1.png\t1\nC:\\pets\\2.png\t2\nIMG.png\t\n../pets/sub/3.png\tNaN\n"
    return {
        "plain": text.encode(),
        "marked": text.encode("utf-8-sig"),
        "utf-16": text.encode("utf-16"),
        "utf-16-be": text.encode("utf-16-be"),
        "quoted": ("sep=;\r\n" + quoted).encode(),
        "paths": paths.encode(),
        "cr": text.replace("\n", "\r").replace(",", "|").encode(),
        "long": ("filename,label\n" + "".join(f"{i}.png,class {i % 7}\n" for i in range(300))).encode(),
    }
