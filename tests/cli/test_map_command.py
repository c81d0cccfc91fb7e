"""`ilk map`: its three files agree with the run's tables, and nothing that is not Ilk's is touched."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.pictures import draw, rows, snapshot, write_folders
from tests.finished_runs import Finished, Ilk


@pytest.fixture
def run(finished: Finished, tmp_path: Path) -> Path:
    return shutil.copytree(finished.run, tmp_path / "run")


def test_the_three_files_hold_the_run(ilk: Ilk, finished: Finished, run: Path) -> None:
    before = snapshot(finished.data)
    (event,) = ilk("map", run, "--json").events
    assert snapshot(finished.data) == before
    assert event["event"] == "mapped"
    assert (event["images"], event["labeled"], event["added"]) == (36, 12, 0)
    assert event["method"] == "tsne"
    assert event["thumbnails"]
    assert 0 < event["preserved"] <= 1
    page = (run / "map.html").read_text("utf-8")
    assert 'id="sheet-0"' in page
    assert "t-SNE" in page
    with Image.open(io.BytesIO((run / "plots" / "map.png").read_bytes())) as picture:
        assert picture.width == 1800
    table = rows(run / "map.csv")
    manifest = {row["filename"]: row["label"] for row in rows(run / "manifest.csv")}
    predicted = {row["filename"]: row for row in rows(run / "predictions.csv")}
    assert [row["filename"] for row in table] == list(manifest)
    for row in table:
        name = row["filename"]
        assert row["label"] == (manifest[name] or predicted[name]["label"])
        assert row["status"] == ("labeled" if manifest[name] else predicted[name]["status"])
        assert np.isfinite([float(row["x"]), float(row["y"])]).all()
        assert row["added"] == "0"


def test_the_same_seed_gives_the_same_files(ilk: Ilk, run: Path) -> None:
    assert ilk("map", run).code == 0
    first = {name: (run / name).read_bytes() for name in ("map.html", "map.csv", "plots/map.png")}
    said = ilk("map", run)
    assert said.code == 0
    assert "Replaced the earlier" in said.out
    assert {name: (run / name).read_bytes() for name in first} == first


def test_added_images_move_nothing(ilk: Ilk, finished: Finished, run: Path) -> None:
    assert ilk("map", run).code == 0
    alone = rows(run / "map.csv")
    (event,) = ilk("map", run, "--add", finished.data / "test", "--json").events
    assert (event["images"], event["added"]) == (60, 24)
    together = rows(run / "map.csv")
    assert together[:36] == alone
    assert [row["added"] for row in together[36:]] == ["1"] * 24
    spots = np.array([[float(row["x"]), float(row["y"])] for row in together])
    truth = np.array([row["label"] for row in together])
    apart = ((spots[36:, None] - spots[None, :36]) ** 2).sum(axis=2)
    assert (truth[:36][apart.argmin(axis=1)] == truth[36:]).mean() > 0.6


def test_without_its_data_the_map_has_no_thumbnails_and_says_why(ilk: Ilk, run: Path, pets: Path) -> None:
    import json

    config = json.loads((run / "config.json").read_text())
    config["request"]["data"] = str(pets)
    (run / "config.json").write_text(json.dumps(config))
    said = ilk("map", run)
    assert said.code == 0
    assert said.err.count("warning: ") == 1
    assert "no thumbnails" in said.err
    assert "24 now, 36 then" in said.err
    assert 'id="sheet-' not in (run / "map.html").read_text("utf-8")
    config["request"]["data"] = str(pets / "gone")
    (run / "config.json").write_text(json.dumps(config))
    said = ilk("map", run)
    assert said.code == 0
    assert "no thumbnails" in said.err


def test_a_sample_keeps_every_label(ilk: Ilk, run: Path) -> None:
    (event,) = ilk("map", run, "--sample", 5, "--method", "pca", "--json").events
    assert (event["images"], event["labeled"], event["method"]) == (17, 12, "pca")
    assert len(rows(run / "map.csv")) == 17


def test_a_foreign_file_is_left_alone(ilk: Ilk, run: Path, tmp_path: Path) -> None:
    page = tmp_path / "mine.html"
    page.write_text("<title>mine</title>")
    said = ilk("map", run, "--out", page)
    assert said.code == 2
    assert f"{page} is there and was not written by Ilk" in said.error
    assert page.read_text() == "<title>mine</title>"
    other = tmp_path / "other.html"
    assert ilk("map", run, "--out", other).code == 0
    assert ilk("map", run, "--out", other).code == 0
    assert not (run / "map.html").exists()


def test_mistakes_are_refused(ilk: Ilk, run: Path, tmp_path: Path) -> None:
    wrong = ilk("map", run, "--method", "umap")
    assert wrong.code == 2
    assert "auto, tsne or pca, not 'umap'" in wrong.error
    assert ilk("map", tmp_path / "nowhere").code == 2
    (run / "predictions.csv").unlink()
    missing = ilk("map", run)
    assert missing.code == 3
    assert "predictions.csv" in missing.error


def test_two_sources_are_added_and_a_page_elsewhere_leaves_the_runs_own_map(
    ilk: Ilk, run: Path, tmp_path: Path
) -> None:
    assert ilk("map", run).code == 0
    before = (run / "map.csv").read_bytes()
    one, two = (write_folders(tmp_path / name, draw(2, seed), [None] * 6) for name, seed in (("one", 7), ("two", 8)))
    said = ilk("map", run, "--add", one, "--add", two, "--out", "more.html")
    assert said.code == 0, said
    assert (run / "map.csv").read_bytes() == before
    assert Path("more.png").is_file()
    added = [row for row in rows(Path("more.csv")) if row["added"] == "1"]
    assert [row["filename"] for row in added] == [
        *sorted(f"unlabeled/{picture.name}" for picture in draw(2, 7)),
        *sorted(f"unlabeled/{picture.name}" for picture in draw(2, 8)),
    ]


def test_a_page_has_the_name_of_one_and_replaces_no_table_of_the_user(ilk: Ilk, run: Path) -> None:
    assert "map.html" in ilk("map", run, "--out", "map").error
    Path("mine.csv").write_text("my,own\n")
    assert "mine.csv is there" in ilk("map", run, "--out", "mine.html").error
    assert Path("mine.csv").read_text() == "my,own\n"
