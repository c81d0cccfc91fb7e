"""Images in IDX files, the form of MNIST: gray images of one size in one file, their labels in another."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ilk.data.source_parts import Part, Rows, Source, group_by_split
from ilk.errors import DataError

_NAME = re.compile(r"(?P<stem>.*)images(?P<dot>[-.])idx3-ubyte(?:\.gz)?")
_IMAGES_MAGIC, _LABELS_MAGIC = 0x0803, 0x0801
_CHUNK = 2**20
_BEST_RATIO = 1100  # deflate packs at most 1032 to 1; a header that claims more lies


def is_idx_name(name: str) -> bool:
    """Whether a file is named like IDX images, such as train-images-idx3-ubyte.gz."""
    return _NAME.fullmatch(name.rsplit("/", 1)[-1]) is not None


def find_idx(root: Path, files: Sequence[str], source: str, whole: bool = False) -> Source:
    """The IDX image files of a folder by split, each with the labels file beside it.

    Where a file lies there packed and unpacked, the unpacked one is used.

    Args:
        root: the folder.
        files: image files, relative to it.
        source: what the user named.
        whole: the files are one source without splits.

    Raises:
        DataError: a file is not whole, or there are several image files for one split.
    """
    unpacked = [name for name in files if not (name.endswith(".gz") and name[:-3] in files)]
    groups, lone = ([(None, unpacked)], None) if whole else group_by_split(unpacked, source)
    parts = []
    for split, names in groups:
        if len(names) > 1:
            raise DataError(
                f"{source} holds {len(names)} files of {split or 'chosen'} images: {', '.join(names)}. "
                "Choose one with `files` PATTERN, or name the file itself."
            )
        with _opened(root / names[0]) as stream:
            count = _shape(stream, root / names[0], _IMAGES_MAGIC, 3)[0]
        parts.append(Part(split, count, partial(_read, root, names[0])))
    return Source(tuple(parts), lone=lone)


def _read(root: Path, name: str) -> Rows:
    images = _array(root / name, _IMAGES_MAGIC, 3)
    labels_path = _labels_beside(root / name)
    labels: Sequence[str | None] = [None] * len(images)
    if labels_path is not None:
        numbers = _array(labels_path, _LABELS_MAGIC, 1)
        if len(numbers) != len(images):
            raise DataError(f"{labels_path} holds {len(numbers)} labels, {root / name} holds {len(images)} images.")
        labels = [str(number) for number in numbers.tolist()]
    return Rows([f"{name}#{row}" for row in range(len(images))], labels, images[:, None])


def _labels_beside(path: Path) -> Path | None:
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    dots = (match["dot"], "-", ".")
    names = [f"{match['stem']}labels{dot}idx1-ubyte{packed}" for dot in dots for packed in ("", ".gz")]
    return next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)


def _opened(path: Path) -> io.BufferedIOBase:
    try:
        return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Allow reading it, or copy it.") from error


def _shape(stream: io.BufferedIOBase, path: Path, magic: int, axes: int) -> tuple[int, ...]:
    """The sizes that the header gives, after checking that it is the header of such a file."""
    try:
        header = stream.read(4 + 4 * axes)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be unpacked: {error}. Download it again.") from error
    if len(header) < 4 + 4 * axes:
        raise DataError(f"{path} is cut short: its header has {len(header)} of {4 + 4 * axes} bytes.")
    found, *shape = struct.unpack(f">{axes + 1}I", header)
    if found != magic:
        raise DataError(f"{path} is not an IDX file of bytes in {axes} axes: it begins with {found:#010x}.")
    return tuple(shape)


def _array(path: Path, magic: int, axes: int) -> np.ndarray:
    """The whole file as a writable uint8 array, read in pieces straight into its place."""
    with _opened(path) as stream:
        shape = _shape(stream, path, magic, axes)
        needed = int(np.prod(shape, dtype=object))
        if needed > path.stat().st_size * (_BEST_RATIO if path.suffix == ".gz" else 1):
            raise DataError(f"{path} is cut short: its header promises {needed:,} bytes of data.")
        array = np.empty(shape, dtype=np.uint8)
        flat = array.reshape(-1)
        filled = 0
        try:
            while piece := stream.read(min(_CHUNK, needed - filled)):
                flat[filled : filled + len(piece)] = np.frombuffer(piece, dtype=np.uint8)
                filled += len(piece)
            rest = len(stream.read(1))
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} cannot be unpacked: {error}. Download it again.") from error
    if filled < needed or rest:
        state = "is longer than" if rest else "is cut short: it has fewer bytes than"
        raise DataError(f"{path} {state} the {needed:,} that its header promises.")
    return array
