"""Labeled images in two parts: those that a run may see, and those that it is asked about."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ilk.data import Dataset, from_arrays, load, splits
from ilk.errors import UsageError

SPLIT_OFF = 0.25
SPLIT_SEED = 0
"""Where a source has no test split, this share of each class's labeled images is one, the same for every run."""
ARRAYS = ("images", "targets", "names", "gray")


def read_images(
    data: Sequence[str],
    *,
    files: str | None = None,
    size: int | None = None,
    train_images: int | None = None,
    test_images: int | None = None,
) -> tuple[Dataset, Dataset]:
    """The images to learn from and the ones to be asked about, both with all their labels.

    Args:
        data: one source of any form that `ilk fit` takes, "digits" for scikit-learn's, or the parts of a pack.
        files: pattern of the files to use.
        size: side in pixels; None for what suits the data.
        train_images, test_images: at most so many, drawn at random.
    """
    if len(data) > 1 and not all(each.endswith(".npz") for each in data):
        raise UsageError(f"Only a pack has several parts; {data[1]!r} would be left out. Give one source.")
    if data[0].endswith(".npz"):
        if size is not None:
            raise UsageError("The images of a pack have their size: give --size where it is packed.")
        seen, asked = unpack([Path(part) for part in data])
    elif data[0] == "digits" and not Path("digits").exists():
        seen, asked = split_off(digits())
    elif "test" in splits(data[0], files):
        seen = load(data[0], split="train", files=files, size=size)
        asked = load(data[0], split="test", files=files, size=seen.images.shape[2:], channels=seen.images.shape[1])
        asked = with_classes_of(asked, seen)
    else:
        seen, asked = split_off(load(data[0], files=files, size=size))
    asked = part_of(asked, asked.labeled)
    return at_most(seen, train_images), at_most(asked, test_images)


def digits() -> Dataset:
    """Scikit-learn's 1,797 handwritten digits."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return replace(from_arrays((found.images * (255 / 16)).round().astype(np.uint8), found.target), source="digits")


def split_off(whole: Dataset) -> tuple[Dataset, Dataset]:
    """A share of each class's labeled images as the test split, drawn by `SPLIT_SEED`; the rest to learn from."""
    draw, test = np.random.default_rng(SPLIT_SEED), np.zeros(len(whole), dtype=bool)
    for number in range(len(whole.classes)):
        members = draw.permutation(np.flatnonzero(whole.targets == number))
        test[members[: int(SPLIT_OFF * len(members))]] = True
    return part_of(whole, np.flatnonzero(~test)), part_of(whole, np.flatnonzero(test))


def with_classes_of(asked: Dataset, seen: Dataset) -> Dataset:
    """The same images, their targets as positions among the classes that are learned; others lose their label."""
    places = {name: number for number, name in enumerate(seen.classes)}
    numbers = np.array([*(places.get(name, -1) for name in asked.classes), -1], dtype=np.int64)
    return replace(asked, targets=numbers[asked.targets], classes=seen.classes)


def part_of(dataset: Dataset, chosen: np.ndarray) -> Dataset:
    """These images of a data set."""
    names = tuple(dataset.names[i] for i in chosen)
    images, targets, gray = dataset.images[chosen], dataset.targets[chosen], dataset.gray[chosen]
    return replace(dataset, images=images, names=names, targets=targets, gray=gray, skipped=(), unmatched=())


def at_most(dataset: Dataset, most: int | None) -> Dataset:
    """So many of the images, drawn at random but the same for every run; all of them for None."""
    if most is None or most >= len(dataset):
        return dataset
    return part_of(dataset, np.sort(np.random.default_rng(SPLIT_SEED).choice(len(dataset), most, replace=False)))


def fingerprint(*parts: Dataset) -> str:
    """Twelve hexadecimal digits that differ where images have other names, labels or classes."""
    digest = hashlib.sha256()
    for dataset in parts:
        digest.update(json.dumps([dataset.classes, dataset.names, dataset.targets.tolist()]).encode())
    return digest.hexdigest()[:12]


def pack(seen: Dataset, asked: Dataset, out: Path, parts: int = 1) -> list[Path]:
    """Write both parts as files that need NumPy alone: OUT.npz, or OUT-1.npz, OUT-2.npz, … each with its share."""
    paths = [out] if parts == 1 else [out.with_stem(f"{out.stem}-{part + 1}") for part in range(parts)]
    out.parent.mkdir(parents=True, exist_ok=True)
    for part, path in enumerate(paths):
        arrays = {
            "part": np.array([part, parts]),
            "classes": np.array(seen.classes),
            "source": np.array(Path(seen.source).name),
            "pack": np.array(fingerprint(seen, asked)),
        }
        for prefix, dataset in (("", seen), ("test_", asked)):
            for name in ARRAYS:
                whole = np.asarray(getattr(dataset, name))
                arrays[prefix + name] = np.array_split(whole, parts)[part]
        np.savez_compressed(path, **arrays)
    return paths


def unpack(paths: Sequence[Path]) -> tuple[Dataset, Dataset]:
    """What `pack()` wrote, all its parts.

    Raises:
        UsageError: a part is missing, damaged, given twice, or of another pack.
    """
    parts = [_part(path) for path in paths]
    parts.sort(key=lambda part: int(part["part"][0]))
    if [part["part"].tolist() for part in parts] != [[number, len(parts)] for number in range(len(parts))]:
        raise UsageError(f"{len(parts)} files are not all the {parts[0]['part'][1]} parts of one pack, each once.")
    if len({str(part["pack"]) for part in parts}) > 1:
        raise UsageError("These files are parts of different packs.")
    both = []
    for prefix in ("", "test_"):
        images, targets, names, gray = (np.concatenate([part[prefix + name] for part in parts]) for name in ARRAYS)
        classes, source = tuple(parts[0]["classes"].tolist()), str(parts[0]["source"])
        both.append(Dataset(images, tuple(names.tolist()), targets, classes, source, gray=gray))
    return both[0], both[1]


def _part(path: Path) -> dict[str, np.ndarray]:
    wanted = {"part", "classes", "source", "pack", *ARRAYS, *(f"test_{name}" for name in ARRAYS)}
    try:
        with path.open("rb") as file, np.load(file) as opened:
            part = {name: opened[name] for name in opened.files}
    except (OSError, ValueError, TypeError, EOFError, BadZipFile, zlib.error) as error:
        raise UsageError(f"{path} cannot be read: {error}. Give it as --pack wrote it.") from error
    if missing := sorted(wanted - part.keys()):
        raise UsageError(f"{path} is no part of a pack: {missing[0]!r} is missing. Give it as --pack wrote it.")
    return part
