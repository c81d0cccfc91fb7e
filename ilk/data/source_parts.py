"""What a reader of one data form returns: the parts of a source by split, each read on demand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL.Image import Image

from ilk.data.dataset import UnmatchedRow
from ilk.errors import DataError, UsageError

Picture = Path | bytes | np.ndarray | Image | None
"""One image still to be decoded: a file, its bytes, pixels (h, w[, c]), a Pillow image; None where there is none."""

SPLITS = ("train", "val", "test")
_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "t10k": "test",
}


@dataclass(frozen=True)
class Rows:
    """The images of one part with their names and labels.

    Args:
        names: n names, unique within the source.
        labels: n class names; None where there is no label.
        pictures: n images to decode, in an iterable that can be walked twice; or one uint8 array
            (n, channels, height, width).
        order: the class names in the order of their numbers, where the source has its own.
    """

    names: Sequence[str]
    labels: Sequence[str | None]
    pictures: Iterable[Picture] | np.ndarray
    order: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """The images of one split (None: the source has no splits), counted now and read later."""

    split: str | None
    count: int
    read: Callable[[], Rows]


@dataclass(frozen=True)
class Source:
    """A source as it was found: at most one part for each split, what was passed over, what to tell.

    `lone` is the split that the name of a lone file speaks of; such a source has no splits of its own.
    `root` is the folder that the names start from, where every image is a file of its own. `unmatched` are rows of a
    labels file that name no image; `hint` says where more labels may be.
    """

    parts: tuple[Part, ...]
    ignored: int = 0
    notes: tuple[str, ...] = ()
    lone: str | None = None
    root: Path | None = None
    unmatched: tuple[UnmatchedRow, ...] = ()
    hint: str = ""


def split_word(text: str) -> str | None:
    """The split that a folder of this name stands for ("Validation" is "val"), or None."""
    return _SPLIT_WORDS.get(text.casefold())


def split_of_file(name: str) -> str | None:
    """The split that a file's name, or else the nearest folder above it, speaks of; None where none does.

    Example:
        >>> split_of_file("data/train-00000-of-00002.parquet")
        'train'
    """
    for piece in reversed(PurePosixPath(name).parts):
        words = [split_word(word) for word in re.split(r"[^a-zA-Z0-9]+", piece)]
        splits = {word for word in words if word}
        if splits:
            return splits.pop() if len(splits) == 1 else None
    return None


def group_by_split(files: Sequence[str], source: str) -> tuple[list[tuple[str | None, list[str]]], str | None]:
    """Files of a source sorted into its splits; a lone file is the whole source, whatever its name.

    Returns:
        (split, files) in the order train, val, test, and the split that a lone file's name speaks of.

    Raises:
        DataError: there are several files, and some are named for no split.
    """
    if len(files) == 1:
        return [(None, list(files))], split_of_file(files[0])
    unnamed = [name for name in files if split_of_file(name) is None]
    if unnamed:
        raise DataError(
            f"{source} holds {len(files)} files, and these are not named for a split (train, val, test): "
            f"{_shortened(unnamed)}. Choose what to use with `files` PATTERN, for example `files` {unnamed[0]}."
        )
    groups = [(split, [name for name in files if split_of_file(name) == split]) for split in SPLITS]
    return [(split, names) for split, names in groups if names], None


def choose_parts(found: Source, split: str | None, source: str) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The parts of the requested split, and a note for each part that is set aside.

    Raises:
        UsageError: the split is none of train, val, test, all.
        DataError: the source has no such split.
    """
    if split not in (None, "all", *SPLITS):
        raise UsageError(f"split {split!r} is unknown. Allowed: train, val, test, all.")
    present = [part.split for part in found.parts if part.split]
    if split in (None, "all") or (not present and split in ("train", found.lone)):
        return found.parts, ()
    if not present:
        raise DataError(f"{source} is not divided into splits, so it has no {split} split. Use `split` all.")
    if split not in present:
        raise DataError(f"{source} has no {split} split. It has: {', '.join(present)}.")
    chosen = tuple(part for part in found.parts if part.split == split)
    notes = tuple(f"{p.count:,} {p.split} images set aside." for p in found.parts if p.split != split)
    return chosen, notes


def _shortened(names: Sequence[str], limit: int = 10) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
