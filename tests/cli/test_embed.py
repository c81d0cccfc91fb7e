"""`ilk embed`: the points of the run, as a table that others can read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq

from tests.cli.conftest import Finished, Ilk
from tests.cli.pictures import rows


def test_the_points_are_those_of_the_run(ilk: Ilk, finished: Finished) -> None:
    said = ilk("embed", finished.run, finished.data, "--split", "train", "--out", "e.parquet")
    assert said.code == 0
    assert said.out.splitlines()[-1] == "e.parquet"
    again, first = pq.read_table("e.parquet"), pq.read_table(finished.run / "embeddings.parquet")
    assert again.column_names == ["filename", "embedding", "label"]
    assert again["filename"].to_pylist() == first["filename"].to_pylist()
    assert again["label"].to_pylist() == first["label"].to_pylist()
    assert again["embedding"].to_pylist() == first["embedding"].to_pylist()
    labels = {row["filename"]: row["label"] or None for row in rows(finished.run / "manifest.csv")}
    assert dict(zip(first["filename"].to_pylist(), first["label"].to_pylist(), strict=True)) == labels


def test_another_image_has_another_point(ilk: Ilk, finished: Finished) -> None:
    points = pq.read_table(finished.run / "embeddings.parquet")["embedding"].to_pylist()
    assert len({tuple(point) for point in points}) == len(points) == 36


def test_without_out_the_table_lies_in_the_run(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    run = shutil.copytree(finished.run, tmp_path / "run")
    (event,) = ilk("embed", run, finished.data / "test", "--json").events
    assert event == {
        "event": "embedded",
        "embeddings": str(run / "embeddings-test.parquet"),
        "images": 24,
        "dimensions": 128,
    }
    assert pq.read_metadata(run / "embeddings-test.parquet").num_rows == 24


def test_its_own_earlier_table_is_replaced(ilk: Ilk, finished: Finished) -> None:
    for split, count in (("test", 24), ("train", 36)):
        assert ilk("embed", finished.run, finished.data, "--split", split, "--out", "e.parquet").code == 0
        assert pq.read_metadata("e.parquet").num_rows == count
