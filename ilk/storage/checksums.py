"""Is a saved model whole? Sizes and SHA-256 of its files, checked without torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from ilk.errors import ModelError
from ilk.storage.files import AGAIN, parse_json, to_json, write_bytes

CHECKSUMS = "checksums.json"
CHECKSUMS_LIMIT = 2**20


def sha256(data: bytes) -> str:
    """The SHA-256 of these bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def write_checksums(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write `checksums.json` for these files of the folder, by name."""
    files = {name: {"bytes": len(data), "sha256": sha256(data)} for name, data in sorted(contents.items())}
    write_bytes(folder / CHECKSUMS, to_json({"files": files}))


def read_verified(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The bytes of these files, each as long as `checksums.json` says and with its SHA-256.

    Other files in the folder are not looked at.

    Raises:
        ModelError: a file is missing, too long, too short or changed, or `checksums.json` is; names file and reason.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder} holds no saved model: there is no such folder.")
    path = folder / CHECKSUMS
    if not any((folder / name).exists() for name in (CHECKSUMS, *names)):
        raise ModelError(
            f"{folder} holds no saved model: it has no {CHECKSUMS}. Name the folder that a model was saved to."
        )
    data = _read(path, CHECKSUMS_LIMIT)
    recorded = parse_json(data, path)
    expected = recorded.get("files")
    if recorded.keys() != {"files"} or not isinstance(expected, dict) or expected.keys() != set(names):
        raise ModelError(f"{path} is damaged: it must list exactly {', '.join(sorted(names))}. {AGAIN}")
    if data != to_json(recorded):
        raise ModelError(f"{path} is damaged: it is not as Ilk wrote it. {AGAIN}")
    return {name: _matching(folder / name, record) for name, record in expected.items()}


def _matching(path: Path, record: object) -> bytes:
    if not isinstance(record, dict) or not isinstance(size := record.get("bytes"), int) or size < 0:
        raise ModelError(f"{path.with_name(CHECKSUMS)} is damaged: no size for {path.name}. {AGAIN}")
    data = _read(path, size)
    if len(data) < size:
        raise ModelError(f"{path} is cut off: {len(data):,} bytes of {size:,}. {AGAIN}")
    if record != {"bytes": size, "sha256": sha256(data)}:
        raise ModelError(f"{path} is damaged: its SHA-256 is not the recorded one. {AGAIN}")
    return data


def _read(path: Path, limit: int) -> bytes:
    if not path.is_file():
        raise ModelError(f"{path} is missing. {AGAIN}")
    try:
        with path.open("rb") as file:
            data = file.read(min(limit, path.stat().st_size) + 1)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(data) > limit:
        raise ModelError(f"{path} is damaged: longer than the {limit:,} bytes that it should have. {AGAIN}")
    return data
