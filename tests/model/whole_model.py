"""A small saved model for the tests, and ways to change its files under right checksums."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ilk.model.bundle import Bundle, SelfTest
from ilk.model.checksums import CHECKSUMS, write_checksums
from ilk.networks import build

LABELED, DIM, SIDE = 3, 2, 8
FILES = (
    "checksums.json",
    "model.json",
    "reference_names.jsonl",
    "references.safetensors",
    "self_test.safetensors",
    "weights.safetensors",
)


def small_bundle(seed: int = 0, **description: Any) -> Bundle:
    """Two classes, three labeled images in two dimensions."""
    generator = np.random.default_rng(seed)
    return Bundle(
        weights=build("neighbor-2d", channels=1, seed=seed).state_dict(),
        embeddings=np.array([[0.5, 1.5], [2.0, -3.0], [1000.25, seed]], dtype=np.float32),
        targets=np.array([0, 1, 0]),
        reference_names=("a.png", "b, c.png", "猫\n\\.png"),
        description={
            "network": "neighbor-2d",
            "options": {},
            "height": SIDE,
            "width": SIDE,
            "channels": 1,
            "gray_too": True,
            "preprocessing": "(pixel - 128) / 128",
            "classes": ["cat", "猫"],
            "distance": "squared",
            "temperature": 1.0,
            "k": 1,
            "unlike_beyond": 2.5,
            "sure_from": 0.9,
            **description,
        },
        self_test=SelfTest(
            images=generator.integers(0, 256, (5, 1, SIDE, SIDE), dtype=np.uint8),
            embeddings=generator.normal(size=(5, DIM)).astype(np.float32),
            labels=np.array([0, 1, 0, 1, 0]),
            confidence=np.array([0.5, 0.6, 0.7, 0.8, 1.0]),
            nearest=np.array([0, 1, 2, 1, 0]),
        ),
    )


def reseal(folder: Path) -> None:
    """Make the checksums right again, for all files that are there."""
    names = sorted(path.name for path in folder.iterdir() if path.name != CHECKSUMS)
    write_checksums(folder, {name: (folder / name).read_bytes() for name in names})


def rewrite(folder: Path, **description: Any) -> None:
    """Change the description and reseal; None takes a key away."""
    changed = {**json.loads((folder / "model.json").read_text("utf-8")), **description}
    kept = {name: value for name, value in changed.items() if value is not None}
    (folder / "model.json").write_text(json.dumps(kept), "utf-8")
    reseal(folder)


def safetensors(entries: dict[str, tuple[str, list[int], list[int]]] | bytes, data: bytes = b"") -> bytes:
    """A safetensors file with this header, however wrong: name → (dtype, shape, offsets), or the header's bytes."""
    if not isinstance(entries, bytes):
        keys = ("dtype", "shape", "data_offsets")
        entries = json.dumps({name: dict(zip(keys, row, strict=True)) for name, row in entries.items()}).encode()
    return len(entries).to_bytes(8, "little") + entries + data


def flip(path: Path, byte: int, bit: int) -> None:
    """Turn one bit over, in place; a second time it is as before."""
    with path.open("r+b") as file:
        file.seek(byte)
        (value,) = file.read(1)
        file.seek(byte)
        file.write(bytes([value ^ 1 << bit]))


def cpu_weights(**changes: torch.Tensor) -> dict[str, torch.Tensor]:
    """The weights of `small_bundle()` with some tensors replaced, `__` for a dot."""
    return small_bundle().weights | {name.replace("__", "."): tensor for name, tensor in changes.items()}
