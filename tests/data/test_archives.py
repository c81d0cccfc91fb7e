"""Parquet, IDX and CIFAR's binary version, written small and read back."""

from __future__ import annotations

import gzip
import io
import json
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ilk.data import load, splits
from ilk.errors import DataError, UsageError


def png(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (28, 28), value).save(stream, "PNG")
    return stream.getvalue()


def table(labels: pa.Array | None, n: int = 3, paths: list[str | None] | None = None, **columns: pa.Array) -> pa.Table:
    images = pa.array([{"bytes": png(i), "path": paths[i] if paths else None} for i in range(n)])
    return pa.table({"image": images} | ({} if labels is None else {"label": labels}) | columns)


def texts(dataset) -> list[str | None]:
    return [dataset.classes[target] if target >= 0 else None for target in dataset.targets]


@pytest.mark.parametrize(
    ("labels", "expected", "classes"),
    [
        (pa.array([10, None, 9]), ["10", None, "9"], ("9", "10")),
        (pa.array([1.0, float("nan"), None]), ["1", None, None], ("1",)),
        (pa.array(["NA", "", "-1"]), ["NA", None, "-1"], ("-1", "NA")),
        (pa.array([True, False, None]), ["True", "False", None], ("False", "True")),
        (pa.array(["b", None, "a"]).dictionary_encode(), ["b", None, "a"], ("a", "b")),
        (pa.array([-1, 0, 0]), ["-1", "0", "0"], ("-1", "0")),
        (None, [None, None, None], ()),
    ],
)
def test_parquet_labels(tmp_path: Path, labels: pa.Array | None, expected: list, classes: tuple) -> None:
    pq.write_table(table(labels), tmp_path / "x.parquet")
    dataset = load(tmp_path / "x.parquet")
    assert texts(dataset) == expected
    assert dataset.classes == classes
    assert dataset.images[:, 0, 5, 5].tolist() == [0, 1, 2]
    assert dataset.names == ("x.parquet#0", "x.parquet#1", "x.parquet#2")


def test_parquet_label_that_is_no_class(tmp_path: Path) -> None:
    pq.write_table(table(pa.array([1.0, 0.5, 2.0])), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"x\.parquet#1: the label 0\.5"):
        load(tmp_path)


def test_parquet_class_names_in_the_metadata(tmp_path: Path) -> None:
    features = {"label": {"_type": "ClassLabel", "names": ["zebra", "ant", "bee"]}}
    rows = table(pa.array([0, -1, 1])).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    pq.write_table(rows, tmp_path / "x.parquet")
    dataset = load(tmp_path)
    assert texts(dataset) == ["zebra", None, "ant"]
    assert dataset.classes == ("zebra", "ant")


def test_parquet_rows_without_an_image_are_skipped_by_name(tmp_path: Path) -> None:
    images = pa.array([{"bytes": png(7), "path": "a.png"}, {"bytes": None, "path": "b.png"}, None])
    pq.write_table(pa.table({"img": images, "label": pa.array(["x", "y", "z"])}), tmp_path / "x.parquet")
    dataset = load(tmp_path)
    assert dataset.names == ("a.png",)
    assert dataset.classes == ("x",)
    assert [skip.file for skip in dataset.skipped] == ["b.png", "x.parquet#2"]


def test_parquet_plain_binary_and_columns_of_other_names(tmp_path: Path) -> None:
    rows = pa.table({"fine_label": pa.array([3, 4]), "scan": pa.array([png(1), b"no image"])})
    pq.write_table(rows, tmp_path / "x.parquet")
    dataset = load(tmp_path)
    assert texts(dataset) == ["3"]
    assert dataset.skipped[0].file == "x.parquet#1"


def test_parquet_row_names_are_paths_where_those_are_unique_in_the_source(tmp_path: Path) -> None:
    pq.write_table(table(None, paths=["a.png", "b.png", None]), tmp_path / "train-0.parquet")
    pq.write_table(table(None, n=1, paths=["b.png"]), tmp_path / "test-0.parquet")
    assert load(tmp_path, split="train").names == ("a.png", "train-0.parquet#1", "train-0.parquet#2")
    assert load(tmp_path, split="test").names == ("test-0.parquet#0",)


def test_parquet_splits_and_files(tmp_path: Path) -> None:
    for name in ("train-00000-of-00002", "train-00001-of-00002", "validation", "test"):
        pq.write_table(table(pa.array([0, 1, 2])), tmp_path / f"{name}.parquet")
    assert splits(tmp_path) == ("train", "val", "test")
    assert len(load(tmp_path, split="train")) == 6
    assert len(load(tmp_path)) == 12
    assert splits(tmp_path, files="t*") == ()
    assert len(load(tmp_path, files="t*", split="train")) == 9
    pq.write_table(table(None), tmp_path / "extra.parquet")
    with pytest.raises(DataError, match=r"extra\.parquet.*`files`"):
        load(tmp_path)
    assert len(load(tmp_path, files="extra.parquet")) == 3
    with pytest.raises(DataError, match="matches no"):
        load(tmp_path, files="none*")
    with pytest.raises(UsageError, match="`files`"):
        load(tmp_path / "test.parquet", files="*")


