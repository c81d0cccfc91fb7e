"""`ilk predict`: one row for each image, the same answers as the run itself gave, and no file of the user's lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ilk.storage.tables import read_embeddings
from tests.cli.pictures import draw, png, rows, snapshot, write_folders
from tests.finished_runs import SHORT, Finished, Ilk

COLUMNS = [
    *("filename", "label", "confidence", "status"),
    *("neighbor_1", "distance_1", "neighbor_2", "distance_2", "neighbor_3", "distance_3"),
]


def test_unlabeled_images_get_the_answers_of_the_run(ilk: Ilk, finished: Finished) -> None:
    said = ilk("predict", finished.run, finished.data, "--split", "train", "--out", "again.csv")
    assert said.code == 0
    assert said.out.splitlines()[-1] == "again.csv"
    again = {row["filename"]: row for row in rows(Path("again.csv"))}
    first = {row["filename"]: row for row in rows(finished.run / "predictions.csv")}
    assert again.keys() == first.keys()
    assert list(rows(Path("again.csv"))[0]) == COLUMNS
    unlabeled = [name for name in first if "/unlabeled/" in name]
    assert len(unlabeled) == 24
    for name in unlabeled:
        assert again[name] == first[name]


def test_the_evidence_is_labeled_images_nearest_first(ilk: Ilk, finished: Finished) -> None:
    ilk("predict", finished.run, finished.data, "--split", "train", "--out", "again.csv")
    known = {row["filename"] for row in rows(finished.run / "manifest.csv") if row["label"]}
    for row in rows(Path("again.csv")):
        distances = [float(row[f"distance_{rank}"]) for rank in (1, 2, 3)]
        assert distances == sorted(distances)
        assert {row[f"neighbor_{rank}"] for rank in (1, 2, 3)} <= known
        assert 0 < float(row["confidence"]) <= 1
        assert row["status"] in {"sure", "check", "unlike"}
        if row["filename"] in known:  # predict does not know it is the same picture; fit leaves it out of its own row
            assert row["neighbor_1"] == row["filename"]
    for row in rows(finished.run / "predictions.csv"):
        assert row["filename"] not in {row[f"neighbor_{rank}"] for rank in (1, 2, 3)}


def test_without_out_the_answers_lie_in_the_run(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    run = shutil.copytree(finished.run, tmp_path / "run")
    before = snapshot(finished.run)
    said = ilk("predict", run, finished.data / "test")
    assert said.out.splitlines()[-1] == str(run / "predictions-test.csv")
    after = snapshot(run)
    assert after.keys() - before.keys() == {"predictions-test.csv"}
    assert {name: seen for name, seen in after.items() if name in before} == before
    assert list(tmp_path.iterdir()) == [run]


def test_json_and_quiet(ilk: Ilk, finished: Finished) -> None:
    asked = ("predict", finished.run, finished.data, "--split", "test", "--out", "p.csv")
    (event,) = ilk(*asked, "--json").events
    counts = [event["sure"], event["check"], event["unlike"]]
    assert (event["images"], event["skipped"], sum(counts)) == (24, 0, 24)
    assert ilk(*asked, "--quiet").out == "p.csv\n"


def test_one_image_is_data_too(ilk: Ilk, finished: Finished) -> None:
    image = sorted((finished.data / "test" / "dot").iterdir())[0]
    assert ilk("predict", finished.run, image, "--out", "one.csv").code == 0
    assert [row["filename"] for row in rows(Path("one.csv"))] == [image.name]


def test_a_broken_image_is_skipped_and_named(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    new = draw(1, seed=9)
    data = write_folders(tmp_path / "new", new, [None] * 3)
    (data / "unlabeled" / "broken.png").write_bytes(png(new[0].pixels)[:60])
    said = ilk("predict", finished.run, data, "--out", "new.csv")
    assert said.code == 0
    assert "warning: skipped unlabeled/broken.png: " in said.err
    assert len(rows(Path("new.csv"))) == 3


@pytest.mark.parametrize("command", ["predict", "embed"])
@pytest.mark.parametrize("content", [b"name,price\nbolt,3\n", b"", b"PAR1 of something else"])
def test_a_file_of_the_user_s_is_not_replaced(ilk: Ilk, finished: Finished, command: str, content: bytes) -> None:
    mine = Path("mine.csv" if command == "predict" else "mine.parquet")
    mine.write_bytes(content)
    said = ilk(command, finished.run, finished.data, "--split", "test", "--out", mine)
    assert said.code == 2
    assert "was not written by Ilk" in said.error
    assert mine.read_bytes() == content


@pytest.mark.parametrize(("command", "out", "better"), [("predict", "-", ".csv"), ("embed", "e.csv", "e.parquet")])
def test_a_result_is_not_given_a_misleading_name(
    ilk: Ilk, finished: Finished, command: str, out: str, better: str
) -> None:
    said = ilk(command, finished.run, finished.data, "--out", out)
    assert said.code == 2
    assert better in said.error
    assert not Path(out).exists()


def test_wrong_channels_are_refused_both_ways(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    colored, gray = draw(2, seed=4, color=True), draw(2, seed=5)
    color_data = write_folders(tmp_path / "color", colored, [p.truth for p in colored])
    gray_data = write_folders(tmp_path / "gray", gray, [p.truth for p in gray])
    assert ilk("fit", color_data, "--out", "colored", *SHORT, "--quiet").code == 0
    before = snapshot(finished.run), snapshot(Path("colored"))
    for run, data, kind in ((finished.run, color_data, "color"), ("colored", gray_data, "gray")):
        image = next(data.rglob("*.png"))
        for command, what in (("evaluate", data), ("predict", data), ("embed", data), ("search", image)):
            said = ilk(command, run, what)
            assert (said.code, said.out) == (3, ""), command
            assert f"holds {kind} images" in said.error
            assert str(what) in said.error
    assert (snapshot(finished.run), snapshot(Path("colored"))) == before
    assert ilk("predict", "colored", color_data, "--out", "p.csv").code == 0


def test_the_nearest_labeled_image_is_the_nearest_in_the_table_of_embeddings(ilk: Ilk, finished: Finished) -> None:
    ilk("embed", finished.run, finished.data, "--split", "test", "--out", "e.parquet")
    ilk("predict", finished.run, finished.data, "--split", "test", "--out", "p.csv")
    table, run = read_embeddings(Path("e.parquet")), read_embeddings(finished.run / "embeddings.parquet")
    known = [i for i, label in enumerate(run.labels) if label is not None]
    for row, vector in zip(rows(Path("p.csv")), table.vectors, strict=True):
        apart = np.sqrt(((run.vectors[known].astype(float) - vector) ** 2).sum(1))
        assert row["neighbor_1"] == run.names[known[int(apart.argmin())]]
        assert float(row["distance_1"]) == pytest.approx(apart.min(), rel=1e-3)
