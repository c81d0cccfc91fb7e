from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from ilk.errors import ModelError, ResourceError, UsageError
from ilk.storage import files
from ilk.storage.bundle import FIELDS, Bundle, load_bundle, save_bundle
from ilk.storage.checksums import write_checksums

FILES = ("checksums.json", "model.json", "references.safetensors", "weights.safetensors")


def small_bundle(**description):
    return Bundle(
        weights={"0.weight": torch.arange(6.0).reshape(2, 3), "steps": torch.tensor(4)},
        embeddings=np.array([[0.5, 1.5], [2.0, -3.0], [1000.25, 0.0]], dtype=np.float32),
        targets=np.array([0, 1, 0]),
        description={
            "network": "neighbor-mnist",
            "channels": 1,
            "size": [28, 28],
            "classes": ["cat", "猫"],
            "reference_names": ["a.png", "b.png", "c.png"],
            "distance": "squared",
            "temperature": 1.0,
            "k": 1,
            "unlike_beyond": 2.5,
            "sure_from": 0.9,
            **description,
        },
    )


@pytest.fixture
def folder(tmp_path):
    save_bundle(tmp_path / "model", small_bundle())
    return tmp_path / "model"


def test_comes_back_bit_for_bit(folder):
    bundle, back = small_bundle(), load_bundle(folder)
    assert all(torch.equal(back.weights[name], tensor) for name, tensor in bundle.weights.items())
    np.testing.assert_array_equal(back.embeddings, bundle.embeddings)
    np.testing.assert_array_equal(back.targets, bundle.targets)
    assert back.description == {**bundle.description, "format": 1}
    assert tuple(sorted(os.listdir(folder))) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_anywhere_is_refused(folder, name):
    data = (folder / name).read_bytes()
    for place in range(len(data)):
        # The cruelest flip: a tab for a space, else the other case of a hexadecimal digit.
        mask = 0x29 if data[place] == ord(" ") else 0x20
        (folder / name).write_bytes(data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :])
        with pytest.raises(ModelError, match=str(folder)):
            load_bundle(folder)
    (folder / name).write_bytes(data)
    load_bundle(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_cut_longer_or_missing_file_is_named(folder, name):
    data = (folder / name).read_bytes()
    for damaged in (b"", data[:-1], data + b"\n"):
        (folder / name).write_bytes(damaged)
        with pytest.raises(ModelError, match=name):
            load_bundle(folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing"):
        load_bundle(folder)


def test_a_folder_of_something_else_is_no_damaged_model(tmp_path):
    (tmp_path / "cat.png").touch()
    with pytest.raises(ModelError, match="holds no saved model"):
        load_bundle(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match="no such folder"):
        load_bundle(tmp_path / "none")


def test_other_files_are_not_looked_at(folder):
    (folder / "model.pkl").write_bytes(b"\x80\x04evil")
    load_bundle(folder)


def rewrite(folder, **description):
    """Change the description and make its checksum right again."""
    changed = {**json.loads((folder / "model.json").read_text()), **description}
    (folder / "model.json").write_text(json.dumps(changed))
    reseal(folder)


def reseal(folder):
    write_checksums(folder, {name: (folder / name).read_bytes() for name in FILES[1:]})


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ({"format": 2}, "format 2"),
        ({"format": None}, "format None"),
        *[({name: None}, name) for name in FIELDS],
        ({"k": 0}, "above 0"),
        ({"k": True}, "'k'"),
        ({"temperature": -1.0}, "above 0"),
        ({"classes": ["a", 2]}, "text"),
        ({"classes": ["a", "a"]}, "twice"),
        ({"classes": ["a"]}, "targets"),
        ({"classes": ["a", "b", "c"]}, "targets"),
        ({"reference_names": ["a"]}, "names"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(folder, description, reason):
    rewrite(folder, **description)
    with pytest.raises(ModelError, match=reason):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["weights.safetensors", "references.safetensors"])
@pytest.mark.parametrize("data", [b"", b"\x80\x04.", b"\xff" * 40, b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_foreign_bytes_under_a_right_checksum_are_refused(folder, name, data):
    (folder / name).write_bytes(data)
    reseal(folder)
    with pytest.raises(ModelError, match=str(folder)):
        load_bundle(folder)


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"embeddings": np.zeros((3, 2), dtype=np.float32)},
        {"embeddings": np.zeros((3, 2), dtype=np.float32), "targets": np.array([0, 1])},
        {"embeddings": np.zeros((3, 2), dtype=np.float32), "targets": np.array([0.0, 1.0, 0.0])},
        {"embeddings": np.zeros(3, dtype=np.float32), "targets": np.array([0, 1, 0])},
        {"embeddings": np.full((3, 2), np.nan, dtype=np.float32), "targets": np.array([0, 1, 0])},
    ],
)
def test_labeled_embeddings_that_do_not_fit_are_refused(folder, arrays):
    (folder / "references.safetensors").write_bytes(save(arrays))
    reseal(folder)
    with pytest.raises(ModelError, match=str(folder)):
        load_bundle(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": {}},
        {"weights": {"w": torch.tensor([np.nan])}},
        {"embeddings": np.full((3, 2), np.inf, dtype=np.float32)},
        {"embeddings": np.zeros((3, 0), dtype=np.float32)},
        {"embeddings": np.zeros((3, 2))},
        {"targets": np.array([0, -1, 1])},
        {"targets": np.array([0, 2, 1])},
    ],
)
def test_refuses_to_save_what_could_not_be_loaded(tmp_path, changes):
    with pytest.raises(UsageError, match="cannot be saved"):
        save_bundle(tmp_path / "model", replace(small_bundle(), **changes))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("crash_at", range(1, 17))
def test_a_crash_at_any_write_leaves_the_earlier_model(folder, monkeypatch, crash_at):
    calls = 0

    def counted(real):
        def call(*args):
            nonlocal calls
            calls += 1
            if calls == crash_at:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args)

        return call

    with monkeypatch.context() as patch:
        for name in ("fsync", "replace"):
            patch.setattr(files.os, name, counted(getattr(os, name)))
        patch.setattr(Path, "rename", counted(Path.rename))
        with pytest.raises(ResourceError):
            save_bundle(folder, small_bundle(k=3))
    assert folder.is_dir()
    assert load_bundle(folder).description["k"] in (1, 3)
    save_bundle(folder, small_bundle(k=5))
    assert load_bundle(folder).description["k"] == 5
    assert os.listdir(folder.parent) == ["model"]


def test_a_power_cut_between_the_renames_loses_nothing(folder):
    folder.rename(folder.with_name(".model.previous"))
    assert load_bundle(folder).description["k"] == 1
    save_bundle(folder, small_bundle(k=3))
    assert load_bundle(folder).description["k"] == 3
    assert os.listdir(folder.parent) == ["model"]


def test_checksums_are_verified_without_torch(folder):
    code = (
        "import sys; from pathlib import Path; from ilk.storage.checksums import read_verified; "
        f"read_verified(Path({str(folder)!r}), {FILES[1:]!r}); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
