"""A real person's folder: digits, photographs and characters in eight kinds of files, some of them damaged."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image
from PIL.PngImagePlugin import PngInfo

KINDS = ("digit", "photograph", "character")


@dataclass(frozen=True)
class OddFolder:
    """A folder that was written: the class of every sound image, and words of the reason for every damaged one."""

    path: Path
    truth: dict[str, str]
    damaged: dict[str, str]
    labeled: frozenset[str]


def write_odd_folder(path: Path, data: Path, *, files: int, labels: int, damaged: int, seed: int = 0) -> OddFolder:
    """Write `files` files, `damaged` of them beyond use in ten ways, and a table with `labels` labels.

    Args:
        path: a new folder.
        data: the folder of real image sets.
        files: how many files, the damaged ones among them.
        labels: how many rows labels.csv has, spread over the three kinds.
        damaged: how many files are damaged, a multiple of ten.
        seed: which images get which form.
    """
    path.mkdir()
    rng = np.random.default_rng(seed)
    sound = files - damaged
    sources = {
        "digit": mnist(data, sound // 3 + 3),
        "photograph": parquet(data / "cifar10" / "test-00000-of-00001.parquet", sound // 3 + 3),
        "character": parquet(data / "omniglot" / "evaluation.parquet", sound // 3 + 3),
    }
    truth: dict[str, str] = {}
    for number in range(sound):
        kind = KINDS[number % 3]
        form = FORMS[int(rng.integers(len(FORMS)))]
        name, content = form(sources[kind][number // 3], f"IMG_{number:04d}")
        (path / name).write_bytes(content)
        truth[name] = kind
    broken = {}
    for number in range(damaged):
        name, words = DAMAGES[number % len(DAMAGES)](path, f"bad_{number:03d}", sources["photograph"][0])
        broken[name] = words
    names = list(truth)[:labels]
    with (path / "labels.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file, delimiter=";")
        table.writerow(("Image", "Category"))
        table.writerows((name, truth[name]) for name in names)
    return OddFolder(path, truth, broken, frozenset(names))


def mnist(data: Path, n: int) -> list[Image.Image]:
    """The first test digits, as gray images."""
    with gzip.open(data / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(16 + 784 * n)[16:], dtype=np.uint8).reshape(n, 28, 28)
    return [Image.fromarray(image) for image in pixels]


def parquet(path: Path, n: int) -> list[Image.Image]:
    """The first images of a Parquet file."""
    batch = next(pq.ParquetFile(path).iter_batches(n, columns=["image"]))
    return [Image.open(io.BytesIO(row["bytes"])).copy() for row in batch.column("image").to_pylist()]


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """An image as a file of that form would hold it."""
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def cmyk_progressive(image: Image.Image, stem: str) -> tuple[str, bytes]:
    content = encoded(image.convert("RGB").convert("CMYK"), "JPEG", quality=95, progressive=True)
    return f"{stem}.JPG", content


def sideways(image: Image.Image, stem: str) -> tuple[str, bytes]:
    """A phone's way: the pixels lie on their side, and EXIF says how to turn them back."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return f"{stem}.jpeg", encoded(
        image.convert("RGB").transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif
    )


def sixteen_bits(image: Image.Image, stem: str) -> tuple[str, bytes]:
    return f"{stem}.png", encoded(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257), "PNG")


def palette(image: Image.Image, stem: str) -> tuple[str, bytes]:
    return f"{stem}.gif", encoded(image.convert("RGB").quantize(64), "GIF")


def animated(image: Image.Image, stem: str) -> tuple[str, bytes]:
    other = Image.new("RGB", image.size, "red")
    options = {"save_all": True, "append_images": [other], "duration": 100, "lossless": True}
    return f"{stem}.webp", encoded(image.convert("RGB"), "WEBP", **options)


def plain(form: str, suffix: str) -> Callable[[Image.Image, str], tuple[str, bytes]]:
    return lambda image, stem: (stem + suffix, encoded(image.convert("RGB"), form))


FORMS = (
    cmyk_progressive,
    sideways,
    sixteen_bits,
    palette,
    animated,
    plain("PNG", " ünï🐈.png"),
    plain("BMP", ".bmp"),
    plain("TIFF", ".tif"),
)


def truncated(form: str, suffix: str) -> Callable[[Path, str, Image.Image], tuple[str, str]]:
    def write(folder: Path, stem: str, image: Image.Image) -> tuple[str, str]:
        content = encoded(image.convert("RGB").resize((64, 64)), form)
        (folder / f"{stem}{suffix}").write_bytes(content[: len(content) * 2 // 3])
        return f"{stem}{suffix}", "truncated|damaged"

    return write


def holding(suffix: str, content: bytes, words: str) -> Callable[[Path, str, Image.Image], tuple[str, str]]:
    def write(folder: Path, stem: str, image: Image.Image) -> tuple[str, str]:
        (folder / f"{stem}{suffix}").write_bytes(content)
        return f"{stem}{suffix}", words

    return write


def too_large(folder: Path, stem: str, image: Image.Image) -> tuple[str, str]:
    info = PngInfo()
    content = encoded(Image.new("1", (13_300, 13_300)), "PNG", pnginfo=info, optimize=True)
    (folder / f"{stem}.png").write_bytes(content)
    return f"{stem}.png", "more than `max_pixels`"


def pipe(folder: Path, stem: str, image: Image.Image) -> tuple[str, str]:
    os.mkfifo(folder / f"{stem}.jpg")
    return f"{stem}.jpg", "not a regular file"


def dangling(folder: Path, stem: str, image: Image.Image) -> tuple[str, str]:
    (folder / f"{stem}.png").symlink_to("nowhere.png")
    return f"{stem}.png", "a link to a file that is not there"


DAMAGES = (
    truncated("JPEG", ".jpg"),
    truncated("PNG", ".png"),
    truncated("WEBP", ".webp"),
    holding(".jpg", b"", "empty"),
    holding(".jpg", b"This is a note about an image.\n" * 9, "not a readable|text"),
    holding(".png", b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "not a readable|HTML"),
    holding(".jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "not a readable|EPS|PostScript"),
    too_large,
    pipe,
    dangling,
)


def states(folder: Path) -> dict[str, tuple[object, ...]]:
    """What must not change in a user's folder: content, size, times and mode of every entry."""
    return {path.name: state(path) for path in entries(folder)}


def entries(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.rglob("*")


def state(path: Path) -> tuple[object, ...]:
    about = path.lstat()
    content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
    return about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_mode, content
