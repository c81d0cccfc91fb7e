"""The real files of MNIST, CIFAR-10 and Omniglot, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from ilk.data import load, splits
from ilk.data.decoding import decode, read_header
from ilk.data.parquet import find_parquet
from ilk.errors import DataError


def test_mnist(data_dir: Path) -> None:
    assert splits(data_dir / "mnist") == ("train", "test")
    train = load(data_dir / "mnist", split="train")
    assert train.images.shape == (60000, 1, 28, 28)
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert train.counts() == dict(zip("0123456789", counts, strict=True))
    assert train.images.mean() == pytest.approx(33.318, abs=1e-3)
    assert load(data_dir / "mnist", split="test").counts()["1"] == 1135


def test_cifar10_first_rows_are_pixel_exact(data_dir: Path) -> None:
    files = sorted(path.name for path in (data_dir / "cifar10").glob("*.parquet"))
    found = find_parquet(data_dir / "cifar10", files, "cifar10")
    assert [(part.split, part.count) for part in found.parts] == [("train", 50000), ("test", 10000)]
    rows = found.parts[1].read()
    assert rows.labels[:4] == ["3", "8", "8", "0"]
    first = next(iter(rows.pictures))
    assert not read_header(first, 10**6).gray
    pixels = decode(first, (32, 32))
    assert pixels[:, 0, 0].tolist() == [158, 112, 49]  # the first test image of the original files


def test_omniglot_needs_a_choice_of_files(data_dir: Path) -> None:
    with pytest.raises(DataError, match=r"background\.parquet, evaluation\.parquet.*`files`"):
        splits(data_dir / "omniglot")
    assert splits(data_dir / "omniglot", files="background.parquet") == ()
    found = find_parquet(data_dir / "omniglot", ["background.parquet"], "omniglot")
    rows = found.parts[0].read()
    assert len(set(rows.labels)) == 964
    assert read_header(next(iter(rows.pictures)), 10**6).gray
