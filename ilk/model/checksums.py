"""The files of a saved model with their sizes and SHA-256: written, and verified without torch."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ilk.errors import ModelError
from ilk.storage.files import AGAIN, parse_json, sha256, to_json, write_bytes

CHECKSUMS = "checksums.json"
CHECKSUMS_LIMIT = 2**16
LARGEST = 2**32
"""Bytes beyond which no file of a model goes: 4 GiB."""
NAME = re.compile(r"[a-z_]+\.(jsonl?|safetensors|onnx)", re.ASCII)
STRAY = re.compile(r"\.DS_Store|\._.*|desktop\.ini|Thumbs\.db")
"""Files that file managers leave in every folder that they show; never read."""
CHUNK = 2**20
BEGIN = b'{\n  "files": {\n    "'
"""How every `checksums.json` begins."""


@dataclass(frozen=True)
class Member:
    """One file of a saved model: where it lies, its size in bytes (as on disk), the SHA-256 that it must have."""

    path: Path
    size: int
    sha256: str

    def begin(self, count: int) -> bytes:
        """Its first bytes, at most `count`; not verified."""
        return _read(self.path, min(count, self.size))

    def read(self) -> bytes:
        """All its bytes, verified; raises ModelError like `verify()`."""
        data = _read(self.path, self.size)
        self._require(len(data), sha256(data))
        return data

    def verify(self) -> None:
        """Read it piece by piece and keep nothing; raises like `pieces()`."""
        for _ in self.pieces():
            pass

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, at most 1 MiB at a time; they are verified only after the last.

        Raises:
            ModelError: it cannot be read, or its size or SHA-256 is not the recorded one.
        """
        found, length = hashlib.sha256(), 0
        try:
            with self.path.open("rb") as file:
                while piece := file.read(CHUNK):
                    found.update(piece)
                    length += len(piece)
                    yield piece
        except OSError as error:
            raise _unreadable(self.path, error) from error
        self._require(length, found.hexdigest())

    def _require(self, length: int, digest: str) -> None:
        if (length, digest) != (self.size, self.sha256):
            raise ModelError(f"{self.path} is damaged: its SHA-256 is not the recorded one. {AGAIN}")


def write_checksums(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write `checksums.json` for these files of the folder, by name."""
    files = {name: {"bytes": len(data), "sha256": sha256(data)} for name, data in sorted(contents.items())}
    write_bytes(folder / CHECKSUMS, to_json({"files": files}))


def begins_like_ours(folder: Path) -> bool:
    """Whether the folder has a `checksums.json` that begins as Ilk writes it; the rest may be damaged."""
    try:
        with (folder / CHECKSUMS).open("rb") as file:
            return file.read(len(BEGIN)) == BEGIN
    except OSError:
        return False


def read_checksums(folder: Path) -> dict[str, Member]:
    """The files of a saved model by name; of them, only their sizes are looked at.

    Raises:
        ModelError: `checksums.json` is not as Ilk writes it, a file is missing, is of another size or a link, or the
            folder holds one that is not listed.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder} holds no saved model: there is no such folder.")
    path = folder / CHECKSUMS
    try:
        present = {name for name in os.listdir(folder) if not STRAY.fullmatch(name)}
    except OSError as error:
        raise _unreadable(folder, error) from error
    if not any(NAME.fullmatch(name) for name in present):
        raise ModelError(
            f"{folder} holds no saved model: it has no {CHECKSUMS}. Name the folder that a model was saved to."
        )
    if (size := _size(path)) > CHECKSUMS_LIMIT:
        raise ModelError(f"{path} is damaged: longer than the {CHECKSUMS_LIMIT:,} bytes that it may have. {AGAIN}")
    data = _read(path, size)
    recorded = parse_json(data, path)
    files = recorded.get("files")
    if recorded.keys() != {"files"} or not isinstance(files, dict) or data != to_json(recorded):
        raise ModelError(f"{path} is damaged: it is not as Ilk wrote it. {AGAIN}")
    members = {name: _member(folder, name, record) for name, record in files.items()}
    if foreign := sorted(present - members.keys() - {CHECKSUMS}):
        raise ModelError(
            f"{folder / foreign[0]} is no part of this model: {CHECKSUMS} does not list it. Move it elsewhere."
        )
    return members


def _member(folder: Path, name: str, record: Any) -> Member:
    listing = folder / CHECKSUMS
    if not NAME.fullmatch(name) or name == CHECKSUMS:
        raise ModelError(f"{listing} is damaged: it lists {name[:100]!r}, which no model of Ilk's has. {AGAIN}")
    if not isinstance(record, dict) or record.keys() != {"bytes", "sha256"}:
        raise ModelError(f"{listing} is damaged: no size and SHA-256 for {name}. {AGAIN}")
    size, digest = record["bytes"], record["sha256"]
    if type(size) is not int or not 0 <= size <= LARGEST or not isinstance(digest, str):
        raise ModelError(f"{listing} is damaged: no usable size for {name}; {LARGEST:,} bytes are allowed. {AGAIN}")
    path = folder / name
    found = _size(path)
    if found < size:
        raise ModelError(f"{path} is cut off: {found:,} bytes of {size:,}. {AGAIN}")
    if found > size:
        raise ModelError(f"{path} is damaged: longer than the {size:,} bytes that it should have. {AGAIN}")
    return Member(path, size, digest)


def _size(path: Path) -> int:
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise ModelError(f"{path} is missing. {AGAIN}") from None
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "no plain file"
        raise ModelError(f"{path} is {kind}; a model holds plain files alone. {AGAIN}")
    return found.st_size


def _read(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError(f"{path} cannot be read: {error.strerror or error}.")
