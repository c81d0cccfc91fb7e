"""What a safetensors file says that it holds, read strictly before any of it is loaded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ilk.errors import ModelError
from ilk.model.checksums import Member
from ilk.storage.files import AGAIN, parse_json

HEADER_LIMIT = 2**19
MOST_AXES = 8
ITEM_BYTES = {"U8": 1, "F32": 4, "F64": 8, "I64": 8}
"""The types of numbers that a model holds, each with its size in bytes."""


@dataclass(frozen=True)
class TensorSpec:
    """A tensor as a header announces it: its type, a name of `ITEM_BYTES`, and its shape."""

    dtype: str
    shape: tuple[int, ...]


def read_header(member: Member) -> dict[str, TensorSpec]:
    """The tensors in a safetensors file by name; their numbers stay on disk.

    Raises:
        ModelError: the header is too long, is no strict JSON, or its tensors do not fill the file from end to end.
    """
    length = int.from_bytes(member.begin(8), "little")
    if member.size < 8 or not 2 <= length <= min(HEADER_LIMIT, member.size - 8):
        raise ModelError(
            f"{member.path} is no safetensors file as Ilk writes it: its header would have {length:,} bytes; "
            f"{HEADER_LIMIT:,} are allowed. {AGAIN}"
        )
    entries = parse_json(member.begin(8 + length)[8:], member.path)
    tensors = [(*_declared(entry), name) for name, entry in entries.items()]
    if any(declared is None for declared, *_ in tensors):
        raise ModelError(f"{member.path} is damaged: a tensor without usable type, shape and place. {AGAIN}")
    place = 0
    for _, start, end, name in sorted(tensors, key=lambda row: row[1:3]):
        if start != place:
            raise ModelError(f"{member.path} is damaged: {name[:100]!r} does not begin where another ends. {AGAIN}")
        place = end
    if place != member.size - 8 - length:
        raise ModelError(f"{member.path} is damaged: its tensors do not fill it. {AGAIN}")
    return {name: declared for declared, _, _, name in tensors if declared}


def _declared(entry: Any) -> tuple[TensorSpec | None, int, int]:
    """What an entry announces, and the first byte and the end of its numbers; None for what cannot be."""
    nothing = (None, 0, 0)
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        return nothing
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES or not _counts(shape) or not _counts(offsets):
        return nothing
    if len(shape) > MOST_AXES or len(offsets) != 2:
        return nothing
    start, end = offsets
    if end - start != math.prod(shape) * ITEM_BYTES[dtype]:
        return nothing
    return TensorSpec(dtype, tuple(shape)), start, end


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)