def test_a_lone_parquet_file_is_the_whole_source(tmp_path: Path) -> None:
    pq.write_table(table(None), tmp_path / "test.parquet")
    for split in (None, "all", "train", "test"):
        assert len(load(tmp_path, split=split)) == 3
    with pytest.raises(DataError, match="no val split"):
        load(tmp_path, split="val")


def test_parquet_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(DataError, match=r"x\.parquet cannot be read as Parquet"):
        load(tmp_path)
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"no column of images\. Its columns: text"):
        load(tmp_path)


def test_several_forms_in_one_folder_are_refused(tmp_path: Path) -> None:
    pq.write_table(table(None), tmp_path / "x.parquet")
    (tmp_path / "a.png").write_bytes(png(1))
    with pytest.raises(DataError, match="Parquet and image"):
        load(tmp_path)
    assert len(load(tmp_path, files="*.parquet")) == 3


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


IMAGES = np.arange(12 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(12, 28, 28)
DIGITS = np.arange(12, dtype=np.uint8)


@pytest.mark.parametrize("dot", ["-", "."])
def test_idx(tmp_path: Path, dot: str) -> None:
    (tmp_path / f"train-images{dot}idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES)))
    (tmp_path / f"train-labels{dot}idx1-ubyte").write_bytes(idx(DIGITS))
    (tmp_path / f"t10k-images{dot}idx3-ubyte").write_bytes(idx(IMAGES[:2]))
    assert splits(tmp_path) == ("train", "test")
    train = load(tmp_path, split="train")
    assert np.array_equal(train.images[:, 0], IMAGES)
    assert train.images.flags.writeable
    assert train.classes == tuple(map(str, range(12)))
    assert train.targets.tolist() == list(range(12))
    assert train.names[11] == f"train-images{dot}idx3-ubyte.gz#11"
    test = load(tmp_path, split="test")
    assert texts(test) == [None, None]
    everything = load(tmp_path)
    assert np.array_equal(everything.images, np.concatenate([train.images, test.images]))
    assert load(tmp_path / f"t10k-images{dot}idx3-ubyte").targets.tolist() == [-1, -1]


def test_idx_is_resized_as_single_images_are(tmp_path: Path) -> None:
    (tmp_path / "images-idx3-ubyte").write_bytes(idx(IMAGES))
    dataset = load(tmp_path, size=10, channels=3)
    expected = [np.asarray(Image.fromarray(image).resize((10, 10), Image.Resampling.BILINEAR)) for image in IMAGES]
    assert dataset.images.shape == (12, 3, 10, 10)
    assert all(np.array_equal(dataset.images[:, channel], expected) for channel in range(3))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (idx(IMAGES)[:-1], "cut short"),
        (idx(IMAGES)[:7], "cut short"),
        (idx(IMAGES) + b"x", "longer"),
        (idx(DIGITS) + bytes(20), "begins with 0x00000801"),
        (struct.pack(">4I", 0x0803, 2**31, 28, 28), "cut short"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_idx_that_is_not_whole(tmp_path: Path, data: bytes, message: str, packed: bool) -> None:
    name = "train-images-idx3-ubyte" + ".gz" * packed
    (tmp_path / name).write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(DataError, match=f"{name}.*{message}"):
        load(tmp_path)


def test_idx_with_damaged_packing_or_missing_labels(tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(IMAGES))[:-9])
    with pytest.raises(DataError, match="cannot be unpacked"):
        load(tmp_path)
    path.write_bytes(gzip.compress(idx(IMAGES)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(DIGITS[:11]))
    with pytest.raises(DataError, match=r"11 labels.*12 images"):
        load(tmp_path)


def test_cifar10_binary(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name, part in (("data_batch_1", (0, 1)), ("data_batch_2", (2, 3)), ("test_batch", (4, 5))):
        (folder / f"{name}.bin").write_bytes(b"".join(bytes([i % 2]) + images[i].tobytes() for i in part))
    (folder / "batches.meta.txt").write_text("plane\ncar\n\n")
    train = load(tmp_path, split="train")
    assert np.array_equal(train.images, images[:4])
    assert train.classes == ("plane", "car")
    assert train.targets.tolist() == [0, 1, 0, 1]
    assert train.names[2] == "cifar-10-batches-bin/data_batch_2.bin#0"
    assert not train.gray.any()
    assert np.array_equal(load(folder, split="test").images, images[4:])
    (folder / "test_batch.bin").write_bytes(bytes(3072))
    with pytest.raises(DataError, match=r"test_batch\.bin has 3,072 bytes"):
        load(tmp_path)


def test_cifar100_binary_takes_the_fine_label(tmp_path: Path) -> None:
    (tmp_path / "train.bin").write_bytes(bytes([9, 12]) + bytes(3072) + bytes([9, 2]) + bytes(3072))
    (tmp_path / "test.bin").write_bytes(bytes([9, 99]) + bytes(3072))
    assert texts(load(tmp_path, split="train")) == ["12", "2"]
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"name{i}" for i in range(13)))
    assert load(tmp_path, split="train").classes == ("name2", "name12")
    with pytest.raises(DataError, match="label 99"):
        load(tmp_path, split="test")
