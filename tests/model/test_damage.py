"""Whole models damaged at random: one flipped bit, cut off, members swapped, missing, added; none is loaded."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ilk.errors import ModelError
from ilk.model.bundle import load_bundle, save_bundle
from tests.model.whole_model import flip, small_bundle

ONNX = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two whole models of the same kind; the first is damaged and mended again and again."""
    place = tmp_path_factory.mktemp("models")
    for name, seed in (("one", 0), ("other", 1)):
        save_bundle(place / name, small_bundle(seed, k=1 + seed), ONNX + bytes([seed]))
    return place / "one", place / "other"


def refused(folder: Path) -> str:
    """The reason, which names the model; an error of any other kind is a failure."""
    with pytest.raises(ModelError) as caught:
        load_bundle(folder)
    assert caught.value.exit_code == 4
    assert str(folder) in str(caught.value)
    return str(caught.value)


def place_of_flip(sizes: dict[str, int], number: int, generator: np.random.Generator) -> tuple[str, int, int]:
    """A file, a byte and a bit: by turns evenly over the files, and evenly over all bytes."""
    names, lengths = list(sizes), np.array(list(sizes.values()))
    weights = None if number % 2 else lengths / lengths.sum()
    name = names[generator.choice(len(names), p=weights)]
    return name, int(generator.integers(sizes[name])), int(generator.integers(8))


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_one_flipped_bit_anywhere_is_refused(models: tuple[Path, Path], count: int) -> None:
    folder, _ = models
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    generator = np.random.default_rng(count)
    hit = Counter()
    for number in range(count):
        name, byte, bit = place_of_flip(sizes, number, generator)
        flip(folder / name, byte, bit)
        try:
            refused(folder)
        finally:
            flip(folder / name, byte, bit)
        hit[name] += 1
    load_bundle(folder)
    assert set(hit) == set(sizes)
    assert "checksums.json" in hit
    assert min(hit.values()) > count / 30


def cut(folder: Path, other: Path, generator: np.random.Generator) -> None:
    path = generator.choice(sorted(folder.iterdir()))
    path.write_bytes(path.read_bytes()[: generator.integers(path.stat().st_size)])


def lengthened(folder: Path, other: Path, generator: np.random.Generator) -> None:
    path = generator.choice(sorted(folder.iterdir()))
    path.write_bytes(path.read_bytes() + generator.bytes(int(generator.integers(1, 100))))


def swapped_within(folder: Path, other: Path, generator: np.random.Generator) -> None:
    first, second = generator.choice(sorted(folder.iterdir()), 2, replace=False)
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)


def swapped_between(folder: Path, other: Path, generator: np.random.Generator) -> None:
    name = generator.choice(sorted(path.name for path in folder.iterdir()))
    (folder / name).write_bytes((other / name).read_bytes())


def missing(folder: Path, other: Path, generator: np.random.Generator) -> None:
    generator.choice(sorted(folder.iterdir())).unlink()


def added(folder: Path, other: Path, generator: np.random.Generator) -> None:
    name = "".join(generator.choice(list("abc._-猫 "), 6)).strip()
    suffix = generator.choice(["", ".json", ".safetensors", ".pkl", ".onnx", ".partial"])
    (folder / f"x{name}{suffix}").write_bytes(generator.bytes(5))


def zeroed(folder: Path, other: Path, generator: np.random.Generator) -> None:
    """A stretch of zeros, as a failing disk leaves it."""
    path = generator.choice(sorted(folder.iterdir()))
    data = bytearray(path.read_bytes())
    start = int(generator.integers(len(data) // 2))
    while not any(data[start : start + 4096]):
        start = max(0, start - 4096)
    data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    path.write_bytes(data)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


KINDS = (cut, lengthened, swapped_within, swapped_between, missing, added, zeroed)


@pytest.mark.parametrize("count", [70, pytest.param(1_000, marks=pytest.mark.slow)])
def test_larger_damage_is_refused(models: tuple[Path, Path], tmp_path: Path, count: int) -> None:
    whole, other = models
    generator = np.random.default_rng(count)
    for number in range(count):
        folder = tmp_path / "model"
        shutil.copytree(whole, folder)
        KINDS[number % len(KINDS)](folder, other, generator)
        assert contents(folder) != contents(whole), number
        refused(folder)
        shutil.rmtree(folder)
    load_bundle(whole)
