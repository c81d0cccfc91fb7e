from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save
from safetensors.torch import save as save_tensors

from ilk.errors import ModelError, ResourceError, UsageError
from ilk.model.bundle import is_bundle, load_bundle, save_bundle
from ilk.model.layout import FIELDS, ONNX
from ilk.storage import files
from tests.model.whole_model import FILES, cpu_weights, reseal, rewrite, small_bundle

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    save_bundle(tmp_path / "model", small_bundle())
    return tmp_path / "model"


def test_comes_back_bit_for_bit(folder):
    bundle, back = small_bundle(), load_bundle(folder)
    assert all(torch.equal(back.weights[name], tensor) for name, tensor in bundle.weights.items())
    np.testing.assert_array_equal(back.embeddings, bundle.embeddings)
    np.testing.assert_array_equal(back.targets, bundle.targets)
    assert back.description == {**bundle.description, "format": 3}
    assert back.reference_names == bundle.reference_names
    assert back.positions is None
    assert tuple(sorted(os.listdir(folder))) == FILES


@pytest.mark.parametrize(
    "names",
    [
        [f"{number}.png" for number in range(1_000_100)],
        [f"a,b, c,,d/{number},.png" for number in range(170_000)],
        ["", "猫.png", 'a"b\\', "line\nbreak", "\u2028", "not UTF-8: \udcff.png", "\U0001f408"],
    ],
    ids=["a million", "with commas", "odd"],
)
def test_any_names_of_labeled_images_come_back(tmp_path, names):
    bundle = small_bundle()
    rows = np.arange(len(names))
    many = replace(
        bundle,
        embeddings=np.resize(bundle.embeddings, (len(names), 2)),
        targets=rows % 2,
        positions=rows[::-1].copy(),
        reference_names=tuple(names),
    )
    save_bundle(tmp_path / "model", many)
    back = load_bundle(tmp_path / "model")
    assert back.reference_names == many.reference_names
    np.testing.assert_array_equal(back.positions, many.positions)


def test_very_many_classes_come_back_with_commas_in_their_names(tmp_path):
    classes = [f"a,b,c,d,e,f,g,h,i,j,k,{number}" for number in range(100_000)]
    bundle = small_bundle(classes=classes)
    many = replace(
        bundle,
        embeddings=np.resize(bundle.embeddings, (len(classes), 2)),
        targets=np.arange(len(classes)),
        reference_names=tuple(map(str, range(len(classes)))),
    )
    save_bundle(tmp_path / "model", many)
    assert load_bundle(tmp_path / "model").description["classes"] == classes


def test_a_model_of_an_earlier_format_is_replaced(folder):
    (folder / "self_test.safetensors").rename(folder / "golden.safetensors")
    (folder / "reference_names.jsonl").unlink()
    rewrite(folder, format=2)
    with pytest.raises(ModelError, match="earlier Ilk wrote it: fit it again"):
        load_bundle(folder)
    save_bundle(folder, small_bundle())
    assert tuple(sorted(os.listdir(folder))) == FILES


@pytest.mark.parametrize("name", ["checksums.json", "model.json", "reference_names.jsonl"])
def test_a_flipped_byte_anywhere_in_its_texts_is_refused(folder, name):
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


def test_the_folder_may_be_the_one_at_hand(folder, monkeypatch):
    monkeypatch.chdir(folder)
    load_bundle(Path())


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match="no such folder"):
        load_bundle(tmp_path / "none")


@pytest.mark.parametrize("name", ["model.pkl", "embedding.onnx", "a", ".hidden", "猫"])
def test_a_file_that_is_not_listed_is_refused(folder, name):
    (folder / name).write_bytes(b"\x80\x04evil")
    with pytest.raises(ModelError, match=f"{name} is no part of this model"):
        load_bundle(folder)


@pytest.mark.parametrize("name", [".DS_Store", "._weights.safetensors", "Thumbs.db", "desktop.ini"])
def test_what_a_file_manager_leaves_is_not_looked_at(folder, name):
    (folder / name).write_bytes(b"\x80\x04evil")
    load_bundle(folder)


def test_an_onnx_file_is_kept_and_verified(tmp_path):
    save_bundle(tmp_path / "model", small_bundle(), onnx=b"not looked into")
    load_bundle(tmp_path / "model")
    (tmp_path / "model" / ONNX).write_bytes(b"not looked intp")
    with pytest.raises(ModelError, match=rf"{ONNX} is damaged"):
        load_bundle(tmp_path / "model")


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ({"format": 2}, "format 2.*earlier Ilk.*fit it again"),
        ({"format": 4}, "format 4.*Update Ilk"),
        ({"format": 3.0}, "format 3.0"),
        ({"format": None}, "format None"),
        ({"height": 10**400}, "height"),
        ({"temperature": 1e39}, "temperature"),
        ({"network": "neighbor-none"}, "neighbor-none"),
        ({"network": "neighbor-cifar"}, "weights"),
        ({"options": {"strided": True}}, "weights"),
        ({"options": {"strided": 1}}, "no option strided=1.*strided .bool."),
        ({"options": {"channels": 1}}, "no option channels"),
        ({"options": {"seed": 1}}, "no option seed"),
        ({"options": ["strided"]}, "'options'"),
        ({"channels": 3}, "images"),
        ({"channels": 10**30}, "images"),
        ({"width": 9}, "images"),
        *[({name: None}, name) for name in FIELDS],
        ({"k": 0}, "above 0"),
        ({"k": True}, "'k'"),
        ({"temperature": -1.0}, "above 0"),
        ({"classes": ["a", 2]}, "text"),
        ({"classes": ["a", "a"]}, "twice"),
        ({"classes": ["a"]}, "targets"),
        ({"classes": ["a", "b", "c"]}, "targets"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(folder, description, reason):
    rewrite(folder, **description)
    with pytest.raises(ModelError, match=reason):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["weights.safetensors", "references.safetensors", "self_test.safetensors"])
