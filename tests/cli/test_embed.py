"""`ilk embed`: the points of the run, as a table that others can read."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tests.cli.pictures import rows
from tests.finished_runs import Finished, Ilk


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


def test_any_layer_can_be_written(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    run = shutil.copytree(finished.run, tmp_path / "run")
    (event,) = ilk("embed", run, finished.data / "test", "--layer", "features.3", "--json").events
    assert event["embeddings"] == str(run / "embeddings-test-features.3.parquet")
    assert (event["layer"], event["dimensions"]) == ("features.3", 16)
    assert ilk("embed", run, finished.data / "test", "--layer", "features.3", "--flat", "--out", "f.parquet").code == 0
    mean, flat = (np.array(pq.read_table(path)["embedding"].to_pylist()) for path in (event["embeddings"], "f.parquet"))
    places = flat.shape[1] // 16
    np.testing.assert_allclose(flat.reshape(24, 16, places).mean(2), mean, rtol=1e-4, atol=1e-6)

    assert ilk("embed", run, finished.data / "test", "--layer", "embedding", "--out", "e.parquet").code == 0
    assert ilk("embed", run, finished.data / "test", "--out", "p.parquet").code == 0
    last, points = (pq.read_table(path) for path in ("e.parquet", "p.parquet"))
    assert last["embedding"].to_pylist() == points["embedding"].to_pylist()
    assert last["label"].to_pylist() == points["label"].to_pylist()


def test_a_layer_that_is_not_there_is_refused_with_the_nearest(ilk: Ilk, finished: Finished) -> None:
    said = ilk("embed", finished.run, finished.data, "--layer", "feature.3", "--out", "e.parquet")
    assert said.code == 2
    assert "Did you mean features.3" in said.error
    said = ilk("embed", finished.run, finished.data, "--flat", "--out", "e.parquet")
    assert said.code == 2
    assert "--layer" in said.error
    assert not Path("e.parquet").exists()
