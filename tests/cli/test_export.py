"""`ilk export`: the run's model at exactly the named place, and nothing that is not ours is touched."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ilk import NeighborEmbedding
from ilk.model import bundle, self_test
from ilk.model import onnx as onnx_file
from ilk.model.layout import ONNX
from tests.cli.pictures import snapshot
from tests.finished_runs import Finished, Ilk
from tests.model.whole_model import FILES, flip

ABSENT = [name for name in onnx_file.NEEDED if importlib.util.find_spec(name) is None]
needs_onnx = pytest.mark.skipif(bool(ABSENT), reason=f'{", ".join(ABSENT)} absent: pip install "ilk[onnx]"')


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_it_is_the_runs_model_and_nothing_lies_beside_it(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    before = snapshot(finished.run)
    said = ilk("export", finished.run, "--out", "taken")
    assert said.code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert files_in(tmp_path / "taken") == files_in(finished.run / "model")
    assert sorted(files_in(tmp_path / "taken")) == list(FILES)
    assert snapshot(finished.run) == before
    first, place, following = said.out.splitlines()
    assert first == "Model   3 classes, 0.6 MB, verified"
    assert place == "taken"
    assert "ilk verify taken" in following
    assert "ilk predict taken DATA --out answers.csv" in following
    assert ilk("verify", "taken").code == 0
    (event,) = ilk("export", finished.run, "--out", "again", "--json").events
    assert (event["event"], event["path"], event["classes"]) == ("exported", "again", ["bar", "cross", "dot"])


def test_the_taken_model_answers_like_the_run(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    ilk("export", finished.run, "--out", "taken")
    images = finished.data / "test"
    for model, out in ((finished.run, "run.csv"), ("taken", "taken.csv")):
        assert ilk("predict", model, images, "--out", out).code == 0
    assert Path("run.csv").read_bytes() == Path("taken.csv").read_bytes()
    assert ilk("embed", "taken", images, "--out", "points.parquet").code == 0
    with Path("taken.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    model = NeighborEmbedding.load("taken")
    paths = [images / row["filename"] for row in rows]
    assert model.predict(paths).tolist() == [row["label"] for row in rows]
    before = snapshot(tmp_path / "taken")
    for command in ("predict", "embed"):
        said = ilk(command, "taken", images)
        assert said.code == 2
        assert "exported model and stays as it is" in said.error
    assert snapshot(tmp_path / "taken") == before
    assert ilk("search", "taken", paths[0]).code == 2


@pytest.mark.parametrize("place", ["pets", "notes.txt", "run", "link", "other/new"])
def test_what_is_no_model_is_left_alone(ilk: Ilk, finished: Finished, tmp_path: Path, place: str) -> None:
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "cat.png").touch()
    (tmp_path / "notes.txt").write_text("mine")
    shutil.copytree(finished.run, tmp_path / "run")
    (tmp_path / "link").symlink_to(tmp_path / "run" / "model")
    before = snapshot(tmp_path)
    for overwrite in ((), ("--overwrite",)):
        said = ilk("export", finished.run, "--out", place, *overwrite)
        assert said.code == 2
        assert "Name another place by --out" in said.error or "no folder other" in said.error
    assert snapshot(tmp_path) == before


def test_an_earlier_model_is_replaced_only_on_demand(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    assert ilk("export", finished.run, "--out", "taken", "--overwrite").code == 0  # a new path is no error
    flip(tmp_path / "taken" / "model.json", 5, 5)
    said = ilk("export", finished.run, "--out", "taken")
    assert said.code == 2
    assert "--overwrite" in said.error
    assert ilk("verify", "taken").code == 4
    assert ilk("export", finished.run, "--out", "taken", "--overwrite").code == 0
    assert ilk("verify", "taken").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    (tmp_path / "empty").mkdir()
    assert ilk("export", "taken", "--out", "empty").code == 0  # a model is exported as a run is
    assert files_in(tmp_path / "empty") == files_in(tmp_path / "taken")


def test_a_damaged_source_is_refused_before_anything_is_written(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.run, tmp_path / "run")
    flip(tmp_path / "run" / "model" / "weights.safetensors", 5000, 1)
    said = ilk("export", "run", "--out", "taken")
    assert said.code == 4
    assert "ilk resume run" in said.error
    assert not (tmp_path / "taken").exists()
    for place in (".", ".."):
        assert "a folder that you are in" in ilk("export", finished.run, "--out", place, "--overwrite").error
    said = ilk("export", "rum", "--out", "taken")
    assert said.code == 2
    assert "Did you mean run?" in said.error


def test_a_full_disk_leaves_the_earlier_model_and_nothing_beside_it(
    ilk: Ilk, finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ilk("export", finished.run, "--out", "taken")
    before = snapshot(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(bundle, "write_checksums", full)
        for place in ("taken", "new"):
            said = ilk("export", finished.run, "--out", place, "--overwrite")
            assert said.code == 5
            assert "Free some space" in said.error
    assert snapshot(tmp_path) == before


@needs_onnx
def test_with_onnx(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    said = ilk("export", finished.run, "--out", "taken", "--onnx")
    assert said.code == 0
    assert "verified, with ONNX" in said.out
    assert said.err == ""
    assert sorted(files_in(tmp_path / "taken")) == sorted((*FILES, ONNX))
    assert ONNX in json.loads((tmp_path / "taken" / "checksums.json").read_text())["files"]
    checked = ilk("verify", "taken")
    assert checked.code == 0
    assert f"{ONNX} was compared when it was written" in checked.out
    model = NeighborEmbedding.load("taken")
    images = self_test.self_test_images(1, (12, 12))
    points = onnx_file.embed_by_onnx((tmp_path / "taken" / ONNX).read_bytes(), images)
    np.testing.assert_allclose(points, model.transform(images[:, 0]), rtol=0, atol=1e-5)
    flip(tmp_path / "taken" / ONNX, 1000, 1)
    assert f"{ONNX} is damaged" in ilk("verify", "taken").error


@needs_onnx
def test_onnx_that_answers_otherwise_is_not_written(
    ilk: Ilk, finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = onnx_file.embed_by_onnx
    monkeypatch.setattr(onnx_file, "embed_by_onnx", lambda data, images: real(data, images) * np.float32(1.001))
    said = ilk("export", finished.run, "--out", "taken", "--onnx")
    assert said.code == 4
    assert "off by" in said.error
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_onnx_is_refused_at_once(
    ilk: Ilk, finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    said = ilk("export", finished.run, "--out", "taken", "--onnx")
    assert said.code == 2
    assert 'pip install "ilk[onnx]"' in said.error
    assert list(tmp_path.iterdir()) == []
