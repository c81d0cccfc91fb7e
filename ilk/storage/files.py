"""Atomic writes, after which a reader sees the old content or the new, never a part; and strict reading of JSON."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

from ilk.errors import IlkError, ModelError, ResourceError, UsageError

OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM, errno.EIO)
JSON_LIMIT = 64 * 2**20
MOST_VALUES = 1_000_000
"""A JSON file may hold about so many: each takes up to twenty times its bytes of memory."""
VALUE = re.compile(rb'"(?:[^"\\]++|(?:\\.)++)*+"?|[\[{]|[^\s,:\[\]{}"]++', re.DOTALL)
"""A JSON text, list, object, number or word where it begins; nothing is looked at twice, whatever the bytes."""
AGAIN = "Copy it again, or train again by `ilk fit`."


def sha256(data: bytes) -> str:
    """The SHA-256 of these bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def write_error(error: OSError, path: Path, size: int | None = None) -> IlkError:
    """What a failed write means to the user: out of space (exit 5), or a place that cannot be written (exit 2)."""
    what = f"{path}{'' if size is None else f' ({size:,} bytes)'} could not be written: {error.strerror or error}."
    if error.errno in OUT_OF_SPACE:
        return ResourceError(f"{what} What was there before is kept. Free some space, then go on.")
    return UsageError(f"{what} Name a folder that you may write to.")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder that takes the place of `path` when the block ends without an error.

    Raises:
        ResourceError: the disk is full or failed.
        UsageError: the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}.partial")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        size = temporary.stat().st_size if temporary.is_file() else None
        raise write_error(error, path, size) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path, data: bytes) -> None:
    """Write or replace a file at once; an error leaves the old content. Raises like `replacing()`."""
    with replacing(path) as temporary:
        try:
            temporary.write_bytes(data)
        except OSError as error:
            raise write_error(error, path, len(data)) from error


def write_text(path: Path, text: str) -> None:
    """Write or replace a UTF-8 file at once, line ends as given. Raises like `replacing()`."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_json(path: Path, value: object) -> None:
    """Write or replace a JSON file at once; raises like `replacing()`, and UsageError for NaN or infinity."""
    write_bytes(path, to_json(value))


def to_json(value: object) -> bytes:
    """Indented JSON in UTF-8, ended by a newline.

    Raises:
        UsageError: NaN or infinity, which JSON does not have, or a value of a type that it does not have.
    """
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_plain) + "\n"
        return text.encode()
    except UnicodeEncodeError:  # a file name that is not UTF-8
        return (json.dumps(value, indent=2, allow_nan=False, default=_plain) + "\n").encode()
    except (ValueError, TypeError) as error:
        raise UsageError(f"A value cannot be saved as JSON: {error}.") from error


def read_json(path: Path, limit: int = JSON_LIMIT) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ModelError: no such file, more than `limit` bytes, or no JSON object; also for a key that comes twice, NaN, and
            infinity.
    """
    if path.exists() and not path.is_file():  # opening a pipe would wait forever
        raise ModelError(f"{path} is no file.")
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(data) > limit:
        raise ModelError(f"{path} is larger than the {limit:,} bytes that such a file may have.")
    return parse_json(data, path)


def parse_json(data: bytes, path: Path) -> dict[str, Any]:
    """The JSON object in these bytes, read as strictly as by `read_json()`; `path` is for the message."""
    if too_many_values(data):
        raise ModelError(f"{path} is damaged: it holds more than {MOST_VALUES:,} values. {AGAIN}")
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ModelError(f"{path}:{error.lineno} is damaged: no JSON from column {error.colno} on. {AGAIN}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: {error}. {AGAIN}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} is damaged: it must hold a JSON object. {AGAIN}")
    return value


def too_many_values(data: bytes) -> bool:
    """Whether JSON in these bytes holds more values than `read_json()` takes: a million, not counted by parsing it."""
    if sum(map(data.count, (b",", b"[", b"{"))) <= MOST_VALUES:  # commas in texts among them, so an upper bound
        return False
    return any(True for _ in islice(VALUE.finditer(data), MOST_VALUES, None))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write or replace a CSV file at once: UTF-8, lines ended by LF, quotes only where needed.

    A cell that starts with =, +, - or @ stays as it is. Raises like `replacing()`.
    """
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        # With CRLF as its line end, csv also quotes a cell that holds a lone CR; the lines themselves end in LF.
        writer = csv.writer(_LineFeeds(file), lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)


class _LineFeeds:
    def __init__(self, file: IO[str]) -> None:
        self.file = file

    def write(self, row: str) -> int:
        return self.file.write(row.removesuffix("\r\n") + "\n")


def refuse_foreign(path: Path, is_ours: Callable[[Path], bool], *, beside: Sequence[Path] = ()) -> None:
    """Refuse, before any work, a place in no folder, or one where a file lies that Ilk did not write.

    Args:
        path: where a result is to go.
        is_ours: whether the file at a path is such a result; an error while it is read means no.
        beside: other files that are written with it; one of them without `path` is foreign.
    Raises:
        UsageError: says what is there.
    """
    there = [place for place in (path, *beside) if os.path.lexists(place)]
    if not there and not path.absolute().parent.is_dir():
        raise UsageError(
            f"{path} cannot be written: there is no folder {path.parent}. Make it by mkdir, or name another `out`."
        )
    try:
        ours = not there or is_ours(path)
    except (OSError, IlkError):
        ours = False
    if not ours:
        raise UsageError(
            f"{there[0]} is there and was not written by Ilk, so it is left alone. Name another place by `out`."
        )


def begins_with(mark: bytes, within: int = 8192) -> Callable[[Path], bool]:
    """A test for `refuse_foreign()`: whether the first bytes of a file hold a mark that Ilk writes there."""

    def has_mark(path: Path) -> bool:
        with path.open("rb") as file:
            return mark in file.read(within)

    return has_mark


def _plain(value: Any) -> object:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # NumPy numbers and arrays
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON type")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a key comes twice")
    return result


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")
