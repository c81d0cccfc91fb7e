from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save

from ilk.errors import ModelError
from ilk.model.checksums import Member, sha256
from ilk.model.safetensors_header import HEADER_LIMIT, TensorSpec, read_header
from tests.model.whole_model import safetensors


def header_of(tmp_path, data):
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    return read_header(Member(path, len(data), sha256(data)))


def test_it_says_what_safetensors_wrote(tmp_path):
    arrays = {
        "a": np.zeros((2, 3), dtype=np.float32),
        "b": np.zeros((), dtype=np.int64),
        "none": np.zeros((0, 4)),
        "猫": np.zeros(5, dtype=np.uint8),
    }
    assert header_of(tmp_path, save(arrays)) == {
        "a": TensorSpec("F32", (2, 3)),
        "b": TensorSpec("I64", ()),
        "none": TensorSpec("F64", (0, 4)),
        "猫": TensorSpec("U8", (5,)),
    }


def one(dtype="F32", shape=(2,), offsets=(0, 8), data=bytes(8), name="a"):
    return safetensors({name: (dtype, list(shape), list(offsets))}, data)


def test_the_smallest_file_is_read(tmp_path):
    assert header_of(tmp_path, one()) == {"a": TensorSpec("F32", (2,))}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02\x00\x00",
        (1).to_bytes(8, "little") + b"{}",
        (2**63).to_bytes(8, "little") + b"{}",
        safetensors(b"[]"),
        safetensors(b'{"a": 1}'),
        safetensors(b'{"a": {}, "a": {}}'),
        safetensors(b"{" + b" " * HEADER_LIMIT + b"}"),
        safetensors(b"[" * 100_000),
        safetensors(b'{"__metadata__": {"format": "pt"}}'),
        one(dtype="F16", offsets=(0, 4)),
        one(dtype=["F32"]),
        one(shape=(3,)),
        one(shape=(-2,)),
        one(shape=(-1, -2)),
        one(shape=(True, 2)),
        one(shape=(2.0,)),
        one(shape=(1,) * 8 + (2,)),
        one(shape=(2**62, 2**62)),
        one(shape=(10**4000,)),
        one(offsets=(0, 8, 8)),
        one(offsets=(8, 0)),
        one(offsets=(8, 16), data=bytes(16)),
        one(data=bytes(9)),
        one(data=bytes(7)),
        safetensors({"a": ("F32", [2], [0, 8]), "b": ("F32", [2], [0, 8])}, bytes(8)),
        safetensors({"a": ("F32", [2], [0, 8]), "b": ("F32", [2], [4, 12])}, bytes(12)),
        safetensors({"a": ("F32", [2], [0, 8]), "b": ("F32", [1], [12, 16])}, bytes(16)),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, data):
    with pytest.raises(ModelError, match=r"a\.safetensors"):
        header_of(tmp_path, data)


def test_entries_with_another_key_are_refused(tmp_path):
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], "more": 1}
    with pytest.raises(ModelError, match="usable"):
        header_of(tmp_path, safetensors(json.dumps({"a": entry}).encode(), bytes(8)))
