from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ilk.errors import DataError, ShapeError
from ilk.storage.tables import (
    read_embeddings,
    read_manifest,
    refuse_foreign_table,
    write_embedding_parts,
    write_embeddings,
    write_manifest,
    write_skipped,
)


def test_manifest_and_skipped(tmp_path):
    write_manifest(tmp_path / "m.csv", [("a.png", "cat", "ff"), ("b.png", None, "00")])
    assert (tmp_path / "m.csv").read_text() == "filename,label,fingerprint\na.png,cat,ff\nb.png,,00\n"
    assert read_manifest(tmp_path / "m.csv") == [("a.png", "cat", "ff"), ("b.png", None, "00")]
    write_skipped(tmp_path / "s.csv", [])
    assert (tmp_path / "s.csv").read_text() == "file,reason\n"


@pytest.mark.parametrize("text", ["something,else\n1,2\n", "filename,label,fingerprint\na.png\n", None])
def test_what_is_no_manifest_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "m.csv").write_text(text)
    with pytest.raises(DataError, match=r"m\.csv is missing or damaged"):
        read_manifest(tmp_path / "m.csv")


def test_embeddings_come_back(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    write_embeddings(tmp_path / "e.parquet", ["a", "猫", "c"], vectors, labels=["x", None, "NA"], split="test")
    back = read_embeddings(tmp_path / "e.parquet")
    assert back.names == ("a", "猫", "c")
    assert back.labels == ("x", None, "NA")
    np.testing.assert_array_equal(back.vectors, vectors)


def test_embeddings_have_their_columns(tmp_path):
    write_embeddings(tmp_path / "e.parquet", ["a"], np.ones((1, 4)), split="val")
    table = pq.read_table(tmp_path / "e.parquet")
    assert table.column_names == ["filename", "embedding", "label", "split"]
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), 4)
    write_embeddings(tmp_path / "e.parquet", ["a"], np.ones((1, 4)))
    assert pq.read_table(tmp_path / "e.parquet").column_names == ["filename", "embedding", "label"]


def test_no_images_are_an_empty_table(tmp_path):
    write_embeddings(tmp_path / "e.parquet", [], np.empty((0, 4), dtype=np.float32))
    assert read_embeddings(tmp_path / "e.parquet").vectors.shape == (0, 4)


def test_a_name_that_is_not_utf8_can_be_written(tmp_path):
    write_embeddings(tmp_path / "e.parquet", [os.fsdecode(b"\xff.png")], np.ones((1, 2)))
    assert read_embeddings(tmp_path / "e.parquet").names == ("\\udcff.png",)


@pytest.mark.parametrize(
    ("vectors", "labels"),
    [(np.ones((1, 2)), None), (np.ones(2), None), (np.ones((2, 0)), None), (np.ones((2, 2)), ["x"])],
)
def test_refuses_arrays_that_do_not_match(tmp_path, vectors, labels):
    with pytest.raises(ShapeError):
        write_embeddings(tmp_path / "e.parquet", ["a", "b"], vectors, labels=labels)
    assert os.listdir(tmp_path) == []


def test_refuses_a_table_of_something_else(tmp_path):
    path = tmp_path / "e.parquet"
    with pytest.raises(DataError, match=r"e\.parquet"):
        read_embeddings(path)
    path.write_bytes(b"PAR1 not")
    with pytest.raises(DataError, match=r"e\.parquet"):
        read_embeddings(path)
    for column in ({"x": [1]}, {"filename": ["a"], "embedding": [1.0], "label": ["x"]}):
        pq.write_table(pa.table(column), path)
        with pytest.raises(DataError, match=r"e\.parquet"):
            read_embeddings(path)


def test_a_table_in_parts_is_the_same_table(tmp_path):
    names, vectors = [f"{i}.png" for i in range(7)], np.random.default_rng(0).random((7, 3)).astype(np.float32)
    labels = ["x", None, "y", None, None, "x", "z"]
    write_embeddings(tmp_path / "whole.parquet", names, vectors, labels=labels)
    parts = (vectors[i : i + 3] for i in range(0, 7, 3))
    assert write_embedding_parts(tmp_path / "parts.parquet", names, parts, labels=labels) == 3
    whole, again = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("whole", "parts"))
    assert again.equals(whole)
    refuse_foreign_table(tmp_path / "parts.parquet", ".parquet")  # known as our own


@pytest.mark.parametrize("shapes", [[(2, 3)], [(2, 3), (2, 3)], [(2, 3), (1, 4)], [(3, 0)], []])
def test_parts_that_do_not_match_leave_no_table(tmp_path, shapes):
    with pytest.raises(ShapeError):
        write_embedding_parts(tmp_path / "e.parquet", ["a", "b", "c"], (np.ones(shape) for shape in shapes))
    assert os.listdir(tmp_path) == []
