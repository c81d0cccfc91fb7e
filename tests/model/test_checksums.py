"""The list of a model's files: what it verifies, and what no list may say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ilk.errors import ModelError
from ilk.model.checksums import CHECKSUMS, CHUNK, Member, begins_like_ours, read_checksums, sha256, write_checksums

DATA = bytes(range(256)) * (CHUNK // 256) + b"more"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a_b.jsonl").write_bytes(DATA)
    (tmp_path / "weights.safetensors").write_bytes(b"")
    write_checksums(tmp_path, {"a_b.jsonl": DATA, "weights.safetensors": b""})
    return tmp_path


def test_files_are_read_and_verified(folder: Path) -> None:
    members = read_checksums(folder)
    assert members.keys() == {"a_b.jsonl", "weights.safetensors"}
    assert members["a_b.jsonl"].read() == DATA
    assert list(members["a_b.jsonl"].pieces()) == [DATA[:CHUNK], b"more"]
    assert members["a_b.jsonl"].begin(5) == DATA[:5]
    for member in members.values():
        member.verify()


def test_damage_is_found_however_it_is_read(folder: Path) -> None:
    member = read_checksums(folder)["a_b.jsonl"]
    member.path.write_bytes(DATA[:-1] + b"x")
    for read in (member.read, member.verify, lambda: list(member.pieces())):
        with pytest.raises(ModelError, match="SHA-256 is not the recorded one"):
            read()


@pytest.mark.parametrize("name", ["../a.json", "a/b.json", "A.json", "a.pkl", "a.json.", ".json", CHECKSUMS, "a1.json"])
def test_a_list_names_files_of_models_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.json").touch()
    write_checksums(tmp_path, {name: b""})
    with pytest.raises(ModelError, match="no model of Ilk's has"):
        read_checksums(tmp_path)


@pytest.mark.parametrize(
    "record",
    [3, {}, {"bytes": 1}, {"bytes": -1, "sha256": ""}, {"bytes": True, "sha256": ""}, {"bytes": 0, "sha256": 1}],
)
def test_a_list_gives_size_and_checksum(folder: Path, record: object) -> None:
    text = json.dumps({"files": {"weights.safetensors": record}}, indent=2, ensure_ascii=False) + "\n"
    (folder / CHECKSUMS).write_text(text)
    with pytest.raises(ModelError, match=r"no (usable )?size"):
        read_checksums(folder)


def test_our_lists_begin_alike(folder: Path, tmp_path: Path) -> None:
    assert begins_like_ours(folder)
    (folder / CHECKSUMS).write_text('{"files": {}}')
    assert not begins_like_ours(folder)
    assert not begins_like_ours(tmp_path / "none")


def test_a_file_that_cannot_be_read_is_named(folder: Path) -> None:
    member = Member(folder / "none.json", 0, sha256(b""))
    for read in (member.read, member.verify):
        with pytest.raises(ModelError, match=r"none\.json cannot be read"):
            read()
    assert os.listdir(folder)
