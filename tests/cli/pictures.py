"""Tiny pictures drawn by code, and the forms in which a user may hold them."""

from __future__ import annotations

import csv
import hashlib
import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

SIDE = 12
CLASSES = ("bar", "cross", "dot")


@dataclass(frozen=True)
class Drawn:
    """One picture: its name says nothing of its class."""

    name: str
    truth: str
    pixels: np.ndarray


def draw(count: int, seed: int, color: bool = False) -> list[Drawn]:
    """`count` noisy pictures of each class in a random order."""
    draws = np.random.default_rng(seed)
    truths = draws.permutation(np.repeat(CLASSES, count)).tolist()
    return [Drawn(f"{seed}-{i:03d}.png", truth, _picture(truth, draws, color)) for i, truth in enumerate(truths)]


def _picture(truth: str, draws: np.random.Generator, color: bool) -> np.ndarray:
    pixels = draws.integers(0, 60, (SIDE, SIDE)).astype(np.uint8)
    row, column = draws.integers(2, SIDE - 4, 2)
    if truth == "bar":
        pixels[:, column : column + 3] = 255
    elif truth == "dot":
        pixels[row : row + 3, column : column + 3] = 255
    else:
        pixels[row : row + 2] = 255
        pixels[:, column : column + 2] = 255
    return np.stack([pixels, pixels // 2, 255 - pixels], -1) if color else pixels


def labels_of(drawn: Sequence[Drawn], per_class: int) -> list[str | None]:
    """The truth of the first `per_class` pictures of each class, None for the rest."""
    left = dict.fromkeys(CLASSES, per_class)
    labels: list[str | None] = []
    for picture in drawn:
        left[picture.truth] -= 1
        labels.append(picture.truth if left[picture.truth] >= 0 else None)
    return labels


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def write_folders(folder: Path, drawn: Sequence[Drawn], labels: Sequence[str | None]) -> Path:
    """One folder for each class, and unlabeled/."""
    for picture, label in zip(drawn, labels, strict=True):
        path = folder / (label or "unlabeled") / picture.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(picture.pixels))
    return folder


def write_table(folder: Path, drawn: Sequence[Drawn], labels: Sequence[str | None]) -> Path:
    """A flat folder with labels.csv."""
    folder.mkdir(parents=True)
    for picture in drawn:
        (folder / picture.name).write_bytes(png(picture.pixels))
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filename", "label"])
        rows.writerows((p.name, label) for p, label in zip(drawn, labels, strict=True) if label)
    return folder


def write_parquet(folder: Path, drawn: Sequence[Drawn], labels: Sequence[str | None], split: str = "train") -> Path:
    """Parquet with null labels."""
    folder.mkdir(parents=True, exist_ok=True)
    images = pa.array([{"bytes": png(picture.pixels), "path": picture.name} for picture in drawn])
    table = pa.table({"image": images, "label": pa.array(labels, pa.string())})
    pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")
    return folder


def write_idx(folder: Path, drawn: Sequence[Drawn]) -> Path:
    """IDX as MNIST has it, where every image has a label."""
    folder.mkdir(parents=True)
    pixels = np.stack([picture.pixels for picture in drawn])
    targets = bytes(CLASSES.index(picture.truth) for picture in drawn)
    (folder / "train-images-idx3-ubyte").write_bytes(struct.pack(">4i", 0x803, *pixels.shape) + pixels.tobytes())
    (folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 0x801, len(targets)) + targets)
    return folder


def snapshot(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file under a folder: the hash of its bytes, and when it was last changed."""
    return {
        path.relative_to(folder).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
