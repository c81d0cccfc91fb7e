"""Images in the binary version of CIFAR-10 and CIFAR-100: 32 x 32 color images, each after its label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ilk.data.source_parts import Part, Rows, Source, group_by_split
from ilk.errors import DataError

_TEN = re.compile(r"(data_batch_[0-9]+|test_batch)\.bin")
_HUNDRED = re.compile(r"(train|test)\.bin")
_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE


def is_cifar_name(name: str) -> bool:
    """Whether a file is named like one of CIFAR's binary version, such as data_batch_1.bin."""
    base = name.rsplit("/", 1)[-1]
    return bool(_TEN.fullmatch(base) or _HUNDRED.fullmatch(base))


def find_cifar(root: Path, files: Sequence[str], source: str, whole: bool = False) -> Source:
    """CIFAR's files by split; the fine labels of CIFAR-100; class names from the list beside them.

    Args:
        root: the folder.
        files: its files, relative to it.
        source: what the user named.
        whole: the files are one source without splits.

    Raises:
        DataError: a file is not whole.
    """
    spoken = {_as_split(name): name for name in files}
    groups, lone = ([(None, list(spoken))], None) if whole else group_by_split(list(spoken), source)
    parts = []
    for split, names in groups:
        members = [spoken[name] for name in names]
        count = sum(_count(root / name) for name in members)
        parts.append(Part(split, count, partial(_read, root, tuple(members))))
    return Source(tuple(parts), lone=lone)


def _as_split(name: str) -> str:
    """CIFAR's own word for the training set, "data", in the common one."""
    head, _, base = name.rpartition("/")
    return f"{head}/{base.replace('data_batch', 'train_batch')}"


def _label_bytes(name: str) -> int:
    return 1 if _TEN.fullmatch(name.rsplit("/", 1)[-1]) else 2


def _count(path: Path) -> int:
    record = _label_bytes(path.name) + _PIXELS
    size = path.stat().st_size
    if size == 0 or size % record:
        raise DataError(f"{path} has {size:,} bytes, which is no multiple of {record} bytes an image. Copy it again.")
    return size // record


def _read(root: Path, names: tuple[str, ...]) -> Rows:
    counts = [_count(root / name) for name in names]
    images = np.empty((sum(counts), 3, _SIDE, _SIDE), dtype=np.uint8)
    labels: list[str | None] = []
    classes: tuple[str, ...] = ()
    start = 0
    for name, count in zip(names, counts, strict=True):
        lead = _label_bytes(name)
        records = np.fromfile(root / name, dtype=np.uint8).reshape(count, lead + _PIXELS)
        images[start : start + count] = records[:, lead:].reshape(count, 3, _SIDE, _SIDE)
        classes = _class_names(root / name, int(records[:, lead - 1].max()))
        labels += [classes[number] for number in records[:, lead - 1].tolist()]
        start += count
    rows = [f"{name}#{row}" for name, count in zip(names, counts, strict=True) for row in range(count)]
    return Rows(rows, labels, images, classes)


def _class_names(path: Path, largest: int) -> tuple[str, ...]:
    """The names beside the data; the numbers as text where there is no list of names."""
    beside = path.with_name("batches.meta.txt" if _label_bytes(path.name) == 1 else "fine_label_names.txt")
    if not beside.is_file():
        return tuple(str(number) for number in range(largest + 1))
    names = tuple(line.strip() for line in beside.read_text(encoding="utf-8", errors="replace").splitlines())
    names = tuple(name for name in names if name)
    if largest >= len(names):
        raise DataError(f"{path} holds the label {largest}, but {beside} names only {len(names)} classes.")
    return names