@pytest.mark.parametrize("data", [b"", b"\x80\x04.", b"\xff" * 40, b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_foreign_bytes_under_a_right_checksum_are_refused(folder, name, data):
    (folder / name).write_bytes(data)
    reseal(folder)
    with pytest.raises(ModelError, match=name):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (cpu_weights(embedding__bias=torch.tensor([0.0, np.nan])), "'embedding.bias' are not finite"),
        (cpu_weights(embedding__bias=torch.zeros(3)), r"'embedding.bias' must be F32 of shape \(2,\)"),
        (cpu_weights(embedding__bias=torch.zeros(2, dtype=torch.int64)), "but is I64"),
        (cpu_weights(embedding__bias=torch.zeros(2, dtype=torch.float64)), "but is F64"),
        (cpu_weights(embedding__bias=torch.zeros(2, dtype=torch.float16)), "usable type"),
        (cpu_weights(more=torch.zeros(2)), "'more', which is no part"),
        ({k: v for k, v in cpu_weights().items() if k != "embedding.bias"}, "but is not there"),
    ],
)
def test_weights_that_are_not_the_networks_are_refused(folder, weights, reason):
    (folder / "weights.safetensors").write_bytes(save_tensors(weights))
    reseal(folder)
    with pytest.raises(ModelError, match=reason):
        load_bundle(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"embeddings": np.full((5, 2), np.inf, dtype=np.float32)},
        {"confidence": np.full(5, np.nan)},
        {"confidence": np.full(5, 1.5)},
        {"labels": np.full(5, 2)},
        {"nearest": np.full(5, 3)},
        {"nearest": np.full(5, -1)},
        {"images": np.zeros((4, 1, 8, 8), dtype=np.uint8)},
    ],
)
def test_a_self_test_that_cannot_be_is_refused(folder, change):
    (folder / "self_test.safetensors").write_bytes(save(small_bundle().self_test.arrays() | change))
    reseal(folder)
    with pytest.raises(ModelError, match=r"self.test"):
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
        small_bundle().references() | {"positions": np.array([0, 1])},
        small_bundle().references() | {"positions": np.array([0.0, 1.0, 2.0])},
        small_bundle().references() | {"positions": np.array([0, -1, 2])},
        small_bundle().references() | {"more": np.array([0, 1, 2])},
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
        {"positions": np.array([0, -1, 2])},
        {"reference_names": ("a", "b")},
        {"reference_names": ("a", "b", "c" * 3 * 2**13)},
        {"description": small_bundle().description | {"more": [0] * 1_000_000}},
        {"description": small_bundle().description | {"more": "x" * 2**24}},
    ],
)
def test_refuses_to_save_what_could_not_be_loaded(tmp_path, changes):
    with pytest.raises(UsageError, match="cannot be saved"):
        save_bundle(tmp_path / "model", replace(small_bundle(), **changes))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("crash_at", range(1, 20))
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


@pytest.mark.parametrize("place", ["model", ".model.partial", ".model.previous"])
def test_what_is_no_model_is_never_replaced(tmp_path, place):
    (tmp_path / place).mkdir()
    (tmp_path / place / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="left alone"):
        save_bundle(tmp_path / "model", small_bundle())
    assert (tmp_path / place / "thesis.txt").read_text() == "years of work"
    assert os.listdir(tmp_path) == [place]


def test_is_bundle_goes_by_the_names(folder, tmp_path):
    assert is_bundle(folder)
    (folder / "weights.safetensors").unlink()
    assert is_bundle(folder)  # damaged, but ours
    (folder / "checksums.json").write_text('{"name": "of another program"}')
    assert (is_bundle(folder), is_bundle(folder, whole=False)) == (False, True)
    (folder / "checksums.json").unlink()
    assert (is_bundle(folder), is_bundle(folder, whole=False)) == (False, True)
    (folder / "cat.png").touch()
    assert not is_bundle(folder, whole=False)
    (tmp_path / "link").symlink_to(folder)
    assert not is_bundle(tmp_path / "link", whole=False)
    assert not is_bundle(tmp_path / "none")


def test_files_are_verified_without_torch(folder):
    code = (
        "import sys; from pathlib import Path; from ilk.model.layout import read_members; "
        f"[m.verify() for m in read_members(Path({str(folder)!r})).files.values()]; print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "False\n"
